"""What of an event may stand in a line: plain values without secrets, and of an exception only its type.

Values in, values out. That no event carries a cell's value is up to whoever emits it; an exception's message can
quote one, which is why none gets through here.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Mapping
from datetime import date
from pathlib import PurePath
from types import TracebackType
from typing import Any

LONGEST = 2_000
"""Characters of one text. A line of journald's stream has 48 KiB, LineMax= in journald.conf(5)."""
_FRAMES = 30
_ITEMS = 100
_DEPTH = 4
_FIRST = ("timestamp", "level", "event")
_SECRET = re.compile(
    r"(?s:-----BEGIN [^-]*-----.*?(?:-----END [^-]*-----|\Z))"  # a key
    r"|(?<=://)\S*(?=@)"  # who logs in to a database, and with what
    r"|\bya29\.\S+|\beyJ[\w-]+\.[\w.-]+|(?i:(?<=\bbearer )\S+)"  # Google's access tokens, signed tokens
    r"|(?i:(?<=password=)|(?<=password: )|(?<=private_key=)|(?<=token=)|(?<=secret=))[^\s&]+"
)


def plain(value: object, depth: int = _DEPTH) -> Any:
    """A value as JSON has it: text without secrets, an exception's type; of what it does not know, the type."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if value - value == 0 else str(value)  # JSON has no infinity and no NaN
        case str() | PurePath():
            return safe_text(str(value))
        case date():
            return value.isoformat()
        case BaseException():
            return type(value).__name__
        case Mapping() if depth:
            items = list(value.items())[:_ITEMS]
            return {safe_text(str(name)): plain(one, depth - 1) for name, one in items}
        case list() | tuple() | set() | frozenset() if depth:
            return [plain(one, depth - 1) for one in list(value)[:_ITEMS]]
    return f"<{type(value).__name__}>"


def safe_text(text: str) -> str:
    """A text without what looks like a secret, and no longer than a line has room for."""
    found = _SECRET.sub("…", text[: 4 * LONGEST])  # a bound on the work, far beyond what will be seen
    return found if len(found) <= LONGEST else found[: LONGEST - 1] + "…"


def on_one_line(value: Any) -> Any:
    """A plain value for people: whatever would move the cursor or colour the terminal is shown as an escape."""
    match value:
        case str():
            return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in value)
        case dict():
            return {on_one_line(name): on_one_line(one) for name, one in value.items()}
        case list():
            return [on_one_line(one) for one in value]
    return value


def exception_fields(error: BaseException, *, with_traceback: bool) -> dict[str, Any]:
    """`exception_type`, with its causes', and `traceback`, the places that it came through, outermost first.

    No line of source and no message: both may hold values.
    """
    chain = list(_causes(error))
    fields: dict[str, Any] = {"exception_type": " from ".join(type(one).__name__ for one in chain)}
    if with_traceback:
        fields["traceback"] = _places(error.__traceback__)
    return fields


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in found and len(found) < _DEPTH:
        found.append(following)
        hidden = following.__suppress_context__
        following = following.__cause__ or (None if hidden else following.__context__)
    return found


def _places(trace: TracebackType | None) -> list[str]:
    frames = traceback.StackSummary.extract(traceback.walk_tb(trace), lookup_lines=False)
    return [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames[-_FRAMES:]]


def in_order(event: Mapping[str, Any]) -> dict[str, Any]:
    """What every event has comes first."""
    return {name: event[name] for name in _FIRST if name in event} | dict(event)
