"""The client against the real channel, and against what is none."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.contract.control_double import PATIENCE, Double, Served, connect, serving

from moneymentor_sync.control.client import ControlClient
from moneymentor_sync.control.limits import Limits
from moneymentor_sync.core.errors import (
    ConfigError,
    ControlError,
    NothingToSyncError,
    NotRunningError,
    ShuttingDownError,
    UnknownDatasetError,
)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with serving(tmp_path / "control.sock") as served:
        yield served


@pytest.fixture
def client(served: Served) -> ControlClient:
    return ControlClient(served.path)


def test_every_question_arrives_as_it_was_put(served: Served, client: ControlClient) -> None:
    assert client.status() == {"is_running": True}
    assert client.history() == {"runs": []}
    assert client.history("user_profiles", 5) == {"runs": []}
    assert client.force() == {"accepted": True, "run_id": "run-1"}
    assert client.force(("user_profiles",), allow_deletes=True)["accepted"]
    assert client.enable(["user_profiles"], reason="mended")["sync_enabled"]
    assert not client.disable(reason="ünterwegs", for_seconds=60)["sync_enabled"]
    assert client.pause("api", 2.5) == {"paused_for_requests": True, "expires_in_seconds": 2.5}
    assert client.resume("api") == {"paused_for_requests": False}
    assert client.notify("user_profiles", reason="sign-up") == {"accepted": True}
    assert client.reload()["reloaded"]
    assert served.operator.told == [
        ("history", None, 20),
        ("history", "user_profiles", 5),
        ("force", None, False),
        ("force", ["user_profiles"], True),
        ("enable", ["user_profiles"]),
        ("disable", None, "ünterwegs", 60),
        ("pause", "api", 2.5),
        ("resume", "api"),
        ("notify", "user_profiles", "sign-up"),
        ("reload",),
    ]


def test_waiting_for_a_sync_may_take_longer_than_anything_else(served: Served) -> None:
    ended = threading.Timer(0.3, served.operator.done.set_result, [{"ok": True}])
    ended.start()
    assert ControlClient(served.path, timeout=0.1).force(wait=True) == {"ok": True}
    ended.join()


def test_waiting_for_a_sync_ends_where_a_time_is_given(client: ControlClient) -> None:
    with pytest.raises(ControlError, match=r"within 0\.05 s") as caught:
        client.force(wait=True, timeout=0.05)
    assert "mmsync status" in caught.value.hint


def test_an_unknown_dataset_is_that_error(client: ControlClient) -> None:
    with pytest.raises(UnknownDatasetError, match="no dataset nothing") as caught:
        client.force(["nothing"])
    assert "user_profiles" in caught.value.hint


def test_a_wrong_configuration_is_that_error(served: Served, client: ControlClient) -> None:
    served.operator.raises = ConfigError(["a: b", "c: d"])
    with pytest.raises(ConfigError) as caught:
        client.reload()
    assert caught.value.problems == ("a: b", "c: d")
    assert caught.value.exit_code == 78


@pytest.mark.parametrize("error", [NothingToSyncError("all are disabled"), ShuttingDownError("it stops")])
def test_any_other_refusal_has_the_daemons_words(
    served: Served, client: ControlClient, error: NothingToSyncError | ShuttingDownError
) -> None:
    served.operator.raises = error
    with pytest.raises(ControlError, match=str(error)) as caught:
        client.force()
    assert (caught.value.answered, caught.value.hint) == (error.code, error.hint)


def test_a_daemon_without_room_says_so(tmp_path: Path) -> None:
    limits = Limits(PATIENCE, connections=1)
    with serving(tmp_path / "s", limits=limits) as served, connect(served.path):
        for ask in (ControlClient(served.path).status, lambda: ControlClient(served.path).notify("x" * 90)):
            with pytest.raises(ControlError, match="too many connections"):
                ask()


def test_no_socket_means_not_running_and_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotRunningError, match=r"control\.sock") as caught:
        ControlClient(tmp_path / "control.sock").status()
    assert caught.value.exit_code == 3
    with pytest.raises(NotRunningError, match="nowhere"):
        ControlClient(tmp_path / "nowhere" / "control.sock").status()


def test_a_socket_or_a_file_where_nobody_listens_means_not_running(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "s"))
    with pytest.raises(NotRunningError, match="nobody listens on"):
        ControlClient(tmp_path / "s").status()
    (tmp_path / "f").write_text("")
    with pytest.raises(NotRunningError, match="nobody listens on"):
        ControlClient(tmp_path / "f").status()
    with pytest.raises(NotRunningError, match="nobody listens on"):
        ControlClient(tmp_path / "f" / "s").status()


def test_a_path_that_no_socket_can_have_is_said(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="too long"):
        ControlClient(tmp_path / ("s" * 108)).status()


def test_a_daemon_that_takes_no_connection_is_busy(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening, ExitStack() as stack:
        listening.bind(str(tmp_path / "s"))
        listening.listen(0)
        for _ in range(2):
            one = stack.enter_context(socket.socket(socket.AF_UNIX))
            one.setblocking(False)
            one.connect_ex(str(tmp_path / "s"))
        with pytest.raises(ControlError, match="too many wait"):
            ControlClient(tmp_path / "s", timeout=PATIENCE).status()


def test_whoever_is_kept_out_hears_how_to_get_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_self: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("moneymentor_sync.control.client._Connection.connect", refuse)
    with pytest.raises(ControlError, match="may not be used by this user") as caught:
        ControlClient(tmp_path / "s").status()
    assert tmp_path.group() in caught.value.hint
    with pytest.raises(ControlError) as caught:
        ControlClient(tmp_path / "nowhere" / "s").status()
    assert "the group that owns the socket" in caught.value.hint


ASK = """
import grp, os, sys  # grp now: Python's own directory may be closed to the other user
from pathlib import Path
from moneymentor_sync.control.client import ControlClient
from moneymentor_sync.core.errors import ControlError
os.setgroups([]); os.setgid(65534); os.setuid(65534)
try:
    ControlClient(Path(sys.argv[1])).status()
except ControlError as error:
    print(error, error.hint, sep="|")
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="asking as another user takes root")
@pytest.mark.parametrize("directory_mode", [0o711, 0o700])
def test_who_may_not_use_the_socket_is_told_which_group_may(directory_mode: int) -> None:
    with tempfile.TemporaryDirectory() as name:
        with serving(Path(name) / "control.sock") as served:
            Path(name).chmod(directory_mode)
            said = subprocess.run(
                [sys.executable, "-c", ASK, str(served.path)],
                capture_output=True, text=True, check=True, timeout=PATIENCE,
            ).stdout  # fmt: skip
        group = Path(name).group()
    assert "control.sock may not be used by this user" in said
    assert f"the group `{group}`" in said


# --- what listens there is no mmsync -------------------------------------------------------------------------


@contextmanager
def answering(path: Path, behave: Callable[[socket.socket], None]) -> Iterator[ControlClient]:
    """Something that takes one connection and behaves as told."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            connected = listening.accept()[0]
            with connected:
                behave(connected)

        thread = threading.Thread(target=serve)
        thread.start()
        yield ControlClient(path, timeout=PATIENCE)
        thread.join(PATIENCE)


@pytest.mark.parametrize(
    ("said", "understood"),
    [
        (b"", "without a whole answer"),
        (b"SSH-2.0-x\r\n", "without a whole answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{", "without a whole answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{", "could not be understood"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", "could not be understood"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\x1b[2J", "could not be understood"),
        (b"HTTP/1.1 500 Oh\r\nContent-Length: 2\r\n\r\n{}", "answered with status 500"),
        (b'HTTP/1.1 400 Oh\r\nContent-Length: 11\r\n\r\n{"error":1}', "answered with status 400"),
    ],
)
def test_a_broken_answer_is_said(tmp_path: Path, said: bytes, understood: str) -> None:
    def behave(connected: socket.socket) -> None:
        connected.recv(4096)
        connected.sendall(said)

    with (
        answering(tmp_path / "s", behave) as client,
        pytest.raises(ControlError, match=understood) as caught,
    ):
        client.status()
    assert "\x1b" not in str(caught.value)


def test_a_daemon_that_hangs_is_left(tmp_path: Path) -> None:
    gone = threading.Event()

    def behave(connected: socket.socket) -> None:
        gone.wait(PATIENCE)

    with answering(tmp_path / "s", behave):
        try:
            with pytest.raises(ControlError, match=r"within 0\.1 s"):
                ControlClient(tmp_path / "s", timeout=0.1).status()
        finally:
            gone.set()


def test_an_answer_that_is_there_before_the_question_is_read(tmp_path: Path) -> None:
    def behave(connected: socket.socket) -> None:
        connected.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n{"ok":1234')
        connected.shutdown(socket.SHUT_RDWR)

    with answering(tmp_path / "s", behave) as client, pytest.raises(ControlError, match="understood"):
        client.force(["x" * 90] * 2000)


# --- cheap ------------------------------------------------------------------------------------------------------

HEAVY = {
    "asyncio", "anyio", "starlette", "uvicorn", "h11", "msgspec", "typer", "click", "rich", "sqlalchemy",
    "structlog", "pygsheets", "googleapiclient", "google", "httplib2", "apscheduler", "prometheus_client",
    "cryptography", "httpx", "requests", "logging.config",
}  # fmt: skip


def test_importing_it_brings_nothing_heavy() -> None:
    found = subprocess.run(
        [sys.executable, "-c", "import sys, moneymentor_sync.control.client\nprint(*sorted(sys.modules))"],
        capture_output=True, text=True, check=True, timeout=PATIENCE,
    ).stdout.split()  # fmt: skip
    assert not HEAVY & set(found)
    ours = {name for name in found if name.startswith("moneymentor_sync.")}
    light = ("control", "control.client", "core", "core.errors", "core.service_unit")
    assert ours == {f"moneymentor_sync.{name}" for name in light}


def test_the_double_is_what_the_channel_asks_for() -> None:
    """For the type checker: the double of the tests is an Operator."""
    from moneymentor_sync.control.operator import Operator

    operator: Operator = Double()
    assert operator.status() == {"is_running": True}
