"""Heartbeats: every part says that it is alive, and the watchdog is told only while all of them do."""

from __future__ import annotations

from collections.abc import Callable


class Heart:
    """Parts with the seconds that each may be silent; monotonic time, so that no set clock makes one look dead."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._limits: dict[str, float] = {}
        self._last: dict[str, float] = {}

    def expect(self, part: str, limit_seconds: float) -> None:
        """From now on the part has to beat at least so often."""
        self._last[part] = self._monotonic()
        self._limits[part] = limit_seconds

    def beat(self, part: str) -> None:
        self._last[part] = self._monotonic()

    def silent(self) -> list[str]:
        """The parts that have been silent for longer than they may be."""
        now = self._monotonic()
        return [part for part, limit in self._limits.items() if now - self._last[part] > limit]
