"""Notices of changes, and when the sync comes that serves them: values and moments in, values and moments out.

A dataset is synced when nothing more was heard of it for a while, and not later than a while after the first
notice. Under a stream that never ends the syncs are counted by the clock: at most BURST of them within
WINDOW_SECONDS come early, and every further one waits for the latest moment. Moments are of one monotonic clock.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

BURST = 24
WINDOW_SECONDS = 60.0
"""Google lets one user make 60 reads and 60 writes a minute; a sync of little takes one read, and a write for each
tab that changed: with the two built-in tabs, and the latest moments by default, 27 reads and 54 writes."""


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds of quiet that a sync waits for, and seconds after which it comes whether it is quiet or not."""

    debounce_seconds: float
    max_delay_seconds: float


@dataclass(frozen=True, slots=True)
class Waiting:
    """When a dataset was first heard of since its last sync, and when last."""

    first: float
    last: float


@dataclass(frozen=True, slots=True)
class Notices:
    """What waits, by dataset, and when the last BURST syncs began that notices asked for."""

    waiting: Mapping[str, Waiting] = field(default_factory=lambda: MappingProxyType({}))
    begun: tuple[float, ...] = ()


NO_NOTICES = Notices()


def noticed(notices: Notices, datasets: Iterable[str], now: float) -> Notices:
    """The same with these datasets heard of once more: their time of quiet begins anew."""
    heard = {name: Waiting(_first(notices, name, now), now) for name in datasets}
    return Notices(MappingProxyType({**notices.waiting, **heard}), notices.begun)


def _first(notices: Notices, name: str, now: float) -> float:
    before = notices.waiting.get(name)
    return now if before is None else before.first


def due_at(notices: Notices, pace: Pace) -> float | None:
    """When the next sync is due; None where nothing waits. May be past."""
    if not notices.waiting:
        return None
    quiet = min(one.last for one in notices.waiting.values()) + pace.debounce_seconds
    return min(max(quiet, _early_again(notices)), _latest(notices, pace))


def due(notices: Notices, pace: Pace, now: float) -> tuple[frozenset[str], Notices]:
    """The datasets of a sync that begins now, none where none is due, and what waits on.

    One that may wait no longer takes the others along, so that however many datasets there are, their latest
    moments make no more syncs than those of one.
    """
    moment = due_at(notices, pace)
    if moment is None or now < moment:
        return frozenset(), notices
    everybody = now >= _latest(notices, pace)
    names = frozenset(
        name for name, one in notices.waiting.items() if everybody or now >= one.last + pace.debounce_seconds
    )
    left = {name: one for name, one in notices.waiting.items() if name not in names}
    return names, Notices(MappingProxyType(left), (*notices.begun, now)[-BURST:])


def most_syncs(seconds: float, pace: Pace) -> int:
    """How many syncs there are at most within so many seconds, whatever is heard meanwhile."""
    early = BURST * (int(seconds // WINDOW_SECONDS) + 1)
    return early + int(seconds // pace.max_delay_seconds) + 1


def _early_again(notices: Notices) -> float:
    """From when on a sync may come before its latest moment: within any window there are BURST of them."""
    return notices.begun[0] + WINDOW_SECONDS if len(notices.begun) == BURST else float("-inf")


def _latest(notices: Notices, pace: Pace) -> float:
    return min(one.first for one in notices.waiting.values()) + pace.max_delay_seconds
