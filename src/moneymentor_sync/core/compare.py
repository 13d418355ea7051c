"""Desired against current, row by row: what is equal is forgotten at once, what differs is kept.

Pure and in one pass over the tab's rows, whatever their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from .cells import CurrentCell
from .errors import TooManyRowsError
from .layout import Layout
from .rows import Fingerprint, Hasher, sum_hashes
from .table import Shape

Cells = tuple[CurrentCell, ...]
MOST_IN_QUESTION = 500_000
"""Rows that are kept since they are not the database's, beside as many as it has itself: a person may have filled
ten million cells. A row of very long texts counts for several."""
_CHARACTERS = 400
"""Of a row's texts, that weigh about what a row does."""


@dataclass(frozen=True, slots=True)
class TabRow:
    """A row of the tab: its 0-based index, its managed cells, and whether people have anything beside them."""

    index: int
    cells: Cells
    beside: bool
    key: bytes = b""


@dataclass
class Comparison:
    """Everything about a tab that a plan needs.

    `matched` maps a key to twice its first row's index, plus one where people have something beside it;
    `changed` are matched rows whose cells differ; `again` are further rows with a key that was already met;
    `absent` have a key that is not desired, and `unkept` more of them were only counted; `keyless` have managed
    cells but no whole key. `rows_before` counts rows with managed cells, `last_row` is the index of the last row
    with anything in it (0 where there is only the header).
    """

    matched: dict[bytes, int] = field(default_factory=dict)
    changed: list[TabRow] = field(default_factory=list)
    again: list[TabRow] = field(default_factory=list)
    absent: list[TabRow] = field(default_factory=list)
    unkept: int = 0
    keyless: list[TabRow] = field(default_factory=list)
    rows_before: int = 0
    last_row: int = 0
    people_beside: bool = False

    @cached_property
    def differing(self) -> dict[bytes, TabRow]:
        return {row.key: row for row in self.changed}

    @property
    def has_doubles(self) -> bool:
        """Whether a key stands in several rows, be it in the database or not."""
        return bool(self.again) or len({row.key for row in self.absent}) < len(self.absent)

    def first_row(self, key: bytes, desired: Cells) -> TabRow:
        """The first row with a key. `desired` are its cells if it is equal, which is why they were forgotten."""
        place = self.matched[key]
        return self.differing.get(key) or TabRow(place >> 1, desired, bool(place & 1), key)


def managed_cells(row: Sequence[CurrentCell], positions: Sequence[int | None]) -> Cells:
    width = len(row)
    return tuple([row[p] if p is not None and p < width else None for p in positions])


def compare(
    shape: Shape,
    layout: Layout,
    rows: Iterable[tuple[int, Sequence[CurrentCell]]],
    desired: Mapping[bytes, bytes],
    hasher: Hasher,
    most: int = MOST_IN_QUESTION,
    *,
    keep_all: bool = True,
) -> Comparison:
    """Sorts the tab's rows, given as (index, cells of the whole row), by what they are to the desired table.

    Raises TooManyRowsError where more than `most` rows are in question; without `keep_all`, those with a key that
    is not desired are then counted and forgotten, since nothing will be done to them.
    """
    result = Comparison()
    weight = 0

    def keep(rows: list[TabRow], row: TabRow) -> None:
        nonlocal weight
        weight += 1 + sum(len(cell) for cell in row.cells if isinstance(cell, str)) // _CHARACTERS
        if weight <= most:
            rows.append(row)
        elif rows is result.absent and not keep_all:
            result.unkept += 1
        else:
            raise TooManyRowsError(
                f"more than {weight - 1:,} rows have no key, another's, or one that is not in the database; "
                "nothing was written"
            )

    positions, key_at = layout.positions, shape.key
    hash_key, hash_row = hasher.key, hasher.row
    matched = result.matched
    for index, whole in rows:
        cells = managed_cells(whole, positions)
        filled = len(whole) - whole.count(None)
        if not filled:
            continue
        result.last_row = max(result.last_row, index)
        managed = len(cells) - cells.count(None)
        beside = filled > managed
        result.people_beside = result.people_beside or beside
        if not managed:
            continue
        result.rows_before += 1
        key = tuple([cells[i] for i in key_at])
        if None in key:
            keep(result.keyless, TabRow(index, cells, beside))
            continue
        identity = hash_key(key)
        wanted = desired.get(identity)
        if wanted is None:
            keep(result.absent, TabRow(index, cells, beside, identity))
        elif identity in matched:
            keep(result.again, TabRow(index, cells, beside, identity))
        else:
            matched[identity] = 2 * index + beside
            if hash_row(cells) != wanted:
                result.changed.append(TabRow(index, cells, beside, identity))
    return result


def tab_fingerprint(
    layout: Layout, rows: Iterable[tuple[int, Sequence[CurrentCell]]], hasher: Hasher
) -> Fingerprint:
    """The fingerprint of the tab's managed rows; equal to the desired table's just where they are equal."""
    positions = layout.positions
    cells = (managed_cells(whole, positions) for _, whole in rows)
    return sum_hashes(hasher.row(one) for one in cells if any(cell is not None for cell in one))
