"""What of people's data may reach a cell: columns that never do, masks, and pseudonyms. Values in, values out.

Whether a column is denied is decided by its name. Where a name is not enough (a view or an expression that gives
the column another one), the databases are asked: that is for `adapters/database_denied`.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Iterable
from fnmatch import fnmatchcase

from .cells import Cell
from .settings import Column, Mask

HASH_CHARACTERS = 32
"""Of a pseudonym, in hexadecimal: 128 bits, at which no two of a billion people meet by chance."""

HIDDEN = "***"

Veil = Callable[[Cell], Cell]
"""What a masked or hashed column's cell becomes; a blank one stays blank."""


# --- columns that are never read --------------------------------------------------------------------------


def denied_among(names: Iterable[str], deny: Iterable[str]) -> tuple[str, ...]:
    """Those of the names that are denied. Case does not count; in `deny`, `*` is any text and `?` any sign."""
    patterns = [pattern.casefold() for pattern in deny]
    return tuple(name for name in names if any(fnmatchcase(name.casefold(), one) for one in patterns))


# Backslashes and dollar quotes can end a literal elsewhere than it seems: then literals are searched, too.
_DIALECT_QUOTES = re.compile(r"\\|\$[^\W\d]*\w*\$")
_NOT_A_NAME = r"--[^\n]*|/\*.*?\*/|'(?:[^']|'')*'"  # comments and literals
_NAME = r'"((?:[^"]|"")+)"|`([^`]+)`|([^\W\d][\w$]*)'
# Brackets are quotes in some databases, and an array's in others, where names and literals stand between them.
_READINGS = (
    re.compile(f"{_NOT_A_NAME}|{_NAME}", re.DOTALL),
    re.compile(rf"{_NOT_A_NAME}|{_NAME}|\[([^\]]+)\]", re.DOTALL),
)
_WORD = re.compile(r"[^\W\d]\w*")


def denied_in_sql(sql: str, deny: Iterable[str]) -> tuple[str, ...]:
    """The denied names that a query's text has in it, in whatever place but a comment or a plain literal.

    No parser: a name that stands there for something else (a table, an alias) counts as well. Rather one query too
    many is refused, whose author can write it otherwise, than one too few.
    """
    if _DIALECT_QUOTES.search(sql):
        found = _WORD.findall(sql)
    else:
        pieces = (match for reading in _READINGS for match in reading.finditer(sql))
        found = [match[match.lastindex] for match in pieces if match.lastindex]
    return tuple(dict.fromkeys(denied_among(found, deny)))


# --- columns that are shown otherwise ---------------------------------------------------------------------


def veil_of(column: Column, hash_key: bytes | None) -> Veil | None:
    """What becomes of the column's cells; None where they are shown. A key is there where a column is hashed."""
    if column.hash:
        if hash_key is None:
            raise ValueError(f"column {column.name!r} is hashed, and there is no key")
        return lambda cell: None if cell is None else pseudonym(str(cell), hash_key)
    if column.mask is not None:
        mask = _MASKS[column.mask]
        return lambda cell: None if cell is None else mask(str(cell))
    return None


def pseudonym(text: str, key: bytes) -> str:
    """HMAC-SHA-256 of the text (RFC 2104), shortened. The same text has the same one in every column and tab.

    So rows of two tabs can be joined by it; without the key nobody can try out which person it stands for.
    """
    return hmac.digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()[:HASH_CHARACTERS]


def _email(text: str) -> str:
    """`ada@example.com` → `a***@example.com`; what is no address is hidden whole."""
    name, at, host = text.rpartition("@")
    if not at or not name or not host:
        return HIDDEN
    return f"{name[0] if len(name) > 1 else ''}{HIDDEN}@{host}"


def _initial(text: str) -> str:
    """`Lovelace` → `L***`."""
    word = text.strip()
    return word[0] + HIDDEN if len(word) > 1 else HIDDEN


_TAIL = 4


def _last4(text: str) -> str:
    """`DE89 3704 0044` → `***0044`; of a text of which that would be more than the half, nothing."""
    return HIDDEN + text[-_TAIL:] if len(text) > 2 * _TAIL else HIDDEN


def _all(_: str) -> str:
    return HIDDEN


_MASKS: dict[Mask, Callable[[str], str]] = {"email": _email, "initial": _initial, "last4": _last4, "all": _all}
