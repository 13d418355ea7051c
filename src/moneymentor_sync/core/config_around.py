"""The settings of what is around a sync: what readers of the sheet see, alerts, metrics, backups."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from .config_addresses import alert_urls, http_url, loopback_address
from .config_layers import Layers, Problems, Setting
from .config_values import (
    InvalidValueError,
    Raw,
    boolean,
    duration,
    number,
    path,
    show,
    tab_title,
    text,
    whole_number,
)
from .settings import AlertSettings, BackupSettings, Dataset, MetricsSettings, SheetSettings

_DAY = 86400.0
_SHEET = SheetSettings()
_ALERTS = AlertSettings()
_BACKUP = BackupSettings()


def _time_of_day(raw: Raw) -> str:
    word = text(raw).strip()
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", word, re.ASCII):
        raise InvalidValueError(f"{show(word)} is no time of day such as 03:30")
    return word


def _metrics_file(raw: Raw) -> Path:
    found = path(raw)
    if found.suffix != ".prom":
        raise InvalidValueError(f"{show(found.name)} does not end in .prom, and node_exporter reads no other file")
    return found


STATUS = Setting("sheet.status", boolean, _SHEET.status)
STATUS_TAB = Setting("sheet.status_tab", tab_title, _SHEET.status_tab)
STATUS_EVERY = Setting("sheet.status_every_seconds", number(60, _DAY), _SHEET.status_every_seconds)
HEADER_NOTES = Setting("sheet.header_notes", boolean, _SHEET.header_notes)
URLS = Setting("alerts.urls", alert_urls, _ALERTS.urls, ("MMSYNC_ALERT_URLS",))
WEBHOOK: Setting[str | None] = Setting("alerts.webhook", http_url, None, ("MMSYNC_ALERT_WEBHOOK",))
PING: Setting[str | None] = Setting("alerts.ping", http_url, None, ("MMSYNC_ALERT_PING",))
REMIND = Setting("alerts.remind_after", duration, _ALERTS.remind_after)
SETTLE = Setting("alerts.settle", duration, _ALERTS.settle)
STALE_AFTER = Setting("alerts.stale_after", duration, _ALERTS.stale_after)
LISTEN_AT: Setting[tuple[str, int] | None] = Setting("metrics.listen", loopback_address, None)
TEXTFILE: Setting[Path | None] = Setting("metrics.textfile", _metrics_file, None)
BACKUPS = Setting("backup.enabled", boolean, _BACKUP.enabled)
DIRECTORY: Setting[Path | None] = Setting("backup.directory", path, None)
DAILY_AT = Setting("backup.daily_at", _time_of_day, _BACKUP.daily_at)
KEEP_DAILY = Setting("backup.keep_daily", whole_number(1, 1000), _BACKUP.keep_daily)
KEEP_WEEKLY = Setting("backup.keep_weekly", whole_number(0, 1000), _BACKUP.keep_weekly)
BEFORE_DELETING = Setting("backup.before_deleting", number(0, 1), _BACKUP.before_deleting)

AROUND: tuple[Setting[Any], ...] = (
    STATUS,
    STATUS_TAB,
    STATUS_EVERY,
    HEADER_NOTES,
    URLS,
    WEBHOOK,
    PING,
    REMIND,
    SETTLE,
    STALE_AFTER,
    LISTEN_AT,
    TEXTFILE,
    BACKUPS,
    DIRECTORY,
    DAILY_AT,
    KEEP_DAILY,
    KEEP_WEEKLY,
    BEFORE_DELETING,
)


def sheet_settings(layers: Layers) -> SheetSettings:
    return SheetSettings(
        layers.get(STATUS), layers.get(STATUS_TAB), layers.get(STATUS_EVERY), layers.get(HEADER_NOTES)
    )


def check_status_tab(sheet: SheetSettings, datasets: tuple[Dataset, ...], problems: Problems) -> None:
    """The tab of the status can be no dataset's: Google takes titles that differ only in case for the same."""
    taken = next((one for one in datasets if one.tab.casefold() == sheet.status_tab.casefold()), None)
    if sheet.status and taken is not None:
        problems.add(STATUS_TAB.path, f"{show(sheet.status_tab)} is the tab of dataset {taken.name!r}")


def alert_settings(layers: Layers) -> AlertSettings:
    return AlertSettings(
        urls=layers.get(URLS),
        webhook=layers.get(WEBHOOK),
        ping=layers.get(PING),
        remind_after=layers.get(REMIND),
        settle=layers.get(SETTLE),
        stale_after=layers.get(STALE_AFTER),
    )


def metrics_settings(layers: Layers) -> MetricsSettings:
    return MetricsSettings(layers.get(LISTEN_AT), layers.get(TEXTFILE))


def backup_settings(layers: Layers, state_path: Path) -> BackupSettings:
    """Where no directory is given, that beside the state file."""
    return BackupSettings(
        enabled=layers.get(BACKUPS),
        directory=layers.get(DIRECTORY) or state_path.parent / "backups",
        daily_at=layers.get(DAILY_AT),
        keep_daily=layers.get(KEEP_DAILY),
        keep_weekly=layers.get(KEEP_WEEKLY),
        before_deleting=layers.get(BEFORE_DELETING),
    )
