"""What goes wrong with a cluster's database, as errors of ours: what, where, and what to do. Never a password."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionFreeError

from moneymentor_sync.core.errors import ClusterError, LeaseLostError, MmsyncError

from .cluster_schema import tables
from .database_errors import connect_hint, connection_is_lost, place_of, sqlstate_of


@contextmanager
def cluster_errors(engine: Engine, kind: type[MmsyncError] = ClusterError) -> Iterator[None]:
    """Whatever the library raises inside is raised as an error of that kind, which takes a message and a hint."""
    with _told(engine, lambda _: kind):
        yield


@contextmanager
def errors_in_a_run(engine: Engine) -> Iterator[None]:
    """The same within a sync: where the server does not answer, or not in time, nobody can say whose the
    spreadsheet is, and the run ends as neither a success nor a failure (LeaseLostError). Whatever else the server
    refuses (a full disk, a right that is missing, a table that is gone) is a failure, and a ClusterError: it does
    not pass by itself."""
    with _told(engine, lambda error: LeaseLostError if _no_answer(error) else ClusterError):
        yield


@contextmanager
def _told(engine: Engine, kind_of: Callable[[BaseException], type[MmsyncError]]) -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, OSError, UnicodeError, engine.dialect.loaded_dbapi.Error) as error:
        place, kind = place_of(engine.url, 0, ()), kind_of(error)
        message = f"the cluster's {place.name} cannot be used: {place.words(error)}"
        raise kind(message, hint=_hint(error, place.user or "the user", kind)) from error


def _no_answer(error: BaseException) -> bool:
    """No connection, or a statement or a lock that took too long."""
    if isinstance(error, NoConnectionFreeError) or sqlstate_of(error) in ("57014", "55P03"):
        return True
    return _number_of(error) == LOCK_WAIT or connection_is_lost(error)


def _hint(error: BaseException, user: str, kind: type[MmsyncError]) -> str:
    code = sqlstate_of(error)
    if code == "42501":
        return f"As the owner run: {_grant(str(error), user)}"
    if code in _HINTS:
        return _HINTS[code]
    number = _number_of(error)
    if number in _MYSQL_DENIED:
        return f"As the owner run: GRANT ALL ON the cluster's database (`…`.*) TO {user};"
    if number in _MYSQL_HINTS:
        return _MYSQL_HINTS[number]
    hint = connect_hint(error)
    if hint is not None:
        return hint.replace("[database] url", "[cluster] url")
    return _GOES_ON if issubclass(kind, LeaseLostError) else ClusterError.default_hint


def _number_of(error: BaseException) -> int:
    """MySQL's and MariaDB's number of an error, 0 where there is none: PostgreSQL has none."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    first = cause.args[0] if cause is not None and cause.args else 0
    return first if isinstance(first, int) else 0


def _grant(words: str, user: str) -> str:
    """What a role needs that lacks a right. One that may not make the tables can be given them ready-made."""
    schema = re.search(r"permission denied for schema (\S+)", words)
    if schema:
        return f"GRANT USAGE, CREATE ON SCHEMA {schema[1]} TO {user};"
    sequence = re.search(r"permission denied for sequence (\S+)", words)
    if sequence:
        return f"GRANT USAGE ON SEQUENCE {sequence[1]} TO {user};"
    table = re.search(r"permission denied for table (\S+)", words)
    names = dict.fromkeys([*tables.tables, *([table[1]] if table else [])])  # or one of a bucket's, of the quota
    return f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(names)} TO {user};"


_GOES_ON = "It is tried again; the next sync makes up for what is left."
_HINTS = {
    "25006": "`[cluster] url` must name the primary server: this one only reads.",
    "3F000": "The role's search_path names no schema that is there: make one, or correct it.",
    "42P01": "Somebody removed the cluster's tables: start mmsync anew, it makes them.",
    "53100": "Free some space on the server's disk.",
    "55P03": "Another session has it locked for long; see pg_stat_activity on the server.",
    "57014": "The server is too slow, or another session has it locked; see pg_stat_activity there.",
}
LOCK_WAIT = 1205
_MYSQL_DENIED = frozenset((1044, 1142, 1370))
_MYSQL_HINTS = {
    1045: "Correct the user or the password in `[cluster] url`.",
    1049: "Correct the database's name at the end of `[cluster] url`, or make it: CREATE DATABASE.",
    1146: _HINTS["42P01"],
    1153: "Raise the server's max_allowed_packet to 16 MB or more.",
    LOCK_WAIT: "Another session has it locked for long; see SHOW PROCESSLIST on the server.",
    1290: _HINTS["25006"],
    1836: _HINTS["25006"],
}
"""By MySQL's and MariaDB's numbers (MariaDB's manual, "MariaDB Error Code Reference")."""
