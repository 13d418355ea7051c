"""A person's edits, as the spreadsheet's owner in the browser: through the same API, past quota and log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from . import a1
from .accounts import OWNER
from .document import Document
from .errors import ApiError, invalid
from .grid import Json, Sheet
from .messages import Request
from .service import Service


class Person:
    """Rows and columns are counted from 0; `tab` is a title. Raises ApiError as Google would refuse."""

    def __init__(self, service: Service, spreadsheet_id: str) -> None:
        self._service, self.spreadsheet_id = service, spreadsheet_id

    @property
    def _document(self) -> Document:
        return self._service.library.documents[self.spreadsheet_id]

    def _tab(self, title: str) -> Sheet:
        sheet = self._document.titled(title)
        if sheet is None:
            raise invalid(f"Unable to parse range: {title}")
        return sheet

    def _call(self, method: str, path: str, body: Json) -> Json:
        target = f"/v4/spreadsheets/{self.spreadsheet_id}{path}"
        request = Request.of(method, target, {}, msgspec.json.encode(body))
        found: Json = msgspec.json.decode(self._service.perform(request, OWNER).body)
        return found

    def request(self, *requests: Json) -> list[Json]:
        """Sends `batchUpdate` requests as the person."""
        replies: list[Json] = self._call("POST", ":batchUpdate", {"requests": list(requests)})["replies"]
        return replies

    # --- cells -------------------------------------------------------------------------------------------

    def type(self, tab: str, row: int, column: int, text: Any) -> None:
        """Types into one cell: `=A1` is a formula, `3/4` a date, '' empties it."""
        self.type_rows(tab, row, column, [[text]])

    def type_rows(self, tab: str, row: int, column: int, rows: Sequence[Sequence[Any]]) -> None:
        """Types a block, its first cell there; None leaves a cell alone."""
        place = f"{a1.quoted(self._tab(tab).title)}!{a1.cell_name(row, column)}"
        data = [{"range": place, "values": [list(values) for values in rows]}]
        self._call("POST", "/values:batchUpdate", {"valueInputOption": "USER_ENTERED", "data": data})

    def note(self, tab: str, row: int, column: int, text: str) -> None:
        """Puts a note on a cell; '' takes it off."""
        cell = {"rows": [{"values": [{"note": text}]}], "fields": "note"}
        self.request({"updateCells": cell | {"start": self._corner(tab, row, column)}})

    def color(self, tab: str, row: int, column: int, *, red: float = 1, green: float = 1, blue: float = 0) -> None:
        """Gives a cell a background colour."""
        color = {"red": red, "green": green, "blue": blue}
        cell = {"userEnteredFormat": {"backgroundColor": color}}
        span = self._range(tab, row, row + 1, column, column + 1)
        fields = "userEnteredFormat.backgroundColor"
        self.request({"repeatCell": {"range": span, "cell": cell, "fields": fields}})

    # --- rows and columns --------------------------------------------------------------------------------

    def insert_rows(self, tab: str, at: int, count: int = 1) -> None:
        self._insert(tab, "ROWS", at, count)

    def insert_columns(self, tab: str, at: int, count: int = 1) -> None:
        self._insert(tab, "COLUMNS", at, count)

    def _insert(self, tab: str, dimension: str, at: int, count: int) -> None:
        span = self._span(tab, dimension, at, at + count)
        self.request({"insertDimension": {"range": span, "inheritFromBefore": at > 0}})

    def delete_rows(self, tab: str, at: int, count: int = 1) -> None:
        self.request({"deleteDimension": {"range": self._span(tab, "ROWS", at, at + count)}})

    def delete_columns(self, tab: str, at: int, count: int = 1) -> None:
        self.request({"deleteDimension": {"range": self._span(tab, "COLUMNS", at, at + count)}})

    def move_rows(self, tab: str, start: int, end: int, to: int) -> None:
        """Drags rows `[start, end)` to before row `to`, counted before the move."""
        source = self._span(tab, "ROWS", start, end)
        self.request({"moveDimension": {"source": source, "destinationIndex": to}})

    def move_columns(self, tab: str, start: int, end: int, to: int) -> None:
        source = self._span(tab, "COLUMNS", start, end)
        self.request({"moveDimension": {"source": source, "destinationIndex": to}})

    def hide_columns(self, tab: str, start: int, end: int) -> None:
        self._hide(tab, "COLUMNS", start, end)

    def hide_rows(self, tab: str, start: int, end: int) -> None:
        self._hide(tab, "ROWS", start, end)

    def _hide(self, tab: str, dimension: str, start: int, end: int) -> None:
        body = {"range": self._span(tab, dimension, start, end), "properties": {"hiddenByUser": True}}
        self.request({"updateDimensionProperties": body | {"fields": "hiddenByUser"}})

    def sort(self, tab: str, column: int, *, descending: bool = False, header_rows: int = 1) -> None:
        """Sorts all rows below the header by one column."""
        sheet = self._tab(tab)
        span = self._range(tab, header_rows, sheet.row_count, 0, sheet.column_count)
        order = "DESCENDING" if descending else "ASCENDING"
        spec = {"dimensionIndex": column, "sortOrder": order}
        self.request({"sortRange": {"range": span, "sortSpecs": [spec]}})

    def filter(self, tab: str) -> None:
        """Puts a filter over the whole tab."""
        self.request({"setBasicFilter": {"filter": {"range": {"sheetId": self._tab(tab).sheet_id}}}})

    # --- tabs --------------------------------------------------------------------------------------------

    def add_tab(self, title: str) -> int:
        """Adds a tab; gives its id."""
        reply = self.request({"addSheet": {"properties": {"title": title}}})[0]
        return int(reply["addSheet"]["properties"]["sheetId"])

    def rename_tab(self, tab: str, title: str) -> None:
        self._properties(tab, {"title": title})

    def hide_tab(self, tab: str) -> None:
        self._properties(tab, {"hidden": True})

    def move_tab(self, tab: str, index: int) -> None:
        self._properties(tab, {"index": index})

    def delete_tab(self, tab: str) -> None:
        self.request({"deleteSheet": {"sheetId": self._tab(tab).sheet_id}})

    def _properties(self, tab: str, given: Json) -> None:
        body = {"properties": {"sheetId": self._tab(tab).sheet_id, **given}, "fields": ",".join(given)}
        self.request({"updateSheetProperties": body})

    def protect(
        self,
        tab: str,
        row: int | None = None,
        end_row: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
        *,
        editors: Sequence[str] = (),
    ) -> int:
        """Protects an area (the whole tab where nothing is given) from all but the owner and `editors`."""
        span = self._range(tab, row, end_row, column, end_column)
        given = {"range": span, "editors": {"users": list(editors)}}
        reply = self.request({"addProtectedRange": {"protectedRange": given}})[0]
        return int(reply["addProtectedRange"]["protectedRange"]["protectedRangeId"])

    def unprotect(self, protected_range_id: int) -> None:
        self.request({"deleteProtectedRange": {"protectedRangeId": protected_range_id}})

    # --- places ------------------------------------------------------------------------------------------

    def _corner(self, tab: str, row: int, column: int) -> Json:
        return {"sheetId": self._tab(tab).sheet_id, "rowIndex": row, "columnIndex": column}

    def _span(self, tab: str, dimension: str, start: int, end: int) -> Json:
        sheet_id = self._tab(tab).sheet_id
        return {"sheetId": sheet_id, "dimension": dimension, "startIndex": start, "endIndex": end}

    def _range(
        self, tab: str, row: int | None, end_row: int | None, column: int | None, end_column: int | None
    ) -> Json:
        sides = {"startRowIndex": row, "endRowIndex": end_row, "startColumnIndex": column}
        sides["endColumnIndex"] = end_column
        found = {name: value for name, value in sides.items() if value is not None}
        return {"sheetId": self._tab(tab).sheet_id, **found}


EDITS = frozenset(
    [
        "type",
        "type_rows",
        "note",
        "color",
        "insert_rows",
        "insert_columns",
        "delete_rows",
        "delete_columns",
        "move_rows",
        "move_columns",
        "hide_columns",
        "hide_rows",
        "sort",
        "filter",
        "add_tab",
        "rename_tab",
        "hide_tab",
        "move_tab",
        "delete_tab",
        "protect",
        "unprotect",
    ]
)


def edit(person: Person, body: Json) -> Any:
    """One edit given as JSON: `{"edit": "sort", "tab": "T", "column": 2}`; names are the methods'."""
    name = body.get("edit")
    if name not in EDITS:
        raise invalid(f"unknown edit {name!r}: one of {', '.join(sorted(EDITS))}")
    arguments = {key: value for key, value in body.items() if key not in ("edit", "spreadsheet_id")}
    try:
        return getattr(person, str(name))(**arguments)
    except TypeError as error:
        raise ApiError(400, str(error)) from error
