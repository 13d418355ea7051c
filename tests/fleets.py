"""A fleet's database as tests use it: real tables in a real server, and members that take spreadsheets."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from moneymentor_sync.adapters.cluster_database import open_cluster_database, prepare
from moneymentor_sync.adapters.cluster_dialect import add_or_bump
from moneymentor_sync.adapters.cluster_schema import shard, tables
from moneymentor_sync.adapters.cluster_store import ClusterStore, Local
from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.core.sharing import shard_of

from .databases import WritableDatabase

FLEET = "somewhere"
PATIENCE = 30.0


def until(condition: Callable[[], object], what: str) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError(f"not within {PATIENCE:g} s: {what}")


@dataclass(slots=True)
class Epochs:
    """What one member believes to have, and under which epoch."""

    believed: dict[str, int] = field(default_factory=dict)

    def __call__(self, spreadsheet_id: str) -> int | None:
        return self.believed.get(spreadsheet_id)


class Fleet:
    """Opens engines on one database; `close` ends their connections."""

    def __init__(self, database: WritableDatabase, directory: Path, name: str = FLEET) -> None:
        self.database, self.directory, self.name = database, directory, name
        self._numbers = itertools.count(1)
        self._open: list[Callable[[], object]] = []
        self.engine = self.new_engine()
        prepare(self.engine, name)

    def new_engine(self, url: str | None = None, **given: Any) -> Engine:
        engine = open_cluster_database(url or self.database.url, **given)
        self._open.append(engine.dispose)
        return engine

    def take(self, epochs: Epochs, *spreadsheets: str) -> None:
        """What a member does who takes a shard: from now on the former owner's epoch is an old one."""
        for spreadsheet in spreadsheets:
            row = {"fleet": self.name, "shard": shard_of(spreadsheet), "epoch": 1, "member": 1, "since": 0.0}
            mine = shard.c.fleet == row["fleet"], shard.c.shard == row["shard"]
            with self.engine.begin() as db:
                db.execute(add_or_bump(db, shard, "epoch"), row)
                epoch = db.scalars(select(shard.c.epoch).where(*mine)).one()
            epochs.believed[spreadsheet] = epoch

    def member(self, *spreadsheets: str, engine: Engine | None = None, local: Local | None = None) -> Member:
        """A new one, which takes these spreadsheets from whoever has them."""
        epochs = Epochs()
        self.take(epochs, *spreadsheets)
        if local is None:
            state = StateFile(self.directory / f"member-{next(self._numbers)}.db")
            self._open.append(state.close)
            local = state
        return Member(ClusterStore(engine or self.engine, self.name, epochs, local), epochs)

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """All rows of all tables."""
        with self.engine.begin() as db:
            return {
                name: sorted((tuple(row) for row in db.execute(table.select())), key=repr)
                for name, table in tables.tables.items()
            }

    def end_sessions(self, *, in_transaction: bool = False) -> int:
        """Ends the members' sessions, all or those in the middle of a transaction, and says how many."""
        if self.database.kind == "mysql":
            table = "innodb_trx" if in_transaction else "processlist"
            number = "trx_mysql_thread_id" if in_transaction else "id"
            query = f"SELECT {number} FROM information_schema.{table} WHERE {number} <> CONNECTION_ID()"
            ended = self.database.rows(query + ("" if in_transaction else " AND db = DATABASE()"))
            self.database.run(*(f"KILL {row[0]}" for row in ended))
        else:
            ours = "application_name = 'mmsync' AND datname = current_database()"
            held = f"{ours} AND state = 'idle in transaction'" if in_transaction else ours
            ended = self.database.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {held}")
        return len(ended)

    def waiting(self) -> int:
        """Sessions that wait for another's lock at this moment."""
        if self.database.kind == "mysql":
            query = (  # innodb_trx would be a picture that stands still for whoever asks often
                "SELECT variable_value FROM information_schema.global_status "
                "WHERE variable_name = 'INNODB_ROW_LOCK_CURRENT_WAITS'"
            )
        else:
            ours = "datname = current_database() AND wait_event_type = 'Lock'"
            query = f"SELECT count(*) FROM pg_stat_activity WHERE {ours}"
        return int(self.database.rows(query)[0][0])

    def close(self) -> None:
        for close in reversed(self._open):
            close()


@dataclass(frozen=True, slots=True)
class Member:
    store: ClusterStore
    epochs: Epochs
