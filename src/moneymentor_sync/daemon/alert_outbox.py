"""Messages and pings on their way: each address has a line of its own, bounded in number and age, and tried again.

Used by the one thread that sends.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from moneymentor_sync.core.alert_ports import Address, Addresses, AlertStore, Pending, Switch
from moneymentor_sync.core.errors import AlertError, StateError
from moneymentor_sync.core.events import Emit, way_of
from moneymentor_sync.core.pings import Ping

FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 300.0
GIVE_UP_SECONDS = 86_400.0
"""A message that could not be sent for so long is dropped."""
MOST_MESSAGES = 100
"""That wait for one address; of more the oldest is dropped."""
MOST_PINGS = 6
OLD_PING_SECONDS = 600.0
"""A ping is about its moment: an old one says something else."""


@dataclass(slots=True)
class _Patience:
    """How long an address is left alone after it has failed."""

    failures: int = 0
    again: float = 0.0

    def failed(self, now: float) -> float:
        wait = min(FIRST_WAIT_SECONDS * 2.0 ** min(self.failures, 10), LONGEST_WAIT_SECONDS)
        self.failures, self.again = self.failures + 1, now + wait
        return wait

    def done(self) -> None:
        self.failures, self.again = 0, 0.0


@dataclass(slots=True)
class _Line:
    address: Address
    waiting: deque[Pending] = field(default_factory=deque)
    patience: _Patience = field(default_factory=_Patience)


class Outbox:
    """`last` is told of each try: the address's name, and why it failed, if it did."""

    def __init__(
        self,
        store: AlertStore,
        emit: Emit,
        clock: Callable[[], float],
        monotonic: Callable[[], float],
        last: Callable[[str, str | None], None],
    ) -> None:
        self._store, self._emit, self._clock, self._monotonic, self._last = store, emit, clock, monotonic, last
        self._lines: dict[str, _Line] = {}
        self._switch: Switch | None = None
        self._pings: deque[tuple[float, Ping]] = deque(maxlen=MOST_PINGS)
        self._switch_patience = _Patience()
        self._left: dict[int, frozenset[str]] = {}

    def readdress(self, addresses: Addresses) -> None:
        """From now on these are told. What waits for one that is among them goes on to wait, else it is dropped."""
        before = self._lines
        self._lines = {one.key: _Line(one) for one in addresses.told}
        for key, line in self._lines.items():
            if key in before:
                line.waiting = before[key].waiting
        self._switch, self._switch_patience = addresses.switch, _Patience()
        self._pings.clear()  # they were about another one's moments
        for key in before.keys() - self._lines.keys():
            for one in before[key].waiting:
                self._note(one.id, key)

    @property
    def keys(self) -> frozenset[str]:
        """Of everybody who gets messages."""
        return frozenset(self._lines)

    def take_in(self, messages: Iterable[Pending]) -> None:
        """Messages for those whose keys they have; they are in the store already."""
        for one in messages:
            self._left[one.id] = one.waiting
            for key in one.waiting - self._lines.keys():
                self._note(one.id, key)
            for key in one.waiting & self._lines.keys():
                line = self._lines[key]
                line.waiting.append(one)
                if len(line.waiting) > MOST_MESSAGES:
                    self._drop(line, "too many wait")

    def ping(self, ping: Ping) -> None:
        """The oldest that waits is forgotten for it where there are too many."""
        if self._switch is not None:
            self._pings.append((self._monotonic(), ping))

    @property
    def is_empty(self) -> bool:
        return not self._pings and not any(line.waiting for line in self._lines.values())

    def due_in(self) -> float | None:
        """Seconds until something is to be tried; None where nothing waits."""
        now, times = self._monotonic(), [*self._times()]
        return max(min(times) - now, 0.0) if times else None

    def _times(self) -> Iterator[float]:
        yield from (line.patience.again for line in self._lines.values() if line.waiting)
        if self._pings:
            yield self._switch_patience.again

    def send_one(self) -> bool:
        """Makes one try, of whoever has waited longest; whether there was one to make."""
        now = self._monotonic()
        due = [one for one in self._lines.values() if one.waiting and one.patience.again <= now]
        if due:
            self._send(min(due, key=lambda line: (line.patience.again, line.waiting[0].id)))
            return True
        if self._pings and self._switch is not None and self._switch_patience.again <= now:
            self._send_ping(self._switch)
            return True
        return False

    def _send(self, line: _Line) -> None:
        first = line.waiting[0]
        if self._clock() - first.at > GIVE_UP_SECONDS:
            self._drop(line, "it is a day old")
            return
        if self._tried(line.address.name, line.patience, lambda: line.address.send(first.message)):
            line.waiting.popleft()
            self._note(first.id, line.address.key)
            self._emit("alert.sent", to=line.address.name, kind=first.message.event, title=first.message.title)

    def _send_ping(self, switch: Switch) -> None:
        at, ping = self._pings[0]
        old = self._monotonic() - at > OLD_PING_SECONDS
        if old or self._tried(switch.name, self._switch_patience, lambda: switch.ping(ping)):
            self._pings.popleft()

    def _tried(self, name: str, patience: _Patience, send: Callable[[], None]) -> bool:
        try:
            send()
        except AlertError as error:
            self._failed(name, patience, str(error), error.hint)
            return False
        except Exception as error:  # noqa: BLE001 - a bug here must not end the thread; its text may quote a URL
            self._failed(name, patience, f"{name}: a bug in mmsync ({type(error).__name__})", way_of(error))
            return False
        patience.done()
        self._last(name, None)
        return True

    def _failed(self, name: str, patience: _Patience, why: str, hint: str) -> None:
        wait = patience.failed(self._monotonic())
        self._last(name, why)
        self._emit("alert.failed", to=name, message=why, hint=hint, again_in=wait)

    def _drop(self, line: _Line, why: str) -> None:
        one = line.waiting.popleft()
        self._note(one.id, line.address.key)
        self._emit("alert.dropped", to=line.address.name, reason=why, title=one.message.title)

    def _note(self, number: int, key: str) -> None:
        """That address is not waited for any more."""
        left = self._left.get(number, frozenset()) - {key}
        if left:
            self._left[number] = left
        else:
            self._left.pop(number, None)
        try:
            self._store.sent(number, left)
        except StateError as error:
            self._emit("state.failed", error=error.code, message=str(error), hint=error.hint)
