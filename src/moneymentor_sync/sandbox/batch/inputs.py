"""Reads the messages that many requests share: ranges, coordinates, spans of rows or columns, masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .. import a1, masks
from ..a1 import Area, Box
from ..document import Document
from ..errors import bad_json, invalid
from ..grid import Json, Sheet
from ..masks import Mask

_SIDES = ("startRowIndex", "endRowIndex", "startColumnIndex", "endColumnIndex")


def part(body: Json, name: str) -> Json:
    """A message inside a message. Refuses where it is missing or no object."""
    value = body.get(name)
    if value is None:
        raise invalid(f"No {name} specified.")
    if not isinstance(value, dict):
        raise bad_json(f"Invalid value at '{name}', {value!r}", name)
    return value


def integer(body: Json, name: str, default: int | None = None) -> int | None:
    """A whole number, given as a number or as its text (as JSON of protocol buffers allows)."""
    value = body.get(name)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise bad_json(f"Invalid value at '{name}' (TYPE_INT32), {value!r}", name)
    try:
        return int(value)
    except ValueError as error:
        raise bad_json(f"Invalid value at '{name}' (TYPE_INT32), \"{value}\"", name) from error


def sheet_of(document: Document, body: Json, name: str = "sheetId") -> Sheet:
    """The tab that a message names; 0 where it names none, as Google does."""
    return document.sheet(integer(body, name, 0) or 0)


def area(document: Document, body: Json) -> tuple[Sheet, Area]:
    """A GridRange: its tab, and the area with open sides left open. Refuses what lies outside the grid."""
    sheet = sheet_of(document, body)
    sides = [integer(body, name) for name in _SIDES]
    found = Area(*sides)
    for name, value in zip(_SIDES, sides, strict=True):
        if value is not None and value < 0:
            raise invalid(f"GridRange.{name}[{value}] must be >= 0.")
    for start, end, what in ((sides[0], sides[1], "Row"), (sides[2], sides[3], "Column")):
        if start is not None and end is not None and start > end:
            raise invalid(f"range.start{what}Index[{start}] must be less than or equal to end{what}Index[{end}].")
    outside = (
        (found.row or 0) > sheet.row_count
        or (found.end_row or 0) > sheet.row_count
        or (found.column or 0) > sheet.column_count
        or (found.end_column or 0) > sheet.column_count
    )
    if outside:
        raise invalid(
            f"Range ({a1.area_name(sheet.title, found)}) exceeds grid limits. "
            f"Max rows: {sheet.row_count}, max columns: {sheet.column_count}"
        )
    return sheet, found


def box(document: Document, body: Json) -> tuple[Sheet, Box]:
    """A GridRange with its open sides closed by the grid."""
    sheet, found = area(document, body)
    return sheet, found.clipped(sheet.row_count, sheet.column_count)


def coordinate(document: Document, body: Json) -> tuple[Sheet, int, int]:
    """A GridCoordinate: tab, row, column. Refuses what lies outside the grid."""
    sheet = sheet_of(document, body)
    row, column = integer(body, "rowIndex", 0) or 0, integer(body, "columnIndex", 0) or 0
    if row >= sheet.row_count:
        raise invalid(f"GridCoordinate.rowIndex[{row}] is after last row in grid[{sheet.row_count}]")
    if column >= sheet.column_count:
        raise invalid(f"GridCoordinate.columnIndex[{column}] is after last column in grid[{sheet.column_count}]")
    return sheet, row, column


@dataclass(frozen=True, slots=True)
class Span:
    """A DimensionRange: some rows, or some columns, of one tab."""

    sheet: Sheet
    by_rows: bool
    start: int
    end: int

    @property
    def count(self) -> int:
        return self.end - self.start

    @property
    def size(self) -> int:
        """How many rows (or columns) the tab has."""
        return self.sheet.row_count if self.by_rows else self.sheet.column_count

    @property
    def word(self) -> str:
        return "row" if self.by_rows else "column"

    @property
    def box(self) -> Box:
        whole = self.sheet.box
        if self.by_rows:
            return Box(self.start, self.end, 0, whole.end_column)
        return Box(0, whole.end_row, self.start, self.end)


def span(document: Document, body: Json) -> Span:
    """Reads a DimensionRange; an open end is the grid's."""
    sheet = sheet_of(document, body)
    dimension = body.get("dimension")
    if dimension not in ("ROWS", "COLUMNS"):
        raise invalid("No dimension specified." if dimension is None else f"Invalid dimension: {dimension}")
    by_rows = dimension == "ROWS"
    size = sheet.row_count if by_rows else sheet.column_count
    start, end = integer(body, "startIndex", 0) or 0, integer(body, "endIndex")
    end = size if end is None else end
    if start < 0 or end < 0:
        raise invalid("DimensionRange indexes must be >= 0")
    if start > end:
        raise invalid(f"DimensionRange.startIndex[{start}] must be less than endIndex[{end}]")
    return Span(sheet, by_rows, start, end)


def mask(body: Json, *, root: str | None = None) -> Mask:
    """The `fields` of an update request. Refuses a missing one, as Google does."""
    found = parsed_mask(body.get("fields"))
    if root is not None and set(found) == {root}:
        return found[root]
    return found


def parsed_mask(text: object) -> Mask:
    """The tree of a `fields` text. Refuses a missing one."""
    if not text or not isinstance(text, str):
        raise invalid("At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)")
    return masks.parse(text)


def items(body: Json, name: str) -> list[Any]:
    """A repeated field."""
    value = body.get(name) or []
    if not isinstance(value, list):
        raise bad_json(f"Invalid value at '{name}', expected a list", name)
    return value
