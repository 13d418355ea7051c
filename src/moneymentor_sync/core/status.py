"""The status document: what `GET /sync/status` and `mmsync status --json` give. Pure: a snapshot and a moment in.

The snapshot is immutable and made of values that the daemon replaces whole, so that answering waits for nothing.
Times in it are UNIX seconds, but for those named `_mono`, which are monotonic.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from .alert_ports import AlertsSeen
from .breaker import CLOSED, Breaker, remaining
from .cluster_view import ClusterView, cluster_document, owner_seen
from .health import Health
from .holds import Holds, alive
from .moments import moment
from .realtime import NOT_HEARING, Hearing
from .record import NO_RUNS, DatasetRecord, Totals
from .settings import Config, Dataset, SyncSettings
from .switches import EVERYTHING, Switch, Switches, in_force, is_enabled

RECENT_ERRORS = 5


@dataclass(frozen=True, slots=True)
class ConfigSeen:
    """The settings that the document shows."""

    interval_seconds: float
    max_retries: int
    enable_course_stats: bool
    enable_user_profiles: bool
    health_check_interval: float
    max_consecutive_failures: int

    @classmethod
    def of(cls, sync: SyncSettings) -> ConfigSeen:
        return cls(
            sync.interval_seconds,
            sync.max_retries,
            sync.enable_course_stats,
            sync.enable_user_profiles,
            sync.health_check_interval,
            sync.max_consecutive_failures,
        )


NO_CONFIG = ConfigSeen.of(SyncSettings())


@dataclass(frozen=True, slots=True)
class DatasetSeen:
    """A configured dataset as the document shows it; `enabled` is what the configuration says."""

    name: str
    tab: str
    enabled: bool
    interval_seconds: float = 0.0
    spreadsheet_id: str = ""

    @classmethod
    def of(cls, dataset: Dataset) -> DatasetSeen:
        return cls(dataset.name, dataset.tab, dataset.enabled, dataset.interval_seconds, dataset.spreadsheet_id)


def seen_text(config: Config) -> str:
    """What a status shows of a configuration, as JSON: kept, so that it is known when nobody runs."""
    datasets = [asdict(DatasetSeen.of(dataset)) for dataset in config.datasets]
    return json.dumps({"config": asdict(ConfigSeen.of(config.sync)), "datasets": datasets})


def seen_of(text: str) -> tuple[ConfigSeen, tuple[DatasetSeen, ...]]:
    """The same again; defaults, and no dataset, where there is nothing in it."""
    found = json.loads(text)
    config = ConfigSeen(**{**asdict(NO_CONFIG), **found.get("config", {})})
    return config, tuple(DatasetSeen(**one) for one in found.get("datasets", ()))


@dataclass(frozen=True, slots=True)
class Progress:
    """The run under way: what it is at now. `total` is None where it is not known; `done` counts rows or bytes.

    `waiting_for` is `requests` while a hold stops it, `another try` before one (a failed call, a used-up quota),
    else empty.
    """

    run_id: str
    trigger: str
    started_at: float
    dataset: str = ""
    phase: str = ""
    done: int = 0
    total: int | None = None
    waiting_for: str = ""


@dataclass(frozen=True, slots=True)
class ErrorSeen:
    """A failure of the recent past, for the operator."""

    at: float
    dataset: str
    error: str
    hint: str


@dataclass(frozen=True, slots=True)
class BackupSeen:
    """How the daily backups go: when the last one was made of that spreadsheet of which it is the longest ago, what
    kept the last one from being made, and when the next is due. UNIX seconds; None for what is not so."""

    enabled: bool = False
    last: float | None = None
    error: str | None = None
    next: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything that a status answer is made of. `next_mono` is when the next run is due."""

    version: str
    config: ConfigSeen
    datasets: tuple[DatasetSeen, ...]
    health: Health
    is_running: bool = False
    stopping: bool = False
    pid: int | None = None
    started_at: float | None = None
    started_mono: float | None = None
    next_mono: float | None = None
    last_health_check: float | None = None
    totals: Totals = NO_RUNS
    records: Mapping[str, DatasetRecord] = field(default_factory=dict)
    switches: Switches = field(default_factory=dict)
    breaker: Breaker = CLOSED
    breakers: Mapping[str, Breaker] = field(default_factory=dict)
    holds: Holds = field(default_factory=dict)
    errors: tuple[ErrorSeen, ...] = ()
    hearing: Hearing = NOT_HEARING
    cluster: ClusterView | None = None
    backup: BackupSeen = BackupSeen()
    alerts: AlertsSeen | None = None


def document(snapshot: Snapshot, progress: Progress | None, *, now: float, mono: float) -> dict[str, Any]:
    """The document, ready for JSON; `now` is UNIX seconds, `mono` the monotonic clock at the same moment."""
    switch = in_force(snapshot.switches, EVERYTHING, now)
    holds = alive(snapshot.holds, mono)
    return {
        "is_running": snapshot.is_running,
        "stopping": snapshot.stopping,
        "sync_in_progress": progress is not None,
        "sync_enabled": is_enabled(snapshot.switches, EVERYTHING, True, now),
        "paused_for_requests": bool(holds),
        "last_sync_time": moment(snapshot.totals.last_success),
        "next_sync_in_seconds": _next(snapshot, now, mono),
        "config": asdict(snapshot.config),
        "statistics": _statistics(snapshot, mono),
        "version": snapshot.version,
        "pid": snapshot.pid,
        "started_at": moment(snapshot.started_at),
        "health": asdict(snapshot.health) | {"datasets": list(snapshot.health.datasets)},
        "circuit": {"state": snapshot.breaker.state, "opens_until": _opens_until(snapshot.breaker, now)},
        "switch": _switch(switch),
        "holds": [
            {"holder": hold.holder, "for_seconds": round(mono - hold.since, 3),
             "expires_in_seconds": round(hold.expires - mono, 3)}
            for hold in holds.values()
        ],
        "current": _current(progress),
        "datasets": [_dataset(snapshot, one, now, owner) for one, owner in _owned(snapshot)],
        "realtime": _realtime(snapshot.hearing),
        "cluster": _cluster(snapshot),
        "backup": _backup(snapshot.backup),
        "alerts": _alerts(snapshot.alerts),
        "recent_errors": [
            {"time": moment(one.at), "dataset": one.dataset, "error": one.error, "hint": one.hint}
            for one in snapshot.errors[-RECENT_ERRORS:]
        ],
    }  # fmt: skip


def _cluster(snapshot: Snapshot) -> dict[str, Any] | None:
    if snapshot.cluster is None:
        return None
    spreadsheets: dict[str, list[str]] = {}
    for one in snapshot.datasets:
        spreadsheets.setdefault(one.spreadsheet_id, []).append(one.name)
    return cluster_document(snapshot.cluster, spreadsheets)


def _backup(backup: BackupSeen) -> dict[str, Any]:
    return {
        "enabled": backup.enabled,
        "last": moment(backup.last),
        "last_error": backup.error,
        "next": moment(backup.next),
    }


def _alerts(seen: AlertsSeen | None) -> dict[str, Any] | None:
    if seen is None:
        return None
    return {
        "configured": bool(seen.addresses),
        "addresses": list(seen.addresses),
        "active": [
            {"key": one.condition.key, "title": one.condition.title, "dataset": one.condition.dataset,
             "since": moment(one.since)}
            for one in seen.active
        ],
        "last_sent": moment(seen.sent),
        "last_error": seen.error,
        "last_error_time": moment(seen.error_at),
    }  # fmt: skip


def _realtime(hearing: Hearing) -> dict[str, Any]:
    return {
        "source": hearing.source,
        "state": hearing.state,
        "since": moment(hearing.since),
        "last_change": moment(hearing.last_change),
        "error": hearing.error,
        "untold": list(hearing.untold),
        "unheard": list(hearing.unheard),
    }


def _next(snapshot: Snapshot, now: float, mono: float) -> float | None:
    enabled = is_enabled(snapshot.switches, EVERYTHING, True, now)
    if not snapshot.is_running or snapshot.stopping or not enabled or snapshot.next_mono is None:
        return None
    return round(max(snapshot.next_mono - mono, remaining(snapshot.breaker, now), 0.0), 3)


def _statistics(snapshot: Snapshot, mono: float) -> dict[str, Any]:
    totals = snapshot.totals
    uptime = mono - snapshot.started_mono if snapshot.is_running and snapshot.started_mono is not None else None
    return {
        "total_syncs": totals.runs,
        "successful_syncs": totals.successful,
        "failed_syncs": totals.failed,
        "success_rate_percent": _rounded(totals.success_rate, 2),
        "last_sync_duration_seconds": _rounded(totals.last_seconds, 3),
        "average_sync_duration_seconds": _rounded(totals.average_seconds, 3),
        "consecutive_failures": totals.failures,
        "last_error": totals.last_error,
        "last_error_time": moment(totals.last_error_at),
        "health_status": snapshot.health.level,
        "uptime_seconds": _rounded(uptime, 3),
        "last_health_check": moment(snapshot.last_health_check),
    }


def _current(progress: Progress | None) -> dict[str, Any] | None:
    if progress is None:
        return None
    return {
        "run_id": progress.run_id,
        "trigger": progress.trigger,
        "started_at": moment(progress.started_at),
        "dataset": progress.dataset or None,
        "phase": progress.phase or None,
        "done": progress.done,
        "total": progress.total,
        "waiting_for": progress.waiting_for or None,
    }


def _owned(snapshot: Snapshot) -> Iterator[tuple[DatasetSeen, dict[str, Any]]]:
    """Each dataset with the member of the fleet that has it, and since when."""
    owner_of = owner_seen(snapshot.cluster)
    for one in snapshot.datasets:
        yield one, owner_of(one.spreadsheet_id)


def _dataset(snapshot: Snapshot, dataset: DatasetSeen, now: float, owner: dict[str, Any]) -> dict[str, Any]:
    record = snapshot.records.get(dataset.name) or DatasetRecord(dataset.name)
    breaker = snapshot.breakers.get(dataset.name, CLOSED)
    return {
        "name": dataset.name,
        "tab": dataset.tab,
        "enabled": is_enabled(snapshot.switches, dataset.name, dataset.enabled, now),
        "last_sync_time": moment(record.last_success),
        "last_result": record.last_result,
        "rows": record.rows,
        "inserted": record.inserted,
        "updated": record.updated,
        "deleted": record.deleted,
        "consecutive_failures": record.failures,
        "last_error": record.last_error,
        "last_error_time": moment(record.last_error_at),
        "hint": record.last_hint,
        "interval_seconds": dataset.interval_seconds,
        "owner": owner["owner"],
        "owner_since": owner["since"],
        "circuit": {"state": breaker.state, "opens_until": _opens_until(breaker, now)},
        "switch": _switch(in_force(snapshot.switches, dataset.name, now)),
    }


def _opens_until(breaker: Breaker, now: float) -> str | None:
    """When the next try is let through; None where it is not open."""
    return moment(now + remaining(breaker, now)) if breaker.state == "open" else None


def _switch(switch: Switch | None) -> dict[str, Any] | None:
    if switch is None:
        return None
    return {
        "enabled": switch.enabled,
        "reason": switch.reason,
        "since": moment(switch.since),
        "until": moment(switch.until),
    }


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
