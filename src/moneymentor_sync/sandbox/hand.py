"""What a person's edits are made of: requests as the spreadsheet's owner, and places in a tab."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from . import a1
from .accounts import OWNER
from .cellwriter import extended
from .document import Document
from .errors import invalid
from .grid import Json, Sheet
from .messages import Request
from .service import Service

Block = list[list[Json]]


class Hand:
    """Sends requests past quota and log. Raises ApiError as Google would refuse."""

    def __init__(self, service: Service, spreadsheet_id: str) -> None:
        self._service, self.spreadsheet_id = service, spreadsheet_id
        self._undo: list[tuple[int, int, int, Block]] = []

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

    # --- typing ------------------------------------------------------------------------------------------

    def type(self, tab: str, row: int, column: int, text: Any) -> None:
        """Types into one cell: `=A1` is a formula, `3/4` a date, '' empties it."""
        self.type_rows(tab, row, column, [[text]])

    def type_rows(self, tab: str, row: int, column: int, rows: Sequence[Sequence[Any]]) -> None:
        """Types a block, its first cell there; None leaves a cell alone."""
        sheet = self._tab(tab)
        before = [_contents(sheet, row + index, column, len(values)) for index, values in enumerate(rows)]
        place = f"{a1.quoted(sheet.title)}!{a1.cell_name(row, column)}"
        data = [{"range": place, "values": [list(values) for values in rows]}]
        self._call("POST", "/values:batchUpdate", {"valueInputOption": "USER_ENTERED", "data": data})
        self._undo.append((sheet.sheet_id, row, column, before))

    def undo(self) -> None:
        """Puts back what stood where this hand last typed, at the same place: an older value comes back."""
        if not self._undo:
            raise invalid("There is nothing to undo.")
        sheet_id, row, column, before = self._undo.pop()
        start = {"sheetId": sheet_id, "rowIndex": row, "columnIndex": column}
        rows = [{"values": cells} for cells in before]
        self.request({"updateCells": {"start": start, "rows": rows, "fields": "userEnteredValue"}})

    # --- places ------------------------------------------------------------------------------------------

    def _corner(self, tab: str, row: int, column: int) -> Json:
        return {"sheetId": self._tab(tab).sheet_id, "rowIndex": row, "columnIndex": column}

    def _span(self, tab: str, dimension: str, start: int, end: int) -> Json:
        sheet_id = self._tab(tab).sheet_id
        return {"sheetId": sheet_id, "dimension": dimension, "startIndex": start, "endIndex": end}

    def _range(
        self,
        tab: str,
        row: int | None = None,
        end_row: int | None = None,
        column: int | None = None,
        end_column: int | None = None,
    ) -> Json:
        sides = {"startRowIndex": row, "endRowIndex": end_row, "startColumnIndex": column}
        sides["endColumnIndex"] = end_column
        found = {name: value for name, value in sides.items() if value is not None}
        return {"sheetId": self._tab(tab).sheet_id, **found}


def _contents(sheet: Sheet, row: int, column: int, width: int) -> list[Json]:
    """What stands in neighbouring cells of a row, as Google's CellData."""
    values = [sheet.value(row, column + offset) for offset in range(width)]
    return [{} if value is None else {"userEnteredValue": extended(value)} for value in values]
