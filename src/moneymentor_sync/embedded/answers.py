"""The control channel's answers without a socket: its application, called in the same process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import MutableMapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from moneymentor_sync.control.app import Channel
from moneymentor_sync.control.async_client import Answer, UnansweredError
from moneymentor_sync.control.operator import Operator, Peer
from moneymentor_sync.control.peers import access_of
from moneymentor_sync.core.events import Emit
from moneymentor_sync.core.settings import ControlSettings

THREADS = 2
Message = MutableMapping[str, Any]


class Answers:
    """Asks an Operator as a client of the socket would; to be made, used and closed in one event loop."""

    def __init__(self, operator: Operator, emit: Emit) -> None:
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="mmsync-asked")
        self._stopping = asyncio.Event()
        own = os.geteuid()
        self._peer = Peer(os.getpid(), own, frozenset())
        self._app = Channel(operator, access_of(ControlSettings(), own), emit, self._pool, self._stopping).app()

    def close(self) -> None:
        """Who waits for a sync's end is told that it stops."""
        self._stopping.set()
        self._pool.shutdown(wait=False)

    async def ask(self, method: str, path: str, body: bytes, *, timeout: float | None) -> Answer:
        """The answer within so many seconds (None: however long). Raises UnansweredError."""
        exchange = _Exchange(body)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [(b"host", b"localhost"), (b"content-length", str(len(body)).encode())],
            "state": {"peer": self._peer},
        }
        answering = asyncio.ensure_future(self._app(scope, exchange.receive, exchange.send))
        try:
            await asyncio.wait((answering,), timeout=timeout)
            if not answering.done():
                raise UnansweredError("the service gave no answer in time")
            # A bug was logged where it happened; whoever asked gets what the socket would give.
            if answering.exception() is not None and not exchange.answered:
                raise UnansweredError("the service failed to answer")
        finally:
            answering.cancel()
        return exchange.answer()


class _Exchange:
    """One request and its answer."""

    def __init__(self, body: bytes) -> None:
        self._requests: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]
        self._status = 0
        self._content_type = ""
        self._body = bytearray()
        self.answered = False

    async def receive(self) -> Message:
        if self._requests:
            return self._requests.pop()
        return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # nobody goes away

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.answered = True
            self._status = message["status"]
            kinds = [value for name, value in message["headers"] if name == b"content-type"]
            self._content_type = kinds[0].decode("latin-1") if kinds else ""
        else:
            self._body += message.get("body", b"")

    def answer(self) -> Answer:
        return Answer(self._status, bytes(self._body), self._content_type)
