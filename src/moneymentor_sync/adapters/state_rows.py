"""The parts of what we wrote, as values of the state file."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class StateRows:
    """`state_parts.Parts` in the file's table `written`."""

    db: sqlite3.Connection
    dataset: str

    def read(self, parts: Sequence[int]) -> Mapping[int, bytes]:
        marks = ",".join("?" * len(parts))
        rows = self.db.execute(
            f"SELECT part, hashes FROM written WHERE dataset = ? AND part IN ({marks})",  # noqa: S608 - marks alone
            (self.dataset, *parts),
        )
        return {part: bytes(data) for part, data in rows}

    def write(self, parts: Mapping[int, bytes]) -> None:
        kept = [(self.dataset, part, data) for part, data in parts.items() if data]
        gone = [(self.dataset, part) for part, data in parts.items() if not data]
        self.db.executemany("INSERT OR REPLACE INTO written VALUES (?, ?, ?)", kept)
        self.db.executemany("DELETE FROM written WHERE dataset = ? AND part = ?", gone)
