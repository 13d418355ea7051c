"""Switches: what an operator enabled or disabled by hand, until when, and why. Times are UNIX seconds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

EVERYTHING = ""
"""The name of the switch that stands before all datasets."""


@dataclass(frozen=True, slots=True)
class Switch:
    """`name` is a dataset's, or EVERYTHING; `until` is None where it holds until somebody says otherwise."""

    name: str
    enabled: bool
    since: float
    reason: str | None = None
    until: float | None = None


Switches = Mapping[str, Switch]


def in_force(switches: Switches, name: str, now: float) -> Switch | None:
    """The switch that decides at this moment; None where the configuration does."""
    switch = switches.get(name)
    if switch is None or (switch.until is not None and switch.until <= now):
        return None
    return switch


def is_enabled(switches: Switches, name: str, configured: bool, now: float) -> bool:
    """Whether a dataset (or EVERYTHING) is on; `configured` is what the configuration says."""
    switch = in_force(switches, name, now)
    return configured if switch is None else switch.enabled


def shifted(switches: Switches, seconds: float) -> dict[str, Switch]:
    """Those that end by themselves, for a clock that was set by so many seconds: they end when they would have."""
    return {
        name: replace(one, since=one.since + seconds, until=one.until + seconds)
        for name, one in switches.items()
        if one.until is not None
    }


def by_now(switches: Switches, now: float) -> dict[str, Switch]:
    """Switches from a state file: what was said at a time that is still to come was said by a clock that has been
    set back since, and it holds for as long as it was said, from now on at most."""
    return {
        name: one
        if one.since <= now
        else replace(one, since=now, until=None if one.until is None else now + one.until - one.since)
        for name, one in switches.items()
    }


def next_end(switches: Switches, now: float) -> float | None:
    """When the next one ends by itself."""
    return min((s.until for s in switches.values() if s.until is not None and s.until > now), default=None)
