"""What it costs to be scraped by Prometheus: a real daemon that is asked, and many datasets in one answer."""

from __future__ import annotations

import http.client
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

from moneymentor_sync.adapters.prometheus_text import Metrics
from moneymentor_sync.core.health import Health
from moneymentor_sync.core.ports import DatasetResult, RunResult
from moneymentor_sync.core.record import DatasetRecord
from moneymentor_sync.core.settings import (
    Config,
    DatabaseSettings,
    Dataset,
    GoogleSettings,
    LogSettings,
    ServiceAccount,
    SyncSettings,
)
from moneymentor_sync.core.status import ConfigSeen, DatasetSeen, Snapshot, document

from .daemon import daemon
from .figures import Figure, percent, seconds, size
from .scene import scene
from .setting import Setting

EVERY_SECONDS = 15
"""Prometheus' usual interval."""
MANY = 200
_NOW = 1_800_000_000.0


def scrape(setting: Setting) -> Iterator[Figure]:
    """One answer after the other from the control socket, which keeps none; then 200 datasets, in this process."""
    asked = 100 if setting.quick else 500
    with scene(setting.database(1_000)) as place, daemon(place) as running:
        running.synced()
        _ask(running.socket)
        begin, taken, text = running.cpu_seconds(), [], b""
        for _ in range(asked):
            start = perf_counter()
            text = _ask(running.socket)
            taken.append(perf_counter() - start)
        cpu = (running.cpu_seconds() - begin) / asked
    yield seconds("scrape.time", f"one scrape of a daemon with a dataset, median of {asked}", median(taken))
    yield size("scrape.bytes", "its answer", len(text), 30_000)
    yield seconds("scrape.cpu", "CPU time of the daemon for it", cpu)
    yield percent("scrape.share", f"of one core, scraped every {EVERY_SECONDS} s", 100 * cpu / EVERY_SECONDS, 0.1)
    yield from _many(setting)


def _ask(path: Path) -> bytes:
    connection = http.client.HTTPConnection("localhost", timeout=60)
    connection.sock = socket.socket(socket.AF_UNIX)
    connection.sock.connect(os.fspath(path))
    try:
        connection.request("GET", "/metrics")
        answer = connection.getresponse()
        if answer.status != 200:
            raise RuntimeError(f"/metrics answered {answer.status}")
        return answer.read()
    finally:
        connection.close()


def _many(setting: Setting) -> Iterator[Figure]:
    datasets = tuple(Dataset(f"dataset{n}", f"Tab{n}", ("id",), "s", table="t") for n in range(MANY))
    config = Config(
        DatabaseSettings("sqlite://"), GoogleSettings("s", ServiceAccount()), SyncSettings(), Path("/s"),
        Path("/c"), LogSettings(), datasets,
    )  # fmt: skip
    snapshot = Snapshot(
        "1", ConfigSeen.of(config.sync), tuple(map(DatasetSeen.of, datasets)), Health("healthy", "well"),
        is_running=True, started_at=_NOW, started_mono=0.0,
        records={one.name: replace(DatasetRecord(one.name), last_success=_NOW) for one in datasets},
    )  # fmt: skip
    metrics = Metrics(lambda: config, lambda: _NOW)
    results = tuple(DatasetResult(one.name, one.tab, "synced", cells=5, seconds=0.5) for one in datasets)
    metrics.counts.ended(RunResult("r", _NOW, 5.0, "tick", results))
    rounds, text = 5 if setting.quick else 20, ""
    begin = process_time()
    for _ in range(rounds):
        text = metrics.text(document(snapshot, None, now=_NOW, mono=1.0))
    taken = (process_time() - begin) / rounds
    yield seconds("scrape.many.cpu", f"CPU time for {MANY} datasets", taken)
    yield size("scrape.many.bytes", "the answer", len(text.encode()))
