"""The state file: SQLite in WAL mode. Hashes of what was written, the fence, and every run; no data of people.

Each method is one transaction; a crash leaves the last one that was finished.
"""

from __future__ import annotations

import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from moneymentor_sync.core.errors import StateError
from moneymentor_sync.core.ports import DatasetState, FenceState, RunResult

from . import state_parts, state_runs
from .state_dataset import COLUMNS, state_of, values_of
from .state_errors import damaged, state_errors
from .state_rows import StateRows
from .state_schema import migrate


class StateFile:
    """Store on a SQLite file, made with mode 0600 in a directory made with 0700."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with state_errors(self._path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            path.touch(mode=0o600)
            if path.stat().st_uid == os.geteuid():
                path.chmod(0o600)
            self._db = sqlite3.connect(path, isolation_level=None, timeout=30)
        try:
            with state_errors(self._path):
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = FULL")
                self._db.execute("PRAGMA foreign_keys = ON")
                _look_for_damage(self._db, path)
                migrate(self._db, path)
                self._secret = self._make_secret()
                self._identity = _identity(path)
        except BaseException:
            self._db.close()
            raise

    def close(self) -> None:
        self._db.close()

    def secret(self) -> bytes:
        return self._secret

    def check_place(self) -> None:
        with state_errors(self._path):
            if not self._path.exists() or _identity(self._path) != self._identity:
                raise StateError(
                    f"the state file {self._path} was removed or replaced while it was in use",
                    hint="Put it back if you have it. Else what was written before is no longer known: rows that "
                    "go from the database have to be deleted by hand.",
                )

    def _make_secret(self) -> bytes:
        self._db.execute("INSERT OR IGNORE INTO meta VALUES ('secret', ?)", (secrets.token_bytes(32),))
        return bytes(self._db.execute("SELECT value FROM meta WHERE name = 'secret'").fetchone()[0])

    # --- datasets -------------------------------------------------------------------------------------------

    def dataset(self, name: str) -> DatasetState | None:
        with state_errors(self._path):
            row = self._db.execute(
                f"SELECT {', '.join(COLUMNS)} FROM dataset WHERE name = ?",  # noqa: S608 - our own column names
                (name,),
            ).fetchone()
        if row is None:
            return None
        try:
            return state_of(row)
        except (ValueError, TypeError, KeyError) as error:
            raise damaged(self._path, f"what it has of dataset {name!r} cannot be read") from error

    def written(self, name: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        with state_errors(self._path):
            return state_parts.look_up(StateRows(self._db, name), keys)

    def begin_write(self, name: str, state: DatasetState, rows: Mapping[bytes, bytes]) -> None:
        with self._transaction() as db:
            self._save(db, name, state, dirty=True)
            state_parts.remember_new(StateRows(db, name), rows)

    def finish(
        self, name: str, state: DatasetState, rows: Mapping[bytes, bytes], forget: Iterable[bytes] | None
    ) -> None:
        with self._transaction() as db:
            self._save(db, name, state, dirty=False)
            state_parts.remember(StateRows(db, name), rows, forget)

    def _save(self, db: sqlite3.Connection, name: str, state: DatasetState, *, dirty: bool) -> None:
        values = (name, *values_of(state, dirty=dirty))
        db.execute(
            f"INSERT OR REPLACE INTO dataset (name, {', '.join(COLUMNS)}) "  # noqa: S608 - our own column names
            f"VALUES ({', '.join('?' * len(values))})",
            values,
        )

    # --- the fence ------------------------------------------------------------------------------------------

    def fence(self, spreadsheet_id: str) -> FenceState:
        with state_errors(self._path):
            row = self._db.execute(
                "SELECT token, pending FROM spreadsheet WHERE id = ?", (spreadsheet_id,)
            ).fetchone()
        return FenceState(*row) if row else FenceState()

    def save_fence(self, spreadsheet_id: str, fence: FenceState) -> None:
        with self._transaction() as db:
            db.execute(
                "INSERT OR REPLACE INTO spreadsheet VALUES (?, ?, ?)", (spreadsheet_id, fence.token, fence.pending)
            )

    # --- runs -----------------------------------------------------------------------------------------------

    def record(self, run: RunResult) -> None:
        with self._transaction() as db:
            state_runs.insert(db, run)

    def runs(self, limit: int = 20) -> list[tuple[Any, ...]]:
        """The newest runs as (id, started_at, seconds, trigger, ok)."""
        with state_errors(self._path):
            return self._db.execute(
                "SELECT id, started_at, seconds, trigger, ok FROM run ORDER BY started_at DESC LIMIT ?", (limit,)
            ).fetchall()

    def run_datasets(self, run_id: str) -> list[dict[str, Any]]:
        """What a run did to each dataset, by the names of `DatasetResult`."""
        names = ",".join(state_runs.RESULT_COLUMNS)
        with state_errors(self._path):
            rows = self._db.execute(
                f"SELECT {names} FROM run_dataset WHERE run_id = ? ORDER BY dataset",  # noqa: S608 - our own column names
                (run_id,),
            ).fetchall()
        return [dict(zip(state_runs.RESULT_COLUMNS, row, strict=True)) for row in rows]

    # --- errors ---------------------------------------------------------------------------------------------

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with state_errors(self._path):
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise
            self._db.execute("COMMIT")


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino


def _look_for_damage(db: sqlite3.Connection, path: Path) -> None:
    """Goes through the whole file, 25 ms for a million rows: damage is to be found before a sync writes."""
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise damaged(path, "malformed")
