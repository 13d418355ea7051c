"""Whole columns of values as cells: what `Converter` makes of each value, for the common cases at the speed of C.

Nothing is decided here that is not decided in `cells`: a run of values of one kind, all of which become cells in
the plain way, is converted at once, and any other goes through `Converter.convert` value by value.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime
from math import isfinite
from typing import Any

from .cells import EPOCH, MAX_EXACT_INTEGER, MAX_TEXT, NOT_IN_CELLS, Cell, Converter, day_number
from .settings import CellType

Cells = Sequence[Cell]
Fast = Callable[[Sequence[Any]], Cells | None]
"""Converts values of one type, and None; gives None where one of them is not a plain case."""

_EPOCH_DAY = EPOCH.toordinal()
_BITS: dict[Any, Cell] = {0: False, 1: True, None: None}
_NOTHING = type(None)


def convert_column(converter: Converter, values: Sequence[Any]) -> Cells:
    """The cells of a column's values, which are as `unpack_row` gives them. Raises as `Converter.convert` does."""
    kinds = {*map(type, values)} - {_NOTHING}
    if not kinds:
        return values
    fast = _FAST.get((converter.type, kinds.pop())) if len(kinds) == 1 else None
    cells = fast(values) if fast is not None else None
    if cells is None:
        return [*map(converter.convert, values)]
    return cells


def _texts(values: Sequence[str | None]) -> Cells | None:
    filled = [*filter(None, values)]
    if len(filled) < len(values) - values.count(None):  # an empty text is a blank cell
        values = [value or None for value in values]
    if max(map(len, filled), default=0) > MAX_TEXT // 2:
        return None
    together = "".join(filled)
    if together.isascii():
        return None if "\x00" in together else values
    return None if NOT_IN_CELLS.search(together) else values


def _integers(values: Sequence[int | None]) -> Cells | None:
    if None in values:
        known = [value for value in values if value is not None]
        return [None if value is None else float(value) for value in values] if _exact(known) else None
    return [*map(float, values)] if _exact(values) else None  # type: ignore[arg-type]  # none is None


def _exact(values: Sequence[Any]) -> bool:
    return bool(min(values) >= -MAX_EXACT_INTEGER and max(values) <= MAX_EXACT_INTEGER)


def _floats(values: Sequence[float | None]) -> Cells | None:
    if not isfinite(sum(filter(None, values))):  # a sum may also overflow: then one by one
        return None
    if 0.0 in values:  # -0.0 is equal, and becomes 0.0
        return [None if value is None else value + 0.0 for value in values]
    return values


def _bits(values: Sequence[int | None]) -> Cells | None:
    return [_BITS[value] for value in values] if {*values} <= _BITS.keys() else None


def _as_they_are(values: Sequence[Any]) -> Cells:
    return values


def _dates(values: Sequence[str | None]) -> Cells | None:
    parse = date.fromisoformat
    try:
        return [None if value is None else float(parse(value).toordinal() - _EPOCH_DAY) for value in values]
    except ValueError:  # a time beside it, blanks around it, or no date at all
        return None


def _datetimes(values: Sequence[str | None]) -> Cells | None:
    parse = datetime.fromisoformat
    try:
        return [None if value is None else day_number(parse(value) - EPOCH) for value in values]
    except (ValueError, TypeError):  # no date-time, or one with a zone
        return None


_FAST: dict[tuple[CellType | None, type], Fast] = {
    (None, str): _texts,
    (None, int): _integers,
    (None, float): _floats,
    (None, bool): _as_they_are,
    ("number", int): _integers,
    ("number", float): _floats,
    ("text", str): _texts,
    ("boolean", int): _bits,
    ("boolean", bool): _as_they_are,
    ("date", str): _dates,
    ("datetime", str): _datetimes,
}
