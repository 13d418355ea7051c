"""The daemon's status document as metrics, by prometheus-client: what is known and kept, as it is now."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from moneymentor_sync.core.moments import seconds_of
from moneymentor_sync.core.settings import Config, GoogleSettings
from moneymentor_sync.core.staleness import is_stale, stale_limit

LEVELS = ("healthy", "warning", "degraded", "unhealthy")
STATES = ("closed", "open", "half_open")
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """A status document, the configuration it belongs to, and the moment (UNIX seconds) it is looked at."""

    status: Document
    config: Config
    now: float

    @property
    def own(self) -> list[Document]:
        """In a fleet each dataset is told of by the member that has it: what others know of it is old."""
        cluster = self.status["cluster"]
        if cluster is None:
            return list(self.status["datasets"])
        mine = {name for one in cluster["spreadsheets"] if one["mine"] for name in one["datasets"]}
        return [one for one in self.status["datasets"] if one["name"] in mine]

    def limits(self) -> dict[str, float]:
        """After how many seconds without a success each dataset is stale."""
        return {one.name: stale_limit(one.stale_after, one.interval_seconds) for one in self.config.datasets}


def living(seen: Seen) -> Iterator[Metric]:
    """Of a daemon that runs."""
    yield from lasting(seen)
    yield from _daemon(seen)
    yield from _datasets(seen)
    yield GaugeMetricFamily("mmsync_threads", "Threads of the process.", value=threading.active_count())


def lasting(seen: Seen) -> Iterator[Metric]:
    """What stays true when nobody runs."""
    status = seen.status
    info = GaugeMetricFamily("mmsync_build_info", "Always 1; the version is a label.", labels=["version"])
    info.add_metric([status["version"]], 1)
    yield info
    yield _time(
        "mmsync_last_success_timestamp_seconds", "End of the last successful sync.", status["last_sync_time"]
    )
    yield GaugeMetricFamily(
        "mmsync_sync_enabled", "Whether syncing is enabled.", value=float(status["sync_enabled"])
    )
    yield from _runs(status["statistics"])
    yield from _backups(status)
    yield _of_each(seen, "enabled", "Whether the dataset is enabled.", lambda one: one["enabled"])
    yield _of_each(seen, "rows", "Rows of the dataset as last synced.", lambda one: one["rows"])
    yield _of_each(
        seen,
        "consecutive_failures",
        "Failed syncs of the dataset in a row.",
        lambda one: one["consecutive_failures"],
    )
    yield _of_each(
        seen,
        "last_success_timestamp_seconds",
        "End of its last successful sync.",
        lambda one: _seconds(one["last_sync_time"]),
    )
    limits = seen.limits()
    yield _of_each(
        seen,
        "stale_after_seconds",
        "It is stale after so long without a successful sync: its `stale_after`, or twice its interval if longer.",
        lambda one: limits.get(one["name"]),
    )


def _daemon(seen: Seen) -> Iterator[Metric]:
    status = seen.status
    level = status["health"]["level"]
    yield _one_of("mmsync_health", "The verdict on the daemon: 1 for the level it has.", "level", LEVELS, level)
    state = status["circuit"]["state"]
    yield _one_of("mmsync_circuit", "The common circuit breaker: 1 for its state.", "state", STATES, state)
    numbers, ahead = status["statistics"], status["next_sync_in_seconds"]
    for name, what, value in (
        ("sync_in_progress", "Whether a sync is under way.", status["sync_in_progress"]),
        ("paused_for_requests", "Whether somebody's requests hold syncs up.", status["paused_for_requests"]),
        ("realtime_listening", "Whether changes are heard as they happen.", _listens(status)),
        ("uptime_seconds", "Seconds since the daemon started.", numbers["uptime_seconds"]),
        (
            "last_check_timestamp_seconds",
            "When its health was last checked.",
            _seconds(numbers["last_health_check"]),
        ),
        ("next_sync_timestamp_seconds", "When the next sync is due.", None if ahead is None else seen.now + ahead),
    ):
        if value is not None:
            yield GaugeMetricFamily(f"mmsync_{name}", what, value=float(value))
    yield _limits(seen.config.google)


def _limits(google: GoogleSettings) -> Metric:
    family = GaugeMetricFamily(
        "mmsync_quota_calls_per_minute",
        "Calls that Google allows in a minute by the settings, to all accounts together if of one project.",
        labels=["kind"],
    )
    allowed = min(google.project_requests_per_minute, google.account_requests_per_minute * len(google.accounts))
    for kind in ("read", "write"):
        family.add_metric([kind], allowed)
    return family


def _listens(status: Document) -> bool:
    return bool(status["realtime"]["state"] == "listening")


def _runs(numbers: Document) -> Iterator[Metric]:
    runs = CounterMetricFamily(
        "mmsync_syncs", "Syncs since the state file was made, by outcome.", labels=["outcome"]
    )
    runs.add_metric(["ok"], numbers["successful_syncs"])
    runs.add_metric(["failed"], numbers["failed_syncs"])
    yield runs
    for name, what, value in (
        ("consecutive_failures", "Failed syncs in a row.", numbers["consecutive_failures"]),
        ("last_sync_duration_seconds", "How long the last sync took.", numbers["last_sync_duration_seconds"]),
    ):
        if value is not None:
            yield GaugeMetricFamily(f"mmsync_{name}", what, value=value)


def _backups(status: Document) -> Iterator[Metric]:
    """Only where backups are made."""
    backup = status["backup"]
    if not backup["enabled"]:
        return
    yield _time("mmsync_backup_last_success_timestamp_seconds", "End of the last backup.", backup["last"])
    yield _time("mmsync_backup_next_timestamp_seconds", "When the next backup is due.", backup["next"])
    yield GaugeMetricFamily(
        "mmsync_backup_failed", "Whether the last backup failed.", value=float(bool(backup["last_error"]))
    )


def _datasets(seen: Seen) -> Iterator[Metric]:
    limits, started = seen.limits(), _seconds(seen.status["started_at"])

    def age(one: Document) -> float | None:
        since = _seconds(one["last_sync_time"]) or started
        return None if since is None else max(seen.now - since, 0.0)

    def stale(one: Document) -> bool:
        return is_stale(seen.status, one, limits.get(one["name"], float("inf")), seen.now)

    yield _of_each(seen, "interval_seconds", "How often it is synced.", lambda one: one["interval_seconds"])
    yield _of_each(
        seen,
        "age_seconds",
        "Seconds since its last successful sync, or where there was none, since the daemon started.",
        age,
    )
    yield _of_each(
        seen,
        "stale",
        "Whether it is enabled and was not synced for longer than mmsync_dataset_stale_after_seconds.",
        stale,
    )
    family = GaugeMetricFamily(
        "mmsync_dataset_circuit", "The dataset's circuit breaker: 1 for its state.", labels=["dataset", "state"]
    )
    for one in seen.own:
        for state in STATES:
            family.add_metric([one["name"], state], float(one["circuit"]["state"] == state))
    yield family


def _of_each(seen: Seen, name: str, what: str, value: Callable[[Document], float | None]) -> Metric:
    """One gauge of every dataset that is this daemon's; None leaves one out."""
    family = GaugeMetricFamily(f"mmsync_dataset_{name}", what, labels=["dataset"])
    for one in seen.own:
        found = value(one)
        if found is not None:
            family.add_metric([one["name"]], float(found))
    return family


def _one_of(name: str, what: str, label: str, values: Iterable[str], current: str) -> Metric:
    family = GaugeMetricFamily(name, what, labels=[label])
    for value in values:
        family.add_metric([value], float(value == current))
    return family


def _time(name: str, what: str, moment: str | None) -> Metric:
    family = GaugeMetricFamily(name, what)
    found = _seconds(moment)
    if found is not None:
        family.add_metric([], found)
    return family


def _seconds(moment: str | None) -> float | None:
    return seconds_of(moment) if moment else None
