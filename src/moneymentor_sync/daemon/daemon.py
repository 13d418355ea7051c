"""The daemon: one queue, one worker, a schedule, and how things stand, put together. Its life is `life`'s to lead.

Knows no socket, no signal and no library of the edges.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from functools import partial

from moneymentor_sync.core.agenda import Ask, Trigger
from moneymentor_sync.core.errors import ShuttingDownError, StateError
from moneymentor_sync.core.notices import Pace
from moneymentor_sync.core.ports import Gate
from moneymentor_sync.core.record import DaemonMark
from moneymentor_sync.core.settings import WHOLE_CALL, Config
from moneymentor_sync.core.status import seen_text
from moneymentor_sync.sync.engine import Surroundings, new_run_id

from .backups import Backups
from .board import Board
from .desk import Desk
from .engines import Engines, Runs
from .fellow import Fellow
from .fleet import ALONE, Fleet
from .follow_up import FollowUp
from .gate import RunGate
from .heart import Heart
from .interruptions import Interruptions, Wait
from .listening import Listening
from .membership import Membership
from .notice_queue import NoticeQueue
from .operations import Operations
from .parts import EngineNeeds, Identity, Parts, Works
from .schedule import Schedule
from .standing import Standing
from .witnesses import Witnesses
from .worker import Worker

WORKER = "worker"
GOODBYE_SECONDS = 1.0
SPARE_SECONDS = 60.0
"""What the worker may be silent for beyond its longest call."""


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
        self._parts = parts
        self._clock = around.clock
        self._monotonic = around.monotonic
        self._emit = parts.emit
        self._identity = identity
        self.heart = Heart(around.monotonic)
        self._silence = 0.0
        self._works = self._build(config, around, wait)
        self._follow_up = FollowUp(self._works.standing, self._works.schedule, parts, around)
        self._witnesses = Witnesses(parts.witnesses, lambda: self.operations.status(), parts.emit)
        self._worker = Worker(
            self._works,
            Engines(self._open_engine),
            parts,
            self._follow_up,
            around.clock,
            self._beat,
            self._witnesses,
        )
        self.operations = Operations(identity, self._works, parts, around, lambda: self._configured("reload"))
        self._thread = threading.Thread(target=self._worker.work, name=WORKER, daemon=True)

    def _build(self, config: Config, around: Surroundings, wait: Wait) -> Works:
        clock, chance = around.clock, around.rng.random
        notices = NoticeQueue(self._parts.ticker, self._ask, around.monotonic, self._pace)
        shared = self._parts.fleet is not None
        standing = Standing(config, self._parts.ledger, clock=clock, chance=chance, emit=self._emit, shared=shared)
        desk = Desk(lambda: new_run_id(clock(), around.rng))
        interruptions = Interruptions(around.monotonic, self._beat, wait)
        fleet = self._join_fleet(standing, desk, notices, interruptions, around)
        return Works(
            standing,
            desk,
            interruptions,
            Schedule(self._parts.ticker, self._ask),
            notices,
            Listening(self._parts.open_watch, notices, standing.database_is_back),
            Board(clock, self._beat, self._new_gate),
            self.heart,
            fleet,
            Backups(self._parts.backups, lambda: standing.config, fleet.has, clock, self._emit),
        )

    def _join_fleet(
        self,
        standing: Standing,
        desk: Desk,
        notices: NoticeQueue,
        interruptions: Interruptions,
        around: Surroundings,
    ) -> Fleet:
        edges = self._parts.fleet
        if edges is None:
            return ALONE
        runs = partial(self._parts.ledger.runs, None)
        plan, status = lambda: self._follow_up.plan(), lambda: self.operations.status()
        fellow = Fellow(standing, desk, notices, interruptions, plan, status, runs)
        return Membership(edges, self._identity, fellow, self.heart, around.monotonic, self._emit)

    @property
    def config(self) -> Config:
        """The configuration as it is now; another after a reload."""
        return self._works.standing.config

    # --- its life -------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the schedule and the worker, with a first sync of everything that is enabled."""
        self.prepare()
        self._thread.start()
        self._works.fleet.start()
        self._works.backups.start()

    def prepare(self) -> None:
        """All of `start` but the worker's thread."""
        self._works.board.started = (self._clock(), self._monotonic())
        self._say_started()
        self._configured("start")
        self._follow_up.plan()
        self._witnesses.look()

    def serve_next(self, seconds: float = 0.0) -> bool:
        """Does what the worker's thread does, once, in the caller's; whether there was a job within so long."""
        job = self._works.desk.take(seconds)
        if job is not None:
            self._worker.serve(job)
        return job is not None

    def rest(self) -> None:
        """There is time: gives back what the last syncs needed."""
        self._follow_up.idle()

    def stop(self) -> None:
        """Takes nothing on any more and lets the sync under way end at its next batch; does not wait for it."""
        self._worker.stopping = True
        self._works.desk.close()
        self._works.interruptions.stop()
        self._works.backups.stop()
        self._works.listening.stop()  # last: it may wait a second for a connection that is being made

    def join(self, seconds: float) -> bool:
        """Waits for the worker to end; whether it has."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def has_worked(self) -> bool:
        """Whether the worker has nothing left to do but to say good-bye to the spreadsheets' readers."""
        return self._worker.done

    def say_goodbye(self) -> None:
        """Leaves its fleet, and notes in the state file that it was stopped, not killed."""
        self._works.fleet.stop()
        self._works.backups.join(GOODBYE_SECONDS)
        self._mark(stopped_at=self._clock())
        self._witnesses.stopped()

    def clock_was_set(self, seconds: float) -> None:
        """The wall clock was set by so many seconds: nothing that ends by itself ends sooner or later for it."""
        self._works.standing.clock_was_set(seconds)
        self._follow_up.plan()

    def check_health(self) -> None:
        """Notes and logs how it goes; called every `health_check_interval`."""
        self._works.board.last_check = self._clock()
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
        self._witnesses.look()

    def _mark(self, stopped_at: float | None = None) -> None:
        started = self._works.board.started[0] if self._works.board.started else self._clock()
        mark = DaemonMark(self._identity.pid, self._identity.version, started, stopped_at, seen_text(self.config))
        try:
            self._parts.ledger.save_mark(mark)
        except StateError as error:
            self._emit("state.failed", error=error.code, message=str(error), hint=error.hint)

    # --- what its parts need of it --------------------------------------------------------------------------

    def _say_started(self) -> None:
        """What somebody wants to know who finds this line first; also whether the last one ended by itself."""
        config = self.config
        try:
            before = self._parts.ledger.mark()
        except StateError:
            before = None
        self._emit(
            "daemon.started",
            version=self._identity.version,
            pid=self._identity.pid,
            config=str(config.file) if config.file else None,
            socket=str(config.socket_path),
            state=str(config.state_path),
            interval=config.sync.interval_seconds,
            datasets=[one.name for one in config.datasets if self._works.standing.is_enabled(one)],
            enabled=self._works.standing.sync_enabled,
            breaker=self._works.standing.common.state,
            last_one_was_killed=before is not None and before.stopped_at is None,
        )

    def _configured(self, trigger: Trigger) -> None:
        """Plans what the configuration asks for, and syncs all of it now."""
        self._mark()
        datasets = self.config.datasets
        # Not less than before: the call under way was begun with the old configuration.
        self._allow_silence(max(self._silence, _longest_call(self.config)))
        self._works.schedule.plan(datasets)
        self._works.notices.paced_anew()
        self._works.listening.follow(self.config)  # before the sync, so that no change is between the two
        self._ask(Ask(frozenset(one.name for one in datasets), trigger))

    def _allow_silence(self, seconds: float) -> None:
        self._silence = seconds
        self.heart.expect(WORKER, seconds + SPARE_SECONDS)

    def _ask(self, ask: Ask) -> None:
        """An ask that nobody waits for; one that comes while stopping is dropped."""
        try:
            self._works.desk.ask(ask)
        except ShuttingDownError:
            return

    def _pace(self) -> Pace:
        sync = self.config.sync
        return Pace(sync.debounce_seconds, sync.max_delay_seconds)

    def _beat(self) -> None:
        self.heart.beat(WORKER)

    def _open_engine(self, config: Config) -> AbstractContextManager[Runs]:
        self._allow_silence(_longest_call(config))
        board = self._works.board
        needs = EngineNeeds(
            board.tick, board.gate, board.sleeping(self._works.interruptions.sleep), self._follow_up.outlook
        )
        return self._parts.open_engine(config, needs)

    def _new_gate(self, run_id: str) -> Gate:
        return RunGate(
            self._works.interruptions,
            self.config.sync.max_pause_seconds,
            urgent=lambda: self._works.board.forced or self._works.desk.urgent,
            waiting=self._works.board.waiting,
            emit=self._emit,
            run_id=run_id,
        )


def _longest_call(config: Config) -> float:
    """Seconds that one call to Google or the database may take, and say nothing meanwhile."""
    return max(WHOLE_CALL * config.google.timeout_seconds, config.database.statement_timeout_seconds)
