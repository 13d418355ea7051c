"""What one machine knew alone, taken along into its cluster by the first member, before anybody syncs there."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, Table, select

from moneymentor_sync.core.switches import Switch

from .cluster_dialect import add_missing, is_added
from .cluster_errors import cluster_errors
from .cluster_ledger import seconds_ahead, switch_row
from .cluster_schema import dataset, meta, spreadsheet, switch, written
from .cluster_transaction import transaction
from .state_dataset import COLUMNS
from .state_errors import state_errors
from .state_file import StateFile
from .state_ledger import connect_read_only

COPY_SECONDS = 600.0
"""For millions of hashes at once, in loads that each are quick."""
LOAD_ROWS = 1_000
LOAD_BYTES = 2_000_000
Values = dict[str, Any]


def adopt_local_state(
    engine: Engine, fleet: str, state_path: Path, *, clock: Callable[[], float] = time.time
) -> bool:
    """Copies secret, datasets, fences and hashes of a state file, where the fleet has no secret yet, and switches,
    where it has none of these: what was switched off stays so, whoever came first.

    Gives whether it took the state along. All in one transaction: the first member's state file wins, and one that
    has never known a spreadsheet is none. The file stays as it is. Raises ClusterError and StateError; then nothing
    was copied.
    """
    if not state_path.exists() or _has_all(engine, fleet):
        return False
    StateFile(state_path).close()  # of whichever version, it is brought to this one
    with state_errors(state_path), closing(connect_read_only(state_path)) as local:
        local.execute("BEGIN")  # all of it at one moment
        with cluster_errors(engine), transaction(engine, COPY_SECONDS) as db:
            if not _has_switches(db, fleet):
                _copy_switches(local, db, fleet, clock)
            return _knows_something(local) and not _has_secret(db, fleet) and _copy(local, db, fleet)


def _has_all(engine: Engine, fleet: str) -> bool:
    with cluster_errors(engine), transaction(engine) as db:
        return _has_secret(db, fleet) and _has_switches(db, fleet)


def _has_secret(db: Connection, fleet: str) -> bool:
    return db.scalar(select(meta.c.fleet).where(meta.c.fleet == fleet, meta.c.name == "secret")) is not None


def _has_switches(db: Connection, fleet: str) -> bool:
    return db.scalar(select(switch.c.fleet).where(switch.c.fleet == fleet).limit(1)) is not None


def _knows_something(local: sqlite3.Connection) -> bool:
    found = local.execute("SELECT EXISTS (SELECT 1 FROM dataset UNION SELECT 1 FROM spreadsheet)")
    return bool(found.fetchone()[0])


def _copy_switches(local: sqlite3.Connection, db: Connection, fleet: str, clock: Callable[[], float]) -> None:
    ahead = seconds_ahead(db, clock)
    switches = local.execute("SELECT name, enabled, since, reason, until FROM switch")
    _fill(db, switch, (switch_row(fleet, Switch(row[0], bool(row[1]), *row[2:]), ahead) for row in switches))


def _copy(local: sqlite3.Connection, db: Connection, fleet: str) -> bool:
    secret = bytes(local.execute("SELECT value FROM meta WHERE name = 'secret'").fetchone()[0])
    if not is_added(
        db, meta, {"fleet": fleet, "name": "secret", "value": secret}
    ):  # another member has come first, and is waited for
        return False
    _fill(db, spreadsheet, _rows(local, fleet, "spreadsheet", ("id", "token", "pending")))
    _fill(db, dataset, ({**row, "dirty": bool(row["dirty"])} for row in _rows(local, fleet, "dataset", _DATASET)))
    _fill(db, written, _rows(local, fleet, "written", ("dataset", "part", "hashes")))
    return True


_DATASET = ("name", *COLUMNS)


def _rows(local: sqlite3.Connection, fleet: str, table: str, columns: tuple[str, ...]) -> Iterator[Values]:
    found = local.execute(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608 - our own names
    return ({"fleet": fleet, **dict(zip(columns, row, strict=True))} for row in found)


def _fill(db: Connection, table: Table, rows: Iterable[Values]) -> None:
    """What the fleet has already (switches, at most) is newer, and stays."""
    for load in _loads(rows):
        db.execute(add_missing(db, table), load)


def _loads(rows: Iterable[Values]) -> Iterator[list[Values]]:
    """Rows in lists of so many or so large that one statement is quick."""
    load: list[Values] = []
    size = 0
    for row in rows:
        load.append(row)
        size += len(row.get("hashes", b""))
        if len(load) >= LOAD_ROWS or size >= LOAD_BYTES:
            yield load
            load, size = [], 0
    if load:
        yield load
