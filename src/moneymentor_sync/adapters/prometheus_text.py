"""Prometheus' text format, version 0.0.4: of the status document, of what was counted, and of the process itself.

What the process uses (memory, CPU, open files) comes from the library's own collector, which reads /proc.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import chain

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from moneymentor_sync.core.settings import Config

from .prometheus_runs import RunCounts
from .prometheus_status import Document, Seen, lasting, living


class Metrics:
    """The metrics of one daemon; `settings` gives its configuration as it is now, `clock` UNIX seconds.

    Every method gives the whole text, may be called from any thread, and waits for nothing but /proc.
    """

    def __init__(self, settings: Callable[[], Config], clock: Callable[[], float]) -> None:
        self.counts = RunCounts()
        self._settings = settings
        self._clock = clock

    def text(self, status: Document) -> str:
        """For those who ask the daemon; `status` is the document of `core.status`."""
        return _text(chain([_up(running=True)], self._living(status)), ProcessCollector(registry=None))

    def in_file(self, status: Document) -> str:
        """For node_exporter, which has metrics of its own process under the names that the library gives."""
        found = chain([_up(running=True), _written(self._clock())], self._living(status))
        return _text(found, ProcessCollector(namespace="mmsync", registry=None))

    def at_the_end(self, status: Document) -> str:
        """For node_exporter, to be read while nobody runs."""
        return _text(chain([_up(running=False)], self._lasting(status)))

    def by_hand(self, status: Document) -> str:
        """The same of a sync that was made without a daemon, where none is expected to run."""
        return _text(self._lasting(status))

    def _living(self, status: Document) -> Iterable[Metric]:
        seen = Seen(status, self._settings(), self._clock())
        configured = [one.name for one in seen.config.datasets]  # a status may be from before a reload
        return chain(living(seen), self.counts.collect([one["name"] for one in seen.own], configured))

    def _lasting(self, status: Document) -> Iterable[Metric]:
        now = self._clock()
        return chain([_written(now)], lasting(Seen(status, self._settings(), now)))


def _up(*, running: bool) -> Metric:
    return GaugeMetricFamily(
        "mmsync_up", "Whether the daemon runs; 0 only in a textfile, where it was stopped.", value=float(running)
    )


def _written(now: float) -> Metric:
    return GaugeMetricFamily(
        "mmsync_textfile_written_timestamp_seconds",
        "When this textfile was written; only in a textfile.",
        value=now,
    )


class _Found(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Iterable[Metric]:
        return self._metrics


def _text(metrics: Iterable[Metric], *others: Collector) -> str:
    registry = CollectorRegistry()
    registry.register(_Found(list(metrics)))
    for one in others:
        registry.register(one)
    return generate_latest(registry).decode()
