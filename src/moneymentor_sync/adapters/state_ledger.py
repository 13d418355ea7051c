"""What the daemon keeps in the state file beside the syncs themselves: switches, breakers, totals, history.

A connection of its own for each call: the daemon asks from several threads, and a reader must never wait for
a sync's transaction. In WAL mode it does not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import astuple
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from moneymentor_sync.core.breaker import Breaker
from moneymentor_sync.core.moments import moment
from moneymentor_sync.core.record import DaemonMark, DatasetRecord, Totals
from moneymentor_sync.core.settings import Retention
from moneymentor_sync.core.switches import Switch

from . import state_totals
from .state_errors import state_errors
from .state_schema import MIGRATIONS

if TYPE_CHECKING:
    from moneymentor_sync.core.ports import RunResult

PRUNE_ROWS = 500
"""Runs that one transaction removes: a writer waits for that at most."""
NOTE_SECONDS = 3.0
"""How long a note waits for a sync's transaction: less than who asked for it does."""
_DAY = 86_400.0
_DETAILS = (
    "dataset", "tab", "result", "rows", "inserted", "updated", "deleted", "cells", "reads", "writes", "bytes_sent",
    "bytes_received", "retries", "repaired", "put_back", "verified", "seconds", "error_code", "error", "hint",
)  # fmt: skip


class Ledger:
    """The ledger in a state file that is there and of this version. Every method may raise StateError."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self._path = path
        self._read_only = read_only

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        with state_errors(self._path), closing(self._connect()) as db:
            yield db

    def _connect(self) -> sqlite3.Connection:
        if not self._read_only:
            name = f"{self._path.resolve().as_uri()}?mode=rw"  # one that is gone is not made again, and empty
            return sqlite3.connect(name, uri=True, isolation_level=None, timeout=NOTE_SECONDS)
        return connect_read_only(self._path)

    def is_current(self) -> bool:
        """Whether the file is of this version: one of an older or newer mmsync has other tables."""
        with self._open() as db:
            return bool(db.execute("PRAGMA user_version").fetchone()[0] == len(MIGRATIONS))

    # --- what was --------------------------------------------------------------------------------------------

    def totals(self) -> Totals:
        with self._open() as db:
            return state_totals.read_totals(db)

    def records(self) -> dict[str, DatasetRecord]:
        with self._open() as db:
            return state_totals.read_records(db)

    def runs(self, dataset: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
        """Past runs, newest first, as `GET /sync/history` gives them; with `dataset` those it was part of."""
        part_of = "WHERE EXISTS (SELECT 1 FROM run_dataset WHERE run_id = run.id AND dataset = ?)"
        where, given = (part_of, (dataset,)) if dataset is not None else ("", ())
        with self._open() as db:
            found = db.execute(
                f"SELECT id, started_at, seconds, trigger, outcome FROM run {where} "  # noqa: S608 - our own text
                "ORDER BY started_at DESC LIMIT ?",
                (*given, limit),
            ).fetchall()
            return [_run(db, row, dataset) for row in found]

    def record(self, run: RunResult) -> None:
        from . import state_runs  # with what a run is made of, which a command that only reads need not know

        with self._transaction() as db:
            state_runs.insert(db, run)

    def prune(self, retention: Retention, now: float) -> int:
        """Removes runs that are too old or too many, a few in each transaction; gives their number."""
        removed = 0
        with self._open() as db:
            db.execute("PRAGMA foreign_keys = ON")
            newest = db.execute(
                "SELECT started_at FROM run ORDER BY started_at DESC LIMIT 1 OFFSET ?", (retention.runs,)
            ).fetchone()
            oldest = max(now - retention.days * _DAY, newest[0] if newest else 0.0)
            while True:
                gone = db.execute(
                    "DELETE FROM run WHERE id IN (SELECT id FROM run WHERE started_at <= ? LIMIT ?)",
                    (oldest, PRUNE_ROWS),
                ).rowcount
                removed += gone
                if gone < PRUNE_ROWS:
                    return removed

    # --- switches and breakers -------------------------------------------------------------------------------

    def switches(self) -> dict[str, Switch]:
        with self._open() as db:
            rows = db.execute("SELECT name, enabled, since, reason, until FROM switch").fetchall()
        return {row[0]: Switch(row[0], bool(row[1]), *row[2:]) for row in rows}

    def save_switches(self, *switches: Switch) -> None:
        """All of them in one transaction."""
        with self._transaction() as db:
            db.executemany("INSERT OR REPLACE INTO switch VALUES (?,?,?,?,?)", [astuple(one) for one in switches])

    def breakers(self) -> dict[str, Breaker]:
        """By the dataset's name, the common one under the empty name."""
        with self._open() as db:
            rows = db.execute("SELECT name, state, failures, wait, until, reason FROM breaker").fetchall()
        return {row[0]: Breaker(*row[1:]) for row in rows}

    def save_breakers(self, breakers: dict[str, Breaker]) -> None:
        with self._transaction() as db:
            rows = [(name, *astuple(breaker)) for name, breaker in breakers.items()]
            db.executemany("INSERT OR REPLACE INTO breaker VALUES (?,?,?,?,?,?)", rows)

    # --- the daemon -----------------------------------------------------------------------------------------

    def mark(self) -> DaemonMark | None:
        """The daemon that used the file last; None where none ever did."""
        with self._open() as db:
            row = db.execute("SELECT pid, version, started_at, stopped_at, seen FROM daemon").fetchone()
        return DaemonMark(*row) if row else None

    def save_mark(self, mark: DaemonMark) -> None:
        with self._transaction() as db:
            db.execute("INSERT OR REPLACE INTO daemon VALUES (1,?,?,?,?,?)", astuple(mark))

    def tabs(self) -> dict[str, str]:
        """The tab of each dataset that was ever synced, by the dataset's name."""
        with self._open() as db:
            return dict(db.execute("SELECT name, tab FROM dataset").fetchall())

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            yield db  # an error closes the connection, and that rolls back
            db.execute("COMMIT")


def connect_read_only(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing. Raises sqlite3.OperationalError where there is no such file.

    Without the right to write beside it, a WAL file that nobody has open can only be read as if it never changed.
    """
    name = path.resolve().as_uri()
    db = sqlite3.connect(f"{name}?mode=ro", uri=True, isolation_level=None, timeout=5)
    try:
        db.execute("PRAGMA user_version").fetchone()
    except sqlite3.OperationalError:
        db.close()
        db = sqlite3.connect(f"{name}?mode=ro&immutable=1", uri=True, isolation_level=None, timeout=5)
    return db


def _run(db: sqlite3.Connection, row: tuple[Any, ...], dataset: str | None) -> dict[str, Any]:
    found = db.execute(
        f"SELECT {', '.join(_DETAILS)} FROM run_dataset WHERE run_id = ?",  # noqa: S608 - our own column names
        (row[0],),
    ).fetchall()
    results = [dict(zip(_DETAILS, values, strict=True)) for values in found]
    return {
        "run_id": row[0],
        "started_at": moment(cast(float, row[1])),
        "seconds": round(row[2], 3),
        "trigger": row[3],
        "outcome": row[4],
        "datasets": [
            one | {"verified": bool(one["verified"]), "seconds": round(one["seconds"], 3)}
            for one in results
            if dataset in (None, one["dataset"])
        ],
    }
