"""The status where no daemon runs, out of a real state file."""

from __future__ import annotations

from pathlib import Path

from moneymentor_sync.adapters.last_state import last_status
from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.adapters.state_ledger import Ledger
from moneymentor_sync.core.breaker import Breaker
from moneymentor_sync.core.ports import DatasetResult, RunResult
from moneymentor_sync.core.record import DaemonMark
from moneymentor_sync.core.status import seen_text
from moneymentor_sync.core.switches import EVERYTHING, Switch
from tests.daemon_double import config_of

NOW = 1_800_000_000.0


def state(tmp_path: Path) -> Path:
    path = tmp_path / "state.db"
    store = StateFile(path)
    good = DatasetResult("a", "A", "synced", rows=7, inserted=7)
    bad = DatasetResult("b", "B", "failed", error_code="query", error="no such table", hint="mend it")
    store.record(RunResult("r1", NOW - 60, 2.0, "schedule", (good, bad)))
    store.close()
    return path


def test_without_a_state_file_nothing_is_known(tmp_path: Path) -> None:
    assert last_status(tmp_path / "none.db", NOW) is None
    assert not list(tmp_path.iterdir())


def test_what_a_daemon_left_is_shown_as_stopped(tmp_path: Path) -> None:
    path = state(tmp_path)
    ledger = Ledger(path)
    config = config_of(interval_seconds=60.0)
    ledger.save_mark(DaemonMark(42, "1.2", NOW - 100, NOW - 10, seen_text(config)))
    ledger.save_switches(Switch(EVERYTHING, enabled=False, since=NOW - 50, reason="why"))
    ledger.save_breakers({"": Breaker("open", 5, 300.0, NOW + 100)})
    status = last_status(path, NOW)
    assert status is not None
    assert (status["is_running"], status["health"]["level"], status["version"]) == (False, "stopped", "1.2")
    assert "was stopped" in status["health"]["reason"]
    assert status["config"]["interval_seconds"] == 60.0
    assert [(one["name"], one["tab"], one["rows"]) for one in status["datasets"]] == [("a", "A", 7), ("b", "B", 0)]
    assert status["sync_enabled"] is False and status["switch"]["reason"] == "why"
    assert status["circuit"]["state"] == "open"
    assert status["statistics"]["failed_syncs"] == 1 and status["statistics"]["uptime_seconds"] is None
    assert status["recent_errors"][0]["hint"] == "mend it"


def test_one_that_was_killed_is_told_from_one_that_was_stopped(tmp_path: Path) -> None:
    path = state(tmp_path)
    Ledger(path).save_mark(DaemonMark(42, "1.2", NOW - 100))
    status = last_status(path, NOW)
    assert status is not None and "killed" in status["health"]["reason"]


def test_what_was_synced_by_hand_is_shown_too(tmp_path: Path) -> None:
    status = last_status(state(tmp_path), NOW)
    assert status is not None
    assert "by hand" in status["health"]["reason"]
    assert [one["name"] for one in status["datasets"]] == ["a", "b"]
