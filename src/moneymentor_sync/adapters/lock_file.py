"""One sync at a time for each spreadsheet on this machine: a kernel lock beside the state file.

The lock is the kernel's, so a crash cannot leave it behind. What is written into a file beside it is only for
people: who holds it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from fcntl import LOCK_NB, LOCK_SH, flock
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout

from moneymentor_sync.core.errors import DaemonRunsError, LockHeldError, StateError

PROBE_SECONDS = 0.3
"""Longer than anybody looks who only wants to know who holds it (`_holder_of`)."""


@contextmanager
def hold_file(path: Path, holder: str) -> Iterator[None]:
    """Holds the lock of a file, with a word beside it on who does.

    Raises BlockingIOError where another process has it and keeps it, with that process's word as its text;
    StateError where the file cannot be made.
    """
    who = path.with_suffix(".holder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = FileLock(path, mode=0o600, timeout=PROBE_SECONDS)
        lock.acquire()
    except Timeout as error:
        raise BlockingIOError(_read(who)) from error
    except OSError as error:
        raise StateError(
            f"the lock file {path} cannot be made: {error.strerror}",
            hint="The directory of `[state] path` must be writable by the user that mmsync runs as.",
        ) from error
    try:
        with suppress(OSError):  # only for people: a full disk must not stop a sync here
            who.touch(mode=0o600)
            who.write_text(holder, encoding="utf-8")
        yield
    finally:
        lock.release()


@contextmanager
def only_daemon(state_path: Path, pid: int) -> Iterator[None]:
    """One daemon for each state file. Raises DaemonRunsError, naming the other, and StateError."""
    held = hold_file(_daemon_lock(state_path), f"process {pid}")
    try:
        held.__enter__()
    except BlockingIOError as error:
        raise DaemonRunsError(f"a daemon ({error}) works with the state file {state_path} already") from error
    try:
        yield
    finally:
        held.__exit__(None, None, None)


def daemon_holder(state_path: Path) -> str | None:
    """The daemon that has the state file, None where there is none. Makes no file."""
    return _holder_of(_daemon_lock(state_path))


def _daemon_lock(state_path: Path) -> Path:
    return state_path.with_name(f"{state_path.name}.daemon.lock")


def _holder_of(path: Path) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:  # not there (then nobody ever held it), or not ours to look at
        return None
    try:
        flock(descriptor, LOCK_SH | LOCK_NB)
    except BlockingIOError:
        return _read(path.with_suffix(".holder"))
    finally:
        os.close(descriptor)
    return None


class LockFiles:
    """Lease on this machine. `holder` is what others are told, such as `mmsync sync`."""

    def __init__(self, state_path: Path, holder: str, pid: int | None = None) -> None:
        self._directory = state_path.parent
        self._stem = state_path.name
        self._holder = f"{holder} (process {pid if pid is not None else os.getpid()})"

    @contextmanager
    def hold(self, spreadsheet_id: str) -> Iterator[None]:
        """Holds the spreadsheet. Raises LockHeldError where another process has it and keeps it."""
        held = hold_file(self._path(spreadsheet_id), self._holder)
        try:
            held.__enter__()
        except BlockingIOError as error:
            raise LockHeldError(
                f"{error} is working on spreadsheet {spreadsheet_id}; one sync at a time"
            ) from error
        try:
            yield
        finally:
            held.__exit__(None, None, None)

    def work(self, spreadsheet_id: str) -> AbstractContextManager[None]:
        """The kernel takes nothing away from whoever holds it."""
        del spreadsheet_id
        return nullcontext()

    def prove(self, spreadsheet_id: str) -> None:
        """Whoever holds it has it for as long as the process lives."""

    def holder(self, spreadsheet_id: str) -> str | None:
        """Who holds the spreadsheet at this moment, None where nobody does. Makes no file."""
        return _holder_of(self._path(spreadsheet_id))

    def _path(self, spreadsheet_id: str) -> Path:
        name = sha256(spreadsheet_id.encode()).hexdigest()[:16]
        return self._directory / f"{self._stem}.{name}.lock"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip() or "another process"
    except OSError:
        return "another process"
