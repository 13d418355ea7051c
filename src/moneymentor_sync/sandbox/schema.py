"""Checks requests against Google's own description of its messages.

The description (a discovery document) comes with google-api-python-client. Unknown names, wrong types and
wrong enum values are refused as Google does; names in snake_case are taken, too.
"""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any, TypeAlias

import msgspec

from .errors import ApiError, bad_json, unknown_field
from .grid import Json
from .masks import camel

Schema: TypeAlias = dict[str, Any]


@cache
def schemas() -> dict[str, Schema]:
    """The messages of Sheets API v4 by name."""
    documents = resources.files("googleapiclient.discovery_cache") / "documents"
    found: dict[str, Schema] = msgspec.json.decode((documents / "sheets.v4.json").read_bytes())["schemas"]
    return found


@cache
def request_message(kind: str) -> str | None:
    """The name of the message of one kind of `batchUpdate` request: `addSheet` -> `AddSheetRequest`."""
    found: Schema | None = schemas()["Request"]["properties"].get(kind)
    return None if found is None else str(found["$ref"])


def checked_message(value: Any, message: str, path: str) -> Json:
    """The message with its names in camelCase. Raises 400 for what does not belong in it."""
    if not isinstance(value, dict):
        raise _misfit(path, value, f"type.googleapis.com/google.apps.sheets.v4.{message}")
    properties: dict[str, Schema] = schemas()[message].get("properties", {})
    found: Json = {}
    for name, item in value.items():
        known = camel(name)
        if known not in properties:
            raise unknown_field(path, name)
        found[known] = None if item is None else _checked(item, properties[known], f"{path}.{snake(known)}")
    return found


def _checked(value: Any, schema: Schema, path: str) -> Any:
    if "$ref" in schema:
        return checked_message(value, schema["$ref"], path)
    kind = schema.get("type")
    if kind == "array":
        if not isinstance(value, list):
            raise _misfit(path, value, "a list")
        return [_checked(item, schema["items"], f"{path}[{index}]") for index, item in enumerate(value)]
    if kind == "integer":
        return _integer(value, path)
    if kind == "number":
        return _number(value, path)
    if kind == "boolean":
        return _boolean(value, path)
    if kind == "string":
        return _string(value, schema, path)
    return value


def _integer(value: Any, path: str) -> int:
    try:
        number = float(value) if not isinstance(value, bool | list | dict) else None
    except ValueError:
        number = None
    if number is None or not number.is_integer() or abs(number) >= 2**31:
        raise _misfit(path, value, "TYPE_INT32")
    return int(number)


def _number(value: Any, path: str) -> float:
    try:
        if not isinstance(value, bool | list | dict):
            return value if isinstance(value, int | float) else float(value)
    except ValueError:
        pass
    raise _misfit(path, value, "TYPE_DOUBLE")


def _boolean(value: Any, path: str) -> bool:
    if isinstance(value, bool):
        return value
    if value in ("true", "false"):
        return bool(value == "true")
    raise _misfit(path, value, "TYPE_BOOL")


def _string(value: Any, schema: Schema, path: str) -> str:
    if not isinstance(value, str):
        raise _misfit(path, value, "TYPE_STRING")
    if "enum" in schema and value not in schema["enum"]:
        raise _misfit(path, value, "type.googleapis.com/google.apps.sheets.v4.Enum")
    return value


def _misfit(path: str, value: Any, wanted: str) -> ApiError:
    shown = msgspec.json.encode(value).decode()
    return bad_json(f"Invalid value at '{path}' ({wanted}), {shown}", path)


def snake(name: str) -> str:
    """`userEnteredValue` -> `user_entered_value`, the way paths in refusals are written."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
