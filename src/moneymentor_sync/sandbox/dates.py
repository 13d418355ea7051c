"""Days and times as Google Sheets counts them: days since 1899-12-30, the time of day as a fraction."""

from __future__ import annotations

from datetime import date, datetime, timedelta

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a cell's date has no time zone
SECONDS_A_DAY = 86_400


def serial_of_date(day: date) -> int:
    return (day - EPOCH.date()).days


def serial_of(moment: datetime) -> float:
    """The serial number of a moment without time zone."""
    gap = moment.replace(tzinfo=None) - EPOCH
    return gap.days + (gap.seconds + gap.microseconds / 1e6) / SECONDS_A_DAY


def moment_of(serial: float) -> datetime | None:
    """The moment of a serial number, to the millisecond; None outside the years 1 to 9999."""
    try:
        return EPOCH + timedelta(milliseconds=round(serial * SECONDS_A_DAY * 1000))
    except OverflowError:
        return None
