"""A plan as the requests of spreadsheets.batchUpdate, each already JSON, so that their size is known. Pure.

The order within a batch is Google's order of application; every index is chosen for the moment at which its
request is applied.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from moneymentor_sync.core.cells import Cell, CurrentCell, Formula
from moneymentor_sync.core.fence import FENCE_NAMES, FENCE_TAB, FenceSeen
from moneymentor_sync.core.header_notes import made_with_notes
from moneymentor_sync.core.marks import Span
from moneymentor_sync.core.plan import Plan, RowUpdate
from moneymentor_sync.core.ports import Placed, TabInfo

from .google_dressing import dressing_requests

VALUE = "userEnteredValue"
NUMBER_FORMAT = "userEnteredFormat.numberFormat"
GAP_COST = 132
"""Bytes of one more updateCells request without its cells: a smaller gap is cheaper to write over."""

Request = bytes


def encode(request: dict[str, Any]) -> Request:
    return msgspec.json.encode(request)


def typed(cell: CurrentCell) -> dict[str, Any]:
    """A cell as Google's CellData: always typed, so that no text is ever taken for a formula."""
    if cell is None:
        return {}
    if isinstance(cell, bool):
        return {VALUE: {"boolValue": cell}}
    if isinstance(cell, float):
        return {VALUE: {"numberValue": int(cell) if cell.is_integer() and abs(cell) < 2**53 else cell}}
    if isinstance(cell, Formula):
        return {VALUE: {"formulaValue": cell.text}}
    return {VALUE: {"stringValue": cell}}


# --- the fence --------------------------------------------------------------------------------------------


def fence_requests(
    seen: FenceSeen, token: str, tab_id: int, accounts: Sequence[str], *, name: str = FENCE_NAMES[0]
) -> list[Request]:
    """Takes the fence that was seen away and puts a new one up; makes its hidden, protected tab if it is gone.

    First of all the requests, since the first that fails names what happened.
    """
    requests: list[dict[str, Any]] = []
    if seen.token is not None:
        requests.append({"deleteNamedRange": {"namedRangeId": seen.token}})
    if seen.tab_id is None:
        requests += _fence_tab(tab_id, accounts)
    cell = {"sheetId": tab_id, "startRowIndex": 0, "endRowIndex": 1, "startColumnIndex": 0, "endColumnIndex": 1}
    requests.append(
        {"addNamedRange": {"namedRange": {"namedRangeId": token, "name": seen.name or name, "range": cell}}}
    )
    return [encode(request) for request in requests]


def _fence_tab(tab_id: int, accounts: Sequence[str]) -> list[dict[str, Any]]:
    text = "mmsync keeps its mark here. Please leave this tab where it is."
    grid = {"rowCount": 1, "columnCount": 1}
    return [
        {
            "addSheet": {
                "properties": {"sheetId": tab_id, "title": FENCE_TAB, "hidden": True, "gridProperties": grid}
            }
        },
        {"updateCells": {"start": _start(tab_id, 0, 0), "rows": [{"values": [typed(text)]}], "fields": VALUE}},
        {
            "addProtectedRange": {
                "protectedRange": {
                    "range": {"sheetId": tab_id},
                    "description": "mmsync",
                    "editors": {"users": list(accounts)},
                }
            }
        },
    ]


# --- single requests --------------------------------------------------------------------------------------


def _start(sheet_id: int, row: int, column: int) -> dict[str, int]:
    return {"sheetId": sheet_id, "rowIndex": row, "columnIndex": column}


def update_cells(sheet_id: int, row: int, column: int, cells: Sequence[CurrentCell]) -> Request:
    """Sets cells of one row from a column on; None empties a cell; formats and notes stay."""
    return encode(
        {
            "updateCells": {
                "start": _start(sheet_id, row, column),
                "rows": [{"values": [typed(cell) for cell in cells]}],
                "fields": VALUE,
            }
        }
    )


def insert_dimension(sheet_id: int, dimension: str, start: int, count: int, *, inherit: bool) -> Request:
    span = {"sheetId": sheet_id, "dimension": dimension, "startIndex": start, "endIndex": start + count}
    return encode({"insertDimension": {"range": span, "inheritFromBefore": inherit}})


def delete_rows(sheet_id: int, start: int, end: int) -> Request:
    span = {"sheetId": sheet_id, "dimension": "ROWS", "startIndex": start, "endIndex": end}
    return encode({"deleteDimension": {"range": span}})


def append_cells(sheet_id: int, rows: Iterable[Sequence[CurrentCell]]) -> Request:
    """New rows after the last row with anything in it, wherever that is when Google applies it."""
    data = [{"values": [typed(cell) for cell in row]} for row in rows]
    return encode({"appendCells": {"sheetId": sheet_id, "rows": data, "fields": VALUE}})


def copy_values(source: dict[str, int], target: dict[str, int]) -> Request:
    return encode({"copyPaste": {"source": source, "destination": target, "pasteType": "PASTE_VALUES"}})


def grid_range(sheet_id: int, rows: tuple[int, int], columns: tuple[int, int]) -> dict[str, int]:
    return {
        "sheetId": sheet_id,
        "startRowIndex": rows[0],
        "endRowIndex": rows[1],
        "startColumnIndex": columns[0],
        "endColumnIndex": columns[1],
    }


def number_format(pattern: str) -> dict[str, str]:
    """A pattern with the type that Google wants beside it."""
    lowered = pattern.lower()
    has_date = any(mark in lowered for mark in ("y", "d"))
    has_time = any(mark in lowered for mark in ("h", "s"))
    if has_date:
        return {"type": "DATE_TIME" if has_time else "DATE", "pattern": pattern}
    return {"type": "TIME" if has_time else "NUMBER", "pattern": pattern}


def column_format(sheet_id: int, column: int, pattern: str) -> Request:
    """Sets a column's number format below the header; colours and the like stay."""
    cell = {"userEnteredFormat": {"numberFormat": number_format(pattern)}}
    span = {"sheetId": sheet_id, "startRowIndex": 1, "startColumnIndex": column, "endColumnIndex": column + 1}
    return encode({"repeatCell": {"range": span, "cell": cell, "fields": NUMBER_FORMAT}})


def clear_format(sheet_id: int, column: int, rows: Span) -> Request:
    """Takes the number format off cells of a column; colours and the like stay."""
    span = {"sheetId": sheet_id, "startRowIndex": rows[0], "startColumnIndex": column, "endColumnIndex": column + 1}
    if rows[1] is not None:
        span["endRowIndex"] = rows[1]
    return encode({"repeatCell": {"range": span, "cell": {}, "fields": NUMBER_FORMAT}})


def header_style(sheet_id: int, columns: tuple[int, int]) -> Request:
    cell = {"userEnteredFormat": {"textFormat": {"bold": True}}}
    span = grid_range(sheet_id, (0, 1), columns)
    return encode({"repeatCell": {"range": span, "cell": cell, "fields": "userEnteredFormat.textFormat.bold"}})


def freeze_header(sheet_id: int) -> Request:
    properties = {"sheetId": sheet_id, "gridProperties": {"frozenRowCount": 1}}
    return encode({"updateSheetProperties": {"properties": properties, "fields": "gridProperties.frozenRowCount"}})


def hide_column(sheet_id: int, column: int) -> Request:
    span = {"sheetId": sheet_id, "dimension": "COLUMNS", "startIndex": column, "endIndex": column + 1}
    return encode(
        {
            "updateDimensionProperties": {
                "range": span,
                "properties": {"hiddenByUser": True},
                "fields": "hiddenByUser",
            }
        }
    )


def add_tab(sheet_id: int, title: str, rows: int, columns: int, *, hidden: bool, frozen: int = 1) -> Request:
    grid = {"rowCount": rows, "columnCount": columns, "frozenRowCount": frozen}
    properties = {"sheetId": sheet_id, "title": title, "gridProperties": grid, "hidden": hidden}
    return encode({"addSheet": {"properties": properties}})


def reveal_tab(sheet_id: int, title: str) -> Request:
    properties = {"sheetId": sheet_id, "title": title, "hidden": False}
    return encode({"updateSheetProperties": {"properties": properties, "fields": "title,hidden"}})


def delete_tab(sheet_id: int) -> Request:
    return encode({"deleteSheet": {"sheetId": sheet_id}})


# --- a plan's requests ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frame:
    """Where the managed columns stand once its `requests` have been applied, and how far rows moved down.

    `headers` are the header cells written over what stood there, or into a header row that is new, `mended` the
    columns that had lost their header: where each was and where it is once the requests have been applied.
    """

    sheet_id: int
    positions: tuple[int, ...]
    shift: int
    requests: tuple[Request, ...]
    headers: tuple[Placed, ...] = ()
    mended: tuple[tuple[int, int], ...] = ()

    def row(self, index: int) -> int:
        return index + self.shift


def frame(plan: Plan, tab: TabInfo) -> Frame:
    """Columns, headers and formats: everything that must be right before a row is written."""
    layout = plan.layout
    requests: list[Request] = []
    if layout.insert_header:
        requests.append(insert_dimension(tab.sheet_id, "ROWS", 0, 1, inherit=False))
    positions, made = _columns(plan, tab, requests)
    headers = dict(layout.headers)
    if layout.insert_header:
        headers = {position: plan.shape.headers[i] for i, position in enumerate(positions)}
    shifted = {_after(at, made): text for at, text in headers.items()} if not layout.insert_header else headers
    shifted |= {positions[i]: plan.shape.headers[i] for i in layout.missing}
    if layout.fresh:  # to row 1 only if that is still blank when it is applied
        requests.append(append_cells(tab.sheet_id, [whole_row(plan.shape.headers, positions)]))
    else:
        requests += _header_cells(tab.sheet_id, shifted)
    if layout.fresh or layout.insert_header:
        requests.append(header_style(tab.sheet_id, (min(positions), max(positions) + 1)))
        requests += [] if tab.frozen_rows else [freeze_header(tab.sheet_id)]
    else:
        requests += [header_style(tab.sheet_id, (positions[i], positions[i] + 1)) for i in layout.missing]
    for i in plan.restyle:
        pattern = plan.formats[i]
        requests.append(
            column_format(tab.sheet_id, positions[i], pattern)
            if pattern
            else clear_format(tab.sheet_id, positions[i], (1, None))
        )
    requests += [clear_format(tab.sheet_id, positions[i], rows) for i, rows in plan.untext]
    for i in layout.missing:
        if plan.shape.columns[i].hidden:
            requests.append(hide_column(tab.sheet_id, positions[i]))
    requests += note_requests(tab.sheet_id, {positions[i]: plan.notes[i] for i in made_with_notes(plan)})
    if layout.fresh and plan.dressing is not None:
        filled = len(plan.inserts) + 1
        dressed = dressing_requests(
            tab.sheet_id,
            plan.dressing,
            plan.shape.headers,
            positions,
            rows=max(tab.rows, filled),
            filled=filled,
        )
        requests += map(encode, dressed)
    over = tuple((0, at, text) for at, text in shifted.items() if at not in {positions[i] for i in layout.missing})
    lost = positions if layout.insert_header else [at for at, _ in layout.headers]
    mended = tuple((at, _after(at, made)) for at in lost)
    return Frame(tab.sheet_id, positions, int(layout.insert_header), tuple(requests), over, mended)


def _header_cells(sheet_id: int, headers: dict[int, str]) -> list[Request]:
    """Header cells to write, neighbours in one request."""
    return [update_cells(sheet_id, 0, run[0], [headers[at] for at in run]) for run in _neighbours(headers)]


def note_requests(sheet_id: int, notes: Mapping[int, str]) -> list[Request]:
    """Sets the notes of cells in row 1, by column, and nothing else of them; a blank one takes a note away."""
    return [
        encode(
            {
                "updateCells": {
                    "start": _start(sheet_id, 0, run[0]),
                    "rows": [{"values": [{"note": notes[at]} if notes[at] else {} for at in run]}],
                    "fields": "note",
                }
            }
        )
        for run in _neighbours(notes)
    ]


def _neighbours(columns: Iterable[int]) -> list[list[int]]:
    """Columns as runs of those that stand side by side."""
    runs: list[list[int]] = []
    for at in sorted(columns):
        if runs and runs[-1][-1] == at - 1:
            runs[-1].append(at)
        else:
            runs.append([at])
    return runs


def _columns(plan: Plan, tab: TabInfo, requests: list[Request]) -> tuple[tuple[int, ...], list[int]]:
    """Makes missing columns, each right of the managed column before it; gives all positions afterwards."""
    count = len(plan.layout.positions)
    if plan.layout.fresh:
        if tab.columns < count:
            requests.append(
                insert_dimension(tab.sheet_id, "COLUMNS", tab.columns, count - tab.columns, inherit=True)
            )
        return tuple(range(count)), []
    positions = list(plan.layout.positions)
    made: list[int] = []
    for i in plan.layout.missing:
        before = [p for p in positions[:i] if p is not None]
        at = positions[i - 1] + 1 if i and positions[i - 1] is not None else (max(before) + 1 if before else 0)  # type: ignore[operator]  # not None
        positions = [p + 1 if p is not None and p >= at else p for p in positions]
        positions[i] = at
        made.append(at)
        requests.append(insert_dimension(tab.sheet_id, "COLUMNS", at, 1, inherit=at > 0))
    return tuple(p for p in positions if p is not None), made


def _after(position: int, made: Sequence[int]) -> int:
    for at in made:
        position += position >= at
    return position


def update_requests(plan: Plan, where: Frame) -> Iterator[tuple[Request, list[Placed]]]:
    """Each update's requests with the cells they set, row by row; a row's requests follow one another."""
    ordered = sorted(range(len(where.positions)), key=lambda i: where.positions[i])
    for update in plan.updates:
        row = where.row(update.row)
        for run in _runs(update, ordered, where.positions, set(plan.shape.key)):
            cells = [update.new[i] for i in run]
            start = where.positions[run[0]]
            placed = [(row, start + offset, cell) for offset, cell in enumerate(cells)]
            yield update_cells(where.sheet_id, row, start, cells), placed


def _runs(update: RowUpdate, ordered: Sequence[int], positions: Sequence[int], key: set[int]) -> list[list[int]]:
    """Changed columns as runs of neighbours, a small gap of our own unchanged cells included.

    A gap may not hold a key cell (those are never written over in place) nor a column of people's.
    """
    changed = set(update.changed())
    runs: list[list[int]] = []
    gap: list[int] | None = None  # our unchanged columns since the last run; None where it cannot be gone over
    last = -2
    for i in ordered:
        if positions[i] != last + 1:
            gap = None
        last = positions[i]
        if i not in changed:
            gap = None if gap is None or i in key else [*gap, i]
            continue
        if runs and gap is not None and _cost(update, gap) < GAP_COST:
            runs[-1] += [*gap, i]
        else:
            runs.append([i])
        gap = []
    return runs


def _cost(update: RowUpdate, columns: Sequence[int]) -> int:
    return sum(len(encode(typed(update.new[i]))) + 1 for i in columns)


def blanked(plan: Plan, where: Frame) -> Iterator[Placed]:
    """The managed cells of rows in which people keep something: these are emptied, the rows stay."""
    return ((where.row(index), position, None) for index in plan.blanks for position in where.positions)


def blank_requests(plan: Plan, where: Frame) -> Iterator[Request]:
    for row, position, cell in blanked(plan, where):
        yield update_cells(where.sheet_id, row, position, [cell])


def delete_requests(plan: Plan, where: Frame) -> list[Request]:
    """From the bottom up, so that each index is still right when its turn comes."""
    spans: list[list[int]] = []
    for index in plan.deletes:
        row = where.row(index)
        if spans and spans[-1][1] == row:
            spans[-1][1] = row + 1
        else:
            spans.append([row, row + 1])
    return [delete_rows(where.sheet_id, start, end) for start, end in reversed(spans)]


def whole_row(cells: Sequence[Cell], positions: Sequence[int]) -> list[Cell]:
    """Managed cells at their places in a row from column A on."""
    row: list[Cell] = [None] * (max(positions) + 1)
    for cell, position in zip(cells, positions, strict=True):
        row[position] = cell
    return row
