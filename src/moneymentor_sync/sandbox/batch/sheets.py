"""Requests on tabs and on the spreadsheet itself."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from .. import charts, colors, describe, masks
from ..document import Document
from ..errors import invalid
from ..formula import follow
from ..grid import Chart, Json, Sheet
from ..masks import Mask
from . import inputs
from .context import Context, handles
from .dimensions import check_deletion, delete
from .following import rewrite_charts, rewrite_formulas
from .inputs import Span

MAX_TITLE = 100
HIDE_ALL = "You can't hide all the sheets in a document."
_GRID_FIELDS = {
    "frozenRowCount": "frozen_rows",
    "frozenColumnCount": "frozen_columns",
    "hideGridlines": "hide_gridlines",
    "rowGroupControlAfter": "row_group_control_after",
    "columnGroupControlAfter": "column_group_control_after",
}
_SHEET_FIELDS = frozenset(
    ("title", "index", "gridProperties", "hidden", "tabColor", "tabColorStyle", "rightToLeft", "sheetId")
) | {"sheetType"}


@handles("addSheet")
def add_sheet(context: Context, body: Json) -> Json:
    given = body.get("properties") or {}
    document = context.document
    sheet_id = inputs.integer(given, "sheetId")
    if sheet_id is None:
        sheet_id = document.new_id({item.sheet_id for item in document.sheets})
    elif any(item.sheet_id == sheet_id for item in document.sheets):
        raise invalid(f"Sheet with id {sheet_id} already exists.")
    elif sheet_id < 0:
        raise invalid(f"sheetId[{sheet_id}] must be >= 0.")
    title = given.get("title") or _free_title(context, "Sheet", start=len(document.sheets) + 1)
    _check_title(context, title, None)
    if given.get("sheetType", "GRID") not in ("GRID", "SHEET_TYPE_UNSPECIFIED"):
        raise invalid(f"Invalid sheetType: {given['sheetType']}")
    grid = given.get("gridProperties") or {}
    rows, columns = inputs.integer(grid, "rowCount", 1000) or 1000, inputs.integer(grid, "columnCount", 26) or 26
    context.room_for(rows * columns)
    sheet = Sheet.blank(sheet_id, str(title), rows, columns)
    sheet.stamp = document.sheets[0].stamp
    _set_grid(context, sheet, grid, {name: {} for name in grid if name not in ("rowCount", "columnCount")})
    sheet.hidden = bool(given.get("hidden"))
    sheet.right_to_left = bool(given.get("rightToLeft"))
    sheet.tab_color = _color(given)
    index = inputs.integer(given, "index")
    document.sheets.insert(len(document.sheets) if index is None else min(index, len(document.sheets)), sheet)
    return {"addSheet": {"properties": _described(context, sheet)}}


def _described(context: Context, sheet: Sheet) -> Json:
    return describe.sheet_properties(sheet, context.document.sheets.index(sheet))


def _color(given: Json) -> Json | None:
    if given.get("tabColorStyle") is not None:
        return colors.style(given["tabColorStyle"])
    return None if given.get("tabColor") is None else colors.style({"rgbColor": given["tabColor"]})


def _free_title(context: Context, stem: str, *, start: int) -> str:
    number = start
    while context.document.titled(f"{stem}{number}") is not None:
        number += 1
    return f"{stem}{number}"


def _check_title(context: Context, title: Any, own: Sheet | None) -> None:
    if not isinstance(title, str) or not title:
        raise invalid("The sheet name cannot be empty.")
    if len(title) > MAX_TITLE:
        raise invalid(f"The sheet name cannot be greater than {MAX_TITLE} characters.")
    found = context.document.titled(title)
    if found is not None and found is not own:
        raise invalid(f'A sheet with the name "{title}" already exists. Please enter another name.')


@handles("deleteSheet")
def delete_sheet(context: Context, body: Json) -> None:
    document = context.document
    sheet = inputs.sheet_of(document, body)
    if len(document.sheets) == 1:
        raise invalid("You can't remove all the sheets in a document.")
    if not any(not item.hidden for item in document.sheets if item is not sheet):
        raise invalid("You can't remove all the visible sheets in a document.")
    context.guard(sheet, sheet.box)
    document.sheets.remove(sheet)
    for key, item in document.named.items():
        if item.sheet_id == sheet.sheet_id:
            document.named[key] = replace(item, area=None)
    document.metadata = {key: item for key, item in document.metadata.items() if item.sheet_id != sheet.sheet_id}
    rewrite_charts(document, lambda place: None if place[0] == sheet.sheet_id else place)
    rewrite_formulas(document, lambda formula, _: follow.orphaned(formula, sheet.title))


@handles("duplicateSheet")
def duplicate_sheet(context: Context, body: Json) -> Json:
    document = context.document
    source = inputs.sheet_of(document, body, "sourceSheetId")
    sheet_id = inputs.integer(body, "newSheetId")
    if sheet_id is None:
        sheet_id = document.new_id({item.sheet_id for item in document.sheets})
    elif any(item.sheet_id == sheet_id for item in document.sheets):
        raise invalid(f"Sheet with id {sheet_id} already exists.")
    title = body.get("newSheetName")
    if not title:
        title = _copy_title(context, source.title)
    _check_title(context, title, None)
    context.room_for(source.cell_count)
    twin = copied(source, sheet_id, title, context)
    index = inputs.integer(body, "insertSheetIndex", 0) or 0
    document.sheets.insert(min(index, len(document.sheets)), twin)
    return {"duplicateSheet": {"properties": _described(context, twin)}}


def _copy_title(context: Context, title: str) -> str:
    """`Copy of T`, `Copy of T 2` …"""
    stem = f"Copy of {title}"
    return stem if context.document.titled(stem) is None else _free_title(context, f"{stem} ", start=2)


def copied(source: Sheet, sheet_id: int, title: str, context: Context) -> Sheet:
    """A tab's copy under a new id: values, formats, what lies over them; no developer metadata."""
    twin = copy.copy(source)
    twin.sheet_id, twin.title = sheet_id, title
    twin.stamp = context.document.sheets[0].stamp if context.document.sheets else object()
    twin.rows = [None if row is None else row.copied(twin.stamp) for row in source.rows]
    twin.owns_rows = True
    twin.columns = list(source.columns)
    twin.extras = source.extras.copied()
    twin.hidden = False
    taken: set[int] = set()
    for name in ("filter_views", "protected", "banded"):
        old = getattr(source.extras, name)
        fresh = {}
        for item in old.values():
            key = context.document.new_id(taken)
            taken.add(key)
            fresh[key] = item
        setattr(twin.extras, name, fresh)
    charted = {key for tab in context.document.sheets for key in tab.extras.charts}
    twin.extras.charts = {
        context.document.new_id(charted): replace(chart, spec=_of_the_copy(context.document, source, twin, chart))
        for chart in source.extras.charts.values()
    }
    return twin


def _of_the_copy(document: Document, source: Sheet, twin: Sheet, chart: Chart) -> Json:
    """What a chart drew from its own tab, its copy draws from the copy; other tabs stay behind in their file."""

    def place_there(place: charts.Place) -> charts.Place | None:
        if place[0] == source.sheet_id:
            return twin.sheet_id, place[1]
        return place if source in document.sheets else None

    return charts.resourced(chart.spec, place_there)


# --- properties -------------------------------------------------------------------------------------------


@handles("updateSheetProperties")
def update_sheet_properties(context: Context, body: Json) -> None:
    given = inputs.part(body, "properties")
    mask = inputs.mask(body, root="properties")
    sheet = inputs.sheet_of(context.document, given)
    context.guard_tab(sheet)
    for name in mask:
        if name not in _SHEET_FIELDS:
            raise masks.bad_mask(name)
    if masks.wants(mask, "title"):
        _rename(context, sheet, given.get("title"))
    if masks.wants(mask, "gridProperties"):
        _set_grid(context, sheet, given.get("gridProperties") or {}, masks.below(mask, "gridProperties"))
    if masks.wants(mask, "hidden"):
        _hide(context, sheet, bool(given.get("hidden")))
    if masks.wants(mask, "tabColor") or masks.wants(mask, "tabColorStyle"):
        sheet.tab_color = _color(given)
    if masks.wants(mask, "rightToLeft"):
        sheet.right_to_left = bool(given.get("rightToLeft"))
    if "index" in mask or (not mask and given.get("index") is not None):
        _reorder(context, sheet, inputs.integer(given, "index", 0) or 0)


def _rename(context: Context, sheet: Sheet, title: Any) -> None:
    _check_title(context, title, sheet)
    old, sheet.title = sheet.title, str(title)
    if old != sheet.title:
        rewrite_formulas(context.document, lambda formula, _: follow.renamed(formula, old, sheet.title))


def _hide(context: Context, sheet: Sheet, hidden: bool) -> None:
    if hidden and not any(not item.hidden for item in context.document.sheets if item is not sheet):
        raise invalid(HIDE_ALL)
    sheet.hidden = hidden


def _reorder(context: Context, sheet: Sheet, index: int) -> None:
    """Puts the tab before the one that is at `index` now, as Google does: moving right needs one more."""
    sheets = context.document.sheets
    if index < 0 or index > len(sheets):
        raise invalid(f"Invalid index: {index}. The index must be between 0 and {len(sheets)}.")
    now = sheets.index(sheet)
    sheets.remove(sheet)
    sheets.insert(index if index <= now else index - 1, sheet)


def _set_grid(context: Context, sheet: Sheet, given: Json, mask: Mask) -> None:
    """Rows first, then columns, then what is frozen, in Google's order."""
    if "rowCount" in mask or (not mask and "rowCount" in given):
        _resize(context, sheet, True, _count(given, "rowCount"))
    if "columnCount" in mask or (not mask and "columnCount" in given):
        _resize(context, sheet, False, _count(given, "columnCount"))
    for name, attribute in _GRID_FIELDS.items():
        if name in mask or (not mask and name in given):
            value = given.get(name)
            setattr(sheet, attribute, int(value or 0) if name.startswith("frozen") else bool(value))
    _check_frozen(sheet)


def _count(given: Json, name: str) -> int:
    value = inputs.integer(given, name)
    if value is None or value < 1:
        raise invalid(f"{name} must be > 0.")
    return value


def _resize(context: Context, sheet: Sheet, by_rows: bool, count: int) -> None:
    size = sheet.row_count if by_rows else sheet.column_count
    if count > size:
        rows, columns = (count, sheet.column_count) if by_rows else (sheet.row_count, count)
        context.grow(sheet, rows, columns)
    elif count < size:
        span = Span(sheet, by_rows, count, size)
        check_deletion(span)
        context.guard(sheet, span.box)
        delete(context, span)


def _check_frozen(sheet: Sheet) -> None:
    if sheet.frozen_rows >= sheet.row_count and sheet.frozen_rows:
        raise invalid("You can't freeze all visible rows on the sheet.")
    if sheet.frozen_columns >= sheet.column_count and sheet.frozen_columns:
        raise invalid("You can't freeze all visible columns on the sheet.")


_DOCUMENT_FIELDS = frozenset(
    ("title", "locale", "timeZone", "autoRecalc", "iterativeCalculationSettings", "defaultFormat")
) | {"spreadsheetTheme", "importFunctionsExternalUrlAccessAllowed"}
_AUTO_RECALC = ("ON_CHANGE", "MINUTE", "HOUR")


@handles("updateSpreadsheetProperties")
def update_spreadsheet_properties(context: Context, body: Json) -> None:
    given = inputs.part(body, "properties")
    mask = inputs.mask(body, root="properties")
    document = context.document
    for name in mask:
        if name not in _DOCUMENT_FIELDS:
            raise masks.bad_mask(name)
    if masks.wants(mask, "title"):
        if not given.get("title"):
            raise invalid("The spreadsheet title cannot be empty.")
        document.title = str(given["title"])
    if masks.wants(mask, "locale") and given.get("locale"):
        document.locale = str(given["locale"])
    if masks.wants(mask, "timeZone") and given.get("timeZone"):
        document.time_zone = str(given["timeZone"])
    if masks.wants(mask, "autoRecalc") and given.get("autoRecalc"):
        if given["autoRecalc"] not in _AUTO_RECALC:
            raise invalid(f"Invalid autoRecalc: {given['autoRecalc']}")
        document.auto_recalc = str(given["autoRecalc"])
    for name in ("iterativeCalculationSettings", "spreadsheetTheme", "importFunctionsExternalUrlAccessAllowed"):
        if name in mask and name in given:
            document.settings = document.settings | {name: given[name]}
