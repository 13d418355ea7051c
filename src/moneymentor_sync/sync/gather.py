"""Gathering: reads every dataset's rows once, out of one snapshot, and sets them aside with their fingerprint."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from moneymentor_sync.core.cells import Cell, CellRules, pack_row, unpack_row
from moneymentor_sync.core.errors import MmsyncError, QueryError
from moneymentor_sync.core.ports import Origin, Snapshot, Tick
from moneymentor_sync.core.privacy import pseudonym
from moneymentor_sync.core.rows import Fingerprint, Hasher, add
from moneymentor_sync.core.settings import Dataset
from moneymentor_sync.core.table import DesiredTable, Shape, TableBuilder, resolve_shape


class Records(Protocol):
    """A place to set plain values aside, in order."""

    def extend(self, records: Any) -> None: ...

    def __iter__(self) -> Iterator[Any]: ...

    def close(self) -> None: ...


NewRecords = Callable[[], Records]


class Kept(list[Any]):
    """Records that stay as they are: for rows that are all wanted back at once."""

    def close(self) -> None:
        self.clear()


NOTHING = Fingerprint(0, 0)


@dataclass(slots=True)
class Gathered:
    """What the source gave for a dataset: its rows packed and set aside, or the error that it failed with.

    `signature` differs when the same rows would have to be written differently. `table` and `rows` come with
    `desired`, once they are needed: most syncs find nothing changed before.
    """

    dataset: Dataset
    shape: Shape | None = None
    packed: Records | None = None
    fingerprint: Fingerprint = NOTHING
    signature: str = ""
    cursor: str | None = None
    partial: bool = False
    error: MmsyncError | None = None
    table: DesiredTable | None = None
    rows: Records | None = None
    origins: Mapping[str, Origin] = field(default_factory=dict)
    """Whose the columns are, by name, where the source says so."""

    def desired(
        self, rules: CellRules, hasher: Hasher, new_records: NewRecords, between: Callable[[], None]
    ) -> DesiredTable:
        """The desired table, its rows set aside as (key hash, cells). Raises KeyNotUniqueError and others.

        `between` is called between batches of rows; where it raises, all is to be done again.
        """
        if self.table is None:
            assert self.shape is not None and self.packed is not None  # noqa: S101 - gathered without error
            if self.rows is not None:
                self.rows.close()  # begun, and left by what `between` raised
            self.rows = new_records()
            builder = TableBuilder(self.shape, rules, hasher)
            for chunk in builder.chunks(self.packed):
                between()
                self.rows.extend(chunk)
            self.table = builder.finish()
        return self.table

    def cells(self, keys: set[bytes]) -> Mapping[bytes, tuple[Cell, ...]]:
        """The cells of some desired rows, by key."""
        if not keys:
            return {}
        return {key: cells for key, cells in self.rows or () if key in keys}

    def close(self) -> None:
        for records in (self.packed, self.rows):
            if records is not None:
                records.close()


def gather(
    snapshot: Snapshot,
    dataset: Dataset,
    *,
    since: str | None,
    rules: CellRules,
    hasher: Hasher,
    new_records: NewRecords,
    tick: Tick,
    between: Callable[[], None],
) -> Gathered:
    """Reads one dataset; an error of its query is part of the result, since others must go on.

    `between` is called between batches of rows; what it raises, and is no error of ours, ends the reading.
    """
    gathered = Gathered(dataset, partial=since is not None)
    try:
        stream = snapshot.read(dataset, since=None if since is None else cursor_value(since))
        gathered.shape = resolve_shape(dataset, stream.columns)
        gathered.signature = (
            f"{gathered.shape.text()} {dataset.mode} {dataset.match_on} {rules.timezone} {rules.long_text}"
            f"{_key_in_use(gathered.shape, rules)}"
        )
        names = [column.name for column in stream.columns]
        gathered.origins = {column.name: column.origin for column in stream.columns if column.origin}
        at = _cursor_at(dataset, names)
        gathered.packed = new_records()
        highest: Any = None
        done = 0
        for chunk in stream.chunks():
            between()
            packed = [pack_row(tuple(row)) for row in chunk]
            gathered.fingerprint = add(gathered.fingerprint, hasher.fingerprint(packed))
            gathered.packed.extend(packed)
            if at is not None:
                highest = _highest(highest, (row[at] for row in chunk), dataset)
            done += len(chunk)
            tick(dataset.name, "reading", done, None)
        gathered.cursor = since if highest is None else _cursor_text(highest)
    except MmsyncError as error:
        gathered.error = error
    except BaseException:
        gathered.close()
        raise
    return gathered


_IDENTITY = " identity:"


def _key_in_use(shape: Shape, rules: CellRules) -> str:
    """Differs when the pseudonyms do: another key makes others of the same rows. Does not tell the key."""
    hashed = [column.name for column in shape.columns if column.hash]
    if rules.hash_key is None or not hashed:
        return ""
    in_key = [shape.columns[i].name for i in shape.key if shape.columns[i].hash]
    mark = pseudonym(repr((shape.dataset, in_key)), rules.hash_key) if in_key else ""
    return f" {pseudonym(repr((shape.dataset, hashed)), rules.hash_key)}{_IDENTITY}{mark}"


def identity_of(signature: str) -> str:
    """Of a signature the part that differs where rows get other keys, though they are the same in the database."""
    mark = re.search(rf"{_IDENTITY}([0-9a-f]*)$", signature)  # at its very end: a header may read like it
    return mark[1] if mark else ""


def _cursor_at(dataset: Dataset, names: list[str]) -> int | None:
    if dataset.cursor is None:
        return None
    if dataset.cursor not in names:
        raise QueryError(
            f"dataset {dataset.name!r}: its cursor {dataset.cursor!r} is not among the query's columns",
            hint="Select the column in the query, or leave `cursor` out.",
        )
    return names.index(dataset.cursor)


def _highest(current: Any, values: Iterator[Any], dataset: Dataset) -> Any:
    try:
        return max((value for value in (current, *values) if value is not None), default=None)
    except TypeError as error:
        raise QueryError(
            f"dataset {dataset.name!r}: its cursor {dataset.cursor!r} holds values that cannot be ordered",
            hint="A cursor needs values of one type, such as a time stamp or a number that only grows.",
        ) from error


def _cursor_text(value: Any) -> str:
    """A cursor's value as JSON, so that the next sync can ask the database with the same type."""
    return json.dumps(unpack_row(pack_row((value,)))[0])


def cursor_value(text: str) -> Any:
    """The value again, as the database driver takes it."""
    value = json.loads(text)
    if not isinstance(value, list):
        return value
    tag, content = value
    read: dict[str, Callable[[str], Any]] = {"t": datetime.fromisoformat, "d": date.fromisoformat, "n": Decimal}
    return read.get(tag[-1:], str)(content)
