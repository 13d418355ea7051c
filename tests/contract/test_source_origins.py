"""Whose the columns of a result are: what a real PostgreSQL says, and that SQLite says nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import event
from tests.databases import WritableDatabase

from moneymentor_sync.adapters.database import DatabaseSource
from moneymentor_sync.core.ports import Origin
from moneymentor_sync.core.settings import DatabaseSettings, Dataset

TABLES = (
    "CREATE TABLE people (id integer PRIMARY KEY, email text)",
    'CREATE TABLE "Quiz answers" (person integer, score integer, played timestamp)',
    "CREATE VIEW players AS SELECT id, upper(email) AS shouted FROM people",
    "INSERT INTO people VALUES (1, 'ada@example.com')",
)
JOINED = """
SELECT p.id, p.email AS address, max(q.score) AS best, v.shouted
FROM people AS p JOIN players AS v ON v.id = p.id LEFT JOIN "Quiz answers" AS q ON q.person = p.id
GROUP BY p.id, p.email, v.shouted"""
INNER = (
    """SELECT id, score FROM (SELECT p.id, q.score FROM people AS p LEFT JOIN "Quiz answers" AS q ON true) AS t"""
)


@pytest.fixture
def filled(database: WritableDatabase) -> Iterator[WritableDatabase]:
    database.run(*TABLES)
    yield database


def origins(source: DatabaseSource, query: str, cursor: str | None = None) -> list[Origin | None]:
    dataset = Dataset("people", "People", ("id",), "s", query=query, cursor=cursor)
    with source.snapshot() as snapshot:
        stream = snapshot.read(dataset, since=0 if cursor else None)
        found = [column.origin for column in stream.columns]
        assert sum(map(len, stream.chunks())) == 1  # the result is read on, whatever was asked beside it
        return found


def source_of(database: WritableDatabase, *, asked: bool = True) -> DatabaseSource:
    return DatabaseSource(DatabaseSettings(database.url), origins=asked)


def says_so(database: WritableDatabase) -> bool:
    return database.url.startswith("postgresql")


def test_a_column_is_the_tables_the_views_or_nobodys(filled: WritableDatabase) -> None:
    expected: list[Origin | None] = [("people", "id"), ("people", "email"), None, ("players", "shouted")]
    assert origins(source_of(filled), JOINED) == (expected if says_so(filled) else [None] * 4)


@pytest.mark.parametrize("cursor", [None, "id"])
def test_it_is_known_through_a_query_in_a_query(filled: WritableDatabase, cursor: str | None) -> None:
    expected: list[Origin | None] = [("people", "id"), ('"Quiz answers"', "score")]
    assert origins(source_of(filled), INNER, cursor) == (expected if says_so(filled) else [None] * 2)


def test_nobody_is_asked_who_does_not_have_to_be(filled: WritableDatabase) -> None:
    assert origins(source_of(filled, asked=False), JOINED) == [None] * 4


def test_names_are_asked_for_once(filled: WritableDatabase) -> None:
    source = source_of(filled)
    asked: list[str] = []
    event.listen(source._access.engine, "before_cursor_execute", lambda *given: asked.append(given[2]))
    first = origins(source, JOINED)
    looked_up = [statement for statement in asked if "pg_attribute" in statement]
    assert len(looked_up) == (1 if says_so(filled) else 0)
    asked.clear()
    assert origins(source, JOINED) == first
    assert not [statement for statement in asked if "pg_attribute" in statement]


def test_a_look_up_that_fails_is_no_failure_of_the_reading(
    filled: WritableDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy import text

    from moneymentor_sync.adapters import database_origins

    monkeypatch.setattr(database_origins, "_NAMES", text("SELECT CAST(:tables AS no_such_type)"))
    assert origins(source_of(filled), JOINED) == [None] * 4
