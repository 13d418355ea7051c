"""When the daemon lets its engine tell the sheet's readers how it goes, and what it has planned for a dataset."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moneymentor_sync.core.cluster_view import ClusterView
from moneymentor_sync.core.errors import DatabaseUnreachableError, LockHeldError, QueryError, UnavailableError
from moneymentor_sync.core.settings import SheetSettings
from moneymentor_sync.core.sheet_status import Outlook
from moneymentor_sync.daemon.parts import EngineNeeds
from tests.daemon_double import Bench, config_of


def outlook(bench: Bench, name: str = "a") -> Outlook:
    """What the engine is told of a dataset's future."""
    assert bench.engine.needs is not None
    return bench.engine.needs.outlook(next(one for one in bench.daemon.config.datasets if one.name == name))


def end(bench: Bench) -> None:
    """What the worker's thread does once the daemon is to end."""
    bench.daemon.stop()
    bench.daemon._worker.work()


# --- when ---------------------------------------------------------------------------------------------------------


def test_after_each_run_that_was_one() -> None:
    bench = Bench().start()
    assert bench.engine.told == [None]
    bench.pass_time(300)
    assert bench.engine.told == [None, None]
    bench.engine.raises = LockHeldError("mmsync sync has the spreadsheet")
    bench.pass_time(300)
    assert bench.engine.told == [None, None], "nothing was tried, so nothing is to be told"


def test_after_one_that_failed_with_what_follows_from_it() -> None:
    bench = Bench(config_of(max_consecutive_failures=1))
    seen: list[Outlook] = []
    bench.engine.tell = lambda ended=None, only=None: seen.append(outlook(bench))  # type: ignore[method-assign]
    bench.engine.fails["a"] = QueryError("no such table")
    bench.start()
    assert [(one.waits, one.code) for one in seen] == [(True, "query")], "its breaker is open by then"


def test_whoever_waits_for_the_run_does_not_wait_for_that() -> None:
    bench = Bench().start()
    accepted = bench.daemon.operations.force(None, allow_deletes=False, by=None)
    done: list[bool] = []
    bench.engine.tell = lambda ended=None, only=None: done.append(accepted.done.done())  # type: ignore[method-assign]
    bench.settle()
    assert done == [True]


def test_not_while_somebody_holds_the_sync_up() -> None:
    bench = Bench().start()

    def hold(_needs: EngineNeeds) -> None:
        bench.daemon.operations.pause("web", 60, by=None)

    bench.engine.during = hold
    bench.pass_time(300)
    assert (len(bench.engine.runs), bench.engine.told) == (2, [None])


def test_also_that_nothing_is_synced_since_it_is_disabled() -> None:
    bench = Bench().start()
    bench.daemon.operations.disable(None, reason=None, for_seconds=None, by=None)
    bench.pass_time(300)
    assert (len(bench.engine.runs), bench.engine.told) == (1, [None, None])


def test_but_not_that_nothing_is_synced_since_the_breaker_is_open() -> None:
    bench = Bench(config_of("a", max_consecutive_failures=1)).start()
    bench.engine.fails["a"] = UnavailableError("Google could not be reached")
    bench.daemon.operations.force(None, allow_deletes=False, by=None)
    bench.settle()
    before = len(bench.engine.told)
    bench.pass_time(299)
    bench.daemon.operations.notify("a", reason=None, by=None)
    bench.pass_time(0.5)
    assert bench.said("schedule.skipped")
    assert len(bench.engine.told) == before


# --- the end ------------------------------------------------------------------------------------------------------


def test_at_the_end_it_says_good_bye_once() -> None:
    bench = Bench().start()
    assert not bench.daemon.has_worked
    end(bench)
    assert bench.engine.told == [None, "stopped"]
    assert bench.daemon.has_worked


def test_a_run_that_is_ended_with_the_daemon_is_not_told_of_by_itself() -> None:
    bench = Bench().start()
    bench.engine.during = lambda _needs: bench.daemon.stop()
    bench.pass_time(300)
    assert bench.engine.told == [None]
    end(bench)
    assert bench.engine.told == [None, "stopped"]


@pytest.mark.parametrize(
    ("error", "times", "told"),
    [
        (UnavailableError("Google could not be reached"), 1, False),
        (DatabaseUnreachableError("connection refused"), 1, True),
        (DatabaseUnreachableError("connection refused"), 9, False),  # the breaker is open: nothing calls Google
        (QueryError("no such table"), 9, True),
    ],
)
def test_but_not_where_google_is_not_to_be_called(error: UnavailableError, times: int, told: bool) -> None:
    bench = Bench(config_of("a", max_consecutive_failures=5)).start()
    bench.engine.fails["a"] = error
    bench.pass_time(300 * times)
    before = len(bench.engine.told)
    end(bench)
    assert bench.engine.told[before:] == (["stopped"] if told else [])


def test_nor_where_others_of_its_fleet_go_on() -> None:
    for others, told in (({}, ["stopped"]), ({2: frozenset()}, [])):
        bench = Bench().start()
        view = ClusterView("default", "me", 15.0, me=1, alive={1: frozenset({0}), **others})
        fleet = type("InFleet", (), {"view": view, "has": lambda _self, _one: True})()
        bench.daemon._worker._fleet = fleet
        before = len(bench.engine.told)
        end(bench)
        assert bench.engine.told[before:] == told


def test_one_that_was_never_opened_has_nothing_to_say() -> None:
    bench = Bench(config_of())
    bench.daemon.prepare()
    end(bench)
    assert bench.engine.told == []


# --- another configuration ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("after", "word"),
    [
        (SheetSettings(), ["no longer updated"]),
        (SheetSettings(status=True, status_tab="another"), ["no longer updated"]),
        (SheetSettings(status=True, status_every_seconds=60), []),
    ],
)
def test_a_tab_that_is_left_behind_says_so(after: SheetSettings, word: list[str]) -> None:
    config = replace(config_of(), sheet=SheetSettings(status=True))
    bench = Bench(config).start()
    bench.on_disk = replace(config, sheet=after)
    bench.daemon.operations.reload(by=None)
    bench.settle()
    assert bench.engine.told == [None, *word, None]
    assert bench.engine.opened == 2


def test_so_does_that_of_a_spreadsheet_with_no_dataset_any_more() -> None:
    config = replace(config_of("a", "b", "c"), sheet=SheetSettings(status=True))
    a, b, c = config.datasets
    bench = Bench(replace(config, datasets=(a, replace(b, spreadsheet_id="other"), c))).start()
    bench.on_disk = replace(config, datasets=(a, c))
    bench.daemon.operations.reload(by=None)
    bench.settle()
    assert bench.engine.told == [None, "no longer updated", None]
    assert bench.engine.told_only == [None, {"other"}, None]


# --- what is planned ----------------------------------------------------------------------------------------------


def test_the_next_sync_is_the_end_of_its_interval() -> None:
    config = config_of()
    a, b = config.datasets
    bench = Bench(replace(config, datasets=(replace(a, interval_seconds=60.0), b))).start()
    bench.time.advance(10)
    now = bench.time.wall
    began = now - 10.5  # the run took half a second
    assert outlook(bench, "a").next_sync == pytest.approx(began + 60)
    assert outlook(bench, "b").next_sync == pytest.approx(began + 300)


def test_what_is_disabled_has_none() -> None:
    bench = Bench().start()
    bench.daemon.operations.disable(["a"], reason=None, for_seconds=None, by=None)
    assert outlook(bench, "a") == Outlook(enabled=False)
    assert outlook(bench, "b").enabled
    bench.daemon.operations.disable(None, reason=None, for_seconds=None, by=None)
    assert outlook(bench, "b") == Outlook(enabled=False)


@pytest.mark.parametrize(
    ("error", "others"), [(UnavailableError("Google could not be reached"), True), (QueryError("no table"), False)]
)
def test_behind_a_breaker_it_is_the_breakers_try(error: UnavailableError, others: bool) -> None:
    bench = Bench(config_of(max_consecutive_failures=2)).start()
    bench.engine.fails["a"] = error
    bench.pass_time(600)
    seen = outlook(bench, "a")
    assert (seen.waits, seen.code) == (True, error.code)
    assert seen.next_sync is not None
    assert 0 < seen.next_sync - bench.time.wall <= 330
    assert outlook(bench, "b").waits is others
