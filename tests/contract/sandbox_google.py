"""The sandbox without sockets: what tests of its rules talk to."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from moneymentor_sync.sandbox.accounts import OWNER, Accounts
from moneymentor_sync.sandbox.batch.context import MAX_CELLS
from moneymentor_sync.sandbox.document import Document
from moneymentor_sync.sandbox.grid import Json, Sheet
from moneymentor_sync.sandbox.library import Library
from moneymentor_sync.sandbox.messages import Request
from moneymentor_sync.sandbox.quota import Meter
from moneymentor_sync.sandbox.service import Service

ME = "mmsync@mmsync-sandbox.iam.gserviceaccount.com"
NOVEMBER_2026 = 1_795_000_000.0


class Google:
    """One spreadsheet, owned by a person and shared with `ME`. Raises ApiError where Google refuses."""

    def __init__(self, directory: Path, *, max_cells: int = MAX_CELLS, rows: int = 20, columns: int = 8) -> None:
        self.now = NOVEMBER_2026
        self.service = Service(
            Library(),
            Accounts(directory, lambda: self.now),
            Meter(None, lambda: self.now),
            clock=lambda: self.now,
            pause=lambda seconds: None,
            max_cells=max_cells,
            journal=None,
        )
        self.id = ""
        made = self.call("POST", "/drive/v3/files", {"name": "Book"}, caller=OWNER)
        self.id = made["id"]
        share = {"role": "writer", "type": "user", "emailAddress": ME}
        self.call("POST", f"/drive/v3/files/{self.id}/permissions", share, caller=OWNER)
        self.resize(rows, columns)

    def call(self, method: str, target: str, body: Any = None, *, caller: str = ME) -> Any:
        """One request; a target that starts with neither `/v4` nor `/drive` is below the spreadsheet."""
        if not target.startswith(("/v4", "/drive", "/upload")):
            target = f"/v4/spreadsheets/{self.id}{target}"
        data = b"" if body is None else msgspec.json.encode(body)
        answer = self.service.perform(Request.of(method, target, {}, data), caller)
        return msgspec.json.decode(answer.body) if answer.body else None

    def batch(self, *requests: Json, caller: str = ME, query: str = "", **rest: Any) -> Any:
        """`spreadsheets.batchUpdate`; gives the replies, or the whole answer where more was asked for."""
        answer = self.call("POST", f":batchUpdate{query}", {"requests": list(requests), **rest}, caller=caller)
        return answer if rest or query else answer["replies"]

    def put(self, place: str, rows: list[list[Any]], option: str = "RAW") -> Any:
        return self.call("PUT", f"/values/{place}?valueInputOption={option}", {"values": rows})

    def type(self, place: str, text: Any) -> Any:
        return self.put(place, [[text]], "USER_ENTERED")

    def get(self, place: str, option: str = "UNFORMATTED_VALUE", more: str = "") -> Any:
        """The values of a range; [] where all is blank."""
        answer = self.call("GET", f"/values/{place}?valueRenderOption={option}{more}")
        return answer.get("values", [])

    def shown(self, place: str) -> str:
        """What a person sees in one cell."""
        rows = self.get(place, "FORMATTED_VALUE")
        return str(rows[0][0]) if rows else ""

    def resize(self, rows: int, columns: int, sheet_id: int = 0) -> None:
        grid = {"rowCount": rows, "columnCount": columns}
        properties = {"sheetId": sheet_id, "gridProperties": grid}
        fields = "gridProperties(rowCount,columnCount)"
        self.batch({"updateSheetProperties": {"properties": properties, "fields": fields}})

    @property
    def document(self) -> Document:
        return self.service.library.documents[self.id]

    @property
    def sheet(self) -> Sheet:
        return self.document.sheets[0]


def area(row: int, end_row: int, column: int, end_column: int, sheet_id: int = 0) -> Json:
    """A GridRange."""
    return {
        "sheetId": sheet_id,
        "startRowIndex": row,
        "endRowIndex": end_row,
        "startColumnIndex": column,
        "endColumnIndex": end_column,
    }


def rows_span(start: int, end: int) -> Json:
    """A DimensionRange of rows of the first tab."""
    return {"sheetId": 0, "dimension": "ROWS", "startIndex": start, "endIndex": end}


def columns_span(start: int, end: int) -> Json:
    """A DimensionRange of columns of the first tab."""
    return {"sheetId": 0, "dimension": "COLUMNS", "startIndex": start, "endIndex": end}


def cell(value: Any) -> Json:
    """A CellData that holds a value; None an empty one."""
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"userEnteredValue": {"boolValue": value}}
    kind = "stringValue" if isinstance(value, str) else "numberValue"
    return {"userEnteredValue": {kind: value}}


def update_cells(row: int, column: int, rows: list[list[Any]], fields: str = "userEnteredValue") -> Json:
    """An `updateCells` from one corner of the first tab on."""
    data = [{"values": [cell(value) for value in values]} for values in rows]
    start = {"sheetId": 0, "rowIndex": row, "columnIndex": column}
    return {"updateCells": {"start": start, "rows": data, "fields": fields}}
