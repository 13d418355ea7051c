"""The channel against clients without manners: slow, half-sent, oversized, smuggled, pipelined, many, and deaf.

Deadlines are short here, and nothing sleeps: a test waits for the socket to be closed.
"""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.contract.control_double import (
    PATIENCE,
    Double,
    Served,
    connect,
    everything,
    one_answer,
    serving,
    statuses,
)

from moneymentor_sync.control.limits import Limits

SHORT = 0.2
STATUS = b"GET /sync/status HTTP/1.1\r\nHost: x\r\n\r\n"
HEAD = b"POST /sync/force HTTP/1.1\r\nHost: x\r\n"
PATIENT = Limits(PATIENCE, PATIENCE, PATIENCE, PATIENCE, crowded_seconds=PATIENCE)
"""Everything is closed for another reason than time, or the test gives up."""


@pytest.fixture
def hasty(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "s", limits=Limits(SHORT, SHORT, SHORT, SHORT)) as served:
        yield served


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "s", limits=PATIENT) as served:
        yield served


def talk(served: Served, *pieces: bytes) -> bytes:
    """What comes back, until the other end closes."""
    with connect(served.path) as connected:
        for piece in pieces:
            connected.sendall(piece)
        return everything(connected)


def code(raw: bytes) -> str:
    """The error's code in the last answer."""
    found = json.loads(raw.rpartition(b"\r\n\r\n")[2])["error"]["code"]
    assert isinstance(found, str)
    return found


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


# --- too slow -----------------------------------------------------------------------------------------------


def test_who_says_nothing_is_left(hasty: Served) -> None:
    assert talk(hasty) == b""


@pytest.mark.parametrize(
    "piece",
    [
        b"G",
        b"GET /sync/status HTTP/1.1\r\nHost: x\r\n",
        HEAD + b"Content-Length: 10\r\n\r\n",
        HEAD + b'Content-Length: 10\r\n\r\n{"wait"',
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(b"{}"),
    ],
)
def test_half_a_request_is_told_that_its_time_is_over(hasty: Served, piece: bytes) -> None:
    raw = talk(hasty, piece)
    assert statuses(raw) == [408]
    assert code(raw) == "too_slow"
    assert hasty.operator.told == []
    assert hasty.events.seen == []


def test_drop_by_drop_does_not_prolong_it(hasty: Served) -> None:
    """Each byte comes well within the deadline; the whole does not."""
    began = time.monotonic()
    with connect(hasty.path) as connected:
        connected.settimeout(SHORT / 10)
        raw = b""
        for letter in STATUS * 100:  # would take a hundred times the deadline
            try:
                connected.send(bytes([letter]))
                raw = connected.recv(4096)
                break
            except TimeoutError:
                assert time.monotonic() - began < PATIENCE
    assert statuses(raw) == [408]


def test_an_idle_connection_is_closed_after_its_answer(hasty: Served) -> None:
    assert statuses(talk(hasty, STATUS)) == [200]


def test_half_of_a_later_request_has_its_own_time(hasty: Served) -> None:
    with connect(hasty.path) as connected:
        connected.sendall(STATUS)
        assert one_answer(connected)[0] == 200
        connected.sendall(STATUS[:-2])
        assert statuses(everything(connected)) == [408]


def test_half_a_request_behind_a_whole_one_has_its_time_too(hasty: Served) -> None:
    assert statuses(talk(hasty, STATUS + STATUS[:-2])) == [200, 408]


def test_waiting_for_a_sync_has_no_deadline(hasty: Served) -> None:
    body = b'{"wait":true}'
    with connect(hasty.path) as waiting:
        waiting.sendall(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        assert hasty.operator.forced.acquire(timeout=PATIENCE)
        for _ in range(3):
            talk(hasty)  # each takes a whole deadline
        hasty.operator.done.set_result({"ok": True})
        assert one_answer(waiting)[0] == 200


def test_who_does_not_read_the_answer_is_dropped(hasty: Served) -> None:
    hasty.operator.answer = {"much": "x" * 4_000_000}
    with connect(hasty.path) as deaf:
        deaf.sendall(STATUS)
        wait_until_dropped(deaf)
        assert len(everything(deaf)) < 4_000_000
    assert hasty.ask("GET", "/healthz")[0] == 200


def test_who_does_not_read_many_answers_is_dropped(hasty: Served) -> None:
    hasty.operator.answer = {"some": "x" * 30_000}
    with connect(hasty.path) as deaf:
        deaf.sendall(STATUS * 50)
        wait_until_dropped(deaf)


def test_who_reads_slowly_gets_all_of_it(tmp_path: Path) -> None:
    """In all it takes longer than any deadline, but there is never a whole deadline without progress."""
    operator = Double()
    operator.answer = {"much": "x" * 1_000_000}
    limits = Limits(PATIENCE, idle_seconds=SHORT, stall_seconds=2.0)
    with serving(tmp_path / "s", limits=limits, operator=operator) as served, connect(served.path) as slow:
        slow.sendall(STATUS)
        answer = http.client.HTTPResponse(slow)
        answer.begin()
        received = 0
        while piece := answer.read(70_000):
            received += len(piece)
            let_pass(SHORT)
        assert received > 1_000_000


def wait_until_dropped(connected: socket.socket) -> None:
    """Until the other end is gone, without reading what it sent: writing then fails."""
    connected.setblocking(False)
    began = time.monotonic()
    with pytest.raises((BrokenPipeError, ConnectionResetError)):
        while time.monotonic() - began < PATIENCE:
            try:
                connected.send(b"\r\n")
            except BlockingIOError:
                connected.settimeout(SHORT / 10)
            except TimeoutError:
                pass
    connected.settimeout(PATIENCE)


def let_pass(seconds: float) -> None:
    """Lets time pass as a client does that waits for something else."""
    here, there = socket.socketpair(socket.AF_UNIX)
    with here, there:
        here.settimeout(seconds)
        with pytest.raises(TimeoutError):
            here.recv(1)


# --- too large ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("in_pieces", [False, True])
def test_a_head_has_its_limit_in_one_piece_and_in_many(patient: Served, in_pieces: bool) -> None:
    head = b"GET /sync/status HTTP/1.1\r\nHost: x\r\n" + b"X-Long: %s\r\n" % (b"x" * 990) * 17 + b"\r\n"
    pieces = [head[at : at + 1000] for at in range(0, len(head), 1000)] if in_pieces else [head]
    with connect(patient.path) as connected:
        for piece in pieces:
            connected.sendall(piece)
        status, headers, raw = one_answer(connected)
    assert (status, headers["connection"], code(raw)) == (431, "close", "head_too_large")


def test_a_head_just_below_the_limit_is_taken(patient: Served) -> None:
    with connect(patient.path) as connected:
        connected.sendall(b"GET /sync/status HTTP/1.1\r\nHost: x\r\nX-Long: %s\r\n\r\n" % (b"x" * 16_000))
        assert one_answer(connected)[0] == 200


@pytest.mark.parametrize("length", [65_537, 10_000_000, 10**18])
def test_a_body_that_says_it_is_too_large_is_refused_before_it_comes(patient: Served, length: int) -> None:
    with connect(patient.path) as connected:
        connected.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % length)
        status, _, raw = one_answer(connected)
        assert (status, code(raw)) == (413, "too_large")
        connected.sendall(b"x" * 1_000_000)  # whoever sends on is not hung up on before it can read


def test_who_asks_first_whether_to_send_is_told(patient: Served) -> None:
    with connect(patient.path) as connected:
        connected.sendall(HEAD + b"Content-Length: 70000\r\nExpect: 100-continue\r\n\r\n")
        assert one_answer(connected)[0] == 413
    with connect(patient.path) as connected:
        connected.sendall(HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n")
        assert connected.recv(4096).startswith(b"HTTP/1.1 100 ")
        connected.sendall(b"{}")
        assert one_answer(connected)[0] == 202


def test_a_body_in_chunks_is_counted_as_it_comes(patient: Served) -> None:
    with connect(patient.path) as connected:
        connected.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
        for _ in range(9):
            connected.sendall(chunk(b" " * 8000))
        status, _, raw = one_answer(connected)
    assert (status, code(raw)) == (413, "too_large")
    assert patient.operator.told == []


def test_a_body_of_just_the_limit_is_taken(patient: Served) -> None:
    body = b"{}" + b" " * (64 * 1024 - 2)
    assert patient.ask("POST", "/sync/force", body)[0] == 202
    with connect(patient.path) as connected:
        connected.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n" + chunk(body) + b"0\r\n\r\n")
        assert one_answer(connected)[0] == 202


# --- not what it seems --------------------------------------------------------------------------------------

SMUGGLED = b"POST /sync/disable HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.mark.parametrize(
    "request_",
    [
        HEAD + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Content-Length: 2\r\nContent-Length: 90\r\n\r\n{}" + SMUGGLED,
        HEAD + b"Content-Length: +2\r\n\r\n{}" + SMUGGLED,
        HEAD + b"Content-Length: -2\r\n\r\n{}" + SMUGGLED,
        HEAD + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n{}" + SMUGGLED,
        HEAD + b"Content-Length : 2\r\n\r\n{}" + SMUGGLED,
        HEAD + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n" + SMUGGLED,
        HEAD + b"X: a\r\n b\x00\r\n\r\n" + SMUGGLED,
        b"GET /sync/status HTTP/1.1\r\n\r\n" + SMUGGLED,
        b"GET /sync/status HTTP/2.0\r\nHost: x\r\n\r\n" + SMUGGLED,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + SMUGGLED,
        b"\x16\x03\x01\x02\x00\x01" + SMUGGLED,
        b"hello\r\n\r\n" + SMUGGLED,
        b"\r\n" + SMUGGLED,
    ],
)
def test_a_request_that_can_be_read_in_two_ways_is_refused_and_nothing_after_it_read(
    hasty: Served, request_: bytes
) -> None:
    raw = talk(hasty, request_)
    assert [one // 100 for one in statuses(raw)] in ([4], [5], [])
    assert not set(statuses(raw)) - {400, 413, 501}
    assert hasty.operator.told == []
    assert hasty.ask("GET", "/sync/status")[0] == 200


def test_a_wrong_chunk_after_the_answer_ends_the_connection(hasty: Served) -> None:
    with connect(hasty.path) as connected:
        connected.sendall(b"POST /sync/nothing HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        assert one_answer(connected)[0] == 404
        connected.sendall(b"zz\r\n" + SMUGGLED)
        assert everything(connected) == b""
    assert hasty.operator.told == []


def test_requests_sent_together_are_answered_in_order(patient: Served) -> None:
    body = b'{"holder":"a","ttl_seconds":%d}'
    asked = b"".join(
        b"POST /sync/pause HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s" % (len(body % n), body % n)
        for n in range(1, 51)
    )
    with connect(patient.path) as connected:
        connected.sendall(asked + STATUS.replace(b"Host: x", b"Host: x\r\nConnection: close"))
        assert statuses(everything(connected)) == [200] * 51
    assert [told[2] for told in patient.operator.told] == list(range(1, 51))


def test_what_was_refused_ends_what_was_sent_together(hasty: Served) -> None:
    assert statuses(talk(hasty, STATUS + b"hello\r\n\r\n" + SMUGGLED)) == [200, 400]
    assert hasty.operator.told == []


def test_an_old_client_gets_an_answer_and_the_end(patient: Served) -> None:
    assert statuses(talk(patient, b"GET /sync/status HTTP/1.0\r\n\r\n")) == [200]


def test_nothing_is_upgraded(patient: Served) -> None:
    upgrade = b"Connection: Upgrade, close\r\nUpgrade: websocket\r\n"
    with connect(patient.path) as connected:
        connected.sendall(STATUS[:-2] + upgrade + b"\r\n")
        assert one_answer(connected)[0] == 200
    with connect(patient.path) as connected:
        connected.sendall(b"CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n")
        assert one_answer(connected)[0] == 404


# --- too many -----------------------------------------------------------------------------------------------


@contextmanager
def connected_to(served: Served, count: int) -> Iterator[list[socket.socket]]:
    with ExitStack() as stack:
        yield [stack.enter_context(connect(served.path)) for _ in range(count)]


def test_of_two_hundred_at_once_sixty_four_are_served_and_the_others_told(patient: Served) -> None:
    with connected_to(patient, 200) as connections:
        served, others = connections[:64], connections[64:]
        for other in others:  # answered before they ask
            status, _, raw = one_answer(other)
            assert (status, code(raw)) == (503, "too_many_connections")
            assert everything(other) == b""
        for one in served:
            one.sendall(STATUS)
        assert [one_answer(one)[0] for one in served] == [200] * 64
        others[0].close()
        served[0].close()
        wait_until(lambda: patient.ask("GET", "/sync/status")[0] == 200)


def test_a_place_is_free_again_when_somebody_leaves(tmp_path: Path) -> None:
    with serving(tmp_path / "s", limits=replace(PATIENT, connections=2)) as served:
        for _ in range(3):
            with connected_to(served, 2) as [first, second]:
                for one in (first, second):
                    one.sendall(STATUS)
                    assert one_answer(one)[0] == 200
                assert served.ask("GET", "/sync/status")[0] == 503
            wait_until(lambda: served.ask("GET", "/sync/status")[0] == 200)


def test_where_there_is_no_room_who_was_waited_for_longest_makes_place(tmp_path: Path) -> None:
    limits = replace(PATIENT, connections=3, crowded_seconds=0.0)
    with serving(tmp_path / "s", limits=limits) as served, ExitStack() as stack:

        def come(sent: bytes) -> socket.socket:
            connected = stack.enter_context(connect(served.path))
            connected.sendall(sent)
            return connected

        waiting = come(HEAD + b'Content-Length: 13\r\n\r\n{"wait":true}')
        assert served.operator.forced.acquire(timeout=PATIENCE)
        silent, half, idle = come(b""), come(STATUS[:-2]), come(STATUS)
        assert everything(silent) == b"", "it had said nothing"
        assert one_answer(idle)[0] == 200
        last = come(STATUS)
        raw = everything(half)
        assert (statuses(raw), code(raw)) == ([503], "too_many_connections")
        assert one_answer(last)[0] == 200
        assert served.ask("GET", "/sync/status")[0] == 200
        assert everything(idle) == b"", "it was answered, and kept open for another request"
        served.operator.done.set_result({"ok": True})
        assert one_answer(waiting)[0] == 200, "who is being answered keeps its place"


def test_who_reads_an_answer_drop_by_drop_makes_place_too(tmp_path: Path) -> None:
    """Else as many as there are places, each taking a little in time, would shut everybody out for good."""
    operator = Double()
    operator.answer = {"much": "x" * 4_000_000}
    limits = replace(PATIENT, connections=1, crowded_seconds=0.0)
    with serving(tmp_path / "s", limits=limits, operator=operator) as served, connect(served.path) as slow:
        slow.sendall(STATUS)
        assert slow.recv(1_000), "it has begun to read"
        assert served.ask("GET", "/healthz")[0] == 200
        assert len(everything(slow)) < 4_000_000


def test_where_all_are_being_answered_nobody_makes_place(tmp_path: Path) -> None:
    limits = replace(PATIENT, connections=1, crowded_seconds=0.0)
    with serving(tmp_path / "s", limits=limits) as served, connect(served.path) as waiting:
        waiting.sendall(HEAD + b'Content-Length: 13\r\n\r\n{"wait":true}')
        assert served.operator.forced.acquire(timeout=PATIENCE)
        assert served.ask("GET", "/sync/status")[0] == 503
        served.operator.done.set_result({"ok": True})
        assert one_answer(waiting)[0] == 200


def test_a_crowd_that_does_not_leave_is_closed_without_words(tmp_path: Path) -> None:
    limits = replace(PATIENT, connections=2)
    with serving(tmp_path / "s", limits=limits) as served, connected_to(served, 12) as connections:
        answers = [b"" if one in connections[:2] else first_of(one) for one in connections]
        assert [statuses(raw) for raw in answers] == [[]] * 2 + [[503]] * 6 + [[]] * 4
        connections[0].sendall(STATUS)
        assert one_answer(connections[0])[0] == 200


def test_a_thousand_in_a_row_leave_nothing_behind(patient: Served) -> None:
    before = threads_and_files()
    for _ in range(1000):
        assert patient.ask("GET", "/sync/status")[0] == 200
    wait_until(lambda: threads_and_files() <= before)


def threads_and_files() -> int:
    return len(list(Path("/proc/self/task").iterdir())) + len(list(Path("/proc/self/fd").iterdir()))


def first_of(connected: socket.socket) -> bytes:
    try:
        return connected.recv(65536)
    except ConnectionResetError:
        return b""


def wait_until(holds: Callable[[], bool]) -> None:
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < PATIENCE
