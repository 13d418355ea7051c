"""Which row is which, where a key is missing, damaged or doubled: proof or refusal, never a guess."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from .adoption import Reason, by_match_on
from .cells import Cell, CurrentCell, Formula
from .compare import TabRow
from .marks import Marks
from .rows import Hasher
from .table import Shape

_MOST_COMBINATIONS = 100_000


@dataclass(frozen=True, slots=True)
class Identified:
    """`adopted` maps a row's index to the key it turned out to have, `by_match_on` are those of them that had
    none at all; `copies` are provable copies; `puzzles` say of others why they cannot be told."""

    adopted: dict[int, bytes]
    copies: tuple[TabRow, ...] = ()
    by_match_on: frozenset[int] = frozenset()
    puzzles: Mapping[int, Reason] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known when rows have to be told: desired rows (key -> cells) that stand nowhere in the tab
    (`missing`) and that do (`present`, as far as they were asked for); the hashes of the rows as we last wrote
    them; where the managed columns stand, and what the tab has beside values; whether nothing in it is ours yet
    (`first`)."""

    missing: Mapping[bytes, tuple[Cell, ...]]
    present: Mapping[bytes, tuple[Cell, ...]]
    written: Mapping[bytes, bytes]
    positions: Sequence[int | None]
    marks: Marks
    first: bool


def identify(shape: Shape, loose: Sequence[TabRow], known: Known, hasher: Hasher) -> Identified:
    """Gives rows without a usable key back to the desired rows that they are.

    `loose` are the rows in question. In this order: `match_on`, for rows with no key at all; a key that reads the
    same; all other managed cells equal; both unique on both sides; the row as we last wrote it but for its key.
    """
    if not loose:
        return Identified({}, ())
    told = by_match_on(shape, loose, known.missing, known.present, known.positions, known.marks, first=known.first)
    adopted = dict(told.adopted)
    copied = {row.index for row in told.copies}
    rest = [row for row in loose if row.index not in adopted and row.index not in copied]
    taken = set(adopted.values())
    free = {key: cells for key, cells in known.missing.items() if key not in taken}
    adopted |= _by_readings(shape, rest, free)
    taken = set(adopted.values())
    rest = [row for row in rest if row.index not in adopted]
    free = {key: cells for key, cells in free.items() if key not in taken}
    adopted |= _by_other_cells(shape, rest, free)
    taken = set(adopted.values())
    rest = [row for row in rest if row.index not in adopted]
    free = {key: cells for key, cells in free.items() if key not in taken}
    adopted |= _by_last_written(shape, rest, free, known.written, hasher)
    return Identified(adopted, tuple(told.copies), frozenset(told.adopted), told.puzzles)


def key_reading(shape: Shape, cells: Sequence[CurrentCell]) -> tuple[str, ...] | None:
    """A key as people read it: 1, "1" and 1.0 are one. None where a key cell is blank or a formula."""
    found = [_reading(cells[i]) for i in shape.key]
    return None if None in found else tuple(map(str, found))


def _reading(cell: CurrentCell) -> str | None:
    if cell is None or isinstance(cell, Formula):
        return None
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(cell)
    return cell if isinstance(cell, str) else str(cell).lower()


def _by_readings(
    shape: Shape, loose: Sequence[TabRow], missing: Mapping[bytes, Sequence[Cell]]
) -> dict[int, bytes]:
    """Rows whose key reads as one that stands nowhere: the key's column has become text, or numbers."""
    rows: dict[object, list[int]] = defaultdict(list)
    for row in loose:
        rows[key_reading(shape, row.cells)].append(row.index)
    rows.pop(None, None)
    wanted: dict[object, list[bytes]] = defaultdict(list)
    for key, cells in missing.items() if rows else ():
        wanted[key_reading(shape, cells)].append(key)
    return _one_to_one(rows, wanted)


def _one_to_one(rows: Mapping[object, list[int]], wanted: Mapping[object, list[bytes]]) -> dict[int, bytes]:
    return {
        indexes[0]: wanted[token][0]
        for token, indexes in rows.items()
        if len(indexes) == 1 and len(wanted.get(token, ())) == 1
    }


def _by_other_cells(
    shape: Shape, loose: Sequence[TabRow], missing: Mapping[bytes, Sequence[Cell]]
) -> dict[int, bytes]:
    others = [i for i in range(len(shape.columns)) if i not in shape.key]

    def other(cells: Sequence[CurrentCell]) -> tuple[tuple[str, CurrentCell], ...]:
        return tuple([(type(cells[i]).__name__, cells[i]) for i in others])

    rows: dict[object, list[int]] = defaultdict(list)
    for row in loose:
        if any(row.cells[i] is not None for i in others):
            rows[other(row.cells)].append(row.index)
    wanted: dict[object, list[bytes]] = defaultdict(list)
    for key, cells in missing.items() if rows else ():
        wanted[other(cells)].append(key)
    return _one_to_one(rows, wanted)


def _by_last_written(
    shape: Shape,
    loose: Sequence[TabRow],
    missing: Mapping[bytes, Sequence[Cell]],
    written: Mapping[bytes, bytes],
    hasher: Hasher,
) -> dict[int, bytes]:
    ours = [key for key in missing if key in written]
    if len(ours) * len(loose) > _MOST_COMBINATIONS:
        return {}
    found: dict[int, list[bytes]] = defaultdict(list)
    for row in loose:
        cells = list(row.cells)
        for key in ours:
            for i in shape.key:
                cells[i] = missing[key][i]
            if hasher.row(tuple(cells)) == written[key]:
                found[row.index].append(key)
    times = Counter(key for keys in found.values() for key in keys)
    return {index: keys[0] for index, keys in found.items() if len(keys) == 1 and times[keys[0]] == 1}


def may_be_another(shape: Shape, rows: Sequence[TabRow], known: Known, hasher: Hasher) -> set[int]:
    """Indexes of the rows that, but for their key, are as a row that stands nowhere is in the database or was
    written last. Where these are too many to try, each may be. What was never written cannot have its key typed
    over; where nothing is known of the row in question, that is not known of others either."""
    found: set[int] = set()
    for row in rows:
        ours = [key for key in known.missing if key in known.written or row.key not in known.written]
        if len(ours) * len(rows) > _MOST_COMBINATIONS or any(
            _is_but_for_key(shape, row.cells, known.missing[key], known.written.get(key), hasher) for key in ours
        ):
            found.add(row.index)
    return found


def _is_but_for_key(
    shape: Shape, current: Sequence[CurrentCell], desired: Sequence[Cell], written: bytes | None, hasher: Hasher
) -> bool:
    cells = tuple([desired[i] if i in shape.key else cell for i, cell in enumerate(current)])
    return hasher.row(cells) in (hasher.row(tuple(desired)), written)
