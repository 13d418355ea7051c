"""How much of a quota a member may use where no engine counts for all: an even part of it. Pure.

What was granted counts for a window. So a part grows only a window after the number of members fell. And a tenth is
kept for those who come: whoever comes to others has of that alone until these have made room for as long, as the
second of two a quarter, as the third a ninth and so on, which is never more than that tenth together. Nor have all
together ever more than the whole, as long as one of them stays, and none is started over and over within a minute.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace

from .budget import Limits, Pool

_KEPT = 10
"""One part of so many is for those who come."""
_NOTICED_SECONDS = 10.0
"""Within that every member sees one that comes or goes."""


@dataclass(frozen=True, slots=True)
class Part:
    """`of / among` of the limits."""

    of: int
    among: int

    def limits(self, whole: Limits) -> Limits:
        return Limits(whole.project * self.of // self.among, whole.account * self.of // self.among)


class EvenShare:
    """`see` is told again and again how many members are alive, this one among them (None where it is not known),
    and when, by a clock that never goes back."""

    def __init__(self, window_seconds: float) -> None:
        self._window = window_seconds
        self._seen: deque[tuple[float, int]] = deque()
        self._settled_at = 0.0

    def see(self, alive: int | None, now: float) -> None:
        if alive is None:
            return
        if not self._seen or now - self._seen[-1][0] > self._window - _NOTICED_SECONDS:
            # It is new to the others, who no longer count it: theirs are the last window's calls.
            self._settled_at = now + self._window + _NOTICED_SECONDS if alive > 1 else now
        elif len(self._seen) > 1 and self._seen[-1][1] == self._seen[-2][1] == alive:
            self._seen.pop()  # of one number seen for long the first time and the last are kept
        self._seen.append((now, alive))

    def part(self, now: float) -> Part | None:
        """By the most members seen within the window, or by the last that were; None where none were yet."""
        while len(self._seen) > 1 and self._seen[1][0] < now - self._window:
            self._seen.popleft()
        if not self._seen:
            return None
        most = max((alive for at, alive in self._seen if at >= now - self._window), default=self._seen[-1][1])
        return Part(1, _KEPT * most**2) if now < self._settled_at else Part(_KEPT - 1, _KEPT * most)


def part_of(pool: Pool, part: Part | None) -> Pool | None:
    """The pool with this part of its limits; None where that is no call at all."""
    limits = None if part is None else part.limits(pool.limits)
    return None if limits is None or not min(limits.project, limits.account) else replace(pool, limits=limits)
