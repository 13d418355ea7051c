"""Properties of rows and columns: width, height, hidden; fitting widths to texts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from .. import masks
from ..errors import invalid
from ..grid import DEFAULT_COLUMN_PIXELS, DEFAULT_ROW_PIXELS, Json
from . import inputs
from .context import Context, handles
from .inputs import Span

_DIMENSION_FIELDS = frozenset(("hiddenByFilter", "hiddenByUser", "pixelSize", "developerMetadata"))


@handles("updateDimensionProperties")
def update_dimension_properties(context: Context, body: Json) -> None:
    span = inputs.span(context.document, inputs.part(body, "range"))
    if span.end > span.size:
        raise invalid(f"endIndex[{span.end}] is after last {span.word} in grid[{span.size}]")
    mask = inputs.mask(body)
    for name in mask:
        if name not in _DIMENSION_FIELDS:
            raise masks.bad_mask(name)
    given = body.get("properties") or {}
    set_properties(span, lambda old: _cleaned(masks.update(old, given, mask), span.by_rows))


def _cleaned(props: Json, by_rows: bool) -> Json:
    default = DEFAULT_ROW_PIXELS if by_rows else DEFAULT_COLUMN_PIXELS
    return {
        name: value
        for name, value in props.items()
        if value and not (name == "pixelSize" and value == default) and name != "developerMetadata"
    }


def set_properties(span: Span, change: Callable[[Json], Json]) -> None:
    """Puts the properties of each row or column of the span through `change`."""
    for index in range(span.start, span.end):
        if span.by_rows:
            row = span.sheet.rows[index]
            old = (row.props if row is not None else None) or {}
            new = change(old)
            if new != old:
                span.sheet.own(index).props = new or None
        else:
            span.sheet.columns[index] = change(span.sheet.columns[index] or {}) or None


_CHARACTER_PIXELS = 7
_PADDING_PIXELS = 14


@handles("autoResizeDimensions")
def auto_resize_dimensions(context: Context, body: Json) -> None:
    """Fits columns to their longest text, by a rough width of a character: the real one needs the font."""
    span = inputs.span(context.document, inputs.part(body, "dimensions"))
    span = replace(span, end=min(span.end, span.size))
    if span.by_rows:
        set_properties(span, lambda old: {key: value for key, value in old.items() if key != "pixelSize"})
        return
    for column in range(span.start, span.end):
        longest = max(
            (
                len(str(row.cells[column]))
                for _, row in span.sheet.filled_rows(span.sheet.box)
                if column < len(row.cells) and row.cells[column] is not None
            ),
            default=0,
        )
        if longest:
            width = longest * _CHARACTER_PIXELS + _PADDING_PIXELS
            span.sheet.columns[column] = (span.sheet.columns[column] or {}) | {"pixelSize": width}
