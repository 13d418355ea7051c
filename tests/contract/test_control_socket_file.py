"""The socket in the file system: its mode, its lock, its place, and what stood there before."""

from __future__ import annotations

import errno
import os
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.contract.control_double import PATIENCE, connect, serving

from moneymentor_sync.control.client import ControlClient
from moneymentor_sync.control.socket_file import SocketFile
from moneymentor_sync.core.errors import ControlError, DaemonRunsError, NotRunningError

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="giving a directory to another user takes root")


@contextmanager
def another_process(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A daemon that serves at `path`, killed at the end."""
    command = [sys.executable, "-m", "tests.contract.control_double", str(path)]
    root = Path(__file__).parents[2]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "serving\n"
            yield process
        finally:
            process.kill()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_its_mode_lets_the_owner_and_the_group_in_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        with SocketFile(tmp_path / "new" / "control.sock") as file:
            assert mode(file.path) == 0o660
            assert stat.S_ISSOCK(file.path.stat().st_mode)
            assert mode(file.path.parent) == 0o700
    finally:
        os.umask(before)


def test_a_directory_that_is_there_keeps_its_mode(tmp_path: Path) -> None:
    tmp_path.chmod(0o750)
    with SocketFile(tmp_path / "control.sock"):
        assert mode(tmp_path) == 0o750


def test_nothing_but_the_lock_file_stays_behind(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with SocketFile(path) as file:
        assert {entry.name for entry in tmp_path.iterdir()} == {"control.sock", "control.sock.lock"}
        assert (tmp_path / "control.sock.lock").read_text() == f"mmsync run (process {os.getpid()})\n"
    file.close()
    assert {entry.name for entry in tmp_path.iterdir()} == {"control.sock.lock"}
    assert (tmp_path / "control.sock.lock").read_text() == ""


def test_a_path_of_the_greatest_length_works(tmp_path: Path) -> None:
    name = "s" * (107 - len(str(tmp_path)) - 1)
    with SocketFile(tmp_path / name) as file, connect(file.path):
        pass
    with pytest.raises(ControlError, match="too long"):
        SocketFile(tmp_path / f"{name}s")


def test_a_second_daemon_fails_at_once_and_hears_who_runs(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with SocketFile(path) as first:
        with pytest.raises(DaemonRunsError, match=rf"mmsync run \(process {os.getpid()}\).*control\.sock"):
            SocketFile(path)
        with connect(path), first.socket.accept()[0]:  # the first is not harmed
            pass
    with SocketFile(path):
        pass


def test_after_a_kill_the_next_one_starts_and_there_was_a_socket_all_the_time(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with another_process(path) as process:
        assert ControlClient(path).status() == {"is_running": True}
        with pytest.raises(DaemonRunsError, match=rf"process {process.pid}\b"):
            SocketFile(path)
        process.send_signal(signal.SIGKILL)
        process.wait(PATIENCE)
    assert path.is_socket()
    with pytest.raises(NotRunningError, match="nobody listens"):
        ControlClient(path).status()
    stale = path.stat().st_ino
    with serving(path) as served:
        assert path.stat().st_ino != stale
        assert ControlClient(path).status() == served.operator.answer


def test_what_a_killed_one_left_half_made_is_cleared_away(tmp_path: Path) -> None:
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(tmp_path / "control.soc~"))
    left.close()
    with SocketFile(tmp_path / "control.sock"):
        assert not (tmp_path / "control.soc~").exists()


@pytest.mark.parametrize("kind", ["file", "directory", "link"])
def test_what_is_no_socket_is_left_as_it_is(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "control.sock"
    if kind == "file":
        path.write_text("precious")
    elif kind == "directory":
        path.mkdir()
    else:
        path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(ControlError, match="is not a socket"):
        SocketFile(path)
    assert path.is_symlink() or path.exists()
    assert kind != "file" or path.read_text() == "precious"


def test_another_program_that_listens_there_is_not_pushed_aside(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        other.listen()
        with pytest.raises(DaemonRunsError, match="another program"):
            SocketFile(path)
        assert path.is_socket()
    with SocketFile(path):  # now it is stale
        pass


def test_a_socket_that_took_its_place_is_not_removed(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    file = SocketFile(path)
    path.unlink()
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        file.close()
        assert path.is_socket()


def test_a_socket_that_somebody_removed_is_no_trouble(tmp_path: Path) -> None:
    file = SocketFile(tmp_path / "control.sock")
    file.path.unlink()
    file.close()


@as_root
def test_a_directory_of_somebody_else_where_all_may_write_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "theirs"
    directory.mkdir()
    os.chown(directory, 65_534, 65_534)
    directory.chmod(0o1777)
    with pytest.raises(ControlError, match="belongs to another user"):
        SocketFile(directory / "control.sock")
    assert list(directory.iterdir()) == []
    directory.chmod(0o755)
    with SocketFile(directory / "control.sock"):
        pass


def test_a_path_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ControlError, match=r"file/control\.sock"):
        SocketFile(tmp_path / "file" / "control.sock")
    with pytest.raises(ControlError, match=r"file/x/control\.sock"):
        SocketFile(tmp_path / "file" / "x" / "control.sock")


def test_what_the_system_refuses_half_way_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    path = tmp_path / "control.sock"
    for what in ("moneymentor_sync.control.socket_file.flock", "pathlib.Path.replace"):
        with monkeypatch.context() as patched:
            patched.setattr(what, refuse)
            with pytest.raises(ControlError, match="No locks available"):
                SocketFile(path)
        assert {entry.name for entry in tmp_path.iterdir()} == {"control.sock.lock"}
    with SocketFile(path):
        pass


def test_a_lock_file_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "control.sock.lock").symlink_to(tmp_path / "precious")
    with pytest.raises(ControlError):
        SocketFile(tmp_path / "control.sock")
    assert (tmp_path / "precious").read_text() == "precious"


def test_a_child_process_does_not_inherit_it(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"
    with SocketFile(path), subprocess.Popen(["cat"], stdin=subprocess.PIPE) as child:
        held = {entry.resolve() for entry in Path(f"/proc/{child.pid}/fd").iterdir()}
        assert not {entry for entry in held if "control.sock" in str(entry)}
        assert child.stdin is not None
        child.stdin.close()
