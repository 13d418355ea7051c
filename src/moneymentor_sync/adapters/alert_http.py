"""One request to an address of an alert: bounded in time, followed nowhere, and its failure told without the URL.

A redirect is an answer like any other that is no success: what stands in the address is for that host alone. A user
and a password in it are sent as basic authentication, as curl does.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import socket
import ssl
from contextlib import suppress
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

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
        bare, login = _without_login(url)
        sent = {"user-agent": "mmsync", **login, **(headers or {})}
        try:
            with deadline:
                response, _ = client.request(bare, method, body, sent, connection_type=_kind_of(bare))
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


class _Once:
    """A connection that is made once: httplib2 would ask a second time where the first gave no answer, and who has
    taken a message in already would get it again."""

    _made = False

    def connect(self) -> None:
        if self._made:
            raise http.client.RemoteDisconnected("once")
        super().connect()  # type: ignore[misc]  # of the connection that it is mixed into
        self._made = True


class _Plain(_Once, httplib2.HTTPConnectionWithTimeout):  # type: ignore[misc]  # httplib2 has no types
    pass


class _Secure(_Once, httplib2.HTTPSConnectionWithTimeout):  # type: ignore[misc]
    pass


def _kind_of(url: str) -> type[_Once]:
    return _Plain if urlsplit(url).scheme == "http" else _Secure


def _without_login(url: str) -> tuple[str, dict[str, str]]:
    """The URL without user and password, and the header that says them."""
    parts = urlsplit(url)
    user, at, host = parts.netloc.rpartition("@")
    if not at:
        return url, {}
    words = ":".join(unquote(one) for one in user.partition(":")[::2])
    token = base64.b64encode(words.encode()).decode()
    return urlunsplit(parts._replace(netloc=host)), {"authorization": f"Basic {token}"}


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
    if isinstance(error, http.client.RemoteDisconnected):
        return "it gave no answer"
    return f"the connection failed ({type(error).__name__})"
