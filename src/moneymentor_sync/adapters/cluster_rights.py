"""What a role may do in a cluster's database, asked before anybody relies on it. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Engine, text

from .cluster_dialect import is_mysql
from .cluster_errors import cluster_errors
from .cluster_schema import tables
from .cluster_transaction import transaction

_TABLES = text(
    "SELECT name, to_regclass(name) IS NOT NULL, has_table_privilege(to_regclass(name), 'SELECT') AND "
    "has_table_privilege(to_regclass(name), 'INSERT') AND has_table_privilege(to_regclass(name), 'UPDATE') AND "
    "has_table_privilege(to_regclass(name), 'DELETE') FROM unnest(CAST(:names AS text[])) AS name"
)
_SEQUENCES = text(  # of the tables' numbers
    "SELECT number.relname, has_sequence_privilege(number.oid, 'USAGE') FROM pg_class AS number "
    "JOIN pg_depend AS owned ON owned.objid = number.oid AND owned.classid = 'pg_class'::regclass "
    "JOIN unnest(CAST(:names AS text[])) AS name ON owned.refobjid = to_regclass(name) "
    "WHERE number.relkind = 'S' AND owned.deptype IN ('a', 'i')"
)
_SCHEMA = text("SELECT current_user, current_schema(), has_schema_privilege(current_schema(), 'CREATE')")


@dataclass(frozen=True, slots=True)
class Rights:
    """Which tables are `missing`; which tables and sequences are there and `denied` to the role, in whole or in
    part; and whether it may make tables in its schema."""

    user: str
    schema: str
    may_create: bool
    missing: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    denied_sequences: tuple[str, ...] = ()

    @property
    def enough(self) -> bool:
        """Whether a member of the fleet could do with them."""
        return not (self.denied or self.denied_sequences or (self.missing and not self.may_create))

    @property
    def grant(self) -> str:
        """What their owner runs to make them enough; "" where they are."""
        wanted = []
        if self.missing and not self.may_create:
            wanted.append(f"GRANT USAGE, CREATE ON SCHEMA {self.schema} TO {self.user};")
        if self.denied:
            wanted.append(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {', '.join(self.denied)} TO {self.user};")
        if self.denied_sequences:
            wanted.append(f"GRANT USAGE ON SEQUENCE {', '.join(self.denied_sequences)} TO {self.user};")
        return " ".join(wanted)


def rights_of(engine: Engine, further: Sequence[str] = ()) -> Rights:
    """Of the role that the engine connects as; `further` are tables that it needs besides. Raises ClusterError.

    MySQL's may come by roles and patterns: there whoever makes the tables is told.
    """
    if is_mysql(engine.url):
        return Rights("", "", may_create=True)
    names = {"names": [*tables.tables, *further]}
    with cluster_errors(engine), transaction(engine) as db:
        user, schema, may_create = db.execute(_SCHEMA).one()
        found = db.execute(_TABLES, names).all()
        numbers = db.execute(_SEQUENCES, names).all()
    return Rights(
        user,
        schema or "public",
        bool(may_create),
        tuple(name for name, there, _ in found if not there),
        tuple(name for name, there, may in found if there and not may),
        tuple(name for name, may in numbers if not may),
    )
