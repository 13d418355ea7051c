"""What was told, and what is still to be sent, in the state file."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from moneymentor_sync.adapters.state_alerts import StateAlerts
from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.adapters.state_schema import APPLICATION_ID, MIGRATIONS
from moneymentor_sync.core.alert_messages import check_message
from moneymentor_sync.core.alert_ports import Pending
from moneymentor_sync.core.alerts import Condition, Watched
from moneymentor_sync.core.errors import StateError

CONDITION = Condition(
    "breaker:a", "breaker", "error", "a: fails", "a: över", "why", "what", "a", 5.0, (frozenset({"x", "y"}),)
)
TOLD = Watched(CONDITION, 10.0, told=11.0, gone=12.0)
MESSAGE = Pending(3, 11.0, check_message("db1", 11.0), frozenset({"k1", "k2"}))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    StateFile(tmp_path / "state.db").close()
    return tmp_path / "state.db"


def test_what_was_told_is_read_again_as_it_was_and_nothing_else(path: Path) -> None:
    untold = Watched(CONDITION, 10.0)
    StateAlerts(path).save({"breaker:a": TOLD, "other": untold}, None)
    assert StateAlerts(path).memory() == {"breaker:a": TOLD}
    StateAlerts(path).save({}, None)
    assert StateAlerts(path).memory() == {}


def test_a_message_is_kept_until_everybody_has_had_it(path: Path) -> None:
    store = StateAlerts(path)
    store.save({"breaker:a": TOLD}, MESSAGE)
    assert store.pending() == [MESSAGE]
    store.sent(3, frozenset({"k2"}))
    assert [one.waiting for one in store.pending()] == [{"k2"}]
    store.sent(3, frozenset())
    assert store.pending() == []
    assert store.memory() == {"breaker:a": TOLD}


def test_what_a_later_version_wrote_is_left_out(path: Path) -> None:
    StateAlerts(path).save({"breaker:a": TOLD}, MESSAGE)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE alert SET condition = '{\"key\": 1}'")
        db.execute("UPDATE alert_message SET message = '[]'")
    assert StateAlerts(path).memory() == {}
    assert StateAlerts(path).pending() == []


def test_a_file_from_before_there_were_alerts_gets_their_tables(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    with closing(sqlite3.connect(path)) as db:
        db.executescript(";".join(MIGRATIONS[:3]))
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute("PRAGMA user_version = 3")
        db.execute("INSERT INTO switch VALUES ('a', 0, 1.0, 'kept', NULL)")
        db.commit()
    StateFile(path).close()
    StateAlerts(path).save({"breaker:a": TOLD}, MESSAGE)
    assert StateAlerts(path).memory() == {"breaker:a": TOLD}
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT reason FROM switch").fetchall() == [("kept",)]


def test_a_file_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    for use in (StateAlerts(tmp_path / "no.db").memory, StateAlerts(tmp_path / "no.db").pending):
        with pytest.raises(StateError):
            use()
    assert not (tmp_path / "no.db").exists()
