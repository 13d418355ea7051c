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
    return _of_text(given.get("textFormat") or {}) | _of_cell(given) | _of_borders(given.get("borders") or {})


def _of_text(text: Mapping[str, Any]) -> Properties:
    found: Properties = {ours: True for theirs, ours in _MARKS.items() if text.get(theirs)}
    if text.get("underline"):
        found["underline"] = 1
    if text.get("fontFamily"):
        found["font_name"] = str(text["fontFamily"]).partition(",")[0][:31]
    if 1 <= int(text.get("fontSize") or 0) <= 409:
        found["font_size"] = int(text["fontSize"])
    return found | _given("font_color", colour_of(text, "foregroundColor"))


def _of_cell(given: Mapping[str, Any]) -> Properties:
    found = _given("num_format", number_format(given.get("numberFormat")))
    found |= _given("bg_color", _background(given))
    found |= _given("align", _HORIZONTAL.get(str(given.get("horizontalAlignment"))))
    found |= _given("valign", _VERTICAL.get(str(given.get("verticalAlignment"))))
    if given.get("wrapStrategy") in ("WRAP", "LEGACY_WRAP"):
        found["text_wrap"] = True
    turned = given.get("textRotation") or {}
    angle = int(turned.get("angle") or 0)
    if turned.get("vertical") or (angle and -90 <= angle <= 90):
        found["rotation"] = 270 if turned.get("vertical") else angle
    return found


def _of_borders(given: Mapping[str, Any]) -> Properties:
    found: Properties = {}
    for side, line in given.items():
        if side in ("top", "bottom", "left", "right") and line.get("style") in _LINES:
            found |= {side: _LINES[line["style"]]} | _given(f"{side}_color", colour_of(line, "color"))
    return found


def _given(name: str, value: str | None) -> Properties:
    return {} if value is None else {name: value}


def _background(given: Mapping[str, Any]) -> str | None:
    colour = colour_of(given, "backgroundColor")
    return None if colour == "#FFFFFF" else colour


def colour_of(given: Mapping[str, Any], name: str) -> str | None:
    """A colour as #RRGGBB, None where there is none; a theme's colour comes resolved beside its name."""
    plain = given.get(name)
    if plain is None:
        plain = (given.get(f"{name}Style") or {}).get("rgbColor")
    if plain is None:
        return None
    parts = (min(1.0, max(0.0, float(plain.get(part) or 0))) for part in ("red", "green", "blue"))
    return "#" + "".join(f"{round(255 * part):02X}" for part in parts)
