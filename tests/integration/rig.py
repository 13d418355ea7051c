"""A workbench for very many syncs: one client for all of them, everything else as new as after a restart.

A sync can be ended dead at any step (`Crash`), with the state file as it was on the disk at that moment; the
spreadsheet and the state file can be set back, so that one beginning serves many endings.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moneymentor_sync.adapters.database import DatabaseSource
from moneymentor_sync.adapters.google_client import GoogleClient
from moneymentor_sync.adapters.google_sheets import GoogleSheets
from moneymentor_sync.adapters.lock_file import LockFiles
from moneymentor_sync.adapters.spool import Spool
from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.core.cells import CellRules
from moneymentor_sync.core.events import unheard
from moneymentor_sync.core.ports import RunResult
from moneymentor_sync.core.sheet_status import no_outlook
from moneymentor_sync.sandbox.document import Document
from moneymentor_sync.sync import Edges, Engine, Surroundings
from moneymentor_sync.sync.sheet_status import SheetStatus

from .workbench import Workbench


class Crash(BaseException):
    """The process is gone at this moment: nothing that follows is done, whatever catches what."""


@dataclass
class Steps:
    """Counts the steps of a sync that leave a trace: each request and each transaction of the state file, before
    and after it. At number `crash_at` (from 1) the process is gone."""

    state: Path
    crash_at: int | None = None
    passed: list[str] = field(default_factory=list)
    crashed: str | None = None
    kept: dict[str, bytes] = field(default_factory=dict)

    def step(self, name: str) -> None:
        if self.crashed is not None:
            raise Crash(name)
        self.passed.append(name)
        if len(self.passed) == self.crash_at:
            self.crashed = name
            self.kept = on_disk(self.state)
            raise Crash(name)

    def around(self, name: str, action: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.step(f"before {name}")
            result = action(*args, **kwargs)
            self.step(f"after {name}")
            return result

        return wrapped


STORE_STEPS = ("begin_write", "save_fence", "finish", "record")


def on_disk(state: Path) -> dict[str, bytes]:
    """The state file and what SQLite keeps beside it."""
    return {path.name: path.read_bytes() for path in state.parent.glob(f"{state.name}*")}


def put_on_disk(state: Path, kept: dict[str, bytes]) -> None:
    shutil.rmtree(state.parent, ignore_errors=True)
    state.parent.mkdir(parents=True, mode=0o700)
    for name, content in kept.items():
        (state.parent / name).write_bytes(content)


@dataclass(frozen=True)
class Moment:
    """The spreadsheet, the state file and the database as they were."""

    document: Document
    state: dict[str, bytes]
    database: bytes


class Rig:
    """Syncs of one workbench."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        config = bench.config
        self._client = GoogleClient(config.google, bench.spreadsheet)
        self._source = DatabaseSource(config.database)
        self.steps = Steps(bench.state)

    def close(self) -> None:
        self._client.close()

    # --- syncs ----------------------------------------------------------------------------------------------

    def run(self, *, force: bool = False, crash_at: int | None = None) -> RunResult | None:
        """One sync by a process that has just started; None where it crashed."""
        bench = self.bench
        config = bench.config
        self.steps = Steps(bench.state, crash_at)
        bench.box.log.reset()
        around = Surroundings(bench.clock, bench.clock, bench.clock.sleep, bench.chance)
        with self._watched():
            store = StateFile(bench.state)
            store._db.execute("PRAGMA synchronous = OFF")  # no power fails here; a crash is a copy of the files
            destination = GoogleSheets(self._client, max_cells=bench.max_cells, rng=bench.chance)
            for name in STORE_STEPS:
                setattr(store, name, self.steps.around(name, getattr(store, name)))
            locks = LockFiles(config.state_path, "test")
            edges = Edges(self._source, lambda _: destination, store, locks, Spool)
            status = None
            if config.sheet.status:
                status = SheetStatus(config.sheet, config.datasets, no_outlook, bench.clock, unheard)
            engine = Engine(config.sync, CellRules.of(config), edges, around, status=status)
            try:
                run = engine.run(config.datasets, allow_deletes=force)
                engine.tell()
                return run
            except Crash:
                return None
            finally:
                store.close()
                if self.steps.crashed is not None:
                    put_on_disk(bench.state, self.steps.kept)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        call = self._client.call
        self._client.call = self.steps.around("request", call)  # type: ignore[method-assign]  # put back below
        try:
            yield
        finally:
            self._client.call = call  # type: ignore[method-assign]

    # --- moments --------------------------------------------------------------------------------------------

    @property
    def document(self) -> Document:
        return self.bench.box.document(self.bench.spreadsheet)

    def moment(self) -> Moment:
        return Moment(self.document, on_disk(self.bench.state), self.bench.database.read_bytes())

    def go_back(self, to: Moment) -> None:
        library = self.bench.box.library
        with library.lock:
            library.documents = library.documents | {self.bench.spreadsheet: to.document}
        put_on_disk(self.bench.state, to.state)
        self.bench.database.write_bytes(to.database)

    def desired(self) -> list[tuple[Any, ...]]:
        """What the dataset's query gives at this moment."""
        connection = sqlite3.connect(self.bench.database)
        rows = connection.execute(str(self.bench.datasets[0].query)).fetchall()
        connection.close()
        return rows
