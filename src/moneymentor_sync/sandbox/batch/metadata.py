"""Developer metadata, and the data filters that find it (and ranges)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .. import describe, masks
from ..a1 import Area
from ..document import Document, Located, Metadata
from ..errors import invalid
from ..grid import Json
from . import inputs
from .context import Context, handles

STORAGE_LIMIT = 30_000
_TOO_MUCH = "Adding the requested developer metadata would exceed the allowed storage limit"


@handles("createDeveloperMetadata")
def create_developer_metadata(context: Context, body: Json) -> Json:
    given = inputs.part(body, "developerMetadata")
    document = context.document
    key = given.get("metadataKey")
    if not key:
        raise invalid("developerMetadata.metadataKey must be specified.")
    if given.get("visibility") not in ("DOCUMENT", "PROJECT"):
        raise invalid("developerMetadata.visibility must be specified.")
    metadata_id = inputs.integer(given, "metadataId")
    if metadata_id is None:
        metadata_id = document.new_id(set(document.metadata))
    elif metadata_id in document.metadata:
        raise invalid(
            f"Cannot add developer metadata with ID [{metadata_id}] because developer metadata with that ID "
            "already exists."
        )
    place = _place(document, given.get("location"))
    item = Metadata(metadata_id, str(key), str(given.get("metadataValue") or ""), given["visibility"], *place)
    document.metadata[metadata_id] = item
    _check_storage(document, item)
    return {"createDeveloperMetadata": {"developerMetadata": describe.metadata(item)}}


def _place(document: Document, location: Json | None) -> tuple[int | None, str | None, int | None]:
    """Tab, dimension and index of a DeveloperMetadataLocation."""
    if not location:
        raise invalid("developerMetadata.location must be specified.")
    if location.get("dimensionRange") is not None:
        span = inputs.span(document, location["dimensionRange"])
        if span.count != 1 or span.end > span.size:
            raise invalid("Developer metadata can only be associated with a single row or column.")
        return span.sheet.sheet_id, "ROWS" if span.by_rows else "COLUMNS", span.start
    if location.get("sheetId") is not None:
        return inputs.sheet_of(document, location).sheet_id, None, None
    if location.get("spreadsheet"):
        return None, None, None
    raise invalid("developerMetadata.location must be specified.")


def _check_storage(document: Document, item: Metadata) -> None:
    used = sum(
        len(other.key) + len(other.value) for other in document.metadata.values() if other.sheet_id == item.sheet_id
    )
    if used > STORAGE_LIMIT:
        raise invalid(_TOO_MUCH)


@handles("updateDeveloperMetadata")
def update_developer_metadata(context: Context, body: Json) -> Json:
    given = body.get("developerMetadata") or {}
    mask = inputs.mask(body, root="developerMetadata")
    found = _by_filters(context, body)
    for item in found:
        if masks.wants(mask, "metadataKey") and given.get("metadataKey"):
            item = replace(item, key=str(given["metadataKey"]))
        if masks.wants(mask, "metadataValue"):
            item = replace(item, value=str(given.get("metadataValue") or ""))
        if masks.wants(mask, "visibility") and given.get("visibility"):
            item = replace(item, visibility=str(given["visibility"]))
        if masks.wants(mask, "location") and given.get("location"):
            sheet_id, dimension, index = _place(context.document, given["location"])
            item = replace(item, sheet_id=sheet_id, dimension=dimension, index=index)
        context.document.metadata[item.metadata_id] = item
        _check_storage(context.document, item)
    changed = [describe.metadata(context.document.metadata[item.metadata_id]) for item in found]
    return {"updateDeveloperMetadata": {"developerMetadata": changed} if changed else {}}


def _by_filters(context: Context, body: Json) -> list[Metadata]:
    found: dict[int, Metadata] = {}
    for one in inputs.items(body, "dataFilters"):
        found |= {item.metadata_id: item for item in matching(context.document, one)}
    return list(found.values())


@handles("deleteDeveloperMetadata")
def delete_developer_metadata(context: Context, body: Json) -> Json:
    found = matching(context.document, inputs.part(body, "dataFilter"))
    for item in found:
        del context.document.metadata[item.metadata_id]
    gone = [describe.metadata(item) for item in found]
    return {"deleteDeveloperMetadata": {"deletedDeveloperMetadata": gone} if gone else {}}


def matching(document: Document, data_filter: Json) -> list[Metadata]:
    """The metadata that a data filter finds: by its own properties, or by lying inside a range."""
    lookup = data_filter.get("developerMetadataLookup")
    if lookup is not None:
        return [item for item in document.metadata.values() if _fits(document, item, lookup)]
    located = located_by(document, data_filter)
    return [item for item in document.metadata.values() if any(_inside(item, place) for place in located)]


def _inside(item: Metadata, place: Located) -> bool:
    if item.sheet_id != place.sheet.sheet_id or item.index is None:
        return False
    box = place.box
    if item.dimension == "ROWS":
        return box.row <= item.index < box.end_row
    return box.column <= item.index < box.end_column


def _fits(document: Document, item: Metadata, lookup: Json) -> bool:
    wanted: list[tuple[str, Any]] = [
        ("metadataId", item.metadata_id),
        ("metadataKey", item.key),
        ("metadataValue", item.value),
        ("visibility", item.visibility),
    ]
    for name, value in wanted:
        if lookup.get(name) is not None and str(lookup[name]) != str(value):
            return False
    kind = lookup.get("locationType")
    if kind and describe.metadata(item)["location"]["locationType"] != kind:
        return False
    return lookup.get("metadataLocation") is None or _at(document, item, lookup)


def _at(document: Document, item: Metadata, lookup: Json) -> bool:
    """Whether it stands at the location of a lookup, or (the default) anywhere inside of it."""
    sheet_id, dimension, index = _place(document, lookup["metadataLocation"])
    if (item.sheet_id, item.dimension, item.index) == (sheet_id, dimension, index):
        return True
    if lookup.get("locationMatchingStrategy") == "EXACT_LOCATION":
        return False
    if sheet_id is None:
        return True
    return dimension is None and item.sheet_id == sheet_id


def located_by(document: Document, data_filter: Json) -> list[Located]:
    """The ranges that a data filter means."""
    if data_filter.get("a1Range") is not None:
        return [document.locate_in_grid(str(data_filter["a1Range"]))]
    if data_filter.get("gridRange") is not None:
        sheet, area = inputs.area(document, data_filter["gridRange"])
        return [Located(sheet, area)]
    if data_filter.get("developerMetadataLookup") is None:
        raise invalid("DataFilter must have one of a1Range, gridRange or developerMetadataLookup.")
    return [_located(document, item) for item in matching(document, data_filter) if item.sheet_id is not None]


def _located(document: Document, item: Metadata) -> Located:
    sheet = document.sheet(item.sheet_id or 0)
    if item.dimension is None or item.index is None:
        return Located(sheet, Area())
    if item.dimension == "ROWS":
        return Located(sheet, Area(row=item.index, end_row=item.index + 1))
    return Located(sheet, Area(column=item.index, end_column=item.index + 1))
