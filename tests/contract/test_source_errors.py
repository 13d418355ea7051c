"""What every Source promises, on SQLite and on a real PostgreSQL: refusing to write, and telling what is wrong."""

from __future__ import annotations

import socket
import sqlite3
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.databases import PostgresqlServer, WritableDatabase, sqlite_database

from moneymentor_sync.adapters.database import DatabaseSource
from moneymentor_sync.core.errors import ConfigError, DatabaseUnreachableError, MmsyncError, QueryError
from moneymentor_sync.core.settings import Column, DatabaseSettings, Dataset

SECRET = "s3cr3t-Passw0rd"

ENDLESS = (
    "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id > 0) SELECT max(id) AS id FROM n"
)


def source_of(url: str, timeout: float = 60.0) -> DatabaseSource:
    return DatabaseSource(DatabaseSettings(url, statement_timeout_seconds=timeout), busy_timeout_seconds=0)


def dataset(query: str | None = None, **settings: object) -> Dataset:
    fixed: dict[str, object] = {"name": "things", "tab": "Things", "key": ("id",), "spreadsheet_id": "s"}
    return Dataset(**{**fixed, "query": query, **settings})  # type: ignore[arg-type]


def failure(url: str, wanted: Dataset, *, timeout: float = 60.0) -> MmsyncError:
    """The error that reading the whole dataset ends with."""
    with pytest.raises(MmsyncError) as caught, source_of(url, timeout).snapshot() as snapshot:
        for _ in snapshot.read(wanted).chunks():
            pass
    error = caught.value
    assert error.hint, "an error says what to do"
    assert "\n" not in str(error)
    return error


@pytest.fixture
def things(database: WritableDatabase) -> Iterator[WritableDatabase]:
    database.run("CREATE TABLE things (id integer, name text)", "INSERT INTO things VALUES (1, 'one')")
    yield database


# --- nothing is ever written ------------------------------------------------------------------------------

WRITES = [
    "INSERT INTO things VALUES (2, 'two')",
    "INSERT INTO things VALUES (2, 'two') RETURNING id",
    "UPDATE things SET name = 'x'",
    "DELETE FROM things",
    "DROP TABLE things",
    "CREATE TABLE other (id integer)",
    "CREATE TEMP TABLE other (id integer)",
    "SELECT id FROM things; DELETE FROM things",
    "SELECT id FROM things; COMMIT; DELETE FROM things",
    "COMMIT",
    "ROLLBACK",
    "BEGIN",
]
ONLY_SQLITE = [
    "VACUUM INTO '{path}'",
    "ATTACH '{path}' AS other",
    "PRAGMA user_version = 7",
    "PRAGMA query_only = 0",
]
ONLY_POSTGRESQL = [
    "WITH gone AS (DELETE FROM things RETURNING id) SELECT id FROM gone",
    "SELECT id FROM things FOR UPDATE",
    "SELECT nextval('numbers') AS id",
    "SELECT set_config('transaction_read_only', 'off', true) AS id",
    "SET TRANSACTION READ WRITE",
    "COPY things TO '/dev/null'",
]


@pytest.mark.parametrize("query", WRITES)
def test_no_query_can_write(things: WritableDatabase, query: str) -> None:
    error = failure(things.url, dataset(query))
    assert isinstance(error, QueryError)
    assert things.rows("SELECT id, name FROM things") == [(1, "one")]


@pytest.mark.parametrize("query", ONLY_SQLITE)
def test_no_query_can_write_or_make_files_in_sqlite(tmp_path: Path, query: str) -> None:
    database = sqlite_database(tmp_path / "app.db")
    database.run("CREATE TABLE things (id integer)")
    before = sorted(tmp_path.iterdir())
    error = failure(database.url, dataset(query.format(path=tmp_path / "made")))
    assert "one SELECT" in error.hint
    assert sorted(tmp_path.iterdir()) == before
    assert database.rows("PRAGMA user_version") == [(0,)]


@pytest.mark.parametrize("query", ONLY_POSTGRESQL)
def test_no_query_can_write_in_postgresql(postgresql_server: PostgresqlServer, query: str) -> None:
    database = postgresql_server.new_database()
    database.run("CREATE TABLE things (id integer)", "INSERT INTO things VALUES (1)", "CREATE SEQUENCE numbers")
    assert isinstance(failure(database.url, dataset(query)), QueryError)
    assert database.rows("SELECT id FROM things") == [(1,)]
    assert database.rows("SELECT is_called FROM numbers") == [(False,)]


def test_a_refused_write_leaves_the_snapshot_read_only(things: WritableDatabase) -> None:
    with source_of(things.url).snapshot() as snapshot:
        for query in ("COMMIT", "DELETE FROM things"):
            with pytest.raises(QueryError):
                snapshot.read(dataset(query))
        assert snapshot.check().read_only is True
    assert things.rows("SELECT id FROM things") == [(1,)]


# --- a dataset is wrong -----------------------------------------------------------------------------------


def test_a_missing_table_is_named(things: WritableDatabase) -> None:
    for wanted in (dataset("SELECT id FROM nowhere"), dataset(table="nowhere"), dataset(table="main.nowhere")):
        error = failure(things.url, wanted)
        assert isinstance(error, QueryError)
        assert "'things'" in str(error)
        assert "nowhere" in str(error)


def test_a_missing_column_is_named_with_those_there_are(things: WritableDatabase) -> None:
    for wanted in (
        dataset("SELECT id, name FROM things", columns=(Column("nome", "Name"),)),
        dataset(table="things", columns=(Column("nome", "Name"),)),
        dataset(table="things", key=("nome",)),
        dataset("SELECT id, name FROM things", cursor="nome"),
        dataset("SELECT id, name FROM things", match_on=("nome",)),
    ):
        error = failure(things.url, wanted)
        assert isinstance(error, QueryError)
        assert str(error) == "dataset 'things': its result has no column 'nome'; it has 'id', 'name'"
    assert "nome" in str(failure(things.url, dataset("SELECT id, nome FROM things")))


def test_a_column_twice_is_refused(things: WritableDatabase) -> None:
    error = failure(things.url, dataset("SELECT id, name, name FROM things"))
    assert "more than one column 'name'" in str(error)


@pytest.mark.parametrize("query", ["SELECT id FRM things x y", "SELECT 'open", "", "-- nothing", "SELECT id FROM"])
def test_a_syntax_error_is_the_datasets(things: WritableDatabase, query: str) -> None:
    error = failure(things.url, dataset(query))
    assert isinstance(error, QueryError)
    assert str(error).startswith("dataset 'things': ")


def test_a_query_that_takes_too_long_is_stopped(things: WritableDatabase) -> None:
    if things.kind == "sqlite":
        # The clock is an argument: every look at it is 100 s later.
        hours = iter(range(0, 10**9, 100))
        source = DatabaseSource(DatabaseSettings(things.url, 250.0), clock=lambda: float(next(hours)))
        with pytest.raises(QueryError, match="took longer than 250 s") as caught, source.snapshot() as snapshot:
            list(snapshot.read(dataset(ENDLESS)).chunks())
        error: MmsyncError = caught.value
    else:
        error = failure(things.url, dataset(ENDLESS), timeout=0.05)
        assert "took longer than 0.05 s" in str(error)
    assert "statement_timeout_seconds" in error.hint


def test_no_timeout_is_none(things: WritableDatabase) -> None:
    source = DatabaseSource(DatabaseSettings(things.url, statement_timeout_seconds=0))
    with source.snapshot() as snapshot:
        assert list(snapshot.read(dataset(table="things")).chunks()) == [[(1, "one")]]


def test_an_error_after_the_first_rows_is_the_datasets(postgresql_server: PostgresqlServer) -> None:
    database = postgresql_server.new_database()
    source = DatabaseSource(DatabaseSettings(database.url), chunk_rows=10)
    with source.snapshot() as snapshot:
        chunks = snapshot.read(dataset("SELECT 1 / (50 - id) AS id FROM generate_series(1, 99) AS id")).chunks()
        assert len(next(chunks)) == 10
        with pytest.raises(QueryError, match="'things': division by zero"):
            list(chunks)
        assert len(list(snapshot.read(dataset("SELECT 1 AS id")).chunks())) == 1


# --- nothing of the rows in a message ---------------------------------------------------------------------

ROW_VALUE = "jane.doe@example.org"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT CAST(name AS integer) AS id FROM things",
        "SELECT CAST(name AS timestamptz) AS id FROM things",
        "SELECT CAST(name AS jsonb) AS id FROM things",
        "SELECT tell(name) AS id FROM things",
    ],
)
def test_no_value_of_a_row_in_a_message_of_postgresql(postgresql_server: PostgresqlServer, query: str) -> None:
    database = postgresql_server.new_database()
    database.run(
        f"CREATE TABLE things AS SELECT '{ROW_VALUE}' AS name",
        "CREATE FUNCTION tell(name text) RETURNS integer LANGUAGE plpgsql AS"
        " $$ BEGIN RAISE EXCEPTION 'bad %', name USING DETAIL = name; END $$",
    )
    error = failure(database.url, dataset(query))
    assert isinstance(error, QueryError)
    assert "jane" not in str(error) + error.hint


def test_no_value_of_a_row_in_a_message_of_sqlite(tmp_path: Path) -> None:
    database = sqlite_database(tmp_path / "app.db")
    database.run(
        "CREATE TABLE things (id integer, name text)",
        f"INSERT INTO things VALUES (1, '{ROW_VALUE}' || CAST(x'ff' AS text))",
    )
    error = failure(database.url, dataset(table="things"))
    assert str(error) == "dataset 'things': a text in column 'name' is not UTF-8"
    error = failure(database.url, dataset("SELECT json_extract('{}', name) AS id FROM things"))
    assert "jane" not in str(error)


# --- no connection ----------------------------------------------------------------------------------------


def unreachable(url: str) -> DatabaseUnreachableError:
    with pytest.raises(DatabaseUnreachableError) as caught, source_of(url).snapshot():
        pass
    assert caught.value.hint
    assert "\n" not in str(caught.value)
    return caught.value


def test_a_missing_file_is_told_and_not_made(tmp_path: Path) -> None:
    error = unreachable(f"sqlite:///{tmp_path}/app.db")
    assert str(tmp_path / "app.db") in str(error)
    assert list(tmp_path.iterdir()) == []


def test_a_directory_is_no_database(tmp_path: Path) -> None:
    assert "is a directory" in str(unreachable(f"sqlite:///{tmp_path}"))


def test_a_file_that_is_no_database(tmp_path: Path) -> None:
    (tmp_path / "app.db").write_text("first_name,last_name\n" * 100)
    error = unreachable(f"sqlite:///{tmp_path}/app.db")
    assert "file is not a database" in str(error)
    assert "restore a backup" in error.hint


def test_a_damaged_file_is_told_while_reading(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    database = sqlite_database(path)
    database.run("CREATE TABLE things (id integer)")
    database.insert("things", [(number,) for number in range(5000)])
    content = bytearray(path.read_bytes())
    content[4096:8192] = b"\xa5" * 4096
    path.write_bytes(content)
    assert isinstance(failure(database.url, dataset("SELECT id FROM things")), DatabaseUnreachableError)


def test_a_locked_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "app.db"
    database = sqlite_database(path)
    database.run("CREATE TABLE things (id integer)")
    writer = sqlite3.connect(path, isolation_level=None)
    try:
        writer.execute("BEGIN EXCLUSIVE")
        assert "locked" in str(unreachable(database.url))
    finally:
        writer.close()


def test_a_file_whose_name_is_awkward(tmp_path: Path) -> None:
    database = sqlite_database(tmp_path / "50% a#b.db")
    database.run("CREATE TABLE things (id integer)", "INSERT INTO things VALUES (1)")
    with source_of(database.url).snapshot() as snapshot:
        assert list(snapshot.read(dataset(table="things")).chunks()) == [[(1,)]]


def test_nothing_listens_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    error = unreachable(f"postgresql+psycopg://reader:{SECRET}@127.0.0.1:{port}/app")
    assert f"database app at 127.0.0.1:{port} as reader" in str(error)
    assert "server runs" in error.hint
    assert SECRET not in whole_text(error)


def test_no_such_host() -> None:
    error = unreachable(f"postgresql+psycopg://reader:{SECRET}@nowhere.invalid/app")
    assert "nowhere.invalid" in str(error)
    assert SECRET not in whole_text(error)


def test_no_such_database_or_role(postgresql_server: PostgresqlServer) -> None:
    error = unreachable(postgresql_server.url("nowhere"))
    assert 'database "nowhere" does not exist' in str(error)
    assert "database's name" in error.hint
    error = unreachable(postgresql_server.url("postgres", user="nobody_here", password=SECRET))
    assert 'role "nobody_here" does not exist' in str(error)
    assert "role" in error.hint
    assert SECRET not in whole_text(error)


@pytest.fixture
def role_with_password(postgresql_server: PostgresqlServer) -> Iterator[str]:
    """A role that must give its password, where all others are trusted."""
    rules = postgresql_server.directory / "pg_hba.conf"
    before = rules.read_text()
    postgresql_server.run(f"CREATE ROLE guarded LOGIN PASSWORD '{SECRET}'")
    rules.write_text("local all guarded scram-sha-256\n" + before)
    postgresql_server.run("SELECT pg_reload_conf()")
    yield "guarded"
    rules.write_text(before)
    postgresql_server.run("SELECT pg_reload_conf()", "DROP ROLE guarded")


def test_a_wrong_password_is_told_and_never_shown(
    postgresql_server: PostgresqlServer, role_with_password: str
) -> None:
    wrong = "wr0ng-" + SECRET
    error = unreachable(postgresql_server.url("postgres", user=role_with_password, password=wrong))
    assert "password authentication failed" in str(error)
    assert "password" in error.hint
    assert SECRET not in whole_text(error)
    right = source_of(postgresql_server.url("postgres", user=role_with_password, password=SECRET))
    assert right.check().read_only is True
    assert SECRET not in right.check().name + repr(right)


def whole_text(error: BaseException) -> str:
    """All that `-v` would print."""
    return "".join(traceback.format_exception(error)) + getattr(error, "hint", "")


def test_a_table_that_may_not_be_read_says_what_to_grant(postgresql_server: PostgresqlServer) -> None:
    database = postgresql_server.new_database()
    name = database.url.rpartition("/")[2].partition("?")[0]
    database.run(
        "CREATE TABLE things (id integer)", "CREATE SCHEMA hidden", "CREATE TABLE hidden.things (id integer)"
    )
    postgresql_server.run("CREATE ROLE weak LOGIN")
    try:
        url = postgresql_server.url(name, user="weak")
        for wanted in (dataset("SELECT id FROM things"), dataset(table="things")):
            error = failure(url, wanted)
            assert "permission denied for table things" in str(error)
            assert "GRANT SELECT ON things TO weak" in error.hint
        error = failure(url, dataset("SELECT id FROM hidden.things"))
        assert "GRANT USAGE ON SCHEMA hidden TO weak" in error.hint
    finally:
        postgresql_server.run("DROP ROLE weak")


def test_a_connection_lost_in_the_middle(postgresql_server: PostgresqlServer) -> None:
    database = postgresql_server.new_database()
    source = DatabaseSource(DatabaseSettings(database.url), chunk_rows=10)
    lost = pytest.raises(DatabaseUnreachableError, match="lost while reading dataset 'things'")
    with lost, source.snapshot() as snapshot:
        chunks = snapshot.read(dataset("SELECT id FROM generate_series(1, 100000) AS id")).chunks()
        assert len(next(chunks)) == 10
        database.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mmsync'"
            " AND datname = current_database()"
        )
        list(chunks)


# --- the URL ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "said", "advised"),
    [
        (f"my database {SECRET}", "no database URL", "postgresql://"),
        (f"postgresql+psycopg://u:{SECRET}@host:port/db", "no database URL", "postgresql://"),
        (f"postgresql+psycopg://u:p@{SECRET}@host/db", "percent-encoded", "%40"),
        (f"postgresql+psycopg://u:p@x/{SECRET}@host/db", "percent-encoded", "%40"),
        (f"nosuchdb://u:{SECRET}@host/db", "knows no database 'nosuchdb'", "dialect"),
        (f"mysql+cymysql://u:{SECRET}@host/db", "the driver 'cymysql'", "pip install cymysql"),
        (f"mysql://u:{SECRET}@host/db", "the driver 'MySQLdb'", "pip install mysqlclient"),
        ("sqlite://", "must name a file", "sqlite:///FILE"),
        ("sqlite:///:memory:", "must name a file", "sqlite:///FILE"),
        ("sqlite://app.db", "must name a file", "sqlite:///FILE"),
        (f"sqlite://u:{SECRET}@host/db", "must name a file", "sqlite:///FILE"),
        (f"postgresql+asyncpg://u:{SECRET}@host/db", "asynchronous", "`postgresql://…`, without `+asyncpg`"),
        ("sqlite+aiosqlite:///app.db", "asynchronous", "without `+aiosqlite`"),
    ],
)
def test_a_url_that_cannot_be_used_is_a_wrong_configuration(url: str, said: str, advised: str) -> None:
    with pytest.raises(ConfigError) as caught:
        source_of(url)
    assert said in str(caught.value)
    assert advised in caught.value.hint
    assert SECRET not in whole_text(caught.value)
