"""What formulas come to: one evaluator for one version of a spreadsheet, with everything remembered."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ..a1 import Box
from ..cells import CellError, Formula, Plain, number
from ..dates import serial_of
from . import functions
from .syntax import (
    Call,
    FormulaSyntaxError,
    Literal,
    Name,
    Node,
    Reference,
    Unary,
    parse,
)

if TYPE_CHECKING:
    from ..document import Document
    from ..grid import Sheet

Result: TypeAlias = "Plain | Cells"

PARSE_ERROR = CellError("#ERROR!", "Formula parse error.")
CYCLE = CellError(
    "#REF!", "Circular dependency detected. To resolve with iterative calculation, see File > Settings."
)
DEEP = CellError("#ERROR!", "The formula is nested too deeply.")


def _zone(name: str) -> tzinfo:
    """The time zone of that name; one that this machine does not know is taken for UTC."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


class Cells:
    """A range of cells as a formula's argument: read only when somebody asks."""

    def __init__(self, evaluator: Evaluator, sheet: Sheet, box: Box) -> None:
        self.sheet, self.box = sheet, box
        self._evaluator = evaluator

    def __iter__(self) -> Iterator[Plain]:
        for row in range(self.box.row, self.box.end_row):
            for column in range(self.box.column, self.box.end_column):
                yield self._evaluator.value(self.sheet, row, column)

    def at(self, row: int, column: int) -> Plain:
        """The cell that many rows and columns from the range's corner."""
        return self._evaluator.value(self.sheet, self.box.row + row, self.box.column + column)


class Evaluator:
    """Values of formulas in one committed version; never used for another one."""

    def __init__(self, document: Document, now: float | None = None) -> None:
        """`now` is seconds since 1970; without it formulas see the last change, when they were worked out."""
        self._document = document
        self._now = document.modified if now is None else now
        self._known: dict[tuple[int, int, int], Plain] = {}
        self._open: set[tuple[int, int, int]] = set()

    def value(self, sheet: Sheet, row: int, column: int) -> Plain:
        """The value of a cell: of a formula what it comes to."""
        value = sheet.value(row, column)
        if not isinstance(value, Formula):
            return value
        return self.formula(value, sheet, row, column)

    def formula(self, formula: Formula, sheet: Sheet, row: int, column: int) -> Plain:
        """What a formula standing there comes to; errors are values."""
        place = (sheet.sheet_id, row, column)
        if place in self._known:
            return self._known[place]
        if place in self._open:
            return CYCLE
        self._open.add(place)
        try:
            result = self.worked_out(formula, sheet, row, column)
        finally:
            self._open.discard(place)
        self._known[place] = result
        return result

    def worked_out(self, formula: Formula, sheet: Sheet, row: int, column: int) -> Plain:
        """What a formula comes to for a cell that it does not stand in: a rule's."""
        try:
            result = self._scalar(self._node(parse(formula), sheet, row, column), row, column)
        except FormulaSyntaxError:
            return PARSE_ERROR
        except RecursionError:
            return DEEP
        except functions.FormulaError as fault:
            return fault.error
        return number(result) if type(result) is float else result

    def _node(self, node: Node, sheet: Sheet, row: int, column: int) -> Result:
        if isinstance(node, Literal):
            return node.value
        if isinstance(node, Reference):
            return self._reference(node, sheet)
        if isinstance(node, Name):
            return self._named(node)
        if isinstance(node, Call):
            return self._call(node, sheet, row, column)
        if isinstance(node, Unary):
            return functions.unary(node.operator, self._plain(node.operand, sheet, row, column))
        left = self._plain(node.left, sheet, row, column)
        return functions.binary(node.operator, left, self._plain(node.right, sheet, row, column))

    def _plain(self, node: Node, sheet: Sheet, row: int, column: int) -> Plain:
        return self._scalar(self._node(node, sheet, row, column), row, column)

    @staticmethod
    def _scalar(result: Result, row: int, column: int) -> Plain:
        """One value of a range: its only cell, or the one in line with the formula."""
        if not isinstance(result, Cells):
            return result
        box = result.box
        if box.height <= 1 and box.width <= 1:
            return result.at(0, 0)
        if box.width == 1 and box.row <= row < box.end_row:
            return result.at(row - box.row, 0)
        if box.height == 1 and box.column <= column < box.end_column:
            return result.at(0, column - box.column)
        return result.at(0, 0)

    def _reference(self, node: Reference, sheet: Sheet) -> Cells:
        target = sheet if node.title is None else self._document.titled(node.title)
        if target is None:
            raise functions.FormulaError("#REF!", f"Unresolved sheet name '{node.title}'.")
        box = node.area.clipped(target.row_count, target.column_count)
        if not box.height or not box.width:
            raise functions.FormulaError("#REF!", "Reference does not exist.")
        return Cells(self, target, box)

    def _named(self, node: Name) -> Cells:
        for item in self._document.named.values():
            if item.name.casefold() == node.name.casefold() and item.area is not None:
                target = self._document.sheet(item.sheet_id)
                return Cells(self, target, item.area.clipped(target.row_count, target.column_count))
        raise functions.FormulaError("#NAME?", f"Unknown range name: '{node.name.upper()}'.")

    def _call(self, node: Call, sheet: Sheet, row: int, column: int) -> Result:
        lazy = functions.LAZY.get(node.name)
        if lazy is not None:
            return lazy(node.arguments, lambda part: self._plain(part, sheet, row, column))
        if node.name in ("ROW", "COLUMN"):
            return self._place(node, sheet, row, column)
        if node.name in ("NOW", "TODAY"):
            return self._moment(node)
        known = functions.FUNCTIONS.get(node.name)
        if known is None:
            raise functions.FormulaError("#NAME?", f"Unknown function: '{node.name}'.")
        return known([self._node(part, sheet, row, column) for part in node.arguments])

    def _moment(self, node: Call) -> Plain:
        """`NOW()` and `TODAY()` in the spreadsheet's time zone."""
        if node.arguments:
            raise functions.miscounted(node.name, "0", len(node.arguments))
        serial = serial_of(datetime.fromtimestamp(self._now, _zone(self._document.time_zone)))
        return serial if node.name == "NOW" else int(serial)

    def _place(self, node: Call, sheet: Sheet, row: int, column: int) -> Plain:
        if node.arguments:
            cells = self._node(node.arguments[0], sheet, row, column)
            if not isinstance(cells, Cells):
                raise functions.FormulaError("#N/A", "Argument must be a range.")
            row, column = cells.box.row, cells.box.column
        return row + 1 if node.name == "ROW" else column + 1
