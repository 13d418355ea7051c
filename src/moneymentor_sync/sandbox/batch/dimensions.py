"""Requests on whole rows and columns: insert, append, delete, move."""

from __future__ import annotations

from typing import Any

from .. import styles
from ..a1 import MAX_COLUMNS
from ..errors import invalid
from ..grid import Json, Row, Sheet, Style, Styles
from ..moves import Deletion, Edit, Insertion, Move
from . import inputs
from .context import Context, handles
from .following import follow_edit
from .inputs import Span


@handles("insertDimension")
def insert_dimension(context: Context, body: Json) -> None:
    span = inputs.span(context.document, inputs.part(body, "range"))
    inherit_before = bool(body.get("inheritFromBefore"))
    _check_insertion(span, inherit_before)
    context.guard_gap(span.sheet, span.start, by_rows=span.by_rows)
    insert(context, span, inherit_before=inherit_before)


def _check_insertion(span: Span, inherit_before: bool) -> None:
    if span.start == 0 and inherit_before:
        raise invalid("range.startIndex[0] must be greater than zero if inheritFromBefore is true.")
    if span.start == span.end:
        raise invalid(f"range.startIndex[{span.start}] must be less than endIndex[{span.end}]")
    if inherit_before and span.start > span.size:
        raise invalid(
            f"range.startIndex[{span.start}] must be less than or equal to the grid size ({span.size}) if "
            "inheritFromBefore is true."
        )
    if not inherit_before and span.start >= span.size:
        raise invalid(
            f"range.startIndex[{span.start}] must be less than the grid size ({span.size}) if "
            "inheritFromBefore is false."
        )


def insert(context: Context, span: Span, *, inherit_before: bool) -> None:
    """Makes room; the new rows or columns look like the ones before or after them."""
    sheet, count = span.sheet, span.count
    if span.by_rows:
        context.room_for(count * sheet.column_count)
        model = sheet.rows[span.start - 1 if inherit_before else span.start]
        sheet.writable()[span.start : span.start] = _blank_rows(model, count)
        if span.start < sheet.frozen_rows:
            sheet.frozen_rows += count
    else:
        _insert_columns(context, sheet, span, inherit_before)
    follow_edit(context.document, sheet, Edit(sheet.sheet_id, span.by_rows, Insertion(span.start, count)))


def _blank_rows(model: Row | None, count: int) -> list[Row | None]:
    if model is None or (not model.styles and not model.props):
        return [None] * count
    props = {name: value for name, value in (model.props or {}).items() if name == "pixelSize"}
    return [Row([], model.styles, None, props or None)] * count


def _insert_columns(context: Context, sheet: Sheet, span: Span, inherit_before: bool) -> None:
    if sheet.column_count + span.count > MAX_COLUMNS:
        raise invalid(
            f"This action would increase the number of columns in the sheet above the limit of {MAX_COLUMNS} "
            "columns."
        )
    context.room_for(span.count * sheet.row_count)
    source = span.start - 1 if inherit_before else span.start
    at, count = span.start, span.count
    known: dict[Styles, Styles] = {}
    for index, row in sheet.filled_rows(sheet.box):
        if len(row.cells) <= at and len(row.styles) <= source and not row.notes:
            continue
        own = sheet.own(index)
        if len(own.cells) > at:
            own.cells[at:at] = [None] * count
        if len(own.styles) > source:
            own.styles = known.get(own.styles) or known.setdefault(
                own.styles, _wider(own.styles, at, count, source)
            )
        if own.notes:
            own.notes = {key + count if key >= at else key: text for key, text in own.notes.items()}
    width = {name: value for name, value in (sheet.columns[source] or {}).items() if name == "pixelSize"}
    sheet.columns = sheet.columns[:at] + [width or None] * count + sheet.columns[at:]
    sheet.column_count += count
    if at < sheet.frozen_columns:
        sheet.frozen_columns += count


def _wider(old: Styles, at: int, count: int, source: int) -> Styles:
    found: list[Style | None] = list(old)
    found.extend([None] * (at - len(found)))
    found[at:at] = [old[source] if source < len(old) else None] * count
    return styles.POOL.row(found)


@handles("appendDimension")
def append_dimension(context: Context, body: Json) -> None:
    sheet = inputs.sheet_of(context.document, body)
    count = inputs.integer(body, "length", 0) or 0
    if count < 1:
        raise invalid("length must be greater than zero.")
    if body.get("dimension") == "ROWS":
        context.grow(sheet, sheet.row_count + count, sheet.column_count)
    elif body.get("dimension") == "COLUMNS":
        context.grow(sheet, sheet.row_count, sheet.column_count + count)
    else:
        raise invalid("No dimension specified.")


@handles("deleteDimension")
def delete_dimension(context: Context, body: Json) -> None:
    span = inputs.span(context.document, inputs.part(body, "range"))
    check_deletion(span)
    context.guard(span.sheet, span.box)
    delete(context, span)


def check_deletion(span: Span) -> None:
    """Google's refusals: what is not there, and all that is not frozen."""
    if span.start >= span.size or span.end > span.size:
        index = span.start if span.start >= span.size else span.size
        raise invalid(
            f"Cannot delete a {span.word} that doesn't exist. Tried to delete {span.word} index {index} but "
            f"there are only {span.size} {span.word}s."
        )
    frozen = span.sheet.frozen_rows if span.by_rows else span.sheet.frozen_columns
    left_over = (span.size - frozen) - (span.end - max(span.start, min(frozen, span.end)))
    if left_over <= 0 and span.end > frozen:
        raise invalid(f"Sorry, it is not possible to delete all non-frozen {span.word}s.")


def delete(context: Context, span: Span) -> None:
    """Takes rows or columns out, with everything that lies on them."""
    sheet = span.sheet
    if span.by_rows:
        del sheet.writable()[span.start : span.end]
        sheet.frozen_rows -= max(0, min(span.end, sheet.frozen_rows) - span.start)
    else:
        _delete_columns(sheet, span)
    follow_edit(context.document, sheet, Edit(sheet.sheet_id, span.by_rows, Deletion(span.start, span.end)))


def _delete_columns(sheet: Sheet, span: Span) -> None:
    known: dict[Styles, Styles] = {}
    for index, row in sheet.filled_rows(sheet.box):
        if max(len(row.cells), len(row.styles)) <= span.start and not row.notes:
            continue
        own = sheet.own(index)
        del own.cells[span.start : span.end]
        own.trim()
        if own.styles:
            old = own.styles
            if old not in known:
                known[old] = styles.POOL.row([*old[: span.start], *old[span.end :]])
            own.styles = known[old]
        if own.notes:
            own.notes = {
                key - span.count if key >= span.end else key: text
                for key, text in own.notes.items()
                if not span.start <= key < span.end
            } or None
    sheet.columns = sheet.columns[: span.start] + sheet.columns[span.end :]
    sheet.column_count -= span.count
    sheet.frozen_columns -= max(0, min(span.end, sheet.frozen_columns) - span.start)


@handles("moveDimension")
def move_dimension(context: Context, body: Json) -> None:
    span = inputs.span(context.document, inputs.part(body, "source"))
    to = inputs.integer(body, "destinationIndex", 0) or 0
    if span.end > span.size or span.start == span.end:
        raise invalid(f"Cannot move {span.word}s that don't exist: there are only {span.size} {span.word}s.")
    if to < 0 or to > span.size:
        raise invalid(f"destinationIndex[{to}] must be between 0 and the grid size ({span.size}).")
    if span.start < to < span.end:
        raise invalid(f"destinationIndex[{to}] must not lie inside the moved {span.word}s.")
    context.guard(span.sheet, span.box)
    if to not in (span.start, span.end):
        _move(context, span, to)


def _move(context: Context, span: Span, to: int) -> None:
    sheet = span.sheet
    at = to if to < span.start else to - span.count
    if span.by_rows:
        rows = sheet.writable()
        moved = rows[span.start : span.end]
        del rows[span.start : span.end]
        rows[at:at] = moved
    else:
        _move_columns(sheet, span, at)
    follow_edit(context.document, sheet, Edit(sheet.sheet_id, span.by_rows, Move(span.start, span.end, to)))


def _move_columns(sheet: Sheet, span: Span, at: int) -> None:
    order = list(range(sheet.column_count))
    moved = order[span.start : span.end]
    del order[span.start : span.end]
    order[at:at] = moved
    goes_to = {old: new for new, old in enumerate(order)}
    known: dict[Styles, Styles] = {}
    for index, row in sheet.filled_rows(sheet.box):
        if row.is_plain and not row.cells:
            continue
        own = sheet.own(index)
        own.cells = _reordered(own.cells, order)
        own.trim()
        if own.styles:
            old = own.styles
            if old not in known:
                known[old] = styles.POOL.row(_reordered(list(old), order))
            own.styles = known[old]
        if own.notes:
            own.notes = {goes_to[key]: text for key, text in own.notes.items()}
    sheet.columns = [sheet.columns[old] for old in order]


def _reordered(values: list[Any], order: list[int]) -> list[Any]:
    return [values[old] if old < len(values) else None for old in order]
