"""Values as cells: what a database value becomes in a spreadsheet, exactly and typed.

A cell is None (blank), a bool, a float or a str; a formula is only ever met in what a person typed. Dates are
day numbers since 1899-12-30, as Google Sheets keeps them. Rows travel as `pack_row` bytes, so that one
serialisation serves the fingerprint and the spool. Nothing here knows of tabs or rows' positions.
"""

from __future__ import annotations

import json
import marshal
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta, tzinfo
from decimal import Decimal, InvalidOperation
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from .errors import UnsupportedValueError
from .settings import CellType, Config, LongText

Cell = None | bool | float | str
Kind = str
"""What a column's values are for its number format: `date`, `datetime`, `time`, `duration` or ``."""

MAX_TEXT = 50_000
"""Characters a cell holds (Google Sheets limit); counted in UTF-16 units, which is never less."""
NOT_APPLICABLE = "N/A"
"""The word for no value, which a column of any type may have on purpose."""
CUT_MARK = "… [cut by mmsync]"
MAX_EXACT_INTEGER = 2**53
MAX_DIGITS = 15

DEFAULT_FORMATS: dict[Kind, str] = {
    "date": "yyyy-mm-dd",
    "datetime": "yyyy-mm-dd hh:mm:ss",
    "time": "hh:mm:ss",
    "duration": "[h]:mm:ss",
}

EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a cell has no zone; the epoch is as naive as the cell
_SECONDS = 86_400
NOT_IN_CELLS = re.compile("[\x00\ud800-\udfff]")
_NUMBER = re.compile(r"\s*[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?\s*", re.ASCII)
"""What a database calls a number; Python's Decimal would also take `1_000` and the digits of other scripts."""
_TRUE = frozenset({"1", "t", "true", "y", "yes", "on"})
_FALSE = frozenset({"0", "f", "false", "n", "no", "off"})


@dataclass(frozen=True, slots=True)
class Formula:
    """A formula that somebody typed into a cell; equal to no value from the database."""

    text: str


CurrentCell = Cell | Formula


_TAG = "\x00"
"""Begins the tags below: no database's composite value starts with it."""


# --- rows as bytes ----------------------------------------------------------------------------------------


def _plain_timedelta(value: timedelta) -> tuple[str, int]:
    return (_TAG + "i", (value.days * _SECONDS + value.seconds) * 1_000_000 + value.microseconds)


def _plain_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str, separators=(", ", ": "))


_PLAIN: dict[type, Callable[[Any], Any]] = {
    datetime: lambda v: (_TAG + "t", v.isoformat()),
    date: lambda v: (_TAG + "d", v.isoformat()),
    time: lambda v: (_TAG + "c", v.isoformat()),
    timedelta: _plain_timedelta,
    Decimal: lambda v: (_TAG + "n", str(v)),
    UUID: str,
    dict: _plain_json,
    list: _plain_json,
    tuple: _plain_json,
    memoryview: bytes,
    bytearray: bytes,
}
_BASIC = (type(None), bool, int, float, str, bytes)


def _plain(value: Any) -> Any:
    if type(value) in _BASIC:
        return value
    found = _PLAIN.get(type(value))
    if found is not None:
        return found(value)
    for kind, make in _PLAIN.items():
        if isinstance(value, kind):
            return make(value)
    return str(value)  # ranges, networks, enums and the like: their text is what a person expects


def pack_row(row: tuple[Any, ...]) -> bytes:
    """One row as bytes: equal rows give equal bytes, whatever process made them.

    Format 2 of marshal has no references and no interning, so it depends on the values alone.
    """
    try:
        return marshal.dumps(row, 2)
    except ValueError:
        return marshal.dumps(tuple(map(_plain, row)), 2)


def unpack_row(data: bytes) -> tuple[Any, ...]:
    """The row again, with dates, decimals and the like as (tag, text) pairs that `Converter` understands."""
    row: tuple[Any, ...] = marshal.loads(data)  # noqa: S302 - only ever this process's own bytes
    return row


def _is_tagged(value: Any) -> bool:
    return type(value) is tuple and len(value) == 2 and str(value[0]).startswith(_TAG)


# --- values to cells --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CellRules:
    """How values become cells: the zone of time stamps that carry one, what to do with long text, and the key of
    pseudonyms."""

    timezone: tzinfo
    long_text: LongText = "cut"
    hash_key: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(cls, config: Config) -> CellRules:
        """As the configuration has them."""
        return cls(ZoneInfo(config.sync.timezone), config.sync.long_text, config.privacy.hash_key)


def utf16_units(text: str) -> int:
    """A text's length as Google may count it: a character beyond U+FFFF is two."""
    return len(text) + sum(character > "\uffff" for character in text)


def number_cell(value: int | float) -> Cell:
    """An integer or float as a number; what a double cannot hold exactly, as its exact text."""
    if isinstance(value, int):
        return float(value) if -MAX_EXACT_INTEGER <= value <= MAX_EXACT_INTEGER else _digits(value)
    if math.isfinite(value):
        return value + 0.0  # -0.0 becomes 0.0, which is what comes back
    return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")


def _digits(value: int) -> str:
    """An integer's digits, however many: Python itself writes out no more than 4,300."""
    return str(value) if value.bit_length() < 10_000 else format(Decimal(value), "f")


def decimal_cell(value: Decimal) -> Cell:
    """A decimal as a number up to 15 significant digits, beyond that as exact text."""
    if not value.is_finite():
        return "NaN" if value.is_nan() else ("Infinity" if value > 0 else "-Infinity")
    digits = value.as_tuple().digits
    significant = len("".join(map(str, digits)).strip("0"))
    number = float(value) if significant <= MAX_DIGITS and abs(value.adjusted()) < 300 else math.inf
    if significant <= MAX_DIGITS and math.isfinite(number) and (number != 0.0 or not value):
        return number + 0.0
    return format(value, "f") if abs(value.adjusted()) < 1_000 else str(value)


def serial(moment: datetime) -> float:
    """A naive date-time as a day number, to 15 significant digits (about 10 microseconds)."""
    return day_number(moment - EPOCH)


def day_number(since: timedelta) -> float:
    """A time since the epoch as `serial` gives it."""
    seconds = since.seconds + since.microseconds / 1e6
    return round(since.days + seconds / _SECONDS, 10) + 0.0


def _in_zone(moment: datetime, zone: tzinfo) -> datetime:
    if moment.tzinfo is None:
        return moment
    try:
        return moment.astimezone(zone).replace(tzinfo=None)
    except OverflowError:  # the first or last hours of the calendar
        return moment.replace(tzinfo=None)


class Converter:
    """Turns one column's values into cells; remembers what kinds it met and how many texts it cut.

    `convert(value)` takes what `unpack_row` gives. Raises UnsupportedValueError for bytes, and for text over
    50,000 characters where `long_text` is `refuse`. Text that a cell cannot hold to the letter (NUL, lone
    surrogates) gets U+FFFD in its place and is counted in `replaced`; a value that is not what the column's type
    says arrives as what it is, and is counted in `unlike`.
    """

    __slots__ = ("_column", "_rules", "convert", "cut", "kind", "replaced", "type", "unlike")

    def __init__(self, column: str, cell_type: CellType | None, rules: CellRules) -> None:
        self._column = column
        self.type = cell_type
        self._rules = rules
        self.kind: Kind = cell_type if cell_type in ("date", "datetime") else ""
        self.cut = 0
        self.replaced = 0
        self.unlike = 0
        by_type: dict[CellType | None, Callable[[Any], Cell]] = {
            "date": self._dated,
            "datetime": self._dated,
            "boolean": self._boolean,
            "number": self._number,
            "text": self._as_text,
            None: self._any,
        }
        self.convert = by_type[cell_type]

    def _any(self, value: Any) -> Cell:
        kind = type(value)  # the common types without another call: this runs for every cell of a table
        if kind is str:
            plain = len(value) <= MAX_TEXT // 2 and value.isascii() and "\x00" not in value
            return (value or None) if plain else self._text(value)
        if kind is int:
            return float(value) if -MAX_EXACT_INTEGER <= value <= MAX_EXACT_INTEGER else self._whole(_digits(value))
        if value is None or kind is bool:
            return value  # type: ignore[no-any-return]  # narrowed by `kind`, which mypy cannot follow
        if kind is float:
            return number_cell(value)
        if _is_tagged(value):
            return self._tagged(value)
        if kind is not bytes:
            return self._text(_plain_json(value))
        raise UnsupportedValueError(
            f"column {self._column!r} holds binary data, which no cell can hold",
            hint="Leave the column out, or encode it in the query, such as encode(column, 'hex').",
        )

    def _text(self, value: str) -> Cell:
        if len(value) > MAX_TEXT // 2:
            value = self._shortened(value)
        if not value.isascii() or "\x00" in value:
            clean = NOT_IN_CELLS.sub("\ufffd", value)
            if clean is not value and clean != value:
                self.replaced += 1
                value = clean
        return value or None

    def _whole(self, number: Cell) -> Cell:
        """A number's exact text; one of more digits than a cell holds ends in the mark that says so."""
        return self._shortened(number) if isinstance(number, str) and len(number) > MAX_TEXT else number

    def _unlike(self, value: Any) -> Cell:
        """What it is, though the column says that it should be something else."""
        cell = self._any(value)
        self.unlike += cell is not None and cell != NOT_APPLICABLE
        return cell

    def _shortened(self, value: str) -> str:
        if utf16_units(value) <= MAX_TEXT:
            return value
        if self._rules.long_text == "refuse":
            raise UnsupportedValueError(
                f"column {self._column!r} holds a text of more than {MAX_TEXT:,} characters",
                hint='Shorten it in the query, or set `[sync] long_text = "cut"`.',
            )
        self.cut += 1
        units = value.encode("utf-16-le", "surrogatepass")[: 2 * (MAX_TEXT - len(CUT_MARK))]
        return units.decode("utf-16-le", "ignore") + CUT_MARK

    def _tagged(self, value: tuple[str, Any]) -> Cell:
        tag, content = value
        match tag:
            case "\x00n":
                return self._whole(decimal_cell(Decimal(content)))
            case "\x00t":
                self.kind = self.kind or "datetime"
                return serial(_in_zone(datetime.fromisoformat(content), self._rules.timezone))
            case "\x00d":
                self.kind = self.kind or "date"
                return serial(datetime.fromisoformat(content))
            case "\x00c":
                self.kind = self.kind or "time"
                clock = time.fromisoformat(content)
                return serial(datetime.combine(EPOCH, clock.replace(tzinfo=None)))
            case _:
                self.kind = self.kind or "duration"
                return float(round(content / (_SECONDS * 1_000_000), 10)) + 0.0

    def _dated(self, value: Any) -> Cell:
        """ISO text becomes a date; other text stays what it is, so that `N/A` is not lost."""
        if type(value) is str:
            try:
                moment = datetime.fromisoformat(value.strip())
            except ValueError:
                return self._unlike(value)
        elif _is_tagged(value) and value[0] in (_TAG + "t", _TAG + "d"):
            moment = datetime.fromisoformat(value[1])
        else:
            return self._unlike(value)
        local = _in_zone(moment, self._rules.timezone)
        return serial(datetime.combine(local, time.min) if self.type == "date" else local)

    def _boolean(self, value: Any) -> Cell:
        if type(value) is int and value in (0, 1):
            return value == 1
        word = str(value).strip().lower() if type(value) in (float, str) else ""
        if word in _TRUE or word == "1.0":
            return True
        if word in _FALSE or word == "0.0":
            return False
        return self._unlike(value)

    def _number(self, value: Any) -> Cell:
        if type(value) is str:
            try:
                number = Decimal(value.strip()) if _NUMBER.fullmatch(value) else None
            except InvalidOperation:  # its exponent is beyond Decimal's
                number = None
            return self._unlike(value) if number is None else self._whole(decimal_cell(number))
        if type(value) is bool:
            return number_cell(int(value))
        plain = value is None or type(value) in (int, float) or (_is_tagged(value) and value[0] == _TAG + "n")
        return self._any(value) if plain else self._unlike(value)

    def _as_text(self, value: Any) -> Cell:
        if value is None or type(value) is str:
            return self._text(value) if value else None
        if _is_tagged(value) and value[0] != _TAG + "i":
            return self._text(str(value[1]))
        if type(value) is bool:
            return "true" if value else "false"
        if type(value) is int:
            return self._text(_digits(value))
        return self._text(str(value)) if type(value) is float else self._any(value)
