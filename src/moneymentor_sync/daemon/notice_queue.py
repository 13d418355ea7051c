"""Notices of changed datasets on their way to the desk: they wait here for the moment that `core.notices` says."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable

from moneymentor_sync.core.agenda import Ask
from moneymentor_sync.core.daemon_ports import Ticker
from moneymentor_sync.core.notices import NO_NOTICES, Pace, due, due_at, noticed

JOB = "notices"
_SOONEST_SECONDS = 0.001
"""A clock that has not quite come to the moment is looked at again so much later."""


class NoticeQueue:
    """Told by any thread. `pace` gives the settings as they are now; `monotonic` is in seconds."""

    def __init__(
        self,
        ticker: Ticker,
        ask: Callable[[Ask], object],
        monotonic: Callable[[], float],
        pace: Callable[[], Pace],
    ) -> None:
        self._ticker = ticker
        self._ask = ask
        self._monotonic = monotonic
        self._pace = pace
        self._notices = NO_NOTICES
        self._lock = threading.Lock()

    def notice(self, datasets: Iterable[str]) -> None:
        """These datasets have changed, or may have. Returns at once."""
        with self._lock:
            before = due_at(self._notices, self._pace())
            self._notices = noticed(self._notices, datasets, self._monotonic())
            if before is None:
                self._plan()  # else its moment only moves away, and is looked at when the earlier one has come

    def paced_anew(self) -> None:
        """Another pace holds for what waits, too."""
        with self._lock:
            self._plan()

    def _due(self) -> None:
        with self._lock:
            names, self._notices = due(self._notices, self._pace(), self._monotonic())
            self._plan()
        if names:
            self._ask(Ask(names, "notify"))

    def _plan(self) -> None:
        moment = due_at(self._notices, self._pace())
        if moment is not None:
            wait = max(moment - self._monotonic(), _SOONEST_SECONDS)
            self._ticker.once(JOB, wait, self._due)
