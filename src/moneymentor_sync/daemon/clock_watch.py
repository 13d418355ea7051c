"""Notices that the wall clock was set: it and a clock that nobody sets no longer agree.

Against CLOCK_MONOTONIC, which stands still while the machine sleeps, a sleep looks the same; against
CLOCK_BOOTTIME it does not.
"""

from __future__ import annotations

from collections.abc import Callable

STEP_SECONDS = 1.0
"""Clocks that are being slewed by NTP drift apart by less in the seconds between two looks."""


class ClockWatch:
    """`clock` is UNIX seconds, `steady` a clock that never goes back."""

    def __init__(self, clock: Callable[[], float], steady: Callable[[], float]) -> None:
        self._clock = clock
        self._steady = steady
        self._offset = clock() - steady()

    def look(self) -> float:
        """By how many seconds the wall clock was set forward (or back, negative) since the last look; mostly 0."""
        offset = self._clock() - self._steady()
        step = offset - self._offset
        self._offset = offset
        return step if abs(step) >= STEP_SECONDS else 0.0
