"""PostgreSQL's values where psycopg's own way of reading them loses something, or fails over a single one.

Python's dates end with the year 9999 and begin with 1, its durations know no months, and its floats hold fewer
digits than JSON may have. Such a value arrives as PostgreSQL's text for it, exact, as `NaN` does; one row with
`infinity` is no reason not to read the others. https://www.postgresql.org/docs/current/datatype-datetime.html
"""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import Any

from psycopg import Connection, DataError, NotSupportedError
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.types.json import set_json_loads
from psycopg.types.string import TextLoader

_BEYOND_PYTHON = ("date", "timestamp", "timestamptz", "time")
_AS_TEXT = (
    "timetz",  # a cell's time has no zone, and without a day it cannot be told in another
    "int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange",
    "int4multirange", "int8multirange", "nummultirange", "datemultirange", "tsmultirange", "tstzmultirange",
)  # fmt: skip
_NO_FIXED_LENGTH = (b"mon", b"year", b"infinity")


def read_exactly(connection: Connection[Any]) -> None:
    """Has this connection's values read without loss. Says nothing to the server."""
    adapters = connection.adapters
    for name in _BEYOND_PYTHON:
        oid = adapters.types[name].oid
        adapters.register_loader(oid, _or_text(adapters.get_loader(oid, Format.TEXT)))
    for name in _AS_TEXT:
        adapters.register_loader(adapters.types[name].oid, TextLoader)
    interval = adapters.types["interval"].oid
    adapters.register_loader(interval, _or_text(adapters.get_loader(interval, Format.TEXT), _NO_FIXED_LENGTH))
    set_json_loads(exact_json, connection)


def _or_text(usual: type[Any] | None, marks: tuple[bytes, ...] = ()) -> type[Loader]:
    """A loader that does as `usual` and gives the text of what that cannot read, or has one of the `marks`."""
    assert usual is not None  # noqa: S101 - psycopg has one for each type named here
    its_way: Callable[..., Any] = usual

    class OrText(Loader):
        def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
            super().__init__(oid, context)
            self._load: Callable[[Buffer], Any] = its_way(oid, context).load

        def load(self, data: Buffer) -> Any:
            if marks and any(mark in bytes(data) for mark in marks):
                return bytes(data).decode()
            try:
                return self._load(data)
            except (DataError, NotSupportedError, OverflowError):
                return bytes(data).decode()

    return OrText


class _InexactError(ValueError):
    """A number that a float would not give back digit for digit, or an object that a dict would not give back."""


def _float(text: str) -> float:
    number = float(text)
    if repr(number) != text:
        raise _InexactError
    return number


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):  # a name that stands twice, as `json` keeps it
        raise _InexactError
    return found


def exact_json(data: str | bytes) -> Any:
    """JSON as Python values, or its own text where those would not be the same; a number alone is a decimal."""
    try:
        return json.loads(data, parse_float=_float, object_pairs_hook=_object)
    except (ValueError, RecursionError):  # more digits than Python reads, or deeper than it goes
        text = data if isinstance(data, str) else bytes(data).decode()
        try:
            return text if text.lstrip()[:1] in ("{", "[") else Decimal(text.strip())
        except InvalidOperation:  # its exponent is beyond Decimal's
            return text
