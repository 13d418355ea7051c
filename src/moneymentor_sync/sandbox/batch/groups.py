"""Groups of rows or columns that can be folded."""

from __future__ import annotations

from dataclasses import replace

from .. import describe
from ..errors import invalid
from ..grid import Group, Json
from . import inputs
from .context import Context, handles
from .inputs import Span
from .sizes import set_properties


def _groups(span: Span) -> list[Group]:
    return span.sheet.extras.row_groups if span.by_rows else span.sheet.extras.column_groups


def _set_groups(span: Span, groups: list[Group]) -> None:
    groups = sorted(groups, key=lambda item: (item.start, -item.end, item.depth))
    if span.by_rows:
        span.sheet.extras.row_groups = groups
    else:
        span.sheet.extras.column_groups = groups


def _described(span: Span) -> list[Json]:
    dimension = "ROWS" if span.by_rows else "COLUMNS"
    return [describe.group(span.sheet.sheet_id, dimension, item) for item in _groups(span)]


@handles("addDimensionGroup")
def add_dimension_group(context: Context, body: Json) -> Json:
    span = inputs.span(context.document, inputs.part(body, "range"))
    if span.end > span.size or span.start == span.end:
        raise invalid(f"Cannot group {span.word}s that don't exist: there are only {span.size} {span.word}s.")
    around = [item for item in _groups(span) if item.start <= span.start and span.end <= item.end]
    depth = max((item.depth for item in around), default=0) + 1
    inside = [
        replace(item, depth=item.depth + 1)
        if span.start <= item.start and item.end <= span.end and item not in around
        else item
        for item in _groups(span)
    ]
    _set_groups(span, [*inside, Group(span.start, span.end, depth)])
    if span.by_rows:
        span.sheet.row_group_control_after = True
    else:
        span.sheet.column_group_control_after = True
    return {"addDimensionGroup": {"dimensionGroups": _described(span)}}


@handles("deleteDimensionGroup")
def delete_dimension_group(context: Context, body: Json) -> Json:
    span = inputs.span(context.document, inputs.part(body, "range"))
    exact = [item for item in _groups(span) if (item.start, item.end) == (span.start, span.end)]
    if not exact:
        raise invalid(f"No dimension group exists at {span.start} to {span.end}.")
    gone = max(exact, key=lambda item: item.depth)
    kept = [
        replace(item, depth=item.depth - 1)
        if gone.start <= item.start and item.end <= gone.end and item.depth > gone.depth
        else item
        for item in _groups(span)
        if item is not gone
    ]
    _set_groups(span, kept)
    left = _described(span)
    return {"deleteDimensionGroup": {"dimensionGroups": left} if left else {}}


@handles("updateDimensionGroup")
def update_dimension_group(context: Context, body: Json) -> None:
    given = inputs.part(body, "dimensionGroup")
    inputs.mask(body)
    span = inputs.span(context.document, inputs.part(given, "range"))
    depth = inputs.integer(given, "depth", 1)
    found = [item for item in _groups(span) if (item.start, item.end, item.depth) == (span.start, span.end, depth)]
    if not found:
        raise invalid(f"No dimension group exists at {span.start} to {span.end} with depth {depth}.")
    changed = replace(found[0], collapsed=bool(given.get("collapsed")))
    _set_groups(span, [changed if item is found[0] else item for item in _groups(span)])
    set_properties(span, lambda old: {**old, "hiddenByUser": True} if changed.collapsed else _shown(old))


def _shown(props: Json) -> Json:
    return {name: value for name, value in props.items() if name != "hiddenByUser"}
