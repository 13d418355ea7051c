"""`spreadsheets.batchUpdate`: all requests on one draft, or none."""

from __future__ import annotations

import re

import msgspec

from ..errors import ApiError, bad_json, invalid, unknown_field
from ..grid import Json
from ..schema import checked_message, request_message, snake
from . import cells, charts, dimensions, filters, groups, merging, metadata, named, paste, ranges, sheets, sizes
from .context import KINDS, Context

__all__ = ["KINDS", "MODULES", "Context", "run"]

MODULES = (cells, charts, dimensions, filters, groups, merging, metadata, named, paste, ranges, sheets, sizes)
"""The modules whose handlers are registered by being imported."""

NOT_HERE = frozenset(
    [
        "addCommentReply",
        "addDataSource",
        "addSlicer",
        "addTable",
        "autoFill",
        "cancelDataSourceRefresh",
        "deleteComment",
        "deleteCommentReply",
        "deleteDataSource",
        "deleteDuplicates",
        "deleteTable",
        "insertComment",
        "pasteData",
        "randomizeRange",
        "refreshDataSource",
        "textToColumns",
        "updateCommentPost",
        "updateDataSource",
        "updateSlicerSpec",
        "updateTable",
    ]
)


Given = dict[str, msgspec.Raw]
_REQUESTS = msgspec.json.Decoder(list[Given | list[Given]] | None)
_UNKNOWN = re.compile(r"Object contains unknown field `(\w+)`(?: - at `\$\.?(.*)`)?")


def run(context: Context, requests: msgspec.Raw) -> list[Json]:
    """Applies the requests in order to the context's draft and gives their replies.

    Raises Google's refusal with the place of the offender; the draft is then to be thrown away.
    """
    try:
        found = _flat(_REQUESTS.decode(requests or b"null"))
    except msgspec.ValidationError as error:
        raise bad_json(f"Invalid JSON payload received. {error}", "requests") from error
    if not found:
        raise invalid("Must specify at least one request.")
    return [_one(context, index, request) for index, request in enumerate(found)]


def _flat(given: list[Given | list[Given]] | None) -> list[Given]:
    """Google takes lists inside the list, and clients send them (pygsheets' `hide_dimensions`)."""
    found: list[Given] = []
    for item in given or []:
        found.extend(item if isinstance(item, list) else [item])
    return found


def _one(context: Context, index: int, request: Given) -> Json:
    if not request:
        raise invalid(f"Invalid requests[{index}]: No request set.")
    if len(request) > 1:
        raise bad_json(f"Invalid value at 'requests[{index}]' (oneof), oneof field 'kind' is already set.")
    name, raw = next(iter(request.items()))
    kind = KINDS.get(name)
    if kind is None:
        raise _unknown(index, name)
    try:
        body = kind.decoder.decode(raw)
    except msgspec.ValidationError as error:
        raise _misfit(f"requests[{index}].{name}", error) from error
    if isinstance(body, dict):
        body = checked_message(body, request_message(name) or name, f"requests[{index}].{snake(name)}")
    try:
        return kind.handler(context, body) or {}
    except ApiError as error:
        raise error.prefixed(f"Invalid requests[{index}].{name}") from error


def _unknown(index: int, kind: str) -> ApiError:
    if kind in NOT_HERE:
        return ApiError(501, f"Invalid requests[{index}].{kind}: this sandbox does not implement {kind}.")
    return unknown_field(f"requests[{index}]", kind)


def _misfit(place: str, error: msgspec.ValidationError) -> ApiError:
    """What a JSON that does not fit its message is told."""
    match = _UNKNOWN.match(str(error))
    if match is not None:
        path = ".".join(part for part in (place, match[2]) if part)
        return unknown_field(snake(path), match[1])
    return bad_json(f"Invalid JSON payload received. {error} in '{place}'", place)
