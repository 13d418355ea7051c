"""Asks a running daemon from an event loop: nothing in here blocks, and every exchange has an end."""

from __future__ import annotations

import asyncio
from contextlib import suppress
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


async def exchange(socket: Path, method: str, target: str, body: bytes = b"", *, timeout: float | None) -> Answer:
    """One request on a connection of its own, within so many seconds (None: however long the daemon takes).

    `target` is the path with its query. Raises UnansweredError.
    """
    try:
        async with asyncio.timeout(timeout):
            return await _exchange(socket, method, target, body)
    except (OSError, ValueError, TimeoutError, h11.RemoteProtocolError, EOFError) as error:
        raise UnansweredError(f"the daemon at {socket} gave no answer: {type(error).__name__}") from error


async def _exchange(socket: Path, method: str, target: str, body: bytes) -> Answer:
    reader, writer = await asyncio.open_unix_connection(str(socket))
    try:
        connection = h11.Connection(h11.CLIENT)
        headers = [("Host", "localhost"), ("Connection", "close"), ("Content-Length", str(len(body)))]
        head = connection.send(h11.Request(method=method, target=target, headers=headers))
        data = connection.send(h11.Data(data=body)) if body else b""
        writer.write((head or b"") + (data or b"") + (connection.send(h11.EndOfMessage()) or b""))
        await writer.drain()
        return await _answer(connection, reader)
    finally:
        # Not `close`: that would wait, for ever, for a daemon that does not read what was sent.
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def _answer(connection: h11.Connection, reader: asyncio.StreamReader) -> Answer:
    status, content_type, body = 0, "", bytearray()
    while True:
        event = connection.next_event()
        if event is h11.NEED_DATA:
            connection.receive_data(await reader.read(_CHUNK))
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
