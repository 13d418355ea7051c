"""The daemon that hears of changes: what is synced, when, and what becomes of the watch. On doubles."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moneymentor_sync.core.daemon_ports import Changed
from moneymentor_sync.core.errors import ConfigError, DatabaseUnreachableError, MmsyncError, QuotaExhaustedError
from moneymentor_sync.core.notices import most_syncs
from moneymentor_sync.core.realtime import Hearing
from moneymentor_sync.core.settings import Config, SyncSettings
from moneymentor_sync.daemon.listening import Listening
from moneymentor_sync.daemon.parts import EngineNeeds
from tests.daemon_double import Bench, Ear, config_of

LONG = 100_000.0
"""An interval that is not over in any of these."""


def bench(**sync: float) -> Bench:
    return Bench(config_of(**{"interval_seconds": LONG} | sync)).start()


def test_it_listens_from_before_its_first_sync_until_it_stops() -> None:
    made = bench()
    (ear,) = made.ears
    assert ear.started
    made.daemon.stop()
    assert ear.stopped


def test_a_change_is_synced_after_the_quiet_time() -> None:
    made = bench(debounce_seconds=3.0)
    made.ears[0].changed(frozenset({"a"}))
    made.pass_time(2.9)
    assert len(made.engine.runs) == 1
    made.pass_time(0.2)
    assert made.engine.runs[1:] == [("notify", ["a"], frozenset())]


def test_a_gap_is_one_sync_of_everything() -> None:
    made = bench()
    made.ears[0].changed(None)
    made.pass_time(60)
    assert made.synced[1:] == [["a", "b"]]


def test_changes_of_several_datasets_are_one_run() -> None:
    made = bench()
    made.ears[0].changed(frozenset({"a"}))
    made.daemon.operations.notify("b", reason=None, by=None)
    made.pass_time(60)
    assert made.synced[1:] == [["a", "b"]]


def test_a_change_during_a_sync_is_followed_by_one_more() -> None:
    made = bench()

    def meanwhile(_needs: EngineNeeds) -> None:
        if len(made.engine.runs) == 2:
            for _ in range(5):
                made.ears[0].changed(frozenset({"a"}))

    made.engine.during = meanwhile
    made.ears[0].changed(frozenset({"a"}))
    made.pass_time(60)
    assert made.synced[1:] == [["a"], ["a"]]


@pytest.mark.parametrize("every", [0.1, 2.1, 5.0])
def test_a_constant_stream_makes_no_more_syncs_than_the_clock_allows(every: float) -> None:
    made = bench()
    for _ in range(int(180 / every)):
        made.ears[0].changed(frozenset({"a"}))
        made.pass_time(every)
    defaults = SyncSettings()
    bound = most_syncs(180, made.daemon._pace())
    assert (defaults.debounce_seconds, defaults.max_delay_seconds) == (2.0, 30.0)
    assert 5 <= len(made.engine.runs) - 1 <= bound


def test_a_disabled_dataset_is_not_synced_for_a_change() -> None:
    made = bench()
    made.daemon.operations.disable(["a"], reason=None, for_seconds=None, by=None)
    made.ears[0].changed(frozenset({"a"}))
    made.ears[0].changed(frozenset({"b"}))
    made.pass_time(60)
    assert made.synced[1:] == [["b"]]


def test_while_the_breaker_is_open_changes_wait_for_its_try() -> None:
    made = bench(max_consecutive_failures=1)
    made.engine.fails["a"] = made.engine.fails["b"] = QuotaExhaustedError("used up")
    made.ears[0].changed(frozenset({"a", "b"}))
    made.pass_time(10)
    assert made.status["circuit"]["state"] == "open"
    before = len(made.engine.runs)
    made.engine.fails.clear()
    for _ in range(20):
        made.ears[0].changed(frozenset({"a"}))
        made.pass_time(5)
    assert len(made.engine.runs) == before
    made.pass_time(400)
    assert made.synced[before] == ["a", "b"]


@pytest.mark.parametrize(
    ("error", "tried"), [(DatabaseUnreachableError("down"), True), (QuotaExhaustedError("used up"), False)]
)
def test_a_database_that_is_heard_again_is_not_waited_for_any_longer(error: MmsyncError, tried: bool) -> None:
    made = bench(max_consecutive_failures=1)
    made.engine.fails["a"] = made.engine.fails["b"] = error
    made.ears[0].changed(frozenset({"a"}))
    made.pass_time(10)
    assert made.status["circuit"]["state"] == "open"
    made.engine.fails.clear()
    for _ in range(3):
        made.ears[0].changed(frozenset({"a", "b"}))  # of a SQLite file every commit is one of all datasets
        made.pass_time(10)
    assert made.status["circuit"]["state"] == "open"
    made.ears[0].changed(None)  # the watch has its connection again
    made.pass_time(10)
    assert (made.status["circuit"]["state"] == "closed") is tried


def test_another_database_or_query_is_watched_from_the_reload_on_and_other_settings_leave_it() -> None:
    made = bench()
    config = made.daemon.config
    made.on_disk = replace(config, sync=replace(config.sync, debounce_seconds=9.0))
    made.daemon.operations.reload(by=None)
    made.settle()
    assert len(made.ears) == 1
    made.ears[0].changed(frozenset({"a"}))
    made.pass_time(8)
    assert made.synced[2:] == []
    made.pass_time(2)
    assert made.synced[2:] == [["a"]]
    other = replace(config, database=replace(config.database, url="sqlite:///other.db"))
    made.on_disk = other
    assert "database.url" in made.daemon.operations.reload(by=None)["changed"]
    assert [ear.stopped for ear in made.ears] == [True, False]
    a, b = config.datasets
    made.on_disk = replace(other, datasets=(replace(a, tables=("x",)), b))
    made.daemon.operations.reload(by=None)
    assert [ear.stopped for ear in made.ears] == [True, True, False]
    made.on_disk = replace(other, datasets=(replace(a, tables=("x",), enabled=False), b))
    made.daemon.operations.reload(by=None)
    assert [ear.stopped for ear in made.ears] == [True, True, True, False], "what is off is nobody's concern"
    made.on_disk = replace(other, database=replace(config.database, listen=False))
    made.daemon.operations.reload(by=None)
    assert [ear.stopped for ear in made.ears] == [True] * 4
    assert made.status["realtime"]["state"] == "off"


def test_the_sync_under_way_does_not_wait_for_the_watch_to_end(monkeypatch: pytest.MonkeyPatch) -> None:
    made = bench()
    told = []
    works = made.daemon._works
    for part, name in ((works.listening, "stop"), (works.desk, "close"), (works.interruptions, "stop")):
        monkeypatch.setattr(part, name, lambda part=part: told.append(part))
    made.daemon.stop()
    assert told[-1] is works.listening


def test_after_the_stop_no_reload_begins_to_watch_again() -> None:
    made = bench()
    config = made.daemon.config
    made.daemon.stop()
    made.daemon._works.listening.follow(replace(config, datasets=config.datasets[:1]))
    assert [ear.stopped for ear in made.ears] == [True]


class Refusing(Ear):
    def start(self) -> None:
        raise RuntimeError("can't start new thread")


def test_a_watch_that_could_not_begin_is_tried_again() -> None:
    ears: list[Ear] = []

    def open_watch(config: Config, changed: Changed) -> Ear:
        if not ears:
            ears.append(Refusing(config, changed))
        elif len(ears) == 1:
            ears.append(Ear(config, changed))
            raise ConfigError(["database.url: wrong"])
        else:
            ears.append(Ear(config, changed))
        return ears[-1]

    made, config = bench(), config_of()
    listening = Listening(open_watch, made.daemon._works.notices, lambda: None)
    with pytest.raises(RuntimeError):
        listening.follow(config)
    with pytest.raises(ConfigError):
        listening.follow(config)
    listening.follow(config)
    listening.follow(config)
    assert [(ear.started, ear.stopped) for ear in ears] == [(False, True), (False, False), (True, False)]


def test_a_shorter_quiet_time_holds_for_what_waits_already() -> None:
    made = bench(debounce_seconds=3000.0, max_delay_seconds=3000.0)
    made.ears[0].changed(frozenset({"a"}))
    config = made.daemon.config
    made.on_disk = replace(config, sync=replace(config.sync, debounce_seconds=1.0, max_delay_seconds=5.0))
    made.daemon.operations.reload(by=None)
    made.settle()
    made.pass_time(2.0)
    assert made.synced[2:] == [["a"]]


def test_a_refused_reload_leaves_the_watch() -> None:
    made = bench()
    made.on_disk = ConfigError(["sync.interval_seconds: wrong"])
    with pytest.raises(ConfigError):
        made.daemon.operations.reload(by=None)
    assert [ear.stopped for ear in made.ears] == [False]


def test_the_status_says_how_it_hears() -> None:
    made = bench()
    made.ears[0].hearing = Hearing(
        "listen", "lost", 1_800_000_000.0, 1_800_000_001.0, "gone", ("public.a",), ("a",)
    )
    assert made.status["realtime"] == {
        "source": "listen",
        "state": "lost",
        "since": "2027-01-15T08:00:00.000Z",
        "last_change": "2027-01-15T08:00:01.000Z",
        "error": "gone",
        "untold": ["public.a"],
        "unheard": ["a"],
    }
