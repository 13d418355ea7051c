"""An end for what would otherwise take for ever: a call whose time-out counts anew with each byte that comes."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType

AGAIN_SECONDS = 1.0


class Deadline:
    """While it is entered, `cut` is called (in a thread) after so many seconds, and each second from then on.

    Again and again, since what was cut may have begun anew. `passed` says whether it came to that.
    """

    def __init__(self, seconds: float, cut: Callable[[], None]) -> None:
        self._seconds = seconds
        self._cut = cut
        self._over = threading.Event()
        self._cutting = threading.Lock()
        self.passed = False

    def __enter__(self) -> Deadline:
        threading.Thread(target=self._watch, name="deadline", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._cutting:  # no cut may come when this call has ended, and hit the next one
            self._over.set()

    def _watch(self) -> None:
        wait = self._seconds
        while not self._over.wait(wait):
            with self._cutting:
                if self._over.is_set():
                    return
                self.passed = True
                self._cut()
            wait = AGAIN_SECONDS
