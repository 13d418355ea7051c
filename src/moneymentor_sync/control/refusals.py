"""What the channel answers where it does not do what it was asked: one shape, and the status for each code."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from moneymentor_sync.core.errors import ConfigError, MmsyncError

INTERNAL = "internal"
BAD_REQUEST = "bad_request"

STATUSES: Mapping[str, HTTPStatus] = {
    BAD_REQUEST: HTTPStatus.BAD_REQUEST,
    "not_allowed": HTTPStatus.FORBIDDEN,
    "not_found": HTTPStatus.NOT_FOUND,
    "method_not_allowed": HTTPStatus.METHOD_NOT_ALLOWED,
    "too_slow": HTTPStatus.REQUEST_TIMEOUT,
    "alone": HTTPStatus.CONFLICT,
    "lock_held": HTTPStatus.CONFLICT,
    "nothing_to_sync": HTTPStatus.CONFLICT,
    "too_large": HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    "config": HTTPStatus.UNPROCESSABLE_ENTITY,
    "unknown_dataset": HTTPStatus.UNPROCESSABLE_ENTITY,
    "head_too_large": HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    "cluster": HTTPStatus.SERVICE_UNAVAILABLE,
    "shutting_down": HTTPStatus.SERVICE_UNAVAILABLE,
    "state": HTTPStatus.SERVICE_UNAVAILABLE,
    "too_many_connections": HTTPStatus.SERVICE_UNAVAILABLE,
    "too_many_holders": HTTPStatus.SERVICE_UNAVAILABLE,
    "too_many_waiting": HTTPStatus.SERVICE_UNAVAILABLE,
}
"""Which status goes with which code; any other is a failure of the daemon's (500)."""

ANY_REQUEST = (
    BAD_REQUEST,
    "too_slow",
    "too_large",
    "head_too_large",
    "shutting_down",
    "too_many_connections",
    INTERNAL,
)
"""What may become of any request, whatever its path: the connection ends with it, or the daemon has a bug."""

_SEE = "GET /openapi.json says what each path takes."
_HINTS: Mapping[str, str] = {
    BAD_REQUEST: _SEE,
    "not_found": "GET /openapi.json lists the paths.",
    "method_not_allowed": "Use a method that the `Allow` header names.",
    "too_slow": "Send the whole request at once.",
    "too_large": "Send less; a body that names some datasets takes a few hundred bytes.",
    "head_too_large": "Send fewer and shorter header fields.",
    "shutting_down": "Ask again when it has been started again.",
    "too_many_connections": "Close some, or ask again soon.",
    INTERNAL: "Its log has the details.",
}
"""What to do about it where the error itself does not say."""
_HINT = "`mmsync status` and the daemon's log say more."


class BadRequestError(MmsyncError):
    """The body or the query is not what the path takes; the message names the field."""

    code = BAD_REQUEST


class NotAllowedError(MmsyncError):
    """The settings do not let this user ask that."""

    code = "not_allowed"
    default_hint = "Who may ask is set by `[control] readers` and `changers`."


class TooManyWaitingError(MmsyncError):
    """So many wait for a sync's end that no connection would be left for others."""

    code = "too_many_waiting"
    default_hint = "Ask without `wait`, and look at the status."


def status_of(code: str) -> HTTPStatus:
    """The HTTP status of an error's code."""
    return STATUSES.get(code, HTTPStatus.INTERNAL_SERVER_ERROR)


def document(code: str, message: str, hint: str = "") -> dict[str, Any]:
    """`{"error": {"code", "message", "hint"}}`, as every error of the channel looks; none is without a hint."""
    return {"error": {"code": code, "message": message, "hint": hint or _HINTS.get(code, _HINT)}}


def document_of(error: MmsyncError) -> dict[str, Any]:
    """An error's document; a ConfigError's has its `problems`, too: `["path: what is wrong"]`."""
    found = document(error.code, str(error), error.hint)
    if isinstance(error, ConfigError):
        found["error"]["problems"] = list(error.problems)
    return found


def closing_answer(code: str, message: str, hint: str = "") -> bytes:
    """A whole HTTP answer after which the connection is closed, for what is refused before any application runs."""
    status = status_of(code)
    body = msgspec.json.encode(document(code, message, hint))
    head = (
        f"HTTP/1.1 {status.value} {status.phrase}\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode("ascii") + body
