"""What a cell can hold.

A plain value is stored as plain Python (None, str, int, float, bool), because a tab has a million of them; a
formula and an error are small objects. Nothing here knows of rows, sheets or JSON.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, TypeAlias

MAX_CHARACTERS = 50_000
LONG_FROM = 1e17
"""From here on a whole number stays a float: it would be written with more digits than it has."""
TOO_LONG = "Your input contains more than the maximum of 50000 characters in a single cell."

ERROR_TYPES = {
    "#NULL!": "NULL_VALUE",
    "#DIV/0!": "DIVIDE_BY_ZERO",
    "#VALUE!": "VALUE",
    "#REF!": "REF",
    "#NAME?": "NAME",
    "#NUM!": "NUM",
    "#N/A": "N_A",
    "#ERROR!": "ERROR",
}


@dataclass(frozen=True, slots=True)
class CellError:
    """An error value: its sign (`#REF!`) and the sentence that Google shows for it."""

    sign: str
    message: str = ""

    @property
    def type(self) -> str:
        """Google's name of the kind (`ErrorType` in the API)."""
        return ERROR_TYPES.get(self.sign, "ERROR")

    def __str__(self) -> str:
        return self.sign


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula as text with its leading `=`. Equal by text; `parsed` is a cache that others fill."""

    text: str
    parsed: list[Any] = field(default_factory=list, compare=False, repr=False)

    def __str__(self) -> str:
        return self.text


Plain: TypeAlias = str | int | float | bool | CellError | None
Value: TypeAlias = str | int | float | bool | CellError | Formula | None


def number(value: int | float) -> int | float:
    """A number as a cell keeps it: a double; whole ones are ints so that they are written without `.0`."""
    if isinstance(value, int):
        return value if -(2**53) <= value <= 2**53 else number(float(value))
    if value.is_integer() and abs(value) < LONG_FROM:
        return int(value)
    return value


def is_number(value: object) -> bool:
    """True for int and float, not for bool."""
    return type(value) is int or type(value) is float


def finite(value: float) -> bool:
    """False for NaN and the infinities, which no cell holds."""
    return math.isfinite(value)
