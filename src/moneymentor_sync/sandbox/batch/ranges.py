"""Requests that move cells inside a tab: sortRange, insertRange, deleteRange."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .. import render
from ..a1 import Box
from ..cells import CellError, Formula, Plain, Value
from ..errors import invalid
from ..formula import follow
from ..grid import Json, Row, Sheet, Style
from ..styles import POOL
from . import inputs
from .context import Context, handles
from .dimensions import delete, insert
from .inputs import Span
from .merging import overlapping
from .paste import clear, move_block

# --- sorting ----------------------------------------------------------------------------------------------


@handles("sortRange")
def sort_range(context: Context, body: Json) -> None:
    sheet, box = inputs.box(context.document, inputs.part(body, "range"))
    specs = inputs.items(body, "sortSpecs")
    context.guard(sheet, box)
    if overlapping(sheet, box):
        raise invalid("You can't sort a range that contains merged cells.")
    sort(context, sheet, box, specs)


def sort(context: Context, sheet: Sheet, box: Box, specs: list[Json]) -> None:
    """Sorts the box's rows; notes, formats and row metadata go along with whole rows."""
    order = list(range(box.row, box.end_row))
    for spec in reversed(specs):
        column = inputs.integer(spec, "dimensionIndex", 0) or 0
        if not box.column <= column < box.end_column:
            raise invalid(f"sortSpecs.dimensionIndex[{column}] must be within the range being sorted.")
        descending = spec.get("sortOrder") == "DESCENDING"
        keys = {row: _key(render.effective(context.document, sheet, row, column)) for row in order}
        blanks = [row for row in order if keys[row] is None]
        filled = [row for row in order if keys[row] is not None]
        order = sorted(filled, key=keys.__getitem__, reverse=descending) + blanks
    _apply(sheet, box, order)
    _move_metadata(context, sheet, box, order)


def _key(value: Plain) -> Any:
    """Numbers, then texts, then booleans, then errors; blanks (None) always come last."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return (2, value)
    if isinstance(value, CellError):
        return (3, value.sign)
    if isinstance(value, str):
        return (1, value.casefold(), value)
    return (0, value)


def _apply(sheet: Sheet, box: Box, order: list[int]) -> None:
    taken = [_slice(sheet.rows[row], box) for row in order]
    whole = box.column == 0 and box.end_column >= sheet.column_count
    for offset, (old, part) in enumerate(zip(order, taken, strict=True)):
        index = box.row + offset
        if index == old:
            continue
        if sheet.has_formulas:
            part = part.moved(index - old)
        part.put(sheet, index, box, whole)


def _slice(row: Row | None, box: Box) -> _Part:
    if row is None:
        return _Part([], [], {})
    notes = {key: text for key, text in (row.notes or {}).items() if box.column <= key < box.end_column}
    return _Part(row.cells[box.column : box.end_column], list(row.styles[box.column : box.end_column]), notes)


class _Part:
    """The part of one row that is being sorted."""

    def __init__(self, cells: list[Value], styles: list[Style | None], notes: dict[int, str]) -> None:
        self.cells, self.styles, self.notes = cells, styles, notes

    def moved(self, rows: int) -> _Part:
        cells = [follow.offset(value, rows, 0) if type(value) is Formula else value for value in self.cells]
        return _Part(cells, self.styles, self.notes)

    def put(self, sheet: Sheet, index: int, box: Box, whole: bool) -> None:
        row = sheet.own(index)
        if whole:
            row.cells, row.styles, row.notes = self.cells, POOL.row(self.styles), self.notes or None
            row.trim()
            return
        row.cells = _spliced(row.cells, self.cells, box)
        row.trim()
        if row.styles or self.styles:
            row.styles = POOL.row(_spliced(list(row.styles), self.styles, box))
        outside = {key: text for key, text in (row.notes or {}).items() if not box.column <= key < box.end_column}
        row.notes = (outside | self.notes) or None


def _spliced(old: list[Any], new: list[Any], box: Box) -> list[Any]:
    """`old` with the box's columns replaced."""
    head = old[: box.column] + [None] * (box.column - len(old))
    return head + new + [None] * (box.width - len(new)) + old[box.end_column :]


def _move_metadata(context: Context, sheet: Sheet, box: Box, order: list[int]) -> None:
    goes_to = {old: box.row + offset for offset, old in enumerate(order)}
    for key, item in context.document.metadata.items():
        if (item.sheet_id, item.dimension) == (sheet.sheet_id, "ROWS") and item.index in goes_to:
            context.document.metadata[key] = replace(item, index=goes_to[item.index])


# --- insertRange, deleteRange -----------------------------------------------------------------------------


@handles("insertRange")
def insert_range(context: Context, body: Json) -> None:
    """Shifts cells down or to the right; the last ones must be blank or the grid grows."""
    sheet, box = inputs.box(context.document, inputs.part(body, "range"))
    by_rows = _by_rows(body)
    context.guard(sheet, _affected(sheet, box, by_rows))
    if by_rows and box.width == sheet.column_count:
        insert(context, Span(sheet, True, box.row, box.end_row), inherit_before=box.row > 0)
        return
    if not by_rows and box.height == sheet.row_count:
        insert(context, Span(sheet, False, box.column, box.end_column), inherit_before=box.column > 0)
        return
    if by_rows:
        context.grow(sheet, sheet.row_count + box.height, sheet.column_count)
        rest = Box(box.row, sheet.row_count - box.height, box.column, box.end_column)
        move_block(context, sheet, rest, sheet, rest.shifted(box.height, 0))
    else:
        context.grow(sheet, sheet.row_count, sheet.column_count + box.width)
        rest = Box(box.row, box.end_row, box.column, sheet.column_count - box.width)
        move_block(context, sheet, rest, sheet, rest.shifted(0, box.width))


@handles("deleteRange")
def delete_range(context: Context, body: Json) -> None:
    """Takes cells out; what was below or to the right of them moves up or left."""
    sheet, box = inputs.box(context.document, inputs.part(body, "range"))
    by_rows = _by_rows(body)
    context.guard(sheet, _affected(sheet, box, by_rows))
    if by_rows and box.width == sheet.column_count and box.height < sheet.row_count:
        delete(context, Span(sheet, True, box.row, box.end_row))
        return
    if not by_rows and box.height == sheet.row_count and box.width < sheet.column_count:
        delete(context, Span(sheet, False, box.column, box.end_column))
        return
    if by_rows:
        _take_up(context, sheet, box, Box(box.end_row, sheet.row_count, box.column, box.end_column))
    else:
        _take_up(context, sheet, box, Box(box.row, box.end_row, box.end_column, sheet.column_count))


def _take_up(context: Context, sheet: Sheet, gone: Box, rest: Box) -> None:
    """Moves the rest over what is gone; clears that first, since the rest may be smaller or nothing."""
    clear(sheet, gone, "PASTE_NORMAL")
    if rest.height and rest.width:
        moved = rest.shifted(gone.row - rest.row, gone.column - rest.column)
        move_block(context, sheet, rest, sheet, moved)


def _by_rows(body: Json) -> bool:
    dimension = body.get("shiftDimension")
    if dimension not in ("ROWS", "COLUMNS"):
        raise invalid("No shiftDimension specified.")
    return bool(dimension == "ROWS")


def _affected(sheet: Sheet, box: Box, by_rows: bool) -> Box:
    if by_rows:
        return replace(box, end_row=sheet.row_count)
    return replace(box, end_column=sheet.column_count)
