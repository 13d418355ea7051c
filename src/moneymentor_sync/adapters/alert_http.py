"""One request to an address of an alert: bounded in time, followed nowhere, and its failure told without the URL.

A redirect is an answer like any other that is no success: what stands in the address is for that host alone.
"""

from __future__ import annotations

import hashlib
import http.client
import socket
import ssl
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

import httplib2

from moneymentor_sync.core.errors import AlertError

from .deadline import Deadline

SECONDS = 10.0
"""For all of one request."""
_UNREACHED = "Check the host in `[alerts]`, and that this machine can reach it: `mmsync alerts test`."


def key_of(url: str) -> str:
    """Tells addresses apart, and gives none of them away."""
    return hashlib.sha256(url.encode()).hexdigest()[:16]


def host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


class OneRequest:
    """Sends one request at a time; `name` is how errors call the address. Not for several threads."""

    def __init__(self, name: str, *, seconds: float = SECONDS) -> None:
        self._name = name
        self._seconds = seconds
        self._too_long = f"no answer within {seconds:g} s"

    def ask(self, url: str, method: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> None:
        """Returns when the answer is a success. Raises AlertError."""
        proxy: dict[str, Any] = (
            {"proxy_info": None} if urlsplit(url).scheme == "http" else {}
        )  # this machine itself
        client = httplib2.Http(timeout=self._seconds, **proxy)
        client.follow_redirects = False
        deadline = Deadline(self._seconds, lambda: _cut(client))
        try:
            with deadline:
                response, _ = client.request(url, method, body, {"user-agent": "mmsync", **(headers or {})})
        except (httplib2.HttpLib2Error, http.client.HTTPException, OSError, ValueError) as error:
            why = self._too_long if deadline.passed or isinstance(error, TimeoutError) else _reason(error)
            raise AlertError(f"{self._name}: {why}", hint=_UNREACHED) from None  # its text may quote the URL
        finally:
            client.close()
        if deadline.passed:  # cut in the middle of the answer, which looks as if it had ended there
            raise AlertError(f"{self._name}: {self._too_long}", hint=_UNREACHED)
        self._judge(int(response.status))

    def _judge(self, status: int) -> None:
        if 200 <= status < 300:
            return
        if 300 <= status < 400:
            raise AlertError(
                f"{self._name}: it answers {status}: it has moved",
                hint="Put the new address into `[alerts]`: a secret in it is sent on to nobody else.",
            )
        hint = None
        if status in (401, 403, 404, 410):
            hint = "The address is not, or no longer, the right one: copy it anew from the service to `[alerts]`."
        raise AlertError(
            f"{self._name}: it answers {status} {http.client.responses.get(status, '')}".rstrip(), hint=hint
        )


def _cut(client: httplib2.Http) -> None:
    for connection in list(client.connections.values()):
        if connection.sock is not None:
            with suppress(OSError):
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)


def _reason(error: Exception) -> str:
    if isinstance(error, httplib2.ServerNotFoundError | socket.gaierror):
        return "its host name cannot be resolved"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return f"the connection failed ({type(error).__name__})"
