"""After a write that did not land where it was planned: which of people's cells it hit, and what was in them.

Nothing locks a spreadsheet, so a person can move a column or insert a row between our last read and our
write. Managed cells are mended by planning again; this finds the others. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from .cells import CurrentCell
from .layout import heading
from .ports import Landing, Placed, TabView

Grid = Mapping[int, Sequence[CurrentCell]]
"""Rows by index, each its cells from column A on."""


def repairs(
    landing: Landing, headers: Sequence[str], key: Sequence[int], tab: TabView, now: TabView
) -> list[tuple[int, int, CurrentCell]]:
    """The cells to write after a write that did not land as planned, as (row, column, value).

    `headers` are the managed ones and `key` says which of them are the key; `tab` is what was read before the
    write, `now` what is there after it.
    """
    managed = [header.strip() for header in headers]
    names = [heading(cell) for cell in now.header]
    rows = dict(now.rows())
    before = dict(tab.rows()) if landing.cells else {}
    keys = [managed[i] for i in key]
    cells = cells_to_put_back(landing.cells, managed, keys, tab.header, before, now.header, rows)
    if [names[p] if p < len(names) else "" for p in landing.positions] != managed:
        cells += rows_to_empty(landing.appended, rows)
    return cells


def cells_to_put_back(
    written: Sequence[Placed],
    managed: Sequence[str],
    key_headers: Sequence[str],
    before_header: Sequence[CurrentCell],
    before: Grid,
    now_header: Sequence[CurrentCell],
    now: Grid,
) -> list[tuple[int, int, CurrentCell]]:
    """The cells to write, as (row, column, value), so that people have again what they had.

    A cell that we wrote and that now stands under a heading which is not ours gets what stood there before,
    found by its row's key and its heading; under a heading that is new, or in a row without a key, it was
    blank. Cells under our own headings in rows with a key are left to the next plan.
    """
    names = [heading(cell) for cell in now_header]
    old_names = [heading(cell) for cell in before_header]
    old_rows = {_key(row, old_names, key_headers): row for row in before.values()}
    result: list[tuple[int, int, CurrentCell]] = []
    for row, column, _ in written:
        name = names[column] if column < len(names) else ""
        key = _key(now.get(row, ()), names, key_headers)
        if name in managed and key is not None:
            continue
        result.append((row, column, _former(old_rows.get(key), old_names, name) if key is not None else None))
    return result


def rows_to_empty(appended: Sequence[Sequence[CurrentCell]], now: Grid) -> list[tuple[int, int, CurrentCell]]:
    """The cells of new rows that came to stand under wrong headings, each to be emptied.

    Such a row holds just what was sent, in the columns it was sent to; with anything else in it it is left.
    """
    sent = {_exact(row) for row in appended}
    return [
        (index, column, None)
        for index, row in now.items()
        if _exact(row) in sent
        for column, cell in enumerate(row)
        if cell is not None
    ]


def _exact(row: Sequence[CurrentCell]) -> tuple[tuple[str, CurrentCell], ...]:
    cells = list(row)
    while cells and cells[-1] is None:
        cells.pop()
    return tuple((type(cell).__name__, cell) for cell in cells)


def _key(
    row: Sequence[CurrentCell], names: Sequence[str], key_headers: Sequence[str]
) -> tuple[CurrentCell, ...] | None:
    cells = []
    for header in key_headers:
        at = names.index(header) if header in names else -1
        cells.append(row[at] if 0 <= at < len(row) else None)
    return None if None in cells else tuple(cells)


def _former(row: Sequence[CurrentCell] | None, names: Sequence[str], name: str) -> CurrentCell:
    if row is None or not name or name not in names:
        return None
    at = names.index(name)
    return row[at] if at < len(row) else None
