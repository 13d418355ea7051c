"""What cells look like from outside: values in the three render options, and cells as JSON under a mask."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from . import masks, numberformat, styles
from .a1 import Box
from .cells import CellError, Formula, Plain, Value, is_number
from .document import Document
from .errors import bad_json
from .formula.evaluate import Evaluator
from .formula.syntax import Call, FormulaSyntaxError, Literal, parse
from .grid import Json, Row, Sheet, Style
from .masks import Mask

VALUE_OPTIONS = ("FORMATTED_VALUE", "UNFORMATTED_VALUE", "FORMULA")
DATE_OPTIONS = ("SERIAL_NUMBER", "FORMATTED_STRING")

Shown: TypeAlias = str | int | float | bool
_ENCODE = msgspec.json.Encoder().encode


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


def _text(value: Plain) -> str:
    """`formatted` for a value without a style."""
    if type(value) is int and -(10**15) < value < 10**15:
        return str(value)
    return formatted(value, None)


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
        cells: Sequence[Value] = row.cells
        if box.column or box.end_column < len(cells):
            cells = cells[box.column : box.end_column]
            while cells and cells[-1] is None:
                cells = cells[:-1]
        kinds = {*map(type, cells)}
        if kinds <= {str} or (self._plain and kinds <= {str, int, float, bool}):
            return cells  # type: ignore[return-value]
        if Formula not in kinds and CellError not in kinds:
            if self._plain:
                return ["" if value is None else value for value in cells]
            if not row.styles and not self._dates_as_text:
                return [value if type(value) is str else _text(value) for value in cells]  # type: ignore[arg-type]
        if kinds:
            columns = range(box.column, box.column + len(cells))
            return [
                self._cell(sheet, row, index, column, value) for column, value in zip(columns, cells, strict=True)
            ]
        return []

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


# --- cells as JSON ----------------------------------------------------------------------------------------


def extended(value: Value) -> Json | None:
    """A value as Google's ExtendedValue."""
    if value is None:
        return None
    kind = type(value)
    if kind is str:
        return {"stringValue": value}
    if kind is bool:
        return {"boolValue": value}
    if kind is Formula:
        return {"formulaValue": value.text}  # type: ignore[union-attr]
    if kind is CellError:
        error = {"type": value.type}  # type: ignore[union-attr]
        if value.message:  # type: ignore[union-attr]
            error["message"] = value.message  # type: ignore[union-attr]
        return {"errorValue": error}
    return {"numberValue": value}


@dataclass(slots=True)
class At:
    """One cell that is being written out; the writer moves it from cell to cell."""

    document: Document
    sheet: Sheet
    row: Row
    index: int
    column: int

    @property
    def value(self) -> Value:
        return self.row.cells[self.column] if self.column < len(self.row.cells) else None

    @property
    def effective(self) -> Plain:
        return effective(self.document, self.sheet, self.index, self.column)

    @property
    def style(self) -> Style | None:
        return self.row.styles[self.column] if self.column < len(self.row.styles) else None


CellPart: TypeAlias = Callable[[At], Any]


def _entered(at: At) -> Any:
    return None if isinstance(at.value, CellError) else extended(at.value)


def _formatted(at: At) -> Any:
    value = at.effective
    return None if value is None else formatted(value, at.style)


def _effective_format(at: At) -> Any:
    style, value = at.style, at.effective
    if value is None and style is None:
        return None
    shown = styles.effective_format(style)
    if "horizontalAlignment" not in shown:
        side = "RIGHT" if is_number(value) else "CENTER" if isinstance(value, bool | CellError) else "LEFT"
        shown = shown | {"horizontalAlignment": side}
    return shown


def _hyperlink(at: At) -> Any:
    value = at.value
    if isinstance(value, Formula):
        return _linked(value)
    link = (((at.style.format if at.style else None) or {}).get("textFormat") or {}).get("link")
    if link:
        return link.get("uri")
    return value if isinstance(value, str) and re.fullmatch(r"https?://\S+", value) else None


def _linked(formula: Formula) -> Any:
    """The address in a formula that is a HYPERLINK with a literal address."""
    try:
        node = parse(formula)
    except FormulaSyntaxError:
        return None
    if isinstance(node, Call) and node.name == "HYPERLINK" and isinstance(node.arguments[0], Literal):
        return node.arguments[0].value
    return None


CELL_PARTS: dict[str, CellPart] = {
    "userEnteredValue": _entered,
    "effectiveValue": lambda at: extended(at.effective),
    "formattedValue": _formatted,
    "userEnteredFormat": lambda at: at.style.format if at.style else None,
    "effectiveFormat": _effective_format,
    "hyperlink": _hyperlink,
    "note": lambda at: at.row.notes.get(at.column) if at.row.notes else None,
    "textFormatRuns": lambda at: (at.style.extra or {}).get("textFormatRuns") if at.style else None,
    "dataValidation": lambda at: at.style.validation if at.style else None,
}


class CellWriter:
    """Writes rows of cells as JSON bytes, row by row, so that a million cells are never a million dicts."""

    def __init__(self, document: Document, mask: Mask) -> None:
        self._document = document
        self._parts = [
            (name, part, masks.below(mask, name)) for name, part in CELL_PARTS.items() if masks.wants(mask, name)
        ]
        self._names = {name for name, _, _ in self._parts}
        self._values_only = [name for name, _, _ in self._parts] == ["userEnteredValue"] and not self._parts[0][2]

    def rows(self, sheet: Sheet, box: Box) -> msgspec.Raw | None:
        """The JSON of `rowData`; None where nothing that is wanted is there."""
        found: list[bytes] = []
        filled = 0
        for index in range(box.row, box.end_row):
            row = sheet.rows[index]
            cells = self._cells(sheet, row, index, box) if row is not None else None
            if cells:
                found.append(_ENCODE({"values": cells}))
                filled = len(found)
            else:
                found.append(b"{}")
        if not filled:
            return None
        return msgspec.Raw(b"[" + b",".join(found[:filled]) + b"]")

    def _cells(self, sheet: Sheet, row: Row, index: int, box: Box) -> list[Json]:
        if self._values_only:
            return self._values(row, box)
        width = max(len(row.cells), len(row.styles), max(row.notes, default=-1) + 1 if row.notes else 0)
        cells: list[Json] = []
        filled = 0
        at = At(self._document, sheet, row, index, 0)
        for column in range(box.column, min(box.end_column, width)):
            at.column = column
            cell = self._cell(at)
            cells.append(cell)
            if cell:
                filled = len(cells)
        return cells[:filled]

    @staticmethod
    def _values(row: Row, box: Box) -> list[Json]:
        cells = row.cells
        if box.column or box.end_column < len(cells):
            cells = cells[box.column : box.end_column]
        found: list[Json] = []
        for value in cells:
            kind = type(value)
            if kind is str:
                found.append({"userEnteredValue": {"stringValue": value}})
            elif kind is int or kind is float:
                found.append({"userEnteredValue": {"numberValue": value}})
            elif value is None or kind is CellError:
                found.append({})
            else:
                found.append({"userEnteredValue": extended(value)})
        while found and not found[-1]:
            found.pop()
        return found

    def _cell(self, at: At) -> Json:
        cell: Json = {}
        for name, part, under in self._parts:
            value = part(at)
            if value is None:
                continue
            if under:
                value = masks.select(value, under)
                if value == {}:
                    continue
            cell[name] = value
        return cell
