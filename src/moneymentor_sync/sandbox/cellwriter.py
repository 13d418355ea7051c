"""Cells as Google's `CellData`, under a field mask, row by row as JSON bytes."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec

from . import masks, styles
from .a1 import Box
from .cells import CellError, Formula, Plain, Value, is_number
from .document import Document
from .formula.syntax import Call, FormulaSyntaxError, Literal, parse
from .grid import Json, Row, Sheet, Style
from .masks import Mask
from .render import effective, formatted

_ENCODE = msgspec.json.Encoder().encode


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
    "pivotTable": lambda at: (at.style.extra or {}).get("pivotTable") if at.style else None,
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
