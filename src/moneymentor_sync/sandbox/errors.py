"""The refusals of Google's APIs, in Google's words.

Only what goes out over the wire: an error here is an answer, not a failure of the sandbox. The texts were
taken from recorded traffic, public bug reports and the reference of each method.
"""

from __future__ import annotations

from typing import Any

_STATUS_NAMES = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    409: "ALREADY_EXISTS",
    429: "RESOURCE_EXHAUSTED",
    500: "INTERNAL",
    501: "UNIMPLEMENTED",
    502: "UNAVAILABLE",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}

PROTECTED = (
    "You are trying to edit a protected cell or object. Please contact the spreadsheet owner to remove "
    "protection if you need to edit."
)
UNAUTHENTICATED = (
    "Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other "
    "valid authentication credential. See "
    "https://developers.google.com/identity/sign-in/web/devconsole-project."
)
NO_CREDENTIALS = (
    "Request is missing required authentication credential. Expected OAuth 2 access token, login cookie or "
    "other valid authentication credential. See "
    "https://developers.google.com/identity/sign-in/web/devconsole-project."
)


class ApiError(Exception):
    """An answer other than 2xx. `body()` is what goes out."""

    def __init__(
        self, code: int, message: str, *, details: list[Any] | None = None, drive_reason: str | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.details = details
        self.drive_reason = drive_reason

    def body(self) -> dict[str, Any]:
        """Google's JSON: the Drive form where a Drive reason is known, else the form of the newer APIs."""
        if self.drive_reason is not None:
            item = {"message": self.message, "domain": "global", "reason": self.drive_reason}
            if self.drive_reason == "notFound":
                item |= {"location": "fileId", "locationType": "parameter"}
            return {"error": {"code": self.code, "message": self.message, "errors": [item]}}
        error: dict[str, Any] = {
            "code": self.code,
            "message": self.message,
            "status": _STATUS_NAMES.get(self.code, "UNKNOWN"),
        }
        if self.details:
            error["details"] = self.details
        return {"error": error}

    def prefixed(self, prefix: str) -> ApiError:
        """The same refusal, with the place inside the request before its text."""
        return ApiError(self.code, f"{prefix}: {self.message}", details=self.details)


def invalid(message: str) -> ApiError:
    """400 INVALID_ARGUMENT."""
    return ApiError(400, message)


def unknown_field(path: str, name: str) -> ApiError:
    """400 for a JSON field that the method does not have."""
    where = f" at '{path}'" if path else ""
    return bad_json(f'Invalid JSON payload received. Unknown name "{name}"{where}: Cannot find field.', path)


def bad_json(message: str, field: str = "") -> ApiError:
    """400 for a body that does not fit the method's message, with the violation in `details`."""
    return bad_fields([(message, field)])


def bad_fields(violations: list[tuple[str, str]]) -> ApiError:
    """The same for several fields at once, each with its message and its path."""
    listed = [
        {"field": field, "description": text} if field else {"description": text} for text, field in violations
    ]
    detail = {"@type": "type.googleapis.com/google.rpc.BadRequest", "fieldViolations": listed}
    return ApiError(400, "\n".join(text for text, _ in violations), details=[detail])


def not_found() -> ApiError:
    """404 of the Sheets API: no such spreadsheet, or nothing that the caller may know of."""
    return ApiError(404, "Requested entity was not found.")


def forbidden() -> ApiError:
    """403 of the Sheets API: it exists and is not shared with the caller."""
    return ApiError(403, "The caller does not have permission")


def file_not_found(file_id: str) -> ApiError:
    """404 of the Drive API."""
    return ApiError(404, f"File not found: {file_id}.", drive_reason="notFound")


def too_large(limit: int) -> ApiError:
    """400 for a body over Google's limit of 10 MiB."""
    return invalid(f"Request payload size exceeds the limit: {limit} bytes.")
