"""The only place where a database library's errors become ours: what, where, and what to do.

A message here may quote the database's own words only where these name things (tables, columns, roles), never
where they may quote values of rows; and never a password, whatever the driver wrote. No SQL, no connections.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from ..core.errors import DatabaseUnreachableError, DeniedColumnError, QueryError, SourceError

_ONE_SELECT = "A dataset's query must be one SELECT (or WITH … SELECT, VALUES, TABLE): the database is only read."
_START_SERVER = "Check that the server runs and listens there, and that no firewall stands between."
_NO_TABLE = "Correct the table's name in the dataset, or the schema or search_path."
_ANOTHER_DATABASE = (
    "This dataset is built in, for a MoneyMentor database: correct `[database] url` or the search_path if this "
    "should be one; else switch the dataset off:"
)
_BUILTIN = {"user_profiles": "enable_user_profiles", "course_statistics": "enable_course_stats"}


@dataclass(frozen=True, slots=True)
class Place:
    """Which database, in words that hold no secret, and what to keep out of every message."""

    name: str
    user: str
    timeout_seconds: float
    errors: tuple[type[BaseException], ...]
    """What can be raised: by SQLAlchemy, and bare by the driver where rows are fetched past SQLAlchemy."""
    secrets: tuple[str, ...] = field(repr=False)

    @contextmanager
    def connecting(self) -> Iterator[None]:
        """Whatever the library raises inside means that there is no connection."""
        try:
            yield
        except self.errors as error:
            raise self.unreachable(error) from error

    @contextmanager
    def reading(self, dataset: str) -> Iterator[None]:
        """Whatever the library raises inside concerns this dataset's query, or the connection was lost."""
        try:
            yield
        except self.errors as error:
            raise self.failed(error, dataset) from error

    def unreachable(self, error: BaseException) -> DatabaseUnreachableError:
        words = self._safe(_first_line(_cause(error)))
        hint = connect_hint(error) or "Check the address, the user and the password in `[database] url`."
        return DatabaseUnreachableError(f"cannot open the {self.name}: {words}", hint=hint)

    def words(self, error: BaseException) -> str:
        """One line of what the library said of our own tables or of the connection, without values and secrets."""
        cause = _cause(error)
        code = _sqlstate(cause)
        return self._safe(_without_values(cause, code) if code else _first_line(cause))

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Whatever the library raises inside means that the connection is gone."""
        try:
            yield
        except self.errors as error:
            message = f"the connection to the {self.name} was lost: {self._safe(_first_line(_cause(error)))}"
            raise DatabaseUnreachableError(message, hint="It is connected to again.") from error

    def failed(self, error: BaseException, dataset: str) -> SourceError:
        cause = _cause(error)
        code = _sqlstate(cause)
        if isinstance(cause, sqlite3.Error) and re.search(r"disk (image|I/O)|not a database", str(cause)):
            return DatabaseUnreachableError(f"cannot read the {self.name}: {cause}", hint=_DAMAGED)
        if _is_lost(error, cause, code):
            message = f"the connection to the {self.name} was lost while reading dataset '{dataset}'"
            return DatabaseUnreachableError(message, hint="It is tried again; see the server's log if it lasts.")
        if code == "57014" or _is_interrupted(cause):
            return QueryError(
                f"dataset '{dataset}': the query took longer than {self.timeout_seconds:g} s and was stopped",
                hint="Make it faster (an index, fewer rows) or raise `[database] statement_timeout_seconds`.",
            )
        prohibited = re.fullmatch(r"access to (\S+) is prohibited", str(cause))
        if isinstance(cause, sqlite3.Error) and prohibited:
            return DeniedColumnError(f"dataset '{dataset}': its query reads {prohibited[1]}, which is never synced")
        words = self._safe(_without_values(cause, code))
        hint = self._query_hint(words, code)
        if hint == _NO_TABLE and dataset in _BUILTIN:
            hint = f"{_ANOTHER_DATABASE} `[sync] {_BUILTIN[dataset]} = false`."
        return QueryError(f"dataset '{dataset}': {words}", hint=hint)

    def _query_hint(self, words: str, code: str) -> str:
        if code == "42501":
            return self._grant_hint(words)
        for codes, pattern, hint in _QUERY_HINTS:
            if code in codes or re.search(pattern, words, re.IGNORECASE):
                return hint
        return "Try the dataset's query in the database's own shell."

    def _grant_hint(self, words: str) -> str:
        found = re.search(r"for (schema|\w+) (\S+)$", words)
        right, name = (
            ("USAGE ON SCHEMA", "the schema") if found and found[1] == "schema" else ("SELECT ON", "the table")
        )
        return f"As the owner run: GRANT {right} {found[2] if found else name} TO {self.user or 'the user'};"

    def _safe(self, words: str) -> str:
        """The words without the password, should the driver have put it there."""
        for secret in self.secrets:
            words = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", "***", words)
        return words


_KINDS = {"sqlite": "SQLite", "postgresql": "PostgreSQL", "mysql": "MySQL", "mariadb": "MariaDB"}


def place_of(url: URL, timeout_seconds: float, driver_errors: tuple[type[BaseException], ...]) -> Place:
    """What to call this database in messages."""
    query = {key: value for key, values in url.normalized_query.items() for value in values}
    secrets = {url.password or "", query.get("password", ""), query.get("sslpassword", "")} - {""}
    kind = _KINDS.get(url.get_backend_name(), url.get_backend_name())
    if url.get_backend_name() == "sqlite":
        name = f"SQLite file {url.database}"
    else:
        host = url.host or query.get("host", "")
        at = f" at {host}{f':{url.port}' if url.port else ''}" if host else ""
        as_user = f" as {url.username}" if url.username else ""
        name = f"{kind} database {url.database or '(default)'}{at}{as_user}"
    errors = (SQLAlchemyError, OSError, UnicodeDecodeError, *driver_errors)
    return Place(name, url.username or "", timeout_seconds, errors, tuple(secrets))


def connect_hint(error: BaseException) -> str | None:
    """What to do about a connection that could not be had; None where nothing is known of it."""
    words = str(_cause(error))
    return next((hint for pattern, hint in _CONNECT_HINTS if re.search(pattern, words, re.IGNORECASE)), None)


def sqlstate_of(error: BaseException) -> str:
    """PostgreSQL's code for an error of SQLAlchemy or the driver (manual, appendix A), "" where there is none."""
    return _sqlstate(_cause(error))


def connection_is_lost(error: BaseException) -> bool:
    """Whether the server, or the connection to it, is gone, or could not be had: nothing is wrong with what was
    asked."""
    cause = _cause(error)
    return _is_lost(error, cause, _sqlstate(cause))


def refused_as_read_only(error: BaseException) -> bool:
    """Whether a write was refused for being one, and not for something else."""
    cause = _cause(error)
    return _sqlstate(cause) == "25006" or "readonly database" in str(cause)


def _cause(error: BaseException) -> BaseException:
    """The driver's error: SQLAlchemy's own text would quote the statement and its parameters."""
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def _sqlstate(cause: BaseException) -> str:
    """The SQLSTATE (PostgreSQL, appendix A), "" where there is none; psycopg 3 and 2 name it differently."""
    code = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return code if isinstance(code, str) else ""


def _first_line(cause: BaseException) -> str:
    lines = str(cause).strip().splitlines()
    return lines[0].strip() if lines else type(cause).__name__


def _is_interrupted(cause: BaseException) -> bool:
    return isinstance(cause, sqlite3.OperationalError) and str(cause) == "interrupted"


_FROM_THE_CLIENT = ("OperationalError", "InterfaceError", "ConnectionTimeout")


def _is_lost(error: BaseException, cause: BaseException, code: str) -> bool:
    if code:  # connection exceptions, the server's shutdown, its time-out for idle transactions
        return code.startswith("08") or code in ("57P01", "57P02", "57P03", "57P05", "25P03", "25P04")
    lost = isinstance(error, DBAPIError) and error.connection_invalidated
    # Without a code it comes from psycopg itself, not from the server.
    by_client = type(cause).__module__.startswith("psycopg") and type(cause).__name__ in _FROM_THE_CLIENT
    return lost or by_client or isinstance(cause, OSError)


# PostgreSQL's classes of errors whose first line names things of the database, not values of rows.
_NAMING_CLASSES = ("0A", "25", "28", "3D", "3F", "40", "42", "53", "54", "55", "57", "58")
# SQLite has no codes for these; its texts begin so.
_NAMING_SQLITE = re.compile(
    r"no such |near \"|ambiguous column|unrecognized token|incomplete input|not authorized|wrong number|"
    r"misuse of|You can only execute one|database |file |unable to open|Incorrect number of bindings|"
    r"SELECTs to the left|all VALUES|too many|access to |attempt to write|row value misused"
)


def _without_values(cause: BaseException, code: str) -> str:
    """One line of the database's words, with what may be a row's value left out.

    PostgreSQL's DETAIL and CONTEXT lines, which quote rows, are never used.
    """
    diagnosis = getattr(cause, "diag", None)
    primary = getattr(diagnosis, "message_primary", None)
    line = str(primary).splitlines()[0] if primary else _first_line(cause)
    if code.startswith("P0"):  # raised by somebody's function: it may say anything
        return f"a function in the database raised an error ({code})"
    if code:
        named = code.startswith(_NAMING_CLASSES)
    elif isinstance(cause, sqlite3.Error | sqlite3.Warning):
        named = _NAMING_SQLITE.match(line) is not None
    else:
        named = type(cause).__name__ == "ProgrammingError"
    return line if named else _blanked(line)


def _blanked(line: str) -> str:
    """The line with quoted text blanked and cut at the first value that may follow unquoted."""
    column = re.match(r"Could not decode to UTF-8 column '(.*?)' with text", line)
    if column:
        return f"a text in column '{column[1]}' is not UTF-8"
    return re.sub(r"\"[^\"].*\"|(?<!\w)'[^'].*'", "…", line).split(": ")[0]


_DAMAGED = "The file is no (whole) SQLite database; correct `[database] url` or restore a backup."

_CONNECT_HINTS = (
    (
        r"password authentication failed|no password supplied",
        "Correct the user or the password in `[database] url`.",
    ),
    (
        r"no pg_hba\.conf entry",
        "Allow this user, database and host in the server's pg_hba.conf, or try `?sslmode=require`.",
    ),
    (r"role .* does not exist", "Create the role, or correct the user in `[database] url`."),
    (r"database .* does not exist", "Correct the database's name at the end of `[database] url`."),
    (r"could not translate host name|resolve|getaddrinfo|name or service", "Correct the host in `[database] url`."),
    (r"connection refused|timeout expired|timed out|unreachable|No such file or directory", _START_SERVER),
    (
        r"too many (clients|connections)|connection slots",
        "Raise the server's max_connections, or close other clients.",
    ),
    (r"\bSSL\b|certificate", "Set `?sslmode=…` in `[database] url` as the server requires it."),
    (r"not a database|disk image|disk I/O", _DAMAGED),
    (r"locked", "Another program holds the file; wait, or put the database in WAL mode."),
    (
        r"unable to open",
        "Check the file's permissions; in WAL mode its directory must be writable, too, for the -shm file.",
    ),
)

_QUERY_HINTS = (
    (
        ("42P01", "3F000"),
        r"no such table",
        _NO_TABLE,
    ),
    (("42703",), r"no such column", "Correct the column's name in the dataset."),
    (("25006", "0A000"), r"not authorized|readonly|read-only|cannot VACUUM", _ONE_SELECT),
    (("42601",), r"syntax error|incomplete input|unrecognized token|one statement at a time", _ONE_SELECT),
    (
        (),
        r"timestamp too|date too|year .* out of range",
        "Cast the column to text in the query: it holds infinity or a date Python lacks.",
    ),
    ((), r"not UTF-8", "Correct the text, or leave the column out of the query."),
    ((), r"locked", "Another program holds the file; wait, or put the database in WAL mode."),
)
