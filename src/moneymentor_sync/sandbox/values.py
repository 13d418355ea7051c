"""The methods of `spreadsheets.values`: get, update, append, clear, and their batch forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import a1
from .a1 import Area, Box
from .batch.cellinput import place_values
from .batch.context import Context
from .batch.dimensions import insert
from .batch.inputs import Span
from .batch.metadata import located_by
from .document import Document, Located
from .errors import ApiError, bad_json, invalid
from .grid import Json, Sheet
from .tables import find_table
from .valueread import read
from .valuewrite import Written, matrix_of, write_at

# --- reading ----------------------------------------------------------------------------------------------


def get(document: Document, text: str, options: Json) -> Json:
    """`values.get`."""
    return read(document, document.locate_in_grid(text), options)


def batch_get(document: Document, ranges: Sequence[str], options: Json) -> Json:
    """`values.batchGet`."""
    found = [read(document, document.locate_in_grid(text), options) for text in ranges]
    return {"spreadsheetId": document.document_id} | ({"valueRanges": found} if found else {})


def batch_get_by_data_filter(document: Document, body: Json) -> Json:
    found = [
        {"valueRange": read(document, place, body), "dataFilters": [one]}
        for one in body.get("dataFilters") or []
        for place in located_by(document, one)
    ]
    return {"spreadsheetId": document.document_id} | ({"valueRanges": found} if found else {})


# --- writing ----------------------------------------------------------------------------------------------


def update(context: Context, text: str, body: Json, options: Json) -> Json:
    """`values.update`: writes inside one range, never grows the grid."""
    written = write(context, text, body, options.get("valueInputOption"))
    reply = {"spreadsheetId": context.document.document_id, **written.counts()}
    if options.get("includeValuesInResponse"):
        reply["updatedData"] = written.values(context.document, options)
    return reply


def batch_update(context: Context, body: Json) -> Json:
    """`values.batchUpdate`. Every range is looked up before the first is written."""
    done: list[Written] = []
    replies: list[Json] = []
    for index, item in enumerate(_objects(body, "data")):
        try:
            written = write(context, str(item.get("range", "")), item, body.get("valueInputOption"))
        except ApiError as error:
            raise error.prefixed(f"Invalid data[{index}]") from error
        reply = {"spreadsheetId": context.document.document_id, **written.counts()}
        if body.get("includeValuesInResponse"):
            reply["updatedData"] = written.values(context.document, body)
        done.append(written)
        replies.append(reply)
    return _totals(context.document, done, replies)


def batch_update_by_data_filter(context: Context, body: Json) -> Json:
    done: list[Written] = []
    replies: list[Json] = []
    for index, item in enumerate(_objects(body, "data")):
        try:
            for place in located_by(context.document, item.get("dataFilter") or {}):
                written = write_at(context, place, item, body.get("valueInputOption"))
                done.append(written)
                replies.append({"dataFilter": item["dataFilter"], **written.counts()})
        except ApiError as error:
            raise error.prefixed(f"Invalid data[{index}]") from error
    return _totals(context.document, done, replies)


def _totals(document: Document, written: list[Written], replies: list[Json]) -> Json:
    """The sums over all ranges; a row or column that several of them touch counts once."""
    counts = {
        "totalUpdatedRows": len({place for item in written for place in item.rows}),
        "totalUpdatedColumns": len({place for item in written for place in item.columns}),
        "totalUpdatedCells": sum(item.cells for item in written),
        "totalUpdatedSheets": len({sheet for item in written for sheet, _ in item.rows}),
    }
    totals: Json = {"spreadsheetId": document.document_id}
    totals |= {name: count for name, count in counts.items() if count}
    return totals | ({"responses": replies} if replies else {})


def append(context: Context, text: str, body: Json, options: Json) -> Json:
    """`values.append`: after the table that the range touches, else into the range itself."""
    place = context.document.locate_in_grid(text)
    sheet = place.sheet
    matrix = matrix_of(body)
    table = find_table(sheet, place.box)
    row, column = (table.end_row, table.column) if table else (place.box.row, place.box.column)
    height, width = len(matrix), max((len(values) for values in matrix), default=0)
    box = Box(row, row + height, column, column + width)
    if options.get("insertDataOption") == "INSERT_ROWS" and height:
        _make_room(context, sheet, row, height)
    context.grow(sheet, box.end_row, box.end_column)
    target = Located(sheet, Area(box.row, max(box.end_row, row + 1), box.column, max(box.end_column, column + 1)))
    written = write_at(context, target, body, options.get("valueInputOption"))
    reply: Json = {"spreadsheetId": context.document.document_id}
    if table:
        reply["tableRange"] = a1.box_name(sheet.title, table)
    updates: Json = {"spreadsheetId": context.document.document_id, **written.counts()}
    if options.get("includeValuesInResponse"):
        updates["updatedData"] = written.values(context.document, options)
    return reply | {"updates": updates}


def _make_room(context: Context, sheet: Sheet, row: int, count: int) -> None:
    """Inserts whole rows for the new data; after the last row the grid just grows."""
    if row >= sheet.row_count:
        context.grow(sheet, row + count, sheet.column_count)
    else:
        insert(context, Span(sheet, True, row, row + count), inherit_before=row > 0)


def write(context: Context, text: str, body: Json, option: Any) -> Written:
    """Writes a ValueRange at an A1 range."""
    given = body.get("range")
    place = context.document.locate_in_grid(text)
    if given and not _same_place(context.document, place, str(given)):
        raise invalid(f"Requested updating a range ({text}) that does not match value range ({given})")
    return write_at(context, place, body, option)


def _same_place(document: Document, place: Located, text: str) -> bool:
    other = document.locate(text)
    return other.sheet is place.sheet and other.box == place.box


# --- clearing ---------------------------------------------------------------------------------------------


def clear(context: Context, text: str) -> Json:
    """`values.clear`: values only; formats, notes and validation stay."""
    return {
        "spreadsheetId": context.document.document_id,
        "clearedRange": _clear(context, context.document.locate_in_grid(text)),
    }


def batch_clear(context: Context, body: Json) -> Json:
    found = [context.document.locate_in_grid(str(text)) for text in _list(body, "ranges")]
    cleared = [_clear(context, place) for place in found]
    return {"spreadsheetId": context.document.document_id} | ({"clearedRanges": cleared} if cleared else {})


def batch_clear_by_data_filter(context: Context, body: Json) -> Json:
    cleared = [
        _clear(context, place) for one in _list(body, "dataFilters") for place in located_by(context.document, one)
    ]
    return {"spreadsheetId": context.document.document_id} | ({"clearedRanges": cleared} if cleared else {})


def _clear(context: Context, place: Located) -> str:
    sheet, box = place.sheet, place.box
    context.guard(sheet, box)
    for index, row in list(sheet.filled_rows(box)):
        if len(row.cells) > box.column:
            width = min(box.end_column, len(row.cells)) - box.column
            place_values(sheet, index, box.column, [None] * width)
    return a1.box_name(sheet.title, box)


def _list(body: Json, name: str) -> list[Any]:
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list):
        raise bad_json(f"Invalid value at '{name}', expected a list", name)
    return value


def _objects(body: Json, name: str) -> list[Json]:
    found = _list(body, name)
    for index, item in enumerate(found):
        if not isinstance(item, dict):
            raise bad_json(f"Invalid value at '{name}[{index}]', expected an object", f"{name}[{index}]")
    return found
