"""Notices that the wall clock was set, or that the machine slept: it and the monotonic clock no longer agree."""

from __future__ import annotations

from collections.abc import Callable

STEP_SECONDS = 1.0
"""Clocks that are being slewed by NTP drift apart by less in the seconds between two looks."""


class ClockWatch:
    """`clock` is UNIX seconds, `monotonic` the clock that never goes back."""

    def __init__(self, clock: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._clock = clock
        self._monotonic = monotonic
        self._offset = clock() - monotonic()

    def look(self) -> float:
        """By how many seconds the wall clock was set forward (or back, negative) since the last look; mostly 0."""
        offset = self._clock() - self._monotonic()
        step = offset - self._offset
        self._offset = offset
        return step if abs(step) >= STEP_SECONDS else 0.0
