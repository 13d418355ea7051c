"""The one thread that syncs: takes a job, lets the engine run it, and hands on how it ended. It never dies."""

from __future__ import annotations

from collections.abc import Callable

from moneymentor_sync.core.agenda import PendingRun, admitted
from moneymentor_sync.core.errors import LockHeldError, MmsyncError, StateError
from moneymentor_sync.core.events import way_of
from moneymentor_sync.core.ports import DatasetResult, RunResult
from moneymentor_sync.core.settings import Dataset
from moneymentor_sync.core.sheet_status import unreachable

from .desk import Job
from .engines import Engines
from .follow_up import FollowUp
from .parts import Parts, Works
from .witnesses import Witnesses

IDLE_SECONDS = 5.0
"""How long the worker waits for a job before it says that it is alive."""


class Worker:
    """`clock` is UNIX seconds, `beat` the sign of life; `follow_up` is told when a job has ended, and when there is
    none for some seconds, `witnesses` of each run."""

    def __init__(
        self,
        works: Works,
        engines: Engines,
        parts: Parts,
        follow_up: FollowUp,
        clock: Callable[[], float],
        beat: Callable[[], None],
        witnesses: Witnesses,
    ) -> None:
        self._desk = works.desk
        self._standing = works.standing
        self._board = works.board
        self._fleet = works.fleet
        self._interruptions = works.interruptions
        self._engines = engines
        self._ledger = parts.ledger
        self._emit = parts.emit
        self._clock = clock
        self._beat = beat
        self._follow_up = follow_up
        self._witnesses = witnesses
        self.stopping = False
        self.done = False
        """Whether nothing is synced any more, and all that is left is to say so."""

    def work(self) -> None:
        """Until `stopping` is set and the job under way has ended."""
        try:
            while not self.stopping:
                self._beat()
                job = self._desk.take(IDLE_SECONDS)
                if job is not None:
                    self.serve(job)
                else:
                    self._idle()
            self.done = True
            self._say_goodbye()
        finally:
            self._engines.close()

    def _say_goodbye(self) -> None:
        """The spreadsheets' readers are told that nobody syncs any more: where nobody does, and Google may be asked
        and is not known to be out of reach."""
        view, breaker = self._fleet.view, self._standing.common
        alone = view is None or not any(member != view.me for member in view.alive)
        if alone and breaker.state != "open" and not unreachable([breaker.reason]):
            self._engines.tell("stopped")

    def _tell(self) -> None:
        """The same for how things stand; who holds the sync up goes first, and the end has a word of its own."""
        if not (self.stopping or self._interruptions.held):
            self._engines.tell()

    def _idle(self) -> None:
        try:
            self._follow_up.idle()
        except Exception as error:  # noqa: BLE001 - as in `serve`
            self._emit("sync.crashed", error=type(error).__name__, where=way_of(error))

    def serve(self, job: Job) -> None:
        """Runs one job. Whatever that raises, the worker goes on, and whoever waits for the job is told."""
        try:
            self._serve(job)
        except Exception as error:  # noqa: BLE001 - a bug must not end the daemon
            self._emit("sync.crashed", run=job.run.run_id, error=type(error).__name__, where=way_of(error))
        finally:
            if not job.done.done():
                job.done.cancel()

    def _serve(self, job: Job) -> None:
        datasets = self._datasets(job.run)
        if not datasets:
            self._standing.busy(None)  # nobody tries, so nobody knows
            self._emit("schedule.skipped", run=job.run.run_id, trigger=job.run.trigger)
            job.done.set_result(RunResult(job.run.run_id, self._clock(), 0.0, job.run.trigger))
            self._follow_up.after(job, False)
            if self._standing.common.state != "open":  # then nothing calls Google
                self._tell()
            return
        self._standing.refresh()
        self._standing.begin([dataset.name for dataset in datasets])
        self._board.begin(job.run)
        self._witnesses.began(job.run.run_id, job.run.trigger)
        try:
            run, busy = self._run(job.run, datasets)
        finally:
            self._board.end()
        if not busy:
            self._standing.settle(run)
        job.done.set_result(run)
        self._follow_up.after(job, busy)
        if not busy:
            self._witnesses.ended(run)
        self._witnesses.look()
        if not busy:
            self._tell()

    def _datasets(self, run: PendingRun) -> list[Dataset]:
        by_name = {dataset.name: dataset for dataset in self._standing.config.datasets}
        names = admitted(run, by_name, lambda name: self._standing.allows(by_name[name]))
        return [by_name[name] for name in names if self._fleet.has(by_name[name])]

    def _run(self, pending: PendingRun, datasets: list[Dataset]) -> tuple[RunResult, bool]:
        """The result, and whether another process had the lock: then nothing was tried."""
        started = self._clock()
        try:
            engine = self._engines.get(self._standing.config)
            run = engine.run(
                datasets,
                trigger=pending.trigger,
                allow_deletes=pending.allow_deletes,
                run_id=pending.run_id,
            )
        except LockHeldError as error:
            self._emit("lock.busy", run=pending.run_id, message=str(error))
            self._standing.busy(str(error))
            return self._failed(pending, datasets, started, error), True
        except MmsyncError as error:
            self._emit("sync.failed", run=pending.run_id, error=error.code, message=str(error), hint=error.hint)
            self._engines.close()
            return self._noted(self._failed(pending, datasets, started, error)), False
        except Exception as error:  # noqa: BLE001 - a bug must not end the daemon; it is told, and the engine made anew
            self._emit("sync.crashed", run=pending.run_id, error=type(error).__name__, where=way_of(error))
            self._engines.close()
            bug = MmsyncError(
                f"a bug in mmsync: {type(error).__name__}", hint="Report it with the log line `sync.crashed`."
            )
            return self._noted(self._failed(pending, datasets, started, bug)), False
        return run, False

    def _noted(self, run: RunResult) -> RunResult:
        """A run that the engine did not come to record; a note that fails is no more than that."""
        try:
            self._ledger.record(run)
        except StateError as error:
            self._emit("state.failed", error=error.code, message=str(error), hint=error.hint)
        return run

    def _failed(
        self, pending: PendingRun, datasets: list[Dataset], started: float, error: MmsyncError
    ) -> RunResult:
        results = tuple(
            DatasetResult(
                one.name, one.tab, "failed", error_code=error.code, error=str(error), hint=error.hint or None
            )
            for one in datasets
        )
        return RunResult(pending.run_id, started, self._clock() - started, pending.trigger, results)
