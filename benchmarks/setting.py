"""How much is measured: rows, rounds, and the databases made for it, each once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from . import people


@dataclass(frozen=True, slots=True)
class Setting:
    """`rows` of the common table, `many` for the memory, `rounds` of which a median is taken."""

    directory: Path
    rows: int
    many: int
    rounds: int
    quick: bool
    rivals_home: Path

    def database(self, rows: int | None = None) -> Path:
        """A database that nobody changes."""
        wanted = rows or self.rows
        path = self.directory / f"{wanted}.db"
        if not path.exists():
            people.make_database(path, wanted)
        return path

    def own_database(self, name: str) -> Path:
        """One that may be changed."""
        path = self.directory / f"{name}.db"
        path.unlink(missing_ok=True)
        people.make_database(path, self.rows)
        return path
