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
    today = datetime.fromtimestamp(now, zone).date()
    days = (today + timedelta(days=offset) for offset in range(-1, 3))
    return next(moment for moment in (_moment(day, at, zone) for day in days) if moment > now)


def _moment(day: date, at: str, zone: ZoneInfo) -> float:
    return datetime.combine(day, time.fromisoformat(at), zone).timestamp()


def due_at(now: float, last: float | None, at: str, zone: ZoneInfo) -> float:
    """When the next backup is due, by when the last one was made: at once where that is more than a day ago, and
    what was missed while nobody ran is made up for so."""
    if last is None or now - last > DAY or last > now + DAY:  # or the clock was set back
        return now
    return next_daily(now, at, zone)
