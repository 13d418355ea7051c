"""What systemd is told, on real datagram sockets; and that nothing of it can hurt."""

from __future__ import annotations

import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from moneymentor_sync.adapters.systemd_notify import Notifier, watchdog_seconds


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[socket.socket]:
    """The socket of a service manager, listening."""
    address = str(tmp_path / "notify") if request.param == "path" else f"\0mmsync-{uuid.uuid4()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(address)
        listening.settimeout(10)
        yield listening


def environment(manager: socket.socket) -> dict[str, str]:
    name = manager.getsockname()
    return {"NOTIFY_SOCKET": "@" + name[1:].decode() if isinstance(name, bytes) else name}


def test_every_message_arrives_as_systemd_reads_it(manager: socket.socket) -> None:
    with closing(Notifier(environment(manager), monotonic_ns=lambda: 12_345_678)) as notifier:
        notifier.status("Begins")
        notifier.ready("Next sync in 5 min")
        notifier.reloading()
        notifier.watchdog()
        notifier.stopping()
    assert [manager.recv(4096).decode() for _ in range(5)] == [
        "STATUS=Begins",
        "READY=1\nSTATUS=Next sync in 5 min",
        "RELOADING=1\nMONOTONIC_USEC=12345",
        "WATCHDOG=1",
        "STOPPING=1",
    ]


def test_a_status_is_utf8_on_one_line_whatever_is_in_it(manager: socket.socket) -> None:
    with closing(Notifier(environment(manager))) as notifier:
        notifier.status("7 日 – \N{GRINNING FACE}\nMAINPID=1\r\nREADY=1\u2028x \udce4")
    assert manager.recv(4096).decode() == "STATUS=7 日 – \N{GRINNING FACE} MAINPID=1 READY=1 x ?"


def test_the_time_of_a_reload_is_the_monotonic_clocks(manager: socket.socket) -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    with closing(Notifier(environment(manager))) as notifier:
        notifier.reloading()
    said = int(manager.recv(4096).decode().partition("MONOTONIC_USEC=")[2])
    assert before <= said <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_a_given_socket_is_used(manager: socket.socket) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own, closing(Notifier(environment(manager), sock=own)):
        pass
    assert own.fileno() == -1  # closed with the notifier


@pytest.mark.parametrize("address", ["", "relative", "vsock:2:1234", "@"])
def test_nobody_is_told_where_there_is_no_socket(address: str) -> None:
    with closing(Notifier({"NOTIFY_SOCKET": address} if address else {})) as notifier:
        tell_everything(notifier)


def test_a_manager_that_is_gone_does_no_harm(tmp_path: Path) -> None:
    with closing(Notifier({"NOTIFY_SOCKET": str(tmp_path / "gone")})) as notifier:
        tell_everything(notifier)
    tell_everything(notifier)  # nor does talking after the end


def test_a_path_that_is_too_long_does_no_harm() -> None:
    with closing(Notifier({"NOTIFY_SOCKET": "/" + "x" * 300})) as notifier:
        tell_everything(notifier)


def tell_everything(notifier: Notifier) -> None:
    notifier.ready("on")
    notifier.reloading()
    notifier.status("well")
    notifier.watchdog()
    notifier.stopping()


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 60.0),
        ({"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": "42"}, 1.5),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "43"}, None),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": ""}, None),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "-5"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "٣"}, None),
    ],
)
def test_the_watchdogs_time(environ: dict[str, str], expected: float | None) -> None:
    assert watchdog_seconds(environ, 42) == expected
