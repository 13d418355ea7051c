"""The built-in SQL as text: what can be told without a database."""

from __future__ import annotations

import sqlite3

import pytest

from moneymentor_sync.core.builtin_sql import BUILTIN_COLUMNS, builtin_sql
from moneymentor_sync.core.builtin_sql_dialect import SqlDialect
from moneymentor_sync.core.config_builtin import BuiltinName, builtin_dataset
from moneymentor_sync.demo.schema import create_schema_sql

NAMES: tuple[BuiltinName, ...] = ("user_profiles", "course_statistics")
DIALECTS: tuple[SqlDialect, ...] = ("sqlite", "postgresql")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stored", [True, False])
def test_sqlite_gives_the_columns_that_are_promised(name: BuiltinName, stored: bool) -> None:
    connection = sqlite3.connect(":memory:")
    for statement in create_schema_sql("sqlite", stored_statistics=stored):
        connection.execute(statement)
    cursor = connection.execute(builtin_sql(name, "sqlite", stored_statistics=stored))
    assert [item[0] for item in cursor.description] == [column.name for column in BUILTIN_COLUMNS[name]]
    connection.close()


@pytest.mark.parametrize("name", NAMES)
def test_the_columns_are_those_of_the_built_in_dataset(name: BuiltinName) -> None:
    assert [column.name for column in builtin_dataset(name).columns] == [
        column.name for column in BUILTIN_COLUMNS[name]
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("dialect", DIALECTS)
def test_one_statement_that_only_reads_and_never_touches_secrets(
    name: BuiltinName, stored: bool, dialect: SqlDialect
) -> None:
    sql = builtin_sql(name, dialect, stored_statistics=stored)
    assert ";" not in sql
    assert sql.startswith("WITH ")
    assert "password" not in sql
    assert "LIMIT" not in sql.upper(), "no table is silently cut"


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_stored_list_is_asked_for_only_where_it_is(dialect: SqlDialect) -> None:
    assert "course_statistics" in builtin_sql("user_profiles", dialect, stored_statistics=True)
    assert "course_statistics" not in builtin_sql("user_profiles", dialect, stored_statistics=False)


def test_course_statistics_does_not_depend_on_the_stored_list() -> None:
    for dialect in DIALECTS:
        texts = {builtin_sql("course_statistics", dialect, stored_statistics=stored) for stored in (True, False)}
        assert len(texts) == 1


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stored", [True, False])
def test_sqlite_joins_by_an_index_never_by_trying_every_pair(name: BuiltinName, stored: bool) -> None:
    """At 100,000 users, one nested scan is the difference between seconds and days."""
    connection = sqlite3.connect(":memory:")
    for statement in create_schema_sql("sqlite", stored_statistics=stored):
        connection.execute(statement)
    plan = connection.execute("EXPLAIN QUERY PLAN " + builtin_sql(name, "sqlite", stored_statistics=stored))
    loops: dict[int, list[str]] = {}
    for _, parent, _, detail in plan.fetchall():
        if detail.startswith(("SCAN", "SEARCH")):
            loops.setdefault(parent, []).append(detail)
    connection.close()
    assert any(len(nested) > 1 for nested in loops.values()), "the plan has joins"
    for nested in loops.values():
        for inner in nested[1:]:
            assert inner.startswith("SEARCH") or "VIRTUAL TABLE" in inner, inner
