"""Colours as Google gives them back: single precision, zero parts left out, and each also as a style."""

from __future__ import annotations

import struct
from typing import Any

from .grid import Json

_PARTS = ("red", "green", "blue", "alpha")


def single(value: float) -> float:
    """The shortest decimal that is the same single-precision number: 66/255 -> 0.25882354."""
    packed = struct.pack("f", value)
    exact = struct.unpack("f", packed)[0]
    for digits in range(1, 10):
        short = float(f"{exact:.{digits}g}")
        if struct.pack("f", short) == packed:
            return int(short) if short.is_integer() else short
    return value


def color(given: Json) -> Json:
    """One colour."""
    return {name: single(float(value)) if name in _PARTS else value for name, value in given.items() if value}


def hex_color(given: Json) -> str:
    """A colour as browsers write it: `#rrggbb`."""
    return "#{:02x}{:02x}{:02x}".format(*(round(255 * float(given.get(name) or 0)) for name in _PARTS[:3]))


def style(given: Json | None) -> Json | None:
    """A `ColorStyle`; None where it says nothing."""
    if not given:
        return None
    if given.get("rgbColor") is not None:
        return {"rgbColor": color(given["rgbColor"])}
    return {"themeColor": given["themeColor"]} if given.get("themeColor") else None


def everywhere(value: Any) -> Any:
    """The same at every depth, lists too, for objects that call a colour just `color`: those of charts."""
    if isinstance(value, list):
        return [everywhere(item) for item in value]
    if not isinstance(value, dict):
        return value
    found: Json = {}
    for name, item in value.items():
        stem = name.removesuffix("Style")
        if item is None or (isinstance(item, str) and item.endswith("_UNSPECIFIED")):
            continue
        if not stem.lower().endswith("color"):
            found[name] = everywhere(item)
        elif name != stem:
            found |= _pair(stem, style(item))
        elif not value.get(f"{name}Style"):
            found |= _pair(stem, {"rgbColor": color(item)})
    return found


def with_both(given: Json) -> Json:
    """An object whose colours are there both as `xColor` and as `xColorStyle`, at every depth.

    Where both were given, the style wins. Nulls and `…_UNSPECIFIED` go, as in every answer of Google's.
    """
    found: Json = {}
    for name, value in given.items():
        if value is None or (isinstance(value, str) and value.endswith("_UNSPECIFIED")):
            continue
        if name.endswith("ColorStyle"):
            found |= _pair(name.removesuffix("Style"), style(value))
        elif name.endswith("Color") and isinstance(value, dict):
            if not given.get(f"{name}Style"):
                found |= _pair(name, {"rgbColor": color(value)})
        else:
            found[name] = _nested(name, value)
    return found


def _nested(name: str, value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    inner = with_both(value)
    if name in ("top", "bottom", "left", "right") and "color" in inner:  # a border's is just `color`
        inner |= {"color": color(value["color"] or {}), "colorStyle": {"rgbColor": color(value["color"] or {})}}
    return inner


def _pair(name: str, value: Json | None) -> Json:
    if value is None:
        return {}
    found: Json = {f"{name}Style": value}
    return found | ({name: value["rgbColor"]} if "rgbColor" in value else {})
