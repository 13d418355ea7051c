"""Which of many alike events are worth a line in the log: what others can cause must not fill a disk. Pure."""

from __future__ import annotations

from collections.abc import Hashable

SECONDS = 60.0
MOST = 100
"""Kinds that are kept apart; the one that was let through longest ago is forgotten for another."""


class Seldom:
    """Lets the first of each kind through, and then one a minute; `now` is monotonic seconds."""

    def __init__(self, seconds: float = SECONDS) -> None:
        self._seconds = seconds
        self._of_kind: dict[Hashable, tuple[float, int]] = {}

    def passed_over(self, kind: Hashable, now: float) -> int | None:
        """How many of this kind were not let through since the last that was; None where this one is not."""
        since, count = self._of_kind.get(kind, (float("-inf"), 0))
        if now - since < self._seconds:
            self._of_kind[kind] = since, count + 1
            return None
        self._of_kind.pop(kind, None)
        self._of_kind[kind] = now, 0  # the newest is the last
        if len(self._of_kind) > MOST:
            del self._of_kind[next(iter(self._of_kind))]
        return count
