"""Requests go first: while any is in flight, the sync stands back.

All that a request does here is to count itself in and out. A task of the event loop holds the sync off and lets
it go on; it may find no daemon, or one that hangs, and no request will know.
"""

from __future__ import annotations

from pathlib import Path

from .holding import Holding
from .lines import Service, line_to
from .protocol import App, Message, Receive, Scope, Send

RESUME_AFTER_SECONDS = 0.5
_LAST_WORDS = ("lifespan.shutdown.complete", "lifespan.shutdown.failed")


class RequestPriorityMiddleware:
    """ASGI middleware: `app.add_middleware(RequestPriorityMiddleware)`.

    `socket` is the daemon's (None: `MMSYNC_SOCKET`, or where `mmsync status` would look); with `service` it is the
    service in this process that stands back. The sync goes on `resume_after` seconds after the last response has
    been sent. Only HTTP counts: a websocket may stay open for hours. A request counts until its last byte was
    handed to the server, or the application has ended or raised, as it does when its client goes away.
    """

    def __init__(
        self,
        app: App,
        socket: Path | str | None = None,
        resume_after: float = RESUME_AFTER_SECONDS,
        *,
        service: Service | None = None,
    ) -> None:
        self._app = app
        self._holding = Holding(line_to(socket, service), resume_after)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await self._request(scope, receive, send)
        elif scope["type"] == "lifespan":
            await self._lifespan(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        count_out, counted = self._holding.count_in(), True

        async def sending(message: Message) -> None:
            nonlocal counted
            await send(message)
            if counted and _is_the_last(message):
                counted = False  # what the application still does after its answer keeps nobody waiting
                count_out()

        try:
            await self._app(scope, receive, sending)
        finally:
            if counted:
                count_out()

    async def _lifespan(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def sending(message: Message) -> None:
            if message["type"] in _LAST_WORDS:
                await self._holding.end()  # before: once the server knows, it ends the loop and all in it
            await send(message)

        try:
            await self._app(scope, receive, sending)
        finally:
            await self._holding.end()


def _is_the_last(message: Message) -> bool:
    """Whether the response is whole with it (also a file that the server itself sends)."""
    kind = message["type"]
    return kind == "http.response.pathsend" or (kind == "http.response.body" and not message.get("more_body"))
