"""Sheets API v4: from a path and a method to what is done."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from . import batch, describe, masks, values
from .batch.context import Context
from .batch.metadata import located_by, matching
from .batch.sheets import copied
from .document import Document
from .errors import ApiError, bad_json, not_found
from .grid import Json, Sheet
from .library import Library
from .masks import Mask
from .messages import Request, decoded
from .schema import checked_message

PREFIX = "/v4/spreadsheets"
_PATH = re.compile(r"/v4/spreadsheets(?::(?P<top>\w+)|/(?P<id>[^/:]+)(?::(?P<verb>\w+)|/(?P<rest>.+))?)?")


@dataclass(frozen=True, slots=True)
class Call:
    """A reading call: on what, what was asked, by whom. `argument` is from the path: a range, an id."""

    document: Document
    request: Request
    argument: str
    caller: str
    mask: Mask


class SheetsApi:
    """The methods over one library."""

    def __init__(self, library: Library, max_cells: int) -> None:
        self._library, self._max_cells = library, max_cells

    def answer(self, request: Request, caller: str, now: float) -> Any:
        """The JSON of the answer; changes are committed to the library. Raises ApiError."""
        match = _PATH.fullmatch(request.path)
        if match is None:
            raise ApiError(404, f"The requested URL {request.path} was not found on this server.")
        mask = masks.parse(request.parameter("fields"))
        if match["id"] is None:
            if request.method != "POST" or match["top"]:
                raise not_found()
            return masks.select(self._create(request, caller, now, mask), mask)
        kind, argument = _method(request.method, match)
        document_id = decoded(match["id"])
        if kind in _READS:
            document = self._library.readable(document_id, caller)
            return _READS[kind](Call(document, request, argument, caller, mask))
        return masks.select(self._write(kind, document_id, request, argument, caller, now), mask)

    def _write(self, kind: str, document_id: str, request: Request, argument: str, caller: str, now: float) -> Json:
        """Carries a change out on a draft, which becomes the document when all went well."""
        draft = self._library.writable(document_id, caller).draft()
        draft.modified = max(now, draft.modified)
        context = Context(draft, caller, self._max_cells, time.gmtime(now).tm_year)
        if kind == "batchUpdate":
            reply = batch_update(context, request)
        elif kind == "copyTo":
            reply = self._copy_to(context, request, argument)
        else:
            reply = _WRITES[kind](context, request, argument)
        self._library.documents[document_id] = draft
        return reply

    def _create(self, request: Request, caller: str, now: float, mask: Mask) -> Json:
        body = checked_message(request.json(), "Spreadsheet", "spreadsheet")
        given = body.get("properties") or {}
        sheets = [_given_sheet(item, index) for index, item in enumerate(body.get("sheets") or [])]
        document = self._library.new_document(
            str(given.get("title") or "Untitled spreadsheet"), caller, now, sheets or None
        )
        document.locale = str(given.get("locale") or document.locale)
        document.time_zone = str(given.get("timeZone") or document.time_zone)
        return describe.spreadsheet(document, mask, caller)

    def _copy_to(self, context: Context, request: Request, argument: str) -> Json:
        """Copies a tab of this document into another one (or itself)."""
        source = context.document.sheet(int(argument))
        body = checked_message(request.json(), "CopySheetToAnotherSpreadsheetRequest", "request")
        goal_id = str(body.get("destinationSpreadsheetId") or "")
        own = goal_id == context.document.document_id
        goal = context.document if own else self._library.writable(goal_id, context.caller).draft()
        goal_context = Context(goal, context.caller, context.max_cells, context.year)
        goal_context.room_for(source.cell_count)
        title, number = f"Copy of {source.title}", 1
        while goal.titled(title) is not None:
            number += 1
            title = f"Copy of {source.title} {number}"
        twin = copied(source, goal.new_id({item.sheet_id for item in goal.sheets}), title, goal_context)
        goal.sheets.append(twin)
        if not own:
            goal.modified = context.document.modified
            self._library.documents[goal_id] = goal
        return describe.sheet_properties(twin, len(goal.sheets) - 1)


# --- reading ----------------------------------------------------------------------------------------------


def _get(call: Call) -> Any:
    for name in call.mask:
        if name not in _SPREADSHEET_FIELDS:
            raise masks.bad_mask(name)
    texts = [text for text in call.request.query.get("ranges", []) if text]
    ranges = [call.document.locate_in_grid(text) for text in texts]
    grid_data = call.request.flag("includeGridData")
    return describe.spreadsheet(call.document, call.mask, call.caller, ranges=ranges, grid_data=grid_data)


def _get_by_filter(call: Call) -> Any:
    body = checked_message(call.request.json(), "GetSpreadsheetByDataFilterRequest", "request")
    filters = body.get("dataFilters") or []
    ranges = [place for one in filters for place in located_by(call.document, one)]
    if filters and not ranges:
        return masks.select({**describe.spreadsheet(call.document, {}, call.caller), "sheets": []}, call.mask)
    grid_data = bool(body.get("includeGridData"))
    return describe.spreadsheet(call.document, call.mask, call.caller, ranges=ranges, grid_data=grid_data)


def _values_get(call: Call) -> Any:
    return masks.select(values.get(call.document, call.argument, call.request.options()), call.mask)


def _values_batch_get(call: Call) -> Any:
    ranges = call.request.query.get("ranges", [])
    return masks.select(values.batch_get(call.document, ranges, call.request.options()), call.mask)


def _values_by_filter(call: Call) -> Any:
    body = checked_message(call.request.json(), "BatchGetValuesByDataFilterRequest", "request")
    return masks.select(values.batch_get_by_data_filter(call.document, body), call.mask)


def _metadata_get(call: Call) -> Any:
    number = call.argument
    item = call.document.metadata.get(int(number)) if number.isdigit() else None
    if item is None:
        raise ApiError(404, f"No developer metadata with ID: {number}")
    return masks.select(describe.metadata(item), call.mask)


def _metadata_search(call: Call) -> Any:
    body = checked_message(call.request.json(), "SearchDeveloperMetadataRequest", "request")
    found = [
        {"developerMetadata": describe.metadata(item), "dataFilters": [one]}
        for one in body.get("dataFilters") or []
        for item in matching(call.document, one)
    ]
    return masks.select({"matchedDeveloperMetadata": found} if found else {}, call.mask)


# --- writing ----------------------------------------------------------------------------------------------


class BatchUpdate(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    """The body of `spreadsheets.batchUpdate`; its requests are read one by one."""

    requests: msgspec.Raw = msgspec.Raw()
    include_spreadsheet_in_response: bool | None = False
    response_ranges: list[str] | None = None
    response_include_grid_data: bool | None = False


_BATCH = msgspec.json.Decoder(BatchUpdate)


def batch_update(context: Context, request: Request) -> Json:
    """`spreadsheets.batchUpdate` on the context's draft."""
    try:
        body = _BATCH.decode(request.body or b"{}")
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise bad_json(f"Invalid JSON payload received. {error}") from error
    document = context.document
    mask = masks.parse(request.parameter("fields"))
    answer: Json = {"spreadsheetId": document.document_id, "replies": batch.run(context, body.requests)}
    if body.include_spreadsheet_in_response and masks.wants(mask, "updatedSpreadsheet"):
        answer["updatedSpreadsheet"] = describe.spreadsheet(
            document,
            masks.below(mask, "updatedSpreadsheet"),
            context.caller,
            ranges=[document.locate_in_grid(text) for text in body.response_ranges or []],
            grid_data=bool(body.response_include_grid_data),
        )
    return answer


def _given_sheet(item: Json, index: int) -> Sheet:
    properties = item.get("properties") or {}
    grid = properties.get("gridProperties") or {}
    sheet = Sheet.blank(
        int(properties.get("sheetId") or (0 if index == 0 else 1_000_000 + index)),
        str(properties.get("title") or f"Sheet{index + 1}"),
        int(grid.get("rowCount") or 1000),
        int(grid.get("columnCount") or 26),
    )
    sheet.frozen_rows = int(grid.get("frozenRowCount") or 0)
    return sheet


_SPREADSHEET_FIELDS = frozenset(
    (
        "spreadsheetId",
        "properties",
        "sheets",
        "namedRanges",
        "spreadsheetUrl",
        "developerMetadata",
        "dataSources",
        "dataSourceSchedules",
    )
)


# --- routing ----------------------------------------------------------------------------------------------


def _method(http_method: str, match: re.Match[str]) -> tuple[str, str]:
    """The name of the API method and its argument from the path. Raises 404."""
    kind, argument = _named(http_method, match)
    if kind not in _KINDS:
        raise not_found()
    return kind, argument


def _named(http_method: str, match: re.Match[str]) -> tuple[str, str]:
    if match["verb"]:
        return _need("POST", http_method, match["verb"]), ""
    rest = match["rest"]
    if rest is None:
        return _need("GET", http_method, "get"), ""
    if rest.startswith("values:"):
        verb = rest[len("values:") :]
        return _need("GET" if verb == "batchGet" else "POST", http_method, f"values.{verb}"), ""
    if rest.startswith("values/"):
        return _range_method(http_method, rest[len("values/") :])
    sheet = re.fullmatch(r"sheets/(\d+):copyTo", rest)
    if sheet:
        return _need("POST", http_method, "copyTo"), sheet[1]
    if rest == "developerMetadata:search":
        return _need("POST", http_method, "metadata.search"), ""
    if rest.startswith("developerMetadata/"):
        return _need("GET", http_method, "metadata.get"), decoded(rest.rpartition("/")[2])
    raise not_found()


def _range_method(http_method: str, text: str) -> tuple[str, str]:
    """`values/{range}` with its verb; the range may itself hold colons."""
    if http_method == "GET":
        return "values.get", decoded(text)
    if http_method == "PUT":
        return "values.update", decoded(text)
    name, _, verb = text.rpartition(":")
    if http_method == "POST" and verb in ("append", "clear"):
        return f"values.{verb}", decoded(name)
    raise not_found()


def _need(wanted: str, given: str, name: str) -> str:
    if wanted != given:
        raise not_found()
    return name


_READS: dict[str, Callable[[Call], Any]] = {
    "get": _get,
    "getByDataFilter": _get_by_filter,
    "values.get": _values_get,
    "values.batchGet": _values_batch_get,
    "values.batchGetByDataFilter": _values_by_filter,
    "metadata.get": _metadata_get,
    "metadata.search": _metadata_search,
}

_WRITES: dict[str, Callable[[Context, Request, str], Json]] = {
    "values.update": lambda context, request, text: values.update(context, text, request.json(), _flags(request)),
    "values.append": lambda context, request, text: values.append(context, text, request.json(), _flags(request)),
    "values.clear": lambda context, _, text: values.clear(context, text),
    "values.batchUpdate": lambda context, request, _: values.batch_update(context, request.json()),
    "values.batchUpdateByDataFilter": lambda context, request, _: values.batch_update_by_data_filter(
        context, request.json()
    ),
    "values.batchClear": lambda context, request, _: values.batch_clear(
        context, checked_message(request.json(), "BatchClearValuesRequest", "request")
    ),
    "values.batchClearByDataFilter": lambda context, request, _: values.batch_clear_by_data_filter(
        context, checked_message(request.json(), "BatchClearValuesByDataFilterRequest", "request")
    ),
}
_KINDS = frozenset(("batchUpdate", "copyTo", *_READS, *_WRITES))


def _flags(request: Request) -> Json:
    return request.options() | {"includeValuesInResponse": request.flag("includeValuesInResponse")}


def is_write(request: Request) -> bool:
    """Whether the quota counts it as a write."""
    match = _PATH.fullmatch(request.path)
    if match is None or match["id"] is None:
        return request.method != "GET"
    try:
        kind, _ = _method(request.method, match)
    except ApiError:
        return request.method != "GET"
    return kind not in _READS
