"""A real daemon, syncing, and clients that are slow, many, huge, deaf, or nobody that it should listen to.

Each test says what the attackers got and that an honest client was answered meanwhile; `survives` then says that
nothing of it is left: the same process, in step with the database, as small as before, and nothing in the log.
"""

from __future__ import annotations

import json
import os
import resource
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.control.limits import Limits
from moneymentor_sync.control.openapi import description
from tests.contract.control_double import connect, everything, one_answer, serving
from tests.e2e.besieged import LINES_OF_AN_ATTACK, SECRET, STATUS, Answer, Besieged, answers, ask, besieged, many
from tests.e2e.test_daemon import PATIENCE, House
from tests.e2e.test_daemon import house as house  # a daemon that is not begun

LIMITS = Limits()
WORD = SECRET.encode()
HEAD = b"POST /sync/notify HTTP/1.1\r\nHost: x\r\nX: " + WORD + b"\r\n"
PIECE = WORD * 3855  # 64 KiB
STRANGER = 65_534
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="asking as another user takes root")


@pytest.fixture(scope="module")
def daemon() -> Iterator[Besieged]:
    with besieged() as under:
        yield under


@pytest.fixture
def many_files() -> Iterator[None]:
    """A thousand descriptors and some for this process; the sandbox's are in it, too."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 4096:
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def statuses(connections: list[socket.socket]) -> list[int]:
    """The last status that each got before the daemon hung up; 0 where it said nothing."""
    return [found[-1].status if found else 0 for found in map(said, connections)]


def said(connected: socket.socket) -> list[Answer]:
    return answers(everything(connected))


def send(connected: socket.socket, raw: bytes) -> None:
    with suppress(BrokenPipeError, ConnectionResetError):  # it was told that there is no room
        connected.sendall(raw)


# --- slow -------------------------------------------------------------------------------------------------

HALVES = [
    b"G",
    STATUS[:-2],
    HEAD,
    HEAD + b"Content-Length: 1000\r\n\r\n{",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n1",
]


def test_half_a_request_on_every_connection_shuts_nobody_out(daemon: Besieged) -> None:
    with many(daemon.path, 2 * LIMITS.connections) as connections:
        for number, one in enumerate(connections):
            send(one, HALVES[number % len(HALVES)])
        daemon.is_answered_in_the_end()
        daemon.changes_arrive()
        for one in connections:  # a byte more each: it does not make them younger
            send(one, b"x")
        daemon.is_answered_in_the_end()
        found = statuses(connections)
    assert set(found) <= {0, 400, 408, 503}, found
    assert found.count(408) + found.count(503) > LIMITS.connections
    assert found.count(503) > LIMITS.connections, "one at least that was served has made place"
    daemon.survives()


def test_answers_that_nobody_reads_are_given_up(daemon: Besieged) -> None:
    history = b"GET /sync/history?limit=1000 HTTP/1.1\r\nHost: x\r\n\r\n"
    with many(daemon.path, LIMITS.connections // 2) as deaf:
        for one in deaf:
            send(one, (history + STATUS) * 100)
        daemon.is_answered()
        daemon.changes_arrive()
        for one in deaf:
            daemon.house.until(lambda one=one: is_hung_up_on(one), "it hangs up")  # type: ignore[misc]
    daemon.survives()


def is_hung_up_on(connected: socket.socket) -> bool:
    """Whether the other end is gone, found out without reading."""
    try:
        connected.send(b"\r\n", socket.MSG_DONTWAIT)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return False


# --- many -------------------------------------------------------------------------------------------------


def test_a_thousand_connections_at_the_same_time(daemon: Besieged, many_files: None) -> None:
    """Every other one asks, the rest say nothing."""
    with many(daemon.path, 1000) as connections:
        for one in connections[::2]:
            send(one, STATUS)
        daemon.is_answered_in_the_end()
        daemon.changes_arrive()
        daemon.is_answered()
        asked, silent = statuses(connections[::2]), statuses(connections[1::2])
    assert len(asked) == len(silent) == 500
    assert set(asked) <= {0, 200, 503}
    assert asked.count(200) >= LIMITS.connections // 4, "who came while there was room was served"
    assert set(silent) <= {0, 503}
    daemon.survives()


def test_with_few_descriptors_the_syncs_keep_theirs(many_files: None) -> None:
    with besieged(files=100) as under:
        with many(under.path, 300) as connections:
            for number, one in enumerate(connections):
                send(one, HALVES[number % len(HALVES)])
            under.is_answered_in_the_end()
            under.changes_arrive()
        assert under.house.client.status()["statistics"]["failed_syncs"] == 0
        assert not under.house.events("state.failed")
        under.survives()


def test_who_waits_for_a_sync_leaves_places_for_others(daemon: Besieged) -> None:
    """Each of them is a change that was allowed, and is in the log."""
    body = b'{"wait": true}'
    wait = b"POST /sync/force HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s" % (
        len(body),
        body,
    )
    with many(daemon.path, LIMITS.connections) as connections:
        for one in connections:
            send(one, wait)
        daemon.is_answered_in_the_end()
        found = statuses(connections)
    assert set(found) <= {200, 503}
    assert 200 in found
    daemon.survives(accepted=len(found))


# --- huge -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["its length said", "in chunks", "in one chunk"])
@pytest.mark.parametrize("size", [10_000_000, 40_000_000], ids=["10 MB", "40 MB"])
def test_a_huge_body_is_refused_and_never_held(daemon: Besieged, kind: str, size: int) -> None:
    with many(daemon.path, 8) as connections:
        for one in connections:
            length = b"Content-Length: %d" % size if kind == "its length said" else b"Transfer-Encoding: chunked"
            send(one, HEAD + length + b"\r\n\r\n")
            if kind == "in one chunk":
                send(one, b"%x\r\n" % size)
        for _ in range(size // len(PIECE) // len(connections)):
            for one in connections:
                send(one, b"%x\r\n%s\r\n" % (len(PIECE), PIECE) if kind == "in chunks" else PIECE)
        daemon.is_answered()
        found = [one_answer(one)[0] for one in connections]
    assert set(found) == {413}
    daemon.survives()


def test_a_body_without_an_end_is_taken_until_the_client_is_hung_up_on(daemon: Besieged) -> None:
    with connect(daemon.path) as endless:
        endless.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        sent = 0
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            while True:
                endless.sendall(b"%x\r\n%s\r\n" % (len(PIECE), PIECE))
                sent += len(PIECE)
        assert sent >= LIMITS.body_bytes
        daemon.is_answered()
    daemon.survives()


def test_heads_without_an_end(daemon: Besieged) -> None:
    with many(daemon.path, 16) as connections:
        for _ in range(40):
            for one in connections:
                send(one, b"X-" + WORD + b": " + b"y" * 1000 + b"\r\n" if _ else STATUS[:-2])
        daemon.is_answered()
        assert set(statuses(connections)) == {431}
    daemon.survives()


# --- who may not ------------------------------------------------------------------------------------------

BECOMING = """
import json, os, socket, sys
os.setgroups([])
os.setgid(int(sys.argv[1]))
os.setuid(int(sys.argv[2]))
path, count, *requests = json.loads(sys.argv[3])
"""
"""A stranger may not start a Python that is in root's home: so root starts it, and becomes one."""

ASKING = (
    BECOMING
    + """
answers = []
for _ in range(count):
    for request in requests:
        with socket.socket(socket.AF_UNIX) as connected:
            try:
                connected.connect(path)
                connected.sendall(request.encode())
                found = bytearray()
                while piece := connected.recv(65536):
                    found += piece
                answers.append(found.decode())
            except OSError as error:
                answers.append(type(error).__name__)
print(json.dumps(answers))
"""
)
"""Asks on a connection for each request, so many times; prints what came, or what the system said."""

HOLDING = (
    BECOMING
    + """
held = []
for _ in range(count):
    connected = socket.socket(socket.AF_UNIX)
    connected.connect(path)
    held.append(connected)
print("held", flush=True)
sys.stdin.read()
"""
)
"""Has so many connections until it is killed."""


def stranger(program: str, group: int, *given: Any) -> list[str]:
    """The command that runs one of these as nobody with that group."""
    return [sys.executable, "-c", program, str(group), str(STRANGER), json.dumps(given)]


def request_of(path: str, method: str, body: str = "{}") -> str:
    length = f"Content-Length: {len(body)}\r\n" if method == "POST" else ""
    return f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{length}\r\n{body if length else ''}"


OPERATIONS = [(path, one.upper()) for path, methods in description()["paths"].items() for one in methods]


def as_stranger(path: Path, requests: list[str], *, group: int, count: int = 1) -> list[str]:
    """What a user who is nobody gets, with that group."""
    command = stranger(ASKING, group, str(path), count, *requests)
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE)
    found: list[str] = json.loads(done.stdout)
    return found


@as_root
def test_the_sockets_mode_lets_only_its_group_in(daemon: Besieged) -> None:
    assert stat.S_IMODE(daemon.path.stat().st_mode) == 0o660
    asked = [request_of(path, method) for path, method in OPERATIONS]
    assert set(as_stranger(daemon.path, asked, group=STRANGER)) == {"PermissionError"}
    assert set(as_stranger(daemon.path, [request_of("/healthz", "GET")], group=0)) != {"PermissionError"}
    daemon.survives()


@as_root
@pytest.mark.parametrize(
    ("control", "may_read"),
    [({"changers": ["root"]}, True), ({"readers": ["root"]}, False)],
    ids=["reader", "nobody"],
)
def test_a_user_who_may_not_changes_nothing_however_often_and_does_not_fill_the_log(
    control: dict[str, Any], may_read: bool
) -> None:
    with besieged(**control) as under:
        before = under.house.client.status()
        count = 30
        found = as_stranger(under.path, [request_of(*one) for one in OPERATIONS], group=0, count=count)
        assert len(found) == count * len(OPERATIONS)
        for (path, method), raw in zip(OPERATIONS * count, found, strict=True):
            [answer] = answers(raw.encode())
            told = 409 if path == "/sync/cluster" else 200  # this daemon is in no fleet
            expected = told if method == "GET" and may_read else 403
            assert answer.status == expected, (path, raw[:200])
        after = under.house.client.status()
        for key in ("sync_enabled", "switch", "holds", "paused_for_requests", "config"):
            assert after[key] == before[key]
        assert [one["enabled"] for one in after["datasets"]] == [one["enabled"] for one in before["datasets"]]
        posts = sum(method == "POST" for _, method in OPERATIONS)
        refused = under.house.events("control.refused")
        assert len(refused) == posts <= LINES_OF_AN_ATTACK, "one line each, not one a try"
        assert {one["uid"] for one in refused} == {STRANGER}
        assert STRANGER not in {one["uid"] for one in under.house.events("control.changed")}
        under.survives()


@as_root
def test_other_users_cannot_take_all_places_from_the_operator(daemon: Besieged) -> None:
    command = stranger(HOLDING, 0, str(daemon.path), 4 * LIMITS.connections)
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holding:
        assert holding.stdout is not None
        assert holding.stdout.readline() == b"held\n"
        for _ in range(50):
            daemon.is_answered()  # at once, without having been told that there is no room
        holding.kill()
    daemon.survives()


@as_root
def test_other_users_take_no_place_that_the_operator_has() -> None:
    limits = Limits(PATIENCE, PATIENCE, PATIENCE, PATIENCE, crowded_seconds=0.0, connections=4)
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o711)
        command = stranger(HOLDING, 0, f"{name}/s", 12)
        with serving(Path(name) / "s", limits=limits) as served, connect(served.path) as mine:
            for _ in range(2):
                mine.sendall(STATUS)
                assert one_answer(mine)[0] == 200
                with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holding:
                    assert holding.stdout is not None
                    assert holding.stdout.readline() == b"held\n"
                    assert served.ask("GET", "/sync/status")[0] == 200
                    holding.kill()
            mine.sendall(STATUS)
            assert one_answer(mine)[0] == 200


@contextmanager
def a_place_of_others(kind: str) -> Iterator[Path]:
    """A directory that another user could put a socket of theirs into, or a link to one."""
    with tempfile.TemporaryDirectory() as name:
        theirs = Path(name) / "theirs"
        theirs.mkdir()
        os.chown(theirs, STRANGER, STRANGER)
        theirs.chmod(0o1777)
        if kind == "the directory":
            yield theirs
        else:
            link = Path(name) / "link"
            link.symlink_to(theirs)
            yield link


@as_root
@pytest.mark.parametrize("kind", ["the directory", "a link to it"])
def test_a_daemon_does_not_listen_where_others_could_take_its_place(house: House, kind: str) -> None:
    with a_place_of_others(kind) as directory:
        text = house.config.read_text()
        house.config.write_text(text.replace(str(house.socket), str(directory / "control.sock")))
        done = house.command("run")
        assert done.returncode == 1
        assert "belongs to another user" in done.stderr
        assert "Traceback" not in done.stderr
        assert list(directory.iterdir()) == []
    assert house.emails() == []


def test_a_socket_that_is_a_link_is_left_alone(house: House, tmp_path: Path) -> None:
    victim = tmp_path / "precious"
    victim.write_text("precious")
    house.socket.parent.mkdir()
    house.socket.symlink_to(victim)
    done = house.command("run")
    assert (done.returncode, "is not a socket" in done.stderr) == (1, True)
    assert victim.read_text() == "precious"
    assert house.socket.is_symlink()


def test_the_honest_client_is_no_special_case(daemon: Besieged) -> None:
    """What `survives` builds on can fail: a request that is refused is told so."""
    [answer] = ask(daemon, request_of("/sync/notify", "POST", '{"dataset": "no-such"}').encode())
    assert (answer.status, answer.error["code"]) == (422, "unknown_dataset")
