"""A real daemon under attack: what every answer of its must be, what it may cost, and that it goes on.

`besieged` gives one that syncs every second and as soon as its database changes. `Besieged.survives` is what has to
hold after any attack.
"""

from __future__ import annotations

import itertools
import json
import re
import resource
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import jsonschema_rs

from moneymentor_sync.control.openapi import description
from moneymentor_sync.control.refusals import status_of
from moneymentor_sync.control.server import THREADS
from moneymentor_sync.core.errors import ControlError
from moneymentor_sync.sandbox import Sandbox
from tests.contract.control_double import connect, everything
from tests.e2e.test_daemon import PATIENCE, House

T = TypeVar("T")
STATUS = b"GET /sync/status HTTP/1.1\r\nHost: x\r\n\r\n"
SECRET = "Xyzzy-4711-secret"
"""What attackers put into whatever they send; it may not get into the log."""
FEW = 4
"""Descriptors and threads that come and go, or are made when they are first needed, whoever asks: a connection to
Google or the state file, one of the scheduler's threads. What an attack leaves behind would be many."""
RSS_GROWTH_KB = 48 * 1024
"""What an attack may add to the daemon's memory, for a moment and afterwards: 256 connections with a body each, and
what Python and malloc keep of that, come to less."""
LINES_OF_AN_ATTACK = 20
"""Log lines about the channel that an attack may cause, however long it lasts."""
SERVED = {200, 202}
REFUSED = {400, 403, 404, 405, 408, 409, 413, 422, 431, 503}
"""Neither a bug (500) nor anything else is ever answered."""

_ERROR = jsonschema_rs.validator_for(description()["components"]["schemas"]["Error"])
_HEAD = re.compile(rb"HTTP/1\.1 (\d{3}) [A-Za-z ]+\r\n((?:[A-Za-z-]+: [^\r\n\x00]*\r\n)*)\r\n")


@dataclass(frozen=True)
class Answer:
    """One HTTP answer; `body` is None where it is one to a HEAD."""

    status: int
    headers: dict[str, str]
    body: bytes | None

    @property
    def error(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.body or b"{}")["error"]
        return found


def answers(raw: bytes, sent: bytes = b"") -> list[Answer]:
    """What came, as answers: each whole, well-formed, of a status and body that the channel has.

    `sent` tells whether there may be one to a HEAD, which has no body.
    """
    found = []
    while raw:
        head = _HEAD.match(raw)
        assert head, raw[:300]
        headers = {
            name.lower(): value
            for name, _, value in (line.partition(": ") for line in head[2].decode("ascii").splitlines())
        }
        status, raw = int(head[1]), raw[head.end() :]
        length = int(headers.get("content-length", 0))
        if status == 100:
            continue
        headless = length and b"HEAD" in sent and (not raw or raw.startswith(b"HTTP/1.1 "))
        body = None if headless else raw[:length]
        assert body is None or len(body) == length, "an answer that is cut off"
        raw = raw if headless else raw[length:]
        found.append(Answer(status, headers, body))
        check(found[-1])
    return found


def check(answer: Answer) -> None:
    """A status that is meant, and a body that says why."""
    assert answer.status in SERVED | REFUSED, answer
    if answer.body is None:
        return
    assert b"Traceback" not in answer.body and b".py" not in answer.body, answer
    if answer.headers["content-type"].startswith("text/plain"):
        assert answer.status == 200
        return
    assert answer.headers["content-type"] == "application/json"
    found = json.loads(answer.body)
    if answer.status in REFUSED and "error" in found:  # else a /healthz that is not healthy
        _ERROR.validate(found)
        assert status_of(found["error"]["code"]) == answer.status
    else:
        assert answer.status in SERVED or set(found) == {"status", "reason"}


@dataclass(frozen=True)
class Footprint:
    """What the kernel says of the daemon: memory in KiB, and how many descriptors and threads it has."""

    rss: int
    peak: int
    files: int
    threads: int


class Besieged:
    """The daemon, and those who ask it in good faith."""

    def __init__(self, house: House) -> None:
        self.house = house
        assert house.process is not None
        self.pid = house.process.pid
        self.path = house.socket
        self._numbers = itertools.count()
        self.changes_arrive()
        self.before = self.idle()
        self.lines = self.control_lines()

    # --- an honest client -----------------------------------------------------------------------------------

    def is_answered(self) -> None:
        """An honest client gets the status, at once."""
        status = self.house.client.status()
        assert status["pid"] == self.pid
        assert status["is_running"]

    def is_answered_in_the_end(self) -> None:
        """As `is_answered`, but it may be told that there is no room, and try again."""
        self._patiently(self.is_answered)

    def changes_arrive(self) -> None:
        """What is changed in the database now is in the sheet when the sync that is asked for has ended."""
        address = f"arrives-{next(self._numbers)}@example.org"
        self.house.sql(f"UPDATE users SET email = '{address}' WHERE id = (SELECT min(user_id) FROM user_profiles)")
        result = self._patiently(lambda: self.house.client.force(wait=True, timeout=PATIENCE))
        assert result["ok"], result
        assert address in self.house.emails()

    def _patiently(self, ask: Callable[[], T]) -> T:
        """What is answered, once there is room for whoever asks."""
        found: list[T] = []

        def answered() -> bool:
            try:
                found.append(ask())
            except ControlError as error:
                assert error.answered in ("", "too_many_connections"), error  # hung up on, or told why
                return False
            return True

        self.house.until(answered, "an honest client is answered")
        return found[0]

    # --- what it costs --------------------------------------------------------------------------------------

    def footprint(self) -> Footprint:
        status = dict(
            line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines() if ":" in line
        )
        files = len(list(Path(f"/proc/{self.pid}/fd").iterdir()))
        return Footprint(int(status["VmRSS"].split()[0]), int(status["VmHWM"].split()[0]), files,
                         int(status["Threads"]))  # fmt: skip

    def idle(self) -> Footprint:
        """The footprint while nothing is under way: the most of some looks, since connections come and go."""
        self.house.until(lambda: not self.house.client.status()["sync_in_progress"], "nothing is under way")
        looks = [self.footprint() for _ in range(20)]
        return Footprint(*(max(getattr(one, name) for one in looks) for name in Footprint.__annotations__))

    def control_lines(self) -> int:
        """How many lines about the channel, or about anything unforeseen, are in the log."""
        return sum(one["event"].startswith(("control.", "library.", "thread.")) for one in self.house.events())

    # --- after it -------------------------------------------------------------------------------------------

    def survives(self, *, accepted: int = 0) -> None:
        """Has it: the same process, syncing and answering, as small as before, with nothing of it in the log.

        `accepted` is how many changes the attacker was allowed: each of them is in the log, as it must be.
        """
        assert self.house.process is not None
        assert self.house.process.poll() is None, self.house.log.read_text()[-3000:]
        self.is_answered_in_the_end()
        self.undo()
        self.changes_arrive()
        self.house.until(self._is_small_again, f"it lets go of everything: {self.before} {self.footprint()}")
        now = self.footprint()
        assert now.rss - self.before.rss < RSS_GROWTH_KB, (self.before, now)
        assert now.peak - self.before.peak < RSS_GROWTH_KB, (self.before, now)
        text = self.house.log.read_text()
        assert SECRET not in text
        assert "Traceback" not in text
        assert self.control_lines() - self.lines <= LINES_OF_AN_ATTACK + accepted
        self.lines = self.control_lines()

    def undo(self) -> None:
        """Takes back what an attacker who may was allowed to do."""
        for hold in self.house.client.status()["holds"]:
            self.house.client.resume(hold["holder"])
        names = [one["name"] for one in self.house.client.status()["datasets"]]
        self.house.client.enable(reason="after the attack")
        self.house.client.enable(names, reason="after the attack")

    def _is_small_again(self) -> bool:
        now = self.footprint()
        return now.files <= self.before.files + FEW and now.threads <= self.before.threads + THREADS + FEW


@contextmanager
def few_descriptors(files: int | None) -> Iterator[None]:
    """A process that is started meanwhile may have so many descriptors; with None as many as this one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files or soft, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def besieged(*, files: int | None = None, **control: Any) -> Iterator[Besieged]:
    """A daemon that has synced once, in a folder that other users may pass through.

    `control` are its settings, `files` how many descriptors it may have.
    """
    with tempfile.TemporaryDirectory() as name, Sandbox(Path(name) / "sandbox", quota=None) as box:
        Path(name).chmod(0o711)
        folder = Path(name) / "h"
        folder.mkdir(mode=0o711)
        (folder / "run").mkdir(mode=0o711)
        house = House(folder, box)
        house.configure(interval_seconds=1)
        with house.config.open("a") as file:
            file.writelines(f"{key} = {json.dumps(value)}\n" for key, value in control.items())
        try:
            with few_descriptors(files):
                house.start(wait=False)
            house.synced()
            yield Besieged(house)
            assert house.end() == 0
        finally:
            if house.process is not None and house.process.poll() is None:
                house.kill()


@contextmanager
def many(path: Path, count: int) -> Iterator[list[socket.socket]]:
    """So many connections at the same time, made as fast as the daemon takes them."""
    with ExitStack() as stack:
        yield [stack.enter_context(_connected(path)) for _ in range(count)]


def _connected(path: Path) -> socket.socket:
    """connect(2) does not wait on a Unix socket with a time-out: where the queue is full, it says so."""
    pause = threading.Event()
    while True:
        try:
            return connect(path)
        except BlockingIOError:
            pause.wait(0.001)


def talk(under: Besieged, sent: bytes) -> list[Answer]:
    """Sends it on a connection of its own; gives what is answered, with an honest client answered meanwhile.

    By then the daemon has looked at what was sent: it takes what comes in the order in which it came. Then this
    client says that it sends no more, so that nobody waits for the rest of half a request.
    """
    with connect(under.path) as connected:
        with suppress(BrokenPipeError, ConnectionResetError):  # refused before all of it was sent
            connected.sendall(sent)
        under.is_answered()
        with suppress(OSError):
            connected.shutdown(socket.SHUT_WR)
        return answers(everything(connected), sent)


def ask(under: Besieged, sent: bytes) -> list[Answer]:
    """Sends a request that ends its connection; gives the answer, however long what it asks for takes."""
    with connect(under.path) as connected:
        connected.sendall(sent)
        return answers(everything(connected), sent)
