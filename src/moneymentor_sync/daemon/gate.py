"""The gate that one run passes between its batches: while somebody holds it waits, but not for ever."""

from __future__ import annotations

from collections.abc import Callable

from moneymentor_sync.core.events import Emit

from .interruptions import Interruptions

CREEP_SECONDS = 1.0
"""A run that was held up for as long as it may be goes on a batch at a time, with such a pause between two."""


class RunGate:
    """A `ports.Gate` for one run.

    `urgent` says that a forced sync is under way or waits for this one: it is not held up. `waiting` is told
    when the run begins and ends to wait. `max_pause_seconds` is all that holds may cost this run.
    """

    def __init__(
        self,
        interruptions: Interruptions,
        max_pause_seconds: float,
        *,
        urgent: Callable[[], bool],
        waiting: Callable[[bool], None],
        emit: Emit,
        run_id: str,
    ) -> None:
        self._interruptions = interruptions
        self._left = max_pause_seconds
        self._urgent = urgent
        self._waiting = waiting
        self._emit = emit
        self._run_id = run_id
        self._overdue = False

    def __call__(self, *, wait: bool) -> bool:
        """Raises StoppedError."""
        self._interruptions.check()
        if not self._interruptions.held or self._urgent():
            return False
        if not wait:
            return self._left > 0  # who was held up for as long as may be holds on to what it has
        self._waiting(True)
        try:
            self._pause()
        finally:
            self._waiting(False)
        return True

    def _pause(self) -> None:
        waited = self._interruptions.wait_until_free(max(self._left, CREEP_SECONDS), self._urgent)
        self._left -= waited
        if self._left <= 0 and not self._overdue and self._interruptions.held:
            self._overdue = True
            self._emit("pause.overdue", run=self._run_id, holders=len(self._interruptions.holds))
