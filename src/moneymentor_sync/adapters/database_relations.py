"""Which tables a query reads, by PostgreSQL's own word: what it has locked to run it.

To prepare a statement PostgreSQL locks every relation in it: the views, the tables behind them, partitioned tables
and inheritance's children, also those whose rows its planner then finds a way not to read. So nothing of the query
has to be understood here, and nothing of it is run. https://www.postgresql.org/docs/current/view-pg-locks.html
"""

from __future__ import annotations

from sqlalchemy import Connection, text

from ..core.reads import Reads, TableName
from ..core.trigger_sql import NAME, quoted

_LOCKED = r"""
SELECT DISTINCT n.nspname, c.relname, c.relkind::text
  FROM pg_catalog.pg_locks AS l
  JOIN pg_catalog.pg_class AS locked ON locked.oid = l.relation
  JOIN pg_catalog.pg_class AS c ON c.oid = CASE WHEN locked.relispartition
       THEN pg_catalog.pg_partition_root(locked.oid)::pg_catalog.oid ELSE locked.oid END
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation'
   AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
   AND c.relkind IN ('r', 'p', 'f', 'm') AND n.nspname <> 'information_schema' AND n.nspname NOT LIKE 'pg\_%'
"""
_TRIGGERS = f"""
SELECT n.nspname, c.relname, p.nspname
  FROM (SELECT f.oid, s.nspname FROM pg_catalog.pg_proc AS f
          JOIN pg_catalog.pg_namespace AS s ON s.oid = f.pronamespace
         WHERE f.proname = '{NAME}' AND f.prorettype = 'pg_catalog.trigger'::pg_catalog.regtype) AS p
  LEFT JOIN pg_catalog.pg_trigger AS t ON t.tgfoid = p.oid AND t.tgenabled IN ('O', 'A')
  LEFT JOIN pg_catalog.pg_class AS c ON c.oid = t.tgrelid
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
"""  # noqa: S608 - a name of ours
_FOUND = text(
    "SELECT n.nspname FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.oid = pg_catalog.to_regclass(:name)"
)
_THERE = text(
    "SELECT 1 FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.relname = :table AND n.nspname = coalesce(CAST(:schema AS text), n.nspname) LIMIT 1"
)
"""Without a schema in any one: the search path of whoever runs the script may have it."""
_KINDS = {"f": "a foreign table", "m": "a materialized view"}
"""What changes elsewhere, or where no trigger can be."""
_NAMELESS = "PostgreSQL names no table that it reads (it does not look into a function in PL/pgSQL)"


def locked_relations(connection: Connection) -> Reads:
    """What this transaction has locked so far, the catalogue left out."""
    rows = connection.exec_driver_sql(_LOCKED, execution_options={"no_parameters": True}).all()
    tables = frozenset(TableName(schema, table) for schema, table, kind in rows if kind not in _KINDS)
    silent = tuple(sorted(_silence(f"{schema}.{table}", kind) for schema, table, kind in rows if kind in _KINDS))
    return Reads(tables, silent or (() if tables else (_NAMELESS,)))


def _silence(relation: str, kind: str) -> str:
    return f"it reads {relation}, {_KINDS[kind]}, which tells of no change"


def qualified(connection: Connection, names: Reads) -> Reads:
    """The same, with the schema of each table that has none, as the search path finds it; where it finds one."""
    tables = frozenset(_qualified(connection, name) for name in names.tables)
    return Reads(tables, names.silent, frozenset(name for name in tables if not _is_there(connection, name)))


def _qualified(connection: Connection, name: TableName) -> TableName:
    if name.schema is not None:
        return name
    schema = connection.execute(_FOUND, {"name": quoted(name)}).scalar_one_or_none()
    return TableName(schema, name.table)


def _is_there(connection: Connection, name: TableName) -> bool:
    found = connection.execute(_THERE, {"schema": name.schema, "table": name.table})
    return found.scalar_one_or_none() is not None


def installed_triggers(connection: Connection) -> tuple[frozenset[TableName], frozenset[str]]:
    """The tables that tell of their changes, and the schemas that hold the function for it."""
    rows = connection.exec_driver_sql(_TRIGGERS, execution_options={"no_parameters": True}).all()
    return (
        frozenset(TableName(schema, table) for schema, table, _ in rows if table is not None),
        frozenset(where for _, _, where in rows),
    )
