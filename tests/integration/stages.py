"""Kinds of sync to let faults befall: each can be put back to its beginning, quickly and as often as wanted.

Everything that is ours is real (database, state file, engine, pygsheets over real HTTP); it stays open from one
sync to the next, as in the daemon, only the token is had anew each time.
"""

from __future__ import annotations

import os
import random
import select
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httplib2
import pytest

from moneymentor_sync.adapters import google_sheets, google_staging
from moneymentor_sync.adapters.database import DatabaseSource
from moneymentor_sync.adapters.google_client import GoogleClient, load_credentials
from moneymentor_sync.adapters.google_sheets import GoogleSheets
from moneymentor_sync.adapters.lock_file import LockFiles
from moneymentor_sync.adapters.spool import Spool
from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.core.cells import CellRules
from moneymentor_sync.core.ports import RunResult
from moneymentor_sync.core.settings import Dataset, SyncSettings
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.document import Document
from moneymentor_sync.sync import Edges, Engine, Surroundings

from .spreadsheet_states import Picture, Recorder, Rule, Seen, one_of, rows_old_or_new, seen
from .workbench import TAB, Workbench

SMALL_BODY = 2_000
"""Bytes a request may have where a sync is to be a large one, and quick."""
TIMEOUT_SECONDS = 60
"""Nothing waits so long: where an answer is to be too late, `Delay` says when it is."""


@dataclass(frozen=True, slots=True)
class Position:
    """One request of a sync: its kind, and the tabs that there are when it arrives."""

    kind: str
    tabs: tuple[str, ...]


class SandboxClock:
    """The sandbox's clock: the machine's, and `ahead` seconds."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead

    def put(self, ahead: float) -> None:
        self.ahead = ahead


class Delay:
    """The sandbox's pause: what is late comes when it is let go, not when a clock says so.

    Nor does a clock say that it is too late: the client's time-out begins to run when the sandbox holds the
    request, however long a busy machine took to get there.
    """

    def __init__(self) -> None:
        self._gate = threading.Event()
        self._threads: list[threading.Thread] = []
        self._held = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def __call__(self, _seconds: float) -> None:
        self._threads.append(threading.current_thread())
        os.eventfd_write(self._held, 1)
        assert self._gate.wait(60)

    def hold(self) -> None:
        self._gate.clear()
        self._threads.clear()

    @contextmanager
    def times_out(self) -> Iterator[None]:
        """Meanwhile, on connections that are made to Google, what is held times out at once, and nothing else."""
        connect = httplib2.HTTPConnectionWithTimeout.connect

        def impatient(connection: httplib2.HTTPConnectionWithTimeout) -> None:
            connect(connection)
            connection.sock = _Impatient(connection.sock, self._held)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(httplib2.HTTPConnectionWithTimeout, "connect", impatient)
            yield

    def close(self) -> None:
        os.close(self._held)

    @property
    def held(self) -> int:
        return len(self._threads)

    def let_go(self) -> None:
        """Returns when what was late has come about, and its connection has ended with it."""
        self._gate.set()
        for thread in self._threads:
            thread.join(10)
            assert not thread.is_alive(), "the client still has the connection on which it gave up"


class _Impatient(socket.socket):
    """A connected socket that waits for bytes as long as any, but not for what `held` says is kept back."""

    def __init__(self, connected: socket.socket, held: int) -> None:
        seconds = connected.gettimeout()
        super().__init__(fileno=connected.detach())
        self.settimeout(seconds)
        self._held = held

    def recv_into(self, *given: Any) -> int:
        ready, _, _ = select.select([self.fileno(), self._held], [], [], self.gettimeout())
        if ready == [self._held]:
            os.eventfd_read(self._held)
            self.settimeout(0.001)  # it is kept back until it is let go: the kernel's time-out is all that comes
        return super().recv_into(*given)


@dataclass
class Stage:
    """One kind of sync, ready to begin."""

    name: str
    bench: Workbench
    body_bytes: int | None
    steps: bool
    _engines: dict[tuple[int, bool], Engine] = field(default_factory=dict)
    positions: list[Position] = field(default_factory=list)
    before: Seen = field(default_factory=dict)
    after: Seen = field(default_factory=dict)

    @property
    def box(self) -> Sandbox:
        return self.bench.box

    # --- the beginning ------------------------------------------------------------------------------------

    def keep(self) -> None:
        """Takes this moment for the beginning."""
        self._document: Document = self.box.document(self.bench.spreadsheet)
        self.before = seen(self._document)
        self._kept_state = self.bench.directory / "kept.db"
        with closing(sqlite3.connect(self._kept_state)) as kept, closing(sqlite3.connect(self.bench.state)) as now:
            now.backup(kept)

    def rewind(self) -> None:
        self.box.faults.clear()
        self.box.hooks.clear()
        with self.box.library.lock:
            self.box.library.documents[self.bench.spreadsheet] = self._document
        with closing(sqlite3.connect(self._kept_state)) as kept, closing(sqlite3.connect(self.bench.state)) as now:
            kept.backup(now)

    def restore_spreadsheet(self) -> None:
        """What was deleted for good is back, as it was at the beginning."""
        with self.box.library.lock:
            self.box.library.documents[self.bench.spreadsheet] = self._document

    # --- syncs --------------------------------------------------------------------------------------------

    def open(self, hold: Callable[[Callable[[], None]], object]) -> None:
        """Opens what stays open; `hold` takes what has to be called at the end."""
        bench = self.bench
        store = StateFile(bench.state)
        hold(store.close)
        source, locks = DatabaseSource(bench.config.database), LockFiles(bench.state, "test")
        around = Surroundings(bench.clock, bench.clock, self._sleep, bench.chance)
        rules = CellRules.of(bench.config)
        self.credentials = load_credentials(bench.config.google.account)
        google = replace(bench.config.google, timeout_seconds=TIMEOUT_SECONDS)
        for late in (False, True):
            client = GoogleClient(google, bench.spreadsheet, self.credentials)
            hold(client.close)

            def sheets(_spreadsheet: str, client: GoogleClient = client) -> GoogleSheets:
                return GoogleSheets(client, max_cells=bench.max_cells, rng=bench.chance)

            edges = Edges(source, sheets, store, locks, Spool)
            for retries in (0, 3):
                self._engines[retries, late] = Engine(SyncSettings(max_retries=retries), rules, edges, around)
        self.on_sleep: Callable[[], object] = lambda: None

    def _sleep(self, seconds: float) -> None:
        self.bench.clock.sleep(seconds)
        self.on_sleep()

    def sync(self, *, retries: int, late: Delay | None = None, token: str | None = None) -> RunResult:
        """One sync; `late` has its answers time out that it holds, `token` is what the sync has from before."""
        self.credentials.token = token
        self.box.log.reset()
        with pytest.MonkeyPatch.context() as patch, late.times_out() if late is not None else nullcontext():
            if self.body_bytes is not None:
                for module in (google_sheets, google_staging):
                    patch.setattr(module, "BODY_BYTES", self.body_bytes)
            return self._engines[retries, late is not None].run(self.bench.datasets)

    def learn(self) -> None:
        """One sync without a fault: where faults can strike, and what the spreadsheet is like afterwards."""
        self.rewind()
        found: list[tuple[str, ...]] = []
        self.box.hooks.on_arrival(lambda _request: found.append(tuple(self.box.tabs(self.bench.spreadsheet))))
        recorder = self.record()
        assert self.sync(retries=0).ok
        entries = self.box.log.entries
        assert len(found) == len(entries) == sum(map(self.box.log.count, ("token", "read", "write", "drive")))
        self.positions = [Position(entry.kind, tabs) for entry, tabs in zip(entries, found, strict=True)]
        self.after = recorder.states[-1]
        self.rewind()

    # --- what may be seen ---------------------------------------------------------------------------------

    def record(self) -> Recorder:
        return Recorder(self.box, self.bench.spreadsheet).start()

    @property
    def rules(self) -> dict[str, Rule]:
        return {dataset.tab: self.rule(dataset.tab) for dataset in self.bench.datasets}

    def rule(self, tab: str) -> Rule:
        old, new = self.before.get(tab), self.after[tab]
        if self.steps and old is not None:
            return rows_old_or_new(old, new)
        return one_of(old, new)

    def made_anew(self, tab: str = TAB) -> Picture:
        """The tab after a person deleted it: what they had written in it is gone with it."""
        names = ["id", "name", "score"]
        at = [self.after[tab].rows[0].index(name) for name in names]
        header, *rows = (tuple(row[i] for i in at) for row in self.after[tab].rows)
        return Picture((header, *sorted(rows, key=lambda row: float(str(row[0])))))

    def staging(self) -> list[str]:
        return [tab for tab in self.box.tabs(self.bench.spreadsheet) if "staging" in tab]


# --- the kinds ----------------------------------------------------------------------------------------------


def _rows(numbers: range, text: str, score: int = 0) -> list[tuple[int, str, int]]:
    return [(i, f"{text} {i}", i + score) for i in numbers]


def _beside(bench: Workbench, count: int) -> None:
    """A column of a person's in the middle, and a note on some cells."""
    bench.person.insert_columns(TAB, 2)
    bench.person.type_rows(TAB, 0, 2, [["mine"], *[[f"about {i}"] for i in range(1, count + 1)]])
    for row in range(1, count + 1, 2):
        bench.person.note(TAB, row, 1, f"note {row}")
    bench.sync()


def first(bench: Workbench) -> None:
    bench.people(*_rows(range(1, 4), "p"))


def small_change(bench: Workbench) -> None:
    bench.people(*_rows(range(1, 7), "p"))
    bench.sync()
    _beside(bench, 6)
    bench.people((1, "p 1", 1), (2, "new", 2), (3, "p 3", 3), (4, "p 4", 44), (6, "p 6", 6), (7, "p 7", 7))


def large_first(bench: Workbench) -> None:
    bench.people(*_rows(range(1, 61), "x" * 60))


def large_update(bench: Workbench) -> None:
    bench.people(*_rows(range(1, 41), "x" * 60))
    bench.sync()
    bench.people(*_rows(range(1, 41), "y" * 60, 1000), *_rows(range(41, 81), "z" * 60))


def large_update_in_steps(bench: Workbench) -> None:
    bench.people(*_rows(range(1, 61), "x" * 60))
    bench.sync()
    _beside(bench, 60)
    changed = [
        (i, f"{'y' * 400} {i}", -i) if i in (2, 5, 41, 44) else (i, f"{'x' * 60} {i}", i) for i in range(1, 61)
    ]
    kept = [row for row in changed if row[0] % 3]
    bench.people(*kept, *_rows(range(61, 91), "new"))


def two_datasets(bench: Workbench) -> None:
    bench.sql("CREATE TABLE other (id INTEGER PRIMARY KEY, name TEXT, score NUMERIC)")
    bench.people(*_rows(range(1, 5), "p"))
    bench.sql("INSERT INTO other VALUES (?, ?, ?)", *_rows(range(1, 5), "o"))
    other: Dataset = bench.dataset(name="other", tab="Other", query="SELECT id, name, score FROM other ORDER BY id")
    bench.datasets = [*bench.datasets, other]
    assert bench.run().ok
    _beside(bench, 4)
    bench.sql("UPDATE people SET score = 77 WHERE id = 2")
    bench.sql("DELETE FROM other WHERE id = 2")


@dataclass(frozen=True, slots=True)
class Recipe:
    """How a stage is set up; `minimum` is how many requests its sync has at least."""

    prepare: Callable[[Workbench], None]
    minimum: int
    body_bytes: int | None = None
    steps: bool = False

    @property
    def name(self) -> str:
        return self.prepare.__name__


RECIPES: tuple[Recipe, ...] = (
    Recipe(first, 3),
    Recipe(small_change, 3),
    Recipe(large_first, 7, SMALL_BODY),
    Recipe(large_update, 10, SMALL_BODY),
    Recipe(large_update_in_steps, 8, SMALL_BODY, steps=True),
    Recipe(two_datasets, 4),
)


@contextmanager
def set_up(
    recipe: Recipe, box: Sandbox, directory: Path, hold: Callable[[Callable[[], None]], object]
) -> Iterator[Stage]:
    bench = Workbench(box, directory)
    bench.chance = random.Random(len(recipe.name))
    recipe.prepare(bench)
    stage = Stage(recipe.name, bench, recipe.body_bytes, recipe.steps)
    stage.open(hold)
    stage.keep()
    stage.learn()
    assert len(stage.positions) >= recipe.minimum, [one.kind for one in stage.positions]
    yield stage
