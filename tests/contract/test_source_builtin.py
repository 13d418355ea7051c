"""The built-in datasets: MoneyMentor's rules, and the same rows from SQLite and from PostgreSQL."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.contract import moneymentor_rules as rules
from tests.databases import WritableDatabase, sqlite_database

from moneymentor_sync.adapters.database import DatabaseSource
from moneymentor_sync.core.builtin_sql import BUILTIN_COLUMNS
from moneymentor_sync.core.config_builtin import BuiltinName
from moneymentor_sync.core.errors import QueryError
from moneymentor_sync.core.settings import Column, DatabaseSettings, Dataset
from moneymentor_sync.demo.database import DEFAULT_AS_OF, sqlite_value
from moneymentor_sync.demo.rows import sample_rows
from moneymentor_sync.demo.schema import TABLES, create_schema_sql

Tables = dict[str, list[tuple[Any, ...]]]
NAMES: tuple[BuiltinName, ...] = ("user_profiles", "course_statistics")


def builtin(name: BuiltinName) -> Dataset:
    key = ("user_id",) if name == "user_profiles" else ("user_id", "course_name")
    return Dataset(name=name, tab=name, key=key, spreadsheet_id="s", builtin=name)


def read(database: WritableDatabase, name: BuiltinName) -> list[tuple[Any, ...]]:
    with DatabaseSource(DatabaseSettings(database.url)).snapshot() as snapshot:
        stream = snapshot.read(builtin(name))
        assert tuple(stream.columns) == BUILTIN_COLUMNS[name]
        return [row for chunk in stream.chunks() for row in chunk]


def fill(database: WritableDatabase, tables: Tables, *, stored: bool = True) -> None:
    """Makes MoneyMentor's tables and fills them, as each database would hold them."""
    assert database.kind != "mysql"
    database.run(*create_schema_sql(database.kind, stored_statistics=stored))
    if database.kind == "postgresql":  # sessions of courses that are gone, as SQLite lets in anyway
        database.run("ALTER TABLE user_course_sessions DROP CONSTRAINT user_course_sessions_course_id_fkey")
    value: Callable[[Any], Any] = sqlite_value if database.kind == "sqlite" else lambda item: item
    for table, rows in tables.items():
        width = len(TABLES[table]) - (table == "user_profiles" and not stored)
        if rows:
            database.insert(table, [tuple(map(value, row[:width])) for row in rows])


def row_of(table: str, **values: Any) -> tuple[Any, ...]:
    """A row with the columns given and NULL, or something that fits, in the others."""
    fixed: dict[str, Any] = {
        "id": str(uuid.uuid4()), "password_hash": "!", "quiz_id": "q", "module": "m", "track": "t",
    }  # fmt: skip
    return tuple(values.get(column.name, fixed.get(column.name)) for column in TABLES[table])


def empty_tables() -> Tables:
    return {table: [] for table in TABLES}


def user(number: int, **values: Any) -> tuple[Any, ...]:
    return row_of("users", **{"id": user_id(number), "email": f"u{number:02d}@example.org", **values})


def user_id(number: int) -> str:
    return f"abcdef00-0000-4000-8000-{number:012x}"


AT = datetime(2026, 3, 1, 10, 0, 0, 123456, tzinfo=UTC)


def answer(number: int | str, correct: bool | None = True, **values: Any) -> tuple[Any, ...]:
    whose = number if isinstance(number, str) else user_id(number)
    given = {"user_id": whose, "correct": correct, "timestamp": AT, "created_at": AT}
    return row_of("quiz_responses", **{**given, **values})


# --- generated data: the SQL against the rules ------------------------------------------------------------


@pytest.mark.parametrize("stored", [True, False])
def test_the_sample_by_the_rules(database: WritableDatabase, stored: bool) -> None:
    tables = sample_rows(400, 11, DEFAULT_AS_OF)
    fill(database, tables, stored=stored)
    assert read(database, "course_statistics") == rules.course_statistics(tables)
    assert read(database, "user_profiles") == rules.user_profiles(tables, stored=stored)


# --- one rule at a time -----------------------------------------------------------------------------------

COURSE, OTHER, GONE = (f"10000000-0000-4000-8000-00000000000{digit}" for digit in "abc")


def edge_tables() -> Tables:
    """Everything odd that both databases can hold."""
    tables = empty_tables()
    tables["users"] = [user(n) for n in range(1, 12)]
    tables["users"] += [
        user(12, first_name=None, last_name=None, email="Zoë@example.org"),
        user(13, first_name="", last_name="O'Brien", email="ab.c@example.org"),
        user(14, email="a_b@example.org"),
        user(15, email="A-B@example.org"),
    ]
    tables["courses"] = [
        row_of("courses", id=COURSE, title="Emergency Fund"),
        row_of("courses", id=OTHER, title="élan & ünïcode"),
    ]
    later = AT + timedelta(microseconds=1)
    session = {"user_id": user_id(2).upper(), "course_id": COURSE, "current_page_index": 4, "updated_at": later}
    tables["user_course_sessions"] = [
        row_of("user_course_sessions", **session),
        row_of("user_course_sessions", **{**session, "user_id": user_id(2), "current_page_index": None}),
        row_of("user_course_sessions", **{**session, "user_id": user_id(4), "course_id": GONE}),
        row_of("user_course_sessions", **{**session, "user_id": user_id(5), "updated_at": None}),
    ]
    tables["quiz_responses"] = [
        answer(user_id(2).upper(), course_id=COURSE, topic="stock"),  # upper case; the title wins over the topic
        answer(2, None, course_id=COURSE),  # null counts as wrong
        answer(2, course_id=None, topic="safety first"),  # the same name from a topic: the same group
        answer(3, course_id=OTHER, timestamp=None),  # created_at instead
        answer(3, course_id=OTHER, timestamp=None, created_at=None),
        answer(4, course_id=GONE, topic="Stock market"),  # a missing course, whose session counts
        answer(4, course_id=GONE, topic="debt"),
        answer(5, course_id=COURSE, timestamp=None, created_at=None),  # no time at all
        answer("not a uuid"),
        answer(user_id(99)),
    ]
    for number in range(1, 16):
        profile = {"user_id": user_id(number), "total_chats": number, "course_statistics": "[]"}
        if number != 6:  # a user without a profile
            tables["user_profiles"].append(row_of("user_profiles", **profile))
    return tables


@pytest.mark.parametrize("stored", [True, False])
def test_odd_rows_by_the_rules(database: WritableDatabase, stored: bool) -> None:
    tables = edge_tables()
    fill(database, tables, stored=stored)
    found = read(database, "course_statistics")
    assert found == rules.course_statistics(tables)
    assert ("u05@example.org", "Emergency Fund", 1, 100, "beginner", "N/A", user_id(5)) in [
        row[2:] for row in found
    ]
    assert read(database, "user_profiles") == rules.user_profiles(tables, stored=stored)


TOPICS = {
    "money-goals-mindset": "Money, Goals and Mindset",
    "budgeting-saving": "Budgeting and Saving",
    "college-planning-saving": "College Planning and Saving",
    "earning-income-basics": "Earning and Income Basics",
    "College-Planning-Saving": "General Financial Education",  # not exact, and no word fits
    "INCOME goals": "Budgeting and Saving",  # the first that fits, not the first in the text
    "Financial safety": "Money, Goals and Mindset",
    "bonds and loans": "Investing Basics",
    "interest-ing": "Debt Management",
    "SAFETY net": "Emergency Fund",
    "stoc\u212a": "General Financial Education",  # the Kelvin sign is no k
    "": "General Financial Education",
    None: "General Financial Education",
}


def test_course_names_from_topics(database: WritableDatabase) -> None:
    tables = empty_tables()
    for number, topic in enumerate(TOPICS):
        tables["users"].append(user(number))
        tables["quiz_responses"].append(answer(number, topic=topic))
    fill(database, tables)
    assert [row[3] for row in read(database, "course_statistics")] == list(TOPICS.values())


@pytest.mark.parametrize(
    ("correct", "total", "score", "level"),
    [
        (2, 2, 100, "beginner"),
        (3, 4, 75, "beginner"),
        (4, 5, 80, "intermediate"),
        (7, 7, 100, "intermediate"),
        (1, 8, 13, "beginner"),  # 12.5: half up
        (3, 8, 38, "beginner"),  # 37.5: half up, where banker's rounding gives 38, too
        (5, 8, 63, "beginner"),  # 62.5: half up, where banker's rounding gives 62
        (17, 20, 85, "advanced"),
        (16, 23, 70, "intermediate"),  # 69.57: the rounded score counts
        (11, 16, 69, "beginner"),
        (0, 9, 0, "beginner"),
        (2, 3, 67, "beginner"),
    ],
)
def test_scores_and_levels(database: WritableDatabase, correct: int, total: int, score: int, level: str) -> None:
    tables = empty_tables()
    tables["users"] = [user(1)]
    tables["quiz_responses"] = [answer(1, number < correct) for number in range(total)]
    fill(database, tables)
    assert [row[4:7] for row in read(database, "course_statistics")] == [(total, score, level)]


NOT_NUMBERS: tuple[Any, ...] = (
    "abc", "", None, True, [1], {}, "1e3", " 1", "0x1", "NaN", "-", "1.", "9" * 39, "9" * 50, 10**30, 1e300,
)  # fmt: skip


def shown(*details: str) -> str:
    return " | ".join(details)


LISTS: list[tuple[Any, tuple[int, float, int, str]]] = [
    ([], (0, 0.0, 0, "")),
    (None, (0, 0.0, 0, "")),
    ({"course_name": "no list"}, (0, 0.0, 0, "")),
    ("a text", (0, 0.0, 0, "")),
    (
        [{"course_name": "A", "total_questions_taken": 15, "score": 85, "tabs_completed": 3, "level": "medium"}],
        (1, 85.0, 1, "A: 85% (3 tabs, 15 questions, medium)"),
    ),
    (
        [{"course_name": name, "total_questions_taken": 1, "score": 0.1, "level": "x"} for name in "ZAM"],
        (3, 0.3, 0, shown(*(f"{name}: 0.1% (0 tabs, 1 questions, x)" for name in "ZAM"))),
    ),
    (
        [{"course_name": "A", "score": 85.50}, {"score": 90.0}],
        (2, 175.5, 0, shown("A: 85.5% (0 tabs, 0 questions)", "Unknown course: 90% (0 tabs, 0 questions)")),
    ),
    (
        [{"course_name": "A", "score": "85.5", "tabs_completed": "2"}],
        (1, 85.5, 1, "A: 85.5% (2 tabs, 0 questions)"),
    ),
    (
        [{"course_name": "A", "score": bad} for bad in NOT_NUMBERS],
        (16, 0.0, 0, shown(*(["A: 0% (0 tabs, 0 questions)"] * 16))),
    ),
    (
        [{"course_name": "A", "score": -5.5}, {"course_name": "B", "score": "-2"}],
        (2, -7.5, 0, shown("A: -5.5% (0 tabs, 0 questions)", "B: -2% (0 tabs, 0 questions)")),
    ),
    (
        [1, None, "x", [], {}],
        (5, 0.0, 0, shown(*(["Unknown course: 0% (0 tabs, 0 questions)"] * 5))),
    ),
    ([{"course_name": 7, "level": 3, "score": 1}], (1, 1.0, 0, "Unknown course: 1% (0 tabs, 0 questions)")),
    (
        [{"course_name": 'O\'Brien | "é" 🦊', "level": "", "score": 1}],
        (1, 1.0, 0, 'O\'Brien | "é" 🦊: 1% (0 tabs, 0 questions)'),
    ),
]


def test_stored_lists_however_malformed(database: WritableDatabase) -> None:
    tables = empty_tables()
    for number, (stored, _) in enumerate(LISTS):
        tables["users"].append(user(number))
        text = json.dumps(stored) if number % 2 else json.dumps(stored, ensure_ascii=False)
        row = row_of("user_profiles", user_id=user_id(number), course_statistics=text)
        tables["user_profiles"].append(row)
    tables["users"].append(user(98))
    tables["user_profiles"].append(row_of("user_profiles", user_id=user_id(98)))  # NULL, which is no JSON null
    fill(database, tables)
    assert [row[7:11] for row in read(database, "user_profiles")] == [wanted for _, wanted in LISTS] + [
        (0, 0.0, 0, "")
    ]


def test_the_sum_of_no_scores_is_a_number_like_the_others(database: WritableDatabase) -> None:
    tables = edge_tables()
    fill(database, tables)
    assert {type(row[8]) for row in read(database, "user_profiles")} == {float}
    assert {type(value) for row in read(database, "course_statistics") for value in row[4:6]} == {int}


def test_a_changed_email_keeps_the_identity(database: WritableDatabase) -> None:
    fill(database, edge_tables())
    before = {row[-1]: row for row in read(database, "user_profiles")}
    database.run(f"UPDATE users SET email = 'new@example.org' WHERE id = '{user_id(2)}'")
    after = {row[-1]: row for row in read(database, "user_profiles")}
    assert before.keys() == after.keys()
    assert after[user_id(2)][2] == "new@example.org"
    assert [user for user in after if after[user] != before[user]] == [user_id(2)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stored", [True, False])
def test_a_probe_of_a_builtin(database: WritableDatabase, name: BuiltinName, stored: bool) -> None:
    fill(database, empty_tables(), stored=stored)
    source = DatabaseSource(DatabaseSettings(database.url))
    assert source.probe(builtin(name)).columns == BUILTIN_COLUMNS[name]
    assert read(database, name) == []


def test_what_is_denied_is_nothing_to_its_look_at_the_catalogue(database: WritableDatabase) -> None:
    """Once a query had been read before it, SQLite refused the look itself."""
    fill(database, edge_tables())
    denied = ("password_hash", "day_streak")
    columns = (Column("user_id", "user_id"), Column("email", "email"))
    query = Dataset("q", "Q", ("id",), "s", query="SELECT id, email FROM users", deny=denied)
    with DatabaseSource(DatabaseSettings(database.url)).snapshot() as snapshot:
        for _ in range(2):
            stream = snapshot.read(replace(builtin("user_profiles"), columns=columns, deny=denied))
            assert [column.name for column in stream.columns] == ["user_id", "email"]
            assert any(snapshot.read(query).chunks())


@pytest.mark.parametrize("name", NAMES)
def test_a_database_without_the_applications_tables(database: WritableDatabase, name: BuiltinName) -> None:
    database.run("CREATE TABLE other (id integer)")
    with pytest.raises(QueryError, match=f"'{name}': .*(user_profiles|users|quiz_responses)"):
        read(database, name)


# --- what only SQLite can hold ----------------------------------------------------------------------------

TIMES = {
    "2026-03-01 10:00:00": "2026-03-01T10:00:00.000000+00:00",
    "2026-03-01T10:00:00": "2026-03-01T10:00:00.000000+00:00",
    "2026-03-01 10:00:00.5": "2026-03-01T10:00:00.500000+00:00",
    "2026-03-01 10:00:00.123456": "2026-03-01T10:00:00.123456+00:00",
    "2026-03-01 10:00:00.9999996": "2026-03-01T10:00:00.999999+00:00",
    "2026-03-01T10:00:00Z": "2026-03-01T10:00:00.000000+00:00",
    "2026-03-01T10:00:00.12345Z": "2026-03-01T10:00:00.123450+00:00",
    "2026-03-01 10:00:00+00": "2026-03-01T10:00:00.000000+00:00",
    "2026-03-01 10:00:00.123+02": "2026-03-01T08:00:00.123000+00:00",
    "2026-03-01 10:00:00.1+0230": "2026-03-01T07:30:00.100000+00:00",
    "2026-03-01T00:00:00.123456-05:00": "2026-03-01T05:00:00.123456+00:00",
    "2026-03-01T00:00:00.999999+14:00": "2026-02-28T10:00:00.999999+00:00",
    "2026-03-01 10:00": "2026-03-01T10:00:00.000000+00:00",
    "2026-03-01": "2026-03-01T00:00:00.000000+00:00",
    "yesterday": "N/A",
    "": "N/A",
}


@pytest.fixture
def sqlite(tmp_path: Path) -> WritableDatabase:
    return sqlite_database(tmp_path / "app.db")


def test_times_as_sqlite_writes_them(sqlite: WritableDatabase) -> None:
    tables = empty_tables()
    for number, text in enumerate(TIMES):
        tables["users"].append(user(number))
        tables["quiz_responses"].append(answer(number, timestamp=text, created_at=None))
    fill(sqlite, tables)
    assert [row[7] for row in read(sqlite, "course_statistics")] == list(TIMES.values())


def test_the_latest_of_times_in_several_zones(sqlite: WritableDatabase) -> None:
    tables = empty_tables()
    tables["users"] = [user(1)]
    latest = "2026-03-01T06:00:00.1-05:00"  # 11:00:00.1 in UTC
    times = ["2026-03-01 11:00:00.09", latest, "2026-03-01T12:59:59+02:00", ""]
    tables["quiz_responses"] = [answer(1, timestamp=text, created_at=None) for text in times]
    fill(sqlite, tables)
    assert [row[7] for row in read(sqlite, "course_statistics")] == ["2026-03-01T11:00:00.100000+00:00"]


@pytest.mark.parametrize("text", ["[{", "not json", "", "[1"])
def test_a_list_that_is_not_even_json(sqlite: WritableDatabase, text: str) -> None:
    tables = empty_tables()
    tables["users"] = [user(1)]
    tables["user_profiles"] = [row_of("user_profiles", user_id=user_id(1), course_statistics=text)]
    fill(sqlite, tables)
    assert [row[7:11] for row in read(sqlite, "user_profiles")] == [(0, 0.0, 0, "")]


def test_ids_in_upper_case_everywhere(sqlite: WritableDatabase) -> None:
    tables = empty_tables()
    high = "ABCDEF00-0000-4000-8000-00000000000A"
    tables["users"] = [row_of("users", id=high, email="a@example.org")]
    tables["courses"] = [row_of("courses", id=COURSE.upper(), title="Course")]
    tables["user_profiles"] = [row_of("user_profiles", user_id=high.lower(), course_statistics="[]")]
    tables["quiz_responses"] = [answer(high.lower(), course_id=COURSE), answer(high, course_id=COURSE.upper())]
    fill(sqlite, tables)
    assert [(row[3], row[4], row[8]) for row in read(sqlite, "course_statistics")] == [("Course", 2, high.lower())]
    assert [row[-1] for row in read(sqlite, "user_profiles")] == [high.lower()]
