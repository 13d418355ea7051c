"""The daemon: one queue, one worker, a schedule, and how things stand, put together. Its life is `life`'s to lead.

Knows no socket, no signal and no library of the edges.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

from moneymentor_sync.core.agenda import Ask
from moneymentor_sync.core.daemon_ports import Ledger, Ticker
from moneymentor_sync.core.errors import ShuttingDownError, StateError
from moneymentor_sync.core.events import Emit
from moneymentor_sync.core.ports import Gate, Tick
from moneymentor_sync.core.record import DaemonMark
from moneymentor_sync.core.settings import Config
from moneymentor_sync.core.status import seen_text
from moneymentor_sync.sync.engine import Surroundings, new_run_id

from .board import Board
from .desk import Desk
from .engines import Engines, Runs
from .follow_up import FollowUp
from .gate import RunGate
from .heart import Heart
from .interruptions import Interruptions, Wait
from .operations import Document, Identity, Operations
from .schedule import Schedule
from .standing import Standing
from .worker import Worker

WORKER = "worker"
SPARE_SECONDS = 60.0
"""What the worker may be silent for beyond its longest call."""


@dataclass(frozen=True, slots=True)
class EngineNeeds:
    """What an engine gets of the daemon: progress, the gate between batches, and sleep that can be ended."""

    tick: Tick
    gate: Gate
    sleep: Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Parts:
    """The daemon's edges, as ports. `open_engine` is entered and left in the worker's thread."""

    ledger: Ledger
    ticker: Ticker
    open_engine: Callable[[Config, EngineNeeds], AbstractContextManager[Runs]]
    load_config: Callable[[], Config]
    render_metrics: Callable[[Document], str]
    rest: Callable[[], None]
    emit: Emit


class Daemon:
    """Raises StateError when it is made. `wait` is how its threads wait for a condition."""

    def __init__(
        self,
        config: Config,
        parts: Parts,
        around: Surroundings,
        identity: Identity,
        *,
        wait: Wait = threading.Condition.wait,
    ) -> None:
        clock, monotonic, emit = around.clock, around.monotonic, parts.emit
        self._parts = parts
        self._clock = clock
        self._monotonic = monotonic
        self._emit = emit
        self._identity = identity
        self.heart = Heart(monotonic)
        self._standing = Standing(config, parts.ledger, clock=clock, chance=around.rng.random, emit=emit)
        self._interruptions = Interruptions(monotonic, self._beat, wait)
        self._desk = Desk(lambda: new_run_id(clock(), around.rng))
        self._board = Board(clock, self._beat, self._new_gate)
        self._schedule = Schedule(parts.ticker, self._ask)
        self._follow_up = FollowUp(
            self._standing,
            self._schedule,
            parts.ledger,
            clock=clock,
            monotonic=monotonic,
            rest=parts.rest,
            emit=emit,
        )
        self._worker = Worker(
            self._desk,
            self._standing,
            Engines(self._open_engine),
            self._board,
            clock=clock,
            beat=self._beat,
            after=self._follow_up.after,
            emit=emit,
        )
        self.operations = Operations(
            identity,
            self._standing,
            self._desk,
            self._interruptions,
            self._schedule,
            self._board,
            parts.ledger,
            clock=clock,
            monotonic=monotonic,
            load_config=parts.load_config,
            reconfigured=self._configured,
            render_metrics=parts.render_metrics,
            emit=emit,
        )
        self._thread = threading.Thread(target=self._worker.work, name=WORKER, daemon=True)

    @property
    def config(self) -> Config:
        """The configuration as it is now; another after a reload."""
        return self._standing.config

    # --- its life -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the schedule and the worker, with a first sync of everything that is enabled."""
        self.prepare()
        self._thread.start()

    def prepare(self) -> None:
        """All of `start` but the worker's thread."""
        self._board.started = (self._clock(), self._monotonic())
        self._configured()
        self._follow_up.plan()

    def serve_next(self, seconds: float = 0.0) -> bool:
        """Does what the worker's thread does, once, in the caller's; whether there was a job within so long."""
        job = self._desk.take(seconds)
        if job is not None:
            self._worker.serve(job)
        return job is not None

    def stop(self) -> None:
        """Takes nothing on any more and lets the sync under way end at its next batch; does not wait for it."""
        self._worker.stopping = True
        self._desk.close()
        self._interruptions.stop()

    def join(self, seconds: float) -> bool:
        """Waits for the worker to end; whether it has."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def say_goodbye(self) -> None:
        """Notes in the state file that it was stopped, not killed."""
        self._mark(stopped_at=self._clock())

    def clock_was_set(self, seconds: float) -> None:
        """The wall clock was set by so many seconds: nothing that ends by itself ends sooner or later for it."""
        self._standing.clock_was_set(seconds)
        self._follow_up.plan()

    def check_health(self) -> None:
        """Notes and logs how it goes; called every `health_check_interval`."""
        self._board.last_check = self._clock()
        status = self.operations.status()
        numbers = status["statistics"]
        self._emit(
            "health.checked",
            status=status["health"]["level"],
            reason=status["health"]["reason"],
            uptime=round(numbers["uptime_seconds"] or 0),
            total=numbers["total_syncs"],
            failed=numbers["failed_syncs"],
            success_rate=numbers["success_rate_percent"],
        )

    def _mark(self, stopped_at: float | None = None) -> None:
        started = self._board.started[0] if self._board.started else self._clock()
        mark = DaemonMark(self._identity.pid, self._identity.version, started, stopped_at, seen_text(self.config))
        try:
            self._parts.ledger.save_mark(mark)
        except StateError as error:
            self._emit("state.failed", error=error.code, message=str(error), hint=error.hint)

    # --- what its parts need of it --------------------------------------------------------------------------

    def _configured(self) -> None:
        """Plans what the configuration asks for, and syncs all of it now."""
        self._mark()
        config = self.config
        longest = max(config.google.timeout_seconds, config.database.statement_timeout_seconds)
        self.heart.expect(WORKER, longest + SPARE_SECONDS)
        self._schedule.plan(config.datasets)
        self._ask(Ask(frozenset(one.name for one in config.datasets), "start"))

    def _ask(self, ask: Ask) -> None:
        """An ask that nobody waits for; one that comes while stopping is dropped."""
        try:
            self._desk.ask(ask)
        except ShuttingDownError:
            return

    def _beat(self) -> None:
        self.heart.beat(WORKER)

    def _open_engine(self, config: Config) -> AbstractContextManager[Runs]:
        needs = EngineNeeds(self._board.tick, self._board.gate, self._board.sleeping(self._interruptions.sleep))
        return self._parts.open_engine(config, needs)

    def _new_gate(self, run_id: str) -> Gate:
        return RunGate(
            self._interruptions,
            self.config.sync.max_pause_seconds,
            urgent=lambda: self._board.forced or self._desk.urgent,
            waiting=self._board.waiting,
            emit=self._emit,
            run_id=run_id,
        )
