"""Charts as a tab keeps them: which cells they are drawn from, and their JSON.

A chart lies over one tab and may be drawn from the cells of any. It is never computed here: the page draws it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from .a1 import Area
from .grid import Chart, Json, Sheet

Place: TypeAlias = tuple[int, Area]
"""A tab's id and an area of it."""

DEFAULT_WIDTH, DEFAULT_HEIGHT = 600, 371  # pixels, as the reference of `OverlayPosition` says
_SIDES = ("startRowIndex", "endRowIndex", "startColumnIndex", "endColumnIndex")


def place_of(source: Json) -> Place:
    """What one `GridRange` of a chart names."""
    return source.get("sheetId") or 0, Area(*(source.get(name) for name in _SIDES))


def source_json(place: Place) -> Json:
    """The `GridRange` back; tab 0 and the sides that are 0 stand as Google writes them."""
    sheet_id, area = place
    sides = (area.row, area.end_row, area.column, area.end_column)
    found: Json = {"sheetId": sheet_id} if sheet_id else {}
    return found | {name: value for name, value in zip(_SIDES, sides, strict=True) if value is not None}


def sources(spec: Any) -> Iterator[list[Json]]:
    """The lists of ranges that a chart is drawn from, wherever they stand in its specification."""
    if isinstance(spec, list):
        for item in spec:
            yield from sources(item)
    elif isinstance(spec, dict):
        for name, item in spec.items():
            if name == "sourceRange":
                yield item.get("sources") or []
            else:
                yield from sources(item)


def resourced(spec: Json, change: Callable[[Place], Place | None]) -> Json:
    """The specification with every range put through `change`.

    What is left without a range goes, without a word: a chart whose column was deleted stays, and its series
    is gone (as Google's live API was seen to do).
    """
    found = _resourced(spec, change, listed=False)
    return found if isinstance(found, dict) else {}


def _resourced(value: Any, change: Callable[[Place], Place | None], *, listed: bool) -> Any:
    if isinstance(value, list):
        items = [_resourced(item, change, listed=True) for item in value]
        return [item for item in items if item is not None]
    if not isinstance(value, dict):
        return value
    if "sourceRange" in value:
        given = value["sourceRange"].get("sources") or []
        left = [source_json(place) for item in given if (place := change(place_of(item))) is not None]
        return value | {"sourceRange": {"sources": left}} if left else None
    found: Json = {}
    for name, item in value.items():
        new = _resourced(item, change, listed=False)
        if new is not None:
            found[name] = new
        elif item is not None and listed:
            return None  # a series or a domain without its cells is none
    return found


def position(sheet: Sheet, chart: Chart) -> Json:
    """An `EmbeddedObjectPosition`; zeros are left out, as everywhere in Google's answers."""
    anchor = {"sheetId": sheet.sheet_id, "rowIndex": chart.row, "columnIndex": chart.column}
    overlay: Json = {"anchorCell": {name: value for name, value in anchor.items() if value}}
    return {"overlayPosition": overlay | {name: value for name, value in chart.overlay.items() if value}}


def described(sheet: Sheet, chart_id: int, chart: Chart) -> Json:
    """An `EmbeddedChart`."""
    found: Json = {"chartId": chart_id, "spec": chart.spec, "position": position(sheet, chart)}
    return found | ({"border": chart.border} if chart.border else {})
