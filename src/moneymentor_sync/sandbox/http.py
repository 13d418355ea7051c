"""The sockets: HTTP/1.1 with keep-alive on loopback, gzip, and the faults that a connection can suffer."""

from __future__ import annotations

import gzip
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, TypeAlias

from .faults import Fault
from .messages import Request, Response

if TYPE_CHECKING:
    from socketserver import BaseServer

Handler: TypeAlias = Callable[[Request], "tuple[Response, Fault | None]"]

_LOOPBACK = frozenset(("127.0.0.1", "localhost", "[::1]"))
_GZIP_FROM = 512
_GZIP_LEVEL = 1
_HARD_LIMIT = 64 * 1024 * 1024
_IDLE_SECONDS = 300


def is_loopback(host: str | None) -> bool:
    """Whether a Host header (or an origin's host) names this machine: refuses DNS rebinding."""
    if not host:
        return False
    name = host.rpartition(":")[0] if ":" in host and not host.endswith("]") else host
    return name.lower() in _LOOPBACK


class _Exchange(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = _IDLE_SECONDS
    wbufsize = 1 << 16
    server: Server

    def version_string(self) -> str:
        return "ESF"

    def _serve(self) -> None:
        body = self._body()
        if body is None:
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        if not self._is_local(headers):
            self._send(Response(403, b"This server only answers requests to loopback names.\n", "text/plain"))
            return
        response, fault = self.server.handler(Request.of(self.command, self.path, headers, body))
        if fault is not None and fault.kind == "refuse":
            self.close_connection = True
            self.server.unplug()
            return
        if fault is not None and fault.kind.startswith(("reset", "close")):
            self._drop(reset=fault.kind.startswith("reset"))
            return
        half = fault is not None and fault.kind == "truncate"
        self._send(response, half=half, gzipped="gzip" in headers.get("accept-encoding", ""))

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _serve  # noqa: N815 - the names http.server asks for

    @staticmethod
    def _is_local(headers: dict[str, str]) -> bool:
        origin = headers.get("origin")
        if origin and not is_loopback(origin.partition("://")[2]):
            return False
        return is_loopback(headers.get("host"))

    def _body(self) -> bytes | None:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return self._chunks()
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > _HARD_LIMIT:
            self.close_connection = True
            self._send(Response(413, b"Request too large.\n", "text/plain"))
            return None
        data = self.rfile.read(int(length))
        if len(data) < int(length):
            self.close_connection = True
            return None
        return data

    def _chunks(self) -> bytes | None:
        parts: list[bytes] = []
        total = 0
        while True:
            line = self.rfile.readline(1024).split(b";")[0].strip()
            try:
                size = int(line, 16)
            except ValueError:
                self.close_connection = True
                return None
            total += size
            if total > _HARD_LIMIT:
                self.close_connection = True
                return None
            if size == 0:
                while self.rfile.readline(65_536).strip():
                    pass
                return b"".join(parts)
            parts.append(self.rfile.read(size))
            self.rfile.readline(3)

    def _send(self, response: Response, *, half: bool = False, gzipped: bool = False) -> None:
        body = response.body
        self.send_response(response.status)
        if response.status != 204:
            self.send_header("Content-Type", response.content_type)
        for name, value in response.headers.items():
            self.send_header(name, value)
        if gzipped and len(body) >= _GZIP_FROM:
            body = gzip.compress(body, _GZIP_LEVEL, mtime=0)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Vary", "Origin, X-Origin, Referer")
        if response.status != 204:
            self.send_header("Content-Length", str(len(body)))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if half:
            body = body[: len(body) // 2]
            self.close_connection = True
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()

    def _drop(self, *, reset: bool) -> None:
        self.close_connection = True
        if reset:
            self.server.reset(self.connection)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Nothing: the sandbox has a log of its own."""

    def handle(self) -> None:
        try:
            super().handle()
        except (ConnectionError, TimeoutError):
            self.close_connection = True


class Server(ThreadingHTTPServer):
    """Listens on 127.0.0.1; `handler` turns requests into answers."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, port: int, handler: Handler) -> None:
        self.handler = handler
        self._open: set[socket.socket] = set()
        self._reset: set[socket.socket] = set()
        self._guard = threading.Lock()
        super().__init__(("127.0.0.1", port), _Exchange)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def reset(self, connection: socket.socket) -> None:
        """Has the connection end with an RST."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        with self._guard:
            self._reset.add(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        with self._guard:
            self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        with self._guard:
            self._open.discard(request)
            abort = request in self._reset
            self._reset.discard(request)
        if abort:
            request.close()
        else:
            super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that broke is the client's business; anything else is a bug and is shown."""
        super().handle_error(request, client_address)

    def unplug(self) -> None:
        """Nobody listens any more: open connections end without an answer, new ones are refused."""
        self.shutdown()
        self.socket.close()
        self._end_connections()

    def plug_in(self) -> None:
        """Listens again on the same port, after `unplug`."""
        self.socket = socket.socket(self.address_family, self.socket_type)
        self.server_bind()
        self.server_activate()
        serve_in_thread(self)

    def stop(self) -> None:
        """Stops accepting and ends the open connections."""
        self.shutdown()
        self._end_connections()
        self.server_close()

    def _end_connections(self) -> None:
        with self._guard:
            connections = list(self._open)
        for connection in connections:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                continue


def serve_in_thread(server: BaseServer) -> threading.Thread:
    """Runs a server in a thread of its own."""
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), name="sandbox-http", daemon=True)
    thread.start()
    return thread
