"""What cells look like from outside: their values in the three render options."""

from __future__ import annotations

from typing import Any, TypeAlias

from . import numberformat, styles
from .a1 import Box
from .cells import CellError, Formula, Plain, Value, is_number
from .document import Document
from .errors import bad_json
from .formula.evaluate import Evaluator
from .grid import Row, Sheet, Style, Styles

VALUE_OPTIONS = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")
DATE_OPTIONS = ("SERIAL_NUMBER", "FORMATTED_STRING")

Shown: TypeAlias = str | int | float | bool


def evaluator(document: Document) -> Evaluator:
    """The evaluator of this version of the document."""
    found = document.caches.get("evaluator")
    if found is None:
        found = document.caches["evaluator"] = Evaluator(document)
    return found


def effective(document: Document, sheet: Sheet, row: int, column: int) -> Plain:
    """The value that is shown: a formula's result."""
    value = sheet.value(row, column)
    if not isinstance(value, Formula):
        return value
    return evaluator(document).formula(value, sheet, row, column)


def formatted(value: Plain, style: Style | None) -> str:
    """The text in the cell, as a person sees it."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, CellError):
        return value.sign
    return numberformat.show(value, styles.number_format(style))


class Renderer:
    """Renders the values of one document with one pair of options."""

    def __init__(self, document: Document, value_option: str | None = None, date_option: str | None = None) -> None:
        self._document = document
        self._option = checked(value_option, VALUE_OPTIONS, "value_render_option")
        self._dates_as_text = checked(date_option, DATE_OPTIONS, "date_time_render_option") == DATE_OPTIONS[1]
        self._plain = self._option != VALUE_OPTIONS[0] and not self._dates_as_text

    def rows(self, sheet: Sheet, box: Box) -> list[list[Any]]:
        """The box's values; trailing blanks of each row and trailing blank rows are cut, gaps are ''."""
        found: list[list[Any]] = []
        filled = 0
        for index in range(box.row, box.end_row):
            row = sheet.rows[index]
            values = self._row(sheet, row, index, box) if row is not None and row.cells else []
            found.append(values)
            if values:
                filled = len(found)
        del found[filled:]
        return found

    def _row(self, sheet: Sheet, row: Row, index: int, box: Box) -> list[Any]:
        cells = row.cells
        if box.column or box.end_column < len(cells):
            cells = cells[box.column : box.end_column]
            while cells and cells[-1] is None:
                cells.pop()
        kinds = {*map(type, cells)}
        if kinds <= {str} or (self._plain and kinds <= {str, int, float, bool}):
            return cells
        if Formula in kinds or CellError in kinds:
            return [self._cell(sheet, row, index, box.column + place, value) for place, value in enumerate(cells)]
        if self._plain:
            return ["" if value is None else value for value in cells]
        return [
            value if type(value) is str else self._styled(value, row.styles, box.column + place)
            for place, value in enumerate(cells)
        ]

    def _styled(self, value: Value, known: Styles, column: int) -> Shown:
        """A plain value under its cell's style; most have none."""
        style = known[column] if column < len(known) else None
        if style is None and type(value) is int and self._option == VALUE_OPTIONS[0] and abs(value) < 10**15:
            return str(value)
        return self._show(value, style)  # type: ignore[arg-type]

    @staticmethod
    def _unformatted(value: Plain) -> Shown:
        if isinstance(value, CellError):
            return f"{value.sign} ({value.message})" if value.message else value.sign
        return "" if value is None else value

    def _show(self, value: Plain, style: Style | None) -> Shown:
        if self._option == VALUE_OPTIONS[0] or (is_number(value) and self._is_date(style)):
            return formatted(value, style)
        return self._unformatted(value)

    def _is_date(self, style: Style | None) -> bool:
        format_ = styles.number_format(style) or {}
        kind = format_.get("type", "")
        return self._dates_as_text and kind in numberformat.DATE_KINDS

    def _cell(self, sheet: Sheet, row: Row, index: int, column: int, value: Value) -> Shown:
        if value is None:
            return ""
        if type(value) is Formula:
            if self._option == VALUE_OPTIONS[2]:
                return value.text
            plain = evaluator(self._document).formula(value, sheet, index, column)
        else:
            plain = value  # type: ignore[assignment]
        style = row.styles[column] if column < len(row.styles) else None
        return self._show(plain, style)


def checked(given: str | None, allowed: tuple[str, ...], name: str) -> str:
    """One of an enum's names, the first where none is given; else Google's refusal."""
    if given is None or given == "":
        return allowed[0]
    if given not in allowed:
        kind = {"value_render_option": "ValueRenderOption", "date_time_render_option": "DateTimeRenderOption"}
        type_name = f"type.googleapis.com/google.apps.sheets.v4.{kind.get(name, name)}"
        raise bad_json(f"Invalid value at '{name}' ({type_name}), \"{given}\"", name)
    return given
