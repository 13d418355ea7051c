"""From a dataset to the SQL that reads it, and from a declared column type to what its values are.

Looks at the catalogue where a table is named; runs no dataset's query.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Dialect, inspect, types
from sqlalchemy.exc import NoSuchTableError

from ..core.builtin_sql import BUILTIN_COLUMNS, builtin_sql
from ..core.builtin_sql_dialect import SqlDialect
from ..core.errors import QueryError, some_names
from ..core.privacy import denied_among
from ..core.settings import CellType, Dataset

_BUILTIN_DIALECTS: dict[str, SqlDialect] = {"sqlite": "sqlite", "postgresql": "postgresql"}


@dataclass(frozen=True, slots=True)
class Statement:
    """The text that goes to the driver as it is, its parameters, and the types of columns that are declared.

    `plain` is the text that gives all rows.
    """

    sql: str
    plain: str
    parameters: dict[str, Any] | None
    types: dict[str, CellType | None]


def statement_for(connection: Connection, dataset: Dataset, since: Any, *, no_rows: bool = False) -> Statement:
    """The dataset's statement; `no_rows` is for looking at the columns only.

    Raises QueryError for a table or column that is not there, and SQLAlchemy's errors.
    """
    dialect = connection.dialect
    declared: dict[str, CellType | None] = {}
    if dataset.builtin:
        sql, declared = _builtin(connection, dataset)
    elif dataset.table:
        sql, declared = _table(connection, dataset, dataset.table)
    else:
        sql = (dataset.query or "").strip().rstrip("; \t\r\n")
    if since is None and not no_rows:
        return Statement(sql, sql, None, declared)
    if since is None:
        none = f"SELECT * FROM (\n{sql}\n) AS q WHERE 1 = 0"  # noqa: S608 - the operator's own
        return Statement(none, sql, None, declared)
    return _since(dialect, dataset, sql, since, declared)


# PEP 249's five ways to write a parameter, and asyncpg's.
_PLACEHOLDERS = {
    "qmark": "?",
    "format": "%s",
    "pyformat": "%(since)s",
    "named": ":since",
    "numeric": ":1",
    "numeric_dollar": "$1",
}


def _since(
    dialect: Dialect, dataset: Dataset, sql: str, since: Any, declared: dict[str, CellType | None]
) -> Statement:
    """Only rows from `since` on. The new line ends a comment that the query may end with."""
    if dataset.cursor is None:
        raise QueryError(f"dataset '{dataset.name}' has no cursor column to read changes by")
    wrapped = f"SELECT * FROM (\n{sql}\n) AS q WHERE q.{_quote(dialect, dataset.cursor)} >= "  # noqa: S608 - quoted
    # With parameters, drivers of these styles read % as theirs, in literals, too.
    text = wrapped.replace("%", "%%") if dialect.paramstyle in ("format", "pyformat") else wrapped
    return Statement(text + _PLACEHOLDERS[dialect.paramstyle], sql, {"since": since}, declared)


def _quote(dialect: Dialect, name: str) -> str:
    """The name quoted; SQLAlchemy's own way also doubles %, which these texts are not ready for."""
    preparer = dialect.identifier_preparer
    escaped = name.replace(preparer.escape_quote, preparer.escape_to_quote)
    return f"{preparer.initial_quote}{escaped}{preparer.final_quote}"


# --- built in ---------------------------------------------------------------------------------------------


def _builtin(connection: Connection, dataset: Dataset) -> tuple[str, dict[str, CellType | None]]:
    name = dataset.builtin
    dialect = _BUILTIN_DIALECTS.get(connection.dialect.name)
    if name is None or dialect is None:
        raise QueryError(
            f"dataset '{dataset.name}' is built in for SQLite and PostgreSQL, not for {connection.dialect.name}",
            hint="Give it a `query` of its own, or switch it off.",
        )
    stored = name == "user_profiles" and _has_stored_statistics(connection)
    sql = builtin_sql(name, dialect, stored_statistics=stored)
    types = {column.name: column.type for column in BUILTIN_COLUMNS[name]}
    if denied_among(types, dataset.deny):  # then it is not even read from the result
        wanted = needed_columns(dataset)
        columns = ", ".join(_quote(connection.dialect, column) for column in wanted)
        sql = f"SELECT {columns} FROM (\n{sql}\n) AS q"  # noqa: S608 - quoted
        types = {column: types[column] for column in wanted}
    return sql, types


def _has_stored_statistics(connection: Connection) -> bool:
    with connection.exec_driver_sql("SELECT * FROM user_profiles LIMIT 0") as result:
        return "course_statistics" in list(result.keys())


# --- tables -----------------------------------------------------------------------------------------------


def _table(connection: Connection, dataset: Dataset, name: str) -> tuple[str, dict[str, CellType | None]]:
    """A SELECT of the columns that the dataset needs, and what they are declared to be."""
    schema, _, table = name.rpartition(".")
    declared = _declared(connection, table, schema or None)
    if not declared:
        raise QueryError(
            f"dataset '{dataset.name}': there is no table '{name}'",
            hint="Correct `table` (case counts), or name its schema: `schema.table`.",
        )
    wanted = needed_columns(dataset) if dataset.columns else tuple(declared)
    require_columns(dataset, tuple(declared), wanted)
    dialect = connection.dialect
    columns = ", ".join(_quote(dialect, column) for column in wanted)
    source = ".".join(_quote(dialect, part) for part in (schema, table) if part)
    return f"SELECT {columns} FROM {source}", {column: declared[column] for column in wanted}  # noqa: S608 - quoted


def needed_columns(dataset: Dataset) -> tuple[str, ...]:
    """Every column that the dataset names, each once: its columns, its key, `match_on` and its cursor."""
    names = [column.name for column in dataset.columns]
    names += [*dataset.key, *dataset.match_on, *([dataset.cursor] if dataset.cursor else [])]
    return tuple(dict.fromkeys(names))


def require_columns(dataset: Dataset, there: tuple[str, ...], wanted: tuple[str, ...]) -> None:
    """Raises QueryError where a wanted column is not there, or one is there twice."""
    missing = [name for name in wanted if name not in there]
    if missing:
        raise QueryError(
            f"dataset '{dataset.name}': its result has no column {some_names(missing)}; it has {some_names(there)}",
            hint="Correct the name in the dataset (`columns`, `key`, `match_on` or `cursor`), or its query.",
        )
    twice = [name for name, count in Counter(there).items() if count > 1]
    if twice:
        raise QueryError(
            f"dataset '{dataset.name}': its result has more than one column {some_names(twice)}",
            hint="Give each column of the query its own name with AS.",
        )


def _declared(connection: Connection, table: str, schema: str | None) -> dict[str, CellType | None]:
    """The table's (or view's) columns and what they are declared to be; empty where there is no such table."""
    if connection.dialect.name == "sqlite":
        return _declared_in_sqlite(connection, table, schema)
    try:
        found = inspect(connection).get_columns(table, schema)
    except NoSuchTableError:
        return {}
    return {column["name"]: _cell_type(column["type"]) for column in found}


# SQLAlchemy's classes of types, the narrower first.
_CELL_TYPES: tuple[tuple[type[types.TypeEngine[Any]], CellType], ...] = (
    (types.Boolean, "boolean"),
    (types.DateTime, "datetime"),
    (types.Date, "date"),
    (types.Integer, "number"),
    (types.Numeric, "number"),
    (types.Float, "number"),
    (types.String, "text"),
)


def _cell_type(declared: types.TypeEngine[Any]) -> CellType | None:
    """What a column's values are; None for those that speak for themselves (uuid, json, interval, arrays)."""
    return next((cell for kind, cell in _CELL_TYPES if isinstance(declared, kind)), None)


def _declared_in_sqlite(connection: Connection, table: str, schema: str | None) -> dict[str, CellType | None]:
    # SQLAlchemy takes a declared type it does not know, such as TIMESTAMPTZ, for a number.
    dialect = connection.dialect
    pragma = f"PRAGMA {_quote(dialect, schema)}." if schema else "PRAGMA "
    rows = connection.exec_driver_sql(f"{pragma}table_xinfo({_quote(dialect, table)})").all()
    return {row[1]: sqlite_cell_type(row[2]) for row in rows}


_SQLITE_WORDS: tuple[tuple[tuple[str, ...], CellType], ...] = (
    (("TIMESTAMP", "DATETIME"), "datetime"),
    (("DATE",), "date"),
    (("BOOL",), "boolean"),
    (("INTERVAL", "POINT"), "text"),  # both hold INT
    (("INT", "REAL", "FLOA", "DOUB", "NUM", "DEC"), "number"),
    (("CHAR", "TEXT", "CLOB", "STRING", "UUID"), "text"),
)


def sqlite_cell_type(declared: str) -> CellType | None:
    """What SQLite's values are by their declared type, whose name is free text (https://sqlite.org/datatype3.html).

    None where nothing is declared, and for JSON and BLOB.
    """
    name = declared.upper()
    return next((cell for words, cell in _SQLITE_WORDS if any(word in name for word in words)), None)
