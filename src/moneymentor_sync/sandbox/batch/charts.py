"""Charts: added, changed, moved, deleted. Kept and given back; the page draws the basic ones."""

from __future__ import annotations

from dataclasses import replace

from .. import charts, colors, masks
from ..document import Document
from ..errors import ApiError, invalid
from ..grid import Chart, Json, Sheet
from . import inputs
from .context import Context, handles

_KINDS = frozenset(("basicChart", "pieChart", "bubbleChart", "candlestickChart", "orgChart", "histogramChart")) | {
    "waterfallChart",
    "treemapChart",
    "scorecardChart",
}
_NO_KIND = (  # Google's spelling
    "One of basicChart, pieChart, bubbleChart, candelstickChart, histogramChart, or orgChart must be set on "
    "chartSpec."
)
_NO_POSITION = "One of EmbeddedObjectPosition.overlayPosition or EmbeddedObjectPosition.sheetId must be set"
_NOT_A_LINE = "ChartSourceRange ranges require all rows or all columns to have length of 1"
_OVERLAY = ("offsetXPixels", "offsetYPixels", "widthPixels", "heightPixels")
_SIZE = {"widthPixels": charts.DEFAULT_WIDTH, "heightPixels": charts.DEFAULT_HEIGHT}
_DEFAULTS: Json = {"hiddenDimensionStrategy": "SKIP_HIDDEN_ROWS_AND_COLUMNS", "fontName": "Roboto"}


@handles("addChart")
def add_chart(context: Context, body: Json) -> Json:
    given = inputs.part(body, "chart")
    document = context.document
    spec = _spec(document, given)
    sheet, chart = _placed(document, given.get("position"), spec, _border(given.get("border")))
    taken = {key for tab in document.sheets for key in tab.extras.charts}
    key = inputs.integer(given, "chartId")
    if key is None:
        key = document.new_id(taken)
    elif key in taken:
        raise invalid(f"Chart with id: {key} already exists.")
    context.guard_tab(sheet)
    sheet.extras.charts[key] = chart
    return {"addChart": {"chart": charts.described(sheet, key, chart)}}


def _spec(document: Document, given: Json) -> Json:
    """A chart's specification as it is kept: its ranges checked and closed, its colours in both forms."""
    spec = inputs.part(given, "spec")
    if not any(spec.get(kind) for kind in _KINDS):
        raise invalid(_NO_KIND)
    basic = spec.get("basicChart")
    if basic and not basic.get("domains") and not basic.get("series"):
        raise ApiError(500, "Internal error encountered.")  # what Google says to it, too
    for listed in charts.sources(spec):
        _check(document, listed)
    return _DEFAULTS | charts.resourced(colors.everywhere(spec), lambda place: _closed(document, place))


def _check(document: Document, listed: list[Json]) -> None:
    """A series is a line of cells: each of its ranges one row high, or each one column wide."""
    boxes = [inputs.box(document, item)[1] for item in listed]
    if not (all(box.width == 1 for box in boxes) or all(box.height == 1 for box in boxes)):
        raise invalid(_NOT_A_LINE)


def _closed(document: Document, place: charts.Place) -> charts.Place:
    """Open sides become those that the grid has now: a column chosen whole grows no further with the tab."""
    sheet_id, box = place[0], inputs.box(document, charts.source_json(place))[1]
    return sheet_id, box.area


def _border(given: Json | None) -> Json | None:
    return colors.everywhere(given) or None if given else None


def _placed(document: Document, given: Json | None, spec: Json, border: Json | None) -> tuple[Sheet, Chart]:
    overlay = (given or {}).get("overlayPosition")
    if given and (given.get("newSheet") or given.get("sheetId") is not None):
        raise ApiError(501, "this sandbox has no sheets that are charts; use overlayPosition.")
    if overlay is None:
        raise invalid(_NO_POSITION)
    sheet, row, column = inputs.coordinate(document, overlay.get("anchorCell") or {})
    sizes = {name: inputs.integer(overlay, name, 0) or _SIZE.get(name, 0) for name in _OVERLAY}
    return sheet, Chart(row, column, sizes, spec, border)


def _found(context: Context, key: int | None, what: str) -> tuple[Sheet, int, Chart]:
    for sheet in context.document.sheets:
        if key in sheet.extras.charts:
            context.guard_tab(sheet)
            return sheet, key, sheet.extras.charts[key]
    raise invalid(f"No {what} with id: {key or 0}")


@handles("updateChartSpec")
def update_chart_spec(context: Context, body: Json) -> None:
    sheet, key, old = _found(context, inputs.integer(body, "chartId"), "chart")
    sheet.extras.charts[key] = replace(old, spec=_spec(context.document, body))


@handles("deleteEmbeddedObject")
def delete_embedded_object(context: Context, body: Json) -> None:
    sheet, key, _ = _found(context, inputs.integer(body, "objectId"), "embedded object")
    del sheet.extras.charts[key]


@handles("updateEmbeddedObjectPosition")
def update_embedded_object_position(context: Context, body: Json) -> Json:
    given = inputs.part(body, "newPosition")
    mask = inputs.mask(body)
    sheet, key, old = _found(context, inputs.integer(body, "objectId"), "embedded object")
    for name in mask:
        if name not in (*_OVERLAY, "anchorCell"):
            raise masks.bad_mask(name)
    now = charts.position(sheet, old)["overlayPosition"]
    overlay = masks.update(now, given.get("overlayPosition") or {}, mask)
    goal, chart = _placed(context.document, given | {"overlayPosition": overlay}, old.spec, old.border)
    del sheet.extras.charts[key]
    goal.extras.charts[key] = chart
    return {"updateEmbeddedObjectPosition": {"position": charts.position(goal, chart)}}


@handles("updateEmbeddedObjectBorder")
def update_embedded_object_border(context: Context, body: Json) -> None:
    for name in inputs.mask(body, root="border"):
        if name not in ("color", "colorStyle"):
            raise masks.bad_mask(name)
    sheet, key, old = _found(context, inputs.integer(body, "objectId"), "embedded object")
    sheet.extras.charts[key] = replace(old, border=_border(body.get("border")))  # both names are one colour
