"""AlertStore in the state file: what was told of trouble, and messages that not everybody has had yet."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict
from pathlib import Path
from types import MappingProxyType

from moneymentor_sync.core.alert_messages import message_from, text_of
from moneymentor_sync.core.alert_ports import Pending
from moneymentor_sync.core.alerts import Condition, Memory, Watched

from .state_errors import state_errors

NOTE_SECONDS = 3.0


class StateAlerts:
    """In a state file that is there and of this version; a connection of its own for each call."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def memory(self) -> Memory:
        with self._open() as db:
            rows = db.execute("SELECT key, condition, first, told, gone FROM alert").fetchall()
        found = {key: _watched(text, *times) for key, text, *times in rows}
        return MappingProxyType({key: one for key, one in found.items() if one is not None})

    def pending(self) -> list[Pending]:
        with self._open() as db:
            rows = db.execute("SELECT id, at, message, waiting FROM alert_message ORDER BY id").fetchall()
        return [one for one in (_pending(*row) for row in rows) if one is not None]

    def save(self, memory: Memory, message: Pending | None) -> None:
        told = [
            (key, json.dumps(_plain(one.condition)), one.first, one.told, one.gone)
            for key, one in memory.items()
            if one.told is not None
        ]
        with self._transaction() as db:
            db.execute("DELETE FROM alert")
            db.executemany("INSERT INTO alert VALUES (?,?,?,?,?)", told)
            if message is not None:
                waiting = json.dumps(sorted(message.waiting))
                db.execute(
                    "INSERT OR REPLACE INTO alert_message VALUES (?,?,?,?)",
                    (message.id, message.at, text_of(message.message), waiting),
                )

    def sent(self, number: int, waiting: frozenset[str]) -> None:
        with self._transaction() as db:
            if waiting:
                db.execute(
                    "UPDATE alert_message SET waiting = ? WHERE id = ?", (json.dumps(sorted(waiting)), number)
                )
            else:
                db.execute("DELETE FROM alert_message WHERE id = ?", (number,))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        name = f"{self._path.resolve().as_uri()}?mode=rw"  # one that is gone is not made again, and empty
        with (
            state_errors(self._path),
            closing(sqlite3.connect(name, uri=True, isolation_level=None, timeout=NOTE_SECONDS)) as db,
        ):
            yield db

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._open() as db:
            db.execute("BEGIN IMMEDIATE")
            yield db  # an error closes the connection, and that rolls back
            db.execute("COMMIT")


def _plain(condition: Condition) -> dict[str, object]:
    return asdict(condition) | {"under": [sorted(keys) for keys in condition.under]}


def _watched(text: str, first: float, told: float, gone: float | None) -> Watched | None:
    """None for what a later version may have written: then it is told once more, which is the lesser evil."""
    try:
        found = json.loads(text)
        condition = Condition(**{**found, "under": tuple(frozenset(keys) for keys in found["under"])})
    except (ValueError, TypeError, KeyError):
        return None
    return Watched(condition, first, told, gone)


def _pending(number: int, at: float, text: str, waiting: str) -> Pending | None:
    try:
        return Pending(number, at, message_from(text), frozenset(json.loads(waiting)))
    except (ValueError, TypeError, KeyError):
        return None
