"""The daemon's small values: agenda, holds, switches, health, the status document and what is kept of runs."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.agenda import Ask, PendingRun, admitted, join
from moneymentor_sync.core.breaker import CLOSED, Breaker
from moneymentor_sync.core.events import LEVELS, level_of
from moneymentor_sync.core.health import Facts, Failing, Health, assess
from moneymentor_sync.core.holds import Hold, alive, ends_in, place, release
from moneymentor_sync.core.moments import moment
from moneymentor_sync.core.ports import DatasetResult, RunResult
from moneymentor_sync.core.record import NO_RUNS, DatasetRecord, Totals, after_result, after_run
from moneymentor_sync.core.resilience import concerns_all, restart_backoff
from moneymentor_sync.core.status import ConfigSeen, DatasetSeen, Progress, Snapshot, document
from moneymentor_sync.core.switches import EVERYTHING, Switch, in_force, is_enabled, next_end

NOW = 1_800_000_000.0
OPEN = Breaker("open", 5, 300.0, NOW + 300)


def names(*given: str) -> frozenset[str]:
    return frozenset(given)


# --- agenda -----------------------------------------------------------------------------------------------


def test_asks_become_one_run_with_the_weightiest_trigger() -> None:
    numbers = count(1)
    run = join(None, Ask(names("a"), "schedule"), lambda: f"r{next(numbers)}")
    run = join(run, Ask(names("b"), "force", allow_deletes=True), lambda: f"r{next(numbers)}")
    run = join(run, Ask(names("c"), "notify"), lambda: f"r{next(numbers)}")
    assert run == PendingRun("r1", "force", names("a", "b", "c"), names("b"), names("b"))


def test_what_is_forced_is_admitted_whatever_is_allowed_in_the_configurations_order() -> None:
    run = PendingRun("r", "force", names("c", "b", "a"), forced=names("c"))
    assert admitted(run, ["c", "a", "b", "d"], lambda name: name == "b") == ["c", "b"]


@given(st.lists(st.tuples(st.sets(st.sampled_from("abc")), st.sampled_from(["schedule", "force"]), st.booleans())))
def test_no_ask_is_lost_and_none_gets_more_than_it_asked_for(asks: list[tuple[set[str], str, bool]]) -> None:
    run = None
    for wanted, trigger, deletes in asks:
        run = join(run, Ask(frozenset(wanted), trigger, deletes), lambda: "r")  # type: ignore[arg-type]
    if run is not None:
        assert run.datasets == frozenset().union(*(wanted for wanted, _, _ in asks))
        assert run.forced == frozenset().union(*(wanted for wanted, trigger, _ in asks if trigger == "force"))
        assert run.allow_deletes == frozenset().union(*(wanted for wanted, _, deletes in asks if deletes))


# --- holds ------------------------------------------------------------------------------------------------


def test_a_hold_is_renewed_by_its_holder_and_ends_by_itself() -> None:
    holds = place({}, "web-1", 10, now=100)
    holds = place(holds, "web-1", 10, now=105)
    assert holds == {"web-1": Hold("web-1", 100, 115)}
    assert alive(holds, 114.9) and not alive(holds, 115)


def test_releasing_leaves_the_others() -> None:
    holds = place(place({}, "web-1", 10, 0), "web-2", 20, 0)
    assert set(release(holds, "web-1", 5)) == {"web-2"}
    assert set(release(holds, "nobody", 5)) == {"web-1", "web-2"}
    assert ends_in(holds, 5) == 15
    assert ends_in({}, 5) == 0


# --- switches -----------------------------------------------------------------------------------------------


def test_a_switch_goes_before_the_configuration_until_it_ends() -> None:
    off = {"a": Switch("a", enabled=False, since=NOW, until=NOW + 60)}
    assert not is_enabled(off, "a", True, NOW + 59)
    assert is_enabled(off, "a", True, NOW + 60)
    assert in_force(off, "b", NOW) is None
    assert is_enabled({"a": Switch("a", enabled=True, since=NOW)}, "a", False, NOW)
    assert next_end(off, NOW) == NOW + 60
    assert next_end(off, NOW + 60) is None


# --- health -----------------------------------------------------------------------------------------------

FINE = Facts(last_ok=True, worked_since_start=True, failures=0, max_failures=5, breaker=CLOSED)
FAILING = Failing("a", "no such table", "Correct the query.", CLOSED)


@pytest.mark.parametrize(
    ("facts", "level"),
    [
        (FINE, "healthy"),
        (replace(FINE, last_ok=None, worked_since_start=False), "healthy"),
        (replace(FINE, last_ok=False, failures=1, error="x"), "warning"),
        (replace(FINE, failing=(FAILING,)), "warning"),
        (replace(FINE, last_ok=False, failures=5), "degraded"),
        (replace(FINE, breaker=OPEN), "degraded"),
        (replace(FINE, breaker=replace(OPEN, state="half_open"), last_ok=False), "degraded"),
        (replace(FINE, breaker=replace(OPEN, state="half_open")), "warning"),
        (replace(FINE, failing=(replace(FAILING, breaker=OPEN),)), "degraded"),
        (replace(FINE, last_ok=False, worked_since_start=False, failures=1), "unhealthy"),
        (replace(FINE, last_ok=False, worked_since_start=False, failures=9, breaker=OPEN), "unhealthy"),
        (replace(FINE, last_ok=None, worked_since_start=False, failures=5, breaker=OPEN), "degraded"),
    ],
)
def test_the_five_levels(facts: Facts, level: str) -> None:
    health = assess(facts)
    assert health.level == level
    assert health.good == (level in ("healthy", "warning"))
    assert health.reason


def test_the_verdict_says_what_is_wrong_and_what_to_do() -> None:
    health = assess(replace(FINE, failing=(FAILING, replace(FAILING, name="b"))))
    assert health == Health("warning", "dataset a: no such table (and 1 more)", "Correct the query.", ("a", "b"))


# --- which failures concern all ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "spreadsheets", "common"),
    [
        ("credentials", 9, True),
        ("unavailable", 9, True),
        ("quota", 9, True),
        ("database_unreachable", 9, True),
        ("permission_denied", 1, True),
        ("permission_denied", 2, False),
        ("query", 1, False),
        ("shrink_refused", 1, False),
        (None, 1, False),
    ],
)
def test_whose_failure_it_is(code: str | None, spreadsheets: int, common: bool) -> None:
    assert concerns_all(code, spreadsheets) is common


def test_the_backoff_at_the_start_doubles_up_to_the_interval() -> None:
    assert [restart_backoff(n, 5, 60) for n in range(1, 7)] == [5, 10, 20, 40, 60, 60]
    assert restart_backoff(10_000, 0, 300) == 300


# --- what is kept -----------------------------------------------------------------------------------------


def run(*results: DatasetResult, seconds: float = 2.0) -> RunResult:
    return RunResult("r", NOW, seconds, "schedule", results)


GOOD = DatasetResult("a", "A", "synced", rows=7, inserted=2, updated=1)
BAD = DatasetResult("b", "B", "failed", error_code="query", error="no such table", hint="mend it")
STOPPED = DatasetResult("b", "B", "stopped", error_code="stopped", error="stopped")


def test_totals_count_runs_and_not_datasets() -> None:
    totals = after_run(after_run(NO_RUNS, run(GOOD)), run(GOOD, BAD, seconds=4.0))
    assert (totals.runs, totals.successful, totals.failed, totals.failures) == (2, 1, 1, 1)
    assert (totals.average_seconds, totals.success_rate) == (3.0, 50.0)
    assert (totals.last_success, totals.last_error, totals.last_hint) == (NOW + 2, "b: no such table", "mend it")
    assert after_run(totals, run(GOOD)).failures == 0
    assert NO_RUNS.average_seconds is None and NO_RUNS.success_rate is None


def test_a_stopped_run_counts_neither_way() -> None:
    assert after_run(NO_RUNS, run(GOOD, STOPPED)) == NO_RUNS
    assert after_result(DatasetRecord("b"), STOPPED, NOW) == DatasetRecord("b")
    assert run(GOOD, STOPPED).outcome == "stopped"
    assert run(GOOD, STOPPED, BAD).outcome == "failed"


def test_a_dataset_keeps_what_its_last_change_was() -> None:
    record = after_result(DatasetRecord("a"), GOOD, NOW)
    record = after_result(record, DatasetResult("a", "A", "unchanged", rows=7), NOW + 300)
    assert (record.last_result, record.last_success, record.inserted) == ("unchanged", NOW + 300, 2)
    record = after_result(record, replace(BAD, dataset="a"), NOW + 600)
    assert (record.last_result, record.failures, record.last_success) == ("failed", 1, NOW + 300)
    assert record.last_error == "no such table"
    assert after_result(record, GOOD, NOW + 900).last_error is None


# --- the document -----------------------------------------------------------------------------------------

SNAPSHOT = Snapshot(
    version="1.0",
    config=ConfigSeen(300.0, 3, True, True, 60.0, 5),
    datasets=(DatasetSeen("a", "A", True, 300.0), DatasetSeen("b", "B", False, 300.0)),
    health=Health("healthy", "fine"),
    is_running=True,
    started_at=NOW - 60,
    started_mono=40.0,
    next_mono=130.0,
)


def test_times_are_rfc_3339_in_utc() -> None:
    assert moment(NOW) == "2027-01-15T08:00:00.000Z"
    assert moment(None) is None


def test_the_document_is_json_with_uptime_and_next_run() -> None:
    status = document(SNAPSHOT, None, now=NOW, mono=100.0)
    json.dumps(status)
    assert status["next_sync_in_seconds"] == 30.0
    assert status["statistics"]["uptime_seconds"] == 60.0
    assert status["sync_in_progress"] is False and status["current"] is None
    assert [one["enabled"] for one in status["datasets"]] == [True, False]


def test_disabled_there_is_no_next_run() -> None:
    off = {EVERYTHING: Switch(EVERYTHING, enabled=False, since=NOW - 5, reason="why", until=NOW + 60)}
    status = document(replace(SNAPSHOT, switches=off), None, now=NOW, mono=100.0)
    assert status["sync_enabled"] is False
    assert status["next_sync_in_seconds"] is None
    assert status["switch"] == {
        "enabled": False,
        "reason": "why",
        "since": moment(NOW - 5),
        "until": moment(NOW + 60),
    }
    again = document(replace(SNAPSHOT, switches=off), None, now=NOW + 61, mono=161.0)
    assert again["sync_enabled"] is True and again["switch"] is None


def test_an_open_breaker_says_until_when_and_the_next_run_is_not_before() -> None:
    status = document(replace(SNAPSHOT, breaker=OPEN, breakers={"a": OPEN}), None, now=NOW, mono=100.0)
    assert status["circuit"] == {"state": "open", "opens_until": moment(NOW + 300)}
    assert status["datasets"][0]["circuit"]["state"] == "open"
    assert status["next_sync_in_seconds"] == 300.0


def test_holds_and_progress_are_shown() -> None:
    holds = {"web-1": Hold("web-1", 95.0, 110.0), "gone": Hold("gone", 0.0, 99.0)}
    progress = Progress("r9", "force", NOW, "a", "writing", 5, 10, "requests")
    status = document(replace(SNAPSHOT, holds=holds), progress, now=NOW, mono=100.0)
    assert status["paused_for_requests"] is True
    assert status["holds"] == [{"holder": "web-1", "for_seconds": 5.0, "expires_in_seconds": 10.0}]
    assert status["sync_in_progress"] is True
    assert status["current"]["phase"] == "writing" and status["current"]["waiting_for"] == "requests"


def test_a_stopped_daemon_has_no_uptime_and_no_next_run() -> None:
    status = document(replace(SNAPSHOT, is_running=False, totals=Totals(3, 1)), None, now=NOW, mono=100.0)
    assert status["statistics"]["uptime_seconds"] is None
    assert status["next_sync_in_seconds"] is None
    assert status["statistics"]["total_syncs"] == 4


def test_events_have_levels_and_the_rest_is_info() -> None:
    assert level_of("dataset.failed") == "error"
    assert level_of("sync.finished") == "info"
    assert set(LEVELS.values()) <= {"debug", "info", "warning", "error"}
