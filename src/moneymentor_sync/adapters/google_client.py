"""pygsheets with its hidden behaviours off: no retries, no sleeping, no guessing what an answer was.

Every call goes through `call`: it gives the raw body, checked for its status, and translates errors. Who
retries, and when, is not decided here.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any
from urllib.parse import urlsplit

import google_auth_httplib2
import msgspec
import pygsheets
from google.oauth2.service_account import Credentials

from moneymentor_sync.core.errors import CredentialsError
from moneymentor_sync.core.ports import Traffic
from moneymentor_sync.core.rights import Budget, CallKind
from moneymentor_sync.core.settings import GoogleSettings, ServiceAccount

from .google_errors import TRANSPORT_ERRORS, Whom, bad_answer, translate
from .google_keys import key_info, what_is_missing
from .google_transport import SHEETS_HOST, ApiTransport, call_kind

SCOPES = ("https://www.googleapis.com/auth/spreadsheets", "https://www.googleapis.com/auth/drive.file")


def load_credentials(
    account: ServiceAccount, scopes: Sequence[str] = SCOPES, *, endpoint: str | None = None
) -> Credentials:
    """The service account's credentials. Raises CredentialsError saying what is wrong with the key.

    A key file names who gives tokens; a key in two variables does not: it is Google, or the stand-in on this
    machine that `endpoint` (the root URL in the place of Google's) is.
    """
    info = key_info(account, endpoint)
    try:
        made: Credentials = Credentials.from_service_account_info(info, scopes=list(scopes))
    except (ValueError, TypeError, KeyError) as error:
        where = f"the key file {account.file}" if account.file else "GOOGLE_PRIVATE_KEY"
        raise CredentialsError(
            f"{where} is no service-account key: {what_is_missing(info)}",
            hint="Make a JSON key for the service account at "
            "https://console.cloud.google.com/iam-admin/serviceaccounts, tab “Keys”.",
        ) from error
    return made


def _undocumented(resource: Any) -> Any:
    """The resource without the documentation that the client library writes for each of its methods, over and over
    with all messages they take and give: some 20 MB for `spreadsheets`."""
    for method in vars(resource).values():
        if callable(method) and hasattr(method, "__func__"):
            method.__func__.__doc__ = None
    return resource


class GoogleClient:
    """A pygsheets client for one spreadsheet and one thread.

    Makes its calls as one account, or as several in turn: `budget` then says when, and as which of them. `prove` is
    called right before each write, and raises where it is no longer to be made. `clock` gives seconds that never go
    back, for how long the budget was waited for.
    """

    def __init__(
        self,
        settings: GoogleSettings,
        spreadsheet_id: str,
        credentials: Credentials | Sequence[Credentials] | None = None,
        *,
        budget: Budget | None = None,
        prove: Callable[[], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if credentials is None:
            credentials = [load_credentials(one, endpoint=settings.api_endpoint) for one in settings.accounts]
        elif isinstance(credentials, Credentials):
            credentials = [credentials]
        self._transport = ApiTransport(settings.api_endpoint, settings.timeout_seconds)
        self._budget, self._prove, self._clock = budget, prove, clock
        self.spreadsheet_id = spreadsheet_id
        self._accounts = [
            _Actor(one, Whom(str(one.service_account_email), spreadsheet_id), self._transport)
            for one in credentials
        ]
        self.pygsheets = pygsheets.authorize(
            custom_credentials=credentials[0], http=self._transport, retries=0, check=False
        )

    @property
    def accounts(self) -> tuple[str, ...]:
        """The addresses of all accounts that calls are made as."""
        return tuple(one.whom.account for one in self._accounts)

    @property
    def whom(self) -> Whom:
        """The first account, and the spreadsheet."""
        return self._accounts[0].whom

    @property
    def traffic(self) -> Traffic:
        return self._transport.traffic

    @property
    def date(self) -> str | None:
        """The Date header of the last answer, also of a refusal; None before the first one."""
        return self._transport.date

    @cached_property
    def spreadsheets(self) -> Any:
        """The client library's `spreadsheets` resource."""
        service = self.pygsheets.sheet.service
        # What it would write of each message, for a tenth of a second a spreadsheet, is there already, and short.
        service._schema.pretty = dict.fromkeys(service._schema.schemas, "{},\n")
        return _undocumented(service.spreadsheets())

    @cached_property
    def values(self) -> Any:
        return _undocumented(self.spreadsheets.values())

    def files(self) -> Any:
        """Drive's files."""
        return self.pygsheets.drive.service.files()

    def obtain_token(self) -> None:
        """Has the first account's key accepted now, which otherwise happens with the first call.

        Raises CredentialsError, UnavailableError.
        """
        self._accounts[0].obtain_token()

    def admit(self, kind: CallKind) -> int:
        """Waits until one more call may be made, and gives the account that is to make it, ready to do so.

        For a call before which something else has to be done that must not get old while this waits. Raises
        QuotaExhaustedError, StoppedError, and what `obtain_token` raises.
        """
        if self._budget is None and self._prove is None:
            return 0
        account = 0 if self._budget is None else self._turn(self._budget, kind)
        if not self._accounts[account].is_ready:
            self._accounts[account].obtain_token()
        return account

    def _turn(self, budget: Budget, kind: CallKind) -> int:
        began = self._clock()
        try:
            return budget.admit(kind, self.spreadsheet_id)
        finally:
            self.traffic.waited += self._clock() - began

    def call(self, request: Any, body: bytes | None = None, *, account: int | None = None) -> bytes:
        """Executes a request of the client library once; `body` replaces the one that it would encode. `account`
        is of an `admit` that went before; without it the call waits for its turn here.

        Raises the errors of `google_errors.translate`, and those of `admit` and `prove`.
        """
        request.postproc = lambda _response, content: content
        if body is not None:
            request.body = body
            request.body_size = len(body)
            request.headers["content-type"] = "application/json"
        kind = _sheets_call(request)
        if kind is not None:
            account = self.admit(kind) if account is None else account
            if kind == "write" and self._prove is not None:
                self._prove()
        actor = self._accounts[account or 0]
        try:
            content = request.execute(http=actor.http if account else None, num_retries=0)
        except TRANSPORT_ERRORS as error:
            raise translate(error, actor.whom) from error
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


class _Actor:
    """One account that calls are made as, over the transport that all have in common."""

    def __init__(self, credentials: Credentials, whom: Whom, transport: ApiTransport) -> None:
        self.whom = whom
        self.http = google_auth_httplib2.AuthorizedHttp(credentials, http=transport)
        self._credentials = credentials
        self._transport = transport

    @property
    def is_ready(self) -> bool:
        """Whether the next call needs no new token before it."""
        return bool(self._credentials.valid)

    def obtain_token(self) -> None:
        try:
            self._credentials.refresh(google_auth_httplib2.Request(self._transport))
        except TRANSPORT_ERRORS as error:
            raise translate(error, self.whom) from error
        except (TypeError, KeyError, ValueError) as error:  # as in `call`
            raise bad_answer() from error


def _sheets_call(request: Any) -> CallKind | None:
    """What a request of the client library counts as; None for Drive's, which have a quota of their own."""
    parts = urlsplit(request.uri)
    return call_kind(parts.path, request.method, request.headers) if parts.hostname == SHEETS_HOST else None
