"""A library as bytes and back: what a clean stop writes and a start reads."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import msgspec

from .a1 import Area, Box
from .cells import CellError, Formula, Value
from .document import Document, Metadata, NamedRange, Permission
from .grid import Chart, Conditional, Extras, Group, Json, Ranged, Row, Sheet, Styles
from .library import Library
from .styles import POOL, make_style

_SHEET_FIELDS = (
    "sheet_id",
    "title",
    "column_count",
    "columns",
    "hidden",
    "right_to_left",
    "tab_color",
    "frozen_rows",
    "frozen_columns",
    "hide_gridlines",
    "row_group_control_after",
    "column_group_control_after",
    "has_formulas",
)
_DOCUMENT_FIELDS = (
    "document_id",
    "title",
    "created",
    "modified",
    "locale",
    "time_zone",
    "auto_recalc",
    "settings",
    "version",
    "ids_given",
    "folder",
    "description",
)
_PLAIN = {str, int, float, bool, type(None)}


def dump(library: Library, sequence: int) -> bytes:
    """Everything, with the number of the last journal record that is in it."""
    state = {
        "sequence": sequence,
        "created": library.created,
        "documents": [_document(item) for item in library.documents.values()],
    }
    return msgspec.msgpack.encode(state)


def load(data: bytes, library: Library) -> int:
    """Fills an empty library; gives the number of the last record that is in it."""
    state = msgspec.msgpack.decode(data)
    library.created = state["created"]
    for item in state["documents"]:
        document = _read_document(item)
        library.documents[document.document_id] = document
    return int(state["sequence"])


def _document(document: Document) -> Json:
    return {name: getattr(document, name) for name in _DOCUMENT_FIELDS} | {
        "permissions": [asdict(item) for item in document.permissions],
        "named": [asdict(item) for item in document.named.values()],
        "metadata": [asdict(item) for item in document.metadata.values()],
        "sheets": [_sheet(item) for item in document.sheets],
    }


def _read_document(item: Json) -> Document:
    document = Document(
        **{name: item[name] for name in _DOCUMENT_FIELDS},
        permissions=tuple(Permission(**one) for one in item["permissions"]),
        sheets=[_read_sheet(one) for one in item["sheets"]],
    )
    for one in item["named"]:
        area = Area(**one.pop("area")) if one["area"] is not None else one.pop("area")
        document.named[one["range_id"]] = NamedRange(**one, area=area)
    document.metadata = {one["metadata_id"]: Metadata(**one) for one in item["metadata"]}
    return document


def _sheet(sheet: Sheet) -> Json:
    styles: dict[Styles, int] = {}
    rows = [None if row is None else _row(row, styles) for row in sheet.rows]
    table = [
        [None if style is None else [style.format, style.validation, style.extra] for style in key]
        for key in styles
    ]
    return {name: getattr(sheet, name) for name in _SHEET_FIELDS} | {
        "rows": rows,
        "styles": table,
        "extras": _extras(sheet.extras),
    }


def _row(row: Row, styles: dict[Styles, int]) -> list[Any]:
    kinds = {*map(type, row.cells)}
    cells = row.cells if kinds <= _PLAIN else [_cell(value) for value in row.cells]
    if row.is_plain:
        return [cells]
    style = styles.setdefault(row.styles, len(styles)) if row.styles else None
    return [cells, style, row.notes, row.props]


def _cell(value: Value) -> Any:
    if isinstance(value, Formula):
        return {"f": value.text}
    return {"e": [value.sign, value.message]} if isinstance(value, CellError) else value


def _read_sheet(item: Json) -> Sheet:
    table = [POOL.row([None if one is None else make_style(*one) for one in styles]) for styles in item["styles"]]
    stamp = object()
    rows = [None if row is None else _read_row(row, table, stamp) for row in item["rows"]]
    sheet = Sheet(**{name: item[name] for name in _SHEET_FIELDS}, rows=rows)
    sheet.extras = _read_extras(item["extras"])
    return sheet


def _read_row(item: list[Any], table: list[Styles], stamp: object) -> Row:
    cells = item[0]
    if dict in map(type, cells):
        cells = [_read_cell(value) if type(value) is dict else value for value in cells]
    if len(item) == 1:
        return Row(cells, stamp=stamp)
    _, style, notes, props = item
    return Row(cells, () if style is None else table[style], notes, props, stamp)


def _read_cell(value: Json) -> Value:
    return Formula(value["f"]) if "f" in value else CellError(*value["e"])


def _extras(extras: Extras) -> Json:
    return {
        "merges": [asdict(box) for box in extras.merges],
        "basic_filter": asdict(extras.basic_filter) if extras.basic_filter else None,
        "filter_views": {key: asdict(item) for key, item in extras.filter_views.items()},
        "protected": {key: asdict(item) for key, item in extras.protected.items()},
        "banded": {key: asdict(item) for key, item in extras.banded.items()},
        "charts": {key: asdict(item) for key, item in extras.charts.items()},
        "conditional": [asdict(item) for item in extras.conditional],
        "row_groups": [asdict(item) for item in extras.row_groups],
        "column_groups": [asdict(item) for item in extras.column_groups],
    }


def _read_extras(item: Json) -> Extras:
    return Extras(
        merges=[Box(**one) for one in item["merges"]],
        basic_filter=_ranged(item["basic_filter"]) if item["basic_filter"] else None,
        filter_views={key: _ranged(one) for key, one in item["filter_views"].items()},
        protected={key: _ranged(one) for key, one in item["protected"].items()},
        banded={key: _ranged(one) for key, one in item["banded"].items()},
        charts={key: Chart(**one) for key, one in item.get("charts", {}).items()},  # older ones have none
        conditional=[
            Conditional(tuple(Area(**area) for area in one["areas"]), one["body"]) for one in item["conditional"]
        ],
        row_groups=[Group(**one) for one in item["row_groups"]],
        column_groups=[Group(**one) for one in item["column_groups"]],
    )


def _ranged(item: Json) -> Ranged:
    return Ranged(Area(**item["area"]), item["body"])
