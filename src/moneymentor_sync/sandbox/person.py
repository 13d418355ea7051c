"""A person's edits, as the spreadsheet's owner in the browser: through the same API, past quota and log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .errors import ApiError, invalid
from .grid import Json
from .layers import Layers


class Person(Layers):
    """Rows and columns are counted from 0; `tab` is a title. Raises ApiError as Google would refuse."""

    # --- cells -------------------------------------------------------------------------------------------

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

    def show_columns(self, tab: str, start: int, end: int) -> None:
        self._hide(tab, "COLUMNS", start, end, hidden=False)

    def show_rows(self, tab: str, start: int, end: int) -> None:
        self._hide(tab, "ROWS", start, end, hidden=False)

    def _hide(self, tab: str, dimension: str, start: int, end: int, *, hidden: bool = True) -> None:
        body = {"range": self._span(tab, dimension, start, end), "properties": {"hiddenByUser": hidden}}
        self.request({"updateDimensionProperties": body | {"fields": "hiddenByUser"}})

    def sort(self, tab: str, column: int, *, descending: bool = False, header_rows: int = 1) -> None:
        """Sorts all rows below the header by one column."""
        sheet = self._tab(tab)
        span = self._range(tab, header_rows, sheet.row_count, 0, sheet.column_count)
        order = "DESCENDING" if descending else "ASCENDING"
        spec = {"dimensionIndex": column, "sortOrder": order}
        self.request({"sortRange": {"range": span, "sortSpecs": [spec]}})

    def replace(self, tab: str, find: str, replacement: str) -> None:
        """Finds and replaces in the whole tab."""
        body = {"find": find, "replacement": replacement, "sheetId": self._tab(tab).sheet_id}
        self.request({"findReplace": body})

    # --- cut and copied --------------------------------------------------------------------------------

    def cut(self, tab: str, sides: Sequence[int], row: int, column: int) -> None:
        """Cuts the cells `(row, end_row, column, end_column)` out and pastes them with that corner."""
        goal = self._corner(tab, row, column)
        self.request({"cutPaste": {"source": self._range(tab, *sides), "destination": goal}})

    def copy(self, tab: str, sides: Sequence[int], row: int, column: int) -> None:
        """Copies such cells and pastes them with that corner."""
        top, bottom, left, right = sides
        goal = self._range(tab, row, row + bottom - top, column, column + right - left)
        self.request({"copyPaste": {"source": self._range(tab, *sides), "destination": goal}})

    # --- tabs --------------------------------------------------------------------------------------------

    def add_tab(self, title: str) -> int:
        """Adds a tab; gives its id."""
        reply = self.request({"addSheet": {"properties": {"title": title}}})[0]
        return int(reply["addSheet"]["properties"]["sheetId"])

    def rename_tab(self, tab: str, title: str) -> None:
        self._properties(tab, {"title": title})

    def hide_tab(self, tab: str) -> None:
        self._properties(tab, {"hidden": True})

    def show_tab(self, tab: str) -> None:
        self._properties(tab, {"hidden": False})

    def freeze(self, tab: str, rows: int = 0, columns: int = 0) -> None:
        """Keeps so many rows and columns in sight."""
        grid = {"frozenRowCount": rows, "frozenColumnCount": columns}
        body = {"properties": {"sheetId": self._tab(tab).sheet_id, "gridProperties": grid}}
        fields = "gridProperties(frozenRowCount,frozenColumnCount)"
        self.request({"updateSheetProperties": body | {"fields": fields}})

    def duplicate_tab(self, tab: str) -> str:
        """Makes a copy of a tab right of it; gives its title."""
        source = self._tab(tab)
        beside = {"sourceSheetId": source.sheet_id, "insertSheetIndex": self._document.sheets.index(source) + 1}
        reply = self.request({"duplicateSheet": beside})[0]
        return str(reply["duplicateSheet"]["properties"]["title"])

    def move_tab(self, tab: str, index: int) -> None:
        self._properties(tab, {"index": index})

    def delete_tab(self, tab: str) -> None:
        self.request({"deleteSheet": {"sheetId": self._tab(tab).sheet_id}})

    def _properties(self, tab: str, given: Json) -> None:
        body = {"properties": {"sheetId": self._tab(tab).sheet_id, **given}, "fields": ",".join(given)}
        self.request({"updateSheetProperties": body})


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
        "show_columns",
        "show_rows",
        "sort",
        "replace",
        "cut",
        "copy",
        "filter",
        "clear_filter",
        "filter_view",
        "delete_filter_view",
        "validate",
        "clear_validation",
        "conditional_format",
        "delete_conditional_format",
        "merge",
        "unmerge",
        "protect",
        "unprotect",
        "name_range",
        "delete_named_range",
        "add_tab",
        "duplicate_tab",
        "rename_tab",
        "hide_tab",
        "show_tab",
        "move_tab",
        "delete_tab",
        "freeze",
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
