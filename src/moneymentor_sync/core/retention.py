"""Which backups have been kept long enough. Pure: names in, names out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from zoneinfo import ZoneInfo

from .backups import BackupName
from .daily import DAY


def expired(backups: Iterable[BackupName], *, daily: int, weekly: int, zone: ZoneInfo) -> list[str]:
    """The names of those that may go, oldest first.

    Of each spreadsheet stay: what somebody made by hand; the last one of each of the newest `daily` days and
    `weekly` weeks that have any, so that none goes only because time passes; and of those days the first one
    that was made before a deletion: a second deletion must not take away what was there before the first.
    """
    gone: list[BackupName] = []
    by_tag: dict[str, list[BackupName]] = {}
    for one in sorted(backups, key=lambda one: (one.made_at, one.name)):
        if one.reason != "hand":
            by_tag.setdefault(one.tag, []).append(one)
    for many in by_tag.values():
        days = _grouped(many, lambda one: _local(one, zone).date(), daily)
        weeks = _grouped(many, lambda one: _local(one, zone).isocalendar()[:2], weekly)
        stay = {group[-1] for group in (*days, *weeks)} | {many[-1]}
        stay |= {next(one for one in group if one.reason == "deletion") for group in days if _any_deletion(group)}
        gone += [one for one in many if one not in stay]
    return [one.name for one in sorted(gone, key=lambda one: (one.made_at, one.name))]


def before_tomorrow(backups: Iterable[BackupName], now: float) -> list[BackupName]:
    """Without those that a clock has stamped which was far ahead once: for years they would be the last ones, and
    stand in the place of those that are kept. They stay until somebody removes them."""
    return [one for one in backups if one.made_at <= now + DAY]


def _grouped(many: list[BackupName], period: Callable[[BackupName], object], most: int) -> list[list[BackupName]]:
    """The newest `most` periods that have a backup, each with its own in order."""
    groups: dict[object, list[BackupName]] = {}
    for one in many:
        groups.setdefault(period(one), []).append(one)
    return list(groups.values())[-most:] if most else []


def _any_deletion(group: list[BackupName]) -> bool:
    return any(one.reason == "deletion" for one in group)


def _local(one: BackupName, zone: ZoneInfo) -> datetime:
    return datetime.fromtimestamp(one.made_at, zone)
