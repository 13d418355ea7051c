"""A saved tab as the requests of spreadsheets.batchUpdate, each already JSON, so that their size is known. Pure.

`content` fills a grid that has nothing in it yet; `around` is what lies over the cells, and the grid itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from moneymentor_sync.core.backups import USUAL_COLUMN, USUAL_ROW, Dimension, Entered, SavedCell, SavedRow, SavedTab
from moneymentor_sync.core.restoring import on_tab

from .google_requests import Request, encode, grid_range

Json = Mapping[str, Any]
CELL = "userEnteredValue,userEnteredFormat,dataValidation,note,textFormatRuns,pivotTable"
"""All that a restore writes of a cell."""
STYLE = "userEnteredFormat,dataValidation"
BLOCK_BYTES = 200_000
MOST_HEIGHTS = 3_000
"""Rows that are not as high as usual are set one by one up to so many runs of them; then only the hidden ones."""


class _Block:
    """Cells of rows that follow one another, at the same columns, in one updateCells."""

    def __init__(self, sheet_id: int, fields: str) -> None:
        self._sheet_id, self._fields = sheet_id, fields
        self._at = (-1, -1, -1)
        self._next = -1
        self._rows: list[bytes] = []
        self._size = 0

    def add(self, row: int, column: int, cells: Sequence[bytes]) -> Iterator[Request]:
        """Takes cells in; gives what was collected before where they do not go on from that."""
        fits = row == self._next and (column, len(cells)) == self._at[1:] and self._size < BLOCK_BYTES
        if not fits:
            yield from self.close()
            self._at = (row, column, len(cells))
        self._rows.append(b'{"values":[' + b",".join(cells) + b"]}")
        self._size += len(self._rows[-1]) + 1
        self._next = row + 1

    def close(self) -> Iterator[Request]:
        if self._rows:
            row, column, _ = self._at
            start = {"sheetId": self._sheet_id, "rowIndex": row, "columnIndex": column}
            head = encode({"start": start, "fields": self._fields})
            yield b'{"updateCells":' + head[:-1] + b',"rows":[' + b",".join(self._rows) + b"]}}"
        self._rows, self._size = [], 0


_encode = msgspec.json.Encoder().encode


def typed(cell: SavedCell) -> bytes:
    """A cell as it was entered; what a formula elsewhere showed in it was not."""
    if isinstance(cell, Entered):
        return b"{}" if cell.formula is None else _value("formulaValue", cell.formula)
    if cell is None:
        return b"{}"
    if isinstance(cell, bool):
        return _value("boolValue", cell)
    return _value("stringValue" if isinstance(cell, str) else "numberValue", cell)


def _value(kind: str, value: object) -> bytes:
    return _encode({"userEnteredValue": {kind: value}})


def is_formula(cell: SavedCell) -> bool:
    return isinstance(cell, Entered) and cell.formula is not None


def content(rows: Iterable[SavedRow], styles: Sequence[Json], sheet_id: int, *, values: bool) -> Iterator[Request]:
    """The cells' content from what was saved; with `values` all of them, else only formulas, for plain values go
    another way. `styles` fills as the rows are gone through."""
    entered = _Block(sheet_id, "userEnteredValue")
    notes = _Block(sheet_id, "note")
    runs = _Block(sheet_id, "textFormatRuns")
    looks = _Looks(sheet_id, styles)
    later: list[Request] = []
    for row in rows:
        yield from looks.add(row)
        for column, cells in _stretches(row, every=values):
            yield from entered.add(row.index, column, [typed(cell) for cell in cells])
        for column, note in sorted(row.notes.items()):
            yield from notes.add(row.index, column, [_encode({"note": note})])
        for column, extra in sorted(row.extras.items()):
            if "textFormatRuns" in extra:
                kept = _encode({"textFormatRuns": extra["textFormatRuns"]})
                later += runs.add(row.index, column, [kept])
    for part in (looks.close(), entered.close(), notes.close()):
        yield from part
    yield from (*later, *runs.close())  # a text's runs go when the text is written


def _stretches(row: SavedRow, *, every: bool) -> Iterator[tuple[int, list[SavedCell]]]:
    """The cells to be written, side by side."""
    if every:
        if row.cells:
            yield 0, row.cells
        return
    start = 0
    while start < len(row.cells):
        if not is_formula(row.cells[start]):
            start += 1
            continue
        end = start + 1
        while end < len(row.cells) and is_formula(row.cells[end]):
            end += 1
        yield start, row.cells[start:end]
        start = end


class _Looks:
    """Formats and validation rules: rows that look alike and follow one another are one block."""

    def __init__(self, sheet_id: int, styles: Sequence[Json]) -> None:
        self._sheet_id, self._styles = sheet_id, styles
        self._row: list[int] = []
        self._first = self._next = 0

    def add(self, row: SavedRow) -> Iterator[Request]:
        if row.index == self._next and (row.styles is self._row or row.styles == self._row):
            self._next += 1
            return
        yield from self.close()
        self._row, self._first, self._next = row.styles, row.index, row.index + 1

    def close(self) -> Iterator[Request]:
        start = 0
        while start < len(self._row):
            end, number = start + 1, self._row[start]
            while end < len(self._row) and self._row[end] == number:
                end += 1
            if number >= 0:
                area = grid_range(self._sheet_id, (self._first, self._next), (start, end))
                yield encode({"repeatCell": {"range": area, "cell": self._styles[number], "fields": STYLE}})
            start = end
        self._row = []


def pivots(rows: Iterable[SavedRow], sheet_id: int) -> Iterator[Request]:
    """Pivot tables, which go right into their tab."""
    for row in rows:
        for column, extra in row.extras.items():
            if "pivotTable" in extra:
                start = {"sheetId": sheet_id, "rowIndex": row.index, "columnIndex": column}
                cell = {"pivotTable": extra["pivotTable"]}
                given = {"start": start, "rows": [{"values": [cell]}], "fields": "pivotTable"}
                yield encode({"updateCells": given})


# --- the grid, and what lies over it ----------------------------------------------------------------------


def clear(sheet_id: int) -> list[Request]:
    """Empties a tab of all that a restore writes."""
    return [
        encode({"unmergeCells": {"range": {"sheetId": sheet_id}}}),
        encode({"updateCells": {"range": {"sheetId": sheet_id}, "fields": CELL}}),
    ]


def copy_over(source: int, target: int, size: tuple[int, int]) -> Request:
    """All of one tab over another of the same size: values, formulas as they stand, formats, notes, rules."""
    areas = (grid_range(one, (0, size[0]), (0, size[1])) for one in (source, target))
    return encode({"copyPaste": dict(zip(("source", "destination"), areas, strict=True))})


def resize(saved: SavedTab, sheet_id: int) -> list[Request]:
    """Nothing frozen first: Google removes no row that would leave only frozen ones."""
    rows, columns = saved.size
    size = {"rowCount": rows, "columnCount": columns}
    return [
        _grid(sheet_id, {"frozenRowCount": 0, "frozenColumnCount": 0}),
        _grid(sheet_id, size),
    ]


def _grid(sheet_id: int, given: Json) -> Request:
    fields = f"gridProperties({','.join(given)})"
    properties = {"sheetId": sheet_id, "gridProperties": given}
    return encode({"updateSheetProperties": {"properties": properties, "fields": fields}})


def take_off(now: Json, sheet_id: int) -> list[Request]:
    """Takes off what lies over a tab's cells now; protected ranges and charts stay."""
    found = [{"deleteConditionalFormatRule": {"sheetId": sheet_id, "index": 0}}] * len(
        now.get("conditionalFormats", ())
    )
    if now.get("basicFilter"):
        found.append({"clearBasicFilter": {"sheetId": sheet_id}})
    found += [{"deleteFilterView": {"filterId": one["filterViewId"]}} for one in now.get("filterViews", ())]
    found += [{"deleteBanding": {"bandedRangeId": one["bandedRangeId"]}} for one in now.get("bandedRanges", ())]
    return [encode(one) for one in found]


_OVER = ("merges", "conditionalFormats", "bandedRanges", "filterViews")
_OTHER_WAYS = ("namedRangeId", "tableId", "bandedRangeReference")
"""By which Google tells once more where something lies; only one way may be given."""


def put_on(saved: SavedTab, sheet_id: int, now: SavedTab | None) -> list[Request]:
    """Puts on what lay over the tab's cells, and makes rows and columns as they were; `now` is the tab that the
    saved one goes over, None for a new one."""
    about = saved.about
    over = {name: [_placed(one, sheet_id) for one in about.get(name, ())] for name in _OVER}
    found: list[dict[str, Any]] = []
    found += [{"mergeCells": {"range": one, "mergeType": "MERGE_ALL"}} for one in over["merges"]]
    found += [
        {"addConditionalFormatRule": {"rule": rule, "index": number}}
        for number, rule in enumerate(over["conditionalFormats"])
    ]
    found += [{"addBanding": {"bandedRange": one}} for one in over["bandedRanges"]]
    found += [{"addFilterView": {"filter": one}} for one in over["filterViews"]]
    if about.get("basicFilter"):  # without its order: Google would sort the rows anew
        kept = {name: one for name, one in _placed(about["basicFilter"], sheet_id).items() if name != "sortSpecs"}
        found.append({"setBasicFilter": {"filter": kept}})
    grid = about["properties"]["gridProperties"]
    frozen = {name: int(grid.get(name, 0)) for name in ("frozenRowCount", "frozenColumnCount")}
    last = _grid(sheet_id, {**frozen, "hideGridlines": bool(grid.get("hideGridlines"))})
    sizes = [
        *_sizes(sheet_id, "ROWS", saved.rows, now.rows if now else (), USUAL_ROW),
        *_sizes(sheet_id, "COLUMNS", saved.columns, now.columns if now else (), USUAL_COLUMN),
    ]
    return [*map(encode, found), *sizes, last]


def _placed(given: Json, sheet_id: int) -> dict[str, Any]:
    placed: dict[str, Any] = on_tab(given, sheet_id)
    return {name: value for name, value in placed.items() if name not in _OTHER_WAYS}


def _sizes(
    sheet_id: int, dimension: str, runs: Sequence[Dimension], now: Sequence[Dimension], usual: int
) -> Iterator[Request]:
    """Heights or widths, and what is hidden: all as usual first, then those that are not.

    Google fits the height of a row to its texts until somebody sets it, so that none is set without need.
    """
    exact = len(runs) <= MOST_HEIGHTS
    reset = exact and any(pixels != usual for pixels, _, _ in now)
    yield _size(sheet_id, dimension, None, {"hiddenByUser": False} | ({"pixelSize": usual} if reset else {}))
    first = 0
    for pixels, hidden, count in runs:
        given = {"hiddenByUser": hidden} | ({"pixelSize": pixels} if exact and pixels != usual else {})
        if hidden or len(given) > 1:
            yield _size(sheet_id, dimension, (first, first + count), given)
        first += count


def _size(sheet_id: int, dimension: str, span: tuple[int, int] | None, given: Json) -> Request:
    where: dict[str, Any] = {"sheetId": sheet_id, "dimension": dimension}
    if span is not None:
        where |= {"startIndex": span[0], "endIndex": span[1]}
    body = {"range": where, "properties": given, "fields": ",".join(given)}
    return encode({"updateDimensionProperties": body})
