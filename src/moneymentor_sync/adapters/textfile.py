"""A file of metrics for node_exporter's textfile collector: whoever reads it finds a whole one, old or new."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from moneymentor_sync.core.errors import MetricsFileError
from moneymentor_sync.core.events import Emit
from moneymentor_sync.core.ports import RunResult

MODE = 0o644
"""node_exporter is another user, and there is nothing in it but numbers and the names of datasets."""
TELL_SECONDS = 60.0
LAST_SECONDS = 2.0
"""How long a daemon that ends waits for its last words to be written."""

Document = dict[str, Any]
Render = Callable[[Document], str]


def write(path: Path, text: str) -> None:
    """Replaces the file in one step, readable for everybody. Raises MetricsFileError.

    The name of the file on its way does not end with .prom, so that nobody takes it for metrics; one that a crash
    left is replaced.
    """
    coming = path.with_name(f".{path.name}.coming")
    try:
        with suppress(FileNotFoundError):
            coming.unlink()
        # New, and no link that somebody put there: the directory may be open to others.
        descriptor = os.open(coming, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, MODE)  # whatever the umask is
            file.write(text.encode())
        coming.rename(path)
    except OSError as error:
        with suppress(OSError):
            coming.unlink()
        raise MetricsFileError(f"{path} cannot be written: {error.strerror}") from error


class Textfile:
    """A `core.daemon_ports.Witness` that keeps the file up to date, in a thread of its own.

    Where the disk is slow, what is written next is the latest status; those between are left out. `render` makes
    the text while the daemon runs, `farewell` that for after its end. What fails is told once a minute at most.
    """

    def __init__(
        self, path: Path, render: Render, farewell: Render, emit: Emit, monotonic: Callable[[], float]
    ) -> None:
        self._path = path
        self._render = render
        self._farewell = farewell
        self._emit = emit
        self._monotonic = monotonic
        self._told_at = float("-inf")
        self._next: tuple[Render, Document] | None = None
        self._ended = False
        self._changed = threading.Condition()
        # A daemon thread: a file system that hangs must not keep a process alive that was told to end.
        self._thread = threading.Thread(target=self._work, name="textfile", daemon=True)

    def began(self, run_id: str, trigger: str) -> None:
        """The file is of what has ended."""

    def ended(self, run: RunResult) -> None:
        """The status follows."""

    def looked(self, status: Document) -> None:
        self._hand(self._render, status)
        if self._thread.ident is None:
            self._thread.start()

    def stopped(self, status: Document) -> None:
        """Waits two seconds at most: whoever reads the file later is not to think that the daemon runs."""
        self._hand(self._farewell, status, last=True)
        if self._thread.ident is None:
            self._thread.start()
        self._thread.join(LAST_SECONDS)

    def _hand(self, render: Render, status: Document, *, last: bool = False) -> None:
        with self._changed:
            if self._ended:  # a sync that hung comes to its end when the last word is said
                return
            self._next, self._ended = (render, status), last
            self._changed.notify()

    def _work(self) -> None:
        while True:
            with self._changed:
                while self._next is None:
                    if self._ended:
                        return
                    self._changed.wait()
                (render, status), self._next = self._next, None
            self._write(render, status)

    def _write(self, render: Render, status: Document) -> None:
        try:
            write(self._path, render(status))
        except MetricsFileError as error:
            self._tell(error=error.code, message=str(error), hint=error.hint)
        except Exception as error:  # noqa: BLE001 - no thread may end in silence
            self._tell(error=type(error).__name__, exc_info=error)

    def _tell(self, **fields: object) -> None:
        now = self._monotonic()
        if now - self._told_at >= TELL_SECONDS:
            self._told_at = now
            self._emit("metrics.unwritten", **fields)
