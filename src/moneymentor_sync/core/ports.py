"""What the shell needs from the outside world, as small interfaces that belong to the inside."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Protocol

from .settings import CellType, Dataset

Row = tuple[Any, ...]
"""One row as the database driver gives it: Python values, one a column."""


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of a result: its name, and what its values are where the database declares it.

    `type` is set for `table=` datasets and the built-in ones, from the declared column type (so that SQLite's
    text dates and 0/1 booleans become real ones); None where the values speak for themselves.
    """

    name: str
    type: CellType | None = None


class RowStream(Protocol):
    """A result being read: its columns, then chunks of rows; nothing is held but the current chunk."""

    @property
    def columns(self) -> Sequence[SourceColumn]: ...

    def chunks(self) -> Iterator[Sequence[Row]]:
        """Yields lists of up to a few thousand rows. Raises QueryError. May be consumed once."""
        ...


class Snapshot(Protocol):
    """One consistent, read-only view of the database for all datasets of a sync."""

    def read(self, dataset: Dataset, *, since: Any = None) -> RowStream:
        """Starts the dataset's query. With `since`, only rows whose `dataset.cursor` is >= that value.

        Raises QueryError (missing table or column, syntax, time-out), DatabaseUnreachableError.
        """
        ...


class Source(Protocol):
    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Opens the snapshot. Raises DatabaseUnreachableError."""
        ...
