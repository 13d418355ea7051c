"""The Source port over SQLAlchemy: any database, only read, one snapshot for all datasets of a sync.

How each kind of database is opened is in `database_access`, what is asked of it in `database_statements`, and
what its errors mean in `database_errors`; here is only the course of a reading.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, NestedTransaction
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from ..core.errors import ConfigError, DatabaseUnreachableError, QueryError
from ..core.ports import Origin, Row, SourceColumn
from ..core.reads import Reads, TableName, configured
from ..core.settings import DatabaseSettings, Dataset
from .database_access import Access, Clock, Cursor, access_for, sqlite_path
from .database_errors import Place, place_of, refused_as_read_only
from .database_origins import Origins
from .database_relations import installed_triggers, locked_relations, qualified
from .database_statements import Statement, needed_columns, require_columns, statement_for

CHUNK_ROWS = 5000


@dataclass(frozen=True, slots=True)
class ServerCheck:
    """What `mmsync check` says of the database. `read_only` is None where it cannot be tried without harm."""

    name: str
    version: str
    read_only: bool | None


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """A dataset's query, prepared by the database but not run: the columns it would give."""

    dataset: str
    columns: tuple[SourceColumn, ...]


class DatabaseSource:
    """A database given by its URL; connects anew for every snapshot.

    `clock` is a monotonic clock in seconds (for SQLite's statement time-out; PostgreSQL keeps its own).
    `busy_timeout_seconds` is how long to wait for a SQLite file that another program has locked. With `origins` the
    columns of a result say whose they are, where the database knows.
    Raises ConfigError for a URL that cannot be used: malformed, an unknown database, a driver not installed.
    """

    def __init__(
        self,
        settings: DatabaseSettings,
        *,
        clock: Clock = time.monotonic,
        busy_timeout_seconds: float = 10.0,
        chunk_rows: int = CHUNK_ROWS,
        origins: bool = False,
    ) -> None:
        url = _checked_url(settings.url)
        timeout = settings.statement_timeout_seconds
        try:
            dialect = url.get_dialect()
            if dialect.is_async:
                raise _asynchronous(url, dialect.driver)
            self._access = access_for(url, timeout, clock, busy_timeout_seconds)
        except (NoSuchModuleError, ImportError, ArgumentError, TypeError, ValueError) as error:
            raise _unusable(url, error) from error
        self._url, self._chunk_rows = url, chunk_rows
        self._origins = Origins() if origins else None
        self._place = place_of(url, timeout, _driver_errors(self._access))

    @contextmanager
    def snapshot(self) -> Iterator[DatabaseSnapshot]:
        """Opens the read-only transaction; every read in it sees the database as it is now."""
        connection = self._connect()
        try:
            snapshot = DatabaseSnapshot(connection, self._access, self._place, self._chunk_rows, self._origins)
            try:
                yield snapshot
            finally:
                snapshot.close()
        finally:
            self._close(connection)

    def check(self) -> ServerCheck:
        """Connects, and tries whether a write is refused. Raises DatabaseUnreachableError."""
        with self.snapshot() as snapshot:
            return snapshot.check()

    def probe(self, dataset: Dataset) -> ProbeResult:
        """Has the database prepare the dataset's query; reads no rows. Raises as `Snapshot.read` does."""
        with self.snapshot() as snapshot:
            return snapshot.probe(dataset)

    def _close(self, connection: Connection) -> None:
        # What went wrong is told already, and a lost connection fails to close, too.
        with suppress(*self._place.errors):
            self._access.end(connection)
        with suppress(*self._place.errors):
            connection.close()

    def _connect(self) -> Connection:
        if self._url.get_backend_name() == "sqlite":
            _check_file(self._url)
        with self._place.connecting():
            connection = self._access.engine.connect()
        try:
            with self._place.connecting():
                self._access.begin(connection)
        except BaseException:
            self._close(connection)
            raise
        return connection


class DatabaseSnapshot:
    """One read-only transaction. One result is read at a time: starting the next closes the one before."""

    def __init__(
        self,
        connection: Connection,
        access: Access,
        place: Place,
        chunk_rows: int,
        origins: Origins | None = None,
    ) -> None:
        self._connection, self._access, self._place = connection, access, place
        self._chunk_rows, self._origins = chunk_rows, origins
        self._stream: DatabaseRowStream | None = None

    def read(self, dataset: Dataset, *, since: Any = None) -> DatabaseRowStream:
        """Starts the dataset's query.

        `since` is a value of the cursor column as an earlier read gave it (for SQLite that is often text).
        The dataset's named columns, key, `match_on` and cursor must be among the result's.
        """
        return self._start(dataset, since, no_rows=False)

    def probe(self, dataset: Dataset) -> ProbeResult:
        """The columns the dataset's query would give; the database prepares it and stops before the first row."""
        stream = self._start(dataset, None, no_rows=True)
        stream.close()
        return ProbeResult(dataset.name, stream.columns)

    def relations(self, dataset: Dataset) -> Reads:
        """The tables that the dataset names, or that PostgreSQL says its query reads. Raises as `read` does."""
        self.close()
        named = configured(dataset)
        with self._place.reading(dataset.name):
            if named is not None:
                return qualified(self._connection, named)
            savepoint = self._connection.begin_nested()  # its end lets go of the locks
            try:
                statement = statement_for(self._connection, dataset, None)
                self._access.execute(self._connection, statement.sql, None).close()
                return locked_relations(self._connection)
            finally:
                _roll_back(savepoint)

    def triggers(self) -> tuple[frozenset[TableName], frozenset[str]]:
        """Which tables tell of their changes, and the schemas with the function for it; PostgreSQL's only."""
        self.close()
        with self._place.connecting():
            return installed_triggers(self._connection)

    def check(self) -> ServerCheck:
        """The server, and whether it refuses a write."""
        self.close()
        dialect = self._connection.dialect
        version = ".".join(map(str, dialect.server_version_info or ()))
        read_only = None
        if dialect.name in ("sqlite", "postgresql"):
            read_only = self._refuses_to_write()
        return ServerCheck(self._place.name, version, read_only)

    def close(self) -> None:
        """Closes the result that is being read, if any."""
        if self._stream is not None:
            self._stream.close()

    def _start(self, dataset: Dataset, since: Any, *, no_rows: bool) -> DatabaseRowStream:
        self.close()
        with self._place.reading(dataset.name):
            savepoint = self._connection.begin_nested() if self._access.savepoints else None
            try:
                statement = statement_for(self._connection, dataset, since, no_rows=no_rows)
                self._access.guard(self._connection, dataset, statement.plain)
                self._access.arm()
                cursor = self._access.execute(self._connection, statement.sql, statement.parameters)
                origins = self._origins.of(self._connection, cursor) if self._origins is not None else ()
                columns = _columns(dataset, cursor, statement, origins)
            except BaseException:
                _roll_back(savepoint)
                raise
        reading = _Reading(cursor, savepoint, self._access, self._place, dataset.name, self._chunk_rows)
        self._stream = DatabaseRowStream(columns, reading)
        return self._stream

    def _refuses_to_write(self) -> bool:
        """Tries to make a table that nobody has, in a transaction that is never committed."""
        savepoint = self._connection.begin_nested() if self._access.savepoints else None
        try:
            self._connection.exec_driver_sql("CREATE TABLE mmsync_write_probe (x integer)")
        except SQLAlchemyError as error:
            if refused_as_read_only(error):
                return True
            raise self._place.unreachable(error) from error
        finally:
            _roll_back(savepoint)
        return False


@dataclass(frozen=True, slots=True)
class _Reading:
    """What a row stream holds open."""

    cursor: Cursor
    savepoint: NestedTransaction | None
    access: Access
    place: Place
    dataset: str
    chunk_rows: int


class DatabaseRowStream:
    """A result being read; the driver's own tuples, untouched."""

    def __init__(self, columns: tuple[SourceColumn, ...], reading: _Reading) -> None:
        self._columns = columns
        self._reading: _Reading | None = reading
        self._started = False

    @property
    def columns(self) -> tuple[SourceColumn, ...]:
        return self._columns

    def chunks(self) -> Iterator[Sequence[Row]]:
        """Lists of up to `chunk_rows` rows, never an empty one. May be consumed once."""
        if self._started:
            raise RuntimeError("a row stream can be read only once")
        self._started = True
        return self._chunks()

    def _chunks(self) -> Iterator[Sequence[Row]]:
        try:
            while (reading := self._reading) is not None:
                with reading.place.reading(reading.dataset):
                    reading.access.arm()
                    rows = reading.cursor.fetchmany(reading.chunk_rows)
                if not rows:
                    return
                yield rows
            raise RuntimeError("the row stream was closed while it was read: read one dataset after the other")
        finally:
            self.close()

    def close(self) -> None:
        """Ends the query; the snapshot stays as it was."""
        reading, self._reading = self._reading, None
        if reading is None:
            return
        # A cursor of a lost connection cannot be closed, and that has been told.
        with suppress(*reading.place.errors):
            reading.cursor.close()
        _roll_back(reading.savepoint)


def _roll_back(savepoint: NestedTransaction | None) -> None:
    if savepoint is not None:
        with suppress(SQLAlchemyError):  # a lost connection has none any more
            savepoint.rollback()


def _columns(
    dataset: Dataset, cursor: Cursor, statement: Statement, origins: Sequence[Origin | None]
) -> tuple[SourceColumn, ...]:
    if cursor.description is None:
        cursor.close()
        raise QueryError(
            f"dataset '{dataset.name}': the query gives no columns",
            hint="A dataset's query must be one SELECT (or WITH … SELECT, VALUES, TABLE).",
        )
    names = tuple(item[0] for item in cursor.description)
    try:
        require_columns(dataset, names, needed_columns(dataset))
    except QueryError:
        cursor.close()
        raise
    whose = origins or (None,) * len(names)
    return tuple(
        SourceColumn(name, statement.types.get(name), origin) for name, origin in zip(names, whose, strict=True)
    )


# --- the URL ----------------------------------------------------------------------------------------------


def _checked_url(text: str) -> URL:
    """The URL in its parts; a message about it never quotes it, since it may hold a password."""
    hint = "Write it as `postgresql://USER:PASSWORD@HOST:PORT/DATABASE` or `sqlite:///FILE`."
    try:
        url = make_url(text)
    except (ArgumentError, ValueError) as error:
        raise ConfigError(["database.url: this is no database URL"], hint=hint) from error
    if url.get_backend_name() != "sqlite" and "@" in f"{url.host}{url.database}":
        # What follows the password's first @ would be taken for the host, and shown.
        problem = "database.url: the user or the password has a character that must be percent-encoded"
        raise ConfigError([problem], hint="Write @ as %40, : as %3A, / as %2F, # as %23, % as %25.")
    if url.get_backend_name() == "sqlite" and (url.host or str(sqlite_path(url)) in (".", ":memory:")):
        raise ConfigError(["database.url: a SQLite URL must name a file"], hint=hint)
    return url


def _asynchronous(url: URL, driver: str) -> ConfigError:
    problem = f"database.url: '{url.drivername}' is an asynchronous driver, which mmsync cannot use"
    return ConfigError([problem], hint=f"Write `{url.get_backend_name()}://…`, without `+{driver}`.")


_PACKAGES = {"MySQLdb": "mysqlclient", "psycopg2": "psycopg2-binary", "cx_Oracle": "cx_Oracle"}


def _unusable(url: URL, error: Exception) -> ConfigError:
    """The dialect or the driver is not there."""
    kind = url.drivername
    if isinstance(error, ImportError):
        module = (error.name or "").partition(".")[0]
        hint = f"Install it beside mmsync: `pip install {_PACKAGES.get(module, module)}`."
        return ConfigError([f"database.url: the driver '{module}' for '{kind}' is not installed"], hint=hint)
    if isinstance(error, NoSuchModuleError):
        hint = "mmsync is tested with `sqlite` and `postgresql`; others need a SQLAlchemy dialect to be installed."
        return ConfigError([f"database.url: SQLAlchemy knows no database '{kind}'"], hint=hint)
    return ConfigError([f"database.url: it has a part that '{kind}' does not take"], hint="See what follows `?`.")


def _driver_errors(access: Access) -> tuple[type[BaseException], ...]:
    """The driver's errors; SQLite's complaint about two statements is a Warning, which is none of them."""
    driver: Any = access.engine.dialect.dbapi
    return (driver.Error, driver.Warning)


def _check_file(url: URL) -> None:
    """SQLite says only `unable to open database file`; the commonest reason is told apart here."""
    path = sqlite_path(url)
    hint = "Correct `[database] url`; three slashes begin a relative path, four an absolute one."
    if not path.exists():
        raise DatabaseUnreachableError(f"there is no SQLite file {path} (from {path.cwd()})", hint=hint)
    if path.is_dir():
        raise DatabaseUnreachableError(f"{path} is a directory, not a SQLite file", hint=hint)
