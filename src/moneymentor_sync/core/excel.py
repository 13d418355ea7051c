"""What ordinary programs take in an .xlsx: sheets' names, texts, formulas. Pure; the rules are Excel's.

Sources: Microsoft's "Excel specifications and limits", and ECMA-376 part 1 for number formats and formulas.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

MAX_ROWS, MAX_COLUMNS = 1_048_576, 16_384
MAX_TEXT = 32_767
MAX_NAME = 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\\x00-\x1f]")


def sheet_names(titles: Iterable[str]) -> list[str]:
    """A name for each title: the title itself where it may be one, and no two alike but for their case."""
    taken: set[str] = {"history"}  # Excel keeps that one for itself
    names: list[str] = []
    for title in titles:
        stem = _NOT_IN_NAMES.sub("_", title).strip("'") or "_"
        name, number = cut_text(stem, MAX_NAME), 1
        while name.casefold() in taken:
            number += 1
            mark = f" ({number})"
            name = cut_text(stem, MAX_NAME - len(mark)) + mark
        taken.add(name.casefold())
        names.append(name)
    return names


def units(text: str) -> int:
    """Length as Excel counts it, in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def cut_text(text: str, most: int = MAX_TEXT) -> str:
    """The text's beginning that has at most so many units; no character is cut in two."""
    if len(text) <= most // 2 or units(text) <= most:
        return text
    return text.encode("utf-16-le", "surrogatepass")[: 2 * most].decode("utf-16-le", "ignore")


# --- formulas ---------------------------------------------------------------------------------------------

_LONGEST_TEXT = 255
_DEEPEST = 60
_FUNCTIONS_TEXT = """
ABS 1 1, ACOS 1 1, AND 1 255, ASIN 1 1, ATAN 1 1, ATAN2 2 2, AVEDEV 1 255, AVERAGE 1 255, AVERAGEA 1 255,
AVERAGEIF 2 3, AVERAGEIFS 3 255, CEILING 2 2, CHAR 1 1, CHOOSE 2 255, CLEAN 1 1, CODE 1 1, COLUMN 0 1,
COLUMNS 1 1, COMBIN 2 2, CONCATENATE 1 255, CORREL 2 2, COS 1 1, COSH 1 1, COUNT 1 255, COUNTA 1 255,
COUNTBLANK 1 1, COUNTIF 2 2, COUNTIFS 2 254, DATE 3 3, DATEVALUE 1 1, DAY 1 1, DAYS360 2 3, DEGREES 1 1,
EDATE 2 2, EOMONTH 2 2, EVEN 1 1, EXACT 2 2, EXP 1 1, FACT 1 1, FALSE 0 0, FIND 2 3, FIXED 1 3, FLOOR 2 2,
FORECAST 3 3, FV 3 5, GCD 1 255, GEOMEAN 1 255, HARMEAN 1 255, HLOOKUP 3 4, HOUR 1 1, IF 2 3, IFERROR 2 2,
INDEX 2 4, INDIRECT 1 2, INT 1 1, INTERCEPT 2 2, ISBLANK 1 1, ISERR 1 1, ISERROR 1 1, ISEVEN 1 1, ISLOGICAL 1 1,
ISNA 1 1, ISNONTEXT 1 1, ISNUMBER 1 1, ISODD 1 1, ISREF 1 1, ISTEXT 1 1, LARGE 2 2, LCM 1 255, LEFT 1 2, LEN 1 1,
LN 1 1, LOG 1 2, LOG10 1 1, LOOKUP 2 3, LOWER 1 1, MATCH 2 3, MAX 1 255, MAXA 1 255, MEDIAN 1 255, MID 3 3,
MIN 1 255, MINA 1 255, MINUTE 1 1, MOD 2 2, MODE 1 255, MONTH 1 1, MROUND 2 2, N 1 1, NA 0 0, NETWORKDAYS 2 3,
NOT 1 1, NOW 0 0, NPER 3 5, NPV 2 255, ODD 1 1, OFFSET 3 5, OR 1 255, PERCENTILE 2 2, PERCENTRANK 2 3, PERMUT 2 2,
PI 0 0, PMT 3 5, POWER 2 2, PRODUCT 1 255, PROPER 1 1, PV 3 5, QUARTILE 2 2, QUOTIENT 2 2, RADIANS 1 1, RAND 0 0,
RANDBETWEEN 2 2, RANK 2 3, RATE 3 6, REPLACE 4 4, REPT 2 2, RIGHT 1 2, ROMAN 1 2, ROUND 2 2, ROUNDDOWN 2 2,
ROUNDUP 2 2, ROW 0 1, ROWS 1 1, SEARCH 2 3, SECOND 1 1, SIGN 1 1, SIN 1 1, SINH 1 1, SLOPE 2 2, SMALL 2 2,
SQRT 1 1, STDEV 1 255, STDEVP 1 255, SUBSTITUTE 3 4, SUBTOTAL 2 255, SUM 1 255, SUMIF 2 3, SUMIFS 3 255,
SUMPRODUCT 1 255, SUMSQ 1 255, T 1 1, TAN 1 1, TANH 1 1, TEXT 2 2, TIME 3 3, TIMEVALUE 1 1, TODAY 0 0, TRIM 1 1,
TRUE 0 0, TRUNC 1 2, TYPE 1 1, UPPER 1 1, VALUE 1 1, VAR 1 255, VARP 1 255, VLOOKUP 3 4, WEEKDAY 1 2, WEEKNUM 1 2,
WORKDAY 2 3, YEAR 1 1, YEARFRAC 2 3
"""
_NEWER_TEXT = """
CONCAT 1 254, DAYS 2 2, IFNA 2 2, IFS 2 254, ISFORMULA 1 1, ISOWEEKNUM 1 1, MAXIFS 3 253, MINIFS 3 253,
NUMBERVALUE 1 3, SWITCH 3 254, TEXTJOIN 3 254, UNICHAR 1 1, UNICODE 1 1, XOR 1 254
"""


def _table(text: str) -> dict[str, tuple[int, int]]:
    words = (one.split() for one in text.replace("\n", " ").split(",") if one.strip())
    return {name: (int(least), int(most)) for name, least, most in words}


_NEWER = _table(_NEWER_TEXT)
FUNCTIONS = _table(_FUNCTIONS_TEXT) | _NEWER
"""Functions that Google Sheets and Excel have alike, with how many arguments Excel takes: with fewer or more it
calls the whole file damaged."""

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"]|"")*")
    |(?P<error>\#(?:N/A|REF!|DIV/0!|VALUE!|NAME\?|NUM!|NULL!))
    |(?P<tab>'(?:[^']|'')+'!|[A-Za-z_][A-Za-z0-9_.]*!)
    |(?P<area>\$?[A-Za-z]{1,3}\$?[1-9]\d{0,6}(?::\$?[A-Za-z]{1,3}\$?[1-9]\d{0,6})?(?![\w(.!:])
        |\$?[A-Za-z]{1,3}:\$?[A-Za-z]{1,3}(?![\w(.!:$])|\$?[1-9]\d{0,6}:\$?[1-9]\d{0,6}(?![\w.:$]))
    |(?P<call>[A-Za-z][A-Za-z0-9.]*\()
    |(?P<truth>(?:TRUE|FALSE)(?![\w(.]))
    |(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?(?![\w.]))
    |(?P<open>\()|(?P<close>\))|(?P<comma>,)
    |(?P<operator><=|>=|<>|[-+*/^&=<>%]|\s+)""",
    re.VERBOSE | re.IGNORECASE | re.ASCII,
)
_CELL = re.compile(r"\$?([A-Za-z]{1,3})?\$?(\d+)?", re.ASCII)
_OPERAND = frozenset(("text", "error", "area", "truth", "number", "close"))


def excel_formula(formula: str, names: Collection[str]) -> str | None:
    """The formula as Excel takes it; None where it would not, and be it by a doubt: one formula that it does not
    understand makes it call a whole file damaged. `names` are the sheets that are called as in Google Sheets."""
    if not formula.startswith("=") or len(formula) > 8_000:
        return None
    reading = _Reading(names)
    position = 1
    while position < len(formula):
        match = _TOKEN.match(formula, position)
        if match is None or not reading.take(str(match.lastgroup), match[0]):
            return None
        position = match.end()
    return reading.written()


class _Reading:
    """A formula as far as it has been read."""

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._found: list[str] = []
        self._open: list[tuple[str, int]] = []
        """Of each open bracket the function's name, and how many commas there were in it."""
        self._before = ""

    def take(self, kind: str, word: str) -> bool:
        """Takes one more token in; False where Excel would not take it here."""
        if kind == "operator" and word.isspace():
            self._found.append(word)
            return True
        if not _fits(kind, word, self._before, self._names) or not self._bracket(kind, word):
            return False
        if kind == "call":
            word = ("_xlfn." if word[:-1].upper() in _NEWER else "") + word.upper()
        self._found.append(word)
        self._before = "close" if word == "%" else kind
        return True

    def _bracket(self, kind: str, word: str) -> bool:
        if kind in ("call", "open"):
            name = word[:-1].upper()
            self._open.append((name, 0))
            return len(self._open) <= _DEEPEST and (kind == "open" or name in FUNCTIONS)
        if kind == "comma":
            name, commas = self._open.pop() if self._open else ("", 0)
            self._open.append((name, commas + 1))
            return bool(name)
        if kind == "close":
            return bool(self._open) and _enough(*self._open.pop(), self._before)
        return True

    def written(self) -> str | None:
        return None if self._open or self._before not in _OPERAND else "=" + "".join(self._found)


def _fits(kind: str, word: str, before: str, names: Collection[str]) -> bool:
    """Whether a token may follow the one before it, and is within Excel's limits."""
    if kind in ("text", "error", "tab", "area", "truth", "number", "call", "open"):
        if before in _OPERAND or (before == "tab" and kind != "area"):
            return False
    elif before == "tab":
        return False
    elif kind == "operator":
        if before not in _OPERAND and word not in "+-":
            return False
    elif (kind == "close" and before == "operator") or (kind == "comma" and before == "operator"):
        return False
    if kind == "text":
        return units(word) - 2 <= _LONGEST_TEXT
    if kind == "tab":
        title = word[1:-2].replace("''", "'") if word.startswith("'") else word[:-1]
        return title in names
    if kind == "area":
        return all(_inside(part) for part in word.split(":"))
    return True


def _inside(cell: str) -> bool:
    match = _CELL.fullmatch(cell)
    if match is None:
        return False
    column = 0
    for letter in (match[1] or "").upper():
        column = 26 * column + ord(letter) - 64
    return column <= MAX_COLUMNS and int(match[2] or 1) <= MAX_ROWS


def _enough(name: str, commas: int, before: str) -> bool:
    """Whether a function has as many arguments as Excel wants; brackets alone need something in them."""
    if not name:
        return before in _OPERAND
    least, most = FUNCTIONS[name]
    return least <= (0 if not commas and before == "call" else commas + 1) <= most
