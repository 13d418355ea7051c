"""Ticker on APScheduler 3: a thread that calls functions when their time has come.

APScheduler goes by the wall clock; what is due is therefore also kept by the monotonic one, and looked at again
when the wall clock was set. Its own traps are closed: nothing misfires, nothing is made up for many times over,
and what it calls runs in its own thread, so that no pool can be full.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from apscheduler.executors.debug import DebugExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.date import DateTrigger


class _Every(BaseTrigger):  # type: ignore[misc]  # APScheduler has no types
    """The next call is one interval after the last; where that is past (a suspend, a clock set from 1970), it is
    one interval from now, by arithmetic: APScheduler's own trigger would count through every missed call."""

    def __init__(self, seconds: float, jitter: float, rng: random.Random) -> None:
        self._interval = timedelta(seconds=seconds)
        self._jitter = jitter
        self._rng = rng

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        shift = timedelta(seconds=self._rng.uniform(-self._jitter, self._jitter))
        following = (previous_fire_time or now) + self._interval
        if not now < following <= now + self._interval:
            following = now + self._interval
        return max(following + shift, now + self._interval / 2)


class Ticks:
    """See `core.daemon_ports.Ticker`."""

    def __init__(self, rng: random.Random, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._rng = rng
        self._monotonic = monotonic
        self._due: dict[str, float] = {}
        self._scheduler = BackgroundScheduler(
            executors={"default": DebugExecutor()},
            job_defaults={"misfire_grace_time": None, "coalesce": True, "max_instances": 1},
            timezone=UTC,
        )

    def start(self) -> None:
        self._scheduler.start()

    def every(self, name: str, seconds: float, call: Callable[[], None], *, jitter: float = 0.0) -> None:
        self._add(name, call, _Every(seconds, jitter, self._rng), seconds)

    def once(self, name: str, seconds: float, call: Callable[[], None]) -> None:
        def only() -> None:
            self._due.pop(name, None)
            call()

        self._add(name, only, DateTrigger(datetime.now(UTC) + timedelta(seconds=seconds)), seconds)

    def _add(self, name: str, call: Callable[[], None], trigger: BaseTrigger, seconds: float) -> None:
        repeats = isinstance(trigger, _Every)

        def called() -> None:
            if repeats:
                self._note(name, seconds)
            call()

        first = datetime.now(UTC) + timedelta(seconds=seconds)
        self._due[name] = self._monotonic() + seconds
        self._scheduler.add_job(called, trigger, id=name, next_run_time=first, replace_existing=True)

    def _note(self, name: str, seconds: float) -> None:
        self._due[name] = self._monotonic() + seconds

    def cancel(self, name: str) -> None:
        self._due.pop(name, None)
        try:
            self._scheduler.remove_job(name)
        except JobLookupError:
            return

    def due_in(self, name: str) -> float | None:
        due = self._due.get(name)
        return None if due is None else max(due - self._monotonic(), 0.0)

    def clock_stepped(self) -> None:
        now, mono = datetime.now(UTC), self._monotonic()
        for name, due in list(self._due.items()):
            left = timedelta(seconds=max(due - mono, 0.0))
            job = self._scheduler.get_job(name)
            if job is not None and job.next_run_time is not None and job.next_run_time > now + left:
                job.modify(next_run_time=now + left)
        self._scheduler.wakeup()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)
