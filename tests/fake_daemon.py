"""A daemon's control channel for tests of its clients: real HTTP on a real Unix socket, with scripted answers."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

Answer = tuple[int, dict[str, Any]]
Script = Callable[[str, dict[str, Any]], Answer]
"""Takes what was asked (`POST /sync/force`) and the body, and gives status and document."""


class FakeDaemon(socketserver.ThreadingUnixStreamServer):
    """Serves `script` on `path`; keeps what it was asked."""

    daemon_threads = True

    def __init__(self, path: Path, script: Script) -> None:
        self.script = script
        self.asked: list[tuple[str, dict[str, Any]]] = []
        super().__init__(str(path), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: FakeDaemon
    protocol_version = "HTTP/1.1"

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server calls it
        """Nothing is logged."""

    def _answer(self) -> None:
        size = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(size)) if size else {}
        what = f"{self.command} {self.path}"
        self.server.asked.append((what, body))
        status, document = self.server.script(what, body)
        raw = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(raw)
        self.close_connection = True

    do_GET = do_POST = _answer  # noqa: N815 - the names that http.server looks for


@contextmanager
def fake_daemon(path: Path, script: Script) -> Iterator[FakeDaemon]:
    """Serves while the block runs; the socket is gone afterwards."""
    server = FakeDaemon(path, script)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
        path.unlink(missing_ok=True)
