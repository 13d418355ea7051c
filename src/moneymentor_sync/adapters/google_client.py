"""pygsheets with its hidden behaviours off: no retries, no sleeping, no guessing what an answer was.

Every call goes through `call`: it gives the raw body, checked for its status, and translates errors. Who
retries, and when, is not decided here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import google_auth_httplib2
import msgspec
import pygsheets
from google.oauth2.service_account import Credentials

from moneymentor_sync.core.errors import CredentialsError
from moneymentor_sync.core.ports import Traffic
from moneymentor_sync.core.settings import GoogleSettings, ServiceAccount

from .google_errors import TRANSPORT_ERRORS, Whom, bad_answer, translate
from .google_transport import ApiTransport

SCOPES = ("https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive.file")
TOKEN_URI = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address, no password


def load_credentials(
    account: ServiceAccount, scopes: Sequence[str] = SCOPES, *, endpoint: str | None = None
) -> Credentials:
    """The service account's credentials. Raises CredentialsError saying what is wrong with the key.

    A key file names who gives tokens; a key in two variables does not: it is Google, or the stand-in on this
    machine that `endpoint` (the root URL in the place of Google's) is.
    """
    stand_in = endpoint is not None and endpoint.startswith("http://")  # allowed to this machine alone
    token_uri = f"{endpoint}/token" if stand_in else TOKEN_URI
    info = _key_file(account.file) if account.file else _key_from_environment(account, token_uri)
    try:
        made: Credentials = Credentials.from_service_account_info(info, scopes=list(scopes))
    except (ValueError, TypeError, KeyError) as error:
        where = f"the key file {account.file}" if account.file else "GOOGLE_PRIVATE_KEY"
        raise CredentialsError(
            f"{where} is no service-account key: {_what_is_missing(info)}",
            hint="Make a JSON key for the service account at "
            "https://console.cloud.google.com/iam-admin/serviceaccounts, tab “Keys”.",
        ) from error
    return made


def _key_file(path: Path) -> dict[str, Any]:
    try:
        content = path.read_text(encoding="utf-8")
    except OSError as error:
        raise CredentialsError(
            f"the key file {path} cannot be read: {error.strerror}",
            hint="Set `[google] credentials_file` or GOOGLE_APPLICATION_CREDENTIALS to the service account's "
            "JSON key, readable by the user that mmsync runs as.",
        ) from error
    except UnicodeDecodeError as error:
        raise CredentialsError(f"the key file {path} is not JSON", hint="Download the key as JSON.") from error
    try:
        info = json.loads(content)
    except ValueError as error:
        raise CredentialsError(f"the key file {path} is not JSON", hint="Download the key as JSON.") from error
    if not isinstance(info, dict) or info.get("type", "service_account") != "service_account":
        raise CredentialsError(
            f"the key file {path} is no service-account key",
            hint="An OAuth client secret will not do: make a service account and a JSON key for it.",
        )
    return info


def _key_from_environment(account: ServiceAccount, token_uri: str) -> dict[str, Any]:
    if not account.client_email or not account.private_key:
        raise CredentialsError(
            "no Google credentials are configured",
            hint="Set `[google] credentials_file`, or GOOGLE_APPLICATION_CREDENTIALS, or GOOGLE_CLIENT_EMAIL and "
            "GOOGLE_PRIVATE_KEY.",
        )
    return {
        "type": "service_account",
        "client_email": account.client_email,
        "private_key": account.private_key,
        "token_uri": token_uri,
    }


def _what_is_missing(info: dict[str, Any]) -> str:
    missing = [name for name in ("client_email", "private_key", "token_uri") if not info.get(name)]
    return f"{', '.join(missing)} is missing" if missing else "its private key cannot be read"


def _undocumented(resource: Any) -> Any:
    """The resource without the documentation that the client library writes for each of its methods, over and over
    with all messages they take and give: some 20 MB for `spreadsheets`."""
    for method in vars(resource).values():
        if callable(method) and hasattr(method, "__func__"):
            method.__func__.__doc__ = None
    resource._schema.pretty.clear()
    return resource


class GoogleClient:
    """A pygsheets client for one spreadsheet and one thread."""

    def __init__(
        self, settings: GoogleSettings, spreadsheet_id: str, credentials: Credentials | None = None
    ) -> None:
        self._credentials = credentials or load_credentials(settings.account, endpoint=settings.api_endpoint)
        self._transport = ApiTransport(settings.api_endpoint, settings.timeout_seconds)
        self.spreadsheet_id = spreadsheet_id
        self.whom = Whom(str(self._credentials.service_account_email), spreadsheet_id)
        self.pygsheets = pygsheets.authorize(
            custom_credentials=self._credentials, http=self._transport, retries=0, check=False
        )

    @property
    def traffic(self) -> Traffic:
        return self._transport.traffic

    @property
    def date(self) -> str | None:
        """The Date header of the last answer, also of a refusal; None before the first one."""
        return self._transport.date

    @cached_property
    def spreadsheets(self) -> Any:
        """The client library's `spreadsheets` resource; making it anew takes a tenth of a second each time."""
        return _undocumented(self.pygsheets.sheet.service.spreadsheets())

    @cached_property
    def values(self) -> Any:
        return _undocumented(self.spreadsheets.values())

    def files(self) -> Any:
        """Drive's files."""
        return self.pygsheets.drive.service.files()

    def obtain_token(self) -> None:
        """Has the key accepted now, which otherwise happens with the first call.

        Raises CredentialsError, UnavailableError.
        """
        try:
            self._credentials.refresh(google_auth_httplib2.Request(self._transport))
        except TRANSPORT_ERRORS as error:
            raise translate(error, self.whom) from error
        except (TypeError, KeyError, ValueError) as error:  # as below
            raise bad_answer() from error

    def call(self, request: Any, body: bytes | None = None) -> bytes:
        """Executes a request of the client library once; `body` replaces the one that it would encode.

        Raises the errors of `google_errors.translate`.
        """
        request.postproc = lambda _response, content: content
        if body is not None:
            request.body = body
            request.body_size = len(body)
            request.headers["content-type"] = "application/json"
        try:
            content = request.execute(num_retries=0)
        except TRANSPORT_ERRORS as error:
            raise translate(error, self.whom) from error
        except (TypeError, KeyError, ValueError) as error:  # google-auth, given HTML by the token endpoint
            raise bad_answer() from error
        return content if isinstance(content, bytes) else bytes(content, "utf-8")

    def call_json(self, request: Any, body: Any = None) -> Any:
        """Like `call`, with bodies as Python values."""
        content = self.call(request, None if body is None else msgspec.json.encode(body))
        try:
            return msgspec.json.decode(content)
        except msgspec.DecodeError as error:
            raise bad_answer() from error

    def close(self) -> None:
        self._transport.close()
