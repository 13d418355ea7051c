"""Every error of Google and of the libraries on the way there, as ours, each with what to do about it."""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass
from typing import Any

import google.auth.exceptions
import httplib2
from googleapiclient.errors import HttpError
from httplib2.decode import DecodeLimitError, DecodeRatioError

from moneymentor_sync.core.errors import (
    CellLimitError,
    CredentialsError,
    DestinationError,
    MmsyncError,
    PermissionDeniedError,
    ProtectedError,
    QuotaExhaustedError,
    RequestRefusedError,
    SpreadsheetNotFoundError,
    UnavailableError,
)

TRANSIENT_STATUS = frozenset({408, 500, 502, 503, 504})
TRANSPORT_ERRORS = (
    httplib2.HttpLib2Error,
    http.client.HTTPException,
    google.auth.exceptions.GoogleAuthError,
    HttpError,
    OSError,
    DecodeLimitError,
    DecodeRatioError,
)
"""What a call through pygsheets can raise besides programming errors."""
_ACTIVATION = re.compile(r"https://console\.(?:developers|cloud)\.google\.com/\S+")


@dataclass(frozen=True, slots=True)
class Whom:
    """Who asks for what, for the remedies: the service account's address and the spreadsheet's id."""

    account: str
    spreadsheet_id: str


def translate(error: Exception, whom: Whom) -> MmsyncError:
    """One of TRANSPORT_ERRORS as ours; the caller raises it from the original."""
    if isinstance(error, HttpError):
        return _status(error, whom)
    if isinstance(error, google.auth.exceptions.RefreshError):
        return _refresh(error, whom)
    if isinstance(error, google.auth.exceptions.TransportError):
        return UnavailableError(f"Google's token endpoint cannot be reached: {_line(str(error))}")
    if isinstance(error, google.auth.exceptions.GoogleAuthError):
        return CredentialsError(f"the service account's key was not accepted: {_line(str(error))}")
    if isinstance(error, TimeoutError):
        return UnavailableError("Google did not answer within `[google] timeout_seconds`")
    if isinstance(error, httplib2.ServerNotFoundError):
        return UnavailableError(
            "Google's host name cannot be resolved", hint="Check this machine's network and DNS."
        )
    if isinstance(error, http.client.IncompleteRead):
        return UnavailableError("Google's answer was cut off in the middle")
    what = type(error).__name__ if not isinstance(error, OSError) else (error.strerror or type(error).__name__)
    return UnavailableError(f"the connection to Google failed: {what}")


def bad_answer() -> UnavailableError:
    """A 200 whose body is not what was asked for: the write may well have been done."""
    return UnavailableError("Google's answer could not be read: it is not the JSON that was asked for")


def token_failure(response: httplib2.Response) -> MmsyncError | None:
    """What a failing answer of the token endpoint means where it says nothing of the key, else None.

    To be raised before google-auth sees it: that would try again by itself, asleep for seconds, and take a 502
    for a key that was refused.
    """
    status, wait = int(response.status), _retry_after(response.get("retry-after"))
    if status == 429:
        return QuotaExhaustedError(
            "Google gives no tokens for the moment: too many were asked for", retry_after=wait
        )
    if status in TRANSIENT_STATUS:
        return UnavailableError(f"Google's token endpoint answered {status} {response.reason}", retry_after=wait)
    return None


def _refresh(error: Any, whom: Whom) -> MmsyncError:
    text = str(error)
    if getattr(error, "retryable", False):
        return UnavailableError("Google's token endpoint failed for the moment")
    if "invalid_grant" in text:
        return CredentialsError(
            f"Google does not accept the key of {whom.account} (invalid_grant)",
            hint="The key was deleted, or this machine's clock is wrong by minutes. Make a new key for the "
            "service account, or set the clock.",
        )
    return CredentialsError(
        f"Google refused the service account {whom.account}",
        hint="Make a new key at https://console.cloud.google.com/iam-admin/serviceaccounts.",
    )


def _details(error: HttpError) -> tuple[str, str]:
    """Google's message and status word; the body may as well be an HTML page of a proxy."""
    try:
        body = json.loads(error.content)["error"]
        return _line(str(body.get("message", ""))), str(body.get("status", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return "", ""


def _status(error: HttpError, whom: Whom) -> MmsyncError:
    status = int(error.resp.status)
    message, word = _details(error)
    wait = _retry_after(error.resp.get("retry-after"))
    if status == 429 or (status == 403 and "rateLimitExceeded" in str(error.content)):
        return QuotaExhaustedError("Google's quota for the Sheets API is used up", retry_after=wait)
    if status in TRANSIENT_STATUS:
        return UnavailableError(f"Google answered {status} {word or error.resp.reason}", retry_after=wait)
    if status == 401:
        return CredentialsError(
            f"Google does not accept the access token of {whom.account}",
            hint="Check the key file, and that `api_endpoint` is the one that its token is for.",
        )
    if status == 403:
        return _forbidden(message, whom)
    if status == 404:
        return SpreadsheetNotFoundError(
            f"there is no spreadsheet {whom.spreadsheet_id}, or {whom.account} may not see it",
            hint=f"Check the id, and share the spreadsheet with {whom.account} as an editor.",
        )
    if status == 400:
        return _refused(message, whom)
    return DestinationError(f"Google answered {status} {word or error.resp.reason}: {message}")


def _forbidden(message: str, whom: Whom) -> MmsyncError:
    link = _ACTIVATION.search(message)
    if "has not been used" in message or "is disabled" in message:
        where = (
            link.group(0).rstrip(".")
            if link
            else "https://console.cloud.google.com/apis/library/sheets.googleapis.com"
        )
        return PermissionDeniedError(
            "the Google Sheets API is not enabled in the service account's project",
            hint=f"Enable it at {where}, wait a minute, and try again.",
        )
    return PermissionDeniedError(
        f"{whom.account} may not do this in spreadsheet {whom.spreadsheet_id}: {message or 'forbidden'}",
        hint=f"Share the spreadsheet with {whom.account} as an editor (button “Share”, top right).",
    )


def _refused(message: str, whom: Whom) -> MmsyncError:
    if "protected cell" in message or "protection" in message:
        return ProtectedError(
            "a protected range in the spreadsheet covers cells that the sync must write; nothing was written",
            hint=f"Add {whom.account} to the range's editors (menu Data, “Protect sheets and ranges”).",
        )
    if "above the limit of" in message and "cells" in message:
        return CellLimitError(
            "the spreadsheet would exceed Google's limit of cells; nothing was written",
            hint="Delete blank rows, columns or tabs, or give the dataset a spreadsheet of its own.",
        )
    return RequestRefusedError(
        f"Google refused a request: {message}",
        reason=message,
        hint="Nothing of it was applied. If it stays, please report it with this message.",
    )


def _retry_after(value: str | None) -> float | None:
    try:
        return max(0.0, float(value)) if value else None
    except ValueError:
        return None  # an HTTP date: our own back-off is as good


def _line(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= 300 else text[:299] + "…"
