"""Health: history, breakers and now become one verdict, with its reason and what to do about it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .breaker import Breaker
from .cluster_view import ClusterView

Level = Literal["healthy", "warning", "degraded", "unhealthy", "stopped"]


BUSY_WARNING_SECONDS = 60.0
BUSY_DEGRADED_SECONDS = 600.0
"""For so long a foreground sync of a large table may be at work."""
_EARLY = "started;"
BUSY_HINT = "Wait until it has finished, or stop that process."


@dataclass(frozen=True, slots=True)
class Health:
    """`reason` is one line for a person, `hint` what to do (empty where nothing is to be done)."""

    level: Level
    reason: str
    hint: str = ""
    datasets: tuple[str, ...] = ()
    """Those that it is about; none where it is about everything."""

    @property
    def good(self) -> bool:
        """Whether `mmsync status` exits with 0."""
        return self.level in ("healthy", "warning")


@dataclass(frozen=True, slots=True)
class Failing:
    """A dataset whose last sync failed."""

    name: str
    error: str
    hint: str
    breaker: Breaker


@dataclass(frozen=True, slots=True)
class Facts:
    """What the verdict hangs on. `last_ok` is None before the first run since the start has ended.

    `worked_since_start` says that some dataset was synced since then; `failures` are failed runs in a row,
    `error` and `hint` those of the last one.
    """

    last_ok: bool | None
    worked_since_start: bool
    failures: int
    max_failures: int
    breaker: Breaker
    error: str = ""
    hint: str = ""
    failing: tuple[Failing, ...] = ()
    silent: tuple[str, ...] = ()
    """Parts that have not been heard of for longer than their longest call may take."""
    busy_seconds: float = 0.0
    busy: str = ""
    """For how long another process has had the lock, and which."""


def assess(facts: Facts) -> Health:
    """The verdict on a daemon that runs."""
    if facts.silent:
        reason = f"it hangs: nothing has been heard of its {' and '.join(facts.silent)} for minutes"
        return Health("unhealthy", reason, "Restart it: `systemctl restart mmsync`. Nothing is lost by that.")
    if facts.busy_seconds >= BUSY_DEGRADED_SECONDS:
        return Health("degraded", f"nothing can be synced: {facts.busy}", BUSY_HINT)
    if facts.last_ok is False and not facts.worked_since_start:
        reason = f"nothing could be synced since the start: {facts.error}"
        return Health("unhealthy", reason, facts.hint)
    if facts.breaker.state == "half_open" and facts.last_ok:
        return Health("warning", "syncs succeed again, and none has had to ask Google yet since it failed")
    if facts.breaker.state != "closed":
        reason = f"failed {_times(facts.breaker.failures)} in a row, waits before the next try: {facts.error}"
        return Health("degraded", reason, facts.hint)
    opened = [one for one in facts.failing if one.breaker.state != "closed"]
    if opened:
        one = opened[0]
        reason = f"dataset {one.name} failed {_times(one.breaker.failures)} in a row: {one.error}"
        return Health("degraded", reason + _more(len(opened)), one.hint, tuple(each.name for each in opened))
    if facts.failures >= facts.max_failures:
        return Health("degraded", f"failed {_times(facts.failures)} in a row: {facts.error}", facts.hint)
    if facts.failing:
        one = facts.failing[0]
        reason = f"dataset {one.name}: {one.error}" + _more(len(facts.failing))
        return Health("warning", reason, one.hint, tuple(each.name for each in facts.failing))
    if facts.failures:
        return Health("warning", f"the last sync failed: {facts.error}", facts.hint)
    if facts.busy_seconds >= BUSY_WARNING_SECONDS:
        return Health("warning", f"waiting: {facts.busy}", BUSY_HINT)
    if facts.last_ok is None:
        return Health("healthy", f"{_EARLY} the first sync has not ended yet")
    return Health("healthy", "every dataset is in step with the database")


def is_early(reason: str) -> bool:
    """Whether that reason is of a daemon that has not done anything yet, so that it proves nothing."""
    return reason.startswith(_EARLY)


_LOOK_AFTER = "Look after the cluster's database; `mmsync check` says more. The others go on meanwhile."


def in_fleet(health: Health, view: ClusterView | None) -> Health:
    """The verdict on a member: one that takes no part syncs nothing, and one that only stands by is well."""
    if view is None or health.level == "unhealthy":
        return health
    if view.me is None and view.error is None:
        return Health(health.level, f"{_EARLY} it is joining its fleet", health.hint)
    if view.me is None:
        return Health("degraded", f"it takes no part in its fleet: {view.error}", _LOOK_AFTER)
    if health.level == "healthy" and view.error is not None:
        return Health("warning", f"it cannot speak to the other members: {view.error}", _LOOK_AFTER)
    if health.level == "healthy" and view.me is not None and not view.alive.get(view.me):
        return Health("healthy", "stands by: other members have every spreadsheet")
    return health


def _times(count: int) -> str:
    return f"{count:,} time{'' if count == 1 else 's'}"


def _more(count: int) -> str:
    return f" (and {count - 1:,} more)" if count > 1 else ""
