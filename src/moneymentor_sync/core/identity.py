"""Which row is which, where a key is missing, damaged or doubled: proof or refusal, never a guess."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from .cells import Cell, CurrentCell, Formula
from .compare import TabRow
from .rows import Hasher
from .table import Shape

_MOST_COMBINATIONS = 100_000


@dataclass(frozen=True, slots=True)
class Identified:
    """`adopted` maps a row's index to the key it turned out to have; `copies` are provable copies of those."""

    adopted: dict[int, bytes]
    copies: tuple[TabRow, ...] = ()


def identify(
    shape: Shape,
    loose: Sequence[TabRow],
    missing: Mapping[bytes, Sequence[Cell]],
    written: Mapping[bytes, bytes],
    hasher: Hasher,
) -> Identified:
    """Gives rows without a usable key back to the desired rows that the tab lacks.

    `loose` are the rows in question, `missing` the desired rows (key -> cells) found nowhere in the tab,
    `written` the hashes of the rows as we last wrote them. In this order: `match_on`, for rows with no key at
    all; all other managed cells equal, and unique on both sides; the row as we last wrote it but for its key.
    """
    if not loose:
        return Identified({}, ())
    adopted, copies = _by_match_on(shape, loose, missing)
    copied = {row.index for row in copies}
    rest = [row for row in loose if row.index not in adopted and row.index not in copied]
    taken = set(adopted.values())
    free = {key: cells for key, cells in missing.items() if key not in taken}
    adopted |= _by_other_cells(shape, rest, free)
    taken = set(adopted.values())
    rest = [row for row in rest if row.index not in adopted]
    free = {key: cells for key, cells in free.items() if key not in taken}
    adopted |= _by_last_written(shape, rest, free, written, hasher)
    return Identified(adopted, tuple(copies))


def match_text(cell: CurrentCell) -> str:
    """A cell as `match_on` sees it: a number and its digits as text are the same."""
    if cell is None or isinstance(cell, Formula):
        return ""
    if isinstance(cell, float):
        return format(cell, ".15g")
    return str(cell).strip()


def _by_match_on(
    shape: Shape, loose: Sequence[TabRow], missing: Mapping[bytes, Sequence[Cell]]
) -> tuple[dict[int, bytes], list[TabRow]]:
    if not shape.match_on:
        return {}, []
    rows: dict[tuple[str, ...], list[TabRow]] = defaultdict(list)
    for row in loose:
        token = _token(shape.match_on, row.cells)
        if "" not in token and all(row.cells[i] is None for i in shape.key if i not in shape.match_on):
            rows[token].append(row)
    wanted: dict[tuple[str, ...], list[bytes]] = defaultdict(list)
    for key, cells in missing.items():
        wanted[_token(shape.match_on, cells)].append(key)
    adopted: dict[int, bytes] = {}
    copies: list[TabRow] = []
    for token, group in rows.items():
        keys = wanted.get(token, ())
        if len(keys) != 1 or any(row.cells != group[0].cells for row in group):
            continue
        keeper = next((row for row in group if row.beside), group[0])
        adopted[keeper.index] = keys[0]
        copies += [row for row in group if row is not keeper]
    return adopted, copies


def _token(columns: Iterable[int], cells: Sequence[CurrentCell]) -> tuple[str, ...]:
    return tuple([match_text(cells[i]) for i in columns])


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
    return {
        indexes[0]: wanted[token][0]
        for token, indexes in rows.items()
        if len(indexes) == 1 and len(wanted.get(token, ())) == 1
    }


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
    found: dict[int, bytes] = {}
    for row in loose:
        cells = list(row.cells)
        for key in ours:
            for i in shape.key:
                cells[i] = missing[key][i]
            if hasher.row(tuple(cells)) == written[key]:
                found[row.index] = key
    times = Counter(found.values())
    return {index: key for index, key in found.items() if times[key] == 1}


def choose_keeper(group: Sequence[TabRow], hashes: Iterable[bytes | None], hasher: Hasher) -> TabRow | None:
    """Of several rows with one key the one that is as we wrote it; with people's cells beside it if possible."""
    known = set(hashes)
    ours = [row for row in group if hasher.row(row.cells) in known]
    return next((row for row in ours if row.beside), ours[0] if ours else None)
