"""Watch on a SQLite file: its data version, which any other connection's commit changes, is looked at each second.

https://sqlite.org/pragma.html#pragma_data_version. The file is opened for reading only, and no transaction is left
open on it. A file that was put in the place of the old one is another one, whatever its version.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ..core.daemon_ports import Changed
from ..core.errors import DatabaseUnreachableError
from ..core.events import Emit
from ..core.realtime import Hearing
from .ears import Ears, WatchThread

LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """Which file was seen, and which of its contents."""

    file: tuple[int, int]
    version: int


class FileWatch:
    """Tells of all `datasets`: SQLite does not say which table changed. `clock` is UNIX seconds."""

    def __init__(
        self,
        path: Path,
        datasets: Iterable[str],
        changed: Changed,
        emit: Emit,
        clock: Callable[[], float],
        *,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._path = path
        self._datasets = frozenset(datasets)
        self._look_seconds = look_seconds
        self._ears = Ears("data_version", changed, emit, clock)
        self._thread = WatchThread("watch", self._ears, self._work)
        self._connection: sqlite3.Connection | None = None
        self._seen: _Seen | None = None

    @property
    def hearing(self) -> Hearing:
        return self._ears.hearing

    def start(self) -> None:
        """What is committed after this call is told of."""
        self._look()
        self._thread.start()

    def stop(self) -> bool:
        return self._thread.stop()

    def _work(self) -> None:
        try:
            while not self._ears.waker.wait(self._look_seconds):
                self._look()
        finally:
            self._close()

    def _look(self) -> None:
        try:
            seen = self._see()
        except (OSError, sqlite3.Error) as error:
            if not _is_busy(error):
                self._close()
                self._ears.lost(_unreachable(self._path, error))
            return
        before, self._seen = self._seen, seen
        lost, first = self._ears.hearing.state == "lost", self._ears.hearing.state == "connecting"
        if lost or first:
            self._ears.listening()
        if lost:
            self._ears.missed(None)
        elif before is not None and before != seen:
            self._ears.heard(self._datasets)

    def _see(self) -> _Seen:
        status = self._path.stat()
        file = (status.st_dev, status.st_ino)
        if self._connection is None or self._seen is None or self._seen.file != file:
            self._close()
            self._connection = _open(self._path)
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return _Seen(file, version)

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(sqlite3.Error):
                connection.close()


def _open(path: Path) -> sqlite3.Connection:
    """Made by who starts it, used by its thread only; a locked file is looked at again a second later."""
    return sqlite3.connect(
        f"file:{quote(str(path))}?mode=ro", uri=True, timeout=0, isolation_level=None, check_same_thread=False
    )


def _is_busy(error: Exception) -> bool:
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _unreachable(path: Path, error: Exception) -> DatabaseUnreachableError:
    words = error.strerror if isinstance(error, OSError) else str(error)
    return DatabaseUnreachableError(
        f"the SQLite file {path} cannot be watched: {words}", hint="It is looked at again each second."
    )
