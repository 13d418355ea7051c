"""The daily backups of a daemon, on a keeper that only notes what it was asked for. The clock is given."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.core.backups import Made
from moneymentor_sync.core.errors import BackupError, StoppedError
from moneymentor_sync.core.settings import (
    BackupSettings,
    Config,
    DatabaseSettings,
    Dataset,
    GoogleSettings,
    LogSettings,
    ServiceAccount,
    SyncSettings,
)
from moneymentor_sync.core.status import BackupSeen
from moneymentor_sync.daemon.backups import RETRY_SECONDS, Backups

DAY = 86_400.0
HALF_PAST_THREE = datetime(2026, 11, 26, 3, 30, tzinfo=UTC).timestamp()


@dataclass
class Keeper:
    """Remembers when each spreadsheet was saved; `fails` is what it raises instead."""

    clock: Callable[[], float]
    saved: dict[str, float] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)
    fails: Exception | None = None

    def last(self, config: Config, spreadsheet_id: str) -> float | None:
        del config
        return self.saved.get(spreadsheet_id)

    def make(self, config: Config, spreadsheet_id: str, stopping: Callable[[], bool]) -> Made:
        del config
        if stopping():
            raise StoppedError("the daemon stops")
        if self.fails is not None:
            raise self.fails
        self.saved[spreadsheet_id] = self.clock()
        self.made.append(spreadsheet_id)
        return Made("/b/x.xlsx", spreadsheet_id, 1, 1, 1, 1.0, 1, ("a note",))


class Stage:
    """Backups with a clock that a test sets, and what was logged."""

    def __init__(self, *spreadsheets: str, **settings: Any) -> None:
        self.now = HALF_PAST_THREE - DAY / 2
        self.events: list[tuple[str, dict[str, object]]] = []
        self.keeper = Keeper(lambda: self.now)
        self.mine: set[str] = set(spreadsheets)
        datasets = tuple(Dataset(f"d-{one}", one, ("id",), one, table="t") for one in spreadsheets)
        self.config = Config(
            DatabaseSettings("sqlite://"),
            GoogleSettings(None, ServiceAccount()),
            SyncSettings(),
            Path("s"),
            Path("c"),
            LogSettings(),
            datasets,
            backup=BackupSettings(**{"enabled": True} | settings),
        )
        self.backups = Backups(
            self.keeper,
            lambda: self.config,
            lambda dataset: dataset.spreadsheet_id in self.mine,
            lambda: self.now,
            lambda event, **given: self.events.append((event, given)),
        )

    def at(self, moment: float) -> list[str]:
        """What is saved by one look at that moment."""
        self.now = moment
        self.keeper.made.clear()
        self.backups.turn()
        return list(self.keeper.made)


def test_one_a_day_at_its_time() -> None:
    stage = Stage("a")
    stage.keeper.saved["a"] = HALF_PAST_THREE - DAY + 5
    assert stage.at(HALF_PAST_THREE - 1) == []
    assert stage.backups.seen == BackupSeen(True, HALF_PAST_THREE - DAY + 5, None, HALF_PAST_THREE)
    assert stage.at(HALF_PAST_THREE) == ["a"]
    assert stage.at(HALF_PAST_THREE + 30) == []
    assert stage.backups.seen == BackupSeen(True, HALF_PAST_THREE, None, HALF_PAST_THREE + DAY)
    assert stage.at(HALF_PAST_THREE + DAY) == ["a"]
    assert [event for event, _ in stage.events] == ["backup.made", "backup.noted"] * 2


def test_what_was_missed_is_made_at_the_start() -> None:
    stage = Stage("a", "b")
    stage.keeper.saved = {"a": HALF_PAST_THREE - DAY, "b": HALF_PAST_THREE}
    assert stage.at(HALF_PAST_THREE + 3_600) == ["a"]


def test_the_first_one_is_made_at_once() -> None:
    assert Stage("a").at(HALF_PAST_THREE - 9_000) == ["a"]


def test_its_time_is_that_of_the_time_zone() -> None:
    stage = Stage("a", daily_at="04:30")
    stage.config = replace(stage.config, sync=SyncSettings(timezone="Europe/Berlin"))
    stage.keeper.saved["a"] = HALF_PAST_THREE - 60
    assert stage.at(HALF_PAST_THREE - 1) == []
    assert stage.at(HALF_PAST_THREE) == ["a"]


def test_what_failed_is_told_and_tried_again() -> None:
    stage = Stage("a", "b")
    stage.keeper.saved = {"a": HALF_PAST_THREE - DAY, "b": HALF_PAST_THREE - DAY}
    stage.keeper.fails = BackupError("the disk is full")
    assert stage.at(HALF_PAST_THREE) == []
    assert [event for event, _ in stage.events] == ["backup.failed"] * 2
    assert stage.backups.seen.error == "the disk is full"
    assert stage.backups.seen.next == HALF_PAST_THREE + RETRY_SECONDS
    assert stage.backups.seen.last == HALF_PAST_THREE - DAY
    stage.keeper.fails = None
    assert stage.at(HALF_PAST_THREE + RETRY_SECONDS - 1) == []
    assert stage.at(HALF_PAST_THREE + RETRY_SECONDS) == ["a", "b"]
    assert stage.backups.seen.error is None


def test_a_clock_that_was_set_back_holds_up_nothing_for_long() -> None:
    stage = Stage("a")
    stage.keeper.fails = BackupError("no")
    stage.at(HALF_PAST_THREE)
    stage.keeper.fails = None
    assert stage.at(HALF_PAST_THREE - 400 * DAY) == ["a"]


def test_a_member_saves_only_what_it_has() -> None:
    stage = Stage("a", "b")
    stage.mine = {"b"}
    assert stage.at(HALF_PAST_THREE) == ["b"]
    stage.mine = {"a", "b"}  # the other member has gone
    assert stage.at(HALF_PAST_THREE + 60) == ["a"]


def test_a_reload_switches_them_off_and_on() -> None:
    stage = Stage("a", enabled=False)
    assert stage.at(HALF_PAST_THREE) == []
    assert stage.backups.seen == BackupSeen()
    stage.config = replace(stage.config, backup=BackupSettings(enabled=True))
    assert stage.at(HALF_PAST_THREE + 60) == ["a"]


def test_a_daemon_that_stops_begins_none() -> None:
    stage = Stage("a")
    stage.backups.stop()
    assert stage.at(HALF_PAST_THREE) == []
    assert stage.events == []  # and that is no failure


def test_a_bug_in_one_is_told_and_ends_nothing() -> None:
    stage = Stage("a")
    stage.keeper.fails = ZeroDivisionError("a value of somebody's")
    seen: list[str] = []

    def emit(event: str, **given: object) -> None:
        seen.append(f"{event} {given}")
        stage.backups.stop()

    stage.backups._emit = emit
    stage.backups._run()
    assert len(seen) == 1 and seen[0].startswith("backup.failed") and "ZeroDivisionError" in seen[0]
    assert "somebody" not in seen[0]


@pytest.mark.parametrize("settings", [BackupSettings(), BackupSettings(enabled=True)])
def test_without_a_keeper_there_are_none(settings: BackupSettings) -> None:
    stage = Stage("a")
    stage.config = replace(stage.config, backup=settings)
    backups = Backups(None, lambda: stage.config, lambda _: True, lambda: stage.now, lambda event, **_: None)
    backups.start()
    backups.turn()
    assert backups.seen == BackupSeen()
