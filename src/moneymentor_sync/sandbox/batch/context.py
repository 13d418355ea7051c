"""What a request of `spreadsheets.batchUpdate` works on, and the register of the kinds that are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import msgspec

from .. import describe
from ..a1 import MAX_COLUMNS, Area, Box
from ..document import Document
from ..errors import PROTECTED, invalid
from ..grid import Json, Sheet

MAX_CELLS = 10_000_000
TOO_MANY_CELLS = "This action would increase the number of cells in the workbook above the limit of {limit} cells."

Handler: TypeAlias = "Callable[[Context, Any], Json | None]"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of request: what carries it out, and how its message is read."""

    handler: Handler
    decoder: msgspec.json.Decoder[Any]


KINDS: dict[str, Kind] = {}


@dataclass(frozen=True, slots=True)
class Context:
    """One draft, who changes it, and the limits. `now` is seconds since 1970, `year` the current year."""

    document: Document
    caller: str
    max_cells: int = MAX_CELLS
    year: int = 1970

    def guard(self, sheet: Sheet, box: Box) -> None:
        """Refuses what a protected range forbids this caller to change."""
        for item in sheet.extras.protected.values():
            if describe.may_edit(self.document, item, self.caller):
                continue
            protected = item.area.clipped(sheet.row_count, sheet.column_count)
            if protected.meets(box) and not self._excepted(item.body, sheet, box):
                raise invalid(PROTECTED)

    def guard_gap(self, sheet: Sheet, at: int, *, by_rows: bool) -> None:
        """Refuses to push a protected range apart; right before it or behind it there is room."""
        for item in sheet.extras.protected.values():
            area = item.area.clipped(sheet.row_count, sheet.column_count)
            start, end = (area.row, area.end_row) if by_rows else (area.column, area.end_column)
            if start < at < end:
                inside = (
                    replace(area, row=at, end_row=at + 1)
                    if by_rows
                    else replace(area, column=at, end_column=at + 1)
                )
                self.guard(sheet, inside)

    @staticmethod
    def _excepted(body: Json, sheet: Sheet, box: Box) -> bool:
        """True where the box lies in an unprotected part of a protected tab."""
        for given in body.get("unprotectedRanges", []):
            area = Area(
                given.get("startRowIndex"),
                given.get("endRowIndex"),
                given.get("startColumnIndex"),
                given.get("endColumnIndex"),
            )
            if area.clipped(sheet.row_count, sheet.column_count).contains(box):
                return True
        return False

    def guard_tab(self, sheet: Sheet) -> None:
        """Refuses to change a tab's own properties where the whole tab is protected from this caller."""
        for item in sheet.extras.protected.values():
            if item.area == Area() and not describe.may_edit(self.document, item, self.caller):
                raise invalid(PROTECTED)

    def room_for(self, cells: int) -> None:
        """Refuses what would make the workbook larger than Google allows; called before growing."""
        if cells > 0 and self.document.cell_count + cells > self.max_cells:
            raise invalid(TOO_MANY_CELLS.format(limit=self.max_cells))

    def grow(self, sheet: Sheet, rows: int, columns: int) -> None:
        """Makes the grid at least that large."""
        rows, columns = max(rows, sheet.row_count), max(columns, sheet.column_count)
        if columns > MAX_COLUMNS:
            raise invalid(
                f"This action would increase the number of columns in the sheet above the limit of {MAX_COLUMNS} "
                "columns."
            )
        self.room_for(rows * columns - sheet.cell_count)
        if rows > sheet.row_count:
            sheet.writable().extend([None] * (rows - sheet.row_count))
        if columns > sheet.column_count:
            sheet.columns = sheet.columns + [None] * (columns - sheet.column_count)
            sheet.column_count = columns


def handles(kind: str, message: Any = Json) -> Callable[[Handler], Handler]:
    """Registers the handler of one kind of request; `message` is the type its JSON is read into."""

    def register(handler: Handler) -> Handler:
        KINDS[kind] = Kind(handler, msgspec.json.Decoder(message))
        return handler

    return register
