"""Readers of single configuration values: a raw value in, a typed one out, or the reason why not.

A reader takes a `Raw` and raises `InvalidValueError` with a phrase that follows "path: ". No reader looks at
another setting, and none repeats a value that may be a secret.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from pathlib import Path
from typing import Literal, TypeVar

T = TypeVar("T")
ChoiceT = TypeVar("ChoiceT", bound=str)

YEAR = 366 * 86400.0
"""Seconds; the upper end of every interval and duration."""

_SHOWN = 60
_TAB_TITLE = 100
"""Google's limit of characters in a tab's title."""
_UNITS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_DURATION = re.compile(
    r"(?:(?P<d>\d+(?:\.\d+)?)d)?(?:(?P<h>\d+(?:\.\d+)?)h)?"
    r"(?:(?P<m>\d+(?:\.\d+)?)m)?(?:(?P<s>\d+(?:\.\d+)?)s)?",
    re.ASCII,
)
_SECONDS = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_PRINCIPAL = re.compile(r"@?[A-Za-z0-9_][A-Za-z0-9_.-]*\$?", re.ASCII)
_TRUE = frozenset({"true", "1", "yes", "on"})
_FALSE = frozenset({"false", "0", "no", "off"})


class InvalidValueError(ValueError):
    """A value cannot be what it should be; the message says why, without the setting's name."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A value as it was found, and what is needed to understand it.

    `is_text` is set where everything is text (the environment), so that "5" is a number there and not in TOML.
    `base` is the directory that relative paths start from, `home` what `~` means (None: not known).
    """

    value: object
    base: Path
    home: Path | None
    is_text: bool = False


Reader = Callable[[Raw], T]


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """`; did you mean 'x'?` for the nearest known name, or nothing where none is near."""
    import difflib  # only where something is wrong: this module is on the way of every `mmsync status`

    nearest = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {nearest[0]!r}?" if nearest else ""


def show(value: object) -> str:
    """A value for a message: quoted and short; what may be the password of a URL is left out."""
    if isinstance(value, str):
        safe = re.sub(r"://.*@", "://…@", value, flags=re.DOTALL)
        return repr(safe if len(safe) <= _SHOWN else safe[: _SHOWN - 1] + "…")
    if isinstance(value, int) and abs(value) >= 10**18:
        return "so large a number"
    return str(value).lower() if isinstance(value, bool) else str(value)


def kind_of(value: object) -> str:
    """What a TOML value is, in words."""
    kinds: tuple[tuple[type | tuple[type, ...], str], ...] = (
        (bool, "a boolean"),
        (int, "a whole number"),
        (float, "a number"),
        (str, "a string"),
        (list, "a list"),
        (Mapping, "a table"),
        ((date, time), "a date or time"),
    )
    return next((name for kind, name in kinds if isinstance(value, kind)), "something else")


def _expected(what: str, raw: Raw) -> InvalidValueError:
    return InvalidValueError(f"expected {what}, not {kind_of(raw.value)}")


def text(raw: Raw) -> str:
    """Any text but an empty one; in the environment without the blanks around it."""
    if not isinstance(raw.value, str):
        raise _expected("a string", raw)
    if not raw.value.strip():
        raise InvalidValueError("is empty")
    if "\0" in raw.value:
        raise InvalidValueError("contains a NUL character")
    return raw.value.strip() if raw.is_text else raw.value


def choice(*options: ChoiceT) -> Reader[ChoiceT]:
    """One of the given words, in any case."""

    def read(raw: Raw) -> ChoiceT:
        word = text(raw)
        for option in options:
            if option == word.lower():
                return option
        near = did_you_mean(word.lower(), options)
        raise InvalidValueError(f"{show(word)} is none of {', '.join(options)}{near}")

    return read


def boolean(raw: Raw) -> bool:
    """A TOML boolean; in the environment also 1, yes, on and 0, no, off, in any case."""
    if raw.is_text:
        word = text(raw)
        if word.lower() in _TRUE | _FALSE:
            return word.lower() in _TRUE
        raise InvalidValueError(f"{show(word)} is neither true nor false")
    if not isinstance(raw.value, bool):
        raise _expected("true or false", raw)
    return raw.value


def number(minimum: float, maximum: float) -> Reader[float]:
    """A number within the limits, both included."""

    def read(raw: Raw) -> float:
        value = raw.value
        if raw.is_text:
            word = text(raw)
            if not _NUMBER.fullmatch(word):
                raise InvalidValueError(f"{show(word)} is not a number")
            value = float(word)
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise _expected("a number", raw)
        return float(_within(value, minimum, maximum))

    return read


def whole_number(minimum: int, maximum: int) -> Reader[int]:
    """A whole number within the limits, both included."""

    def read(raw: Raw) -> int:
        value = raw.value
        if raw.is_text:
            word = text(raw)
            if not _WHOLE.fullmatch(word):
                raise InvalidValueError(f"{show(word)} is not a whole number")
            value = int(word)
        if isinstance(value, bool) or not isinstance(value, int):
            raise _expected("a whole number", raw)
        return _within(value, minimum, maximum)

    return read


NumberT = TypeVar("NumberT", int, float)


def _within(value: NumberT, minimum: NumberT, maximum: NumberT) -> NumberT:
    if minimum <= value <= maximum:
        return value
    raise InvalidValueError(f"must be from {minimum:g} to {maximum:.15g}, not {show(value)}")


def parse_duration(value: str | float) -> float:
    """Seconds, from a number of them (90, "90") or from a time such as "90s", "15m", "2h", "1h30m", "1.5d".

    More than nothing and at most a year. Raises InvalidValueError, which is a ValueError.
    """
    if isinstance(value, str):
        value = _seconds(value.strip().lower(), value)
    if not 0 < value <= YEAR:
        raise InvalidValueError(f"must be more than nothing and at most a year, not {show(value)} seconds")
    return float(value)


def _seconds(word: str, given: str) -> float:
    if _SECONDS.fullmatch(word):
        return float(word)
    match = _DURATION.fullmatch(word)
    if not word or match is None:
        raise InvalidValueError(f"{show(given)} is not a time such as 90s, 15m, 2h or 1h30m")
    return sum(float(amount) * _UNITS[unit] for unit, amount in match.groupdict(default="0").items())


def duration(raw: Raw) -> float:
    """A time as `parse_duration` reads it."""
    if isinstance(raw.value, bool) or not isinstance(raw.value, (int, float, str)):
        raise _expected("a time such as 15m or a number of seconds", raw)
    return parse_duration(raw.value)


def names(*, may_be_empty: bool = False, of: Literal["column", "table"] = "column") -> Reader[tuple[str, ...]]:
    """A list of different names of columns or tables."""
    example = "id" if of == "column" else "users"

    def read(raw: Raw) -> tuple[str, ...]:
        if not isinstance(raw.value, list) or not all(isinstance(name, str) for name in raw.value):
            what = kind_of(raw.value) if not isinstance(raw.value, list) else "one of other things"
            raise InvalidValueError(f'expected a list of {of} names such as ["{example}"], not {what}')
        found = tuple(text(Raw(name, raw.base, raw.home)) for name in raw.value)
        if not found and not may_be_empty:
            raise InvalidValueError(f"names no {of}")
        if len(set(found)) != len(found):
            raise InvalidValueError(f"names a {of} twice")
        return found

    return read


def principals(raw: Raw) -> tuple[str, ...]:
    """A list of users (a name or a number) and groups (`@name` or `@number`)."""
    if not isinstance(raw.value, list) or not all(isinstance(name, str) for name in raw.value):
        what = kind_of(raw.value) if not isinstance(raw.value, list) else "one of other things"
        raise InvalidValueError(f'expected a list of users and groups such as ["alice", "@staff"], not {what}')
    for name in raw.value:
        if not _PRINCIPAL.fullmatch(name):
            raise InvalidValueError(f"{show(name)} is neither a user nor, with an @ before it, a group")
    return tuple(dict.fromkeys(raw.value))


def tab_title(raw: Raw) -> str:
    """The title of a tab, as Google takes it."""
    title = text(raw)
    if len(title) > _TAB_TITLE:
        raise InvalidValueError(f"has {len(title)} characters; a tab's title may have {_TAB_TITLE}")
    return title


def path(raw: Raw) -> Path:
    """An absolute path: `~` is the home directory, a relative path starts at the raw value's base."""
    word = text(raw)
    if word == "~" or word.startswith("~/"):
        if raw.home is None:
            raise InvalidValueError("starts with ~, and no home directory is known; write the whole path")
        return raw.home / word[2:]
    if word.startswith("~"):
        raise InvalidValueError(f"{show(word)}: only ~/ is understood; write the whole path")
    return raw.base / word


def short_name(raw: Raw) -> str:
    """A name that goes into logs and onto terminals as it is."""
    value = text(raw).strip()
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}", value, re.ASCII):
        raise InvalidValueError(f"{show(value)} is no name: letters, digits and . _ : - only, 64 of them at most")
    return value


def timezone(raw: Raw) -> str:
    """An IANA name such as Europe/Berlin, looked up in the system's or tzdata's time zones."""
    import zoneinfo

    name = text(raw)
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        # OSError: the name of a directory of zones, such as "Europe".
        near = did_you_mean(name, zoneinfo.available_timezones())
        raise InvalidValueError(f"{show(name)} is no time zone such as Europe/Berlin{near}") from None
    return name
