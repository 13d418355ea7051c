"""A database, the stand-in of Google over real HTTP, and the engine between them with the real pygsheets."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.core.ports import DatasetResult, Gate, RunResult
from moneymentor_sync.core.settings import (
    Config,
    DatabaseSettings,
    Dataset,
    GoogleSettings,
    LogSettings,
    ServiceAccount,
    SheetSettings,
    SyncSettings,
)
from moneymentor_sync.core.sheet_status import Outlook, no_outlook
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sync import Engine, PlanOutcome, Surroundings
from moneymentor_sync.wiring import open_engine

TAB = "People"


@dataclass
class Clock:
    """Time that passes only when somebody sleeps or says so."""

    now: float = 1_800_000_000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


class Workbench:
    """One dataset `people` (id, name, score), its table in SQLite, and a spreadsheet of the sandbox."""

    def __init__(self, box: Sandbox, directory: Path) -> None:
        self.box = box
        self.directory = directory
        self.spreadsheet = box.new_spreadsheet("Bench", share_with=(box.client_email,))
        self.person = box.person(self.spreadsheet)
        self.clock = Clock()
        self.chance = random.Random(7)
        self.database = directory / "source.db"
        self.state = directory / "state" / "state.db"
        self.sql("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, score NUMERIC)")
        self.datasets = [self.dataset()]
        self.settings = SyncSettings()
        self.sheet = SheetSettings()
        self.outlooks: dict[str, Outlook] = {}
        """What a daemon has planned; nothing for a dataset that is not named."""
        self.events: list[tuple[str, dict[str, object]]] = []
        self.max_cells = 10_000_000

    # --- the database ---------------------------------------------------------------------------------------

    def sql(self, statement: str, *rows: Sequence[Any]) -> None:
        connection = sqlite3.connect(self.database)
        with connection:
            if rows:
                connection.executemany(statement, rows)
            else:
                connection.execute(statement)
        connection.close()

    def people(self, *rows: Sequence[Any]) -> None:
        """Replaces everybody in the table."""
        self.sql("DELETE FROM people")
        if rows:
            self.sql("INSERT INTO people VALUES (?, ?, ?)", *rows)

    # --- the configuration ----------------------------------------------------------------------------------

    def dataset(self, **given: Any) -> Dataset:
        base = Dataset(
            name="people",
            tab=TAB,
            key=("id",),
            spreadsheet_id=self.spreadsheet,
            query="SELECT id, name, score FROM people ORDER BY id",
        )
        return replace(base, **given)

    @property
    def config(self) -> Config:
        return Config(
            database=DatabaseSettings(f"sqlite:///{self.database}"),
            google=GoogleSettings(
                self.spreadsheet,
                ServiceAccount(file=self.box.credentials_file),
                api_endpoint=self.box.url,
                timeout_seconds=20,
                max_cells=self.max_cells,
            ),
            sync=self.settings,
            state_path=self.state,
            socket_path=self.directory / "control.sock",
            log=LogSettings(),
            datasets=tuple(self.datasets),
            sheet=self.sheet,
        )

    # --- syncs ----------------------------------------------------------------------------------------------

    def run(self, *, force: bool = False, remove_unmatched: bool = False) -> RunResult:
        with self.opened() as engine:
            return engine.run(self.config.datasets, allow_deletes=force, remove_unmatched=remove_unmatched)

    @contextmanager
    def opened(self) -> Iterator[Engine]:
        """An engine for more than one sync, counted from here on."""
        self.box.log.reset()
        with self.kept_engine() as engine:
            yield engine

    @contextmanager
    def kept_engine(self, gate: Gate | None = None) -> Iterator[Engine]:
        """One that is kept from sync to sync, as a daemon keeps it."""
        around = Surroundings(self.clock, self.clock, self.clock.sleep, self.chance)

        def emit(event: str, **fields: object) -> None:
            self.events.append((event, fields))

        def outlook(dataset: Dataset) -> Outlook:
            return self.outlooks.get(dataset.name) or no_outlook(dataset)

        config = self.config
        with open_engine(
            config, holder="test", surroundings=around, emit=emit, outlook=outlook, gate=gate
        ) as engine:
            yield engine

    def told(self) -> RunResult:
        """One sync, and what it then tells the sheet's readers; the sandbox's log has both."""
        self.box.log.reset()
        with self.kept_engine() as engine:
            run = engine.run(self.config.datasets)
            engine.tell()
        return run

    def sync(self, *, force: bool = False) -> DatasetResult:
        """One sync that must succeed; the result of its first dataset."""
        run = self.run(force=force)
        assert run.ok, [(one.error_code, one.error) for one in run.datasets]
        return run.datasets[0]

    def refused(self, *, force: bool = False) -> DatasetResult:
        """One sync that must fail and leave the spreadsheet as it is."""
        before = self.everything()
        run = self.run(force=force)
        assert not run.ok
        assert self.everything() == before
        return next(one for one in run.datasets if one.result == "failed")

    def plan(self) -> PlanOutcome:
        around = Surroundings(self.clock, self.clock, self.clock.sleep, self.chance)
        self.box.log.reset()
        with open_engine(self.config, holder="test", surroundings=around, only_plan=True) as engine:
            return engine.plan(self.config.datasets)[0]

    def forget(self) -> None:
        """Loses the state file."""
        for path in self.state.parent.iterdir():
            path.unlink()

    def forget_fingerprints(self) -> None:
        """Makes the next sync compare everything, cell by cell, with what it knows of the tab otherwise kept."""
        connection = sqlite3.connect(self.state)
        with connection:
            connection.execute("UPDATE dataset SET source = '', content = ''")
        connection.close()

    # --- the spreadsheet ------------------------------------------------------------------------------------

    def grid(self, tab: str = TAB) -> list[list[Any]]:
        return self.box.grid(self.spreadsheet, tab)

    def rows(self, tab: str = TAB) -> list[list[Any]]:
        return self.grid(tab)[1:]

    def everything(self) -> dict[str, list[list[Any]]]:
        """All tabs that people see."""
        return {tab: self.grid(tab) for tab in self.box.tabs(self.spreadsheet) if not tab.startswith("_mmsync")}

    def before_write(self, action: Callable[[], None], *, times: int = 1, skip: int = 0) -> list[int]:
        """Lets a person do something right before writes arrive; the list says how often that happened."""
        happened: list[int] = []
        seen = [0]

        def hook(_request: object) -> None:
            seen[0] += 1
            if seen[0] > skip and len(happened) < times:
                happened.append(seen[0])
                action()

        self.box.hooks.before_write(hook)
        return happened

    def store(self) -> StateFile:
        return StateFile(self.state)


def body(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Rows as the sandbox gives cells: integers are numbers."""
    return [[float(c) if type(c) is int else c for c in row] for row in rows]
