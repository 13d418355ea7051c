"""The daemon's metrics in Prometheus' text format, made of its status document, by prometheus-client.

What the process itself uses (memory, CPU, open files) comes from the library's own collector, which reads /proc.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

LEVELS = ("healthy", "warning", "degraded", "unhealthy")
STATES = ("closed", "open", "half_open")


def render(status: dict[str, Any]) -> str:
    """The text, version 0.0.4; `status` is the document of `core.status`."""
    registry = CollectorRegistry()
    registry.register(_Status(status))
    ProcessCollector(registry=registry)
    return generate_latest(registry).decode()


class _Status(Collector):
    def __init__(self, status: dict[str, Any]) -> None:
        self._status = status

    def collect(self) -> Iterator[Metric]:
        yield from self._daemon()
        yield from _runs(self._status["statistics"])
        yield from _datasets(_own(self._status))
        threads = GaugeMetricFamily("mmsync_threads", "Threads of the process.", value=threading.active_count())
        yield threads

    def _daemon(self) -> Iterator[Metric]:
        status = self._status
        info = GaugeMetricFamily("mmsync_build_info", "Always 1; the version is a label.", labels=["version"])
        info.add_metric([status["version"]], 1)
        yield info
        level = status["health"]["level"]
        yield _one_of("mmsync_health", "The verdict on the daemon: 1 for the level it has.", "level", LEVELS, level)
        state = status["circuit"]["state"]
        yield _one_of("mmsync_circuit", "The common circuit breaker: 1 for its state.", "state", STATES, state)
        for name, what, value in (
            ("sync_in_progress", "Whether a sync is under way.", status["sync_in_progress"]),
            ("sync_enabled", "Whether syncing is enabled.", status["sync_enabled"]),
            ("paused_for_requests", "Whether somebody's requests hold syncs up.", status["paused_for_requests"]),
            ("realtime_listening", "Whether changes are heard as they happen.", _listens(status)),
        ):
            yield GaugeMetricFamily(f"mmsync_{name}", what, value=float(value))
        yield _time("mmsync_last_success_timestamp_seconds", "End of the last successful sync.", status)


def _own(status: dict[str, Any]) -> list[dict[str, Any]]:
    """In a fleet each dataset is told of by the member that has it: what others know of it is from another time."""
    cluster = status["cluster"]
    if cluster is None:
        return list(status["datasets"])
    mine = {name for one in cluster["spreadsheets"] if one["mine"] for name in one["datasets"]}
    return [one for one in status["datasets"] if one["name"] in mine]


def _listens(status: dict[str, Any]) -> bool:
    return bool(status["realtime"]["state"] == "listening")


def _runs(numbers: dict[str, Any]) -> Iterator[Metric]:
    runs = CounterMetricFamily(
        "mmsync_syncs", "Syncs since the state file was made, by outcome.", labels=["outcome"]
    )
    runs.add_metric(["ok"], numbers["successful_syncs"])
    runs.add_metric(["failed"], numbers["failed_syncs"])
    yield runs
    for name, what, value in (
        ("uptime_seconds", "Seconds since the daemon started.", numbers["uptime_seconds"]),
        ("consecutive_failures", "Failed syncs in a row.", numbers["consecutive_failures"]),
        ("last_sync_duration_seconds", "How long the last sync took.", numbers["last_sync_duration_seconds"]),
    ):
        if value is not None:
            yield GaugeMetricFamily(f"mmsync_{name}", what, value=value)


def _datasets(datasets: list[dict[str, Any]]) -> Iterator[Metric]:
    for name, what, key in (
        ("rows", "Rows of the dataset as last synced.", "rows"),
        ("enabled", "Whether the dataset is enabled.", "enabled"),
        ("consecutive_failures", "Failed syncs of the dataset in a row.", "consecutive_failures"),
    ):
        family = GaugeMetricFamily(f"mmsync_dataset_{name}", what, labels=["dataset"])
        for one in datasets:
            family.add_metric([one["name"]], float(one[key]))
        yield family
    last = GaugeMetricFamily(
        "mmsync_dataset_last_success_timestamp_seconds", "End of its last successful sync.", labels=["dataset"]
    )
    for one in datasets:
        if one["last_sync_time"]:
            last.add_metric([one["name"]], _seconds(one["last_sync_time"]))
    yield last


def _one_of(name: str, what: str, label: str, values: tuple[str, ...], current: str) -> Metric:
    family = GaugeMetricFamily(name, what, labels=[label])
    for value in values:
        family.add_metric([value], float(value == current))
    return family


def _time(name: str, what: str, status: dict[str, Any]) -> Metric:
    family = GaugeMetricFamily(name, what)
    if status["last_sync_time"]:
        family.add_metric([], _seconds(status["last_sync_time"]))
    return family


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
