"""The ledger on a real state file: switches, breakers, totals, history, retention, and old files."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.adapters.state_ledger import Ledger
from moneymentor_sync.adapters.state_schema import APPLICATION_ID, MIGRATIONS
from moneymentor_sync.core.breaker import Breaker
from moneymentor_sync.core.errors import StateError
from moneymentor_sync.core.ports import DatasetResult, RunResult
from moneymentor_sync.core.record import NO_RUNS, DaemonMark
from moneymentor_sync.core.settings import Retention
from moneymentor_sync.core.switches import EVERYTHING, Switch

DAY = 86_400.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "state.db"


@pytest.fixture
def store(path: Path) -> Iterator[StateFile]:
    made = StateFile(path)
    yield made
    made.close()


def run(number: int, *, ok: bool = True, at: float = 1000.0) -> RunResult:
    good = DatasetResult("a", "A", "synced", rows=number, inserted=1, seconds=0.25, verified=True)
    bad = DatasetResult("b", "B", "failed", error_code="query", error="no such table", hint="mend it")
    return RunResult(f"r{number}", at, 2.0, "schedule", (good,) if ok else (good, bad))


def test_a_new_file_has_nothing(store: StateFile, path: Path) -> None:
    ledger = Ledger(path)
    assert ledger.totals() == NO_RUNS
    assert (ledger.records(), ledger.switches(), ledger.breakers(), ledger.runs()) == ({}, {}, {}, [])
    assert ledger.mark() is None


def test_switches_breakers_and_the_daemons_mark_are_kept(store: StateFile, path: Path) -> None:
    off = Switch(EVERYTHING, enabled=False, since=10.0, reason="why", until=20.0)
    on = Switch("a", enabled=True, since=11.0)
    opened = Breaker("open", 5, 600.0, 1234.5)
    Ledger(path).save_switches(off, on)
    Ledger(path).save_breakers({"": opened})
    Ledger(path).save_mark(DaemonMark(42, "1.0", 5.0))
    Ledger(path).save_mark(DaemonMark(42, "1.0", 5.0, 9.0))
    again = Ledger(path, read_only=True)
    assert again.switches() == {EVERYTHING: off, "a": on}
    assert again.breakers() == {"": opened}
    assert again.mark() == DaemonMark(42, "1.0", 5.0, 9.0)


def test_totals_and_records_follow_the_runs(store: StateFile, path: Path) -> None:
    store.record(run(1))
    store.record(run(2, ok=False, at=2000.0))
    totals, records = Ledger(path).totals(), Ledger(path).records()
    assert (totals.successful, totals.failed, totals.failures, totals.last_success) == (1, 1, 1, 1002.0)
    assert records["a"].rows == 2 and records["a"].last_success == 2002.0
    assert records["b"].failures == 1 and records["b"].last_hint == "mend it"


def test_history_is_newest_first_and_can_be_of_one_dataset(store: StateFile, path: Path) -> None:
    for number in range(1, 6):
        store.record(run(number, ok=number != 3, at=1000.0 * number))
    ledger = Ledger(path)
    assert [one["run_id"] for one in ledger.runs(limit=2)] == ["r5", "r4"]
    (only,) = ledger.runs("b")
    assert (only["run_id"], only["outcome"], only["started_at"]) == ("r3", "failed", "1970-01-01T00:50:00.000Z")
    assert [one["dataset"] for one in only["datasets"]] == ["b"]
    first = ledger.runs(limit=1)[0]["datasets"][0]
    assert (first["rows"], first["verified"], first["seconds"]) == (5, True, 0.25)


def test_retention_removes_what_is_too_old_or_too_many_and_leaves_the_totals(store: StateFile, path: Path) -> None:
    for number in range(1, 11):
        store.record(run(number, at=DAY * number))
    ledger = Ledger(path)
    assert ledger.prune(Retention(days=5, runs=100), now=DAY * 10) == 5
    assert [one["run_id"] for one in ledger.runs()] == ["r10", "r9", "r8", "r7", "r6"]
    assert ledger.prune(Retention(days=5, runs=2), now=DAY * 10) == 3
    assert ledger.prune(Retention(days=5, runs=2), now=DAY * 10) == 0
    assert ledger.totals().successful == 10
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT count(*) FROM run_dataset").fetchone() == (2,)


def test_retention_in_many_transactions_does_not_lock_readers_or_the_writer_out(
    store: StateFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("moneymentor_sync.adapters.state_ledger.PRUNE_ROWS", 2)
    for number in range(1, 8):
        store.record(run(number, at=float(number)))
    with closing(sqlite3.connect(path, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        assert reader.execute("SELECT count(*) FROM run").fetchone() == (7,)
        assert Ledger(path).prune(Retention(days=1, runs=100), now=2 * DAY) == 7
        store.record(run(9, at=2 * DAY))
        assert reader.execute("SELECT count(*) FROM run").fetchone() == (7,), "a reader keeps what it saw"
    assert len(Ledger(path).runs()) == 1


def test_a_file_of_the_first_version_gets_its_totals_from_its_runs(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as db:
        db.executescript(f"{MIGRATIONS[0]};PRAGMA application_id = {APPLICATION_ID};PRAGMA user_version = 1;")
        db.execute("INSERT INTO run VALUES ('r1', 100.0, 2.0, 'sync', 1)")
        db.execute("INSERT INTO run VALUES ('r2', 200.0, 4.0, 'sync', 0)")
        db.commit()
    StateFile(path).close()
    totals = Ledger(path).totals()
    assert (totals.successful, totals.failed, totals.seconds) == (1, 1, 6.0)
    assert (totals.last_seconds, totals.last_success) == (4.0, 102.0)
    assert [one["outcome"] for one in Ledger(path).runs()] == ["failed", "ok"]


def test_reading_only_needs_no_right_to_write(store: StateFile, path: Path) -> None:
    store.record(run(1))
    store.close()
    path.chmod(0o400)
    path.parent.chmod(0o500)
    try:
        assert Ledger(path, read_only=True).totals().runs == 1
    finally:
        path.parent.chmod(0o700)


def test_a_file_that_is_not_there_or_is_damaged_is_told(path: Path) -> None:
    with pytest.raises(StateError, match="cannot be used"):
        Ledger(path, read_only=True).totals()
    assert not path.exists()
    path.parent.mkdir()
    path.write_bytes(b"no database at all, but long enough to be looked at as one" * 20)
    with pytest.raises(StateError, match="not a database"):
        Ledger(path, read_only=True).totals()
