"""What the sandbox answers beside Google's APIs: `/_sandbox/…` for tests and the page, and the page."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

from . import page
from .errors import ApiError, invalid, not_found
from .faults import Fault
from .grid import Json
from .messages import Request, Response
from .person import Person, edit
from .quota import Quota
from .service import Service

PREFIX = "/_sandbox/"
_FAULT_FIELDS = frozenset(
    ("kind", "on", "nth", "count", "status", "retry_after", "seconds", "when", "after_applying")
)


class Control:
    """Sends each request where it belongs."""

    def __init__(self, service: Service, person: Callable[[str | None], Person]) -> None:
        self._service, self._person = service, person
        self._data = page.Data(service.library, service.clock)

    def handle(self, request: Request) -> tuple[Response, Fault | None]:
        """The answer, and the fault that the connection is to suffer."""
        if request.path.startswith(PREFIX):
            return self._answered(request), None
        if request.method == "GET":
            static = page.page(request.path)
            if static is not None:
                return static, None
        try:
            return self._service.handle(request)
        except Exception as error:  # noqa: BLE001 - a bug of the sandbox: shown, and answered as Google would
            traceback.print_exception(error)
            return Response.refusal(ApiError(500, "Internal error encountered.")), None

    def _answered(self, request: Request) -> Response:
        try:
            return Response.of(self._control(request))
        except ApiError as error:
            return Response.refusal(error)

    def _control(self, request: Request) -> Any:
        name, _, rest = request.path[len(PREFIX) :].partition("/")
        if name == "faults":
            return self._faults(request, rest)
        if name == "log":
            return self._log(request)
        if name == "quota" and request.method == "POST":
            return self._quota(request)
        if name == "edit" and request.method == "POST":
            body = request.json()
            return {"result": edit(self._person(body.get("spreadsheet_id")), body)}
        if name == "spreadsheets" and request.method == "GET":
            return self._data.answer(rest, request)
        raise not_found()

    def _faults(self, request: Request, rest: str) -> Json:
        faults = self._service.faults
        if request.method == "POST":
            body = request.json()
            unknown = sorted(set(body) - _FAULT_FIELDS)
            if unknown:
                raise invalid(f"unknown fields: {', '.join(unknown)}")
            try:
                return faults.add(Fault(**body)).json()
            except (TypeError, ValueError) as error:
                raise invalid(str(error)) from error
        if request.method == "DELETE":
            if rest:
                if not rest.isdigit() or not faults.remove(int(rest)):
                    raise not_found()
            else:
                faults.clear()
            return {}
        return {"faults": [fault.json() for fault in faults.all]}

    def _log(self, request: Request) -> Json:
        if request.method == "DELETE":
            self._service.log.reset()
            return {}
        return self._service.log.json()

    def _quota(self, request: Request) -> Json:
        body = request.json()
        try:
            self._service.meter.quota = None if body.get("off") else Quota(**body)
        except TypeError as error:
            raise invalid(str(error)) from error
        return {}
