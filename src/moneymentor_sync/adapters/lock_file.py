"""One sync at a time for each spreadsheet on this machine: a kernel lock beside the state file.

The lock is the kernel's, so a crash cannot leave it behind. What is written into a file beside it is only for
people: who holds it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fcntl import LOCK_NB, LOCK_SH, flock
from hashlib import sha256
from pathlib import Path

from filelock import FileLock, Timeout

from moneymentor_sync.core.errors import LockHeldError, StateError


class LockFiles:
    """Lease on this machine. `holder` is what others are told, such as `mmsync sync`."""

    def __init__(self, state_path: Path, holder: str, pid: int | None = None) -> None:
        self._directory = state_path.parent
        self._stem = state_path.name
        self._holder = f"{holder} (process {pid if pid is not None else os.getpid()})"

    @contextmanager
    def hold(self, spreadsheet_id: str) -> Iterator[None]:
        """Holds the spreadsheet. Raises LockHeldError at once where another process has it."""
        path = self._path(spreadsheet_id)
        who = path.with_suffix(".holder")
        try:
            self._directory.mkdir(parents=True, exist_ok=True, mode=0o700)
            lock = FileLock(path, mode=0o600, blocking=False)
            lock.acquire()
        except Timeout as error:
            raise LockHeldError(
                f"{_read(who)} is working on spreadsheet {spreadsheet_id}; one sync at a time"
            ) from error
        except OSError as error:
            raise StateError(
                f"the lock file {path} cannot be made: {error.strerror}",
                hint="The directory of `[state] path` must be writable by the user that mmsync runs as.",
            ) from error
        try:
            with suppress(OSError):  # only for people: a full disk must not stop a sync here
                who.write_text(self._holder, encoding="utf-8")
            yield
        finally:
            lock.release()

    def holder(self, spreadsheet_id: str) -> str | None:
        """Who holds the spreadsheet at this moment, None where nobody does. Makes no file."""
        path = self._path(spreadsheet_id)
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

    def _path(self, spreadsheet_id: str) -> Path:
        name = sha256(spreadsheet_id.encode()).hexdigest()[:16]
        return self._directory / f"{self._stem}.{name}.lock"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip() or "another process"
    except OSError:
        return "another process"
