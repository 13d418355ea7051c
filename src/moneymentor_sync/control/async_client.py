"""Asks a running daemon from an event loop: nothing in here blocks, and every exchange has an end."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from pathlib import Path

import h11

MAX_ANSWER_BYTES = 16_000_000
_CHUNK = 65_536


class UnansweredError(Exception):
    """Nobody listens, or no whole answer came in time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the daemon said: the status and the body, mostly JSON."""

    status: int
    body: bytes
    content_type: str


async def exchange(path: Path, method: str, target: str, body: bytes = b"", *, timeout: float | None) -> Answer:
    """One request on a connection of its own, within so many seconds (None: however long the daemon takes).

    `target` is the path with its query. Raises UnansweredError.
    """
    try:
        async with asyncio.timeout(timeout):
            return await _exchange(path, method, target, body)
    except (OSError, ValueError, TimeoutError, h11.RemoteProtocolError, EOFError) as error:
        raise UnansweredError(f"the daemon at {path} gave no answer: {type(error).__name__}") from error


async def _exchange(path: Path, method: str, target: str, body: bytes) -> Answer:
    # Not asyncio's streams: what this takes of the event loop's time, requests wait for, and they take twice that.
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connected:
        connected.setblocking(False)
        await loop.sock_connect(connected, str(path))
        head = f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        await loop.sock_sendall(connected, f"{head}Content-Length: {len(body)}\r\n\r\n".encode("ascii") + body)
        return await _answer(connected)


async def _answer(connected: socket.socket) -> Answer:
    loop = asyncio.get_running_loop()
    first = await loop.sock_recv(connected, _CHUNK)
    connection = h11.Connection(h11.CLIENT)
    connection.send(h11.Request(method="GET", target="/", headers=[("Host", "localhost")]))
    connection.send(h11.EndOfMessage())
    connection.receive_data(first)
    status, content_type, body = 0, "", bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await loop.sock_recv(connected, _CHUNK))
        elif isinstance(event, h11.Response):
            status = event.status_code
            content_type = next((v.decode("latin-1") for n, v in event.headers if n == b"content-type"), "")
        elif isinstance(event, h11.Data):
            body += event.data
            if len(body) > MAX_ANSWER_BYTES:
                raise EOFError
        elif isinstance(event, h11.EndOfMessage):
            return Answer(status, bytes(body), content_type)
        elif not isinstance(event, h11.InformationalResponse):  # closed before the end
            raise EOFError
