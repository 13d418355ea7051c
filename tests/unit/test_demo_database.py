"""The sample database: the same every time, plausible, and changing in the ways a real one does."""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.demo.database import DEFAULT_AS_OF, create_sample, mutate, sqlite_value
from moneymentor_sync.demo.people import ODD_NAMES
from moneymentor_sync.demo.schema import TABLES


def query(path: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def content(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    return {table: query(path, f"SELECT * FROM {table} ORDER BY id") for table in TABLES}


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    path = tmp_path / "sample.db"
    create_sample(path, users=300, seed=1)
    return path


def test_the_same_seed_gives_the_same_content(sample: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again.db", tmp_path / "other.db"
    create_sample(again, users=300, seed=1)
    create_sample(other, users=300, seed=2)
    assert content(again) == content(sample)
    assert content(other) != content(sample)


def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mine.db"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        create_sample(path, users=1)
    assert path.read_text() == "mine"


def test_every_table_has_rows_and_every_column_its_name(sample: Path) -> None:
    for table, columns in TABLES.items():
        assert query(sample, f"SELECT count(*) FROM {table}") > [(0,)], table
        names = [row[1] for row in query(sample, f"PRAGMA table_info({table})")]
        assert names == [column.name for column in columns]
    assert query(sample, "SELECT count(*) FROM users") == [(300,)]
    assert query(sample, "PRAGMA foreign_key_check") == []


def test_the_older_schema_lacks_the_later_column(tmp_path: Path) -> None:
    path = tmp_path / "older.db"
    create_sample(path, users=5, stored_statistics=False)
    assert "course_statistics" not in [row[1] for row in query(path, "PRAGMA table_info(user_profiles)")]
    assert {change.kind for step in range(1, 4) for change in mutate(path, step=step)} == {"answers", "sign-up"}


def test_readers_are_not_blocked(sample: Path) -> None:
    assert query(sample, "PRAGMA journal_mode") == [("wal",)]


@pytest.mark.parametrize(
    ("what", "sql"),
    [
        ("a missing name", "SELECT 1 FROM users WHERE first_name IS NULL"),
        ("an apostrophe", "SELECT 1 FROM users WHERE last_name LIKE '%''%'"),
        ("a name in another script", "SELECT 1 FROM users WHERE unicode(first_name) > 1000"),
        ("a user without a profile", "SELECT 1 FROM users WHERE id NOT IN (SELECT user_id FROM user_profiles)"),
        (
            "a user without responses",
            "SELECT 1 FROM users WHERE id NOT IN (SELECT lower(user_id) FROM quiz_responses)",
        ),
        (
            "a response whose user is gone",
            "SELECT 1 FROM quiz_responses WHERE lower(user_id) NOT IN (SELECT id FROM users)",
        ),
        ("a response neither right nor wrong", "SELECT 1 FROM quiz_responses WHERE correct IS NULL"),
        ("a response without a time", 'SELECT 1 FROM quiz_responses WHERE "timestamp" IS NULL'),
        ("an id in upper case", "SELECT 1 FROM quiz_responses WHERE user_id <> lower(user_id)"),
        (
            "a course that is gone",
            "SELECT 1 FROM quiz_responses WHERE course_id NOT IN (SELECT id FROM courses)",
        ),
        ("no list", "SELECT 1 FROM user_profiles WHERE course_statistics IS NULL"),
    ],
)
def test_the_sample_has_the_odd_cases(tmp_path: Path, what: str, sql: str) -> None:
    path = tmp_path / "sample.db"
    create_sample(path, users=1500)
    assert query(path, sql + " LIMIT 1") == [(1,)], what


def test_the_default_sample_has_every_odd_name(tmp_path: Path) -> None:
    path = tmp_path / "sample.db"
    create_sample(path)
    names = {name for row in query(path, "SELECT first_name, last_name FROM users") for name in row}
    assert set(ODD_NAMES) <= names
    assert query(path, "SELECT max(created_at) FROM users") < [(sqlite_value(DEFAULT_AS_OF),)]


def test_changes_are_the_same_every_time(sample: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.db"
    create_sample(again, users=300, seed=1)
    first = [mutate(sample, step=step, seed=1) for step in range(1, 9)]
    second = [mutate(again, step=step, seed=1) for step in range(1, 9)]
    assert first == second
    assert content(sample) == content(again)


def around(sample: Path, steps: Iterator[int], kind: str, count: Callable[[], Any]) -> tuple[Any, Any]:
    """What `count` gives before and after the next step that brings a change of this kind."""
    for step in itertools.islice(steps, 30):
        before = count()
        if kind in {change.kind for change in mutate(sample, step=step, seed=1)}:
            return before, count()
    raise AssertionError(kind)


def test_people_sign_up_and_leave_and_change_their_address(sample: Path) -> None:
    def users() -> set[tuple[Any, ...]]:
        return set(query(sample, "SELECT id, email FROM users"))

    steps = itertools.count(1)
    before, after = around(sample, steps, "sign-up", users)
    assert len(after - before) == 1
    before, after = around(sample, steps, "e-mail", users)
    assert len(after) >= len(before)
    assert {row[0] for row in before - after} <= {row[0] for row in after}
    before, after = around(sample, steps, "deletion", users)
    assert len({row[0] for row in before} - {row[0] for row in after}) == 1
    assert query(sample, "PRAGMA foreign_key_check") == []


def test_answers_arrive_and_are_counted_in_the_profile(sample: Path) -> None:
    def counts() -> list[tuple[Any, ...]]:
        (responses,) = query(sample, "SELECT count(*) FROM quiz_responses")
        (counted,) = query(
            sample,
            "SELECT sum(json_extract(e.value, '$.total_questions_taken'))"
            " FROM user_profiles, json_each(coalesce(course_statistics, '[]')) AS e",
        )
        return [responses, counted]

    before, after = around(sample, itertools.count(1), "answers", counts)
    assert after[0] > before[0]
    assert after[1] > before[1]
