"""Starting and stopping the channel, its heartbeat, and what it leaves alone."""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.contract.control_double import (
    PATIENCE,
    Double,
    Events,
    connect,
    everything,
    one_answer,
    serving,
    statuses,
)

from moneymentor_sync.control.limits import Limits
from moneymentor_sync.control.server import THREADS, ControlServer
from moneymentor_sync.control.socket_file import SocketFile
from moneymentor_sync.core.errors import ConfigError
from moneymentor_sync.core.settings import ControlSettings

STATUS = b"GET /sync/status HTTP/1.1\r\nHost: x\r\n\r\n"
WAIT = b'POST /sync/force HTTP/1.1\r\nHost: x\r\nContent-Length: 13\r\n\r\n{"wait":true}'


def test_it_beats_from_inside_its_loop_until_it_is_stopped(tmp_path: Path) -> None:
    beats = threading.Semaphore(0)
    threads: set[str] = set()

    def beat() -> None:
        threads.add(threading.current_thread().name)
        beats.release()

    with SocketFile(tmp_path / "s") as file:
        server = ControlServer(Double(), file.socket, ControlSettings(), Events(), beat=beat, beat_seconds=0.01)
        server.start()
        for _ in range(5):
            assert beats.acquire(timeout=PATIENCE)
        assert server.stop(PATIENCE)
    assert threads == {"control"}
    while beats.acquire(blocking=False):
        pass
    assert not beats.acquire(timeout=0.1)


def test_signals_are_left_to_the_daemon(tmp_path: Path) -> None:
    before = [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with serving(tmp_path / "s"):
        assert [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_it_logs_nothing_by_itself(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("asyncio").setLevel(logging.INFO)  # its "Using selector" is no word of ours
    with serving(tmp_path / "s", limits=Limits(0.1, 0.1)) as served:
        served.operator.raises = RuntimeError("bug")
        assert served.ask("POST", "/sync/enable")[0] == 500
        with connect(served.path) as rude:
            rude.sendall(b"hello\r\n\r\n")
            everything(rude)
    assert caplog.records == []


def test_stopping_tells_everybody_who_waits(tmp_path: Path) -> None:
    limits = Limits(PATIENCE, PATIENCE, PATIENCE, PATIENCE)
    with serving(tmp_path / "s", limits=limits) as served:
        waiting, idle, half, silent = (connect(served.path) for _ in range(4))
        waiting.sendall(WAIT)
        assert served.operator.forced.acquire(timeout=PATIENCE)
        idle.sendall(STATUS)
        assert one_answer(idle)[0] == 200
        half.sendall(STATUS[:-2])
        assert served.ask("GET", "/sync/status")[0] == 200
        assert served.server.stop(PATIENCE)
        status, _, raw = one_answer(waiting)
        assert (status, json.loads(raw)["error"]["code"]) == (503, "shutting_down")
        assert statuses(everything(half)) == [503]
        assert everything(idle) == everything(silent) == everything(waiting) == b""
        with pytest.raises(ConnectionRefusedError):
            connect(served.path)
        for one in (waiting, idle, half, silent):
            one.close()
    assert not served.operator.done.cancelled()


def test_stopping_answers_what_is_under_way(tmp_path: Path) -> None:
    with serving(tmp_path / "s") as served, connect(served.path) as asking:
        served.operator.hold = threading.Event()
        asking.sendall(b"POST /sync/enable HTTP/1.1\r\nHost: x\r\n\r\n")
        assert served.operator.holding.wait(PATIENCE)
        assert not served.server.stop(0.0)
        served.operator.hold.set()
        assert one_answer(asking)[0] == 200
        assert served.server.stop(PATIENCE)


def test_a_fleets_slow_database_holds_no_change_up(tmp_path: Path) -> None:
    with serving(tmp_path / "s") as served, ExitStack() as held:
        slow = served.operator.hold = threading.Event()
        asking = [held.enter_context(connect(served.path)) for _ in range(2 * THREADS)]
        for one in asking:
            one.sendall(b"GET /sync/cluster HTTP/1.1\r\nHost: x\r\n\r\n")
        assert served.operator.holding.wait(PATIENCE)
        assert served.ask("GET", "/sync/status")[0] == 200, "all of them have been heard"
        served.operator.hold = None  # who waits already, waits on
        assert served.ask("POST", "/sync/enable", {})[0] == 200
        assert served.ask("GET", "/sync/history")[0] == 200
        assert ("cluster",) not in served.operator.told
        slow.set()
        assert [one_answer(one)[0] for one in asking] == [200] * len(asking)


def test_stopping_answers_who_waits_for_a_turn(tmp_path: Path) -> None:
    with serving(tmp_path / "s") as served, connect(served.path) as first, connect(served.path) as second:
        hold = served.operator.hold = threading.Event()
        for one in (first, second):
            one.sendall(b"GET /sync/cluster HTTP/1.1\r\nHost: x\r\n\r\n")
        assert served.operator.holding.wait(PATIENCE)
        assert served.ask("GET", "/sync/status")[0] == 200, "both have been heard"
        assert served.server.stop(PATIENCE)
        assert [one_answer(one)[0] for one in (first, second)] == [503, 503]
        hold.set()


def test_stopping_does_not_wait_for_what_hangs(tmp_path: Path) -> None:
    limits = Limits(PATIENCE, PATIENCE, PATIENCE)
    with (
        serving(tmp_path / "s", limits=limits) as served,
        connect(served.path) as asking,
        connect(served.path) as deaf,
    ):
        served.operator.hold = threading.Event()
        served.operator.answer = {"much": "x" * 2_000_000}
        deaf.sendall(STATUS)
        asking.sendall(b"POST /sync/enable HTTP/1.1\r\nHost: x\r\n\r\n")
        assert served.operator.holding.wait(PATIENCE)
        assert served.server.stop(PATIENCE)
        status, _, raw = one_answer(asking)
        assert (status, json.loads(raw)["error"]["code"]) == (503, "shutting_down")
        assert "not known" in json.loads(raw)["error"]["message"]
        served.operator.hold.set()


def test_stopping_twice_or_before_it_started_is_no_trouble(tmp_path: Path) -> None:
    with SocketFile(tmp_path / "s") as file:
        assert ControlServer(Double(), file.socket, ControlSettings(), Events()).stop()
    with serving(tmp_path / "s") as served:
        assert served.server.stop(PATIENCE)
        assert served.server.stop(PATIENCE)


def test_a_name_that_nobody_has_is_refused_before_it_starts(tmp_path: Path) -> None:
    settings = ControlSettings(readers=("no-such-user",), changers=("@no-such-group", "0"))
    with SocketFile(tmp_path / "s") as file, pytest.raises(ConfigError) as caught:
        ControlServer(Double(), file.socket, settings, Events())
    assert caught.value.problems == (
        "control.readers: there is no user 'no-such-user' on this machine",
        "control.changers: there is no group 'no-such-group' on this machine",
    )


def test_a_loop_that_ends_by_itself_is_an_event_and_no_start(tmp_path: Path) -> None:
    def beat() -> None:
        raise SystemExit

    events = Events()
    with SocketFile(tmp_path / "s") as file:
        server = ControlServer(Double(), file.socket, ControlSettings(), events, beat=beat, beat_seconds=0.01)
        try:
            server.start()
        except Exception as error:  # noqa: BLE001  # it may have got as far as serving, or not
            assert "did not start" in str(error)
        assert server.stop(PATIENCE)
    assert [event["error"] for event in events.named("control.died")] == ["SystemExit"]


def test_it_sleeps_while_nobody_asks(tmp_path: Path) -> None:
    """uvicorn's own loop wakes ten times a second, which costs more than an idle daemon may use in all."""
    here, there = socket.socketpair()
    with serving(tmp_path / "s") as served, here, there:
        assert served.ask("GET", "/sync/status")[0] == 200
        before = wakes_of("control")
        here.settimeout(1.0)
        with pytest.raises(TimeoutError):
            here.recv(1)
        assert wakes_of("control") - before <= 4  # a heartbeat or two, and what else the kernel counts


def wakes_of(name: str) -> int:
    """How often the thread has gone to sleep by itself since it began."""
    [thread] = [one for one in threading.enumerate() if one.name == name]
    status = Path(f"/proc/self/task/{thread.native_id}/status").read_text()
    return int(status.partition("\nvoluntary_ctxt_switches:")[2].split()[0])


def test_the_process_it_runs_in_is_the_peer_of_its_own_connection(tmp_path: Path) -> None:
    with serving(tmp_path / "s") as served:
        served.ask("POST", "/sync/notify", {"dataset": "user_profiles"})
        [event] = served.events.named("control.asked")
        assert event["pid"] == os.getpid()
