"""What may be asked of the daemon: the bodies and queries of the paths, read strictly. Pure.

An optional field may be missing or null; an unknown one, a wrong type or a value out of range is an error that
names the field.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from .refusals import BadRequestError

DAY = 86_400.0
DEFAULT_LIMIT = 20
MAX_LIMIT = 1_000

_CONTROL = "\x00-\x1f\x7f-\x9f\u2028\u2029"  # with the ends of lines and paragraphs
_UNSEEN = (
    "\xa0\xad\u061c\u1680\u180e\u2000-\u200f\u202a-\u202f\u205f-\u206f\u3000\ufeff"
    "\ufff9-\ufffb\U000e0000-\U000e007f"
)
LINE = f"^[^{_CONTROL}]*$"
"""Text in a line, as a regular expression that reads alike here and in a JSON schema: the letters are in it as
themselves. JSON in UTF-8 has no halves of characters."""
SEEN = f"^[^{_CONTROL}{_UNSEEN}]*$"
"""Text without anything in it that is not seen, or that turns around what is: names that are told apart by eye."""

_LINE: dict[str, Any] = {"pattern": LINE}
Name = Annotated[str, Meta(min_length=1, max_length=100, extra_json_schema=_LINE)]
Names = Annotated[list[Name], Meta(min_length=1)]
Reason = Annotated[str, Meta(max_length=500, extra_json_schema=_LINE)]
Holder = Annotated[str, Meta(min_length=1, max_length=200, extra_json_schema={"pattern": SEEN})]
Seconds = Annotated[float, Meta(gt=0, le=366 * DAY)]
Limit = Annotated[int, Meta(ge=1, le=MAX_LIMIT)]
Ask = TypeVar("Ask", bound=Struct)

_IN_A_LINE, _IS_SEEN = re.compile(LINE), re.compile(SEEN)
_SPACE = b" \t\n\r"  # RFC 8259, section 2
_PLACE = re.compile(r"^(?P<what>.*) - at `\$\.(?P<field>.*)`$", re.DOTALL)


class Force(Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /sync/force`."""

    datasets: Names | None = None
    wait: bool | None = None
    allow_deletes: bool | None = None

    def __post_init__(self) -> None:
        _check_line("datasets", *self.datasets or ())


class Switch(Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /sync/enable`, `POST /sync/disable`. `for_seconds` is above 0 and at most 366 days."""

    datasets: Names | None = None
    reason: Reason | None = None
    for_seconds: Seconds | None = None

    def __post_init__(self) -> None:
        _check_line("datasets", *self.datasets or ())
        _check_line("reason", self.reason or "")


class Pause(Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /sync/pause`. `ttl_seconds` is above 0 and at most an hour."""

    holder: Holder
    ttl_seconds: Annotated[float, Meta(gt=0, le=3600)]

    def __post_init__(self) -> None:
        _check_seen("holder", self.holder)


class Resume(Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /sync/resume`."""

    holder: Holder

    def __post_init__(self) -> None:
        _check_seen("holder", self.holder)


class Notify(Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /sync/notify`."""

    dataset: Name
    reason: Reason | None = None

    def __post_init__(self) -> None:
        _check_line("dataset", self.dataset)
        _check_line("reason", self.reason or "")


class Reload(Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /sync/reload`: nothing to say."""


class History(Struct, frozen=True):
    """`GET /sync/history`: of one dataset or all, at most `limit` runs."""

    dataset: str | None = None
    limit: Limit = DEFAULT_LIMIT


def parse(kind: type[Ask], body: bytes) -> Ask:
    """A request's body (JSON; an empty one counts as `{}`). Raises BadRequestError that names the field."""
    try:
        return msgspec.json.decode(body.strip(_SPACE) or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise BadRequestError(_readable(str(error))) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequestError(f"the body is not JSON in UTF-8: {error}") from error


def parse_history(pairs: Iterable[tuple[str, str]]) -> History:
    """The query of `/sync/history`; an empty value counts as missing. Raises BadRequestError."""
    given: dict[str, str] = {}
    for name, value in pairs:
        if name not in History.__struct_fields__:
            raise BadRequestError(f"{name!r}: there is no such parameter; there are `dataset` and `limit`")
        if name in given:
            raise BadRequestError(f"`{name}`: is given twice")
        given[name] = value
    return History(given.get("dataset") or None, _limit(given.get("limit", "")))


def _limit(word: str) -> int:
    if not word:
        return DEFAULT_LIMIT
    number = int(word) if re.fullmatch(r"[0-9]{1,6}", word) else 0
    if not 1 <= number <= MAX_LIMIT:
        raise BadRequestError(f"`limit`: expected a whole number from 1 to {MAX_LIMIT}")
    return number


def _readable(message: str) -> str:
    """msgspec's message with the field first: `wait`: expected `bool | null`, got `str`."""
    if message == "Number out of range":  # so it is nothing but a number
        return "Expected `object`, got a number that is out of range"
    found = _PLACE.match(message)
    return message if found is None else f"`{found['field']}`: {found['what'][:1].lower()}{found['what'][1:]}"


def _check_line(field: str, *texts: str) -> None:
    """These go into logs and onto terminals. The ValueError becomes msgspec's ValidationError."""
    if not all(_IN_A_LINE.fullmatch(text) for text in texts):
        raise ValueError(f"`{field}`: has a control character in it")


def _check_seen(field: str, text: str) -> None:
    if not _IS_SEEN.fullmatch(text):
        raise ValueError(f"`{field}`: has a character in it that cannot be printed")
