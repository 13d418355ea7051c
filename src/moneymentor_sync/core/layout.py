"""Where the managed columns stand in a tab: found by header, never by position.

A header that vanished is put back only on proof: a column whose heading is new since the last sync and whose
cells complete rows that we know, hash for hash. Otherwise a missing column is made again, or, where the
evidence points both ways, the sync is refused.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import permutations

from .cells import CurrentCell, Formula
from .errors import HeaderDamagedError
from .rows import Hasher
from .table import Shape

USUAL_ROWS, USUAL_COLUMNS = 1_000, 26
"""The grid of a tab that a person makes; ours has the same where it costs little, for what people add."""
SPARE_CELLS = 260_000
PROOF_SHARE = 0.5
"""Share of the known rows that a renamed column must complete exactly to be taken for ours."""
_MOST_CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class KnownTab:
    """What the last sync left: the tab's id and title, hashes of all its headings, our columns' positions.

    `width` and `height` are the grid's columns and rows, `noted` the headers whose note was seen to, each with a
    digest of it (`header_notes`).
    """

    sheet_id: int
    title: str
    headings: frozenset[str]
    positions: tuple[int, ...]
    headers: tuple[str, ...]
    width: int = 26
    height: int = 1_000
    noted: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """For each managed column its index in the tab, or None where it has to be made.

    `headers` are the header cells to write, as (column index, text); `insert_header` says that row 1 holds
    data and a header row has to be put above it; `fresh` that the tab has nothing at all yet.
    """

    positions: tuple[int | None, ...]
    headers: tuple[tuple[int, str], ...] = ()
    insert_header: bool = False
    fresh: bool = False

    @property
    def missing(self) -> tuple[int, ...]:
        return tuple(i for i, position in enumerate(self.positions) if position is None)


def heading(cell: CurrentCell) -> str:
    """A header cell as text; blank where there is none. A formula is nobody's managed header."""
    if cell is None:
        return ""
    if isinstance(cell, Formula):
        return cell.text
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell).strip()


def find_layout(
    shape: Shape, header: Sequence[CurrentCell], *, empty: bool, known: KnownTab | None, where: str
) -> Layout:
    """The layout by headers alone; `empty` says that the tab has no cell at all, `where` names it in errors.

    Raises HeaderDamagedError for a header that stands twice, and for a tab with data but none of our headers
    that we never wrote.
    """
    if empty:
        return Layout(positions=(None,) * len(shape.columns), fresh=True)
    found = [heading(cell) for cell in header]
    positions: list[int | None] = []
    headers: list[tuple[int, str]] = []
    for column in shape.columns:
        wanted = column.header.strip()
        at = [i for i, text in enumerate(found) if text == wanted]
        if len(at) > 1:
            raise HeaderDamagedError(
                f"{where}: the header {wanted!r} stands in columns {_letters(at)}; nothing was written",
                hint="Rename or delete all but one of them.",
            )
        positions.append(at[0] if at else None)
        if at and header[at[0]] != column.header:
            headers.append((at[0], column.header))
    if all(position is None for position in positions):
        return _without_headers(shape, known, where)
    return Layout(tuple(positions), tuple(headers))


def _without_headers(shape: Shape, known: KnownTab | None, where: str) -> Layout:
    if known is None or known.headers != shape.headers:
        raise HeaderDamagedError(
            f"{where} has data, but none of the headers of dataset {shape.dataset!r} in row 1; nothing was written",
            hint=f"Put the headers into row 1 ({', '.join(shape.headers[:4])}, …), or choose an empty tab.",
        )
    return Layout(positions=known.positions, insert_header=True)


def header_row_is_gone(
    shape: Shape,
    layout: Layout,
    rows: Iterable[Sequence[CurrentCell]],
    is_row: Callable[[bytes, bytes], bool],
    hasher: Hasher,
) -> bool:
    """Whether the tab's rows, row 1 among them, are ours where our columns last stood: then the header row was
    deleted. Most of them have to be, hash for hash; columns that were moved as well prove nothing."""
    return _shares(shape, [layout], rows, is_row, hasher)[0] >= PROOF_SHARE


def refuse_header_elsewhere(shape: Shape, rows: Iterable[tuple[int, Sequence[CurrentCell]]], where: str) -> None:
    """Raises HeaderDamagedError where the header row was sorted or pushed down among the rows: it has people's
    headings, too, so that nothing may be made of it but row 1 again. One header alone may as well be a value."""
    wanted = {column.header.strip() for column in shape.columns}
    if len(wanted) < 2:
        return
    for index, row in rows:
        if wanted <= {heading(cell) for cell in row}:
            raise HeaderDamagedError(
                f"{where}: the headers stand in row {index + 1}, not in row 1; nothing was written",
                hint=f"Move row {index + 1} to the top of the tab.",
                rows=[index + 1],
            )


def _at(row: Sequence[CurrentCell], position: int | None) -> CurrentCell:
    return row[position] if position is not None and position < len(row) else None


def candidates(
    layout: Layout, header: Sequence[CurrentCell], width: int, known: KnownTab | None, hasher: Hasher
) -> list[int]:
    """Columns that a vanished header may have been renamed to: heading blank or new since the last sync."""
    ours = set(layout.positions)
    if known is None:
        return []
    texts = [heading(header[i]) if i < len(header) else "" for i in range(width)]
    return [
        i for i, text in enumerate(texts) if i not in ours and (not text or hasher.text(text) not in known.headings)
    ]


def resolve_missing(
    shape: Shape,
    layout: Layout,
    possible: Sequence[int],
    rows: Callable[[], Iterable[Sequence[CurrentCell]]],
    is_row: Callable[[bytes, bytes], bool],
    hasher: Hasher,
    where: str,
) -> Layout:
    """Puts vanished headers back where the rows prove which column it was; else leaves them to be made anew.

    `rows()` gives the tab's rows, `is_row(key hash, row hash)` whether such a row is known. Raises
    HeaderDamagedError where a column fits only partly: it may be ours with edits, or a person's.
    """
    missing = layout.missing
    filled = {i for row in rows() for i in possible if i < len(row) and row[i] is not None}
    possible = [i for i in possible if i in filled]
    if not missing or not possible:
        return layout
    choices = list(_assignments(possible, len(missing)))
    layouts = [_placed(layout, missing, choice) for choice in choices]
    shares = _shares(shape, layouts, rows(), is_row, hasher, missing)
    share, choice = max(zip(shares, choices, strict=True), default=(0.0, ()))
    if share == 0.0:
        return layout
    if share < PROOF_SHARE:
        raise HeaderDamagedError(
            f"{where}: the header {shape.headers[missing[0]]!r} is gone, and column {_letters(choice)} may be "
            "it or may not; nothing was written",
            hint=f"Write {shape.headers[missing[0]]!r} back into row 1 of its column, or delete the column.",
        )
    put_back = tuple((at, shape.headers[i]) for i, at in zip(missing, choice, strict=True))
    return replace(_placed(layout, missing, choice), headers=layout.headers + put_back)


def _assignments(possible: Sequence[int], count: int) -> Iterable[tuple[int, ...]]:
    if count == 1:
        return [(i,) for i in possible]
    if len(possible) <= _MOST_CANDIDATES:
        return list(permutations(possible, count))
    return [tuple(possible[:count])] if len(possible) == count else []


def _placed(layout: Layout, missing: Sequence[int], choice: Sequence[int]) -> Layout:
    positions = list(layout.positions)
    for i, at in zip(missing, choice, strict=True):
        positions[i] = at
    return replace(layout, positions=tuple(positions))


def _shares(
    shape: Shape,
    layouts: Sequence[Layout],
    rows: Iterable[Sequence[CurrentCell]],
    is_row: Callable[[bytes, bytes], bool],
    hasher: Hasher,
    proving: Sequence[int] = (),
) -> list[float]:
    """For each layout the share of the rows that are known by it; with `proving` columns the share of those that
    have something in them, if that is less: any blank column completes rows that have nothing there. One pass over
    the rows, however many layouts: a person may have filled thousands of columns."""
    counts = [_Count() for _ in layouts]
    for row in rows:
        for count, layout in zip(counts, layouts, strict=True):
            cells = tuple([_at(row, position) for position in layout.positions])
            if any(cell is not None for cell in cells):
                hit = is_row(hasher.key(tuple([cells[i] for i in shape.key])), hasher.row(cells))
                count.add(hit, proves=any(cells[i] is not None for i in proving))
    return [count.share(proven=bool(proving)) for count in counts]


@dataclass(slots=True)
class _Count:
    """Rows seen, those of them that are known, and both again of the rows that prove something."""

    rows: int = 0
    hits: int = 0
    proving: int = 0
    proved: int = 0

    def add(self, hit: bool, *, proves: bool) -> None:
        self.rows += 1
        self.hits += hit
        self.proving += proves
        self.proved += hit and proves

    def share(self, *, proven: bool) -> float:
        share = self.hits / self.rows if self.rows else 0.0
        return min(share, self.proved / self.proving if self.proving else 0.0) if proven else share


def _letters(columns: Sequence[int]) -> str:
    return " and ".join(column_letter(i) for i in columns)


def column_letter(index: int) -> str:
    """0 -> A, 25 -> Z, 26 -> AA."""
    letters = ""
    index += 1
    while index:
        index, rest = divmod(index - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def new_grid(rows: int, columns: int) -> tuple[int, int]:
    """The grid of a new tab for so many rows, the header's among them: a usual one while that is small, else
    just what is needed (at least one row below the header, since Google freezes no tab whole)."""
    usual = max(rows, USUAL_ROWS), max(columns, USUAL_COLUMNS)
    return usual if usual[0] * usual[1] <= SPARE_CELLS else (max(2, rows), columns)
