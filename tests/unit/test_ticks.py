"""The schedule's clockwork on the real APScheduler: each of its traps with a clock that the test moves."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from apscheduler.schedulers.base import BaseScheduler
from benchmarks.by_hand import Deferred, Manual
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.adapters.ticks import Ticks, _Every
from moneymentor_sync.daemon.clock_watch import ClockWatch
from moneymentor_sync.daemon.heart import Heart

START = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # half an hour before Europe leaves summer time


class Clockwork:
    """Ticks on a clock of the test's; the monotonic clock passes with `run` and `suspend` leaves it behind."""

    def __init__(self, traveller: Any) -> None:
        self.traveller = traveller
        self.mono = 100.0
        self.scheduler: Any = None
        self.executor = Deferred()
        self.calls: dict[str, list[float]] = {}
        self.ticks = Ticks(random.Random(3), lambda: self.mono, self._scheduler, lambda: self.executor)
        self.ticks.start()

    def _scheduler(self, **given: Any) -> BaseScheduler:
        self.scheduler = Manual(**given)
        return self.scheduler

    def noting(self, name: str) -> Callable[[], None]:
        self.calls[name] = []
        return lambda: self.calls[name].append(self.mono)

    def run(self, seconds: int) -> None:
        for _ in range(seconds):
            self.mono += 1
            self.traveller.shift(1)
            self.scheduler._process_jobs()
            self.executor.work()

    def set_clock(self, seconds: float) -> None:
        self.traveller.shift(seconds)


@pytest.fixture
def clockwork() -> Iterator[Clockwork]:
    with time_machine.travel(START, tick=False) as traveller:
        yield Clockwork(traveller)


def test_an_interval_is_kept_without_drift(clockwork: Clockwork) -> None:
    clockwork.ticks.every("a", 10, clockwork.noting("a"))
    clockwork.run(100)
    assert clockwork.calls["a"] == [110.0 + 10 * i for i in range(10)]


def test_summer_time_ends_without_a_missed_or_doubled_call(clockwork: Clockwork) -> None:
    clockwork.ticks.every("a", 600, clockwork.noting("a"))
    clockwork.run(3 * 3600)
    assert len(clockwork.calls["a"]) == 18


def test_after_a_suspend_there_is_one_call_and_not_one_for_each_missed(clockwork: Clockwork) -> None:
    clockwork.ticks.every("a", 10, clockwork.noting("a"))
    clockwork.set_clock(8 * 3600)
    clockwork.run(1)
    assert len(clockwork.calls["a"]) == 1
    clockwork.run(20)
    assert len(clockwork.calls["a"]) == 3


def test_a_clock_set_back_an_hour_delays_no_call(clockwork: Clockwork) -> None:
    watch = ClockWatch(lambda: datetime.now(UTC).timestamp(), lambda: clockwork.mono)
    clockwork.ticks.every("a", 10, clockwork.noting("a"))
    clockwork.ticks.once("b", 30, clockwork.noting("b"))
    clockwork.run(5)
    clockwork.set_clock(-3600)
    assert watch.look() == pytest.approx(-3600)
    clockwork.ticks.clock_stepped()
    clockwork.run(50)
    assert clockwork.calls["a"][:2] == [110.0, 120.0]
    assert clockwork.calls["b"] == [130.0]
    assert watch.look() == 0.0


def test_a_job_that_is_replaced_while_the_clock_is_looked_at_harms_nobody(clockwork: Clockwork) -> None:
    clockwork.ticks.every("a", 10, clockwork.noting("a"))
    clockwork.set_clock(-3600)
    found = clockwork.scheduler.get_job

    def replaced(identity: str) -> Any:
        job = found(identity)
        clockwork.scheduler.remove_job(identity)  # by another thread, right now
        return job

    clockwork.scheduler.get_job = replaced
    clockwork.ticks.clock_stepped()


def test_when_it_is_due_is_known_to_the_second_with_jitter_too(clockwork: Clockwork) -> None:
    clockwork.ticks.every("a", 100, clockwork.noting("a"), jitter=20)
    clockwork.run(101)
    due = clockwork.ticks.due_in("a")
    assert due is not None and due != 100
    before = len(clockwork.calls["a"])
    clockwork.run(int(due) - 1)
    assert len(clockwork.calls["a"]) == before
    clockwork.run(2)
    assert len(clockwork.calls["a"]) == before + 1


def test_the_clock_watch_overlooks_what_ntp_slews() -> None:
    wall, mono = [1000.0], [10.0]
    watch = ClockWatch(lambda: wall[0], lambda: mono[0])
    for _ in range(10):
        mono[0] += 2.0
        wall[0] += 2.001
        assert watch.look() == 0.0


def test_started_in_1970_the_jump_to_today_costs_one_call() -> None:
    with time_machine.travel(datetime(1970, 1, 1, 0, 0, 5, tzinfo=UTC), tick=False) as traveller:
        clockwork = Clockwork(traveller)
        clockwork.ticks.every("a", 1, clockwork.noting("a"))
        clockwork.run(3)
        traveller.move_to(START)
        clockwork.run(1)
        assert len(clockwork.calls["a"]) == 4
        clockwork.run(2)
        assert len(clockwork.calls["a"]) == 6


def test_a_call_that_raises_is_called_again(clockwork: Clockwork, caplog: pytest.LogCaptureFixture) -> None:
    calls = []

    def bad() -> None:
        calls.append(1)
        raise ZeroDivisionError

    clockwork.ticks.every("bad", 10, bad)
    clockwork.ticks.every("good", 10, clockwork.noting("good"))
    with caplog.at_level(logging.CRITICAL, "apscheduler"):
        clockwork.run(30)
    assert (len(calls), len(clockwork.calls["good"])) == (3, 3)


def test_a_scheduler_that_dies_is_noticed_by_its_silence(clockwork: Clockwork) -> None:
    heart = Heart(lambda: clockwork.mono)
    heart.expect("scheduler", 60)
    clockwork.ticks.every("heartbeat", 5, lambda: heart.beat("scheduler"))
    clockwork.run(200)
    assert heart.silent() == []
    (job,) = clockwork.scheduler.get_jobs()
    job.trigger._interval = None  # whatever it raises in: APScheduler's thread dies of it, and `running` stays true
    with pytest.raises(TypeError):
        clockwork.run(6)
    assert clockwork.scheduler.running
    clockwork.mono += 100
    assert heart.silent() == ["scheduler"]


def test_a_job_of_the_same_name_replaces_the_one_before(clockwork: Clockwork) -> None:
    clockwork.ticks.every("a", 10, clockwork.noting("old"))
    clockwork.ticks.every("a", 20, clockwork.noting("new"))
    clockwork.run(20)
    assert (len(clockwork.calls["old"]), len(clockwork.calls["new"])) == (0, 1)


def test_once_is_once_and_a_cancelled_one_is_never(clockwork: Clockwork) -> None:
    clockwork.ticks.once("a", 5, clockwork.noting("a"))
    clockwork.ticks.once("b", 5, clockwork.noting("b"))
    clockwork.ticks.cancel("b")
    clockwork.ticks.cancel("nobody")
    assert clockwork.ticks.due_in("a") == 5
    clockwork.run(20)
    assert (len(clockwork.calls["a"]), len(clockwork.calls["b"])) == (1, 0)
    assert clockwork.ticks.due_in("a") is None


def test_a_job_may_ask_for_itself_again(clockwork: Clockwork) -> None:
    note = clockwork.noting("a")

    def again() -> None:
        note()
        clockwork.ticks.once("a", 5, again)

    clockwork.ticks.once("a", 5, again)
    clockwork.run(20)
    assert clockwork.calls["a"] == [105.0, 110.0, 115.0, 120.0]


@given(st.floats(1, 1e6), st.floats(0, 1), st.one_of(st.none(), st.floats(-1e8, 1e8)), st.integers(0, 99))
def test_the_next_call_is_always_ahead_and_at_most_an_interval_and_its_jitter_away(
    seconds: float, share: float, last: float | None, seed: int
) -> None:
    jitter = seconds * share * 0.05
    trigger = _Every(seconds, jitter, random.Random(seed))
    previous = None if last is None else START + timedelta(seconds=last)
    wait = (trigger.get_next_fire_time(previous, START) - START).total_seconds()
    assert 0 < wait <= seconds + jitter + 1e-5


def test_with_its_own_thread_it_calls_and_stops_while_a_call_hangs() -> None:
    ticks = Ticks(random.Random(1))
    called, release = threading.Event(), threading.Event()

    def hang() -> None:
        called.set()
        release.wait(30)

    ticks.once("a", 0.01, hang)
    ticks.start()
    assert called.wait(30)
    ticks.stop()
    release.set()
