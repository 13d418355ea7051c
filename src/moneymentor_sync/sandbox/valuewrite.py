"""Writes matrices of values into a range, RAW or as if typed."""

from __future__ import annotations

from typing import Any

import msgspec

from . import a1, numberformat, styles
from .a1 import Area, Box
from .batch.cellinput import place_values
from .batch.context import Context
from .cells import LONG_FROM, MAX_CHARACTERS, TOO_LONG, Formula, number
from .document import Document, Located
from .errors import bad_fields, bad_json, invalid
from .grid import Json, Sheet
from .prototext import prototext
from .render import checked
from .typed import Typed, understand
from .valueread import dimension, read

_EXACT = 2**53  # whole numbers up to this are the same as doubles
INPUT_OPTIONS = ("INPUT_VALUE_OPTION_UNSPECIFIED", "RAW", "USER_ENTERED")


def write_at(context: Context, place: Located, body: Json, option: Any) -> Written:
    option = checked(option, INPUT_OPTIONS, "value_input_option")
    if option == INPUT_OPTIONS[0]:
        raise invalid("'valueInputOption' is required but not specified")
    matrix = matrix_of(body)
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
    width = max(map(len, matrix), default=0)
    found: set[int] = set()
    for values in matrix:
        if len(found) == width:  # mostly after a row or two
            break
        found.update(column for column, value in enumerate(values) if value is not None)
    return found


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


def matrix_of(body: Json) -> list[list[Any]]:
    """The values by rows, whatever their major dimension."""
    given = body.get("values")
    if given is None:
        return []
    if not isinstance(given, list):
        raise bad_json(*_no_list("data.values", given))
    wrong = [_no_list(f"data.values[{row}]", item) for row, item in enumerate(given) if type(item) is not list]
    if wrong:
        raise bad_fields(wrong)
    if dimension(body.get("majorDimension")) != "COLUMNS":
        return given
    height = max((len(values) for values in given), default=0)
    return [[values[row] if row < len(values) else None for values in given] for row in range(height)]


def _no_list(field: str, value: Any) -> tuple[str, str]:
    shown = msgspec.json.encode(value).decode()
    return f"Invalid value at '{field}' (type.googleapis.com/google.protobuf.ListValue), {shown}", field


_PLAIN = {str, bool, type(None)}
_SCALARS = {*_PLAIN, int, float}


def _checked(offset: int, values: list[Any]) -> list[Any]:
    """A row of values as cells keep them. Refuses what no cell holds."""
    kinds = {*map(type, values)}
    if str in kinds and [1 for value in values if type(value) is str and len(value) > MAX_CHARACTERS]:
        raise invalid(TOO_LONG)
    if kinds <= _PLAIN:
        return values
    if not kinds <= _SCALARS:
        place = next(place for place, value in enumerate(values) if type(value) not in _SCALARS)
        raise invalid(f"Invalid values[{offset}][{place}]: {prototext(values[place])}")
    if int in kinds and [1 for value in values if type(value) is int and not -_EXACT <= value <= _EXACT]:
        return [number(value) if type(value) in (int, float) else value for value in values]
    # As `number` has it; without a call for every cell of a table.
    return [
        int(value) if type(value) is float and value.is_integer() and abs(value) < LONG_FROM else value
        for value in values
    ]


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
    found = sheet.rows[row]
    if found is None or len(found.cells) <= column:  # nothing there that a null could leave as it is
        place_values(sheet, row, column, [None if value == "" else value for value in values])
        return len(values) - values.count(None)
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
