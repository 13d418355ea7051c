"""Signals as something to wait for. A handler only notes its number: little else may be touched in one."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from types import FrameType

CAUGHT = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class Signals:
    """Gives the signals that came since the last look; made by `caught`, in the main thread."""

    def __init__(self, readable: int, came: list[int]) -> None:
        self._readable = readable
        self._came = came

    def wait(self, seconds: float) -> Sequence[int]:
        """The numbers of signals that came, each once, in order; after so many seconds none.

        The pipe only wakes: it may be full when a signal comes, and the number would be lost.
        """
        ready, _, _ = select.select([self._readable], [], [], 0.0 if self._came else max(seconds, 0.0))
        if ready:
            with suppress(BlockingIOError):
                os.read(self._readable, 65_536)
        came: list[int] = []
        while self._came:  # one by one: a handler may add another at any moment
            came.append(self._came.pop(0))
        return came


@contextmanager
def caught() -> Iterator[Signals]:
    """Signals are caught inside, and treated as before afterwards (signal.set_wakeup_fd writes their numbers)."""
    readable, writable = os.pipe()
    for descriptor in (readable, writable):
        os.set_blocking(descriptor, False)
    came: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        if number not in came:  # a flood of one does not fill memory
            came.append(number)

    handlers = {number: signal.signal(number, note) for number in CAUGHT}
    wakeup = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    try:
        yield Signals(readable, came)
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(readable)
        os.close(writable)
