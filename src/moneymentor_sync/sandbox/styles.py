"""Formats of cells: putting them together, sharing them, and writing them into rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from . import colors
from .a1 import Box
from .grid import Json, Row, Sheet, Style, StylePool, Styles

POOL = StylePool()
_ENCODE = msgspec.json.Encoder(order="sorted").encode

DEFAULT_FORMAT: Json = {
    "backgroundColor": {"red": 1, "green": 1, "blue": 1},
    "padding": {"top": 2, "right": 3, "bottom": 2, "left": 3},
    "verticalAlignment": "BOTTOM",
    "wrapStrategy": "OVERFLOW_CELL",
    "textFormat": {
        "foregroundColor": {},
        "fontFamily": "arial,sans,sans-serif",
        "fontSize": 10,
        "bold": False,
        "italic": False,
        "strikethrough": False,
        "underline": False,
        "foregroundColorStyle": {"rgbColor": {}},
    },
    "backgroundColorStyle": {"rgbColor": {"red": 1, "green": 1, "blue": 1}},
}


def make_style(format_: Json | None, validation: Json | None, extra: Json | None = None) -> Style | None:
    """The shared style of these parts; None where there is nothing."""
    if not format_ and not validation and not extra:
        return None
    key = _ENCODE([format_ or None, validation or None, extra or None])
    return POOL.style(key, lambda: Style(format_ or None, validation or None, extra or None))


def with_format(style: Style | None, format_: Json | None) -> Style | None:
    return make_style(format_, style.validation if style else None, style.extra if style else None)


def with_validation(style: Style | None, validation: Json | None) -> Style | None:
    return make_style(style.format if style else None, validation, style.extra if style else None)


def with_extra(style: Style | None, extra: Json | None) -> Style | None:
    return make_style(style.format if style else None, style.validation if style else None, extra)


def number_format(style: Style | None) -> Json | None:
    """The cell's number format, `{"type", "pattern"}`, or None for the automatic one."""
    if style is None or style.format is None:
        return None
    found: Json | None = style.format.get("numberFormat")
    return found


def effective_format(style: Style | None) -> Json:
    """The default format with the cell's own over it."""
    return merged(DEFAULT_FORMAT, style.format) if style and style.format else DEFAULT_FORMAT


def merged(under: Json, over: Json) -> Json:
    """Both together, nested; `over` wins. Colours are replaced whole."""
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        if isinstance(value, dict) and isinstance(below, dict) and not _is_color(key):
            value = merged(below, value)
        result[key] = value
    return result


def _is_color(key: str) -> bool:
    return key.endswith(("Color", "ColorStyle"))


def set_style(sheet: Sheet, row: int, column: int, style: Style | None) -> None:
    """Gives one cell its style."""
    target = sheet.own(row)
    styles: list[Style | None] = list(target.styles)
    if column >= len(styles):
        styles.extend([None] * (column + 1 - len(styles)))
    styles[column] = style
    target.styles = POOL.row(styles)


def restyle(sheet: Sheet, box: Box, change: Callable[[Style | None, int], Style | None]) -> None:
    """Changes the style of every cell of the box: `change(old, column)` gives the new one.

    Rows of equal styles are computed once, and empty rows that come out equal share one row object, so that
    a format on a whole column costs next to nothing.
    """
    known: dict[Styles, Styles] = {}
    shared: dict[Styles, Row] = {}
    rows = sheet.writable()
    for index in range(box.row, box.end_row):
        row = rows[index]
        old = row.styles if row is not None else ()
        new = known.get(old)
        if new is None:
            new = known[old] = _changed(old, box, change)
        if new is old:
            continue
        if row is None or (not row.cells and not row.notes and not row.props):
            rows[index] = shared.setdefault(new, Row([], new)) if new else None
        else:
            sheet.own(index).styles = new


def _changed(old: Styles, box: Box, change: Callable[[Style | None, int], Style | None]) -> Styles:
    styles: list[Style | None] = list(old)
    if len(styles) < box.end_column:
        styles.extend([None] * (box.end_column - len(styles)))
    for column in range(box.column, box.end_column):
        styles[column] = change(styles[column], column)
    return POOL.row(styles)


def normal_format(format_: Json) -> Json:
    """A format as Google gives it back."""
    return colors.with_both(format_)


def borders(format_: Any) -> Json:
    """The borders of a format, or an empty dict."""
    found: Json = (format_ or {}).get("borders", {})
    return found
