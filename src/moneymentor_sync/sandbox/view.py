"""A spreadsheet as the page shows it: its tabs, the measures of one, and windows of formatted cells, as JSON.

Rows and columns are counted from 0. Nothing here changes anything.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from . import chartview, describe, render, rules, styles
from .a1 import Box
from .cells import CellError, Formula, Plain, Value
from .colors import hex_color
from .document import Document
from .errors import invalid
from .grid import DEFAULT_COLUMN_PIXELS, Json, Row, Sheet, Style, is_hidden
from .messages import Request
from .rules import Rules
from .typed import understand

_MOST_ROWS, _MOST_COLUMNS = 1000, 200
_MOST_DIGITS = 10  # of a number in a query


def summary(document: Document) -> Json:
    """`{id, title, version, tabs: [{sheetId, title, hidden, rows, columns, frozenRows}]}`."""
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


def layout(document: Document, request: Request, since: Document | None = None) -> Json:
    """The summary and, as `sheet`, what a window of one tab cannot tell of the whole.

    `hiddenRows` and `hiddenColumns` are half-open spans `[start, end]`, `widths` the pixels of the columns
    that have not the usual width, `charts` what lies over the cells, `moving` whether it may look different with
    time alone. Without a tab, or with one that is gone, it is that of the first worth seeing.
    `changedRows` has the first rows that changed from the version `since`, `changed` their number.
    """
    wanted = _number(request, "sheetId", -1)
    sheet = next((item for item in document.sheets if item.sheet_id == wanted), None) or _first(document)
    columns = [props or {} for props in sheet.columns]
    measures = {
        "sheetId": sheet.sheet_id,
        "title": sheet.title,
        "rows": sheet.row_count,
        "columns": sheet.column_count,
        "filledRows": sheet.last_filled_row() + 1,
        "frozenRows": sheet.frozen_rows,
        "frozenColumns": sheet.frozen_columns,
        "hiddenRows": _spans(index for index, item in sheet.filled_rows(sheet.box) if is_hidden(item.props)),
        "hiddenColumns": _spans(index for index, props in enumerate(columns) if is_hidden(props)),
        "widths": {
            str(index): props["pixelSize"]
            for index, props in enumerate(columns)
            if props.get("pixelSize", DEFAULT_COLUMN_PIXELS) != DEFAULT_COLUMN_PIXELS
        },
        "charts": chartview.listed(document, sheet),
        "moving": rules.moving(sheet),
    }
    old = next((item for item in since.sheets if item.sheet_id == sheet.sheet_id), None) if since else None
    changed = changed_rows(old, sheet) if old is not None else []
    measures |= {"changed": len(changed), "changedRows": changed[:_MOST_ROWS]}
    return summary(document) | {"sheet": measures}


def changed_rows(old: Sheet, new: Sheet) -> list[int]:
    """The rows of `new` that are not as they were in `old`, wherever they were.

    Rows are compared as objects: a change makes a new one, and a move takes the same one along. Formulas
    do not count, since they follow the cells that they name: neither their texts nor their results.
    """
    before, after = old.rows, new.rows
    start, ends = 0, min(len(before), len(after))
    while start < ends and before[start] is after[start]:
        start += 1
    same = 0
    while same < ends - start and before[-1 - same] is after[-1 - same]:
        same += 1
    gone = [row for row in before[start : len(before) - same] if row is not None]
    known = {id(row) for row in gone}
    fixed = {_fixed(row) for row in gone if _has_formula(row)}
    return [
        index
        for index in range(start, len(after) - same)
        if (row := after[index]) is not None
        and id(row) not in known
        and not (_has_formula(row) and _fixed(row) in fixed)
    ]


def _has_formula(row: Row) -> bool:
    return any(type(value) is Formula for value in row.cells)


def _fixed(row: Row) -> tuple[Value, ...]:
    return tuple("=" if type(value) is Formula else value for value in row.cells)


def _first(document: Document) -> Sheet:
    """The first visible tab with something in it: a new spreadsheet begins with an empty one."""
    visible = [sheet for sheet in document.sheets if not sheet.hidden] or document.sheets
    return next((sheet for sheet in visible if sheet.last_filled_row() >= 0), visible[0])


def _spans(indexes: Iterable[int]) -> list[list[int]]:
    """`1, 2, 3, 7` -> `[1, 4], [7, 8]`."""
    found: list[list[int]] = []
    for index in indexes:
        if found and found[-1][1] == index:
            found[-1][1] = index + 1
        else:
            found.append([index, index + 1])
    return found


def grid(document: Document, request: Request, now: float) -> Json:
    """A window of a tab: `sheetId`, `row`, `rows`, `column`, `columns` (all optional); `now` is for its rules."""
    sheet_id = _number(request, "sheetId", document.sheets[0].sheet_id)
    sheet = document.sheet(sheet_id)
    row, column = _number(request, "row", 0), _number(request, "column", 0)
    rows = min(_number(request, "rows", 100), _MOST_ROWS)
    columns = min(_number(request, "columns", sheet.column_count), _MOST_COLUMNS)
    laid = Rules(document, sheet, now)
    box = Box(row, min(row + rows, sheet.row_count), column, min(column + columns, sheet.column_count))
    return {
        "version": document.version,
        "sheetId": sheet.sheet_id,
        "title": sheet.title,
        "row": box.row,
        "column": box.column,
        "rowCount": sheet.row_count,
        "columnCount": sheet.column_count,
        "frozenRows": sheet.frozen_rows,
        "frozenColumns": sheet.frozen_columns,
        "hiddenRows": [index for index, item in sheet.filled_rows(box) if is_hidden(item.props)],
        "hiddenColumns": [index for index in range(box.column, box.end_column) if is_hidden(sheet.columns[index])],
        "merges": [describe.box_json(sheet.sheet_id, item) for item in sheet.extras.merges if item.meets(box)],
        "cells": [_row(document, sheet, laid, index, box) for index in range(box.row, box.end_row)],
    }


def _number(request: Request, name: str, default: int) -> int:
    text = request.parameter(name)
    if text is None or text == "":
        return default
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise invalid(f"{name} must be a whole number, not {text!r}")
    return int(text)


def _row(document: Document, sheet: Sheet, laid: Rules, index: int, box: Box) -> list[Json]:
    """The cells of one row, blank ends cut; a blank cell is `{}`."""
    ruled = laid.reach(index)
    if sheet.rows[index] is None:
        if not ruled:
            return []
        cells = [_format(laid.look(index, column)) for column in range(box.column, box.end_column)]
    else:
        cells = [
            _cell(document, sheet, index, column, laid.look(index, column) if ruled else {})
            for column in range(box.column, box.end_column)
        ]
    while cells and not cells[-1]:
        cells.pop()
    return cells


def _cell(document: Document, sheet: Sheet, row: int, column: int, laid: Json) -> Json:
    """`text`, `type`, and where there is one `entry`, `formula`, `note` and format; `laid` lies over that."""
    found: Json = {}
    entered = sheet.value(row, column)
    style = sheet.style(row, column)
    if entered is not None:
        value = render.effective(document, sheet, row, column)
        text = render.formatted(value, style)
        found = {"text": text, "type": _type(value)}
        if isinstance(entered, Formula):
            found["formula"] = entered.text
        elif (entry := _entry(value, text, style)) != text:
            found["entry"] = entry
    note = sheet.note(row, column)
    if note:
        found["note"] = note
    if style is not None and style.format:
        found |= _format(style.format)
    return found | _format(laid)


def _entry(value: Plain, text: str, style: Style | None) -> str:
    """What a person would have to type for this value: the text `007` is typed `'007`, 25 as `25%` as such."""
    format_ = styles.number_format(style) or {}
    if isinstance(value, str):
        as_text = format_.get("type") == "TEXT"
        return text if understand(text, as_text=as_text).value == value else f"'{text}"
    if type(value) is float and not format_:
        return repr(value)
    return text


def _type(value: Any) -> str:
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, CellError):
        return "error"
    return "text" if isinstance(value, str) else "number" if value is not None else "blank"


def _format(format_: Json) -> Json:
    found: Json = {}
    text = format_.get("textFormat") or {}
    for name in ("bold", "italic", "strikethrough"):
        if text.get(name):
            found[name] = True
    color = format_.get("backgroundColor")
    if color is not None:
        found["background"] = hex_color(color)
    if text.get("foregroundColor"):
        found["color"] = hex_color(text["foregroundColor"])
    if format_.get("horizontalAlignment"):
        found["alignment"] = str(format_["horizontalAlignment"]).lower()
    return found
