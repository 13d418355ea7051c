"""A cell's format in Google's JSON as properties of an .xlsx format, by XlsxWriter's names. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Properties = dict[str, Any]
_TYPES = {
    "DATE": "yyyy-mm-dd",
    "TIME": "hh:mm:ss",
    "DATE_TIME": "yyyy-mm-dd hh:mm:ss",
    "PERCENT": "0.00%",
    "CURRENCY": "#,##0.00",
    "SCIENTIFIC": "0.00E+00",
    "NUMBER": "#,##0.00",
    "TEXT": "@",
}
_PATTERN = re.compile(
    r"""(?P<keep>"[^"]*"|\\.|_.|\*.|\[(?:Black|Blue|Cyan|Green|Magenta|Red|White|Yellow|Color\s?\d{1,2})\]
    |\[(?:<=|>=|<>|<|>|=)-?\d+(?:\.\d+)?\]|\[\$[^\]\[]*\]|\[(?:hh?|mm?|ss?)\]
    |AM/PM|A/P|y{1,4}|m{1,5}|d{1,4}|h{1,2}|s{1,2}(?:\.0{1,3})?|General|E[+-]|[0\#?.,%@;:/()\-+$€£¥\ '&~{}<>=^!])
    |\[(?P<elapsed>[hms]{1,2})\+\]""",
    re.VERBOSE | re.IGNORECASE,
)


def number_format(given: Mapping[str, Any] | None) -> str | None:
    """A number format as Excel takes it; the type's usual one for a pattern with something that only Google
    knows; None where there is none."""
    if not given:
        return None
    pattern = str(given.get("pattern") or "")
    return _translated(pattern) or _TYPES.get(str(given.get("type")))


def _translated(pattern: str) -> str | None:
    found: list[str] = []
    position = 0
    while position < len(pattern):
        match = _PATTERN.match(pattern, position)
        if match is None:
            return None
        found.append(f"[{match['elapsed']}]" if match["elapsed"] else match[0])
        position = match.end()
    text = "".join(found)
    return text if 0 < len(text) <= 255 and text.count(";") <= 3 else None


_HORIZONTAL = {"LEFT": "left", "CENTER": "center", "RIGHT": "right"}
_VERTICAL = {"TOP": "top", "MIDDLE": "vcenter", "BOTTOM": "bottom"}
_LINES = {"DOTTED": 4, "DASHED": 3, "SOLID": 1, "SOLID_MEDIUM": 2, "SOLID_THICK": 5, "DOUBLE": 6}
_MARKS = {"bold": "bold", "italic": "italic", "strikethrough": "font_strikeout"}


def properties(given: Mapping[str, Any]) -> Properties:
    """What ordinary programs show of a `CellFormat`."""
    found: Properties = {}
    text = given.get("textFormat") or {}
    found |= {ours: True for theirs, ours in _MARKS.items() if text.get(theirs)}
    if text.get("underline"):
        found["underline"] = 1
    if text.get("fontFamily"):
        found["font_name"] = str(text["fontFamily"]).partition(",")[0][:31]
    if 1 <= int(text.get("fontSize") or 0) <= 409:
        found["font_size"] = int(text["fontSize"])
    for name, colour in (("font_color", _colour(text, "foregroundColor")), ("bg_color", _background(given))):
        if colour is not None:
            found[name] = colour
    number = number_format(given.get("numberFormat"))
    if number is not None:
        found["num_format"] = number
    if given.get("horizontalAlignment") in _HORIZONTAL:
        found["align"] = _HORIZONTAL[given["horizontalAlignment"]]
    if given.get("verticalAlignment") in _VERTICAL:
        found["valign"] = _VERTICAL[given["verticalAlignment"]]
    if given.get("wrapStrategy") in ("WRAP", "LEGACY_WRAP"):
        found["text_wrap"] = True
    turned = given.get("textRotation") or {}
    if turned.get("vertical"):
        found["rotation"] = 270
    elif -90 <= int(turned.get("angle") or 0) <= 90 and turned.get("angle"):
        found["rotation"] = int(turned["angle"])
    for side, line in (given.get("borders") or {}).items():
        if side in ("top", "bottom", "left", "right") and line.get("style") in _LINES:
            found[side] = _LINES[line["style"]]
            if (colour := _colour(line, "color")) is not None:
                found[f"{side}_color"] = colour
    return found


def _background(given: Mapping[str, Any]) -> str | None:
    colour = _colour(given, "backgroundColor")
    return None if colour == "#FFFFFF" else colour


def colour_of(given: Mapping[str, Any], name: str) -> str | None:
    """A colour as #RRGGBB, None where there is none; a theme's colour comes resolved beside its name."""
    return _colour(given, name)


def _colour(given: Mapping[str, Any], name: str) -> str | None:
    plain = given.get(name)
    if plain is None:
        plain = (given.get(f"{name}Style") or {}).get("rgbColor")
    if plain is None:
        return None
    parts = (min(1.0, max(0.0, float(plain.get(part) or 0))) for part in ("red", "green", "blue"))
    return "#" + "".join(f"{round(255 * part):02X}" for part in parts)
