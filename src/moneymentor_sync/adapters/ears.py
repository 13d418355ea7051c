"""What every kind of watch has: a thread that can be ended at any moment, and a word on how it goes."""

from __future__ import annotations

import os
import select
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace

from ..core.daemon_ports import Changed
from ..core.errors import MmsyncError
from ..core.events import Emit, way_of
from ..core.realtime import Hearing, Source, State


class Waker:
    """Lets one thread wait, for a time or for a file descriptor, until another one ends that once and for all."""

    def __init__(self) -> None:
        self._event: int | None = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._lock = threading.Lock()
        self.woken = False

    def wake(self) -> None:
        with self._lock:
            self.woken = True
            if self._event is not None:
                os.eventfd_write(self._event, 1)

    def wait(self, seconds: float, descriptor: int | None = None) -> bool:
        """Waits until it is woken, the descriptor can be read, or the time is over; whether it was woken.

        For the one thread that also closes it.
        """
        poll = select.poll()
        for one in (self._event, descriptor):
            if one is not None:
                poll.register(one, select.POLLIN)
        poll.poll(max(seconds, 0.0) * 1000)
        return self.woken

    def close(self) -> None:
        with self._lock:
            if self._event is not None:
                os.close(self._event)
            self._event = None


class Ears:
    """How it goes, for the status and the log; what is heard after the end is not passed on."""

    def __init__(self, source: Source, changed: Changed, emit: Emit, clock: Callable[[], float]) -> None:
        self._changed = changed
        self._emit = emit
        self._clock = clock
        self.waker = Waker()
        self.hearing = Hearing(source, "connecting", clock())

    def listening(self, untold: Sequence[str] = (), unheard: Sequence[str] = (), **fields: object) -> None:
        """From now on changes are heard."""
        before = self.hearing
        self.hearing = replace(before, state="listening", since=self._clock(), error=None)
        self.told_of(untold, unheard)
        self.say(
            "realtime.listening", source=before.source, untold=list(untold), unheard=list(unheard), **fields
        )  # fmt: skip

    def lost(self, error: MmsyncError, *, deaf: bool = False, **fields: object) -> None:
        """Changes are not heard; said once for each reason, however often it is tried in vain."""
        before = self.hearing
        state: State = "deaf" if deaf else "lost"
        words = str(error)
        if (before.state, before.error) == (state, words):
            return
        since = before.since if before.state == state else self._clock()
        self.hearing = replace(before, state=state, since=since, error=words)
        self.say(
            "realtime.deaf" if deaf else "realtime.lost",
            source=before.source, error=error.code, message=words, hint=error.hint, **fields,
        )  # fmt: skip

    def told_of(self, untold: Sequence[str], unheard: Sequence[str]) -> None:
        """Which tables no trigger tells of, and which datasets nothing can, as it is now."""
        self.hearing = replace(self.hearing, untold=tuple(untold), unheard=tuple(unheard))

    def heard(self, datasets: frozenset[str]) -> None:
        """These datasets have changed."""
        if not self.waker.woken and datasets != frozenset():
            self.hearing = replace(self.hearing, last_change=self._clock())
            self._changed(datasets)

    def missed(self, datasets: frozenset[str] | None) -> None:
        """These may have changed while nobody listened; None for all, where the database is reached again."""
        if not self.waker.woken and datasets != frozenset():
            self._changed(datasets)

    def say(self, event: str, **fields: object) -> None:
        if not self.waker.woken:
            self._emit(event, **fields)


class WatchThread:
    """Runs `work` until it is stopped, and again after a while should a bug end it."""

    def __init__(self, name: str, ears: Ears, work: Callable[[], None], *, again_seconds: float = 60.0) -> None:
        self._ears = ears
        self._work = work
        self._again = again_seconds
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self, seconds: float = 1.0) -> bool:
        """Ends it. One that is in the middle of connecting is not waited for longer than this; whether it ended."""
        self._ears.waker.wake()
        if self._thread.ident is None:
            self._ears.waker.close()
            return True
        if self._thread is not threading.current_thread():
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            while not self._ears.waker.woken:
                self._try()
        finally:
            self._ears.waker.close()

    def _try(self) -> None:
        try:
            self._work()
        except Exception as error:  # noqa: BLE001 - a bug must not make the daemon deaf for good, and is told
            bug = MmsyncError(f"a bug in mmsync: {type(error).__name__}", hint="Report it with this log line.")
            self._ears.lost(bug, where=way_of(error))
            self._ears.waker.wait(self._again)
