"""What the members of a fleet share, as tables: in a database that is not the application's.

All tables begin with `mmsync_` and have the fleet in their key, so that installations can share a database. Times
are UNIX seconds by the clock of the server. Nothing of people is in them: names of datasets, and hashes.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, Table

from .cluster_dialect import BYTES, NAME, REAL, TEXT

VERSION = 1
"""Of the tables; kept in `mmsync_meta` under `version`."""
tables = MetaData()

meta = Table(
    "mmsync_meta",
    tables,
    Column("fleet", NAME, primary_key=True),
    Column("name", NAME, primary_key=True),
    Column("value", BYTES, nullable=False),
)
member = Table(  # one row a process that takes part; it is alive while it holds the lock of its id
    "mmsync_member",
    tables,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("fleet", NAME, nullable=False, index=True),
    Column("name", TEXT, nullable=False),
    Column("pid", Integer, nullable=False),
    Column("version", TEXT, nullable=False),
    Column("started_at", REAL, nullable=False),
    Column("seen_at", REAL, nullable=False),
    Column("health", TEXT, nullable=False),
    Column("document", TEXT, nullable=False),
)
shard = Table(  # who has a shard, or had it last; the epoch grows each time that it is taken
    "mmsync_shard",
    tables,
    Column("fleet", NAME, primary_key=True),
    Column("shard", Integer, primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("member", Integer, nullable=False),
    Column("since", REAL, nullable=False),
)
switch = Table(
    "mmsync_switch",
    tables,
    Column("fleet", NAME, primary_key=True),
    Column("name", NAME, primary_key=True),
    Column("enabled", Boolean, nullable=False),
    Column("since", REAL, nullable=False),
    Column("reason", TEXT),
    Column("until", REAL),
)
errand = Table(  # what one member asks of another
    "mmsync_errand",
    tables,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("fleet", TEXT, nullable=False),
    Column("member", Integer, nullable=False, index=True),
    Column("ask", TEXT, nullable=False),
    Column("asked_at", REAL, nullable=False),
    Column("answer", TEXT),
)
turn = Table(  # who waits to make a call of Google, and what was granted within the last minute
    "mmsync_turn",
    tables,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True),
    Column("fleet", TEXT, nullable=False),
    Column("kind", NAME, nullable=False),
    Column("pool", NAME, nullable=False),
    Column("spreadsheet_id", TEXT, nullable=False),
    Column("asked_at", REAL, nullable=False),
    Column("seen_at", REAL, nullable=False),
    Column("granted_at", REAL),
    Column("account", TEXT),
    Column("project", TEXT),
    Index("mmsync_turn_granted", "kind", "granted_at"),
)

spreadsheet = Table(  # the fence, as the fleet last left it
    "mmsync_spreadsheet",
    tables,
    Column("fleet", NAME, primary_key=True),
    Column("id", NAME, primary_key=True),
    Column("token", TEXT),
    Column("pending", TEXT),
)
dataset = Table(  # what the last sync left, whoever made it; columns as in `state_dataset`
    "mmsync_dataset",
    tables,
    Column("fleet", NAME, primary_key=True),
    Column("name", NAME, primary_key=True),
    Column("spreadsheet_id", TEXT, nullable=False),
    Column("tab", TEXT, nullable=False),
    Column("known", TEXT),
    Column("shape", TEXT, nullable=False),
    Column("source", TEXT, nullable=False),
    Column("content", TEXT, nullable=False),
    Column("formats", TEXT, nullable=False),
    Column("rows", Integer, nullable=False),
    Column("verified_at", REAL, nullable=False),
    Column("cursor", TEXT),
    Column("dirty", Boolean, nullable=False),
    Column("coming", TEXT, nullable=False),
)
written = Table(  # hashes of what was written, in parts as in `state_parts`
    "mmsync_written",
    tables,
    Column("fleet", NAME, primary_key=True),
    Column("dataset", NAME, primary_key=True),
    Column("part", Integer, primary_key=True, autoincrement=False),
    Column("hashes", BYTES, nullable=False),
)
