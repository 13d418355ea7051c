"""`GET /metrics` on a TCP port of this machine, for a Prometheus that cannot ask a Unix socket; and nothing else.

Every user of the machine reaches the port, and so does every page that one of them looks at in a browser. So
nothing can be changed or asked here but the metrics, and a request that names another host than this machine is
refused: that is a page whose own name was made to mean this machine (DNS rebinding).
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from time import monotonic
from urllib.parse import urlsplit

import msgspec
from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from moneymentor_sync.core.errors import ConfigError
from moneymentor_sync.core.events import Emit

from . import paths
from .http_server import HttpServer, OpenApp
from .limits import Limits
from .refusals import INTERNAL, document, status_of

FRESH_SECONDS = 1.0
"""For so long an answer is given again: however many ask, the daemon renders once a second."""
_BACKLOG = 64
_FEW = Limits(connections=8)
"""One Prometheus or two; so that whoever floods the port leaves the descriptors to the channel and the syncs."""
_SAFE = {
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
}
"""No page of another origin may embed the answer, and no browser take it for anything but text."""


class MetricsPort:
    """Takes the port when it is made. Raises ConfigError where that cannot be had, saying what to do about it.

    `text` gives the metrics; it is called in the port's own thread. Fits `daemon.life.Channel`.
    """

    def __init__(
        self,
        address: tuple[str, int],
        text: Callable[[], str],
        emit: Emit,
        *,
        limits: Limits | None = None,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        self._socket = bound(address)
        self._server = HttpServer(
            "metrics", self._socket, _application(text, emit, clock), emit, limits=limits or _FEW
        )

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens; the port that the kernel chose where 0 was asked for."""
        host, port, *_ = self._socket.getsockname()
        return host, port

    def start(self) -> None:
        self._server.start()

    def look(self) -> bool:
        """A port is nobody else's for as long as the process has it."""
        return False

    def stop(self, timeout: float = 2.0) -> None:
        self._server.stop(timeout)
        self._socket.close()


def bound(address: tuple[str, int]) -> socket.socket:
    """A socket that listens there. Raises ConfigError."""
    host, port = address
    numeric = "127.0.0.1" if host == "localhost" else host  # what a name means is for others to say
    family = socket.AF_INET6 if ":" in numeric else socket.AF_INET
    try:
        made = socket.socket(family, socket.SOCK_STREAM)
    except OSError as error:
        raise _refused(host, port, error) from error
    try:
        made.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # what the last one left in TIME_WAIT is no matter
        made.bind((numeric, port))
        made.listen(_BACKLOG)
    except OSError as error:
        made.close()
        raise _refused(host, port, error) from error
    return made


def _refused(host: str, port: int, error: OSError) -> ConfigError:
    where = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return ConfigError(
        [f"metrics.listen: {where} cannot be had: {error.strerror}"],
        hint=f"See who listens there (`ss -ltnp 'sport = :{port}'`), and end that or set another port; the control "
        "socket has the metrics in any case.",
    )


def answers_for(host: str) -> bool:
    """Whether a Host header means this machine: no name but localhost does, whatever it resolves to."""
    try:
        name = urlsplit(f"//{host}").hostname
    except ValueError:
        return False
    if name in (None, "localhost"):
        return name is not None
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _application(text: Callable[[], str], emit: Emit, clock: Callable[[], float]) -> OpenApp:
    @contextmanager
    def opened(_stopping: asyncio.Event) -> Iterator[ASGIApp]:
        yield _Metrics(text, emit, clock)

    return opened


class _Metrics:
    """The ASGI application."""

    def __init__(self, text: Callable[[], str], emit: Emit, clock: Callable[[], float]) -> None:
        self._text = text
        self._emit = emit
        self._clock = clock
        self._kept = b""
        self._until = float("-inf")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._answer(scope)(scope, receive, send)

    def _answer(self, scope: Scope) -> Response:
        hosts = Headers(scope=scope).getlist("host")
        if not all(map(answers_for, hosts)):  # HTTP/1.0 has none, and no browser speaks that
            return _error("not_allowed", "this port answers only for this machine's own addresses", _HOST)
        if scope["path"] != paths.METRICS.path:
            return _error("not_found", "there is nothing here but /metrics", "The control socket has the rest.")
        if scope["method"] not in ("GET", "HEAD"):
            return _error("method_not_allowed", "metrics can only be read", "Use GET.", allow="GET, HEAD")
        try:
            found = self._fresh()
        except Exception as error:  # noqa: BLE001 - a bug: the log gets everything, the client that it happened
            self._emit("control.failed", path=scope["path"], error=type(error).__name__, exc_info=error)
            return _error(INTERNAL, "the daemon failed to answer", "Its log has the details.")
        return Response(found, headers={"content-type": paths.METRICS_TYPE, **_SAFE})

    def _fresh(self) -> bytes:
        now = self._clock()
        if now >= self._until:
            self._kept, self._until = self._text().encode(), now + FRESH_SECONDS
        return self._kept


_HOST = "Ask it as 127.0.0.1, [::1] or localhost; a proxy has to send one of these as the Host."


def _error(code: str, message: str, hint: str, **headers: str) -> Response:
    status: HTTPStatus = status_of(code)
    body = msgspec.json.encode(document(code, message, hint))
    return Response(body, status, {"content-type": paths.JSON, **_SAFE, **headers})
