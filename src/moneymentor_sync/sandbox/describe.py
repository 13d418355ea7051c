"""A spreadsheet as Google's `Spreadsheet` JSON, under a field mask."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import charts, masks
from .a1 import Area, Box
from .cellwriter import CellWriter
from .document import Document, Located, Metadata, NamedRange
from .grid import DEFAULT_COLUMN_PIXELS, DEFAULT_ROW_PIXELS, Group, Json, Ranged, Sheet
from .masks import Mask
from .styles import DEFAULT_FORMAT

_RGB = "rgbColor"


def _theme_color(kind: str, red: float = 0, green: float = 0, blue: float = 0) -> Json:
    parts = {"red": red, "green": green, "blue": blue}
    return {"colorType": kind, "color": {_RGB: {name: value for name, value in parts.items() if value}}}


THEME: Json = {
    "primaryFontFamily": "Arial",
    "themeColors": [
        _theme_color("TEXT"),
        _theme_color("BACKGROUND", 1, 1, 1),
        _theme_color("ACCENT1", 0.25882354, 0.52156866, 0.95686275),
        _theme_color("ACCENT2", 0.91764706, 0.2627451, 0.20784314),
        _theme_color("ACCENT3", 0.9843137, 0.7372549, 0.015686275),
        _theme_color("ACCENT4", 0.20392157, 0.65882355, 0.3254902),
        _theme_color("ACCENT5", 1, 0.42745098, 0.003921569),
        _theme_color("ACCENT6", 0.27450982, 0.7411765, 0.7764706),
        _theme_color("LINK", 0.06666667, 0.33333334, 0.8),
    ],
}


def spreadsheet(
    document: Document,
    mask: Mask,
    caller: str,
    *,
    ranges: Sequence[Located] = (),
    grid_data: bool = False,
) -> Json:
    """The answer of `spreadsheets.get`. With ranges only their tabs; with a mask it decides on grid data."""
    with_data = masks.wants(mask, "sheets", "data") if mask else grid_data
    found: Json = {"spreadsheetId": document.document_id, "properties": properties(document)}
    if masks.wants(mask, "sheets"):
        under = masks.below(mask, "sheets")
        wanted = _tabs(document, ranges)
        found["sheets"] = [
            masks.select(_sheet(document, tab, index, areas, under, caller, with_data), under)
            for index, tab, areas in wanted
        ]
    if document.named:
        listed = [named_range(item) for item in document.named.values() if item.area is not None]
        if listed:
            found["namedRanges"] = listed
    found["spreadsheetUrl"] = f"https://docs.google.com/spreadsheets/d/{document.document_id}/edit"
    of_all = [metadata(item) for item in document.metadata.values() if item.sheet_id is None]
    if of_all:
        found["developerMetadata"] = of_all
    without = masks.select(found, mask)
    return {key: value for key, value in without.items() if value is not None}


def _tabs(document: Document, ranges: Sequence[Located]) -> list[tuple[int, Sheet, list[Area]]]:
    tabs: list[tuple[int, Sheet, list[Area]]] = []
    for index, sheet in enumerate(document.sheets):
        areas = [item.area for item in ranges if item.sheet.sheet_id == sheet.sheet_id]
        if areas or not ranges:
            tabs.append((index, sheet, areas or [Area()]))
    return tabs


def properties(document: Document) -> Json:
    return {
        "title": document.title,
        "locale": document.locale,
        "autoRecalc": document.auto_recalc,
        "timeZone": document.time_zone,
        "defaultFormat": DEFAULT_FORMAT,
        "spreadsheetTheme": THEME,
        **document.settings,
    }


def _sheet(
    document: Document,
    sheet: Sheet,
    index: int,
    areas: list[Area],
    mask: Mask,
    caller: str,
    with_data: bool,
) -> Json:
    found: Json = {"properties": sheet_properties(sheet, index)}
    if with_data:
        boxes = [area.clipped(sheet.row_count, sheet.column_count) for area in areas]
        found["data"] = [grid_data(document, sheet, box, masks.below(mask, "data")) for box in boxes]
    found |= _attached(document, sheet, caller)
    return found


def _attached(document: Document, sheet: Sheet, caller: str) -> Json:
    """What lies over the cells; keys are there only where there is something."""
    extras, sheet_id = sheet.extras, sheet.sheet_id
    parts: Json = {
        "merges": [box_json(sheet_id, box) for box in extras.merges],
        "conditionalFormats": [
            {"ranges": [area_json(sheet_id, area) for area in rule.areas], **rule.body}
            for rule in extras.conditional
        ],
        "filterViews": [
            {"filterViewId": key, **ranged(sheet_id, item)} for key, item in extras.filter_views.items()
        ],
        "protectedRanges": [
            protected_range(document, sheet_id, key, item, caller) for key, item in extras.protected.items()
        ],
        "basicFilter": ranged(sheet_id, extras.basic_filter) if extras.basic_filter else None,
        "charts": [charts.described(sheet, key, item) for key, item in extras.charts.items()],
        "bandedRanges": [{"bandedRangeId": key, **ranged(sheet_id, item)} for key, item in extras.banded.items()],
        "developerMetadata": [
            metadata(item)
            for item in document.metadata.values()
            if item.sheet_id == sheet_id and item.dimension is None
        ],
        "rowGroups": [group(sheet_id, "ROWS", item) for item in extras.row_groups],
        "columnGroups": [group(sheet_id, "COLUMNS", item) for item in extras.column_groups],
    }
    return {key: value for key, value in parts.items() if value}


def sheet_properties(sheet: Sheet, index: int) -> Json:
    grid: Json = {"rowCount": sheet.row_count, "columnCount": sheet.column_count}
    optional = {
        "frozenRowCount": sheet.frozen_rows,
        "frozenColumnCount": sheet.frozen_columns,
        "hideGridlines": sheet.hide_gridlines,
        "rowGroupControlAfter": sheet.row_group_control_after,
        "columnGroupControlAfter": sheet.column_group_control_after,
    }
    grid |= {key: value for key, value in optional.items() if value}
    found: Json = {
        "sheetId": sheet.sheet_id,
        "title": sheet.title,
        "index": index,
        "sheetType": "GRID",
        "gridProperties": grid,
    }
    if sheet.hidden:
        found["hidden"] = True
    if sheet.tab_color is not None:
        found["tabColor"] = sheet.tab_color.get(_RGB, {})
        found["tabColorStyle"] = sheet.tab_color
    if sheet.right_to_left:
        found["rightToLeft"] = True
    return found


def grid_data(document: Document, sheet: Sheet, box: Box, mask: Mask) -> Json:
    """One `GridData`: rows of cells, and the properties of rows and columns."""
    found: Json = {}
    if box.row:
        found["startRow"] = box.row
    if box.column:
        found["startColumn"] = box.column
    if masks.wants(mask, "rowData"):
        writer = CellWriter(document, masks.below(mask, "rowData", "values"))
        rows = writer.rows(sheet, box)
        if rows is not None:
            found["rowData"] = rows
    if masks.wants(mask, "rowMetadata"):
        noted = _noted(document, sheet, "ROWS")
        found["rowMetadata"] = [
            _dimension(row.props if row is not None else None, DEFAULT_ROW_PIXELS, noted.get(index))
            for index, row in enumerate(sheet.rows[box.row : box.end_row], box.row)
        ]
    if masks.wants(mask, "columnMetadata"):
        noted = _noted(document, sheet, "COLUMNS")
        found["columnMetadata"] = [
            _dimension(props, DEFAULT_COLUMN_PIXELS, noted.get(index))
            for index, props in enumerate(sheet.columns[box.column : box.end_column], box.column)
        ]
    return found


def _noted(document: Document, sheet: Sheet, dimension: str) -> dict[int, list[Json]]:
    """The developer metadata of a tab's rows or columns, by index."""
    found: dict[int, list[Json]] = {}
    for item in document.metadata.values():
        if (item.sheet_id, item.dimension) == (sheet.sheet_id, dimension) and item.index is not None:
            found.setdefault(item.index, []).append(metadata(item))
    return found


def _dimension(props: Json | None, pixels: int, noted: list[Json] | None) -> Json:
    found: Json = {"pixelSize": pixels, **(props or {})}
    return found | ({"developerMetadata": noted} if noted else {})


# --- parts ------------------------------------------------------------------------------------------------


def area_json(sheet_id: int, area: Area) -> Json:
    """A GridRange; as Google does, tab 0 is left out."""
    parts = {
        "sheetId": sheet_id or None,
        "startRowIndex": area.row,
        "endRowIndex": area.end_row,
        "startColumnIndex": area.column,
        "endColumnIndex": area.end_column,
    }
    return {key: value for key, value in parts.items() if value is not None}


def box_json(sheet_id: int, box: Box) -> Json:
    return area_json(sheet_id, Area(box.row, box.end_row, box.column, box.end_column))


def ranged(sheet_id: int, item: Ranged) -> Json:
    return {"range": area_json(sheet_id, item.area), **item.body}


def group(sheet_id: int, dimension: str, item: Group) -> Json:
    span: Json = {"sheetId": sheet_id} if sheet_id else {}
    span |= {"dimension": dimension, "startIndex": item.start, "endIndex": item.end}
    found: Json = {"range": span, "depth": item.depth}
    return found | ({"collapsed": True} if item.collapsed else {})


def named_range(item: NamedRange) -> Json:
    found: Json = {"namedRangeId": item.range_id, "name": item.name}
    if item.area is not None:
        found["range"] = area_json(item.sheet_id, item.area)
    return found


def protected_range(document: Document, sheet_id: int, key: int, item: Ranged, caller: str) -> Json:
    """A ProtectedRange as that caller sees it: who may not edit it does not see who may."""
    body = dict(item.body)
    editors = body.pop("editors", {})
    found: Json = {"protectedRangeId": key}
    named = body.pop("namedRangeId", None)
    found["range"] = area_json(sheet_id, item.area)
    if named is not None:
        found["namedRangeId"] = named
    found |= body
    if may_edit(document, item, caller):
        found["requestingUserCanEdit"] = True
        found["editors"] = editors
    return found


def may_edit(document: Document, item: Ranged, caller: str) -> bool:
    """True where a protection does not bind that caller."""
    if item.body.get("warningOnly") or caller == document.owner:
        return True
    return caller in item.body.get("editors", {}).get("users", [])


def metadata(item: Metadata) -> Json:
    location: dict[str, Any]
    if item.sheet_id is None:
        location = {"locationType": "SPREADSHEET", "spreadsheet": True}
    elif item.dimension is None:
        location = {"locationType": "SHEET", "sheetId": item.sheet_id}
    else:
        index = item.index or 0
        span: Json = {"sheetId": item.sheet_id} if item.sheet_id else {}
        span |= {"dimension": item.dimension, "startIndex": index, "endIndex": index + 1}
        kind = "ROW" if item.dimension == "ROWS" else "COLUMN"
        location = {"locationType": kind, "dimensionRange": span}
    found: Json = {"metadataId": item.metadata_id, "metadataKey": item.key}
    if item.value:
        found["metadataValue"] = item.value
    return found | {"location": location, "visibility": item.visibility}
