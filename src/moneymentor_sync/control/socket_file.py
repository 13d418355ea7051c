"""The channel's socket in the file system: bound so that nobody can be in it before its mode is right, that a
second daemon fails at once, and that a restart, even after a crash, leaves no moment without a socket.

A lock file beside the socket says who may have it. The lock is the kernel's, so a crash cannot leave it behind;
the words in the file are only for people.
"""

from __future__ import annotations

import errno
import os
import socket
import stat
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from types import TracebackType

from moneymentor_sync.core.errors import ControlError, DaemonRunsError

_HINT = "Set `[control] socket` to a path in a directory that only the daemon's user can write to."
_BACKLOG = 128


class SocketFile:
    """A Unix socket that listens, and the right to its path until `close`.

    Made of `path` (absolute; at most 107 bytes, as unix(7) has it) and the `holder`'s words. Raises
    DaemonRunsError, naming who, where another daemon has the path, and ControlError where the path or its
    directory cannot be used. A socket that nobody listens on is replaced.
    """

    def __init__(self, path: Path, holder: str = "mmsync run") -> None:
        self.path = path
        # The socket before the lock: a process that is killed lets go of them in this order, so whoever gets
        # the lock after it finds its socket dead, too.
        try:
            self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError as error:  # no descriptor left
            raise ControlError(f"the socket {path} cannot be made: {error.strerror}", hint=_HINT) from error
        self._lock = -1
        try:
            _prepare_directory(path.parent)
            self._lock = _take_lock(path.with_name(f"{path.name}.lock"), path, holder)
            _refuse_what_stands_there(path)
            self._identity = _bind(self.socket, path)
        except OSError as error:
            self._let_go()
            raise ControlError(
                f"the socket {path} cannot be made: {error.strerror or error}", hint=_HINT
            ) from error
        except BaseException:
            self._let_go()
            raise

    @property
    def stands(self) -> bool:
        """Whether the path still leads here."""
        try:
            return _identity(self.path) == self._identity
        except OSError:
            return False

    def close(self) -> None:
        """Stops listening and removes the socket, unless another one stands in its place. May be called again."""
        if self._lock != -1:
            with suppress(OSError):
                if _identity(self.path) == self._identity:
                    self.path.unlink()
        self._let_go()

    def _let_go(self) -> None:
        self.socket.close()
        if self._lock != -1:
            with suppress(OSError):
                os.ftruncate(self._lock, 0)
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> SocketFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _prepare_directory(directory: Path) -> None:
    try:
        directory.mkdir(mode=0o700, parents=True)
    except FileExistsError:
        found = directory.stat()  # whatever mode it has is kept: systemd gives it one that lets operators in
        if found.st_uid != os.geteuid() and found.st_mode & stat.S_IWOTH:
            raise ControlError(
                f"the directory {directory} belongs to another user and everybody can write to it, "
                "so anybody could put a socket of theirs in place of the daemon's",
                hint=_HINT,
            ) from None


def _take_lock(lock: Path, path: Path, holder: str) -> int:
    """The descriptor of the lock file. It is never removed: a second daemon might just be opening it."""
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        flock(descriptor, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        who = os.pread(descriptor, 200, 0).decode(errors="replace").strip() or "another process"
        os.close(descriptor)
        raise DaemonRunsError(f"{who} already listens on {path}") from None
    except BaseException:
        os.close(descriptor)
        raise
    with suppress(OSError):  # only for people: a full disk must not keep the daemon from starting
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{holder} (process {os.getpid()})\n".encode(), 0)
    return descriptor


def _refuse_what_stands_there(path: Path) -> None:
    """Raises where the path is taken by something else than a dead socket."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise ControlError(f"{path} is there already and is not a socket; it is left as it is", hint=_HINT)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)  # a full queue is a listener, too
        answer = probe.connect_ex(str(path))
    if answer in (0, errno.EAGAIN):
        raise DaemonRunsError(f"another program, which is not `mmsync run`, listens on {path}")


def _bind(listening: socket.socket, path: Path) -> tuple[int, int]:
    """Binds under another name, and takes the path in one step when everything is right; gives its identity."""
    # Of the same length, so that a path that just fits still fits. A socket refuses to connect until it listens.
    passing = path.with_name(path.name[:-1] + ("#" if path.name.endswith("~") else "~"))
    with suppress(FileNotFoundError):
        passing.unlink()  # left by a daemon that was killed at this very place: the lock says it is not in use
    listening.bind(str(passing))
    try:
        passing.chmod(0o660)
        listening.listen(_BACKLOG)
        identity = _identity(passing)
        passing.replace(path)
    except BaseException:
        passing.unlink(missing_ok=True)
        raise
    return identity


def _identity(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_dev, found.st_ino
