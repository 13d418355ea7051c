"""What PostgreSQL says in its own way, and MySQL and MariaDB in theirs: the only place that knows of both.

Column types, the server's clock, rows that may be there already, who makes the tables, and how a session is begun
so that nothing waits for long.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import ceil
from typing import Any

from sqlalchemy import Connection, Float, LargeBinary, Table, Text, func, literal_column, select, text
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine import URL
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.dml import Insert
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.functions import FunctionElement

from moneymentor_sync.core.errors import ClusterError

_THEIRS = "mysql", "mariadb"
_BYTE_BY_BYTE: dict[str, Any] = {"charset": "utf8mb4", "collation": "utf8mb4_bin"}

NAME = Text().with_variant(mysql.VARCHAR(190, **_BYTE_BY_BYTE), *_THEIRS)
"""Text that is in a key: MySQL's keys have an end, and its usual collations take a for A."""
TEXT = Text().with_variant(mysql.LONGTEXT(**_BYTE_BY_BYTE), *_THEIRS)
BYTES = LargeBinary().with_variant(mysql.LONGBLOB(), *_THEIRS)
REAL = Float().with_variant(mysql.DOUBLE(asdecimal=False), *_THEIRS)

MAKING = int.from_bytes(b"mmsync")
"""PostgreSQL's advisory lock of who makes or changes the tables, for a transaction. (Those of shards are of two
numbers.)"""
_MAKING_SECONDS = 30


def is_mysql(url: URL) -> bool:
    """Whether it is MySQL or MariaDB, whichever of the two names the URL has."""
    return url.get_backend_name() in _THEIRS


class server_now(FunctionElement[float]):  # noqa: N801 - as SQLAlchemy names functions
    """The server's clock, as UNIX seconds."""

    type = Float()
    inherit_cache = True


@compiles(server_now, "postgresql")
def _now_of_postgresql(_element: object, _compiler: object, **_given: object) -> str:
    return "CAST(EXTRACT(epoch FROM clock_timestamp()) AS FLOAT)"


@compiles(server_now, *_THEIRS)
def _now_of_mysql(_element: object, _compiler: object, **_given: object) -> str:
    return "(UNIX_TIMESTAMP(SYSDATE(6)) + 0e0)"  # NOW() is when the statement began


def upsert(db: Connection, table: Table) -> Insert:
    """Adds a row, or replaces the one of the same primary key; the values are given with it."""
    return _upsert(db, table, {column.name: None for column in table.columns if not column.primary_key})


def add_or_bump(db: Connection, table: Table, column: str) -> Insert:
    """The same, but that one column of a row that is there counts up."""
    names = {one.name: None for one in table.columns if not one.primary_key}
    return _upsert(db, table, names | {column: table.c[column] + literal_column("1")})


def _upsert(db: Connection, table: Table, changed: Mapping[str, ColumnElement[Any] | None]) -> Insert:
    if db.dialect.name == "postgresql":
        new = postgresql.insert(table)
        values = {name: new.excluded[name] if value is None else value for name, value in changed.items()}
        return new.on_conflict_do_update(index_elements=table.primary_key, set_=values)
    theirs = mysql.insert(table)
    values = {name: theirs.inserted[name] if value is None else value for name, value in changed.items()}
    return theirs.on_duplicate_key_update(values)


def add_missing(db: Connection, table: Table) -> Insert:
    """Adds those rows whose primary key is not there yet; the values are given with it."""
    if db.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    same = next(iter(table.primary_key))
    return mysql.insert(table).on_duplicate_key_update({same.name: same})  # IGNORE would ignore whatever is wrong


def is_added(db: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Adds one row, and says whether it was not there yet. One that another transaction is adding is waited for."""
    if db.dialect.name == "postgresql":
        new = add_missing(db, table).values(values)
        return db.execute(new.returning(*table.primary_key)).first() is not None
    return db.execute(mysql.insert(table).prefix_with("IGNORE").values(values)).rowcount == 1


@contextmanager
def alone(db: Connection) -> Iterator[None]:
    """Who makes the tables does it while nobody else does. MySQL commits each table by itself, so that what the
    others wait for is a lock of the session there."""
    if db.dialect.name == "postgresql":
        db.execute(select(func.pg_advisory_xact_lock(MAKING)))
        yield
        return
    name = func.concat("mmsync making ", func.sha1(func.database()))
    if db.scalar(select(func.get_lock(name, _MAKING_SECONDS))) != 1:
        raise ClusterError("another member has been making the cluster's tables for long")
    try:
        yield
    finally:
        db.execute(select(func.release_lock(name)))


# --- servers ------------------------------------------------------------------------------------------------

OLDEST_MARIADB = 10, 5
OLDEST_MYSQL = 8, 0


def check_mysql(db: Connection) -> None:
    """Raises ClusterError for a server that is too old, or one of several that do not know each other's locks."""
    is_mariadb = bool(getattr(db.dialect, "is_mariadb", False))
    name, oldest = ("MariaDB", OLDEST_MARIADB) if is_mariadb else ("MySQL", OLDEST_MYSQL)
    version = tuple(part for part in db.dialect.server_version_info or (0,) if isinstance(part, int))
    if version < oldest:
        raise ClusterError(
            f"the cluster's server is {name} {_dotted(version)}",
            hint=f"mmsync needs {name} {_dotted(oldest)} or newer for `[cluster] url`.",
        )
    replicated = db.execute(text("SHOW VARIABLES LIKE 'wsrep_on'")).first()
    if replicated is not None and replicated[1] == "ON":
        raise ClusterError(
            "the cluster's server is one of a Galera cluster, whose members do not know each other's locks",
            hint="Give `[cluster] url` a server of its own.",
        )


def _dotted(version: Sequence[int]) -> str:
    return ".".join(map(str, version))


def mysql_arguments(url: URL, *, silence: float, answer: float, connect: float, lock: float) -> dict[str, Any]:
    """What a connection of pymysql's is begun with; what the URL says wins. All in seconds: how long the session
    may be silent, in a transaction or not, before the server ends it; how long an answer, a connection and a lock
    of a row may take. MySQL counts whole seconds: a session is never ended earlier."""
    quiet = max(1, ceil(silence))
    session = {
        "wait_timeout": quiet,
        "net_read_timeout": quiet,
        "net_write_timeout": quiet,
        "innodb_lock_wait_timeout": max(1, ceil(lock)),
        "time_zone": "'+00:00'",
        "sql_mode": "'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'",  # what does not fit is refused, not cut
    }
    given = {
        "connect_timeout": ceil(connect),
        "read_timeout": answer,
        "write_timeout": answer,
        "charset": "utf8mb4",
    }
    settings = ", ".join(f"SESSION {name} = {value}" for name, value in session.items())
    return {name: value for name, value in given.items() if name not in url.query} | {
        "init_command": f"SET {settings}"
    }
