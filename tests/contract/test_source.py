"""What every Source promises, on SQLite and on a real PostgreSQL: reading."""

from __future__ import annotations

import sqlite3
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import make_url
from tests.databases import PostgresqlServer, WritableDatabase, sqlite_database

from moneymentor_sync.adapters.database import DatabaseSnapshot, DatabaseSource
from moneymentor_sync.core.errors import QueryError
from moneymentor_sync.core.ports import Row, Source, SourceColumn
from moneymentor_sync.core.settings import Column, DatabaseSettings, Dataset


def source_of(database: WritableDatabase, **options: Any) -> DatabaseSource:
    return DatabaseSource(DatabaseSettings(database.url), **options)


# mypy holds the adapter to the port.
_: type[Source] = DatabaseSource


def dataset(name: str = "things", *, key: tuple[str, ...] = ("id",), **settings: Any) -> Dataset:
    return Dataset(name=name, tab=name, key=key, spreadsheet_id="s", **settings)


def rows_of(snapshot: DatabaseSnapshot, wanted: Dataset, **options: Any) -> list[Row]:
    return [row for chunk in snapshot.read(wanted, **options).chunks() for row in chunk]


def read_all(database: WritableDatabase, wanted: Dataset, **options: Any) -> list[Row]:
    with source_of(database).snapshot() as snapshot:
        return rows_of(snapshot, wanted, **options)


@pytest.fixture
def things(database: WritableDatabase) -> Iterator[WritableDatabase]:
    database.run(
        "CREATE TABLE things (id integer PRIMARY KEY, name text, changed_at integer)",
        "INSERT INTO things VALUES (1, 'one', 10), (2, NULL, 20), (3, '100% :name %s', 30)",
    )
    yield database


def test_a_query_gives_its_columns_and_plain_tuples(things: WritableDatabase) -> None:
    with source_of(things).snapshot() as snapshot:
        stream = snapshot.read(dataset(query="SELECT id, name FROM things ORDER BY id"))
        assert stream.columns == (SourceColumn("id"), SourceColumn("name"))
        chunks = list(stream.chunks())
    assert chunks == [[(1, "one"), (2, None), (3, "100% :name %s")]]
    assert all(type(row) is tuple for chunk in chunks for row in chunk)


def test_a_result_without_rows_has_columns_and_no_chunk(things: WritableDatabase) -> None:
    with source_of(things).snapshot() as snapshot:
        stream = snapshot.read(dataset(query="SELECT id, name FROM things WHERE id > 9"))
        assert [column.name for column in stream.columns] == ["id", "name"]
        assert list(stream.chunks()) == []


def test_rows_come_in_chunks_of_bounded_size(things: WritableDatabase) -> None:
    query = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 1000) SELECT id FROM n"
    with source_of(things, chunk_rows=300).snapshot() as snapshot:
        sizes = [len(chunk) for chunk in snapshot.read(dataset(query=query)).chunks()]
    assert sizes == [300, 300, 300, 100]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id, ':name %s %(x)s 100%' AS note FROM things WHERE name LIKE '%:name%'",
        "SELECT id, ':name %s %(x)s 100%' AS note FROM things WHERE id % 5 = 3 ; ",
        "WITH t AS (SELECT id FROM things WHERE id = 3)\nSELECT id, ':name %s %(x)s 100%' AS note FROM t -- %s",
    ],
)
@pytest.mark.parametrize("since", [None, 3])
def test_percent_and_colon_in_a_query_arrive_unharmed(
    things: WritableDatabase, query: str, since: int | None
) -> None:
    wanted = dataset(query=query, cursor="id")
    assert read_all(things, wanted, since=since) == [(3, ":name %s %(x)s 100%")]


def test_values_is_a_query(database: WritableDatabase) -> None:
    database.run("CREATE TABLE t (x integer)")
    assert read_all(database, dataset(query="VALUES (1), (2)", key=("column1",))) == [(1,), (2,)]


def test_since_reads_only_rows_from_that_cursor_on(things: WritableDatabase) -> None:
    wanted = dataset(query="SELECT id, changed_at FROM things", cursor="changed_at")
    assert sorted(read_all(things, wanted, since=20)) == [(2, 20), (3, 30)]
    assert sorted(read_all(things, dataset(table="things", cursor="changed_at"), since=30)) == [
        (3, "100% :name %s", 30)
    ]


def test_since_takes_back_what_the_cursor_gave(database: WritableDatabase) -> None:
    kind = "timestamptz" if database.kind == "postgresql" else "TIMESTAMP"
    database.run(
        f"CREATE TABLE things (id integer, at {kind})",
        "INSERT INTO things VALUES (1, '2026-01-01 10:00:00.000001+00:00')",
        "INSERT INTO things VALUES (2, '2026-01-01 10:00:00.000002+00:00')",
    )
    wanted = dataset(table="things", cursor="at")
    latest = max(row[1] for row in read_all(database, wanted))
    assert [row[0] for row in read_all(database, wanted, since=latest)] == [2]


def test_since_may_be_text_that_reads_as_the_cursors_type(things: WritableDatabase) -> None:
    """A state file keeps it as text."""
    wanted = dataset(query="SELECT id, changed_at FROM things", cursor="changed_at")
    assert sorted(read_all(things, wanted, since="20")) == [(2, 20), (3, 30)]


def test_since_without_a_cursor_is_refused(things: WritableDatabase) -> None:
    with pytest.raises(QueryError, match="'things' has no cursor"):
        read_all(things, dataset(table="things"), since=1)


TYPES = {
    "sqlite": {
        "id": "INTEGER", "born": "DATE", "seen_at": "TIMESTAMP", "zoned_at": "TIMESTAMPTZ", "ok": "BOOLEAN",
        "price": "NUMERIC(10,2)", "size": "REAL", "name": "VARCHAR(20)", "extra": "JSON",
    },
    "postgresql": {
        "id": "bigint", "born": "date", "seen_at": "timestamp", "zoned_at": "timestamptz", "ok": "boolean",
        "price": "numeric(10,2)", "size": "double precision", "name": "varchar(20)", "extra": "jsonb",
    },
}  # fmt: skip


@pytest.fixture
def typed(database: WritableDatabase) -> WritableDatabase:
    columns = ", ".join(f"{name} {kind}" for name, kind in TYPES[database.kind].items())
    yes = "1" if database.kind == "sqlite" else "true"
    database.run(
        f"CREATE TABLE typed ({columns})",
        "INSERT INTO typed VALUES (1, '2026-03-01', '2026-03-01 10:00:00', '2026-03-01 10:00:00+00:00',"
        f" {yes}, 1.5, 0.25, 'x', '[]')",
    )
    return database


def test_a_table_says_what_its_columns_are(typed: WritableDatabase) -> None:
    with source_of(typed).snapshot() as snapshot:
        columns = snapshot.read(dataset(table="typed")).columns
    assert {column.name: column.type for column in columns} == {
        "id": "number", "born": "date", "seen_at": "datetime", "zoned_at": "datetime", "ok": "boolean",
        "price": "number", "size": "number", "name": "text", "extra": None,
    }  # fmt: skip


def test_values_are_the_drivers_own(typed: WritableDatabase) -> None:
    (row,) = read_all(typed, dataset(table="typed"))
    moment = datetime(2026, 3, 1, 10, tzinfo=UTC)
    if typed.kind == "sqlite":
        assert row[1:6] == ("2026-03-01", "2026-03-01 10:00:00", "2026-03-01 10:00:00+00:00", 1, 1.5)
    else:
        assert row[1:6] == (moment.date(), moment.replace(tzinfo=None), moment, True, Decimal("1.50"))


def test_a_table_gives_only_the_columns_that_are_named(typed: WritableDatabase) -> None:
    wanted = dataset(table="typed", columns=(Column("price", "Price"),), match_on=("name",), cursor="seen_at")
    with source_of(typed).snapshot() as snapshot:
        columns = snapshot.read(wanted).columns
    assert [column.name for column in columns] == ["price", "id", "name", "seen_at"]


def test_a_view_is_a_table(things: WritableDatabase) -> None:
    things.run("CREATE VIEW named AS SELECT id, name FROM things WHERE name IS NOT NULL")
    assert sorted(read_all(things, dataset(table="named"))) == [(1, "one"), (3, "100% :name %s")]


def test_a_table_in_a_schema_with_names_that_need_quotes(database: WritableDatabase) -> None:
    schema = "main"
    if database.kind == "postgresql":
        schema = "My Schema"
        database.run('CREATE SCHEMA "My Schema"')
    database.run(
        f'CREATE TABLE "{schema}"."Odd ""table" ("id" integer, "50% :of" text)',
        f'INSERT INTO "{schema}"."Odd ""table" VALUES (1, \'x\')',
    )
    wanted = dataset(table=f'{schema}.Odd "table', cursor="50% :of")
    assert read_all(database, wanted) == [(1, "x")]
    assert read_all(database, wanted, since="x") == [(1, "x")]


def test_postgresql_values_keep_their_python_types(postgresql_server: PostgresqlServer) -> None:
    database = postgresql_server.new_database()
    identity = uuid.UUID("6f9619ff-8b86-d011-b42d-00c04fc964ff")
    query = f"SELECT 1 AS id, '{identity}'::uuid AS u, '[true]'::jsonb AS j, '{{1,2}}'::int[] AS a"
    assert read_all(database, dataset(query=query)) == [(1, identity, [True], [1, 2])]


BEYOND_PYTHON = {
    "'infinity'::timestamptz": "infinity",
    "'-infinity'::timestamp": "-infinity",
    "'infinity'::date": "infinity",
    "'0044-03-15 BC'::date": "0044-03-15 BC",
    "'0044-03-15 12:00 BC'::timestamp": "0044-03-15 12:00:00 BC",
    "'10000-01-01'::date": "10000-01-01",
    "'24:00'::time": "24:00:00",
    "'12:00+02'::timetz": "12:00:00+02",
    "'1 year 2 mons 3 days'::interval": "1 year 2 mons 3 days",
    "'infinity'::interval": "infinity",
    "'100000000 years'::interval": "100000000 years",
    "ARRAY['2026-01-01'::date, 'infinity']": [date(2026, 1, 1), "infinity"],
    "tsrange('2026-01-01', NULL)": '["2026-01-01 00:00:00",)',
    "daterange('2026-01-01', 'infinity')": "[2026-01-01,infinity)",
    "int4multirange(int4range(1, 5))": "{[1,5)}",
    """'{"a": 1.10, "b": 12345678901234567890.123}'::jsonb""": '{"a": 1.10, "b": 12345678901234567890.123}',
    """'{"a":1e400}'::json""": '{"a":1e400}',
    """'{"a":1,"a":2}'::json""": '{"a":1,"a":2}',
    "'1.10'::jsonb": Decimal("1.10"),
    "'1e99999999999999999999'::json": "1e99999999999999999999",
    "(repeat('[', 3000) || repeat(']', 3000))::json": "[" * 3000 + "]" * 3000,
    "('1' || repeat('0', 5000))::jsonb": Decimal(10) ** 5000,
}


@pytest.mark.parametrize("expression", BEYOND_PYTHON)
def test_a_value_of_postgresql_that_python_cannot_hold_arrives_exactly(
    postgresql_server: PostgresqlServer, expression: str
) -> None:
    database = postgresql_server.new_database()
    assert read_all(database, dataset(query=f"SELECT 1 AS id, {expression} AS v")) == [
        (1, BEYOND_PYTHON[expression])
    ]


@pytest.mark.parametrize("style", ["German", "SQL,DMY", "Postgres,MDY"])
def test_times_are_read_whatever_way_a_role_has_them_written(
    postgresql_server: PostgresqlServer, style: str
) -> None:
    database = postgresql_server.new_database()
    url = make_url(database.url).update_query_dict(
        {"options": f"-cdatestyle={style} -cintervalstyle=iso_8601 -ctimezone=UTC"}
    )
    times = "'2026-11-26 03:00+00'::timestamptz AS a, '2026-11-26'::date AS b, '1 day'::interval AS c"
    source = DatabaseSource(DatabaseSettings(url.render_as_string(hide_password=False)))
    with source.snapshot() as snapshot:
        assert rows_of(snapshot, dataset(query=f"SELECT 1 AS id, {times}")) == [
            (1, datetime(2026, 11, 26, 3, tzinfo=UTC), date(2026, 11, 26), timedelta(days=1))
        ]


def test_how_postgresql_is_asked(postgresql_server: PostgresqlServer) -> None:
    database = postgresql_server.new_database()
    settings = ("application_name", "transaction_isolation", "transaction_read_only", "statement_timeout")
    query = "SELECT " + ", ".join(f"current_setting('{name}') AS {name}" for name in settings)
    wanted = dataset(query=query, key=("application_name",))
    assert read_all(database, wanted) == [("mmsync", "repeatable read", "on", "5min")]
    named = DatabaseSource(DatabaseSettings(database.url + "&application_name=mine"))
    with named.snapshot() as snapshot:
        assert rows_of(snapshot, wanted)[0][0] == "mine"


# --- one snapshot -----------------------------------------------------------------------------------------


def test_all_datasets_of_a_snapshot_agree(things: WritableDatabase) -> None:
    """A writer commits between opening and the first read, and between two reads: neither is seen."""
    if things.kind == "sqlite":
        things.run("PRAGMA journal_mode = wal")
    count = dataset("count", query="SELECT count(*) AS id FROM things")
    listed = dataset("listed", query="SELECT id FROM things ORDER BY id")
    source = source_of(things)
    with source.snapshot() as snapshot:
        things.run("INSERT INTO things VALUES (4, 'four', 40)")
        assert rows_of(snapshot, count) == [(3,)]
        things.run("INSERT INTO things VALUES (5, 'five', 50)", "DELETE FROM things WHERE id = 1")
        assert rows_of(snapshot, listed) == [(1,), (2,), (3,)]
    with source.snapshot() as snapshot:
        assert rows_of(snapshot, listed) == [(2,), (3,), (4,), (5,)]


def test_without_wal_a_snapshot_keeps_writers_out_instead(tmp_path: Path) -> None:
    database = sqlite_database(tmp_path / "app.db")
    database.run("CREATE TABLE things (id integer)")
    impatient = sqlite3.connect(tmp_path / "app.db", timeout=0)
    try:
        with source_of(database).snapshot(), pytest.raises(sqlite3.OperationalError, match="locked"), impatient:
            impatient.execute("INSERT INTO things VALUES (1)")
        with impatient:
            impatient.execute("INSERT INTO things VALUES (2)")
    finally:
        impatient.close()
    assert read_all(database, dataset(table="things")) == [(2,)]


def test_a_failed_dataset_does_not_spoil_the_snapshot(things: WritableDatabase) -> None:
    listed = dataset("listed", query="SELECT id FROM things ORDER BY id")
    with source_of(things).snapshot() as snapshot:
        for broken in ("SELECT nope FROM things", "SELECT FROM FROM"):
            with pytest.raises(QueryError):
                snapshot.read(dataset(query=broken))
        things_then = rows_of(snapshot, listed)
    assert things_then == [(1,), (2,), (3,)]


def test_a_stream_left_half_read_does_not_spoil_the_snapshot(things: WritableDatabase) -> None:
    listed = dataset("listed", query="SELECT id FROM things ORDER BY id")
    with source_of(things, chunk_rows=1).snapshot() as snapshot:
        half_read = snapshot.read(listed).chunks()
        assert next(half_read) == [(1,)]
        assert rows_of(snapshot, listed) == [(1,), (2,), (3,)]
        with pytest.raises(RuntimeError, match="one dataset after the other"):
            next(half_read)


def test_a_stream_can_be_read_only_once(things: WritableDatabase) -> None:
    with source_of(things).snapshot() as snapshot:
        stream = snapshot.read(dataset(table="things"))
        list(stream.chunks())
        with pytest.raises(RuntimeError, match="only once"):
            stream.chunks()


def test_a_database_in_wal_mode_that_somebody_is_writing_to(tmp_path: Path) -> None:
    database = sqlite_database(tmp_path / "wal.db")
    database.run("CREATE TABLE things (id integer)", "INSERT INTO things VALUES (1)")
    database.run("PRAGMA journal_mode = wal")
    with database.transaction() as writer:
        writer.exec_driver_sql("INSERT INTO things VALUES (2)")
        assert read_all(database, dataset(table="things")) == [(1,)]
    assert read_all(database, dataset(table="things")) == [(1,), (2,)]


# --- checking ---------------------------------------------------------------------------------------------


def test_check_proves_that_the_database_is_only_read(things: WritableDatabase) -> None:
    checked = source_of(things).check()
    assert checked.read_only is True
    assert checked.version[0].isdigit()
    assert {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[things.kind] in checked.name


def test_a_probe_gives_the_columns_without_running_the_query(things: WritableDatabase) -> None:
    endless = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n -- endless"
    assert source_of(things).probe(dataset(query=endless)).columns == (SourceColumn("id"),)
    probed = source_of(things).probe(dataset(table="things"))
    assert probed.columns[:2] == (SourceColumn("id", "number"), SourceColumn("name", "text"))
    with pytest.raises(QueryError, match="nope"):
        source_of(things).probe(dataset(query="SELECT nope FROM things"))


def test_a_read_takes_no_more_than_one_core_of_the_server(postgresql_server: PostgresqlServer) -> None:
    """The others are for users' requests: PostgreSQL would have several processes read a large table."""
    setting = "SELECT current_setting('max_parallel_workers_per_gather') AS workers"
    assert read_all(postgresql_server.new_database(), dataset(query=setting, key=("workers",))) == [("0",)]
