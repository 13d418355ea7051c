"""The APIs behind one door: who asks, the quota, faults, the change itself, its journal and the log.

Knows nothing of sockets: a request comes in as a value and an answer goes out as one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

from . import sheets_api
from .accounts import Accounts, TokenError
from .drive_api import DriveApi
from .errors import ApiError, too_large
from .faults import Fault, Faults
from .hooks import Hooks
from .journal import Change, Journal
from .library import Library
from .log import Entry, Log
from .messages import Request, Response
from .quota import Meter
from .sheets_api import SheetsApi

MAX_BODY = 10_485_760
TOKEN_PATH = "/token"  # noqa: S105 - an address


class Service:
    """One sandbox without its sockets."""

    def __init__(
        self,
        library: Library,
        accounts: Accounts,
        meter: Meter,
        *,
        clock: Callable[[], float],
        pause: Callable[[float], None],
        max_cells: int,
        journal: Journal | None,
    ) -> None:
        self.library, self.accounts, self.meter = library, accounts, meter
        self.faults, self.log, self.hooks = Faults(), Log(), Hooks()
        self.clock, self._pause, self._journal = clock, pause, journal
        self._sheets = SheetsApi(library, max_cells)
        self._drive = DriveApi(library)

    # --- a request from outside --------------------------------------------------------------------------

    def handle(self, request: Request) -> tuple[Response, Fault | None]:
        """The answer, and the fault that the connection is to suffer."""
        kind = _kind(request)
        line = f"{request.method} {request.path}"
        self.hooks.arrived(request)
        fault = self.faults.next(kind, line)
        started = self.clock()
        if fault is not None and fault.kind == "delay" and fault.when == "before":
            self._pause(fault.seconds)
        applied = False
        if fault is None or fault.applies:
            response = self._answered(request, kind)
            applied = response.status < 300 and kind in ("write", "drive") and request.method != "GET"
        else:
            response = Response(200)
        if fault is not None:
            response = self._spoiled(fault, response, kind)
        self.log.add(
            Entry(
                started,
                request.method,
                request.path,
                kind,
                len(request.body),
                len(response.body),
                response.status,
                applied,
                fault.kind if fault else None,
                self._account(request),
            )
        )
        return response, fault

    def _spoiled(self, fault: Fault, response: Response, kind: str) -> Response:
        if fault.kind == "status":
            return fault.response(kind)
        if fault.kind == "delay" and fault.when == "after":
            self._pause(fault.seconds)
        if fault.kind == "not_json":
            return Response(200, b'{"spreadsheetId": "')
        if fault.kind == "html":
            return Response(200, b"<!DOCTYPE html><html><body>Sign in</body></html>", "text/html; charset=utf-8")
        return response

    def _answered(self, request: Request, kind: str) -> Response:
        pretty = True
        try:
            pretty = request.flag("prettyPrint", True)
            if kind == "token":
                return self._token(request)
            if len(request.body) > MAX_BODY:
                raise too_large(MAX_BODY)
            caller = self.accounts.caller(request.headers.get("authorization") or _query_token(request))
            if kind != "drive":
                self.meter.count(kind, caller)
            self.hooks.before(request, kind)
            response = self.perform(request, caller)
            self.hooks.after(request, kind)
        except ApiError as error:
            return Response.refusal(error, pretty=pretty)
        return response

    def _account(self, request: Request) -> str:
        try:
            return self.accounts.caller(request.headers.get("authorization"))
        except ApiError:
            return ""

    def _token(self, request: Request) -> Response:
        form = dict(parse_qsl(request.body.decode("utf-8", "replace")))
        try:
            return Response.of(self.accounts.grant(form))
        except TokenError as error:
            return Response.of(error.body(), status=400)

    # --- carrying it out ---------------------------------------------------------------------------------

    def perform(self, request: Request, caller: str) -> Response:
        """Carries a request out for a caller who is known already. Raises ApiError."""
        if not _changes(request):
            return self._executed(request, caller, self.clock())
        with self.library.lock:
            documents, created = dict(self.library.documents), self.library.created
            now = self.clock()
            try:
                response = self._executed(request, caller, now)
                if self._journal is not None:
                    self._journal.append(_change(now, caller, request))
            except OSError as error:
                self.library.documents, self.library.created = documents, created
                raise ApiError(500, "Internal error encountered.") from error
            except BaseException:
                self.library.documents, self.library.created = documents, created
                raise
            if self._journal is not None and self._journal.is_long:
                self._journal.compact(self.library)
            self.hooks.changed(request, caller, documents)
            return response

    def replay(self, change: Change) -> None:
        """Does a journalled change again."""
        headers = {"content-type": change.content_type}
        request = Request.of(change.method, change.target, headers, change.body)
        self._executed(request, change.caller, change.now)

    def _executed(self, request: Request, caller: str, now: float) -> Response:
        if request.path.startswith(sheets_api.PREFIX):
            answer: Any = self._sheets.answer(request, caller, now)
            return Response.of(answer, pretty=request.flag("prettyPrint", True))
        return self._drive.answer(request, caller, now)


def _change(now: float, caller: str, request: Request) -> Change:
    kind = request.headers.get("content-type", "")
    return Change(now, caller, request.method, request.target, request.body, kind)


def _kind(request: Request) -> str:
    if request.path == TOKEN_PATH:
        return "token"
    if request.path.startswith(sheets_api.PREFIX):
        return "write" if sheets_api.is_write(request) else "read"
    return "drive"


def _changes(request: Request) -> bool:
    if request.path.startswith(sheets_api.PREFIX):
        return sheets_api.is_write(request)
    return request.method != "GET"


def _query_token(request: Request) -> str | None:
    token = request.parameter("access_token") or request.parameter("oauth_token")
    return f"Bearer {token}" if token else None
