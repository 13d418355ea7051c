"""What is wrong, by the status documents of a real daemon (on doubles), and how that reads."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from moneymentor_sync.core.alert_conditions import GUARD_CODES, KeyTrouble, Known, guard_condition, look_at, span_of
from moneymentor_sync.core.alert_messages import check_message, message_from, message_of, text_of
from moneymentor_sync.core.alerts import NOTHING, Condition, Look, Rules, decide
from moneymentor_sync.core.cluster_view import ClusterView, cluster_document
from moneymentor_sync.core.errors import (
    DatabaseUnreachableError,
    GuardError,
    MmsyncError,
    QueryError,
    ShrinkRefusedError,
    UnavailableError,
)
from tests.daemon_double import Bench, config_of

DOWN = DatabaseUnreachableError("the database cannot be reached at db:5432", hint="Start it.")
HOUR = {"a": 3_600.0, "b": 3_600.0}
RULES = Rules(86_400.0, 120.0)


def bench(**fails: MmsyncError) -> Bench:
    made = Bench(config_of("a", "b", max_consecutive_failures=3)).start()
    made.engine.fails = dict(fails)
    return made


def look(bench: Bench, known: Known = Known(HOUR)) -> Look:  # noqa: B008 - frozen
    return look_at(bench.status, known, bench.time.wall)


def keys(seen: Look) -> list[str]:
    return [one.key for one in seen.conditions]


def told(seen: Look, at: float = 0.0) -> list[str]:
    """What would be told had all of it lasted."""
    memory, now = decide(seen, NOTHING, at, RULES)
    _, later = decide(seen, memory, at + 120, RULES)
    return [one.condition.key for one in (*now, *later)]


def test_nothing_is_wrong_with_a_daemon_that_is_well() -> None:
    seen = look(bench())
    assert (seen.conditions, seen.datasets, seen.unsure, seen.quiet) == ((), frozenset({"a", "b"}), False, False)


def test_before_the_first_sync_has_ended_nothing_is_proven() -> None:
    made = Bench(config_of("a", "b"))
    made.daemon.prepare()
    assert look(made).unsure


def test_one_failure_is_a_warning_and_as_many_as_open_the_breaker_are_told_at_once() -> None:
    made = bench(a=DOWN, b=DOWN)
    made.pass_time(300)
    assert keys(look(made)) == ["health:warning"]
    made.pass_time(600)
    seen = look(made)
    assert keys(seen) == ["breaker", "health", "health:warning"]
    assert told(seen) == ["breaker", "health"]
    health = seen.conditions[1]
    assert "the database cannot be reached at db:5432" in health.title
    assert health.hint == "Start it."
    assert "Last success: 2027-01-15 08:00:00 UTC." in health.text
    assert "The next try is at 2027-" in health.text


def test_a_warning_says_which_dataset_it_is_about() -> None:
    made = bench(a=QueryError("no such table: x"))
    made.pass_time(300)
    (warning,) = look(made).conditions
    assert warning.title == "warning: dataset a: no such table: x"


def test_nothing_synced_since_the_start_is_told_at_once() -> None:
    made = Bench(config_of("a"))
    made.engine.fails = {"a": DOWN}
    made.start()
    assert told(look(made)) == ["health"]
    assert "unhealthy" in look(made).conditions[0].title


def test_a_try_under_way_is_not_the_end_of_an_open_breaker() -> None:
    made = bench(a=DOWN, b=DOWN)
    made.pass_time(900)
    during: list[Look] = []
    made.engine.during = lambda _needs: during.append(look(made))
    made.pass_time(400)
    assert [keys(one)[:2] for one in during] == [["breaker", "health"]]


def test_one_datasets_breaker_is_told_as_its_own() -> None:
    made = bench(a=QueryError("no such table: a", hint="Correct the query."))
    made.pass_time(900)
    seen = look(made)
    assert told(seen) == ["breaker:a"]
    (breaker,) = [one for one in seen.conditions if one.key == "breaker:a"]
    assert (breaker.dataset, breaker.hint) == ("a", "Correct the query.")
    assert "The other datasets go on." in breaker.text
    made.engine.fails["b"] = QueryError("no such table: b")
    made.pass_time(900)
    assert {"breaker:a", "breaker:b"} <= set(told(look(made)))


def refused(dataset: str = "a") -> dict[str, Condition]:
    error = ShrinkRefusedError("all 30 rows would be deleted")
    return {dataset: guard_condition(dataset, error.code, str(error), error.hint)}


def test_what_a_guard_refused_is_told_at_once_and_not_again_as_health() -> None:
    made = bench(a=ShrinkRefusedError("all 30 rows would be deleted"))
    made.pass_time(300)
    seen = look(made, Known(HOUR, refused()))
    assert told(seen) == ["guard:a"]
    guard = seen.conditions[0]
    assert "`mmsync force a --allow-deletes`" in guard.hint
    assert guard.text.startswith("All 30 rows would be deleted. The tab stays")
    made.pass_time(900)
    seen = look(made, Known(HOUR, refused()))
    assert "breaker:a" in keys(seen)
    assert told(seen) == ["guard:a"]
    made.engine.fails["b"] = QueryError("no such table: b")
    made.pass_time(1_000)
    assert told(look(made, Known(HOUR, refused()))) == ["guard:a", "breaker:b"]


def test_all_guards_are_known_by_their_codes() -> None:
    assert {one.code for one in GuardError.__subclasses__()} < GUARD_CODES
    assert {"shrink_refused", "unknown_rows", "key_damaged", "guard"} <= GUARD_CODES
    assert DOWN.code not in GUARD_CODES


# --- stale --------------------------------------------------------------------------------------------------


def stale(made: Bench, after: dict[str, float] = HOUR) -> list[str]:
    return [key for key in keys(look(made, Known(after))) if key.startswith("stale")]


def test_a_dataset_is_stale_after_its_time_without_a_success() -> None:
    made = bench(a=DOWN, b=DOWN)
    made.engine.fails = {"a": DOWN}
    made.pass_time(3_500)
    assert stale(made) == []
    made.pass_time(200)
    assert stale(made) == ["stale:a"]
    (one,) = [one for one in look(made).conditions if one.key == "stale:a"]
    assert one.since == pytest.approx(1_800_000_000.0, abs=2)
    assert one.title == "a: not synced for more than 1 h"


def test_one_that_is_synced_seldom_is_not_stale_between_two_syncs() -> None:
    config = config_of("a", interval_seconds=7_200.0)
    made = Bench(config).start()
    made.pass_time(7_000)
    assert stale(made) == []
    made.engine.fails = {"a": DOWN}
    made.pass_time(7_500)
    assert stale(made) == ["stale:a"]


def test_one_that_never_succeeded_counts_from_the_start_of_the_daemon() -> None:
    made = Bench(config_of("a"))
    made.engine.fails = {"a": DOWN}
    made.start()
    made.pass_time(3_500)
    assert stale(made) == []
    made.pass_time(200)
    assert stale(made) == ["stale:a"]
    assert "Last success: never." in next(one.text for one in look(made).conditions if one.kind == "stale")


def test_what_is_disabled_is_never_stale() -> None:
    made = bench(a=DOWN, b=DOWN)
    made.pass_time(4_000)
    assert stale(made) == ["stale:a", "stale:b"]
    made.daemon.operations.disable(["a"], reason=None, for_seconds=None, by=None)
    assert stale(made) == ["stale:b"]
    assert look(made).datasets == {"b"}
    made.daemon.operations.disable(None, reason=None, for_seconds=None, by=None)
    assert stale(made) == []
    assert look(made).quiet


# --- a fleet ------------------------------------------------------------------------------------------------


def in_fleet(status: dict[str, Any], *, connected: bool, mine: tuple[str, ...]) -> dict[str, Any]:
    view = ClusterView("fleet", "m1", 15.0, me=1 if connected else None, error=None if connected else "gone")
    document = cluster_document(view, {"sheet": list(mine), "other": ["b"]})
    spreadsheets = [one | {"mine": one["spreadsheet_id"] == "sheet"} for one in document["spreadsheets"]]
    return status | {
        "cluster": document | {"spreadsheets": spreadsheets if connected else document["spreadsheets"]}
    }


def test_a_member_looks_after_the_datasets_that_it_has() -> None:
    made = bench(a=DOWN, b=DOWN)
    made.pass_time(4_000)
    status = in_fleet(made.status, connected=True, mine=("a",))
    seen = look_at(status, Known(HOUR), made.time.wall)
    assert seen.datasets == {"a"}
    assert [one for one in keys(seen) if one.startswith("stale")] == ["stale:a"]


def test_a_member_that_lost_its_fleet_ends_nothing_and_calls_nothing_stale() -> None:
    made = bench(a=DOWN, b=DOWN)
    made.pass_time(4_000)
    seen = look_at(in_fleet(made.status, connected=False, mine=("a",)), Known(HOUR), made.time.wall)
    assert seen.unsure
    assert not [one for one in keys(seen) if one.startswith("stale")]


# --- keys, backups ------------------------------------------------------------------------------------------

REFUSED = KeyTrouble("sync@p.iam", "refused", "Google does not accept the key.", "Make a new key.")


def test_a_key_that_will_stop_working_is_told_while_syncs_succeed() -> None:
    assert told(look(bench(), Known(HOUR, keys=(REFUSED,)))) == ["credentials:refused:sync@p.iam"]
    made = bench(a=DOWN, b=DOWN)
    made.pass_time(900)
    memory, _ = decide(look(made), NOTHING, 0, RULES)
    _, notices = decide(look(made, Known(HOUR, keys=(REFUSED,))), memory, 60, RULES)
    assert notices == ()  # it has stopped already, and that was told


def test_a_key_file_that_vanished_is_told_when_that_lasts() -> None:
    missing = replace(REFUSED, kind="missing")
    seen = look(bench(), Known(HOUR, keys=(missing,)))
    assert not decide(seen, NOTHING, 0, RULES)[1]
    assert told(seen) == ["credentials:missing:sync@p.iam"]


def test_a_backup_that_failed_is_told() -> None:
    status = bench().status | {"backup": {"last_error": "no space left on the disk"}}
    (one,) = look_at(status, Known(HOUR), 0).conditions
    assert (one.kind, one.text, one.hint) == (
        "backup",
        "No space left on the disk.",
        "Try it with `mmsync backup`.",
    )
    assert look_at(status | {"backup": {"last_error": None}}, Known(HOUR), 0).conditions == ()


# --- how it reads -------------------------------------------------------------------------------------------


def test_a_message_says_what_since_when_why_and_what_to_do() -> None:
    made = bench(a=DOWN, b=DOWN)
    made.pass_time(900)
    now = made.time.wall
    memory, notices = decide(look(made), NOTHING, now, RULES)
    message = message_of(notices, "db1", now)
    assert (message.event, message.severity, message.dataset) == ("alert", "error", None)
    assert message.title.startswith("mmsync on db1: degraded: syncs fail: the database cannot be reached")
    assert message.hint == "Start it."
    assert message.text.count("the database cannot be reached") == 1
    assert "Failed 3 times in a row." in message.text
    assert "What to do: Start it." in message.text
    assert "Since 2027-01-15 08:1" in message.text
    assert [one.key for one in message.items] == ["breaker", "health"]
    _, over = decide(Look((), frozenset({"a", "b"})), memory, now + 60, RULES)
    memory, _ = decide(Look((), frozenset({"a", "b"})), memory, now + 60, RULES)
    _, over = decide(Look((), frozenset({"a", "b"})), memory, now + 200, RULES)
    ended = message_of(over, "db1", now + 200)
    assert (ended.event, ended.severity, ended.title) == (
        "recovery", "info", "mmsync on db1: over: syncs work again, after 1 min",
    )  # fmt: skip
    assert ended.text.startswith("OVER: syncs work again.\nIt was: degraded: syncs fail: the database")


def test_several_things_are_one_message() -> None:
    made = bench(a=QueryError("no such table: a"), b=QueryError("no such table: b"))
    made.pass_time(900)
    message = message_of(decide(look(made), NOTHING, made.time.wall, RULES)[1], "db1", made.time.wall)
    assert message.title.endswith("(and 1 more)")
    assert message.text.count("No such table") == 2


def test_of_very_many_things_some_are_told_in_full_and_all_by_name() -> None:
    names = [f"d{number}" for number in range(9)]
    made = Bench(config_of(*names, max_consecutive_failures=3)).start()
    made.engine.fails = {name: QueryError(f"no such table: {name}") for name in names}
    made.pass_time(900)
    message = message_of(decide(look(made), NOTHING, made.time.wall, RULES)[1], "db1", made.time.wall)
    assert message.title.endswith("(and 8 more)")
    assert [message.text.count(f"{name}: failed 3 times") for name in names] == [1] * 9
    assert "And 5 more:\n- d4: failed" in message.text
    assert len(message.items) == 9


def test_a_message_is_kept_and_read_again_as_it_was() -> None:
    made = bench(a=DOWN, b=DOWN)
    made.pass_time(900)
    message = message_of(decide(look(made), NOTHING, made.time.wall, RULES)[1], "db1", made.time.wall)
    assert message_from(text_of(message)) == message
    assert set(message.document()) == {
        "version", "event", "severity", "title", "text", "hint", "dataset", "since", "at", "instance", "items",
    }  # fmt: skip
    assert check_message("db1", 0.0).document()["event"] == "test"


def test_a_very_long_error_is_cut() -> None:
    made = bench(a=UnavailableError("x" * 100_000), b=UnavailableError("x" * 100_000))
    made.pass_time(900)
    message = message_of(decide(look(made), NOTHING, made.time.wall, RULES)[1], "db1", made.time.wall)
    assert len(message.title) <= 160
    assert len(message.text) <= 4_000


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3_599, "59 min"), (3_600, "1 h"), (11_100, "3 h 5 min"),
     (187_200, "2 d 4 h"), (-5, "0 s")],
)  # fmt: skip
def test_spans_read_as_people_say_them(seconds: float, words: str) -> None:
    assert span_of(seconds) == words
