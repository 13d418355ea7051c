"""What this process has done since its start, counted by prometheus-client: a witness of every run.

Nothing of it outlives the process, as Prometheus expects of counters. The only labels are names of datasets that
are configured, and words of a fixed set.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client import Counter, Histogram
from prometheus_client.core import Metric
from prometheus_client.metrics import MetricWrapperBase

from moneymentor_sync.core.errors import (
    ClusterStateError,
    DestinationError,
    GuardError,
    MmsyncError,
    SourceError,
    StateError,
)
from moneymentor_sync.core.ports import DatasetResult, RunResult

OUTCOMES = ("ok", "failed", "stopped")
RESULTS = ("synced", "unchanged", "failed", "stopped")
KINDS = ("read", "write")
DURATIONS = (0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 900.0)
"""Seconds: from a look that finds nothing changed to a first sync of a million rows."""
WAITS = (0.0, 1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0)
"""Seconds: the first bucket has the syncs that did not wait; Google refills its quota within a minute."""
_SINCE = "since the process started"


def _codes(*roots: type[MmsyncError]) -> frozenset[str]:
    """The codes of these errors and of all kinds of them."""
    found = {root.code for root in roots}
    for root in roots:
        found |= _codes(*root.__subclasses__()) if root.__subclasses__() else set()
    return frozenset(found)


GUARDS = _codes(GuardError)
LIKELY = _codes(SourceError, DestinationError, StateError) | GUARDS | {MmsyncError.code, ClusterStateError.code}
"""What may end a dataset's sync: each is there from the start, so that its first failure is an increase."""


@dataclass(frozen=True, slots=True)
class _Count:
    """A counter by dataset: its name without `_total`, what it counts, and the field of the result that has it."""

    name: str
    says: str
    field: str


_COUNTS = (
    _Count("cells_written", "Cells written", "cells"),
    _Count("rows_inserted", "Rows inserted", "inserted"),
    _Count("rows_updated", "Rows updated", "updated"),
    _Count("rows_deleted", "Rows deleted", "deleted"),
    _Count("cells_put_back", "Cells that a person had changed and that were put back", "put_back"),
    _Count("writes_repaired", "Writes that did not land where they should, and were repaired", "repaired"),
    _Count("retries", "Tries after a failure, without waits for the quota", "retries"),
    _Count("google_sent_bytes", "Bytes of bodies sent to Google", "bytes_sent"),
    _Count("google_received_bytes", "Bytes of bodies received from Google", "bytes_received"),
)


class RunCounts:
    """A `core.daemon_ports.Witness`. Every method may be called from any thread and waits for nobody."""

    def __init__(self) -> None:
        def counter(name: str, says: str, *labels: str) -> Counter:
            return Counter(f"mmsync_{name}", f"{says}; {_SINCE}.", labels, registry=None)

        def histogram(name: str, says: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"mmsync_{name}", f"{says}; {_SINCE}.", labels, registry=None, buckets=buckets)

        self._durations = histogram("sync_duration_seconds", "How long syncs took", DURATIONS, "outcome")
        self._waits = histogram("quota_wait_seconds", "How long each sync waited for Google's quota", WAITS)
        self._failures = counter("failures", "Syncs of datasets that failed, by the error's code", "code")
        self._taken = histogram("dataset_duration_seconds", "How long its syncs took", DURATIONS, "dataset")
        self._results = counter("dataset_syncs", "Its syncs, by result", "dataset", "result")
        self._guards = counter("dataset_guard_refusals", "Its syncs that a guard refused", "dataset")
        self._calls = counter(
            "dataset_google_calls",
            "Calls of Google's Sheets API for it, as its quota counts them",
            "dataset",
            "kind",
        )
        self._counts = {one.field: counter(f"dataset_{one.name}", one.says, "dataset") for one in _COUNTS}
        self._known: frozenset[str] = frozenset()
        self._lock = threading.Lock()
        for outcome in OUTCOMES:
            self._durations.labels(outcome)
        for code in sorted(LIKELY):
            self._failures.labels(code)

    # --- the witness ----------------------------------------------------------------------------------------

    def began(self, run_id: str, trigger: str) -> None:
        """Nothing is counted before the end."""

    def ended(self, run: RunResult) -> None:
        self._durations.labels(run.outcome).observe(run.seconds)
        self._waits.observe(sum(one.quota_seconds for one in run.datasets))
        for one in run.datasets:
            self._add(one)

    def looked(self, status: dict[str, Any]) -> None:
        """What is going on now is no count."""

    def stopped(self, status: dict[str, Any]) -> None:
        """The counts end with the process."""

    def _add(self, one: DatasetResult) -> None:
        self._results.labels(one.dataset, one.result).inc()
        if one.seconds > 0:  # else it was not even begun
            self._taken.labels(one.dataset).observe(one.seconds)
        for field, counter in self._counts.items():
            counter.labels(one.dataset).inc(getattr(one, field))
        for kind, calls in zip(KINDS, (one.reads, one.writes), strict=True):
            self._calls.labels(one.dataset, kind).inc(calls)
        if one.result == "failed":
            self._failures.labels(one.error_code or MmsyncError.code).inc()
        if one.error_code in GUARDS:
            self._guards.labels(one.dataset).inc()

    # --- the metrics ----------------------------------------------------------------------------------------

    def collect(self, own: Collection[str], configured: Collection[str]) -> Iterator[Metric]:
        """The metrics; of datasets only those named in `own`, each of which has all of its series from the start.
        What is not `configured` any more is forgotten."""
        self._follow(frozenset(configured))
        for one in self._all():
            for metric in one.collect():
                # When a counter was made is of no use in this format, and no convention allows the name.
                metric.samples = [
                    sample
                    for sample in metric.samples
                    if not sample.name.endswith("_created") and sample.labels.get("dataset", _NONE) in (_NONE, *own)
                ]
                yield metric

    def _all(self) -> Iterator[MetricWrapperBase]:
        yield from (self._durations, self._waits, self._failures)
        yield from (self._taken, self._results, self._guards, self._calls, *self._counts.values())

    def _follow(self, configured: frozenset[str]) -> None:
        with self._lock:
            gone, new, self._known = self._known - configured, configured - self._known, configured
            for name in gone:
                for one, labels in self._series(name):
                    one.remove(*labels)
            for name in new:
                for one, labels in self._series(name):
                    one.labels(*labels)

    def _series(self, dataset: str) -> Iterator[tuple[MetricWrapperBase, tuple[str, ...]]]:
        for one in (self._taken, self._guards, *self._counts.values()):
            yield one, (dataset,)
        for result in RESULTS:
            yield self._results, (dataset, result)
        for kind in KINDS:
            yield self._calls, (dataset, kind)


_NONE = ""
"""In the place of a label that a metric does not have: no dataset has an empty name."""
