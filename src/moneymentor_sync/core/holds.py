"""Holds: who asks the sync to stand back at this moment, and until when. Times are monotonic seconds.

A hold is a lease: it always ends by itself, so that a holder that dies stops holding.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

MAX_TTL_SECONDS = 3_600.0
MAX_HOLDERS = 1_000
"""More than any backend has processes; bounds what a caller who invents names can make us keep."""


@dataclass(frozen=True, slots=True)
class Hold:
    holder: str
    since: float
    expires: float


Holds = Mapping[str, Hold]


def place(holds: Holds, holder: str, ttl: float, now: float) -> dict[str, Hold]:
    """The holds with one taken, or renewed; those that have ended are left out."""
    kept = alive(holds, now)
    since = kept[holder].since if holder in kept else now
    return {**kept, holder: Hold(holder, since, now + ttl)}


def release(holds: Holds, holder: str, now: float) -> dict[str, Hold]:
    """The holds without one; a holder that has none changes nothing."""
    return {name: hold for name, hold in alive(holds, now).items() if name != holder}


def alive(holds: Holds, now: float) -> dict[str, Hold]:
    return {name: hold for name, hold in holds.items() if hold.expires > now}


def ends_in(holds: Holds, now: float) -> float:
    """Seconds until the last hold that is alive ends by itself; 0 where there is none."""
    return max((hold.expires - now for hold in alive(holds, now).values()), default=0.0)
