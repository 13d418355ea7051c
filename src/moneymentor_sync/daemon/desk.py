"""The one queue: ticks, forces, notices and retries ask here, and the worker takes what has become of the asks."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field

from moneymentor_sync.core.agenda import Ask, PendingRun, join
from moneymentor_sync.core.errors import ShuttingDownError
from moneymentor_sync.core.ports import RunResult


@dataclass(frozen=True, slots=True)
class Job:
    """A run as the worker takes it; `done` is waited on by whoever asked for it."""

    run: PendingRun
    done: Future[RunResult] = field(default_factory=Future)


class Desk:
    """Holds at most one job that waits: asks that come during a run become one more run after it."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._changed = threading.Condition()
        self._waiting: Job | None = None
        self._closed = False

    def ask(self, ask: Ask) -> Job:
        """The job that will serve it, as it is now: later asks may join it. Raises ShuttingDownError."""
        with self._changed:
            if self._closed:
                raise ShuttingDownError("the daemon is stopping")
            before = self._waiting
            run = join(before.run if before else None, ask, self._new_id)
            self._waiting = Job(run, before.done) if before else Job(run)
            self._changed.notify()
            return self._waiting

    @property
    def open(self) -> bool:
        return not self._closed

    @property
    def urgent(self) -> bool:
        """Whether somebody waits for a forced sync."""
        waiting = self._waiting
        return waiting is not None and bool(waiting.run.forced)

    def take(self, seconds: float) -> Job | None:
        """The job that waits, or the next one within so many seconds; None where there is none."""
        with self._changed:
            if self._waiting is None and not self._closed:
                self._changed.wait(seconds)
            if self._closed:
                return None
            job, self._waiting = self._waiting, None
            return job

    def close(self) -> None:
        """Takes nothing on any more; whoever waits for a job that was not taken learns that it is cancelled."""
        with self._changed:
            self._closed = True
            job, self._waiting = self._waiting, None
            self._changed.notify_all()
        if job is not None:
            job.done.cancel()
