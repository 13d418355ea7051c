"""An event loop whose time passes only where everybody waits for it, and then at once."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class SimulatedLoop(asyncio.SelectorEventLoop):
    """`now` starts at 0. A loop in which nobody would ever do anything again fails instead of hanging."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(_Leaping(self))

    def time(self) -> float:
        return self.now


class _Leaping(selectors.DefaultSelector):
    def __init__(self, loop: SimulatedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0)
        if not ready and timeout is None:
            raise AssertionError(f"everybody waits for somebody else at {self._loop.now:g} s")
        if not ready and timeout:
            self._loop.now += timeout
        return ready


def simulate(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, in simulated time; tasks that are left are cancelled."""
    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        return runner.run(main)
