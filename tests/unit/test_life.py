"""A daemon's life as signals lead it: start, watchdog, health checks, clock steps, reload and the end."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Collection, Sequence
from datetime import datetime

import pytest

from moneymentor_sync.core.errors import ConfigError, ControlError, QueryError, ShuttingDownError
from moneymentor_sync.core.sheet_status import Ending
from moneymentor_sync.daemon.desk import Desk
from moneymentor_sync.daemon.heart import Heart
from moneymentor_sync.daemon.interruptions import Interruptions
from moneymentor_sync.daemon.life import LOOK_SECONDS, SILENCE_SECONDS, Life, Surface
from moneymentor_sync.daemon.signals import caught
from tests.daemon_double import Bench, config_of

Act = Callable[[], Sequence[int]]


class Script:
    """Signals as a script: each wait moves time on and does what comes next; at its end SIGTERM."""

    def __init__(self, bench: Bench, acts: Sequence[Act]) -> None:
        self._bench = bench
        self._acts = list(acts)
        self._ended = False
        self.pauses: list[float] = []

    def wait(self, seconds: float) -> Sequence[int]:
        self.pauses.append(seconds)
        self._bench.time.advance(seconds)
        if self._acts:
            return self._acts.pop(0)()
        if self._ended:
            self._bench.daemon.join(60)  # time of the test's does not make a real thread end
            return ()
        self._ended = True
        return (signal.SIGTERM,)


class Seen:
    """A channel and a supervisor that keep what they were told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def start(self) -> None:
        self.told.append("channel up")

    def look(self) -> bool:
        return False

    def stop(self, timeout: float) -> None:
        self.told.append("channel down")

    def ready(self, status: str) -> None:
        self.told.append("ready")

    def reloading(self) -> None:
        self.told.append("reloading")

    def stopping(self) -> None:
        self.told.append("stopping")

    def status(self, text: str) -> None:
        self.told.append(f"status {text}")

    def watchdog(self) -> None:
        self.told.append("alive")


class Broken(Seen):
    def start(self) -> None:
        raise ControlError("the control channel did not start")


def lead(
    bench: Bench, *acts: Act, watchdog: float | None = None, channel: Seen | None = None
) -> tuple[list[str], Script, bool]:
    """A whole life; what was told, the signals' script, and whether it ended in order."""
    seen, signals = Seen(), Script(bench, acts)
    surface = Surface(
        channel=channel or seen,
        ticker=bench.ticker,
        supervisor=seen,
        watchdog_seconds=watchdog,
        signals=signals,
        clock=bench.time.clock,
        monotonic=bench.time.monotonic,
        boottime=lambda: bench.time.mono + bench.time.slept,
        emit=bench.emit,
    )
    done = Life(bench.daemon, surface).live()
    return seen.told, signals, done


def beat(bench: Bench) -> Act:
    """All parts say that they are alive."""

    def act() -> Sequence[int]:
        for part in ("worker", "scheduler", "control"):
            bench.daemon.heart.beat(part)
        return ()

    return act


def test_ready_comes_after_the_channel_answers_and_the_end_is_in_order() -> None:
    bench = Bench()
    told, _, done = lead(bench)
    assert done
    assert told == ["channel up", "ready", "stopping", "channel down"]
    assert not bench.ticker.running
    assert bench.ledger.marked is not None and bench.ledger.marked.stopped_at is not None
    assert [name for name, _ in bench.events if name.startswith("daemon.")] == [
        "daemon.started", "daemon.stopping", "daemon.stopped",
    ]  # fmt: skip


def test_the_watchdog_is_told_while_every_part_beats_and_only_then() -> None:
    bench = Bench()

    def quiet() -> Sequence[int]:
        return ()

    def jump() -> Sequence[int]:
        bench.time.advance(SILENCE_SECONDS)
        return ()

    told, signals, _ = lead(bench, beat(bench), quiet, jump, quiet, beat(bench), watchdog=2.0)
    assert told.count("alive") == 3
    assert signals.pauses[0] == 0.5, "it looks more often than the watchdog asks for"
    assert bench.said("watchdog.silent") == [{"parts": ["scheduler", "control"]}] or bench.said("watchdog.silent")


def test_a_failing_google_is_no_silence() -> None:
    bench = Bench()
    bench.engine.raises = None
    told, _, _ = lead(bench, beat(bench), beat(bench))
    assert told.count("alive") == 2


def test_a_step_of_the_clock_is_logged_and_the_schedule_looks_again() -> None:
    bench = Bench()

    def back() -> Sequence[int]:
        bench.time.wall -= 3600
        return ()

    lead(bench, beat(bench), back, beat(bench))
    assert bench.said("clock.stepped") == [{"seconds": -3600.0, "slept": 0.0}]
    assert bench.ticker.steps == 1


@pytest.mark.parametrize("step", [-3600.0, 3600.0])
def test_what_ends_by_itself_ends_when_it_would_have_though_the_clock_was_set(step: float) -> None:
    bench = Bench(config_of(max_consecutive_failures=1))
    bench.engine.fails = {"a": QueryError("no such table")}

    def disable_and_set() -> Sequence[int]:
        bench.daemon.operations.disable(["b"], reason=None, for_seconds=120.0, by=None)
        bench.time.wall += step
        return ()

    ends: list[float] = []

    def look() -> Sequence[int]:
        first, second = bench.status["datasets"]
        found = (second["switch"]["until"], first["circuit"]["opens_until"])
        ends.extend(datetime.fromisoformat(end).timestamp() - bench.time.wall for end in found)
        return ()

    lead(bench, beat(bench), disable_and_set, beat(bench), look)
    assert 115 <= ends[0] <= 120
    assert 290 <= ends[1] <= 330
    assert 110 <= (bench.ledger.on["b"].until or 0) - bench.time.wall <= 120


def test_after_a_sleep_what_ended_meanwhile_has_ended() -> None:
    bench = Bench()

    def disable_and_sleep() -> Sequence[int]:
        bench.daemon.operations.disable(None, reason=None, for_seconds=120.0, by=None)
        bench.time.wall += 3600.0
        bench.time.slept += 3600.0
        return ()

    lead(bench, beat(bench), disable_and_sleep, beat(bench))
    assert bench.status["sync_enabled"]
    assert bench.said("clock.stepped") == [{"seconds": 0.0, "slept": 3600.0}]
    assert bench.ticker.steps == 1


def test_health_is_checked_at_its_interval() -> None:
    bench = Bench(config_of(health_check_interval=10.0))
    told, _, _ = lead(bench, *[beat(bench)] * 15)
    assert len(bench.said("health.checked")) == 15 * LOOK_SECONDS // 10
    assert any(text.startswith("status ") for text in told)


def test_sighup_reloads_and_ready_follows_also_where_it_is_refused() -> None:
    bench = Bench()

    def hup() -> Sequence[int]:
        return (signal.SIGHUP,)

    def break_it() -> Sequence[int]:
        bench.on_disk = ConfigError(["sync.interval_seconds: is not a number"])
        return (signal.SIGHUP,)

    told, _, _ = lead(bench, hup, break_it)
    order = [word for word in told if word in ("ready", "reloading")]
    assert order == ["ready", "reloading", "ready", "reloading", "ready"]
    assert len(bench.said("reload.done")) == 1 and len(bench.said("reload.refused")) == 1


def hanging(bench: Bench) -> threading.Event:
    """A first sync that does not come to a batch's end until the event is set."""
    release, began = threading.Event(), threading.Event()

    def during(_needs: object) -> None:
        began.set()
        release.wait(60)

    bench.engine.during = during
    bench.began = began  # type: ignore[attr-defined]
    return release


def test_a_channel_that_does_not_start_ends_all_in_order() -> None:
    bench = Bench()
    with pytest.raises(ControlError):
        lead(bench, channel=Broken())
    assert bench.daemon.join(60)
    assert not bench.ticker.running
    assert bench.ledger.marked is not None and bench.ledger.marked.stopped_at is not None


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP, None])
def test_a_sync_that_does_not_end_is_left(second: int | None) -> None:
    bench = Bench(config_of(stop_timeout_seconds=30.0))
    release = hanging(bench)

    def term() -> Sequence[int]:
        assert bench.began.wait(60)  # type: ignore[attr-defined]
        return (signal.SIGTERM,)

    def again() -> Sequence[int]:
        return (second,) if second else ()

    try:
        before = bench.time.mono
        told, _, done = lead(bench, term, again, *[lambda: ()] * 1000)
        assert not done
        assert bench.said("daemon.left") == [{}]
        waited = bench.time.mono - before - LOOK_SECONDS
        assert waited < 1 if second in (signal.SIGTERM, signal.SIGINT) else 30 <= waited < 31
        assert told[-1] == "channel down"
    finally:
        release.set()
        assert bench.daemon.join(60)


def test_a_good_bye_that_does_not_end_is_no_sync_that_was_left() -> None:
    """Google may hang when the sheet's readers are to be told: all that was to be synced is."""
    bench = Bench(config_of(stop_timeout_seconds=30.0))
    hangs, release = threading.Event(), threading.Event()

    def tell(ended: Ending | None = None, only: Collection[str] | None = None) -> None:
        del only
        if ended is not None:
            hangs.set()
            release.wait(60)

    bench.engine.tell = tell  # type: ignore[method-assign]

    def synced() -> Sequence[int]:
        while not bench.engine.runs or bench.status["sync_in_progress"]:
            threading.Event().wait(0.001)
        return (signal.SIGTERM,)

    def stopping() -> Sequence[int]:
        assert hangs.wait(60)
        return ()

    try:
        before = bench.time.mono
        _, _, done = lead(bench, synced, stopping, *[lambda: ()] * 1000)
        assert done
        assert bench.said("daemon.stopped") == [{}]
        assert 30 <= bench.time.mono - before - LOOK_SECONDS < 32
    finally:
        release.set()
        assert bench.daemon.join(60)


# --- parts ------------------------------------------------------------------------------------------------


def test_real_signals_are_given_and_handlers_put_back() -> None:
    before = signal.getsignal(signal.SIGHUP)
    with caught() as signals:
        assert list(signals.wait(0)) == []
        os.kill(os.getpid(), signal.SIGHUP)
        os.kill(os.getpid(), signal.SIGTERM)
        found = list(signals.wait(60))
        if len(found) < 2:
            found += signals.wait(60)
        assert found == [signal.SIGHUP, signal.SIGTERM]
    assert signal.getsignal(signal.SIGHUP) is before


def test_hearts_limits_are_each_parts_own() -> None:
    now = [0.0]
    heart = Heart(lambda: now[0])
    heart.expect("quick", 5)
    heart.expect("slow", 100)
    now[0] = 6
    assert heart.silent() == ["quick"]
    heart.beat("quick")
    assert heart.silent() == []


def test_a_taker_is_woken_by_an_ask_and_by_the_end() -> None:
    from moneymentor_sync.core.agenda import Ask

    desk = Desk(lambda: "r1")
    taken: list[object] = []

    def take() -> None:
        taken.extend([desk.take(60), desk.take(60)])

    thread = threading.Thread(target=take)
    thread.start()
    desk.ask(Ask(frozenset({"a"}), "force"))
    while not taken and thread.is_alive() and desk.urgent:
        thread.join(0.01)
    desk.close()
    thread.join(60)
    assert not thread.is_alive()
    assert taken[0] is not None and taken[1] is None
    with pytest.raises(ShuttingDownError):
        desk.ask(Ask(frozenset({"a"}), "force"))


def test_holds_are_bounded_in_number() -> None:
    interruptions = Interruptions(lambda: 0.0, lambda: None)
    for number in range(1_050):
        interruptions.place(f"web-{number}", 10.0)
    assert len(interruptions.holds) == 1_000


def test_a_waiting_thread_goes_on_at_once_when_the_last_hold_ends() -> None:
    import time

    interruptions = Interruptions(time.monotonic, lambda: None)
    interruptions.place("web", 3000.0)
    ended = threading.Event()

    def wait() -> None:
        interruptions.wait_until_free(3000.0, lambda: False)
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    interruptions.release("web")
    assert ended.wait(60)
    thread.join(60)
