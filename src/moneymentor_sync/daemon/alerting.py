"""Alerting: a witness of the syncs that tells people of trouble, in a thread of its own.

The daemon's threads only leave here what they have seen, which never waits. The thread decides (`core.alerts`),
notes what was told in the state file, and sends; whatever hangs there holds up nobody else.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from moneymentor_sync.core.alert_ports import AlertsSeen
from moneymentor_sync.core.events import Emit, way_of
from moneymentor_sync.core.pings import Ping, Pings, at_begin, at_end
from moneymentor_sync.core.ports import RunResult
from moneymentor_sync.core.settings import Config

from .alert_outbox import MOST_PINGS
from .alert_sender import AlertEdges, Left, Sender

STOP_SECONDS = 2.0
"""What the end waits for messages that are still to be sent."""
PAUSE_SECONDS = 10.0
"""After a bug of ours."""
Document = dict[str, Any]


class Alerting:
    """A Witness. `follow` says where the configuration is as it is at any moment; `clock` is UNIX seconds."""

    def __init__(
        self,
        config: Config,
        edges: AlertEdges,
        emit: Emit,
        *,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._config: Callable[[], Config] = lambda: config
        self._inbox = _Inbox()
        self._monotonic = monotonic
        self._pings = Pings()
        self._sender = Sender(lambda: self._config(), edges, emit, clock, monotonic)
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._emit = emit
        self._abandoned = False

    def follow(self, config: Callable[[], Config]) -> None:
        """To be called before the first word to it."""
        self._config = config

    # --- called from the daemon's threads -------------------------------------------------------------------

    @property
    def seen(self) -> AlertsSeen:
        """For the status; never waits."""
        return self._sender.seen

    def began(self, run_id: str, trigger: str) -> None:
        del run_id, trigger
        self._pings, ping = at_begin(self._pings, self._monotonic())
        self._leave(lambda: self._inbox.ping(ping))

    def ended(self, run: RunResult) -> None:
        self._pings, ping = at_end(self._pings, run.outcome)
        self._inbox.run(run)
        self._leave(lambda: self._inbox.ping(ping))

    def looked(self, status: Document) -> None:
        self._leave(lambda: self._inbox.look(status))

    def stopped(self, status: Document) -> None:
        """That somebody stops it is nothing to be told of; what is on its way has until `close`."""
        del status

    def _leave(self, note: Callable[[], object]) -> None:
        """Leaves something for the thread, which there is from the first moment that anybody is to be told."""
        note()
        if self._thread is None and self._config().alerts.any:
            self._start()

    def _start(self) -> None:
        with self._starting:  # worker and main thread may both come first
            if self._thread is None and not self._inbox.closed:
                self._thread = threading.Thread(target=self.work, name="mmsync-alerts", daemon=True)
                self._thread.start()

    def close(self, seconds: float = STOP_SECONDS) -> None:
        """Waits for what is to be sent, so long at most; a message that was not is sent after the next start."""
        self._inbox.close()
        if self._thread is not None:
            self._thread.join(seconds)
        self._abandoned = True  # the try under way is its last: the state file may be another daemon's by then

    # --- the thread -----------------------------------------------------------------------------------------

    def work(self) -> None:
        """Until it is closed and everything that can be sent at once is. It never dies."""
        pause = 0.0
        while not self._abandoned:
            try:
                if not self.serve(max(self._sender.due_in(), pause)):
                    return
                pause = 0.0
            except Exception as error:  # noqa: BLE001 - a bug must not end the alerts that come after it
                self._emit("witness.failed", witness="Alerting", error=type(error).__name__, where=way_of(error))
                pause = PAUSE_SECONDS

    def serve(self, wait: float) -> bool:
        """Takes what was left here within so long, and makes one try to send; whether there is more to be done."""
        left = self._inbox.take(wait)
        tried = self._sender.step(left)
        return tried or not left.closed


class _Inbox:
    """Bounded: of several statuses the last counts, of many pings the last few."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._status: Document | None = None
        self._runs: deque[RunResult] = deque(maxlen=100)
        self._pings: deque[Ping] = deque(maxlen=MOST_PINGS)
        self.closed = False

    def ping(self, ping: Ping | None) -> None:
        if ping is not None:
            with self._changed:
                self._pings.append(ping)
                self._changed.notify()

    def run(self, run: RunResult) -> None:
        with self._changed:
            self._runs.append(run)

    def look(self, status: Document) -> None:
        with self._changed:
            self._status = status
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self.closed = True
            self._changed.notify()

    def take(self, wait: float) -> Left:
        with self._changed:
            if not (self.closed or self._pings or self._status):
                self._changed.wait(wait)
            left = Left(self._status, tuple(self._runs), tuple(self._pings), self.closed)
            self._status = None
            self._runs.clear()
            self._pings.clear()
        return left
