"""What alerting does in its thread: it judges what was seen, notes what was told, minds the keys, and sends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from moneymentor_sync.core.alert_conditions import (
    GUARD_CODES,
    KeyTrouble,
    Known,
    guard_condition,
    is_refused_key,
    look_at,
)
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
from moneymentor_sync.core.events import Emit
from moneymentor_sync.core.pings import Ping
from moneymentor_sync.core.ports import RunResult
from moneymentor_sync.core.settings import AlertSettings, Config

from .alert_outbox import Outbox

MOST_ATTEMPTS = 5
"""To read what was told before, before anything is told anew."""
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


@dataclass(frozen=True, slots=True)
class Left:
    """What the daemon's threads have left since the last time."""

    status: Document | None
    runs: tuple[RunResult, ...]
    pings: tuple[Ping, ...]
    closed: bool


class Sender:
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
        self._watched = _KeyRounds(edges.keys, monotonic)
        self._number = 0
        self._unsaved = self._remembered = False
        self._attempts = 0
        self.seen = AlertsSeen()

    def due_in(self) -> float:
        """Seconds until there is something to do, though nobody leaves anything."""
        due = self._outbox.due_in()
        return min(self._watched.due_in(), FILE_SECONDS if due is None else due)

    def step(self, left: Left) -> bool:
        """Everything that is to be done now, but one try to send at most; whether one was made."""
        self._configure()
        for run in left.runs:
            self._learn(run)
        for ping in left.pings:
            self._outbox.ping(ping)
        news = not left.closed and self._watched.look(anxious=any(map(is_refused_key, self._active)))
        if left.status is not None or news:
            self._status = left.status or self._status
            self._judge()
        return self._outbox.send_one()

    def _configure(self) -> None:
        """Takes in the configuration whenever it is another, and once, as soon as that can be, what the state file
        knows."""
        config = self._config()
        if config is not self._read:
            self._read = config
            if config.alerts != self._addressed:
                self._readdress(config.alerts)
            self._watched.use(config)
        if not self._remembered:
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

    @property
    def _may_remember(self) -> bool:
        """Whether what was told may still be read: else it would be told again, for a sync that locked the file."""
        return not self._remembered and self._attempts < MOST_ATTEMPTS

    def _remember(self) -> None:
        self._attempts += 1
        try:
            memory, pending = self._edges.store.memory(), self._edges.store.pending()
        except StateError as error:
            self._emit("state.failed", error=error.code, message=str(error), hint=error.hint)
            return
        self._remembered = True
        self._memory = {**memory, **self._memory}
        told = (one.condition for one in memory.values())
        old = {one.dataset: one for one in told if one.kind == "guard" and one.dataset is not None}
        self._refusals = {**old, **self._refusals}
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
        if status is None or status["stopping"] or not config.alerts.any or self._may_remember:
            return
        now = self._clock()
        stale_after = {one.name: one.stale_after for one in config.datasets}
        unasked = () if self._watched.asked else tuple(filter(is_refused_key, self._active))
        known = Known(stale_after, self._refusals, self._watched.troubles, unasked)
        rules = Rules(config.alerts.remind_after, config.alerts.settle)
        look = look_at(status, known, now)
        if not look.unsure:  # what another member or an operator does about the others is not known here
            self._refusals = {name: one for name, one in self._refusals.items() if name in look.datasets}
        memory, notices = decide(look, self._memory, now, rules)
        message = None
        if notices and self._outbox.keys:
            self._number = max(self._number + 1, int(now * 1_000))  # no other's, also where those were not read yet
            told = message_of(notices, self._edges.instance, now)
            message = Pending(self._number, now, told, self._outbox.keys)
        if message is not None or self._unsaved or _told(memory) != _told(self._memory):
            self._save(memory, message)
        self._memory = memory
        if message is not None:
            self._outbox.take_in([message])
        self._show()

    @property
    def _active(self) -> list[Condition]:
        return [one.condition for one in self._memory.values() if one.told is not None]

    def _save(self, memory: Memory, message: Pending | None) -> None:
        """A full disk loses no message, and the note of it is made up for at the next look."""
        try:
            self._edges.store.save(memory, message)
            self._unsaved = False
        except StateError as error:
            self._emit("state.failed", error=error.code, message=str(error), hint=error.hint)
            self._unsaved = True

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


class _KeyRounds:
    """The keys in use: what is wrong with them, looked at from time to time."""

    def __init__(self, keys: Keys, monotonic: Callable[[], float]) -> None:
        self._keys, self._monotonic = keys, monotonic
        self._files = self._tokens = monotonic()
        self._refused: tuple[KeyTrouble, ...] = ()
        self.troubles: tuple[KeyTrouble, ...] = ()
        self.asked = False
        """Whether Google was asked since these keys came into use."""

    def use(self, config: Config) -> None:
        """Keys come into use when a configuration does; a new token is asked for half an hour later."""
        self.asked = False
        self._keys.use(config.google)
        self._files = self._tokens = self._monotonic()
        self._refused = self.troubles = ()

    def due_in(self) -> float:
        return max(self._files + FILE_SECONDS - self._monotonic(), 0.0)

    def look(self, *, anxious: bool) -> bool:
        """Looks where it is time to, after tokens sooner where somebody waits for good news of one; whether
        anything has changed."""
        now, before = self._monotonic(), (self.troubles, self.asked)
        if now - self._files < FILE_SECONDS:
            return False
        self._files = now
        if now - self._tokens >= TOKEN_SECONDS or (anxious and not self.asked):
            self._tokens, self.asked = now, True
            self._refused = tuple(self._keys.tokens())
        self.troubles = (*self._keys.files(), *self._refused)
        return (self.troubles, self.asked) != before
