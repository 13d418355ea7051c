"""Keeps formulas pointing at the same cells when those move; only the references' text changes."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..a1 import Area, column_number, letters, quoted
from ..cells import Formula
from ..moves import Edit
from .syntax import FormulaSyntaxError, Token, reference, tokens

_PART = re.compile(r"(\$?)([A-Za-z]{1,3})?(\$?)([1-9][0-9]*)?")


def follow(formula: Formula, edit: Edit, own_sheet: bool, title: str) -> Formula:
    """The formula after an edit of the tab called `title`; `own_sheet` tells that it stands in that tab."""

    def change(text: str) -> str:
        node = reference(text)
        concerned = own_sheet if node.title is None else node.title.casefold() == title.casefold()
        if not concerned:
            return text
        area = edit.area(node.area)
        return "#REF!" if area is None else _split(text)[0] + _respelled(text, area)

    return _rewritten(formula, change)


def taken_along(
    formula: Formula, moved: Callable[[Area], Area | None], own_sheet: bool, title: str, goal: str | None
) -> Formula:
    """The formula after cells of the tab called `title` were cut and pasted; `moved` says where a reference's
    area is now (None: where it was), `goal` names the tab where that is another one."""

    def change(text: str) -> str:
        node = reference(text)
        concerned = own_sheet if node.title is None else node.title.casefold() == title.casefold()
        area = moved(node.area) if concerned else None
        if area is None:
            return text
        prefix = _split(text)[0] if goal is None else f"{quoted(goal)}!"
        return prefix + _respelled(text, area)

    return _rewritten(formula, change)


def offset(formula: Formula, rows: int, columns: int) -> Formula:
    """The formula as a copy of it reads that many rows and columns further on; `$` parts stay."""

    def change(text: str) -> str:
        prefix, rest = _split(text)
        parts = [_moved(part, rows, columns) for part in rest.split(":")]
        return "#REF!" if None in parts else prefix + ":".join(part or "" for part in parts)

    return _rewritten(formula, change)


def renamed(formula: Formula, old: str, new: str) -> Formula:
    """The formula after the tab called `old` became `new`."""

    def change(text: str) -> str:
        node = reference(text)
        if node.title is None or node.title.casefold() != old.casefold():
            return text
        return f"{quoted(new)}!{_split(text)[1]}"

    return _rewritten(formula, change)


def orphaned(formula: Formula, title: str) -> Formula:
    """The formula after the tab called `title` was deleted."""

    def change(text: str) -> str:
        node = reference(text)
        return "#REF!" if node.title is not None and node.title.casefold() == title.casefold() else text

    return _rewritten(formula, change)


def _rewritten(formula: Formula, change: Callable[[str], str]) -> Formula:
    try:
        found = tokens(formula.text[1:])
    except FormulaSyntaxError:
        return formula
    text = "=" + "".join(change(token[1]) if _refers(token) else token[1] for token in found)
    return formula if text == formula.text else Formula(text)


def _refers(token: Token) -> bool:
    return token[0] == "reference"


def _split(text: str) -> tuple[str, str]:
    prefix, mark, rest = text.rpartition("!")
    return prefix + mark, rest


def _moved(part: str, rows: int, columns: int) -> str | None:
    match = _PART.fullmatch(part)
    if match is None:
        return part
    fixed_column, name, fixed_row, number = match.groups()
    if name and not number and fixed_row:
        return part
    if name and not fixed_column:
        column = column_number(name) + columns
        if column < 0:
            return None
        name = letters(column)
    if number and not (fixed_row or (not name and fixed_column)):
        row = int(number) + rows
        if row < 1:
            return None
        number = str(row)
    return f"{fixed_column}{name or ''}{fixed_row}{number or ''}"


def _respelled(text: str, new: Area) -> str:
    """The reference with its numbers replaced and its `$` kept."""
    rest = _split(text)[1]
    parts = rest.split(":")
    first = _spelled(parts[0], new.row, new.column)
    if len(parts) == 1:
        return first
    end_row = None if new.end_row is None else new.end_row - 1
    end_column = None if new.end_column is None else new.end_column - 1
    return f"{first}:{_spelled(parts[1], end_row, end_column)}"


def _spelled(part: str, row: int | None, column: int | None) -> str:
    match = _PART.fullmatch(part)
    if match is None:
        return part
    first_mark, name, second_mark, digits = match.groups()
    shown_name = letters(column) if name and column is not None else name or ""
    shown_row = str(row + 1) if digits and row is not None else digits or ""
    return f"{first_mark}{shown_name}{second_mark}{shown_row}"
