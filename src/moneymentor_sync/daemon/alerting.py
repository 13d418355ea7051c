"""Alerting: a witness of the syncs that tells people of trouble, in a thread of its own.

The daemon's threads only leave here what they have seen, which never waits. The thread decides (`core.alerts`),
notes what was told in the state file, and sends; whatever hangs there holds up nobody else.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from moneymentor_sync.core.alert_conditions import GUARD_CODES, KeyTrouble, Known, guard_condition, look_at
from moneymentor_sync.core.alert_messages import message_of
from moneymentor_sync.core.alert_ports import (
    Addresses,
    AlertsSeen,
    AlertStore,
    Keys,
    OpenAddresses,
    Pending,
)
from moneymentor_sync.core.alerts import NOTHING, Condition, Memory, Rules, decide
from moneymentor_sync.core.errors import ConfigError, StateError
from moneymentor_sync.core.events import Emit, way_of
from moneymentor_sync.core.pings import Ping, Pings, at_begin, at_end
from moneymentor_sync.core.ports import RunResult
from moneymentor_sync.core.settings import AlertSettings, Config

from .alert_outbox import MOST_PINGS, Outbox

STOP_SECONDS = 2.0
"""What the end waits for messages that are still to be sent."""
PAUSE_SECONDS = 10.0
"""After a bug of ours."""
TOKEN_SECONDS = 1_800.0
FILE_SECONDS = 60.0
"""How often the keys are looked after: with Google, and on the disk."""
Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class AlertEdges:
    """`instance` is what messages call this daemon."""

    store: AlertStore
    open_addresses: OpenAddresses
    keys: Keys
    instance: str


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
        self._sender = _Sender(lambda: self._config(), edges, emit, clock, monotonic)
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


@dataclass(frozen=True, slots=True)
class _Left:
    """What the daemon's threads have left since the last time."""

    status: Document | None
    runs: tuple[RunResult, ...]
    pings: tuple[Ping, ...]
    closed: bool


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

    def take(self, wait: float) -> _Left:
        with self._changed:
            if not (self.closed or self._pings or self._status):
                self._changed.wait(wait)
            left = _Left(self._status, tuple(self._runs), tuple(self._pings), self.closed)
            self._status = None
            self._runs.clear()
            self._pings.clear()
        return left


class _Sender:
    """What the thread does and knows. `seen` is replaced whole."""

    def __init__(
        self,
        config: Callable[[], Config],
        edges: AlertEdges,
        emit: Emit,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._config, self._edges, self._emit = config, edges, emit
        self._clock, self._monotonic = clock, monotonic
        self._outbox = Outbox(edges.store, emit, clock, monotonic, self._tried)
        self._memory: Memory = NOTHING
        self._refusals: dict[str, Condition] = {}
        self._status: Document | None = None
        self._read: Config | None = None
        self._addressed: AlertSettings | None = None
        self._watched = _Watched(edges.keys, monotonic)
        self._number = 0
        self.seen = AlertsSeen()

    def due_in(self) -> float:
        """Seconds until there is something to do, though nobody leaves anything."""
        due = self._outbox.due_in()
        return min(self._watched.due_in(), FILE_SECONDS if due is None else due)

    def step(self, left: _Left) -> bool:
        """Everything that is to be done now, but one try to send at most; whether one was made."""
        self._configure()
        for run in left.runs:
            self._learn(run)
        for ping in left.pings:
            self._outbox.ping(ping)
        news = not left.closed and self._watched.look()
        if left.status is not None or news:
            self._status = left.status or self._status
            self._judge()
        return self._outbox.send_one()

    def _configure(self) -> None:
        """Takes in what the state file knows, the first time, and the configuration whenever it is another."""
        config = self._config()
        if config is self._read:
            return
        first, self._read = self._read is None, config
        if config.alerts != self._addressed:
            self._readdress(config.alerts)
        self._watched.use(config)
        if first:
            self._remember()

    def _readdress(self, settings: AlertSettings) -> None:
        try:
            addresses = self._edges.open_addresses(settings)
        except ConfigError as error:  # it was looked at before the daemon took it, so that this is rare
            self._emit("alert.failed", to="alerts", message=str(error), hint=error.hint)
            addresses = Addresses()
        self._addressed = settings
        self._outbox.readdress(addresses)
        names = [*(one.name for one in addresses.told), *([addresses.switch.name] if addresses.switch else [])]
        self.seen = replace(self.seen, addresses=tuple(names), error=None, error_at=None)

    def _remember(self) -> None:
        try:
            memory, pending = self._edges.store.memory(), self._edges.store.pending()
        except StateError as error:
            self._emit("state.failed", error=error.code, message=str(error), hint=error.hint)
            return
        self._memory = memory
        told = (one.condition for one in memory.values())
        old = {one.dataset: one for one in told if one.kind == "guard" and one.dataset is not None}
        self._refusals = {**old, **self._refusals}
        self._number = max((one.id for one in pending), default=0)
        self._outbox.take_in(pending)
        self._show()

    def _learn(self, run: RunResult) -> None:
        for one in run.datasets:
            if one.result == "failed" and one.error_code in GUARD_CODES:
                self._refusals[one.dataset] = guard_condition(
                    one.dataset, one.error_code or "", one.error or "", one.hint or ""
                )
            elif one.result in ("synced", "unchanged"):
                self._refusals.pop(one.dataset, None)

    def _judge(self) -> None:
        status, config = self._status, self._config()
        if status is None or status["stopping"] or not config.alerts.any:
            return
        now = self._clock()
        stale_after = {one.name: one.stale_after for one in config.datasets}
        known = Known(stale_after, self._refusals, self._watched.troubles)
        rules = Rules(config.alerts.remind_after, config.alerts.settle)
        look = look_at(status, known, now)
        if not look.unsure:  # what another member or an operator does about the others is not known here
            self._refusals = {name: one for name, one in self._refusals.items() if name in look.datasets}
        memory, notices = decide(look, self._memory, now, rules)
        message = None
        if notices and self._outbox.keys:
            self._number += 1
            told = message_of(notices, self._edges.instance, now)
            message = Pending(self._number, now, told, self._outbox.keys)
        if message is not None or _told(memory) != _told(self._memory):
            self._save(memory, message)
        self._memory = memory
        if message is not None:
            self._outbox.take_in([message])
        self._show()

    def _save(self, memory: Memory, message: Pending | None) -> None:
        """A full disk loses the note, not the message."""
        try:
            self._edges.store.save(memory, message)
        except StateError as error:
            self._emit("state.failed", error=error.code, message=str(error), hint=error.hint)

    def _show(self) -> None:
        active = tuple(one for one in self._memory.values() if one.told is not None)
        self.seen = replace(self.seen, active=active)

    def _tried(self, name: str, error: str | None) -> None:
        del name
        now = self._clock()
        if error is None:
            self.seen = replace(self.seen, sent=now, error=None, error_at=None)
        else:
            self.seen = replace(self.seen, error=error, error_at=now)


def _told(memory: Memory) -> dict[str, tuple[float | None, float | None, Condition]]:
    return {key: (one.told, one.gone, one.condition) for key, one in memory.items() if one.told is not None}


class _Watched:
    """The keys in use: what is wrong with them, looked at from time to time."""

    def __init__(self, keys: Keys, monotonic: Callable[[], float]) -> None:
        self._keys, self._monotonic = keys, monotonic
        self._files = self._tokens = monotonic()
        self._refused: tuple[KeyTrouble, ...] = ()
        self.troubles: tuple[KeyTrouble, ...] = ()

    def use(self, config: Config) -> None:
        """Keys come into use when a configuration does; a new token is asked for half an hour later."""
        self._keys.use(config.google)
        self._files = self._tokens = self._monotonic()
        self._refused = self.troubles = ()

    def due_in(self) -> float:
        return max(self._files + FILE_SECONDS - self._monotonic(), 0.0)

    def look(self) -> bool:
        """Looks where it is time to; whether anything has changed."""
        now, before = self._monotonic(), self.troubles
        if now - self._files < FILE_SECONDS:
            return False
        self._files = now
        if now - self._tokens >= TOKEN_SECONDS:
            self._tokens = now
            self._refused = tuple(self._keys.tokens())
        self.troubles = (*self._keys.files(), *self._refused)
        return self.troubles != before
