"""`spreadsheets.batchUpdate`: all requests on one draft, or none."""

from __future__ import annotations

from typing import Any

from ..errors import ApiError, bad_json, invalid
from ..grid import Json
from . import cells, dimensions, filters, merging, metadata, named, paste, ranges, sheets
from .context import HANDLERS, Context

__all__ = ["HANDLERS", "MODULES", "Context", "run"]

MODULES = (cells, dimensions, filters, merging, metadata, named, paste, ranges, sheets)

NOT_HERE = frozenset(
    (
        "addChart addCommentReply addDataSource addSlicer addTable autoFill cancelDataSourceRefresh "
        "deleteComment deleteCommentReply deleteDataSource deleteDuplicates deleteEmbeddedObject deleteTable "
        "insertComment pasteData randomizeRange refreshDataSource textToColumns updateChartSpec "
        "updateCommentPost updateDataSource updateEmbeddedObjectBorder updateEmbeddedObjectPosition "
        "updateSlicerSpec updateTable"
    ).split()
)


def run(context: Context, requests: Any) -> list[Json]:
    """Applies the requests in order to the context's draft and gives their replies.

    Raises Google's refusal with the place of the offender; the draft is then to be thrown away.
    """
    if not isinstance(requests, list):
        raise bad_json("Invalid value at 'requests', expected a list", "requests")
    if not requests:
        raise invalid("Must specify at least one request.")
    return [_one(context, index, request) for index, request in enumerate(requests)]


def _one(context: Context, index: int, request: Any) -> Json:
    if not isinstance(request, dict) or len(request) != 1:
        if isinstance(request, list):
            request = next(iter(request), {})
        if not isinstance(request, dict) or not request:
            raise invalid(f"Invalid requests[{index}]: No request set.")
        if len(request) > 1:
            raise invalid(f"Invalid value at 'requests[{index}]' (oneof), oneof field 'kind' is already set.")
    kind, body = next(iter(request.items()))
    handler = HANDLERS.get(kind)
    if handler is None:
        raise _unknown(index, kind)
    if not isinstance(body, dict):
        raise bad_json(f"Invalid value at 'requests[{index}].{kind}', expected an object", kind)
    try:
        return handler(context, body) or {}
    except ApiError as error:
        raise error.prefixed(f"Invalid requests[{index}].{kind}") from error


def _unknown(index: int, kind: str) -> ApiError:
    if kind in NOT_HERE:
        return ApiError(501, f"Invalid requests[{index}].{kind}: this sandbox does not implement {kind}.")
    return bad_json(
        f"Invalid JSON payload received. Unknown name \"{kind}\" at 'requests[{index}]': Cannot find field.",
        f"requests[{index}]",
    )
