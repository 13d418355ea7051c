"""What the daemon decides: what is synced when, what a failure leads to, and what people are told."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from moneymentor_sync.core.errors import (
    ConfigError,
    CredentialsError,
    LockHeldError,
    NothingToSyncError,
    QueryError,
    QuotaExhaustedError,
    ShuttingDownError,
    StateError,
    TooManyHoldersError,
    UnavailableError,
    UnknownDatasetError,
)
from moneymentor_sync.core.record import Totals
from moneymentor_sync.core.settings import MetricsSettings
from moneymentor_sync.daemon.parts import EngineNeeds
from tests.daemon_double import Bench, MemoryLedger, config_of

DOWN = UnavailableError("Google could not be reached")
BAD_QUERY = QueryError("no such table", hint="Correct the query.")


def force(bench: Bench, *names: str, allow_deletes: bool = False) -> dict[str, object]:
    """Forces a sync and gives its result."""
    accepted = bench.daemon.operations.force(names or None, allow_deletes=allow_deletes, by=None)
    bench.settle()
    document: dict[str, object] = accepted.done.result(timeout=0)
    return document


# --- what is due ------------------------------------------------------------------------------------------


def test_the_start_syncs_everything_at_once() -> None:
    bench = Bench().start()
    assert bench.engine.runs == [("start", ["a", "b"], frozenset())]


def test_datasets_with_the_same_interval_are_synced_together() -> None:
    bench = Bench().start()
    bench.pass_time(900)
    assert bench.synced[1:] == [["a", "b"]] * 3
    assert bench.status["statistics"]["total_syncs"] == 4


def test_each_dataset_has_its_own_interval() -> None:
    config = config_of()
    a, b = config.datasets
    bench = Bench(replace(config, datasets=(replace(a, interval_seconds=60.0), b))).start()
    bench.pass_time(300)
    assert bench.synced[1:].count(["a"]) + bench.synced[1:].count(["a", "b"]) == 5
    assert sum("b" in names for names in bench.synced[1:]) == 1


def test_a_disabled_dataset_is_left_out_and_named_it_is_synced() -> None:
    config = config_of()
    a, b = config.datasets
    bench = Bench(replace(config, datasets=(a, replace(b, enabled=False)))).start()
    assert bench.synced == [["a"]]
    assert force(bench)["ok"]
    assert bench.synced[1:] == [["a"]]
    force(bench, "b")
    assert bench.synced[2:] == [["b"]]


def test_asks_during_a_run_become_one_more_run() -> None:
    bench = Bench().start()

    def many(_needs: EngineNeeds) -> None:
        if len(bench.engine.runs) == 2:
            for _ in range(5):
                bench.daemon.operations.force(None, allow_deletes=False, by=None)
            bench.daemon.operations.force(["a"], allow_deletes=True, by=None)

    bench.engine.during = many
    force(bench)
    assert bench.engine.runs[1:] == [("force", ["a", "b"], frozenset()), ("force", ["a", "b"], frozenset({"a"}))]


def test_notices_in_a_short_time_become_one_sync() -> None:
    bench = Bench().start()
    for _ in range(20):
        bench.daemon.operations.notify("a", reason="sign-up", by=None)
        bench.pass_time(0.05)
    bench.pass_time(5)
    assert bench.engine.runs[1:] == [("notify", ["a"], frozenset())]


def test_a_slow_sync_is_followed_by_one_that_is_due_and_no_more() -> None:
    bench = Bench(config_of(interval_seconds=10.0)).start()

    def slow(_needs: EngineNeeds) -> None:
        if len(bench.engine.runs) == 2:
            for _ in range(3):
                bench.time.advance(10.0)
                bench.ticker.call_due()

    bench.engine.during = slow
    bench.pass_time(10)
    assert len(bench.engine.runs) == 3


# --- switches -------------------------------------------------------------------------------------------


def test_disabled_nothing_is_synced_and_force_goes_through() -> None:
    bench = Bench().start()
    answer = bench.daemon.operations.disable(None, reason="migration", for_seconds=None, by=None)
    assert answer == {"sync_enabled": False, "datasets": {"a": True, "b": True}}
    bench.pass_time(1000)
    assert len(bench.engine.runs) == 1
    assert bench.status["next_sync_in_seconds"] is None
    assert bench.status["switch"]["reason"] == "migration"
    assert force(bench)["ok"]
    assert bench.synced[1:] == [["a", "b"]]


def test_a_switch_survives_a_restart() -> None:
    ledger = MemoryLedger()
    Bench(ledger=ledger).start().daemon.operations.disable(None, reason="why", for_seconds=None, by=None)
    again = Bench(ledger=ledger).start()
    assert again.synced == []
    assert not again.status["sync_enabled"]


@pytest.mark.parametrize("back", [0.0, 6 * 3600.0])
def test_disabled_for_a_time_it_is_not_for_longer_where_the_clock_was_set_back_meanwhile(back: float) -> None:
    ledger = MemoryLedger()
    before = Bench(ledger=ledger)
    before.time.wall += back
    before.start().daemon.operations.disable(None, reason=None, for_seconds=7200, by=None)
    before.daemon.operations.disable(["a"], reason=None, for_seconds=None, by=None)
    again = Bench(config_of(interval_seconds=100_000.0), ledger=ledger).start()
    again.pass_time(7100)
    assert again.synced == [] and not again.status["sync_enabled"]
    again.pass_time(200)
    assert again.synced == [["b"]]


def test_disabled_for_a_time_it_ends_by_itself_with_a_sync() -> None:
    bench = Bench(config_of(interval_seconds=100_000.0)).start()
    bench.daemon.operations.disable(None, reason=None, for_seconds=7200, by=None)
    bench.pass_time(7199)
    assert len(bench.engine.runs) == 1
    bench.pass_time(2)
    assert len(bench.engine.runs) == 2
    assert bench.status["sync_enabled"]


def test_two_switches_that_end_one_after_the_other() -> None:
    bench = Bench(config_of(interval_seconds=100_000.0)).start()
    bench.daemon.operations.disable(["a"], reason=None, for_seconds=100, by=None)
    bench.daemon.operations.disable(["b"], reason=None, for_seconds=200, by=None)
    bench.pass_time(150)
    bench.pass_time(100)
    assert bench.synced[1:] == [["a"], ["a", "b"]]


def test_enabling_syncs_at_once() -> None:
    bench = Bench().start()
    bench.daemon.operations.disable(["b"], reason=None, for_seconds=None, by=None)
    assert bench.daemon.operations.enable(["b"], reason=None, for_seconds=None, by=None)["datasets"] == {
        "a": True,
        "b": True,
    }
    bench.settle()
    assert bench.synced[1:] == [["b"]]


def test_a_switch_that_cannot_be_noted_does_not_count() -> None:
    bench = Bench().start()
    bench.ledger.broken = True
    with pytest.raises(StateError):
        bench.daemon.operations.disable(None, reason=None, for_seconds=None, by=None)
    assert bench.status["sync_enabled"]


def test_force_with_every_dataset_disabled_is_refused() -> None:
    bench = Bench().start()
    bench.daemon.operations.disable(["a", "b"], reason=None, for_seconds=None, by=None)
    with pytest.raises(NothingToSyncError):
        bench.daemon.operations.force(None, allow_deletes=False, by=None)


def test_an_unknown_dataset_is_named() -> None:
    bench = Bench().start()
    with pytest.raises(UnknownDatasetError, match="'c'"):
        bench.daemon.operations.force(["a", "c"], allow_deletes=False, by=None)


# --- failures -------------------------------------------------------------------------------------------


def test_what_concerns_all_opens_the_common_breaker_and_one_try_closes_it() -> None:
    bench = Bench().start()
    bench.engine.fails = {"a": DOWN, "b": DOWN}
    bench.pass_time(5 * 300)
    assert bench.status["circuit"]["state"] == "open"
    assert bench.status["health"]["level"] == "degraded"
    runs = len(bench.engine.runs)
    assert runs == 6
    bench.pass_time(250)
    assert len(bench.engine.runs) == runs, "meanwhile nothing calls Google or the database"
    bench.engine.fails = {}
    bench.pass_time(100)
    assert len(bench.engine.runs) == runs + 1
    assert bench.status["circuit"] == {"state": "closed", "opens_until": None}
    assert bench.status["health"]["level"] == "healthy"
    assert bench.status["statistics"]["consecutive_failures"] == 0
    assert bench.said("breaker.opened") and bench.said("breaker.closed")


def test_the_waits_of_the_breaker_double() -> None:
    bench = Bench(config_of(interval_seconds=1.0, max_consecutive_failures=1)).start()
    bench.engine.fails = {"a": DOWN, "b": DOWN}
    tried = []
    bench.engine.during = lambda _needs: tried.append(bench.time.mono)
    bench.pass_time(20_000)
    gaps = [round(later - sooner) for sooner, later in pairwise(tried)]
    assert [300 <= gap <= 335 for gap in gaps[:1]] == [True]
    assert all(
        base <= gap <= base * 1.1 + 5 for base, gap in zip((300, 600, 1200, 2400, 3600, 3600), gaps, strict=False)
    )


def test_a_dataset_that_alone_fails_opens_its_own_breaker_and_holds_up_nobody() -> None:
    bench = Bench().start()
    bench.engine.fails = {"a": BAD_QUERY}
    bench.pass_time(5 * 300)
    assert bench.status["circuit"]["state"] == "closed"
    first, second = bench.status["datasets"]
    assert (first["circuit"]["state"], second["circuit"]["state"]) == ("open", "closed")
    assert bench.status["health"]["level"] == "degraded"
    assert "no such table" in bench.status["health"]["reason"]
    before = len(bench.engine.runs)
    bench.pass_time(299)
    assert bench.synced[before:] in ([], [["b"]])
    bench.engine.fails = {}
    bench.pass_time(400)
    assert ["a"] in bench.synced[before:] or ["a", "b"] in bench.synced[before:]
    assert bench.status["health"]["level"] == "healthy"


def test_force_goes_through_an_open_breaker_and_closes_it() -> None:
    bench = Bench(config_of(max_consecutive_failures=1)).start()
    bench.engine.fails = {"a": CredentialsError("revoked"), "b": CredentialsError("revoked")}
    bench.pass_time(300)
    assert bench.status["circuit"]["state"] == "open"
    assert not force(bench)["ok"]
    bench.engine.fails = {}
    assert force(bench)["ok"]
    assert bench.status["circuit"]["state"] == "closed"


def test_the_breaker_survives_a_restart() -> None:
    ledger = MemoryLedger()
    bench = Bench(config_of(max_consecutive_failures=1), ledger).start()
    bench.engine.fails = {"a": DOWN, "b": DOWN}
    bench.pass_time(300)
    again = Bench(config_of(max_consecutive_failures=1), ledger)
    again.time.wall = bench.time.wall
    again.start()
    assert again.synced == []
    again.pass_time(400)
    assert again.synced[0] == ["a", "b"]


def test_a_failure_with_success_before_is_a_warning() -> None:
    bench = Bench().start()
    bench.engine.fails = {"a": QuotaExhaustedError("the quota was used up")}
    bench.pass_time(300)
    health = bench.status["health"]
    assert health["level"] == "warning"
    assert "quota" in health["reason"]
    assert "interval_seconds" in health["hint"]


def test_unhealthy_at_the_start_it_keeps_trying_with_backoff() -> None:
    bench = Bench()
    bench.engine.fails = {"a": DOWN, "b": DOWN}
    tried = []
    bench.engine.during = lambda _needs: tried.append(bench.time.mono)
    bench.engine.seconds = 0.0
    bench.start()
    assert bench.status["health"]["level"] == "unhealthy"
    bench.pass_time(80)
    gaps = [round(later - sooner) for sooner, later in pairwise(tried)]
    assert gaps == [5, 10, 20, 40]
    bench.engine.fails = {}
    bench.pass_time(400)
    assert bench.status["health"]["level"] == "healthy"


def test_a_lock_that_another_process_holds_is_waited_for_and_is_no_failure() -> None:
    bench = Bench()
    bench.engine.raises = LockHeldError("mmsync sync (process 7) is working on spreadsheet sheet")
    bench.start()
    assert bench.status["statistics"]["failed_syncs"] == 0
    bench.engine.raises = None
    bench.pass_time(6)
    assert bench.status["statistics"]["successful_syncs"] == 1


def test_a_bug_ends_neither_the_worker_nor_tells_a_value() -> None:
    bench = Bench()
    bench.engine.raises = ZeroDivisionError("anna@example.org")
    bench.start()
    assert bench.status["statistics"]["failed_syncs"] == 1
    assert "anna" not in str(bench.events) + str(bench.status)
    assert bench.said("sync.crashed")[0]["where"]
    bench.engine.raises = None
    assert force(bench)["ok"]
    assert bench.engine.opened == 2, "the engine is made anew after a bug"


def test_a_full_disk_is_a_failure_and_the_daemon_goes_on() -> None:
    bench = Bench().start()
    bench.ledger.broken = True
    bench.engine.raises = StateError("the state file cannot be used: disk is full", hint="Free some space.")
    bench.pass_time(300)
    assert bench.status["health"]["level"] == "warning"
    bench.engine.raises, bench.ledger.broken = None, False
    bench.pass_time(300)
    assert bench.status["health"]["level"] == "healthy"


def test_an_open_breaker_of_what_is_disabled_or_gone_makes_nobody_run_in_circles() -> None:
    bench = Bench(config_of(max_consecutive_failures=1)).start()
    bench.engine.fails = {"a": BAD_QUERY}
    bench.pass_time(300)
    assert bench.status["datasets"][0]["circuit"]["state"] == "open"
    bench.daemon.operations.disable(["a"], reason=None, for_seconds=None, by=None)
    bench.events.clear()
    bench.pass_time(2000)
    assert len(bench.said("schedule.skipped")) < 10
    bench.on_disk = config_of("b", max_consecutive_failures=1)
    bench.daemon.operations.reload(by=None)
    bench.events.clear()
    bench.pass_time(2000)
    assert len(bench.said("schedule.skipped")) < 10
    assert bench.ledger.breaks["a"].state == "closed", "what is gone is forgotten"


def test_an_open_breaker_while_syncing_is_disabled_makes_nobody_run_in_circles() -> None:
    bench = Bench(config_of(max_consecutive_failures=1)).start()
    bench.engine.fails = {"a": DOWN, "b": DOWN}
    bench.pass_time(300)
    bench.daemon.operations.disable(None, reason=None, for_seconds=None, by=None)
    bench.events.clear()
    bench.pass_time(2000)
    assert len(bench.said("schedule.skipped")) < 10
    bench.engine.fails = {}
    bench.daemon.operations.enable(None, reason=None, for_seconds=None, by=None)
    bench.settle()
    assert bench.status["health"]["level"] == "healthy", "enabling tries at once"


def intervals(first: float, second: float) -> Bench:
    config = config_of()
    a, b = config.datasets
    datasets = (replace(a, interval_seconds=first), replace(b, interval_seconds=second))
    return Bench(replace(config, datasets=datasets)).start()


def test_a_sync_that_did_not_look_at_google_says_nothing_of_google() -> None:
    bench = intervals(10.0, 15.0)
    bench.engine.blind = {"a"}
    bench.engine.fails = {"b": DOWN}
    bench.pass_time(120)
    assert bench.status["circuit"]["state"] == "open"
    assert bench.status["health"]["level"] == "degraded"


def test_a_dataset_that_alone_meets_what_concerns_all_opens_its_own_breaker() -> None:
    bench = intervals(10.0, 15.0)
    bench.engine.fails = {"b": DOWN}
    bench.pass_time(3600)
    assert bench.status["circuit"]["state"] == "closed"
    assert bench.status["datasets"][1]["circuit"]["state"] == "open"
    assert sum("b" in names for names in bench.synced) < 15
    assert bench.status["health"]["level"] == "degraded"


def test_a_reload_tries_again_what_was_tried_in_vain() -> None:
    bench = Bench(config_of(max_consecutive_failures=1)).start()
    bench.engine.fails = {"a": DOWN, "b": DOWN}
    bench.pass_time(300)
    bench.engine.fails = {}
    bench.daemon.operations.reload(by=None)
    bench.settle()
    assert bench.status["health"]["level"] == "healthy"


def test_whatever_tidying_up_raises_the_worker_goes_on_and_whoever_waits_is_told() -> None:
    bench = Bench().start()
    bench.time.advance(60)

    def fail() -> None:
        raise ZeroDivisionError("anna@example.org")

    bench.rest = fail
    assert force(bench)["ok"]
    assert bench.said("sync.crashed") and "anna" not in str(bench.events)
    assert force(bench)["ok"]


def test_a_run_that_no_engine_recorded_is_in_the_history_all_the_same() -> None:
    bench = Bench()
    bench.engine.raises = ZeroDivisionError()
    bench.start()
    assert [run.outcome for run in bench.ledger.recorded] == ["failed"]


def test_two_runs_that_meet_the_lock_are_both_made_up_for() -> None:
    bench = Bench(config_of(interval_seconds=100_000.0)).start()
    bench.engine.raises = LockHeldError("mmsync sync (process 7) is working on spreadsheet sheet")
    for name in ("a", "b"):
        bench.daemon.operations.notify(name, reason=None, by=None)
        bench.pass_time(2.5)
    bench.engine.raises = None
    before = len(bench.synced)
    bench.pass_time(10)
    assert {name for names in bench.synced[before:] for name in names} == {"a", "b"}


def test_a_forced_dataset_that_a_reload_took_away_was_not_synced() -> None:
    bench = Bench().start()
    accepted = bench.daemon.operations.force(["a"], allow_deletes=False, by=None)
    bench.on_disk = config_of("b")
    bench.daemon.operations.reload(by=None)
    bench.settle()
    result = accepted.done.result(timeout=0)
    assert (result["ok"], result["datasets"]) == (False, [])
    assert result["error"].startswith("a: it was not synced")


# --- pauses -----------------------------------------------------------------------------------------------


def hold_during(bench: Bench, ttl: float) -> None:
    """Lets a request come while a run is under way, and the run reach the end of a batch after that."""

    def during(needs: EngineNeeds) -> None:
        bench.daemon.operations.pause("web-1", ttl, by=None)
        needs.gate(wait=True)

    bench.engine.during = during


def test_a_run_waits_while_somebody_holds_and_a_hold_ends_by_itself() -> None:
    bench = Bench().start()
    hold_during(bench, 12.0)
    before = bench.time.mono
    bench.while_waiting = lambda: bench.events.append(("waiting", bench.status["current"]))
    bench.pass_time(300)
    assert bench.said("waiting")[0]["waiting_for"] == "requests"
    assert bench.time.mono - before >= 312
    assert bench.status["statistics"]["successful_syncs"] == 2


def test_a_run_goes_on_when_the_last_holder_resumes() -> None:
    bench = Bench().start()
    hold_during(bench, 3000.0)
    bench.daemon.operations.pause("web-2", 3000.0, by=None)
    left = ["web-1", "web-2"]
    bench.while_waiting = lambda: bench.daemon.operations.resume(left.pop(), by=None) if left else None
    before = bench.time.mono
    bench.pass_time(300)
    assert not left
    assert bench.time.mono - before < 320


def test_constant_traffic_cannot_starve_a_run() -> None:
    bench = Bench(config_of(max_pause_seconds=60.0)).start()

    def during(needs: EngineNeeds) -> None:
        for _ in range(3):
            bench.daemon.operations.pause("web-1", 3000.0, by=None)
            needs.gate(wait=True)

    bench.engine.during = during
    before = bench.time.mono
    bench.pass_time(300)
    assert bench.status["statistics"]["successful_syncs"] == 2
    assert 360 <= bench.time.mono - before < 370
    assert len(bench.said("pause.overdue")) == 1


def test_a_forced_run_is_not_held_up() -> None:
    bench = Bench().start()
    held: list[bool] = []

    def during(needs: EngineNeeds) -> None:
        bench.daemon.operations.pause("web-1", 3000.0, by=None)
        held.extend(needs.gate(wait=wait) for wait in (True, False))

    bench.engine.during = during
    assert force(bench)["ok"]
    assert held == [False, False], "and it need not let go of what it has read"
    assert bench.waits == []


def test_a_held_run_makes_way_for_a_forced_one() -> None:
    bench = Bench().start()
    hold_during(bench, 3000.0)
    bench.while_waiting = lambda: bench.daemon.operations.force(["a"], allow_deletes=False, by=None)
    bench.pass_time(300)
    assert [trigger for trigger, _, _ in bench.engine.runs] == ["start", "schedule", "force"]
    assert len(bench.waits) == 1


# --- stopping -----------------------------------------------------------------------------------------------


def test_stopping_ends_a_run_at_its_next_batch_and_it_counts_neither_way() -> None:
    bench = Bench().start()

    def during(needs: EngineNeeds) -> None:
        bench.daemon.stop()
        needs.gate(wait=True)

    bench.engine.during = during
    bench.ticker.time.advance(300)
    bench.ticker.call_due()
    bench.daemon.serve_next()
    assert (bench.status["is_running"], bench.status["stopping"]) == (True, True)
    assert bench.status["next_sync_in_seconds"] is None
    assert bench.daemon.operations.healthy()[0] is False
    assert "stopping" in bench.status["health"]["reason"]
    with pytest.raises(ShuttingDownError):
        bench.daemon.operations.force(None, allow_deletes=False, by=None)
    with pytest.raises(ShuttingDownError):
        bench.daemon.operations.pause("web-1", 1.0, by=None)


def test_whoever_waits_for_a_run_that_will_not_come_is_told() -> None:
    bench = Bench().start()
    accepted = bench.daemon.operations.force(None, allow_deletes=False, by=None)
    bench.daemon.stop()
    assert accepted.done.cancelled()


def test_a_sleep_before_another_try_ends_when_the_daemon_does() -> None:
    bench = Bench().start()
    needs = bench.engine.needs
    assert needs is not None
    before = bench.time.mono
    bench.while_waiting = lambda: bench.events.append(("waiting", bench.status["current"] or {}))
    needs.sleep(12.0)
    assert bench.time.mono - before == 12.0
    assert max(bench.waits) <= 5.0, "it says that it is alive meanwhile"


def test_goodbye_is_noted() -> None:
    bench = Bench().start()
    assert bench.ledger.marked is not None and bench.ledger.marked.stopped_at is None
    bench.daemon.say_goodbye()
    assert bench.ledger.marked.stopped_at == bench.time.wall


# --- reload ---------------------------------------------------------------------------------------------


def test_a_reload_takes_new_datasets_and_intervals_at_once() -> None:
    bench = Bench().start()
    bench.on_disk = config_of("a", "c", interval_seconds=60.0)
    answer = bench.daemon.operations.reload(by=None)
    assert answer["changed"] == ["sync.interval_seconds", "datasets.b", "datasets.c"]
    bench.settle()
    assert bench.synced[1:] == [["a", "c"]]
    bench.pass_time(60)
    assert bench.synced[2:] == [["a", "c"]]
    assert bench.engine.opened == 2


def test_what_the_daemon_was_built_on_waits_for_a_restart() -> None:
    bench = Bench().start()
    bench.on_disk = replace(config_of(), socket_path=config_of().state_path.with_name("other.sock"))
    answer = bench.daemon.operations.reload(by=None)
    assert answer == {"reloaded": True, "changed": [], "needs_restart": ["control.socket"]}
    bench.on_disk = replace(config_of(), metrics=MetricsSettings(("127.0.0.1", 9464), Path("/m.prom")))
    answer = bench.daemon.operations.reload(by=None)
    assert answer["needs_restart"] == ["metrics.listen", "metrics.textfile"]
    assert bench.daemon.config.metrics == MetricsSettings()


def test_a_wrong_configuration_is_refused_and_the_old_one_stays() -> None:
    bench = Bench().start()
    bench.on_disk = ConfigError(["sync.interval_seconds: is not a number"])
    with pytest.raises(ConfigError):
        bench.daemon.operations.reload(by=None)
    bench.pass_time(300)
    assert bench.synced[1:] == [["a", "b"]]
    assert bench.said("reload.refused")


# --- the rest -------------------------------------------------------------------------------------------


def test_health_is_logged_with_totals() -> None:
    bench = Bench().start()
    bench.pass_time(60)
    bench.daemon.check_health()
    (fields,) = bench.said("health.checked")
    assert fields == {
        "status": "healthy",
        "reason": "every dataset is in step with the database",
        "uptime": 60,
        "total": 1,
        "failed": 0,
        "success_rate": 100.0,
    } | {"uptime": fields["uptime"]}
    assert bench.status["statistics"]["last_health_check"] is not None


def test_old_runs_are_removed_now_and_then() -> None:
    bench = Bench().start()
    bench.pass_time(3 * 3600)
    assert 3 <= len(bench.ledger.pruned) <= 4


def test_memory_is_given_back_when_there_is_time_else_once_a_minute() -> None:
    bench = Bench(config_of(interval_seconds=2.0)).start()
    bench.pass_time(200)
    assert 2 <= len(bench.rests) <= 4
    bench.daemon.rest()
    bench.daemon.rest()
    assert 3 <= len(bench.rests) <= 5


def test_a_part_that_is_not_heard_of_any_more_is_the_verdict() -> None:
    bench = Bench().start()
    bench.time.advance(1000)
    health = bench.status["health"]
    assert health["level"] == "unhealthy" and "worker" in health["reason"] and "restart" in health["hint"]
    assert bench.daemon.operations.healthy()[0] is False


def test_a_lock_that_is_held_for_long_is_told_with_its_holder() -> None:
    bench = Bench()
    bench.engine.raises = LockHeldError("mmsync sync (process 7) is working on spreadsheet sheet")
    bench.start()
    bench.pass_time(90)
    assert bench.status["health"]["level"] == "warning"
    assert "process 7" in bench.status["health"]["reason"]
    bench.pass_time(600)
    assert bench.status["health"]["level"] == "degraded"
    bench.engine.raises = None
    bench.pass_time(10)
    assert bench.status["health"]["level"] == "healthy"


def test_a_lock_that_nobody_tries_any_more_is_not_told_for_ever() -> None:
    bench = Bench(config_of(interval_seconds=100_000.0))
    bench.engine.raises = LockHeldError("mmsync sync (process 7) is working on spreadsheet sheet")
    bench.start()
    bench.daemon.operations.disable(None, reason=None, for_seconds=None, by=None)
    bench.pass_time(3600)
    assert bench.status["health"]["level"] == "healthy"


def test_a_long_comparison_is_a_sign_of_life() -> None:
    bench = Bench().start()

    def compare_for_an_hour(needs: EngineNeeds) -> None:
        for _ in range(300):
            bench.time.advance(12.0)
            needs.gate(wait=False)
            assert bench.daemon.heart.silent() == []

    bench.engine.during = compare_for_an_hour
    assert force(bench)["ok"]


def test_disabled_after_a_first_failure_nobody_runs_in_circles() -> None:
    bench = Bench()
    bench.engine.fails = {"a": DOWN, "b": DOWN}
    bench.start()
    bench.daemon.operations.disable(None, reason=None, for_seconds=None, by=None)
    bench.events.clear()
    bench.pass_time(3600)
    assert len(bench.said("schedule.skipped")) < 20


def test_what_a_foreground_sync_adds_is_counted() -> None:
    bench = Bench().start()
    bench.ledger.kept = Totals(successful=7)
    bench.pass_time(300)
    assert bench.status["statistics"]["total_syncs"] == 8


def test_a_holder_too_many_is_refused() -> None:
    bench = Bench().start()
    for number in range(1000):
        bench.daemon.operations.pause(f"web-{number}", 10.0, by=None)
    with pytest.raises(TooManyHoldersError):
        bench.daemon.operations.pause("one more", 10.0, by=None)


def test_the_start_says_what_it_runs_with_and_that_the_last_one_was_killed() -> None:
    ledger = MemoryLedger()
    Bench(ledger=ledger).start()
    (fields,) = Bench(ledger=ledger).start().said("daemon.started")
    assert fields["last_one_was_killed"] is True
    assert (fields["version"], fields["socket"], fields["datasets"]) == ("1.2.3", "/control.sock", ["a", "b"])


def test_the_status_has_exactly_the_keys_of_the_contract_and_more_beside_them() -> None:
    status = Bench().start().status
    assert set(status) >= {
        "is_running", "sync_in_progress", "sync_enabled", "paused_for_requests", "last_sync_time",
        "next_sync_in_seconds", "config", "statistics", "version", "circuit", "datasets",
    }  # fmt: skip
    assert set(status["config"]) == {
        "interval_seconds", "max_retries", "enable_course_stats", "enable_user_profiles", "health_check_interval",
        "max_consecutive_failures",
    }  # fmt: skip
    assert set(status["statistics"]) == {
        "total_syncs", "successful_syncs", "failed_syncs", "success_rate_percent", "last_sync_duration_seconds",
        "average_sync_duration_seconds", "consecutive_failures", "last_error", "last_error_time", "health_status",
        "uptime_seconds", "last_health_check",
    }  # fmt: skip
    assert set(status["datasets"][0]) >= {
        "name", "tab", "enabled", "last_sync_time", "last_result", "rows", "inserted", "updated", "deleted",
        "consecutive_failures", "last_error",
    }  # fmt: skip
    assert set(status["circuit"]) == {"state", "opens_until"}
