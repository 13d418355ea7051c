"""What the metrics say of a daemon: of its status, of its runs, and of nobody else's datasets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from moneymentor_sync.adapters.prometheus_runs import GUARDS, LIKELY, RunCounts
from moneymentor_sync.adapters.prometheus_text import Metrics
from moneymentor_sync.core.alert_conditions import Known, look_at
from moneymentor_sync.core.errors import DatabaseUnreachableError, ShrinkRefusedError
from moneymentor_sync.core.moments import moment
from moneymentor_sync.core.ports import DatasetResult, RunResult
from moneymentor_sync.core.settings import Config, ServiceAccount
from tests.daemon_double import Bench, config_of

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    """Every sample of the text by its name and labels; each is there once."""
    found: Samples = {}
    for family in text_string_to_metric_families(text):
        for one in family.samples:
            key = one.name, frozenset(one.labels.items())
            assert key not in found, f"{key} is there twice"
            found[key] = one.value
    return found


class Watched:
    """A daemon on doubles with its metrics."""

    def __init__(self, config: Config | None = None) -> None:
        self.metrics = Metrics(lambda: self.bench.daemon.config, lambda: self.bench.time.wall)
        self.bench = Bench(config, witnesses=[self.metrics.counts])

    def text(self) -> str:
        return self.metrics.text(self.bench.status)

    def get(self, name: str, **labels: str) -> float | None:
        return samples(self.text()).get((name, frozenset(labels.items())))


@pytest.fixture
def watched() -> Watched:
    made = Watched()
    made.bench.start()
    return made


def test_what_a_run_did_is_counted_by_dataset(watched: Watched) -> None:
    results = (
        DatasetResult(
            "a", "A", "synced", inserted=2, updated=3, deleted=5, cells=7, reads=11, writes=13, bytes_sent=17,
            bytes_received=19, retries=23, repaired=29, put_back=31, seconds=37.0, quota_seconds=20.0,
        ),
        DatasetResult("b", "B", "failed", error_code="query", reads=1, quota_seconds=21.0),
    )  # fmt: skip
    before = samples(watched.text())
    watched.metrics.counts.ended(RunResult("r", 0.0, 41.0, "tick", results))
    after = samples(watched.text())
    grown = {key: value - before.get(key, 0.0) for key, value in after.items() if value != before.get(key)}
    of_a = {name: grown.get((f"mmsync_dataset_{name}", frozenset({("dataset", "a")}))) for name in (
        "rows_inserted_total", "rows_updated_total", "rows_deleted_total", "cells_written_total",
        "google_sent_bytes_total", "google_received_bytes_total", "retries_total", "writes_repaired_total",
        "cells_put_back_total", "duration_seconds_sum", "duration_seconds_count")}  # fmt: skip
    assert list(of_a.values()) == [2, 3, 5, 7, 17, 19, 23, 29, 31, 37, 1]
    others = {
        (name, *sorted(labels)): value
        for (name, labels), value in grown.items()
        if re.match("mmsync(?!.*bucket)", name)
    }
    expected: Mapping[tuple[Any, ...], float] = {
        ("mmsync_sync_duration_seconds_sum", ("outcome", "failed")): 41,
        ("mmsync_sync_duration_seconds_count", ("outcome", "failed")): 1,
        ("mmsync_quota_wait_seconds_sum",): 41,
        ("mmsync_quota_wait_seconds_count",): 1,
        ("mmsync_failures_total", ("code", "query")): 1,
        ("mmsync_dataset_syncs_total", ("dataset", "a"), ("result", "synced")): 1,
        ("mmsync_dataset_syncs_total", ("dataset", "b"), ("result", "failed")): 1,
        ("mmsync_dataset_google_calls_total", ("dataset", "a"), ("kind", "read")): 11,
        ("mmsync_dataset_google_calls_total", ("dataset", "a"), ("kind", "write")): 13,
        ("mmsync_dataset_google_calls_total", ("dataset", "b"), ("kind", "read")): 1,
    }
    assert {key: others.get(key) for key in expected} == expected
    assert len(others) == len(of_a) + len(expected), "b was not even begun, so that it took no time"


def test_the_daemon_tells_them_of_each_run(watched: Watched) -> None:
    watched.bench.engine.fails = {"a": ShrinkRefusedError("too many")}
    watched.bench.pass_time(300)
    assert watched.get("mmsync_dataset_guard_refusals_total", dataset="a") == 1
    assert watched.get("mmsync_dataset_guard_refusals_total", dataset="b") == 0
    assert watched.get("mmsync_failures_total", code="shrink_refused") == 1
    assert watched.get("mmsync_sync_duration_seconds_count", outcome="ok") == 1
    assert watched.get("mmsync_sync_duration_seconds_count", outcome="failed") == 1
    assert watched.get("mmsync_syncs_total", outcome="failed") == 1


def test_every_series_of_a_dataset_is_there_before_its_first_sync() -> None:
    """Else the first failure is no increase, and nobody is alerted."""
    watched = Watched()
    watched.bench.daemon.prepare()
    first = {name for name, labels in samples(watched.text()) if ("dataset", "a") in labels}
    watched.bench.settle()
    later = {name for name, labels in samples(watched.text()) if ("dataset", "a") in labels}
    assert later - first == {"mmsync_dataset_last_success_timestamp_seconds"}
    assert watched.get("mmsync_failures_total", code="unavailable") == 0
    assert GUARDS < LIKELY and "shrink_refused" in GUARDS and "lock_held" not in LIKELY


def test_labels_are_datasets_that_are_configured_and_words_of_a_fixed_set(watched: Watched) -> None:
    assert {name for name, _ in samples(watched.text()) if name.endswith("_created")} == set()
    labels = {label for _, found in samples(watched.text()) for label, _ in found}
    assert labels == {"dataset", "level", "state", "outcome", "result", "kind", "code", "version", "le"}
    for number in range(50):
        watched.bench.on_disk = config_of("a", f"other{number}")
        watched.bench.daemon.operations.reload(by=None)
        watched.bench.settle()
        watched.text()
    seen = dict(labels for _, found in samples(watched.text()) for labels in found if labels[0] == "dataset")
    named = {value for _, found in samples(watched.text()) for label, value in found if label == "dataset"}
    assert named == {"a", "other49"}, seen
    kept = re.findall(r"other\d+", repr([one.collect() for one in watched.metrics.counts._all()]))
    assert set(kept) == {"other49"}, "what is configured no more is forgotten"
    assert watched.get("mmsync_dataset_syncs_total", dataset="a", result="synced") == 51


def test_a_member_tells_of_its_own_datasets_only_also_of_what_it_did_to_others_before() -> None:
    counts = RunCounts()
    for name in "ab":
        counts.ended(RunResult("r", 0.0, 1.0, "tick", (DatasetResult(name, name, "synced", cells=3),)))
    found = [one for metric in counts.collect(["a"], ["a", "b"]) for one in metric.samples]
    assert {one.labels["dataset"] for one in found if "dataset" in one.labels} == {"a"}
    again = [one for metric in counts.collect(["a", "b"], ["a", "b"]) for one in metric.samples]
    cells = {one.labels["dataset"]: one.value for one in again if one.name == "mmsync_dataset_cells_written_total"}
    assert cells == {"a": 3, "b": 3}, "it may get one back, and a counter never falls"


@pytest.mark.parametrize(
    ("interval", "seconds", "off", "stale"),
    [
        (300, 3_599, (), False),
        (300, 3_602, (), True),
        (300, 9_999, ("a",), False),
        (300, 9_999, None, False),
        (7_200, 14_399, (), False),
        (7_200, 14_402, (), True),
    ],
)
def test_what_is_stale_is_what_alerts_call_stale(
    interval: float, seconds: float, off: tuple[str, ...] | None, stale: bool
) -> None:
    """`off` are the datasets that are disabled; None is all syncing."""
    watched = Watched(config_of("a", interval_seconds=interval))
    watched.bench.start()
    if off != ():
        watched.bench.daemon.operations.disable(off, reason=None, for_seconds=None, by=None)
    watched.bench.time.advance(seconds)
    assert watched.get("mmsync_dataset_stale", dataset="a") == stale
    assert watched.get("mmsync_dataset_age_seconds", dataset="a") == pytest.approx(seconds, abs=1)
    assert watched.get("mmsync_dataset_stale_after_seconds", dataset="a") == max(3_600, 2 * interval)
    told = look_at(watched.bench.status, Known({"a": 3_600.0}), watched.bench.time.wall)
    assert [one.key for one in told.conditions if one.kind == "stale"] == ["stale:a"] * stale


def test_a_member_that_took_a_dataset_over_has_its_time_for_it_too() -> None:
    watched = Watched(config_of("a"))
    watched.bench.start()
    watched.bench.time.advance(9_999)
    for since, stale in ((3_599, 0), (3_601, 1)):
        status = watched.bench.status
        status["datasets"][0]["owner_since"] = moment(watched.bench.time.wall - since)
        assert samples(watched.metrics.text(status))["mmsync_dataset_stale", frozenset({("dataset", "a")})] == stale
        told = look_at(status, Known({"a": 3_600.0}), watched.bench.time.wall)
        assert [one.key for one in told.conditions if one.kind == "stale"] == ["stale:a"] * stale


def test_one_that_never_had_a_success_is_as_old_as_the_daemon() -> None:
    watched = Watched()
    watched.bench.engine.fails = {name: DatabaseUnreachableError("no") for name in "ab"}
    watched.bench.start()
    watched.bench.pass_time(3_700)
    assert watched.get("mmsync_dataset_stale", dataset="a") == 1
    assert watched.get("mmsync_dataset_last_success_timestamp_seconds", dataset="a") is None
    assert watched.get("mmsync_circuit", state="closed") == 0
    assert watched.get("mmsync_dataset_circuit", dataset="a", state="closed") == 1, "it is the common one"


def test_times_are_moments_and_absent_where_there_is_none(watched: Watched) -> None:
    wall = watched.bench.time.wall
    assert watched.get("mmsync_next_sync_timestamp_seconds") == pytest.approx(wall + 299.5, abs=1)
    assert watched.get("mmsync_last_check_timestamp_seconds") is None
    watched.bench.daemon.check_health()
    assert watched.get("mmsync_last_check_timestamp_seconds") == pytest.approx(wall, abs=0.001)
    watched.bench.daemon.operations.disable(None, reason=None, for_seconds=None, by=None)
    assert watched.get("mmsync_next_sync_timestamp_seconds") is None
    assert watched.get("mmsync_sync_enabled") == 0


@pytest.mark.parametrize(("accounts", "allowed"), [(1, 60), (4, 240), (9, 300)])
def test_the_quota_is_that_of_all_accounts_and_at_most_the_projects(accounts: int, allowed: float) -> None:
    config = config_of()
    google = replace(config.google, further_accounts=tuple(ServiceAccount() for _ in range(accounts - 1)))
    watched = Watched(replace(config, google=google))
    assert watched.get("mmsync_quota_calls_per_minute", kind="write") == allowed


def test_backups_are_there_where_they_are_made(watched: Watched) -> None:
    assert "mmsync_backup" not in watched.text()
    backup = {"enabled": True, "last": "2027-01-15T08:00:00Z", "last_error": "no room", "next": None}
    found = samples(watched.metrics.text(watched.bench.status | {"backup": backup}))
    assert found["mmsync_backup_last_success_timestamp_seconds", frozenset()] == 1_800_000_000
    assert found["mmsync_backup_failed", frozenset()] == 1
    assert ("mmsync_backup_next_timestamp_seconds", frozenset()) not in found


def test_the_last_words_are_what_stays_true(watched: Watched) -> None:
    living = samples(watched.metrics.in_file(watched.bench.status))
    ended = samples(watched.metrics.at_the_end(watched.bench.status))
    assert (living["mmsync_up", frozenset()], ended["mmsync_up", frozenset()]) == (1, 0)
    names = {name for name, _ in ended}
    assert "mmsync_dataset_last_success_timestamp_seconds" in names
    assert ended["mmsync_sync_enabled", frozenset()] == 1, (
        "what is disabled grows no staler in a file than elsewhere"
    )
    assert not {name for name in names if re.search("health|circuit|uptime|next|age|dataset_stale$|process", name)}
    by_hand = samples(watched.metrics.by_hand(watched.bench.status))
    assert {name for name, _ in ended} - {name for name, _ in by_hand} == {"mmsync_up"}


def test_in_a_file_the_process_has_a_name_that_node_exporter_does_not_have_too(watched: Watched) -> None:
    names = {name for name, _ in samples(watched.metrics.in_file(watched.bench.status))}
    assert "mmsync_process_resident_memory_bytes" in names
    assert {name for name in names if not name.startswith("mmsync_")} == set()
    assert "process_resident_memory_bytes" in {name for name, _ in samples(watched.text())}
