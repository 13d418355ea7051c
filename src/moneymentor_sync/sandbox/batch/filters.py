"""Filters, filter views, conditional formats and banding: kept and given back, not carried out.

A filter hides rows from people only; the API reads and writes all of them. Its sort is carried out.
"""

from __future__ import annotations

from .. import describe, masks
from ..a1 import Area
from ..colors import with_both
from ..document import Document
from ..errors import invalid
from ..grid import Conditional, Json, Ranged, Sheet
from . import inputs
from .context import Context, handles
from .ranges import sort


def _bounded(document: Document, body: Json) -> tuple[Sheet, Area]:
    """A range with its open sides closed: that is how Google keeps filters."""
    sheet, box = inputs.box(document, body)
    return sheet, Area(box.row, box.end_row, box.column, box.end_column)


def _rest(given: Json, *without: str) -> Json:
    return {name: value for name, value in given.items() if name not in without and value not in (None, {}, [])}


@handles("setBasicFilter")
def set_basic_filter(context: Context, body: Json) -> None:
    given = inputs.part(body, "filter")
    sheet, area = _bounded(context.document, given.get("range") or {})
    context.guard(sheet, area.clipped(sheet.row_count, sheet.column_count))
    sheet.extras.basic_filter = Ranged(area, _rest(given, "range"))
    if given.get("sortSpecs"):
        box = area.clipped(sheet.row_count, sheet.column_count)
        below = Area(box.row + 1, box.end_row, box.column, box.end_column)
        sort(context, sheet, below.clipped(sheet.row_count, sheet.column_count), given["sortSpecs"])


@handles("clearBasicFilter")
def clear_basic_filter(context: Context, body: Json) -> None:
    inputs.sheet_of(context.document, body).extras.basic_filter = None


def _views(document: Document) -> dict[int, Sheet]:
    return {key: sheet for sheet in document.sheets for key in sheet.extras.filter_views}


@handles("addFilterView")
def add_filter_view(context: Context, body: Json) -> Json:
    given = inputs.part(body, "filter")
    document = context.document
    sheet, area = _bounded(document, given.get("range") or {})
    taken = _views(document)
    key = inputs.integer(given, "filterViewId")
    if key is None:
        key = document.new_id(set(taken))
    elif key in taken:
        raise invalid(f"FilterView with id: {key} already exists.")
    stated = _rest(given, "range", "filterViewId")
    stated.setdefault("title", f"Filter {len(taken) + 1}")
    item = sheet.extras.filter_views[key] = Ranged(area, stated)
    return {"addFilterView": {"filter": {"filterViewId": key, **describe.ranged(sheet.sheet_id, item)}}}


def _view(context: Context, key: int | None) -> Sheet:
    sheet = _views(context.document).get(key or 0)
    if sheet is None:
        raise invalid(f"No FilterView with id: {key}")
    return sheet


@handles("updateFilterView")
def update_filter_view(context: Context, body: Json) -> None:
    given = inputs.part(body, "filter")
    mask = inputs.mask(body, root="filter")
    key = inputs.integer(given, "filterViewId") or 0
    sheet = _view(context, key)
    old = sheet.extras.filter_views[key]
    area = old.area
    if masks.wants(mask, "range") and given.get("range") is not None:
        area = _bounded(context.document, given["range"])[1]
    sheet.extras.filter_views[key] = Ranged(
        area, _rest(masks.update(old.body, _rest(given, "range", "filterViewId"), mask), "range", "filterViewId")
    )


@handles("deleteFilterView")
def delete_filter_view(context: Context, body: Json) -> None:
    key = inputs.integer(body, "filterId") or 0
    del _view(context, key).extras.filter_views[key]


@handles("duplicateFilterView")
def duplicate_filter_view(context: Context, body: Json) -> Json:
    key = inputs.integer(body, "filterId") or 0
    sheet = _view(context, key)
    old = sheet.extras.filter_views[key]
    new = context.document.new_id(set(_views(context.document)))
    item = Ranged(old.area, {**old.body, "title": f"Copy of {old.body.get('title', '')}"})
    sheet.extras.filter_views[new] = item
    return {"duplicateFilterView": {"filter": {"filterViewId": new, **describe.ranged(sheet.sheet_id, item)}}}


# --- conditional formats ----------------------------------------------------------------------------------


def _rule(context: Context, given: Json) -> tuple[Sheet, Conditional]:
    ranges = inputs.items(given, "ranges")
    if not ranges:
        raise invalid("ConditionalFormatRule.ranges must not be empty.")
    found = [inputs.area(context.document, item) for item in ranges]
    if any(sheet is not found[0][0] for sheet, _ in found):
        raise invalid("All ranges of a conditional format rule must be on the same sheet.")
    if not given.get("booleanRule") and not given.get("gradientRule"):
        raise invalid("ConditionalFormatRule must have a booleanRule or a gradientRule.")
    return found[0][0], Conditional(tuple(area for _, area in found), _normal_rule(_rest(given, "ranges")))


def _normal_rule(body: Json) -> Json:
    rule = body.get("booleanRule")
    if rule and rule.get("format"):
        return body | {"booleanRule": rule | {"format": with_both(rule["format"])}}
    return body


def _described(sheet: Sheet, rule: Conditional) -> Json:
    return {"ranges": [describe.area_json(sheet.sheet_id, area) for area in rule.areas], **rule.body}


@handles("addConditionalFormatRule")
def add_conditional_format_rule(context: Context, body: Json) -> None:
    sheet, rule = _rule(context, inputs.part(body, "rule"))
    sheet.extras.conditional.insert(_index(body, len(sheet.extras.conditional), grows=True), rule)


def _index(body: Json, count: int, *, grows: bool = False, name: str = "index") -> int:
    index = inputs.integer(body, name, 0) or 0
    if index < 0 or index > count or (index == count and not grows):
        raise invalid(f"No conditional format rule at index {index}: there are {count}.")
    return index


@handles("updateConditionalFormatRule")
def update_conditional_format_rule(context: Context, body: Json) -> Json:
    if body.get("rule") is not None:
        sheet, rule = _rule(context, body["rule"])
        rules = sheet.extras.conditional
        index = _index(body, len(rules))
        old, rules[index] = rules[index], rule
        reply: Json = {"newRule": _described(sheet, rule), "newIndex": index}
        reply |= {"oldRule": _described(sheet, old)}
    else:
        sheet = inputs.sheet_of(context.document, body)
        rules = sheet.extras.conditional
        index, new = _index(body, len(rules)), _index(body, len(rules), name="newIndex")
        rule = rules.pop(index)
        rules.insert(new, rule)
        reply = {"newRule": _described(sheet, rule), "newIndex": new, "oldIndex": index}
    return {"updateConditionalFormatRule": reply}


@handles("deleteConditionalFormatRule")
def delete_conditional_format_rule(context: Context, body: Json) -> Json:
    sheet = inputs.sheet_of(context.document, body)
    rule = sheet.extras.conditional.pop(_index(body, len(sheet.extras.conditional)))
    return {"deleteConditionalFormatRule": {"rule": _described(sheet, rule)}}


# --- banding ----------------------------------------------------------------------------------------------


def _bandings(document: Document) -> dict[int, Sheet]:
    return {key: sheet for sheet in document.sheets for key in sheet.extras.banded}


@handles("addBanding")
def add_banding(context: Context, body: Json) -> Json:
    given = inputs.part(body, "bandedRange")
    sheet, area = _bounded(context.document, inputs.part(given, "range"))
    box = area.clipped(sheet.row_count, sheet.column_count)
    for item in sheet.extras.banded.values():
        if item.area.clipped(sheet.row_count, sheet.column_count).meets(box):
            raise invalid(
                "You cannot add alternating background colors to a range that already has alternating "
                "background colors."
            )
    taken = _bandings(context.document)
    key = inputs.integer(given, "bandedRangeId")
    if key is None:
        key = context.document.new_id(set(taken))
    elif key in taken:
        raise invalid(f"BandedRange with id: {key} already exists.")
    item = sheet.extras.banded[key] = Ranged(area, _banding(given))
    return {"addBanding": {"bandedRange": {"bandedRangeId": key, **describe.ranged(sheet.sheet_id, item)}}}


def _banding(given: Json) -> Json:
    return with_both(_rest(given, "range", "bandedRangeId"))


def _banded(context: Context, key: int | None) -> Sheet:
    sheet = _bandings(context.document).get(key or 0)
    if sheet is None:
        raise invalid(f"No BandedRange with id: {key}")
    return sheet


@handles("updateBanding")
def update_banding(context: Context, body: Json) -> None:
    given = inputs.part(body, "bandedRange")
    mask = inputs.mask(body, root="bandedRange")
    key = inputs.integer(given, "bandedRangeId") or 0
    sheet = _banded(context, key)
    old = sheet.extras.banded[key]
    area = old.area
    if masks.wants(mask, "range") and given.get("range") is not None:
        area = _bounded(context.document, given["range"])[1]
    sheet.extras.banded[key] = Ranged(area, _rest(masks.update(old.body, _banding(given), mask), "range"))


@handles("deleteBanding")
def delete_banding(context: Context, body: Json) -> None:
    key = inputs.integer(body, "bandedRangeId") or 0
    del _banded(context, key).extras.banded[key]
