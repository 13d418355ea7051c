"""A daemon whose time, ticks, ledger and engine are given: what it decides can be tested without waiting."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from moneymentor_sync.core.breaker import Breaker
from moneymentor_sync.core.daemon_ports import Changed, Witness
from moneymentor_sync.core.errors import MmsyncError, StateError
from moneymentor_sync.core.ports import DatasetResult, RunResult
from moneymentor_sync.core.realtime import Hearing
from moneymentor_sync.core.record import NO_RUNS, DaemonMark, DatasetRecord, Totals
from moneymentor_sync.core.settings import (
    Config,
    DatabaseSettings,
    Dataset,
    GoogleSettings,
    LogSettings,
    Retention,
    ServiceAccount,
    SyncSettings,
)
from moneymentor_sync.core.sheet_status import Ending
from moneymentor_sync.core.switches import Switch
from moneymentor_sync.daemon.daemon import Daemon
from moneymentor_sync.daemon.parts import EngineNeeds, FleetEdges, Identity, Parts
from moneymentor_sync.sync import Surroundings


@dataclass
class Time:
    """A wall clock and a monotonic one that pass only when told."""

    wall: float = 1_800_000_000.0
    mono: float = 1_000.0
    slept: float = 0.0

    def clock(self) -> float:
        return self.wall

    def monotonic(self) -> float:
        return self.mono

    def advance(self, seconds: float) -> None:
        self.wall += seconds
        self.mono += seconds


@dataclass
class _Job:
    due: float
    call: Callable[[], None]
    every: float | None


class Ticker:
    """Calls what is due when time is moved on by `pass_time`; exact, without jitter."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.jobs: dict[str, _Job] = {}
        self.steps = 0
        self.running = False

    def start(self) -> None:
        self.running = True

    def every(self, name: str, seconds: float, call: Callable[[], None], *, jitter: float = 0.0) -> None:
        self.jobs[name] = _Job(self.time.mono + seconds, call, seconds)

    def once(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        self.jobs[name] = _Job(self.time.mono + seconds, call, None)

    def cancel(self, name: str) -> None:
        self.jobs.pop(name, None)

    def due_in(self, name: str) -> float | None:
        job = self.jobs.get(name)
        return None if job is None else max(job.due - self.time.mono, 0.0)

    def clock_stepped(self) -> None:
        self.steps += 1

    def stop(self) -> None:
        self.running = False

    def next_due(self) -> float:
        return min((job.due for job in self.jobs.values()), default=float("inf"))

    def call_due(self) -> None:
        for name, job in list(self.jobs.items()):
            if job.due <= self.time.mono and self.jobs.get(name) is job:
                if job.every is None:
                    del self.jobs[name]
                else:
                    job.due += job.every
                    if job.due <= self.time.mono:
                        job.due = self.time.mono + job.every
                job.call()


@dataclass
class MemoryLedger:
    """A ledger without a file; `broken` makes every note fail as on a full disk."""

    kept: Totals = NO_RUNS
    known: dict[str, DatasetRecord] = field(default_factory=dict)
    on: dict[str, Switch] = field(default_factory=dict)
    breaks: dict[str, Breaker] = field(default_factory=dict)
    marked: DaemonMark | None = None
    broken: bool = False
    pruned: list[float] = field(default_factory=list)
    recorded: list[RunResult] = field(default_factory=list)

    def totals(self) -> Totals:
        return self.kept

    def records(self) -> dict[str, DatasetRecord]:
        return dict(self.known)

    def runs(self, dataset: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
        return []

    def record(self, run: RunResult) -> None:
        self._check()
        self.recorded.append(run)

    def prune(self, retention: Retention, now: float) -> int:
        self._check()
        self.pruned.append(now)
        return 0

    def switches(self) -> dict[str, Switch]:
        return dict(self.on)

    def save_switches(self, *switches: Switch) -> None:
        self._check()
        self.on.update({one.name: one for one in switches})

    def breakers(self) -> dict[str, Breaker]:
        return dict(self.breaks)

    def save_breakers(self, breakers: dict[str, Breaker]) -> None:
        self._check()
        self.breaks.update(breakers)

    def mark(self) -> DaemonMark | None:
        return self.marked

    def save_mark(self, mark: DaemonMark) -> None:
        self._check()
        self.marked = mark

    def _check(self) -> None:
        if self.broken:
            raise StateError("the state file cannot be used: database or disk is full")


class Script:
    """An engine that does what it is told: `fails` maps a dataset to the error of its syncs, `raises` is thrown."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.fails: dict[str, MmsyncError] = {}
        self.raises: Exception | None = None
        self.blind: set[str] = set()
        """Datasets that find nothing changed without a look at the spreadsheet."""
        self.during: Callable[[EngineNeeds], None] = lambda _needs: None
        self.seconds = 0.5
        self.runs: list[tuple[str, list[str], frozenset[str]]] = []
        self.opened = 0
        self.told: list[Ending | None] = []
        """Each time that it was to tell the sheet's readers, with the word for it at the end."""
        self.told_only: list[set[str] | None] = []
        """The spreadsheets that each of these was for; None for all."""
        self.needs: EngineNeeds | None = None

    @contextmanager
    def open(self, _config: Config, needs: EngineNeeds) -> Iterator[Script]:
        self.opened += 1
        self.needs = needs
        yield self

    def run(
        self, datasets: Sequence[Dataset], *, trigger: str, allow_deletes: Collection[str], run_id: str
    ) -> RunResult:
        started = self.time.wall
        self.runs.append((trigger, [one.name for one in datasets], frozenset(allow_deletes)))
        if self.raises is not None:
            raise self.raises
        assert self.needs is not None
        self.during(self.needs)
        self.time.advance(self.seconds)
        results = tuple(self._result(one) for one in datasets)
        return RunResult(run_id, started, self.seconds, trigger, results)

    def tell(self, ended: Ending | None = None, only: Collection[str] | None = None) -> None:
        self.told.append(ended)
        self.told_only.append(None if only is None else {*only})

    def _result(self, dataset: Dataset) -> DatasetResult:
        error = self.fails.get(dataset.name)
        if error is None:
            if dataset.name in self.blind:
                return DatasetResult(dataset.name, dataset.tab, "unchanged", rows=3)
            return DatasetResult(dataset.name, dataset.tab, "synced", rows=3, inserted=1, reads=1, writes=1)
        return DatasetResult(
            dataset.name, dataset.tab, "failed", error_code=error.code, error=str(error), hint=error.hint
        )


def config_of(*names: str, **sync: Any) -> Config:
    """A configuration of these datasets, `a` and `b` if none is named, synced every 300 s."""
    settings = replace(SyncSettings(), **sync)
    return Config(
        database=DatabaseSettings("sqlite:///app.db"),
        google=GoogleSettings("sheet", ServiceAccount()),
        sync=settings,
        state_path=Path("/state.db"),
        socket_path=Path("/control.sock"),
        log=LogSettings(),
        datasets=tuple(
            Dataset(name, name.upper(), ("id",), "sheet", table=name, interval_seconds=settings.interval_seconds)
            for name in names or ("a", "b")
        ),
    )


HEARING = Hearing("listen", "listening", 1_800_000_000.0)


@dataclass
class Ear:
    """A watch that hears what the test tells it: `changed`, with names of datasets or None for all."""

    config: Config
    changed: Changed
    started: bool = False
    stopped: bool = False
    hearing: Hearing = HEARING

    def start(self) -> None:
        self.started = True

    def stop(self) -> None:
        self.stopped = True


class Bench:
    """A daemon on doubles. `settle` does all that is to be done now, `pass_time` what comes with time."""

    def __init__(
        self,
        config: Config | None = None,
        ledger: MemoryLedger | None = None,
        fleet: Callable[[Time], FleetEdges] | None = None,
        witnesses: Sequence[Witness] = (),
    ) -> None:
        self.time = Time()
        self.ticker = Ticker(self.time)
        self.ledger = ledger or MemoryLedger()
        self.engine = Script(self.time)
        self.rests: list[float] = []
        self.rest: Callable[[], object] = lambda: self.rests.append(self.time.mono)
        self.events: list[tuple[str, dict[str, object]]] = []
        self.ears: list[Ear] = []
        """Every watch that was opened, the present one last."""
        self.on_disk: Config | MmsyncError = config or config_of()
        first = self.on_disk
        assert isinstance(first, Config)
        parts = Parts(
            ledger=self.ledger,
            ticker=self.ticker,
            open_engine=self.engine.open,
            load_config=self._load,
            render_metrics=str,
            rest=self._rest,
            emit=self.emit,
            open_watch=self._open_watch,
            fleet=None if fleet is None else fleet(self.time),
            witnesses=witnesses,
        )
        around = Surroundings(self.time.clock, self.time.monotonic, self.time.advance, random.Random(1))
        self.daemon = Daemon(first, parts, around, Identity("1.2.3", 42), wait=self.wait)
        self.waits: list[float] = []
        self.while_waiting: Callable[[], object] = lambda: None

    def _open_watch(self, config: Config, changed: Changed) -> Ear | None:
        if not config.database.listen:
            return None
        self.ears.append(Ear(config, changed))
        return self.ears[-1]

    def _rest(self) -> None:
        self.rest()

    def _load(self) -> Config:
        if isinstance(self.on_disk, MmsyncError):
            raise self.on_disk
        return self.on_disk

    def emit(self, event: str, **fields: object) -> None:
        self.events.append((event, fields))

    def wait(self, _condition: threading.Condition, seconds: float) -> None:
        self.waits.append(seconds)
        self.time.advance(seconds)
        self.while_waiting()

    def start(self) -> Bench:
        self.daemon.prepare()
        self.settle()
        return self

    def settle(self) -> None:
        while self.daemon.serve_next():
            pass

    def pass_time(self, seconds: float) -> None:
        until = self.time.mono + seconds
        while (due := self.ticker.next_due()) <= until:
            self.time.advance(max(due - self.time.mono, 0.0))
            self.ticker.call_due()
            self.settle()
        self.time.advance(max(until - self.time.mono, 0.0))
        self.daemon.heart.beat("worker")  # it waits for a job, and says so every few seconds

    @property
    def status(self) -> dict[str, Any]:
        return self.daemon.operations.status()

    @property
    def synced(self) -> list[list[str]]:
        """The datasets of each run so far."""
        return [datasets for _, datasets, _ in self.engine.runs]

    def said(self, event: str) -> list[dict[str, object]]:
        return [fields for name, fields in self.events if name == event]
