"""Signals as something to wait for. Handlers do nothing: what a handler may safely touch is too little."""

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

    def __init__(self, readable: int) -> None:
        self._readable = readable

    def wait(self, seconds: float) -> Sequence[int]:
        """The numbers of signals that came, in order; after so many seconds none."""
        ready, _, _ = select.select([self._readable], [], [], max(seconds, 0.0))
        if not ready:
            return ()
        with suppress(BlockingIOError):
            return [number for number in os.read(self._readable, 4096) if number in CAUGHT]
        return ()


@contextmanager
def caught() -> Iterator[Signals]:
    """Signals are caught inside, and treated as before afterwards (signal.set_wakeup_fd writes their numbers)."""
    readable, writable = os.pipe()
    for descriptor in (readable, writable):
        os.set_blocking(descriptor, False)
    handlers = {number: signal.signal(number, _nothing) for number in CAUGHT}
    wakeup = signal.set_wakeup_fd(writable, warn_on_full_buffer=False)
    try:
        yield Signals(readable)
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        os.close(readable)
        os.close(writable)


def _nothing(_number: int, _frame: FrameType | None) -> None:
    """A handler there must be, else the signal would end the process."""
