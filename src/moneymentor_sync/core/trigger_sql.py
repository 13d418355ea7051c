"""The SQL with which PostgreSQL tells of changes: text out of table names, nothing is executed here.

One message a statement and table, sent when its transaction commits, with the table's name and nothing of its
rows. Identical messages of one transaction become one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from .reads import TableName

CHANNEL = "mmsync"
NAME = "mmsync_notify"
"""Of the function in each schema, and of the trigger on each table."""
OTHER_TRIGGERS = "triggers"
"""What the scripts themselves tell a daemon that listens: it looks anew which tables tell of their changes."""
_HEAD = """\
-- mmsync: PostgreSQL tells the daemon when a table changes, so that the spreadsheet follows within seconds.
-- Run it as the tables' owner: mmsync triggers | psql -v ON_ERROR_STOP=1 URL
-- A write straight into a partition is not told: only one by way of the partitioned table.
-- Not where transactions are committed in two phases: PostgreSQL cannot PREPARE one that notifies.
-- `mmsync triggers --remove` prints what takes all of it away.
"""
_END = f"""\
NOTIFY {CHANNEL}, '{OTHER_TRIGGERS}';
COMMIT;
"""
_LOCK = """\
BEGIN;
-- Rather give up than have the application wait behind a long query; then simply run this again.
SET LOCAL lock_timeout = '5s';
"""


def install_sql(tables: Mapping[TableName, Sequence[str]]) -> str:
    """A script that may run any number of times. `tables` gives for each table the datasets that read it."""
    parts = [
        _HEAD,
        _LOCK,
    ]
    ordered = sorted(tables, key=_order)
    parts += [_function(schema) for schema in dict.fromkeys(one.schema for one in ordered)]
    parts += [_trigger(table, tables[table]) for table in ordered]
    return "\n".join([*parts, _END])


def remove_sql(
    tables: Iterable[TableName], schemas: Iterable[str | None], *, kept: Mapping[TableName, Sequence[str]]
) -> str:
    """The reverse. The function goes from `schemas`, and with it every trigger that is left of it.

    `kept` are tables whose trigger stays for the datasets that are named.
    """
    parts = ["-- mmsync: PostgreSQL no longer tells the daemon of changes; its intervals go on.\n", _LOCK]
    parts += [
        f"-- {_comment(table)} keeps its trigger: {_comment(*names)} reads it, too.\n"
        for table, names in sorted(kept.items(), key=lambda one: _order(one[0]))
    ]
    parts += [_drop(table) for table in sorted(tables, key=_order)]
    parts += [
        f"DROP FUNCTION IF EXISTS {quoted(TableName(schema, NAME))}() CASCADE;\n"
        for schema in sorted(set(schemas), key=lambda one: one or "")
    ]
    return "\n".join([*parts, _END])


def quoted(name: TableName) -> str:
    """The name as SQL has it, whatever is in it."""
    parts = (part for part in (name.schema, name.table) if part is not None)
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def _function(schema: str | None) -> str:
    # Nothing in it is looked up by the search path of whoever changes a row. Nothing in it can fail, either: the
    # one error there is, a full queue (8 GB that some listener has not taken), comes at the commit, past a handler.
    return f"""\
CREATE OR REPLACE FUNCTION {quoted(TableName(schema, NAME))}() RETURNS trigger LANGUAGE plpgsql AS $mmsync$
BEGIN
  PERFORM pg_catalog.pg_notify('{CHANNEL}', pg_catalog.concat(TG_TABLE_SCHEMA, '.', TG_TABLE_NAME));
  RETURN NULL;
END
$mmsync$;
"""


def _trigger(table: TableName, datasets: Sequence[str]) -> str:
    return f"""\
-- read by {_comment(*datasets)}
{_drop(table)}CREATE TRIGGER {NAME} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {quoted(table)}
  FOR EACH STATEMENT EXECUTE FUNCTION {quoted(TableName(table.schema, NAME))}();
"""


def _drop(table: TableName) -> str:
    return f"DROP TRIGGER IF EXISTS {NAME} ON {quoted(table)};\n"


def _comment(*names: object) -> str:
    """Names in a comment, which ends with its line."""
    return ", ".join("".join(c if c.isprintable() else "?" for c in str(name)) for name in names)


def _order(table: TableName) -> tuple[str, str]:
    return table.schema or "", table.table
