"""The page that shows a spreadsheet in a browser: its files, and the JSON that it asks for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from . import describe, render
from .a1 import Box
from .cells import CellError, Formula
from .document import Document
from .errors import invalid, not_found
from .grid import Json, Sheet
from .library import Library
from .messages import Request, Response

STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
}
_MOST_ROWS, _MOST_COLUMNS = 1000, 200
_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def page(path: str) -> Response | None:
    """A file of the page; None where the path is none of its. `/` and `/spreadsheets/{id}` are `index.html`."""
    if path == "/" or path.startswith("/spreadsheets/"):
        return _file("index.html")
    if path.startswith("/static/"):
        return _file(path[len("/static/") :])
    return None


def _file(name: str) -> Response | None:
    known = {item.name: item for item in STATIC.iterdir()} if STATIC.is_dir() else {}
    found = known.get(name)
    if found is None or found.suffix not in _TYPES:
        return None
    return Response(200, found.read_bytes(), _TYPES[found.suffix], dict(_HEADERS))


def data(library: Library, path: str, request: Request) -> Any:
    """`spreadsheets`, `spreadsheets/{id}/grid` and `spreadsheets/{id}/version`."""
    if not path:
        return [_summary(item) for item in library.documents.values()]
    document_id, _, what = path.partition("/")
    document = library.documents.get(document_id)
    if document is None:
        raise not_found()
    if what == "version":
        return {"version": document.version}
    if what == "grid":
        return grid(document, request)
    raise not_found()


def _summary(document: Document) -> Json:
    tabs = [
        {
            "sheetId": sheet.sheet_id,
            "title": sheet.title,
            "hidden": sheet.hidden,
            "rows": sheet.row_count,
            "columns": sheet.column_count,
            "frozenRows": sheet.frozen_rows,
        }
        for sheet in document.sheets
    ]
    return {"id": document.document_id, "title": document.title, "version": document.version, "tabs": tabs}


def grid(document: Document, request: Request) -> Json:
    """A window of a tab: `sheetId`, `row`, `rows`, `column`, `columns` (all optional)."""
    sheet_id = _number(request, "sheetId", document.sheets[0].sheet_id)
    sheet = document.sheet(sheet_id)
    row, column = _number(request, "row", 0), _number(request, "column", 0)
    rows = min(_number(request, "rows", 100), _MOST_ROWS)
    columns = min(_number(request, "columns", sheet.column_count), _MOST_COLUMNS)
    box = Box(row, min(row + rows, sheet.row_count), column, min(column + columns, sheet.column_count))
    return {
        "version": document.version,
        "sheetId": sheet.sheet_id,
        "title": sheet.title,
        "row": box.row,
        "column": box.column,
        "rowCount": sheet.row_count,
        "columnCount": sheet.column_count,
        "filledRows": sheet.last_filled_row() + 1,
        "frozenRows": sheet.frozen_rows,
        "frozenColumns": sheet.frozen_columns,
        "hiddenRows": [index for index, item in sheet.filled_rows(box) if _hidden(item.props)],
        "hiddenColumns": [index for index in range(box.column, box.end_column) if _hidden(sheet.columns[index])],
        "merges": [describe.box_json(sheet.sheet_id, item) for item in sheet.extras.merges if item.meets(box)],
        "cells": [_row(document, sheet, index, box) for index in range(box.row, box.end_row)],
    }


def _number(request: Request, name: str, default: int) -> int:
    text = request.parameter(name)
    if text is None or text == "":
        return default
    if not text.isdigit():
        raise invalid(f"{name} must be a whole number, not {text!r}")
    return int(text)


def _hidden(props: Json | None) -> bool:
    return bool(props and (props.get("hiddenByUser") or props.get("hiddenByFilter")))


def _row(document: Document, sheet: Sheet, index: int, box: Box) -> list[Json]:
    """The cells of one row, blank ends cut; a blank cell is `{}`."""
    if sheet.rows[index] is None:
        return []
    cells = [_cell(document, sheet, index, column) for column in range(box.column, box.end_column)]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _cell(document: Document, sheet: Sheet, row: int, column: int) -> Json:
    found: Json = {}
    entered = sheet.value(row, column)
    style = sheet.style(row, column)
    if entered is not None:
        value = render.effective(document, sheet, row, column)
        found = {"text": render.formatted(value, style), "type": _type(value)}
        if isinstance(entered, Formula):
            found["formula"] = entered.text
    note = sheet.note(row, column)
    if note:
        found["note"] = note
    if style is not None and style.format:
        found |= _format(style.format)
    return found


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, CellError):
        return "error"
    return "text" if isinstance(value, str) else "number" if value is not None else "blank"


def _format(format_: Json) -> Json:
    found: Json = {}
    if (format_.get("textFormat") or {}).get("bold"):
        found["bold"] = True
    color = format_.get("backgroundColor")
    if color is not None:
        parts = [round(255 * float(color.get(name, 0))) for name in ("red", "green", "blue")]
        found["background"] = "#{:02x}{:02x}{:02x}".format(*parts)
    if format_.get("horizontalAlignment"):
        found["alignment"] = str(format_["horizontalAlignment"]).lower()
    return found
