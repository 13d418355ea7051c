"""What may interrupt a sync: holds of those whose requests go first, and the daemon's end."""

from __future__ import annotations

import threading
from collections.abc import Callable

from moneymentor_sync.core.errors import StoppedError
from moneymentor_sync.core.holds import MAX_HOLDERS, Hold, Holds, alive, ends_in, place, release

SLICE_SECONDS = 5.0
"""The longest that anything here waits without saying that it is alive."""

LEAST_SECONDS = 0.001
"""Less would be lost when it is added to the time."""

Wait = Callable[[threading.Condition, float], object]
"""Waits for the condition to be notified, at most so many seconds: `threading.Condition.wait` by default."""


class Interruptions:
    """Shared by the channel's threads, which place and release holds, and the worker, which waits here.

    `holds` is replaced whole and never changed, so that it can be read without the lock. `beat` is called at
    least every few seconds while somebody waits.
    """

    def __init__(
        self,
        monotonic: Callable[[], float],
        beat: Callable[[], None],
        wait: Wait = threading.Condition.wait,
    ) -> None:
        self._monotonic = monotonic
        self._beat = beat
        self._wait = wait
        self._changed = threading.Condition()
        self.holds: Holds = {}
        self.stopping = False

    def place(self, holder: str, ttl_seconds: float) -> Hold | None:
        """Takes or renews a hold; None, and nothing is kept, where there are MAX_HOLDERS already."""
        with self._changed:
            placed = place(self.holds, holder, ttl_seconds, self._monotonic())
            if len(placed) > MAX_HOLDERS:
                return None
            self.holds = placed
        return placed[holder]

    def release(self, holder: str) -> bool:
        """Ends a hold; whether somebody else still holds."""
        with self._changed:
            self.holds = release(self.holds, holder, self._monotonic())
            self._changed.notify_all()
            return bool(self.holds)

    def wake(self) -> None:
        """Something changed that whoever waits must look at."""
        with self._changed:
            self._changed.notify_all()

    def stop(self) -> None:
        """From now on every wait ends with StoppedError."""
        with self._changed:
            self.stopping = True
            self._changed.notify_all()

    @property
    def held(self) -> bool:
        return bool(alive(self.holds, self._monotonic()))

    def check(self) -> None:
        """Raises StoppedError where the daemon is to end."""
        if self.stopping:
            raise StoppedError("the daemon is being stopped")

    def sleep(self, seconds: float) -> None:
        """Sleeps, such as before another try. Raises StoppedError."""
        self._until(lambda: False, seconds)

    def wait_until_free(self, seconds: float, urgent: Callable[[], bool]) -> float:
        """Waits while somebody holds and it is not urgent, at most so long; gives the seconds it took.

        Raises StoppedError.
        """
        return self._until(lambda: urgent() or not alive(self.holds, self._monotonic()), seconds)

    def _until(self, done: Callable[[], bool], seconds: float) -> float:
        began = self._monotonic()
        with self._changed:
            while True:
                self.check()
                waited = self._monotonic() - began
                if done() or waited >= seconds:
                    return waited
                holds_end = ends_in(self.holds, self._monotonic()) or SLICE_SECONDS
                self._beat()
                self._wait(self._changed, max(LEAST_SECONDS, min(seconds - waited, holds_end, SLICE_SECONDS)))
