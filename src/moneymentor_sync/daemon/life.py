"""A daemon's life: start, what the main thread looks after while it runs, and the end. Signals lead it."""

from __future__ import annotations

import signal
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from moneymentor_sync.core.daemon_ports import Ticker
from moneymentor_sync.core.errors import MmsyncError
from moneymentor_sync.core.events import Emit

from .clock_watch import ClockWatch
from .daemon import Daemon

LOOK_SECONDS = 2.0
"""How often the clocks are compared, and the heartbeats looked at."""
ENDING = {signal.SIGTERM, signal.SIGINT}
SCHEDULER, CONTROL = "scheduler", "control"
BEAT_SECONDS = 5.0
SILENCE_SECONDS = 60.0
"""How long scheduler and channel may be silent: they do nothing that takes time."""


class Channel(Protocol):
    """The control channel: `start` returns when it answers."""

    def start(self) -> None: ...

    def look(self) -> bool:
        """Sees that it can be reached, and makes it so where it cannot; whether that had to be done."""
        ...

    def stop(self, timeout: float) -> object: ...


class Supervisor(Protocol):
    """Who started the daemon and wants to know how it goes: systemd, or nobody."""

    def ready(self, status: str) -> None: ...

    def reloading(self) -> None: ...

    def stopping(self) -> None: ...

    def status(self, text: str) -> None: ...

    def watchdog(self) -> None: ...


class Incoming(Protocol):
    """Signals to wait for; see `signals.Signals`."""

    def wait(self, seconds: float) -> Sequence[int]: ...


@dataclass(frozen=True, slots=True)
class Surface:
    """What the daemon meets the machine with; a supervisor may want a sign of life every `watchdog_seconds`.

    `clock` is UNIX seconds; `monotonic` stands still while the machine sleeps, `boottime` does not.
    """

    channel: Channel
    ticker: Ticker
    supervisor: Supervisor
    watchdog_seconds: float | None
    signals: Incoming
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    boottime: Callable[[], float]
    emit: Emit


class Life:
    """Leads one daemon from `live`'s call to its return."""

    def __init__(self, daemon: Daemon, surface: Surface) -> None:
        self._daemon = daemon
        self._on = surface
        self._watch = ClockWatch(surface.clock, surface.monotonic)
        self._set_watch = ClockWatch(surface.clock, surface.boottime)
        self._silent: list[str] = []
        self._next_check = 0.0

    def live(self) -> bool:
        """Runs until a signal ends it; whether it came to its end in time and in order."""
        try:
            self._start()
            while not self._attend(self._on.signals.wait(self._pause())):
                self._look()
        finally:
            done = self._end()
        return done

    def _start(self) -> None:
        on, daemon = self._on, self._daemon
        daemon.heart.expect(SCHEDULER, SILENCE_SECONDS)
        daemon.heart.expect(CONTROL, SILENCE_SECONDS)
        on.ticker.every("heartbeat", BEAT_SECONDS, lambda: daemon.heart.beat(SCHEDULER))
        on.ticker.start()
        daemon.start()
        on.channel.start()
        self._next_check = on.monotonic() + daemon.config.sync.health_check_interval
        on.supervisor.ready("syncing")

    def _pause(self) -> float:
        watchdog = self._on.watchdog_seconds
        return LOOK_SECONDS if watchdog is None else min(LOOK_SECONDS, watchdog / 4)

    def _attend(self, numbers: Sequence[int]) -> bool:
        """Does what signals ask for; whether the daemon is to end."""
        if ENDING & {*numbers}:
            return True
        if signal.SIGHUP in numbers:
            self._on.supervisor.reloading()
            try:
                self._daemon.operations.reload(by=None)
            except MmsyncError:
                pass  # it was logged with its problems, and the old configuration stays
            finally:
                self._on.supervisor.ready("syncing")
        return False

    def _look(self) -> None:
        on, daemon = self._on, self._daemon
        self._look_at_the_clocks()
        silent = daemon.heart.silent()
        if silent and silent != self._silent:
            on.emit("watchdog.silent", parts=silent)
        self._silent = silent
        if not silent:
            on.supervisor.watchdog()
        if on.channel.look():
            on.emit("control.renewed")
        if on.monotonic() >= self._next_check:
            self._next_check = on.monotonic() + daemon.config.sync.health_check_interval
            daemon.check_health()
            on.supervisor.status(daemon.operations.health().reason)

    def _look_at_the_clocks(self) -> None:
        step, was_set = self._watch.look(), self._set_watch.look()
        if not step and not was_set:
            return
        self._on.emit("clock.stepped", seconds=round(was_set, 1), slept=round(step - was_set, 1))
        self._on.ticker.clock_stepped()
        if was_set:
            self._daemon.clock_was_set(was_set)

    def _end(self) -> bool:
        """Lets the sync under way come to the end of its batch; a second signal, or the time-out, ends the wait."""
        on, daemon = self._on, self._daemon
        on.supervisor.stopping()
        limit = daemon.config.sync.stop_timeout_seconds
        on.emit("daemon.stopping", timeout=limit)
        daemon.stop()
        on.ticker.stop()
        done = self._drained(on.monotonic() + limit)
        on.channel.stop(2.0)
        daemon.say_goodbye()
        on.emit("daemon.stopped" if done else "daemon.left")
        return done

    def _drained(self, deadline: float) -> bool:
        while not self._daemon.join(0.0):
            left = deadline - self._on.monotonic()
            if left <= 0 or ENDING & {*self._on.signals.wait(min(left, 0.05))}:
                return self._daemon.join(0.0) or self._daemon.has_worked
        return True
