"""PostgreSQL's word on what a query gives, for columns that may not leave the database under another name.

A view may rename a column, and a whole row may stand in one value. The plan that PostgreSQL makes of a query
(EXPLAIN VERBOSE) has views dissolved and every output spelled out. Nothing is run.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection

from ..core.errors import DeniedColumnError
from ..core.privacy import denied_among, denied_in_sql
from ..core.settings import Dataset

_WHOLE_ROW = re.compile(r'(?:"((?:[^"]|"")+)"|([^\W\d][\w$]*))\.\*')

_COLUMNS = """
SELECT a.attname FROM pg_catalog.pg_attribute AS a
  JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid
  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
 WHERE n.nspname = %(schema)s AND c.relname = %(name)s AND a.attnum > 0 AND NOT a.attisdropped
"""


def refuse_denied(connection: Connection, dataset: Dataset, sql: str) -> None:
    """Raises DeniedColumnError where an output of the query is made of a denied column, and the driver's errors.

    Not seen: what a function that PostgreSQL does not inline reads for itself, and a column that was renamed when
    a materialized view was filled or in a generated column.
    """
    plan = _plan(connection, sql)
    outputs = [*_outputs(plan)]
    found = [name for output in outputs for name in denied_in_sql(output, dataset.deny)]
    aliases = {quoted.replace('""', '"') or word for text in outputs for quoted, word in _WHOLE_ROW.findall(text)}
    unseen = any(_is_unseen(node) for node in _nodes(plan))
    for node in _nodes(plan):
        if (unseen or node.get("Alias") in aliases) and "Relation Name" in node:
            place = {"schema": node.get("Schema"), "name": node["Relation Name"]}
            names = connection.exec_driver_sql(_COLUMNS, place).scalars().all()
            found += denied_among(names, dataset.deny)
    if found:
        raise DeniedColumnError(
            f"dataset {dataset.name!r}: its query gives something of the column {found[0]!r}, which is never synced"
        )


def _plan(connection: Connection, sql: str) -> dict[str, Any]:
    """The topmost node. The extended protocol, which a binary answer calls for, takes one statement alone."""
    cursor = connection.connection.cursor(binary=True)
    try:
        cursor.execute(f"EXPLAIN (VERBOSE, COSTS OFF, FORMAT JSON) {sql}")
        row = cursor.fetchone()
    finally:
        cursor.close()
    answer = row[0] if row is not None else []
    parsed = json.loads(answer) if isinstance(answer, str | bytes) else answer
    plan: dict[str, Any] = parsed[0]["Plan"]
    return plan


# Children whose outputs are just what their parent needs (createplan.c, CP_EXACT_TLIST). Others may be shown
# with every column of a table though only one is wanted.
_EXACT_UNDER = frozenset({"Append", "Merge Append", "SetOp", "Recursive Union"})
_EXACT_AS = frozenset({"InitPlan", "SubPlan", "Subquery"})
_CALLS = (
    "Function Call",
    "Table Function Call",
)  # of a function in FROM, which may take columns of what is before it


def _outputs(plan: dict[str, Any]) -> Iterator[str]:
    """What goes out of the query: of the topmost node, and of those that give it values it does not spell out."""
    yield from plan.get("Output", [])
    for node in _nodes(plan):
        yield from (node[call] for call in _CALLS if call in node)
        for child in node.get("Plans", []):
            if node["Node Type"] in _EXACT_UNDER or child.get("Parent Relationship") in _EXACT_AS:
                yield from child.get("Output", [])


def _is_unseen(node: dict[str, Any]) -> bool:
    """Whether the node is joined by a loop, or asked for each row, and has VALUES in it: a plan does not spell them
    out, and there they may be made of any column."""
    return any(
        inner["Node Type"] == "Values Scan"
        for child in node.get("Plans", [])
        if child.get("Parent Relationship") == "SubPlan"
        or (node["Node Type"] == "Nested Loop" and child.get("Parent Relationship") == "Inner")
        for inner in _nodes(child)
    )


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", []):
        yield from _nodes(child)
