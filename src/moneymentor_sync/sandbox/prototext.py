"""JSON values as the text form of protocol buffers: that is how Google quotes a value that it refuses."""

from __future__ import annotations

import json
from typing import Any


def prototext(value: Any) -> str:
    """`["a"]` -> `list_value { values { string_value: "a" } }`, over several lines."""
    return "\n".join(_lines(value)) + "\n"


def _lines(value: Any) -> list[str]:
    if value is None:
        return ["null_value: NULL_VALUE"]
    if isinstance(value, bool):
        return [f"bool_value: {str(value).lower()}"]
    if isinstance(value, int | float):
        return [f"number_value: {value:g}" if isinstance(value, float) else f"number_value: {value}"]
    if isinstance(value, str):
        return [f"string_value: {json.dumps(value, ensure_ascii=False)}"]
    if isinstance(value, list):
        return _block("list_value", [line for item in value for line in _block("values", _lines(item))])
    fields: list[str] = []
    for name, item in value.items():
        fields += _block("fields", [f"key: {json.dumps(name, ensure_ascii=False)}", *_block("value", _lines(item))])
    return _block("struct_value", fields)


def _block(name: str, lines: list[str]) -> list[str]:
    return [f"{name} {{", *(f"  {line}" for line in lines), "}"]
