"""What the tests of `asgi` share: a line to a daemon that keeps what it was asked, and requests by hand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from moneymentor_sync.asgi.lines import Answer, UnansweredError
from moneymentor_sync.asgi.protocol import App, Message, Receive, Scope, Send

HTTP: Scope = {"type": "http", "method": "GET", "path": "/"}
START: Message = {"type": "http.response.start", "status": 200, "headers": []}
BODY: Message = {"type": "http.response.body", "body": b"all"}


class Line:
    """A Service, too. `told` is what was asked: the simulated second, the last word of the path, and the body.

    `absent` is nobody who answers, `hangs` somebody who lets every call run into its time-out, `status` what is
    answered; `takes` seconds pass before it is.
    """

    def __init__(self) -> None:
        self.told: list[tuple[float, str, dict[str, Any]]] = []
        self.absent = False
        self.hangs = False
        self.raises: Exception | None = None
        self.status = 200
        self.takes = 0.0

    async def ask(self, method: str, path: str, body: bytes, *, timeout: float | None) -> Answer:
        assert method == "POST"
        now = asyncio.get_running_loop().time()
        self.told.append((round(now, 3), path.rpartition("/")[2], json.loads(body)))
        if self.raises is not None:
            raise self.raises
        if self.absent:
            raise UnansweredError("there is no daemon")
        if self.hangs:
            await asyncio.sleep(timeout or 1e9)
            raise UnansweredError("no answer in time")
        if self.takes:
            await asyncio.sleep(self.takes)
        return Answer(self.status, b"{}", "application/json")

    async def answer(self, method: str, path: str, body: bytes, *, timeout: float | None) -> Answer:
        return await self.ask(method, path, body, timeout=timeout)

    def times(self, what: str) -> list[float]:
        return [when for when, asked, _ in self.told if asked == what]

    @property
    def calls(self) -> list[tuple[float, str]]:
        return [(when, what) for when, what, _ in self.told]

    @property
    def holders(self) -> list[str]:
        return [body["holder"] for _, _, body in self.told]


class Sent:
    """A server's `send`; `seen` are the messages."""

    def __init__(self) -> None:
        self.seen: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.seen.append(message)


async def silence() -> Message:
    """A `receive` from which nothing comes."""
    return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


def taking(seconds: float) -> App:
    """An application whose every response takes so long."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.sleep(seconds)
        await send(START)
        await send(BODY)

    return app


def lifespan(*messages: str) -> tuple[Receive, Sent]:
    """What a server does at the start and the end of an application."""
    left = list(messages)

    async def receive() -> Message:
        return {"type": left.pop(0)}

    return receive, Sent()


async def obedient(scope: Scope, receive: Receive, send: Send) -> None:
    """An application that only has a lifespan."""
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def ask(app: App, send: Callable[[Message], Awaitable[None]] | None = None) -> None:
    """One request."""
    await app(dict(HTTP), silence, send or Sent())
