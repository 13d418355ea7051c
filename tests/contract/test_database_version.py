"""Watching a real SQLite file: what other connections commit is told of, whatever becomes of the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from tests.listeners import Told

from moneymentor_sync.adapters.database_version import FileWatch

ALL = {"one", "other"}
"""SQLite does not say which dataset. None would say that the file was out of reach."""


def sql(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture(params=["delete", "wal"])
def path(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    made = tmp_path / "app 100%.db"
    sql(made, f"PRAGMA journal_mode = {request.param}", "CREATE TABLE a (id)")
    return made


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def watch(path: Path, told: Told) -> Iterator[FileWatch]:
    made = FileWatch(path, ALL, told.changes.put, told.emit, lambda: 5.0, look_seconds=0.01)
    yield made
    assert made.stop(), "it ends at once"


def test_what_is_committed_after_the_start_is_told_of(path: Path, watch: FileWatch, told: Told) -> None:
    sql(path, "INSERT INTO a VALUES (0)")
    watch.start()
    assert (watch.hearing.source, watch.hearing.state, watch.hearing.since) == ("data_version", "listening", 5.0)
    for number in range(3):
        sql(path, f"INSERT INTO a VALUES ({number})")
        assert told.change() == ALL
    assert told.changes.empty(), "once a change"
    assert watch.hearing.last_change == 5.0


def test_the_watch_holds_nobody_up_and_changes_nothing(path: Path, watch: FileWatch, told: Told) -> None:
    watch.start()
    with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as writer:
        writer.execute("BEGIN EXCLUSIVE")
        writer.execute("INSERT INTO a VALUES (1)")
        assert told.changes.empty()
        writer.execute("COMMIT")
        assert told.change() == ALL
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert watch.hearing.state == "listening"


def test_a_file_that_is_put_in_its_place_is_told_of(
    path: Path, watch: FileWatch, told: Told, tmp_path: Path
) -> None:
    watch.start()
    other = tmp_path / "other.db"
    sql(other, "CREATE TABLE a (id)", "INSERT INTO a VALUES (9)")
    for rest in tmp_path.glob("app*-*"):
        rest.unlink()
    other.replace(path)
    assert told.change() == ALL
    sql(path, "INSERT INTO a VALUES (10)")
    assert told.change() == ALL


def test_a_file_that_goes_is_lost_and_found_again(path: Path, watch: FileWatch, told: Told, tmp_path: Path) -> None:
    watch.start()
    told.until_said("realtime.listening")
    path.rename(tmp_path / "away")
    said = told.until_said("realtime.lost")
    assert "No such file" in said["message"]
    assert watch.hearing.state == "lost"
    (tmp_path / "away").rename(path)
    assert told.change() is None, "who knows what was changed meanwhile"
    told.until_said("realtime.listening")


def test_a_file_that_is_not_there_yet_is_waited_for(tmp_path: Path, told: Told) -> None:
    path = tmp_path / "later.db"
    watch = FileWatch(path, ALL, told.changes.put, told.emit, lambda: 5.0, look_seconds=0.01)
    watch.start()
    told.until_said("realtime.lost")
    sql(path, "CREATE TABLE a (id)")
    assert told.change() is None
    assert watch.stop()


def test_after_the_end_nothing_is_told(path: Path, watch: FileWatch, told: Told) -> None:
    watch.start()
    assert watch.stop()
    sql(path, "INSERT INTO a VALUES (1)")
    assert told.changes.empty()


def test_one_that_never_started_can_be_stopped(watch: FileWatch) -> None:
    assert watch.stop()
