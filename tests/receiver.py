"""A real HTTP server on loopback for those who send: it writes down what it gets, and answers as it is told."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

PATIENCE = 60.0


@dataclass(frozen=True)
class Got:
    """A request; `path` with its query."""

    method: str
    path: str
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body)
        return found


class Receiver:
    """Answers with the `statuses` one after the other, the last one for ever. While it is held, it
    answers nothing."""

    def __init__(
        self, statuses: Sequence[int] = (200,), location: str = "", certificate: Path | None = None
    ) -> None:
        self.statuses, self.location = list(statuses), location
        self.got: list[Got] = []
        self.free = threading.Event()
        self.free.set()
        self.held = 0
        self._changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def _take(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                status = receiver.take(Got(self.command, self.path, body, headers))
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("location", receiver.location)
                self.send_header("content-length", "0")
                self.end_headers()

            do_GET = do_POST = _take  # noqa: N815 - the library's names

            def handle(self) -> None:
                with suppress(OSError):  # who does not trust the certificate goes away
                    super().handle()

            def log_message(self, *_args: Any) -> None:
                """Nobody reads it."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self._server.server_address[1]}"

    def hold(self) -> None:
        self.free.clear()

    def take(self, got: Got) -> int:
        """Writes it down; gives the status that it is answered with."""
        with self._changed:
            self.got.append(got)
            self.held += 1
            status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
            self._changed.notify_all()
        self.free.wait(PATIENCE)
        with self._changed:
            self.held -= 1
        return status

    def until(self, condition: Callable[[list[Got]], object], what: str) -> list[Got]:
        """Waits until what it has got fulfils the condition."""
        with self._changed:
            assert self._changed.wait_for(lambda: condition(self.got), PATIENCE), f"{what}: {self.got}"
            return list(self.got)

    @property
    def events(self) -> list[str]:
        """What the messages among it were."""
        return [one.json["event"] for one in self.got if one.method == "POST"]


@contextmanager
def receiving(
    statuses: Sequence[int] = (200,), location: str = "", certificate: Path | None = None
) -> Iterator[Receiver]:
    receiver = Receiver(statuses, location, certificate)
    thread = threading.Thread(target=receiver._server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.free.set()
        receiver._server.shutdown()
        receiver._server.server_close()
        thread.join(PATIENCE)
