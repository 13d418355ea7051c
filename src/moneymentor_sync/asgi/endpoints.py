"""The daemon's endpoints as an ASGI application, to be mounted into a backend: its bodies, its statuses.

What a backend's clients may reach is less than what the socket offers: status, force, enable and disable.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path
from typing import Any

import msgspec

from .lines import Answer, Line, Service, UnansweredError, line_to
from .protocol import App, Receive, Scope, Send

Authorize = Callable[[Scope], Awaitable[bool]]
METHODS = {"status": "GET", "force": "POST", "enable": "POST", "disable": "POST"}
MAX_BODY_BYTES = 64 * 1024
ANSWER_SECONDS = 5.0
"""How long the daemon may be silent: also while a forced sync is waited for, which takes as long as it takes."""


class _GoneError(Exception):
    """The client closed the connection: nobody is there for an answer."""


class _TooLargeError(Exception):
    pass


def sync_endpoints(
    *, authorize: Authorize, socket: Path | str | None = None, service: Service | None = None
) -> App:
    """An application with `GET /status` and `POST /force`, `/enable`, `/disable` below where it is mounted.

    `authorize` says from the ASGI scope (headers, `user`, `session`, …) whether a request may pass: only `True`
    does. There is no default, so that nobody is let in by mistake; what it raises goes to the framework around
    (an HTTPException with 401, for example). `socket` and `service` are those of RequestPriorityMiddleware.
    Where nobody answers, the answer is 503.
    """
    if not callable(authorize):
        raise TypeError("authorize must be an async function that takes the ASGI scope and returns a bool")
    line = line_to(socket, service)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1003})
        if scope["type"] != "http":
            return
        allowed = await authorize(scope)
        try:
            answer = await _answer(scope, receive, line) if allowed is True else _NOT_ALLOWED
        except _GoneError:
            return
        await _send(send, answer, scope)

    return application


async def _answer(scope: Scope, receive: Receive, line: Line) -> Answer:
    name, method = _path(scope), scope["method"]
    if name not in METHODS:
        return _error(404, "not_found", "there is no such path", f"There are: {', '.join(METHODS)}.")
    if method not in _allowed(name):
        return _error(405, "method_not_allowed", f"{method} is not for this", f"Use {METHODS[name]}.")
    try:
        body = await _body(receive)
        return await _unless_gone(_ask(line, name, body), receive)
    except _TooLargeError:
        return _error(413, "too_large", "the body is larger than 64 KiB", "Send less.")
    except UnansweredError:
        return _error(
            503,
            "not_running",
            "the sync daemon does not answer",
            "Start it (`mmsync run`, or `systemctl start mmsync`), or ask again in a moment.",
        )


def _path(scope: Scope) -> str:
    """The path below the mount.

    Servers and frameworks give `path` with `root_path` at its front, or without; or with only the end of it,
    where a proxy took the rest away and the framework added the mount.
    """
    path: str = scope["path"]
    root: str = scope.get("root_path", "").rstrip("/")
    ends = (root[at:] for at, letter in enumerate(root) if letter == "/")
    below = next((end for end in ends if path.startswith(f"{end}/")), "")
    return path.removeprefix(below).removeprefix("/")


def _allowed(name: str) -> tuple[str, ...]:
    return ("GET", "HEAD") if METHODS[name] == "GET" else (METHODS[name],)


async def _ask(line: Line, name: str, body: bytes) -> Answer:
    if name == "force":
        return await _forced(line, body)
    return await line.ask(METHODS[name], f"/sync/{name}", body, timeout=ANSWER_SECONDS)


async def _forced(line: Line, body: bytes) -> Answer:
    """The answer, however long the sync takes that it may wait for, while the daemon answers at all."""
    asked = asyncio.ensure_future(line.ask("POST", "/sync/force", body, timeout=None))
    try:
        while not (await asyncio.wait((asked,), timeout=ANSWER_SECONDS))[0]:
            await line.ask("GET", "/sync/status", b"", timeout=ANSWER_SECONDS)
        return asked.result()
    finally:
        await _end(asked)


async def _unless_gone(asking: Awaitable[Answer], receive: Receive) -> Answer:
    """The answer; or _GoneError as soon as the client has closed the connection."""
    answer, gone = asyncio.ensure_future(asking), asyncio.ensure_future(_disconnected(receive))
    try:
        await asyncio.wait((answer, gone), return_when=asyncio.FIRST_COMPLETED)
        if not answer.done():
            gone.result()  # raises what the server raised
            raise _GoneError
        return answer.result()
    finally:
        await _end(answer, gone)


async def _end(*tasks: asyncio.Future[Any]) -> None:
    """Ends what nobody waits for any more, and leaves nothing of it behind."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _body(receive: Receive) -> bytes:
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise _TooLargeError
        if not message.get("more_body"):
            return bytes(body)


def _error(status: int, code: str, message: str, hint: str = "") -> Answer:
    body = msgspec.json.encode({"error": {"code": code, "message": message, "hint": hint}})
    return Answer(status, body, "application/json")


_NOT_ALLOWED = _error(403, "not_allowed", "this is not allowed to you")


async def _send(send: Send, answer: Answer, scope: Scope) -> None:
    kind = answer.content_type or "application/json"
    headers = [
        (b"content-type", kind.encode("latin-1")),
        (b"content-length", str(len(answer.body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers.append((b"allow", ", ".join(_allowed(_path(scope))).encode()))  # RFC 9110, 15.5.6: it must
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else answer.body})
