"""Reads a range as Google's ValueRange."""

from __future__ import annotations

from typing import Any

from . import a1
from .document import Document, Located
from .errors import bad_json
from .grid import Json
from .render import Renderer

DIMENSIONS = ("DIMENSION_UNSPECIFIED", "ROWS", "COLUMNS")


def read(document: Document, place: Located, options: Json) -> Json:
    """One ValueRange; `values` is left out where all is blank."""
    by_columns = dimension(options.get("majorDimension")) == "COLUMNS"
    renderer = Renderer(document, options.get("valueRenderOption"), options.get("dateTimeRenderOption"))
    box = place.box
    rows = renderer.rows(place.sheet, box)
    if by_columns:
        rows = _columns(rows)
    found: Json = {
        "range": a1.box_name(place.sheet.title, box),
        "majorDimension": "COLUMNS" if by_columns else "ROWS",
    }
    return found | ({"values": rows} if rows else {})


def _columns(rows: list[list[Any]]) -> list[list[Any]]:
    width = max((len(row) for row in rows), default=0)
    turned: list[list[Any]] = []
    for column in range(width):
        values = [row[column] if column < len(row) else "" for row in rows]
        while values and values[-1] == "":
            values.pop()
        turned.append(values)
    return turned


def dimension(given: Any) -> str:
    """A major dimension, `ROWS` where none is given. Raises 400."""
    if given is None or given == "":
        return DIMENSIONS[1]
    if given not in DIMENSIONS:
        raise bad_json(
            "Invalid value at 'major_dimension' (type.googleapis.com/google.apps.sheets.v4.Dimension), "
            f'"{given}"',
            "major_dimension",
        )
    return str(given)
