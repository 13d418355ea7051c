"""The methods of `spreadsheets.values`: get, update, append, clear, and their batch forms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from . import a1, numberformat, styles
from .a1 import Area, Box
from .batch.cellinput import place_values
from .batch.context import Context
from .batch.dimensions import insert
from .batch.inputs import Span
from .batch.metadata import located_by
from .cells import MAX_CHARACTERS, TOO_LONG, Formula, number
from .document import Document, Located
from .errors import ApiError, bad_fields, bad_json, invalid
from .grid import Json, Sheet
from .prototext import prototext
from .render import Renderer, checked
from .typed import Typed, understand

INPUT_OPTIONS = ("INPUT_VALUE_OPTION_UNSPECIFIED", "RAW", "USER_ENTERED")
DIMENSIONS = ("DIMENSION_UNSPECIFIED", "ROWS", "COLUMNS")


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


def read(document: Document, place: Located, options: Json) -> Json:
    """One ValueRange; `values` is left out where all is blank."""
    by_columns = _dimension(options.get("majorDimension")) == "COLUMNS"
    renderer = Renderer(document, options.get("valueRenderOption"), options.get("dateTimeRenderOption"))
    box = place.box
    rows = renderer.rows(place.sheet, box)
    if by_columns:
        rows = _columns(rows)
    found: Json = {
        "range": a1.box_name(place.sheet.title, box),
        "majorDimension": "COLUMNS" if by_columns else "ROWS",
    }
    return found | ({"values": rows} if rows else {})


def _columns(rows: list[list[Any]]) -> list[list[Any]]:
    width = max((len(row) for row in rows), default=0)
    turned: list[list[Any]] = []
    for column in range(width):
        values = [row[column] if column < len(row) else "" for row in rows]
        while values and values[-1] == "":
            values.pop()
        turned.append(values)
    return turned


def _dimension(given: Any) -> str:
    if given is None or given == "":
        return DIMENSIONS[1]
    if given not in DIMENSIONS:
        raise bad_json(
            "Invalid value at 'major_dimension' (type.googleapis.com/google.apps.sheets.v4.Dimension), "
            f'"{given}"',
            "major_dimension",
        )
    return str(given)


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
    for index, item in enumerate(_list(body, "data")):
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
    for index, item in enumerate(_list(body, "data")):
        try:
            for place in located_by(context.document, item.get("dataFilter") or {}):
                written = _write(context, place, item, body.get("valueInputOption"))
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
    matrix = _matrix(body)
    table = find_table(sheet, place.box)
    row, column = (table.end_row, table.column) if table else (place.box.row, place.box.column)
    height, width = len(matrix), max((len(values) for values in matrix), default=0)
    box = Box(row, row + height, column, column + width)
    if options.get("insertDataOption") == "INSERT_ROWS" and height:
        _make_room(context, sheet, row, height)
    context.grow(sheet, box.end_row, box.end_column)
    target = Located(sheet, Area(box.row, max(box.end_row, row + 1), box.column, max(box.end_column, column + 1)))
    written = _write(context, target, body, options.get("valueInputOption"))
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


def find_table(sheet: Sheet, box: Box) -> Box | None:
    """The last table that the range touches: filled cells that hang together, taken as a rectangle."""
    seed = _last_filled(sheet, box)
    if seed is None:
        return None
    found = Box(seed[0], seed[0] + 1, seed[1], seed[1] + 1)
    while True:
        grown = _grown(sheet, found)
        if grown == found:
            return found
        found = grown


def _last_filled(sheet: Sheet, box: Box) -> tuple[int, int] | None:
    """The last filled cell of the box: the lowest row, in it the one furthest right."""
    for index in range(box.end_row - 1, box.row - 1, -1):
        row = sheet.rows[index]
        if row is None:
            continue
        for column in range(min(box.end_column, len(row.cells)) - 1, box.column - 1, -1):
            if row.cells[column] is not None:
                return index, column
    return None


def _grown(sheet: Sheet, box: Box) -> Box:
    """The box with every filled neighbour taken in, also those at its corners."""
    left, right = max(box.column - 1, 0), box.end_column + 1
    row, end_row = box.row, box.end_row
    while row > 0 and _filled(sheet, row - 1, left, right):
        row -= 1
    while end_row < sheet.row_count and _filled(sheet, end_row, left, right):
        end_row += 1
    column, end_column = box.column, box.end_column
    if column > 0 and any(_filled(sheet, index, left, column) for index in range(row, end_row)):
        column = left
    if any(_filled(sheet, index, end_column, right) for index in range(row, end_row)):
        end_column = right
    return Box(row, end_row, column, end_column)


def _filled(sheet: Sheet, index: int, start: int, end: int) -> bool:
    row = sheet.rows[index]
    return row is not None and any(value is not None for value in row.cells[start:end])


def write(context: Context, text: str, body: Json, option: Any) -> Written:
    """Writes a ValueRange at an A1 range."""
    given = body.get("range")
    place = context.document.locate_in_grid(text)
    if given and not _same_place(context.document, place, str(given)):
        raise invalid(f"Requested updating a range ({text}) that does not match value range ({given})")
    return _write(context, place, body, option)


def _same_place(document: Document, place: Located, text: str) -> bool:
    other = document.locate(text)
    return other.sheet is place.sheet and other.box == place.box


def _write(context: Context, place: Located, body: Json, option: Any) -> Written:
    option = checked(option, INPUT_OPTIONS, "value_input_option")
    if option == INPUT_OPTIONS[0]:
        raise invalid("'valueInputOption' is required but not specified")
    matrix = _matrix(body)
    box = place.box
    _check_fits(place, box, matrix)
    width = max((len(values) for values in matrix), default=0)
    target = Box(box.row, box.row + len(matrix), box.column, box.column + width)
    context.guard(place.sheet, target)
    writer = _raw if option == INPUT_OPTIONS[1] else _user_entered
    counted = [
        writer(context, place.sheet, box.row + offset, box.column, _checked(offset, values))
        for offset, values in enumerate(matrix)
    ]
    sheet_id = place.sheet.sheet_id
    rows = {(sheet_id, box.row + offset) for offset, count in enumerate(counted) if count}
    columns = {(sheet_id, box.column + column) for column in _touched_columns(matrix)}
    return Written(place.sheet, target, rows, columns, sum(counted))


def _touched_columns(matrix: list[list[Any]]) -> set[int]:
    """The columns in which a cell was written: nulls do not count."""
    if not any(None in values for values in matrix):
        return set(range(max((len(values) for values in matrix), default=0)))
    return {column for values in matrix for column, value in enumerate(values) if value is not None}


def _check_fits(place: Located, box: Box, matrix: list[list[Any]]) -> None:
    """More data than the range holds is refused, unless the range is a single cell or open that way."""
    if _is_start(place):
        limit_rows = place.sheet.row_count - box.row
        limit_columns = place.sheet.column_count - box.column
    else:
        limit_rows = box.height if place.area.end_row is not None else place.sheet.row_count - box.row
        limit_columns = box.width if place.area.end_column is not None else place.sheet.column_count - box.column
    name = f"Requested writing within range [{_quoted_name(place)}], but tried writing to "
    if len(matrix) > limit_rows:
        raise invalid(f"{name}row [{box.row + limit_rows + 1}]")
    for values in matrix:
        if len(values) > limit_columns:
            raise invalid(f"{name}column [{a1.letters(box.column + limit_columns)}]")


def _is_start(place: Located) -> bool:
    """A single cell is where writing starts, not all of where it may go."""
    area = place.area
    return (
        area.row is not None
        and area.column is not None
        and area.end_row == area.row + 1
        and area.end_column == area.column + 1
    )


def _quoted_name(place: Located) -> str:
    return place.text or a1.area_name(place.sheet.title, place.area)


def _matrix(body: Json) -> list[list[Any]]:
    """The values by rows, whatever their major dimension."""
    given = body.get("values")
    if given is None:
        return []
    if not isinstance(given, list):
        raise bad_json(*_no_list("data.values", given))
    wrong = [_no_list(f"data.values[{row}]", item) for row, item in enumerate(given) if type(item) is not list]
    if wrong:
        raise bad_fields(wrong)
    if _dimension(body.get("majorDimension")) != "COLUMNS":
        return given
    height = max((len(values) for values in given), default=0)
    return [[values[row] if row < len(values) else None for values in given] for row in range(height)]


def _no_list(field: str, value: Any) -> tuple[str, str]:
    shown = msgspec.json.encode(value).decode()
    return f"Invalid value at '{field}' (type.googleapis.com/google.protobuf.ListValue), {shown}", field


_PLAIN = {str, bool, type(None)}


def _checked(offset: int, values: list[Any]) -> list[Any]:
    """A row of values as cells keep them. Refuses what no cell holds."""
    kinds = {*map(type, values)}
    if str in kinds and any(type(value) is str and len(value) > MAX_CHARACTERS for value in values):
        raise invalid(TOO_LONG)
    return values if kinds <= _PLAIN else [_plain(offset, place, value) for place, value in enumerate(values)]


def _plain(offset: int, place: int, value: Any) -> Any:
    kind = type(value)
    if kind is int or kind is float:
        return number(value)
    if isinstance(value, dict | list):
        raise invalid(f"Invalid values[{offset}][{place}]: {prototext(value)}")
    return value


def _raw(context: Context, sheet: Sheet, row: int, column: int, values: list[Any]) -> int:  # noqa: ARG001 - see below
    """Writes one row as it is; gives the number of cells written. Signature as `_user_entered`."""
    if None in values:
        return _with_gaps(sheet, row, column, values)
    if "" in values:
        values = [None if value == "" else value for value in values]
    if values:
        place_values(sheet, row, column, values)
    return len(values)


def _with_gaps(sheet: Sheet, row: int, column: int, values: list[Any]) -> int:
    """Writes what is not null; '' clears."""
    written = 0
    for place, value in enumerate(values):
        if value is not None:
            sheet.set_value(row, column + place, None if value == "" else value)
            written += 1
    return written


def _user_entered(context: Context, sheet: Sheet, row: int, column: int, values: list[Any]) -> int:
    """Writes one row as if a person had typed it."""
    written = 0
    for place, value in enumerate(values):
        if value is None:
            continue
        written += 1
        if isinstance(value, str):
            type_in(context, sheet, row, column + place, value)
        else:
            sheet.set_value(row, column + place, value)
    return written


def type_in(context: Context, sheet: Sheet, row: int, column: int, text: str) -> None:
    """What happens when that text is typed into a cell: its value, and maybe its number format, change."""
    if len(text) > MAX_CHARACTERS:
        raise invalid(TOO_LONG)
    style = sheet.style(row, column)
    format_ = styles.number_format(style) or {}
    typed = understand(text, as_text=format_.get("type") == "TEXT", this_year=context.year)
    if isinstance(typed.value, Formula):
        sheet.has_formulas = True
    sheet.set_value(row, column, typed.value)
    if typed.format is not None and _replaces(format_, typed):
        base = (style.format if style else None) or {}
        styles.set_style(sheet, row, column, styles.with_format(style, base | {"numberFormat": typed.format}))


def _replaces(format_: Json, typed: Typed) -> bool:
    """A typed date in a number cell makes it a date cell; a format of the same kind stays."""
    if not format_:
        return True
    now = numberformat.is_date(format_.get("type", ""), format_.get("pattern") or "")
    new = typed.format is not None and typed.format["type"] in numberformat.DATE_KINDS
    return now != new and new


class Written:
    """What one write did: the rows and columns it touched, as (tab, index), and the number of cells."""

    def __init__(
        self, sheet: Sheet, box: Box, rows: set[tuple[int, int]], columns: set[tuple[int, int]], cells: int
    ) -> None:
        self._sheet, self._box = sheet, box
        self.rows, self.columns, self.cells = rows, columns, cells

    def counts(self) -> Json:
        counts = {
            "updatedRows": len(self.rows),
            "updatedColumns": len(self.columns) if self.cells else 0,
            "updatedCells": self.cells,
        }
        found = {name: count for name, count in counts.items() if count}
        return {"updatedRange": a1.box_name(self._sheet.title, self._box), **found}

    def values(self, document: Document, options: Json) -> Json:
        """The range as it reads now, for `includeValuesInResponse`."""
        area = Area(self._box.row, self._box.end_row, self._box.column, self._box.end_column)
        return read(
            document,
            Located(self._sheet, area),
            {
                "valueRenderOption": options.get("responseValueRenderOption"),
                "dateTimeRenderOption": options.get("responseDateTimeRenderOption"),
            },
        )


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
