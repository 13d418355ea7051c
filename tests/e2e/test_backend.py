"""The FastAPI backend on PostgreSQL beside `mmsync run`, each a process of its own."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.control.client import ControlClient
from moneymentor_sync.core.errors import MmsyncError
from moneymentor_sync.sandbox import Sandbox
from tests.databases import PostgresqlServer, WritableDatabase
from tests.moneymentor import SCHEMA, fill_sql

PATIENCE = 60.0
ROOT = Path(__file__).resolve().parents[2]
OPERATOR = {"authorization": "Bearer operator"}
_CONFIG = """
[database]
url = {url}
[google]
spreadsheet_id = "{box.spreadsheet_id}"
credentials_file = "{box.credentials_file}"
api_endpoint = "{box.url}"
[sync]
interval_seconds = 3600
[state]
path = "{folder}/state.db"
[control]
socket = "{folder}/control.sock"
"""


class Street:
    """A backend's database, a stand-in of Google, and the processes that were started over them."""

    def __init__(self, folder: Path, database: WritableDatabase, box: Sandbox) -> None:
        self.folder, self.database, self.box = folder, database, box
        self.socket = folder / "control.sock"
        self.config = folder / "sync.toml"
        self.config.write_text(_CONFIG.format(url=json.dumps(database.url), box=box, folder=folder))
        self.client = ControlClient(self.socket)
        self.daemon: subprocess.Popen[bytes] | None = None
        self._processes: list[subprocess.Popen[Any]] = []

    def start_daemon(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "moneymentor_sync", "run", "-c", str(self.config)]
        with (self.folder / "daemon.log").open("ab") as log:
            self.daemon = subprocess.Popen(command, stderr=log, env={"HOME": str(self.folder), "PATH": "/bin"})
        self._processes.append(self.daemon)
        self.until(lambda: self.status() and self.status()["statistics"]["total_syncs"], "a first sync")
        return self.daemon

    def start_backend(self, **settings: Any) -> Backend:
        given = {"database_url": self.database.url, "socket": str(self.socket), "config": str(self.config)}
        command = [sys.executable, "-m", "tests.backend", json.dumps(given | settings)]
        environment = {**os.environ, "HOME": str(self.folder)}
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=environment)
        self._processes.append(process)
        assert process.stdout is not None
        with process.stdout:
            return Backend(process, json.loads(process.stdout.readline())["port"])

    def status(self) -> dict[str, Any]:
        try:
            return self.client.status()
        except MmsyncError:
            return {}

    def until(self, condition: Callable[[], object], what: str) -> None:
        pause = threading.Event()
        for _ in range(int(PATIENCE / 0.02)):
            if condition():
                return
            pause.wait(0.02)
        raise AssertionError(f"not within {PATIENCE:g} s: {what}")

    def emails(self) -> set[str]:
        header, *rows = self.box.grid(self.box.spreadsheet_id, "UserProfiles")
        return {str(row[header.index("email")]) for row in rows if row}

    def end(self) -> None:
        for process in self._processes:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait(PATIENCE)


class Backend:
    def __init__(self, process: subprocess.Popen[Any], port: int) -> None:
        self.process, self.port = process, port

    def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Status and body, which is JSON where it can be."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            raw = None if body is None else json.dumps(body)
            connection.request(method, path, raw, {"content-type": "application/json", **(headers or {})})
            answer = connection.getresponse()
            text = answer.read().decode()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, text

    @contextlib.contextmanager
    def stream(self) -> Iterator[None]:
        """An answer that has begun, and goes on until the client leaves."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        with contextlib.closing(connection):
            connection.request("GET", "/slow")
            with connection.getresponse() as answer:
                assert answer.status == 200
                yield

    def sign_up(self, name: str) -> None:
        person = {"email": f"{name}@example.org", "first_name": name, "last_name": "New"}
        assert self.ask("POST", "/users", person) == (200, {"ok": True})


@pytest.fixture
def street(tmp_path: Path, postgresql_server: PostgresqlServer) -> Iterator[Street]:
    database = postgresql_server.new_database()
    database.run(*SCHEMA, *fill_sql(20, 2))
    with Sandbox(tmp_path / "sheets") as box:
        made = Street(tmp_path, database, box)
        try:
            yield made
        finally:
            made.end()


def test_a_sign_up_that_tells_of_itself_is_in_the_sheet_without_waiting_for_the_interval(street: Street) -> None:
    street.start_daemon()
    backend = street.start_backend(sync="daemon", tells=True)
    backend.sign_up("ada")
    street.until(lambda: "ada@example.org" in street.emails(), "the new user's row")
    status, profile = backend.ask("GET", "/users/ada@example.org")
    assert (status, profile["email"]) == (200, "ada@example.org")


def test_requests_hold_the_sync_off_and_let_it_go_on_however_they_end(street: Street) -> None:
    street.start_daemon()
    backend = street.start_backend(sync="daemon", resume_after=0.05)
    for path in ("/users/user1@example.org", "/chat/user1@example.org?words=5", "/users/nobody", "/broken"):
        backend.ask("GET", path)
        street.until(lambda: not street.status()["paused_for_requests"], f"nothing holds it after {path}")
    # A streamed answer counts until its end, and a client that leaves in the middle of it ends it, too.
    with backend.stream():
        street.until(lambda: street.status()["paused_for_requests"], "a stream holds it")
    street.until(lambda: not street.status()["paused_for_requests"], "the client has gone")


def test_two_workers_hold_and_let_go_each_for_itself(street: Street) -> None:
    street.start_daemon()
    one, other = (street.start_backend(sync="daemon", resume_after=0.05) for _ in range(2))
    with other.stream():
        with one.stream():
            street.until(lambda: len(street.status()["holds"]) == 2, "two holders")
            assert len({hold["holder"] for hold in street.status()["holds"]}) == 2
        street.until(lambda: len(street.status()["holds"]) == 1, "one of them has let go")
        assert street.status()["paused_for_requests"]
        other.process.kill()  # it can say nothing any more
    street.until(lambda: not street.status()["paused_for_requests"], "the hold of a process that died ends")


def test_a_backend_does_not_notice_that_the_daemon_is_missing_hangs_or_dies(street: Street) -> None:
    backend = street.start_backend(sync="daemon", tells=True)
    backend.sign_up("before")  # there is no daemon yet
    daemon = street.start_daemon()
    assert "before@example.org" in street.emails()
    daemon.send_signal(signal.SIGSTOP)
    backend.sign_up("stopped")  # it listens, and never answers
    assert backend.ask("GET", "/sync/status", headers=OPERATOR)[0] == 503
    daemon.send_signal(signal.SIGCONT)
    street.until(lambda: "stopped@example.org" in street.emails(), "what it was told while it hung")
    daemon.kill()
    daemon.wait(PATIENCE)
    backend.sign_up("killed")
    street.start_daemon()
    street.until(lambda: "killed@example.org" in street.emails(), "what changed while none ran")


def test_the_mounted_endpoints_answer_as_the_daemon_does(street: Street) -> None:
    street.start_daemon()
    backend = street.start_backend(sync="daemon")
    assert backend.ask("GET", "/sync/status")[0] == 403
    status, found = backend.ask("GET", "/sync/status", headers=OPERATOR)
    assert status == 200 and found.keys() == street.status().keys()
    status, found = backend.ask("POST", "/sync/force", {"wait": True}, OPERATOR)
    assert status == 200 and found["ok"]
    assert backend.ask("POST", "/sync/force", {"datasets": ["nothing"]}, OPERATOR)[0] == 422
    assert backend.ask("POST", "/sync/disable", {"reason": "a test"}, OPERATOR)[1]["sync_enabled"] is False
    assert street.status()["sync_enabled"] is False
    assert backend.ask("POST", "/sync/enable", {}, OPERATOR)[1]["sync_enabled"] is True
    assert backend.ask("POST", "/sync/reload", {}, OPERATOR)[0] == 404  # not for a backend's clients


def test_the_service_in_the_backend_does_the_same(street: Street) -> None:
    backend = street.start_backend(sync="service", tells=True, resume_after=0.05)
    status, found = backend.ask("POST", "/sync/force", {"wait": True}, OPERATOR)
    assert status == 200 and found["ok"], found
    backend.sign_up("ada")
    street.until(lambda: "ada@example.org" in street.emails(), "the new user's row")
    backend.process.terminate()
    assert backend.process.wait(PATIENCE) in (0, -signal.SIGTERM)
