"""How each kind of database is opened, so that it can only be read, holds still, and answers in time.

SQLite: the file is opened read-only, one transaction for all reads, and an authorizer refuses what could still
do harm (ATTACH and VACUUM INTO make files even on a read-only connection). PostgreSQL: one
REPEATABLE READ READ ONLY transaction and server-side cursors. Everything is set for the transaction only,
since behind a pooler the session belongs to others, too. Others: a transaction, read-only where the database
can be told so; not tested.

Rows are fetched past SQLAlchemy's result objects: they are wanted as the driver's plain tuples.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Protocol
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from ..core.privacy import denied_among
from ..core.settings import Dataset
from .database_denied import refuse_denied

Clock = Callable[[], float]


class Cursor(Protocol):
    """The part of a driver's cursor that reading takes."""

    @property
    def description(self) -> Sequence[Sequence[Any]] | None: ...

    def fetchmany(self, size: int, /) -> Sequence[Any]: ...

    def close(self) -> object: ...


class Access(Protocol):
    """One kind of database: how to open it, hold it still, and run a query on it."""

    engine: Engine
    savepoints: ClassVar[bool]
    """Whether a failed statement spoils the transaction, so that each needs a savepoint."""

    def begin(self, connection: Connection) -> None:
        """Starts the read-only transaction and fixes the snapshot."""
        ...

    def end(self, connection: Connection) -> None:
        """Lets the transaction be rolled back."""
        ...

    def guard(self, connection: Connection, dataset: Dataset, sql: str) -> None:
        """Before the dataset's statement, `sql`, is run: sees to it that it gives no column that is denied.

        So also for a table, which may be a view. What is built in reads the same columns everywhere. Names in the
        text and in the result are looked at elsewhere. Raises DeniedColumnError at once, or has the driver raise
        when the query is run.
        """
        ...

    def execute(self, connection: Connection, sql: str, parameters: Mapping[str, Any] | None) -> Cursor:
        """Runs one query; `sql` is the driver's text, with its placeholders only where there are parameters."""
        ...

    def arm(self) -> None:
        """Starts the statement time-out anew: before each query and each chunk."""
        ...


def access_for(url: URL, timeout_seconds: float, clock: Clock, busy_timeout_seconds: float) -> Access:
    """The access that fits the URL. Raises SQLAlchemy's errors for a dialect or driver that is not there."""
    backend = url.get_backend_name()
    if backend == "sqlite" and url.get_driver_name() == "pysqlite":
        return SqliteAccess(url, timeout_seconds, clock, busy_timeout_seconds)
    if backend == "postgresql":
        return PostgresqlAccess(url, timeout_seconds)
    return OtherAccess(url)


# --- SQLite -----------------------------------------------------------------------------------------------

# What a read-only connection would still do: touch other files, the temporary database, or our transaction.
# (Not all that writes: to use a virtual table, json_each among them, SQLite goes through the motions of making
# one. The file itself is safe by `mode=ro`.)
_REFUSED = frozenset(
    (
        sqlite3.SQLITE_ATTACH,  # VACUUM INTO, too
        sqlite3.SQLITE_DETACH,
        sqlite3.SQLITE_TRANSACTION,
        sqlite3.SQLITE_SAVEPOINT,
        sqlite3.SQLITE_CREATE_TEMP_INDEX,
        sqlite3.SQLITE_CREATE_TEMP_TABLE,
        sqlite3.SQLITE_CREATE_TEMP_TRIGGER,
        sqlite3.SQLITE_CREATE_TEMP_VIEW,
    )
)
_READING_PRAGMAS = frozenset(("table_info", "table_xinfo", "table_list", "data_version"))

# How many of SQLite's instructions pass between two looks at the clock: about a millisecond's worth.
_INSTRUCTIONS = 20_000


class SqliteAccess:
    """A file, opened with `mode=ro`: it is never made, and never written to."""

    savepoints: ClassVar[bool] = False

    def __init__(self, url: URL, timeout_seconds: float, clock: Clock, busy_timeout_seconds: float) -> None:
        self._uri = f"file:{quote(str(sqlite_path(url)))}?mode=ro"
        self._timeout, self._busy_timeout = timeout_seconds, busy_timeout_seconds
        self._clock = clock
        self._deadline = float("inf")
        self.engine = create_engine("sqlite://", creator=self._connect, poolclass=NullPool)

    def begin(self, connection: Connection) -> None:
        self.arm()
        connection.exec_driver_sql("BEGIN")
        # BEGIN alone takes no snapshot; the first read does.
        connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").close()
        _driver(connection).set_authorizer(_only_reading)

    def end(self, connection: Connection) -> None:
        _driver(connection).set_authorizer(None)

    def guard(self, connection: Connection, dataset: Dataset, sql: str) -> None:  # noqa: ARG002 - asked while it prepares it
        """Has SQLite ask of every column that a query reads, in whatever view or expression."""

        def only_allowed(action: int, first: str | None, second: str | None, *rest: str | None) -> int:
            if action == sqlite3.SQLITE_READ and denied_among([second or ""], dataset.deny):
                return sqlite3.SQLITE_DENY
            return _only_reading(action, first, second, *rest)

        _driver(connection).set_authorizer(_only_reading if dataset.builtin else only_allowed)

    def execute(self, connection: Connection, sql: str, parameters: Mapping[str, Any] | None) -> Cursor:
        driver = _driver(connection)
        try:
            return driver.execute(sql, tuple((parameters or {}).values()))
        finally:  # what one dataset may not read is nothing to the next one's look at the catalogue
            driver.set_authorizer(_only_reading)

    def arm(self) -> None:
        if self._timeout:
            self._deadline = self._clock() + self._timeout

    def _connect(self) -> sqlite3.Connection:
        # isolation_level=None: Python's module keeps its hands off transactions, which are ours.
        connection = sqlite3.connect(self._uri, uri=True, timeout=self._busy_timeout, isolation_level=None)
        connection.set_progress_handler(lambda: self._clock() > self._deadline, _INSTRUCTIONS)
        return connection


def sqlite_path(url: URL) -> Path:
    """The file that the URL names, as a path or as SQLite's own `file:` URI."""
    return Path((url.database or "").removeprefix("file:").partition("?")[0])


def _only_reading(action: int, first: str | None, *_: str | None) -> int:
    """SQLite's authorizer: asked for every part of a statement while it is prepared."""
    refused = action in _REFUSED or (action == sqlite3.SQLITE_PRAGMA and first not in _READING_PRAGMAS)
    return sqlite3.SQLITE_DENY if refused else sqlite3.SQLITE_OK


def _driver(connection: Connection) -> sqlite3.Connection:
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)  # noqa: S101 - made by _connect
    return driver


# --- PostgreSQL -------------------------------------------------------------------------------------------

# libpq's names (PostgreSQL manual, "Database Connection Control Functions"); what the URL says wins.
LIBPQ_DEFAULTS: dict[str, object] = {
    "application_name": "mmsync",
    "connect_timeout": 10,
    "client_encoding": "utf8",
    "keepalives": 1,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,
}


class PostgresqlAccess:
    """Through psycopg 3, whose server-side cursors also refuse more than one statement at once."""

    savepoints: ClassVar[bool] = True

    def __init__(self, url: URL, timeout_seconds: float) -> None:
        self._timeout_ms = round(timeout_seconds * 1000)
        options = {name: value for name, value in LIBPQ_DEFAULTS.items() if name not in url.query}
        if url.get_driver_name() == "psycopg":
            options["prepare_threshold"] = None  # prepared statements outlive the transaction; poolers mind
        self._reads_exactly = url.get_driver_name() == "psycopg"
        self.engine = create_engine(url, poolclass=NullPool, connect_args=options, hide_parameters=True)

    def begin(self, connection: Connection) -> None:
        if self._reads_exactly:
            from .database_values import read_exactly  # psycopg is loaded only where it is used

            read_exactly(_psycopg(connection))
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY")
        # The first query takes the snapshot. A cursor is planned for its first tenth unless told otherwise; and
        # a large read by several processes at once would take the cores that users' requests need.
        # Times are read in PostgreSQL's own way of writing them; a role or server may be set to another.
        connection.exec_driver_sql(
            f"SELECT set_config('statement_timeout', '{self._timeout_ms}', true),"
            " set_config('cursor_tuple_fraction', '1', true),"
            " set_config('max_parallel_workers_per_gather', '0', true),"
            " set_config('datestyle', 'ISO', true), set_config('intervalstyle', 'postgres', true)"
        ).close()

    def end(self, connection: Connection) -> None:
        """Nothing to undo: all was set for the transaction."""

    def guard(self, connection: Connection, dataset: Dataset, sql: str) -> None:
        if not dataset.builtin and connection.dialect.driver == "psycopg":
            refuse_denied(connection, dataset, sql)

    def execute(self, connection: Connection, sql: str, parameters: Mapping[str, Any] | None) -> Cursor:
        cursor = connection.connection.cursor("mmsync")
        try:
            # psycopg leaves % alone only where it is given no parameters at all.
            cursor.execute(sql, parameters) if parameters else cursor.execute(sql)
        except BaseException:
            cursor.close()
            raise
        return cursor

    def arm(self) -> None:
        """The server watches the time of each statement, and each chunk is one."""


def _psycopg(connection: Connection) -> Any:
    return connection.connection.driver_connection


# --- others -----------------------------------------------------------------------------------------------

# Said first in the transaction (or, where the database knows only that, in the session, which is ours alone).
_READ_ONLY_STATEMENTS = {
    "mysql": "SET SESSION TRANSACTION READ ONLY",
    "mariadb": "SET SESSION TRANSACTION READ ONLY",
    "oracle": "SET TRANSACTION READ ONLY",
}


class OtherAccess:
    """Any other database that SQLAlchemy opens, at the operator's risk."""

    savepoints: ClassVar[bool] = False

    def __init__(self, url: URL) -> None:
        self.engine = create_engine(url, poolclass=NullPool, hide_parameters=True)

    def begin(self, connection: Connection) -> None:
        statement = _READ_ONLY_STATEMENTS.get(connection.dialect.name)
        if statement:
            connection.exec_driver_sql(statement)
            if statement.startswith("SET SESSION"):
                connection.rollback()  # it counts from the next transaction

    def end(self, connection: Connection) -> None:
        """Nothing to undo: the connection is closed."""

    def guard(self, connection: Connection, dataset: Dataset, sql: str) -> None:
        """Nothing is known of what such a database reads for a query: the names have to do."""

    def execute(self, connection: Connection, sql: str, parameters: Mapping[str, Any] | None) -> Cursor:
        cursor = connection.connection.cursor()
        try:
            positional = connection.dialect.positional
            values = tuple((parameters or {}).values()) if positional else parameters
            cursor.execute(sql, values) if parameters else cursor.execute(sql)
        except BaseException:
            cursor.close()
            raise
        return cursor

    def arm(self) -> None:
        """No time-out of ours: set one for the user in the database."""
