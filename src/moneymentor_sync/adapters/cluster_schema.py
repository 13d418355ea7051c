"""What the members of a fleet share, as tables: in a database of PostgreSQL that is not the application's.

All tables begin with `mmsync_` and have the fleet in their key, so that installations can share a database. Times
are UNIX seconds by the clock of the server. Nothing of people is in them: names of datasets, and hashes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    cast,
    extract,
    func,
)
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.sql.elements import ColumnElement

VERSION = 1
"""Of the tables; kept in `mmsync_meta` under `version`."""
tables = MetaData()

meta = Table(
    "mmsync_meta",
    tables,
    Column("fleet", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
member = Table(  # one row a process that takes part; it is alive while it holds the lock of its id
    "mmsync_member",
    tables,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("fleet", Text, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", Text, nullable=False),
    Column("started_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("health", Text, nullable=False),
    Column("document", Text, nullable=False),
)
shard = Table(  # who has a shard, or had it last; the epoch grows each time that it is taken
    "mmsync_shard",
    tables,
    Column("fleet", Text, primary_key=True),
    Column("shard", Integer, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("member", Integer, nullable=False),
    Column("since", Float, nullable=False),
)
switch = Table(
    "mmsync_switch",
    tables,
    Column("fleet", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("since", Float, nullable=False),
    Column("reason", Text),
    Column("until", Float),
)
errand = Table(  # what one member asks of another
    "mmsync_errand",
    tables,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("fleet", Text, nullable=False),
    Column("member", Integer, nullable=False, index=True),
    Column("ask", Text, nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("answer", Text),
)
turn = Table(  # who waits to make a call of Google, and what was granted within the last minute
    "mmsync_turn",
    tables,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("fleet", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("pool", Text, nullable=False),
    Column("spreadsheet_id", Text, nullable=False),
    Column("asked_at", Float, nullable=False),
    Column("seen_at", Float, nullable=False),
    Column("granted_at", Float),
    Column("account", Text),
    Column("project", Text),
    Index("mmsync_turn_granted", "kind", "granted_at"),
)

spreadsheet = Table(  # the fence, as the fleet last left it
    "mmsync_spreadsheet",
    tables,
    Column("fleet", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("token", Text),
    Column("pending", Text),
)
dataset = Table(  # what the last sync left, whoever made it; columns as in `state_dataset`
    "mmsync_dataset",
    tables,
    Column("fleet", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("spreadsheet_id", Text, nullable=False),
    Column("tab", Text, nullable=False),
    Column("known", Text),
    Column("shape", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("content", Text, nullable=False),
    Column("formats", Text, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("verified_at", Float, nullable=False),
    Column("cursor", Text),
    Column("dirty", Boolean, nullable=False),
    Column("coming", Text, nullable=False),
)
written = Table(  # hashes of what was written, in parts as in `state_parts`
    "mmsync_written",
    tables,
    Column("fleet", Text, primary_key=True),
    Column("dataset", Text, primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("hashes", LargeBinary, nullable=False),
)


def server_now() -> ColumnElement[float]:
    """The server's clock, as UNIX seconds."""
    return cast(extract("epoch", func.clock_timestamp()), Float)


def upsert(table: Table) -> Insert:
    """Adds a row, or replaces the one of the same primary key; the values are given with it."""
    new = insert(table)
    changed = {column.name: new.excluded[column.name] for column in table.columns if not column.primary_key}
    return new.on_conflict_do_update(index_elements=table.primary_key, set_=changed)
