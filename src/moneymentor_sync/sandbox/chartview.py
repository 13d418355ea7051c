"""A chart as the page draws it: its numbers read out of the cells, its place, its titles. Draws nothing itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from . import charts, render
from .cells import Plain, is_number
from .colors import hex_color
from .document import Document
from .grid import Chart, Json, Sheet, is_hidden

_DRAWN = frozenset(("COLUMN", "LINE", "AREA", "COMBO"))
_MOST_POINTS = 1000
_ACCENTS = ("#4285f4", "#ea4335", "#fbbc04", "#34a853", "#ff6d01", "#46bdc6")  # the default theme's, in turn


def listed(document: Document, sheet: Sheet) -> list[Json]:
    """The charts that lie over a tab.

    Each has `id`, `title`, `subtitle`, its anchor `row` and `column`, `x` and `y` from there, `width` and
    `height` in pixels; and either `missing` (why it is not drawn) or `legend`, `stacked`, `axes`
    (`{"bottom", "left", "right"}`: titles), `labels` (texts) and `series`
    (`{"title", "kind", "axis", "color", "values", "texts"}`; a value that is no number is null).
    """
    return [_chart(document, key, item) for key, item in sheet.extras.charts.items()]


def _chart(document: Document, key: int, chart: Chart) -> Json:
    place = {name[0]: chart.overlay[f"offset{name}Pixels"] for name in ("X", "Y")}
    found: Json = {
        "id": key,
        "title": chart.spec.get("title") or "",
        "subtitle": chart.spec.get("subtitle") or "",
        "row": chart.row,
        "column": chart.column,
        "x": place["X"],
        "y": place["Y"],
        "width": chart.overlay["widthPixels"],
        "height": chart.overlay["heightPixels"],
    }
    basic = chart.spec.get("basicChart")
    kind = (basic or {}).get("chartType", "")
    if basic is None or kind not in _DRAWN:
        named = kind or next((name for name in chart.spec if name.endswith("Chart")), "chart")
        return found | {"missing": f"This page does not draw charts of the kind {named}."}
    return found | _drawn(document, basic, skip_hidden=chart.spec.get("hiddenDimensionStrategy") != "SHOW_ALL")


def _drawn(document: Document, basic: Json, *, skip_hidden: bool) -> Json:
    lines = [_line(document, item["series"], skip_hidden) for item in basic.get("series", [])]
    domains = [_line(document, item["domain"], skip_hidden) for item in basic.get("domains", [])]
    filled = max((line.filled for line in (*lines, *domains)), default=0)
    lines, domains = ([line.cut(filled) for line in several] for several in (lines, domains))
    heads = _heads(basic, lines)
    axes = {str(item.get("position", ""))[:-5].lower(): item for item in basic.get("axis", [])}
    titles = {name: axes.get(name, {}).get("title") or "" for name in ("bottom", "left", "right")}
    longest = max((len(line.values) for line in lines), default=heads)
    labels = domains[0].texts[heads:] if domains else [str(number) for number in range(1, longest - heads + 1)]
    return {
        "legend": str(basic.get("legendPosition") or "RIGHT_LEGEND").removesuffix("_LEGEND").lower(),
        "stacked": basic.get("stackedType") in ("STACKED", "PERCENT_STACKED"),
        "axes": titles,
        "labels": labels,
        "series": [
            _series(basic, item, line, heads, number)
            for number, (item, line) in enumerate(zip(basic.get("series", []), lines, strict=True))
        ],
    }


def _series(basic: Json, item: Json, line: _Line, heads: int, number: int) -> Json:
    kind = basic["chartType"] if basic["chartType"] != "COMBO" else item.get("type") or "LINE"
    return {
        "title": line.texts[0] if heads and line.texts else "",
        "kind": str(kind).lower(),
        "axis": "right" if item.get("targetAxis") == "RIGHT_AXIS" else "left",
        "color": hex_color(item["color"]) if item.get("color") else _ACCENTS[number % len(_ACCENTS)],
        "values": [value if is_number(value) else None for value in line.values[heads:]],
        "texts": line.texts[heads:],
    }


@dataclass(frozen=True, slots=True)
class _Line:
    """The cells of a series or of the labels, in order."""

    values: list[Plain]
    texts: list[str]

    @property
    def filled(self) -> int:
        """How many there are up to the last one with anything in it: a chart may be made of whole columns, and
        Google draws them as far as they go."""
        return next((n for n in range(len(self.texts), 0, -1) if self.texts[n - 1]), 0)

    def cut(self, length: int) -> _Line:
        return _Line(self.values[:length], self.texts[:length])


def _line(document: Document, data: Json, skip_hidden: bool) -> _Line:
    line = _Line([], [])
    for source in (data.get("sourceRange") or {}).get("sources") or []:
        sheet_id, area = charts.place_of(source)
        sheet = document.sheet(sheet_id)
        box = area.clipped(sheet.row_count, sheet.column_count)
        for row in range(box.row, min(box.end_row, box.row + _MOST_POINTS)):
            for column in range(box.column, min(box.end_column, box.column + _MOST_POINTS)):
                if skip_hidden and _hidden(sheet, row, column):
                    continue
                value = render.effective(document, sheet, row, column)
                line.values.append(value)
                line.texts.append(render.formatted(value, sheet.style(row, column) if sheet.rows[row] else None))
    return line


def _hidden(sheet: Sheet, row: int, column: int) -> bool:
    found = sheet.rows[row]
    return is_hidden(found.props if found is not None else None) or is_hidden(sheet.columns[column])


def _heads(basic: Json, lines: list[_Line]) -> int:
    """How many cells of each line are its title: said, or guessed from a text above numbers."""
    said: Any = basic.get("headerCount")
    if said is not None:
        return int(said)
    return int(any(line.values and isinstance(line.values[0], str) for line in lines))
