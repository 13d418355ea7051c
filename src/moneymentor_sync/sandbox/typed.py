"""What Google Sheets makes of typed text (`USER_ENTERED`): numbers, dates, percentages, formulas, text.

English (US) only. The answer is a value and, where the text implies one, a number format.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from .cells import CellError, Formula, Value, number
from .dates import serial_of_date
from .formula.syntax import parses
from .grid import Json

_NUMBER = re.compile(
    r"(?P<sign>[+-]?)(?P<currency>\$?)\s?(?P<whole>\d{1,3}(?:,\d{3})+|\d+)?(?P<fraction>\.\d*)?"
    r"(?P<exponent>[eE][+-]?\d+)?(?P<percent>\s?%)?"
)
_DIGIT = re.compile(r"\d")
_ISO = re.compile(r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})")
_US = re.compile(r"(\d{1,2})([-/.])(\d{1,2})(?:\2(\d{4}|\d{2}))?")
_MONTH_FIRST = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2})(?:, ?| )(\d{4})")
_DAY_FIRST = re.compile(r"(\d{1,2})[ -]([A-Za-z]{3,9})[ -](\d{4})")
_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?(?: ?([AaPp])[Mm])?")
_MONTH_NAMES = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_ERRORS = {"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A"}


@dataclass(frozen=True, slots=True)
class Typed:
    """What was understood: the value, and the number format that it implies."""

    value: Value
    format: Json | None = None


def understand(text: str, *, as_text: bool = False, this_year: int = 1970) -> Typed:
    """What a person's typing becomes. `as_text` is for a cell whose format is plain text."""
    if not text:
        return Typed(None)
    if text.startswith("=") and len(text) > 1:
        return Typed(Formula(text))
    if as_text:
        return Typed(text)
    if text.startswith("'"):
        return Typed(text[1:] or None)
    bare = text.strip()
    found = _boolean(bare)
    if found is None and _DIGIT.search(bare):  # without a digit no text is a number or a moment
        found = _number(bare) or _moment(bare, this_year)
    if found is not None:
        return found
    if bare in _ERRORS:
        return Typed(CellError(bare))
    if bare[:1] in ("+", "-") and len(bare) > 1 and parses(bare[1:]):
        return Typed(Formula(f"={bare}"))
    return Typed(text)


def _boolean(text: str) -> Typed | None:
    folded = text.upper()
    return Typed(folded == "TRUE") if folded in ("TRUE", "FALSE") else None


def _number(text: str) -> Typed | None:
    match = _NUMBER.fullmatch(text)
    if match is None or not (match["whole"] or (match["fraction"] or ".") != "."):
        return None
    digits = (match["whole"] or "0").replace(",", "") + (match["fraction"] or "") + (match["exponent"] or "")
    value = float(match["sign"] + digits)
    if value in (float("inf"), float("-inf")):
        return None
    decimals = len((match["fraction"] or "").lstrip("."))
    tail = ".00" if decimals else ""
    if match["percent"]:
        return Typed(number(float(f"{match['sign']}{digits}") / 100), _format("PERCENT", f"0{tail}%"))
    if match["currency"]:
        return Typed(number(value), _format("CURRENCY", f'"$"#,##0{tail}'))
    if match["exponent"]:
        return Typed(number(value), _format("SCIENTIFIC", "0.00E+00"))
    if match["whole"] and "," in match["whole"]:
        return Typed(number(value), _format("NUMBER", f"#,##0{tail}"))
    return Typed(number(value))


def _format(kind: str, pattern: str) -> Json:
    return {"type": kind, "pattern": pattern}


def _moment(text: str, this_year: int) -> Typed | None:
    """A date, a time, or both with a blank or a `T` between them."""
    time = _time(text)
    if time is not None:
        return Typed(number(time[0]), _format("TIME", time[1]))
    day = _day(text, this_year)
    if day is not None:
        return Typed(day[0], _format("DATE", day[1]))
    head, _, tail = text.partition("T") if "T" in text and " " not in text else text.rpartition(" ")
    if tail.upper() in ("AM", "PM"):
        head, _, more = head.rpartition(" ")
        tail = f"{more} {tail}"
    day, time = _day(head, this_year), _time(tail)
    if day is None or time is None:
        return None
    return Typed(number(day[0] + time[0]), _format("DATE_TIME", f"{day[1]} {time[1]}"))


def _time(text: str) -> tuple[float, str] | None:
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    hour, minute, second = int(match[1]), int(match[2]), float(match[3] or 0)
    if minute > 59 or second >= 60 or (match[4] and not 1 <= hour <= 12):
        return None
    if match[4]:
        hour = hour % 12 + (12 if match[4] in "Pp" else 0)
    pattern = "h:mm" + (":ss" if match[3] else "") + (" am/pm" if match[4] else "")
    return (hour * 3600 + minute * 60 + second) / 86_400, pattern


def _day(text: str, this_year: int) -> tuple[int, str] | None:
    match = _ISO.fullmatch(text)
    if match:
        pattern = {"-": "yyyy-mm-dd", "/": "yyyy/mm/dd", ".": "yyyy.mm.dd"}[match[2]]
        return _serial(int(match[1]), int(match[3]), int(match[4]), pattern)
    match = _US.fullmatch(text)
    if match and not (match[4] is None and match[2] == "."):
        mark = match[2]
        if match[4] is None:
            return _serial(this_year, int(match[1]), int(match[3]), f"m{mark}d")
        year = int(match[4]) + (0 if len(match[4]) == 4 else 2000 if int(match[4]) < 30 else 1900)
        years = "yyyy" if len(match[4]) == 4 else "yy"
        return _serial(year, int(match[1]), int(match[3]), f"m{mark}d{mark}{years}")
    match = _MONTH_FIRST.fullmatch(text)
    if match:
        return _serial(int(match[3]), _month(match[1]), int(match[2]), "mmm d, yyyy")
    match = _DAY_FIRST.fullmatch(text)
    if match:
        return _serial(int(match[3]), _month(match[2]), int(match[1]), "d mmm yyyy")
    return None


def _month(name: str) -> int:
    folded = name.lower()[:3]
    return _MONTH_NAMES.index(folded) + 1 if folded in _MONTH_NAMES else 0


def _serial(year: int, month: int, day: int, pattern: str) -> tuple[int, str] | None:
    try:
        return serial_of_date(date(year, month, day)), pattern
    except ValueError:
        return None
