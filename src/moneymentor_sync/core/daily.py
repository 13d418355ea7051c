"""When the next backup is due: a time of day in a time zone, through all that clocks do."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = 86_400.0


def next_daily(now: float, at: str, zone: ZoneInfo) -> float:
    """The first moment after `now` (UNIX seconds) at which clocks in `zone` show `at` (HH:MM).

    A time that the clocks jump over comes as much later as they jump; one that they show twice counts once, the
    first time.
    """
    return next(moment for moment in _moments(now, at, zone) if moment > now)


def last_daily(now: float, at: str, zone: ZoneInfo) -> float:
    """The last such moment that has come."""
    return max(moment for moment in _moments(now, at, zone) if moment <= now)


def _moments(now: float, at: str, zone: ZoneInfo) -> list[float]:
    today = datetime.fromtimestamp(now, zone).date()
    days = (today + timedelta(days=offset) for offset in range(-2, 3))
    return [_moment(day, at, zone) for day in days]


def _moment(day: date, at: str, zone: ZoneInfo) -> float:
    return datetime.combine(day, time.fromisoformat(at), zone).timestamp()


def due_at(now: float, last: float | None, at: str, zone: ZoneInfo) -> float:
    """When the next backup is due, by when the last one was made: at once where its time has come since, and be it
    while nobody ran."""
    is_due = last is None or last < last_daily(now, at, zone) or last > now + DAY  # or the clock was set back
    return now if is_due else next_daily(now, at, zone)
