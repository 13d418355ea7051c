"""How conditional formats make cells look: for the page, which a person looks at. The API never sees it.

Carried out: conditions on numbers, texts and blanks, and formulas as far as `formula` knows their functions.
Passed over, as if they did not hold: conditions on dates, and colour scales.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from . import render
from .a1 import Box
from .cells import CellError, Formula, Plain, is_number
from .document import Document
from .formula import follow
from .formula.evaluate import Evaluator
from .grid import Json, Sheet
from .typed import understand

_NUMBERS: dict[str, Callable[[float, list[float]], bool]] = {
    "NUMBER_GREATER": lambda value, than: value > than[0],
    "NUMBER_GREATER_THAN_EQ": lambda value, than: value >= than[0],
    "NUMBER_LESS": lambda value, than: value < than[0],
    "NUMBER_LESS_THAN_EQ": lambda value, than: value <= than[0],
    "NUMBER_EQ": lambda value, than: value == than[0],
    "NUMBER_NOT_EQ": lambda value, than: value != than[0],
    "NUMBER_BETWEEN": lambda value, than: min(than) <= value <= max(than),
    "NUMBER_NOT_BETWEEN": lambda value, than: not min(than) <= value <= max(than),
}
_TEXTS: dict[str, Callable[[str, str], bool]] = {
    "TEXT_CONTAINS": lambda text, part: part in text,
    "TEXT_NOT_CONTAINS": lambda text, part: part not in text,
    "TEXT_STARTS_WITH": str.startswith,
    "TEXT_ENDS_WITH": str.endswith,
    "TEXT_EQ": lambda text, part: text == part,
    "TEXT_NOT_EQ": lambda text, part: text != part,
}
_MOVING = ("NOW(", "TODAY(")


@dataclass(frozen=True, slots=True)
class _Rule:
    """Where a rule holds; `row` and `column` are the corner that its formulas are written for."""

    boxes: tuple[Box, ...]
    row: int
    column: int
    kind: str
    values: tuple[str, ...]
    format: Json


class Rules:
    """The rules of one tab at one moment; `now` is seconds since 1970, for formulas that ask for the time."""

    def __init__(self, document: Document, sheet: Sheet, now: float) -> None:
        self._document, self._sheet = document, sheet
        self._evaluator = Evaluator(document, now)
        self._rules = tuple(_rules(sheet))

    def reach(self, row: int) -> bool:
        """Whether any rule is laid over that row: then even its blank cells may look like something."""
        return any(box.row <= row < box.end_row for rule in self._rules for box in rule.boxes)

    def look(self, row: int, column: int) -> Json:
        """The format that the rules put over a cell's own; of two that hold, the first one wins."""
        found: Json = {}
        for rule in self._rules:
            here = any(box.row <= row < box.end_row and box.column <= column < box.end_column for box in rule.boxes)
            if here and self._holds(rule, row, column):
                text = rule.format.get("textFormat", {}) | found.get("textFormat", {})
                found = rule.format | found | ({"textFormat": text} if text else {})
        return found

    def _holds(self, rule: _Rule, row: int, column: int) -> bool:
        if rule.kind == "CUSTOM_FORMULA":
            return bool(rule.values) and _is_true(self._operand(rule, rule.values[0], row, column))
        value = self._evaluator.value(self._sheet, row, column)
        if rule.kind in ("BLANK", "NOT_BLANK"):
            return (value is None or value == "") is (rule.kind == "BLANK")
        operands = [self._operand(rule, text, row, column) for text in rule.values]
        if rule.kind in _NUMBERS:
            numbers = [operand for operand in operands if is_number(operand)]
            wanted = 2 if rule.kind.endswith("BETWEEN") else 1
            return is_number(value) and len(numbers) == wanted and _NUMBERS[rule.kind](value, numbers)  # type: ignore[arg-type]
        if rule.kind in _TEXTS and rule.values:
            text = render.formatted(value, self._sheet.style(row, column) if self._sheet.rows[row] else None)
            return _TEXTS[rule.kind](text.casefold(), render.formatted(operands[0], None).casefold())
        return False

    def _operand(self, rule: _Rule, text: str, row: int, column: int) -> Plain:
        """A value of the condition as it is for this cell: references move along with it."""
        if not text.startswith("="):
            value = understand(text).value
            return None if isinstance(value, Formula) else value
        formula = follow.offset(Formula(text), row - rule.row, column - rule.column)
        return self._evaluator.worked_out(formula, self._sheet, row, column)


def moving(sheet: Sheet) -> bool:
    """Whether some rule asks for the time, so that the tab may look different without having changed."""
    texts = [text.upper() for rule in _rules(sheet) for text in rule.values]
    return any(name in text for text in texts for name in _MOVING)


def _rules(sheet: Sheet) -> Iterator[_Rule]:
    for item in sheet.extras.conditional:
        rule = item.body.get("booleanRule")
        boxes = tuple(area.clipped(sheet.row_count, sheet.column_count) for area in item.areas)
        if not rule or not boxes:
            continue
        condition = rule.get("condition") or {}
        values = tuple(str(value.get("userEnteredValue") or "") for value in condition.get("values") or [])
        kind = str(condition.get("type") or "")
        yield _Rule(boxes, boxes[0].row, boxes[0].column, kind, values, rule.get("format") or {})


def _is_true(value: Plain) -> bool:
    return not isinstance(value, str | CellError) and bool(value)
