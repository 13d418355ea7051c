"""What the tests of the control channel share: a daemon that keeps what it was told, and a client without manners.

Also a program: `python -m tests.contract.control_double SOCKET` serves such a daemon until it is killed.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from moneymentor_sync.control.limits import Limits
from moneymentor_sync.control.operator import Accepted, Document, Peer
from moneymentor_sync.control.server import ControlServer
from moneymentor_sync.control.socket_file import SocketFile
from moneymentor_sync.core.errors import UnknownDatasetError
from moneymentor_sync.core.settings import ControlSettings

PATIENCE = 30.0
"""Seconds after which a test gives up: generous, since nothing here is about speed."""
KNOWN = ("user_profiles", "quiz_responses")


class Double:
    """An Operator. `told` is what was asked, `raises` an error for every change, `hold` what a change waits for."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.by: list[Peer | None] = []
        self.raises: Exception | None = None
        self.hold: threading.Event | None = None
        self.slow_metrics: threading.Event | None = None
        self.holding = threading.Event()
        self.done: Future[Document] = Future()
        self.forced = threading.Semaphore(0)
        self.is_healthy = True
        self.answer: Document = {"is_running": True}
        self.runs: Document = {"runs": []}

    def status(self) -> Document:
        return self.answer

    def healthy(self) -> tuple[bool, Document]:
        return self.is_healthy, {"status": "healthy" if self.is_healthy else "degraded", "reason": "so"}

    def metrics(self) -> str:
        if self.slow_metrics is not None:
            self.holding.set()
            self.slow_metrics.wait(PATIENCE)
        return "mmsync_up 1\n"

    def history(self, dataset: str | None, limit: int) -> Document:
        self._note(None, "history", dataset, limit, datasets=[dataset] if dataset else None)
        return self.runs

    def cluster(self) -> Document:
        self._note(None, "cluster")
        return {"fleet": "default", "members": []}

    def force(self, datasets: Sequence[str] | None, *, allow_deletes: bool, by: Peer | None) -> Accepted:
        self._note(by, "force", datasets, allow_deletes, datasets=datasets)
        self.forced.release()
        return Accepted("run-1", self.done)

    def enable(
        self, datasets: Sequence[str] | None, *, reason: str | None, for_seconds: float | None, by: Peer | None
    ) -> Document:
        self._note(by, "enable", datasets, datasets=datasets)
        return {"sync_enabled": True, "datasets": {}}

    def disable(
        self, datasets: Sequence[str] | None, *, reason: str | None, for_seconds: float | None, by: Peer | None
    ) -> Document:
        self._note(by, "disable", datasets, reason, for_seconds, datasets=datasets)
        return {"sync_enabled": False, "datasets": {}}

    def pause(self, holder: str, ttl_seconds: float, *, by: Peer | None) -> Document:
        self._note(by, "pause", holder, ttl_seconds)
        return {"paused_for_requests": True, "expires_in_seconds": ttl_seconds}

    def resume(self, holder: str, *, by: Peer | None) -> Document:
        self._note(by, "resume", holder)
        return {"paused_for_requests": False}

    def notify(self, dataset: str, *, reason: str | None, by: Peer | None) -> Document:
        self._note(by, "notify", dataset, reason, datasets=[dataset])
        return {"accepted": True}

    def reload(self, *, by: Peer | None) -> Document:
        self._note(by, "reload")
        return {"reloaded": True, "changed": [], "needs_restart": []}

    def _note(self, by: Peer | None, *what: Any, datasets: Sequence[str] | None = None) -> None:
        for name in datasets or ():
            if name not in KNOWN:
                raise UnknownDatasetError(f"there is no dataset {name}", hint=f"There are {', '.join(KNOWN)}.")
        if self.raises is not None:
            raise self.raises
        if self.hold is not None:
            self.holding.set()
            self.hold.wait(PATIENCE)
        self.told.append(what)
        self.by.append(by)


class Events:
    """An `emit` that keeps its events."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, dict[str, Any]]] = []

    def __call__(self, event: str, **fields: Any) -> None:
        self.seen.append((event, fields))

    def named(self, event: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.seen if name == event]


class Served:
    """A running channel: its daemon, its events, and ways to ask it."""

    def __init__(self, path: Path, operator: Double, events: Events, server: ControlServer) -> None:
        self.path = path
        self.operator = operator
        self.events = events
        self.server = server

    def ask(self, method: str, target: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """Status and JSON of one request; `body` is sent as it is where it is bytes, else as JSON."""
        answer, raw = self.answer(method, target, body, **headers)
        return answer.status, json.loads(raw) if raw else None

    def answer(
        self, method: str, target: str, body: Any = None, **headers: str
    ) -> tuple[http.client.HTTPResponse, bytes]:
        raw = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("localhost")
        connection.sock = connect(self.path)
        try:
            connection.request(method, target, raw, headers)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()


@contextmanager
def serving(
    path: Path,
    *,
    limits: Limits | None = None,
    settings: ControlSettings | None = None,
    operator: Double | None = None,
) -> Iterator[Served]:
    """A channel at `path`, stopped at the end."""
    operator = operator or Double()
    events = Events()
    with SocketFile(path) as file:
        server = ControlServer(operator, file.socket, settings or ControlSettings(), events, limits=limits)
        server.start()
        try:
            yield Served(path, operator, events, server)
        finally:
            assert server.stop(PATIENCE)


def connect(path: Path) -> socket.socket:
    """A raw connection that gives up after PATIENCE."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.settimeout(PATIENCE)
    try:
        found.connect(str(path))
    except OSError:
        found.close()
        raise
    return found


def everything(connected: socket.socket) -> bytes:
    """What comes until the other end closes."""
    found = bytearray()
    with suppress(ConnectionResetError):
        while piece := connected.recv(65536):
            found += piece
    return bytes(found)


def one_answer(connected: socket.socket) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the next answer; the connection may stay open."""
    answer = http.client.HTTPResponse(connected)
    answer.begin()
    return answer.status, dict(answer.getheaders()), answer.read()


def statuses(raw: bytes) -> list[int]:
    """The statuses of the answers in what came."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3}) ", raw)]


if __name__ == "__main__":
    with serving(Path(sys.argv[1])):
        sys.stdout.write("serving\n")
        sys.stdout.flush()
        sys.stdin.read()
