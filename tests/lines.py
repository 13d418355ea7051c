"""Ways to a server that can be cut without a word: nothing is refused or closed, and nothing arrives any more."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

_CLONE_NEWNET = 0x40000000  # sched.h
HERE, THERE = "10.231.7.1", "10.231.7.2"


class Line:
    """Forwards what comes to a listening socket, both ways, unless it is cut; then it takes everything and is
    silent, as a router is that has lost its way. What was under way arrives when it is mended."""

    def __init__(self, listening: socket.socket, connect: Callable[[], socket.socket]) -> None:
        self._listening, self._connect = listening, connect
        self._open = threading.Event()
        self._open.set()
        self._ended = False
        self._sockets: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def port(self) -> int:
        return int(self._listening.getsockname()[1])

    def cut(self) -> None:
        self._open.clear()

    def mend(self) -> None:
        self._open.set()

    def close(self) -> None:
        self._ended = True
        self.mend()
        for one in [self._listening, *self._sockets]:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        while not self._ended:
            try:
                near, _ = self._listening.accept()
                far = self._connect()
            except OSError:
                return
            self._sockets += [near, far]
            for source, target in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(source, target), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                self._open.wait()
                target.sendall(data)
        self._open.wait()  # that somebody has gone is not heard of, either
        with suppress(OSError):
            target.shutdown(socket.SHUT_WR)


def to_unix(path: Path) -> Callable[[], socket.socket]:
    def connect() -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.connect(str(path))
        return made

    return connect


def to_port(port: int) -> Callable[[], socket.socket]:
    def connect() -> socket.socket:
        made = socket.socket()
        made.connect(("127.0.0.1", port))
        return made

    return connect


def listening(host: str, port: int = 0) -> socket.socket:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    made.listen(64)
    return made


class Namespace:
    """A network namespace with a cable to this one (a veth pair): `HERE` at this end, `THERE` at the other."""

    def __init__(self, keeper: int, cable: str) -> None:
        self.enter = ("nsenter", "--target", str(keeper), "--net")
        """The command that another one is started by inside of it."""
        self._keeper, self._cable = keeper, cable

    def cut(self) -> None:
        _run("ip", "link", "set", self._cable, "down")

    def mend(self) -> None:
        _run("ip", "link", "set", self._cable, "up")

    def listening(self, host: str, port: int) -> socket.socket:
        """A socket of this process that listens inside."""
        made: list[socket.socket] = []

        def inside() -> None:  # a thread has a namespace of its own, and a socket that of where it was made
            libc = ctypes.CDLL(None, use_errno=True)
            with Path(f"/proc/{self._keeper}/ns/net").open("rb") as space:
                if libc.setns(space.fileno(), _CLONE_NEWNET):
                    raise OSError(ctypes.get_errno(), "setns")
            made.append(listening(host, port))

        thread = threading.Thread(target=inside)
        thread.start()
        thread.join()
        return made[0]


def lacking() -> str | None:
    """Why no namespace can be made here; None where one can."""
    missing = [name for name in ("ip", "unshare", "nsenter") if shutil.which(name) is None]
    if missing:
        return f"this machine has no {' and no '.join(missing)}"
    if os.geteuid() != 0:
        return "making a network namespace with a cable to it takes root"
    if subprocess.run(["unshare", "--net", "true"], capture_output=True, check=False).returncode:
        return "there is no right to a network namespace"
    return None


@contextmanager
def namespace() -> Iterator[Namespace]:
    """Gone at the end. Its loopback is up, too."""
    with ExitStack() as held:
        command = ["unshare", "--net", "sh", "-c", "echo made; exec sleep infinity"]
        keeper = held.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE))
        held.callback(keeper.kill)
        assert keeper.stdout is not None
        assert keeper.stdout.readline() == b"made\n"
        cable = f"mm{keeper.pid}"
        made = Namespace(keeper.pid, cable)
        _run("ip", "link", "add", cable, "type", "veth", "peer", "name", "far", "netns", str(keeper.pid))
        held.callback(_run, "ip", "link", "del", cable)
        _run("ip", "addr", "add", f"{HERE}/30", "dev", cable)
        _run("ip", "link", "set", cable, "up")
        _run(*made.enter, "ip", "addr", "add", f"{THERE}/30", "dev", "far")
        for one in ("far", "lo"):
            _run(*made.enter, "ip", "link", "set", one, "up")
        yield made


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
