"""Shows a number as Google Sheets does: `1234.5` with `#,##0.00` -> `1,234.50`, `46298` with
`yyyy-mm-dd` -> `2026-10-03`.

Only the English (US) words and signs. Patterns outside this subset show the plain number.
"""

from __future__ import annotations

import re
import time
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache

from .dates import SECONDS_A_DAY, moment_of
from .grid import Json

DEFAULT_PATTERNS = {
    "NUMBER": "#,##0.00",
    "PERCENT": "0.00%",
    "CURRENCY": '"$"#,##0.00',
    "DATE": "m/d/yyyy",
    "TIME": "h:mm:ss am/pm",
    "DATE_TIME": "m/d/yyyy h:mm:ss",
    "SCIENTIFIC": "0.00E+00",
}
DATE_KINDS = frozenset({"DATE", "TIME", "DATE_TIME"})

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_DATE_TOKEN = re.compile(
    r'"[^"]*"|\\.|\[h+\]|\[m+\]|\[s+\]|am/pm|a/p|y+|m+|d+|h+|s+(?:\.0+)?|.', re.IGNORECASE | re.DOTALL
)
_NUMBER_PART = re.compile(r"[#0?,]*[#0?](?:[#0?,]*)(?:\.[#0?]*)?,*|\.[#0?]+")
_LITERAL = re.compile(r'"([^"]*)"|\\(.)|\[\$([^\]-]*)(?:-[^\]]*)?\]|\[[^\]]*\]|_.|\*.')


def general(value: int | float) -> str:
    """The automatic format: about ten significant digits, whole numbers in full."""
    if type(value) is int:
        return _whole(value)
    magnitude = abs(value)
    if magnitude >= 1e20 or magnitude < 1e-9:
        return _scientific(value, 5)
    text = f"{value:.10g}"
    if "e" in text:
        text = f"{Decimal(text):f}"
    return text if "." in text else _whole(round(value))


def _whole(value: int) -> str:
    if abs(value) < 10**15:
        return str(value)
    return f"{Decimal(f'{value:.15g}'):f}" if abs(value) < 10**20 else _scientific(value, 5)


def _scientific(value: float, digits: int) -> str:
    mantissa, _, exponent = f"{value:.{digits}E}".partition("E")
    if "." in mantissa:
        mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}E{exponent[0]}{exponent[1:].lstrip('0').zfill(2)}"


def show(value: int | float, format_: Json | None) -> str:
    """The text of a number under a cell's number format (`{"type", "pattern"}`), or the automatic one."""
    if not format_:
        return general(value)
    kind = format_.get("type", "")
    pattern = format_.get("pattern") or DEFAULT_PATTERNS.get(kind, "")
    if kind == "TEXT" or not pattern or pattern in ("General", "@"):
        return general(value)
    if is_date(kind, pattern):
        return _show_date(float(value), pattern)
    return _show_number(value, pattern)


def is_date(kind: str, pattern: str) -> bool:
    """True for a format that shows a number as a date or a time."""
    if kind in DATE_KINDS:
        return True
    return not kind and bool(re.search(r"[ymdhs]", _LITERAL.sub("", pattern), re.IGNORECASE))


def _show_number(value: int | float, pattern: str) -> str:
    sections = _sections(pattern)
    negative = value < 0
    if negative and len(sections) > 1:
        section, value, negative = sections[1], -value, False
    elif value == 0 and len(sections) > 2:
        section = sections[2]
    else:
        section = sections[0]
    text = _section(abs(value), section)
    return f"-{text}" if negative and any(digit in text for digit in "123456789") else text


@lru_cache(maxsize=512)
def _sections(pattern: str) -> tuple[str, ...]:
    parts, quoted, current = [], False, ""
    for letter in pattern:
        quoted ^= letter == '"'
        if letter == ";" and not quoted:
            parts.append(current)
            current = ""
        else:
            current += letter
    return (*parts, current)


def _section(value: int | float, section: str) -> str:
    literals: list[str] = []

    def keep(match: re.Match[str]) -> str:
        literals.append(match[1] or match[2] or match[3] or "")
        return "\x00"

    bare = _LITERAL.sub(keep, section)
    scientific = re.search(r"([0#.]+)[Ee]([+-])(0+)", bare)
    if scientific:
        shown = _mantissa(value, scientific[1], len(scientific[3]))
        bare = bare[: scientific.start()] + shown + bare[scientific.end() :]
    else:
        scaled = Decimal(repr(value)) * (100 if "%" in bare else 1)
        match = _NUMBER_PART.search(bare)
        if match:
            bare = bare[: match.start()] + _digits(scaled, match[0]) + bare[match.end() :]
    for literal in literals:
        bare = bare.replace("\x00", literal, 1)
    return bare


def _mantissa(value: int | float, pattern: str, exponent_digits: int) -> str:
    decimals = len(pattern.partition(".")[2])
    mantissa, _, exponent = f"{value:.{decimals}E}".partition("E")
    return f"{mantissa}E{exponent[0]}{exponent[1:].lstrip('0').zfill(exponent_digits)}"


def _digits(value: Decimal, pattern: str) -> str:
    while pattern.endswith(","):  # each trailing comma divides by a thousand
        pattern, value = pattern[:-1], value / 1000
    whole_pattern, _, fraction_pattern = pattern.partition(".")
    places = len(fraction_pattern)
    rounded = value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    whole, _, fraction = f"{rounded:f}".partition(".")
    least = whole_pattern.count("0")
    whole = whole.lstrip("0").zfill(least) if least else whole.lstrip("0")
    if "," in whole_pattern:
        whole = f"{int(whole or 0):,}".zfill(least) if whole else ""
    needed = len(fraction_pattern.rstrip("#?"))
    fraction = fraction[:needed] + fraction[needed:].rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole


def _show_date(value: float, pattern: str) -> str:
    moment = moment_of(value)
    if moment is None:
        return general(value)
    when = moment.timetuple()
    half_day, tokens = _date_tokens(pattern)
    shown: list[str] = []
    for token, low, minute in tokens:
        if minute:
            shown.append(f"{moment.minute:0{min(len(low), 2)}d}")
        elif low[0] == "[" and low[1] in "hms":
            shown.append(_elapsed(value, low))
        else:
            shown.append(_date_part(low, token, when, moment.microsecond, half_day))
    return "".join(shown)


@lru_cache(maxsize=512)
def _date_tokens(pattern: str) -> tuple[bool, tuple[tuple[str, str, bool], ...]]:
    """Whether hours count to twelve, and each token with its lower case and whether it means minutes."""
    tokens = _DATE_TOKEN.findall(_sections(pattern)[0])
    half_day = any(token.lower() in ("am/pm", "a/p") for token in tokens)
    marked = [
        (token, token.lower(), token[0] in "mM" and _is_minute(tokens, index)) for index, token in enumerate(tokens)
    ]
    return half_day, tuple(marked)


def _elapsed(value: float, token: str) -> str:
    seconds = round(value * SECONDS_A_DAY)
    unit = {"h": 3600, "m": 60, "s": 1}[token[1]]
    return f"{seconds // unit:0{len(token) - 2}d}"


def _is_minute(tokens: list[str], index: int) -> bool:
    """`m` means minutes right after hours or right before seconds."""
    before = [token.lower()[0] for token in tokens[:index] if token[0].isalpha() or token[0] == "["]
    after = [token.lower()[0] for token in tokens[index + 1 :] if token[0].isalpha() or token[0] == "["]
    hours_before = any(token[:2].lower() == "[h" for token in tokens[:index])
    return bool((before and (before[-1] == "h" or hours_before)) or (after and after[0] == "s"))


def _date_part(low: str, token: str, when: time.struct_time, microsecond: int, half_day: bool) -> str:
    year, month, day, hour, _, second, weekday, *_ = when
    letter, length = low[0], len(low)
    if letter == "y":
        return f"{year:04d}" if length > 2 else f"{year % 100:02d}"
    if letter == "m":
        name = _MONTHS[month - 1]
        return _named(month, name, length) if length < 5 else name[0]
    if letter == "d":
        return _named(day, _DAYS[weekday], length)
    if low in ("am/pm", "a/p"):
        text = "AM" if hour < 12 else "PM"
        return text if low == "am/pm" else text[0]
    if letter == "h":
        return f"{(hour % 12 or 12) if half_day else hour:0{min(length, 2)}d}"
    if letter == "s":
        whole, dot, zeros = low.partition(".")
        fraction = f"{microsecond:06d}"[: len(zeros)] if dot else ""
        return f"{second:0{min(len(whole), 2)}d}" + (f".{fraction}" if dot else "")
    return token[1:-1] if token.startswith('"') else token[1:] if token.startswith("\\") else token


def _named(number: int, name: str, length: int) -> str:
    if length == 1:
        return str(number)
    if length == 2:
        return f"{number:02d}"
    return name[:3] if length == 3 else name
