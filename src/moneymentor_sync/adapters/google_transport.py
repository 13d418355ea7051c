"""The one HTTP transport under pygsheets: another host if configured, a time-out always, and a count of it all.

pygsheets has two roots (Sheets and Drive) and no option for either; swapping the host here serves both. The
token endpoint is named by the key file and is left alone, but for answers that are no answer.
"""

from __future__ import annotations

import select
import socket
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httplib2

from moneymentor_sync.core.ports import Traffic
from moneymentor_sync.core.rights import CallKind
from moneymentor_sync.core.settings import WHOLE_CALL

from .deadline import Deadline
from .google_errors import token_failure

SHEETS_HOST = "sheets.googleapis.com"
GOOGLE_HOSTS = frozenset({SHEETS_HOST, "www.googleapis.com"})
MAX_ANSWER_BYTES = 1 << 30
_READS_BY_POST = (":getByDataFilter", ":batchGetByDataFilter", "developerMetadata:search")


class ApiTransport(httplib2.Http):  # type: ignore[misc]  # httplib2 has no types
    """An httplib2.Http that sends requests for Google's API to `endpoint` (a root URL; None for Google's).

    Not thread-safe, as httplib2 is not: one for each thread.
    """

    def __init__(self, endpoint: str | None, timeout_seconds: float) -> None:
        proxy: dict[str, Any] = {"proxy_info": None} if endpoint else {}  # a stand-in is never behind a proxy
        # A column of equal cells packs a thousand to one: that is no attack here, and the size is bounded.
        limits = {"decode_limit_ratio": 0, "decode_limit_hard": MAX_ANSWER_BYTES}
        super().__init__(timeout=timeout_seconds, **limits, **proxy)
        self.follow_redirects = False
        self._root = urlsplit(endpoint) if endpoint else None
        self.traffic = Traffic()
        self.date: str | None = None
        """The Date header of the last answer, by which the machine's clock can be judged."""

    def request(
        self,
        uri: str,
        method: str = "GET",
        body: Any = None,
        headers: Any = None,
        redirections: int = 0,
        connection_type: Any = None,
    ) -> tuple[httplib2.Response, bytes]:
        parts = urlsplit(uri)
        is_api = parts.hostname in GOOGLE_HOSTS
        if is_api:
            self._count(parts.path, method, headers, body)
            if self._root is not None:
                path = self._root.path.rstrip("/") + parts.path
                uri = urlunsplit((self._root.scheme, self._root.netloc, path, parts.query, ""))
        self._drop_stale()
        with Deadline(WHOLE_CALL * float(self.timeout), self._cut) as deadline:
            try:
                response, content = super().request(uri, method, body, headers, redirections, connection_type)
            except Exception as error:
                self.close()  # what is left on the connection is not the next call's, and httplib2 would keep it
                if deadline.passed:
                    raise TimeoutError("the call took too long") from error
                raise
        if deadline.passed:  # cut at its very end: what came may not be all
            self.close()
            raise TimeoutError("the call took too long")
        self.date = response.get("date", self.date)
        if is_api:
            self.traffic.bytes_received += len(content)
        elif (failure := token_failure(response)) is not None:
            raise failure
        return response, content

    def _drop_stale(self) -> None:
        """Closes what the other side has closed since the last call, as servers do with idle connections: on one
        httplib2 sends a body in vain, and raises."""
        for connection in self.connections.values():
            if connection.sock is not None and _has_something_to_say(connection.sock):
                connection.close()

    def _cut(self) -> None:
        """Ends whatever is under way: the time-out of the sockets is one of silence, not of the whole call."""
        for connection in list(self.connections.values()):
            if connection.sock is not None:
                with suppress(OSError):
                    # Not SSLSocket's own: it drops the encryption first, and a body may just be on its way.
                    socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    def _count(self, path: str, method: str, headers: Any, body: Any) -> None:
        if call_kind(path, method, headers) == "read":
            self.traffic.reads += 1
        else:
            self.traffic.writes += 1
        self.traffic.bytes_sent += len(body or b"")


def call_kind(path: str, method: str, headers: Any) -> CallKind:
    """Which of Google's two quotas a call of Sheets counts for."""
    override = (headers or {}).get("x-http-method-override", method)
    return "read" if override == "GET" or path.endswith(_READS_BY_POST) else "write"


def _has_something_to_say(idle: socket.socket) -> bool:
    """True where a read would not wait: nothing was asked for, so that it is the end or an error."""
    poll = select.poll()
    poll.register(idle, select.POLLIN)
    return bool(poll.poll(0))
