"""Ticker on APScheduler 3: a thread that calls functions when their time has come.

APScheduler goes by the wall clock; what is due is therefore also kept by the monotonic one, and looked at again
when the wall clock was set. Its own traps are closed: nothing misfires, nothing is made up for many times over,
and what it calls runs in a thread of its own, outside the locks that its shutdown takes.
"""

from __future__ import annotations

import itertools
import logging
import random
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from apscheduler.executors.base import BaseExecutor
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.schedulers.base import BaseScheduler
from apscheduler.triggers.base import BaseTrigger

_EXECUTOR = "mmsync"
_NEVER_SECONDS = 1e9
"""What is called once removes itself: APScheduler, removing it, raises where it is being shut down meanwhile."""


def _quiet(name: str) -> logging.Logger:
    """A logger that says nothing of the ordinary: whose process it is may log APScheduler's own, and each heartbeat
    would be two lines there."""
    found = logging.getLogger(name)
    found.setLevel(logging.WARNING)
    return found


class _Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """The next call is one interval after the last; where that is past (a suspend, a clock set from 1970), it is
    one interval from now, by arithmetic: APScheduler's own trigger would count through every missed call.

    `note` is told how many seconds it is until then.
    """

    def __init__(
        self, seconds: float, jitter: float, rng: random.Random, note: Callable[[float], None] = lambda _wait: None
    ) -> None:
        self._note = note
        self._interval = timedelta(seconds=seconds)
        self._jitter = jitter
        self._rng = rng

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        shift = timedelta(seconds=self._rng.uniform(-self._jitter, self._jitter))
        following = (previous_fire_time or now) + self._interval
        if not now < following <= now + self._interval:
            following = now + self._interval
        following = max(following + shift, now + self._interval / 2)
        self._note((following - now).total_seconds())
        return following


class Ticks:
    """See `core.daemon_ports.Ticker`. `scheduler` and `executor` make the parts of APScheduler that are used."""

    def __init__(
        self,
        rng: random.Random,
        monotonic: Callable[[], float] = time.monotonic,
        scheduler: Callable[..., BaseScheduler] = BackgroundScheduler,
        executor: Callable[[], BaseExecutor] = ThreadPoolExecutor,
    ) -> None:
        self._rng = rng
        self._monotonic = monotonic
        self._due: dict[str, float] = {}
        self._ids: dict[str, str] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._scheduler = scheduler(
            logger=_quiet("apscheduler.scheduler.mmsync"),
            executors={_EXECUTOR: executor()},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )
        _quiet(f"apscheduler.executors.{_EXECUTOR}")  # the name that APScheduler gives it

    def start(self) -> None:
        self._scheduler.start()

    def every(self, name: str, seconds: float, call: Callable[[], None], *, jitter: float = 0.0) -> None:
        def note(wait: float) -> None:
            self._due[name] = self._monotonic() + wait

        self._add(name, call, _Every(seconds, jitter, self._rng, note), seconds)

    def once(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        def only() -> None:
            self.cancel(name)
            call()

        self._add(name, only, _Every(_NEVER_SECONDS, 0.0, self._rng), seconds)

    def _add(self, name: str, call: Callable[[], None], trigger: BaseTrigger, seconds: float) -> None:
        """Each job has an id of its own: APScheduler removes one that has run by its id, and with it one of the
        same id that was added meanwhile."""
        identity = f"{name}#{next(self._numbers)}"

        def called() -> None:
            if self._ids.get(name) == identity:  # neither replaced nor cancelled since it was handed out
                call()

        with self._lock:
            before, self._ids[name] = self._ids.get(name), identity
            self._due[name] = self._monotonic() + seconds
        first = datetime.now(UTC) + timedelta(seconds=seconds)
        self._scheduler.add_job(called, trigger, id=identity, next_run_time=first, executor=_EXECUTOR)
        self._remove(before)

    def _remove(self, identity: str | None) -> None:
        if identity is not None:
            with suppress(JobLookupError):  # it has run
                self._scheduler.remove_job(identity)

    def cancel(self, name: str) -> None:
        with self._lock:
            self._due.pop(name, None)
            before = self._ids.pop(name, None)
        self._remove(before)

    def due_in(self, name: str) -> float | None:
        due = self._due.get(name)
        return None if due is None else max(due - self._monotonic(), 0.0)

    def clock_stepped(self) -> None:
        now, mono = datetime.now(UTC), self._monotonic()
        for name, due in list(self._due.items()):
            left = timedelta(seconds=max(due - mono, 0.0))
            job = self._scheduler.get_job(self._ids.get(name, ""))
            if job is not None and job.next_run_time > now + left:
                with suppress(JobLookupError):  # it was replaced meanwhile
                    job.modify(next_run_time=now + left)
        self._scheduler.wakeup()

    def stop(self) -> None:
        self._ids.clear()
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
