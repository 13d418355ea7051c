"""What alerting needs of the outside world: who is told, what survives a restart, whether keys still work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from .alert_conditions import KeyTrouble
from .alert_messages import Message
from .alerts import Memory, Watched
from .pings import Ping
from .settings import AlertSettings, GoogleSettings


class Address(Protocol):
    """Somebody who is told. `name` is for people and logs (`webhook hooks.example.com`); `key` tells addresses
    apart, also over a restart, and says nothing of what they are."""

    @property
    def name(self) -> str: ...

    @property
    def key(self) -> str: ...

    def send(self, message: Message) -> None:
        """Hands it over within 10 s. Raises AlertError."""
        ...


class Switch(Protocol):
    """A dead man's switch."""

    @property
    def name(self) -> str: ...

    def ping(self, ping: Ping) -> None:
        """Asks its address within 10 s. Raises AlertError."""
        ...


@dataclass(frozen=True, slots=True)
class Addresses:
    """Everybody to be told."""

    told: tuple[Address, ...] = ()
    switch: Switch | None = None


OpenAddresses = Callable[[AlertSettings], Addresses]
"""Raises ConfigError for addresses that can never be told, or whose library is missing."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A message that not everybody has had: `waiting` are the keys of those who have not. `at` is UNIX seconds."""

    id: int
    at: float
    message: Message
    waiting: frozenset[str]


class AlertStore(Protocol):
    """What was told, and what is still to be sent, in the state file. Every method may raise StateError."""

    def memory(self) -> Memory: ...

    def pending(self) -> list[Pending]:
        """The oldest first."""
        ...

    def save(self, memory: Memory, message: Pending | None) -> None:
        """What was told, and the message that tells it, in one step."""
        ...

    def sent(self, number: int, waiting: frozenset[str]) -> None:
        """To whom a message is still to be sent; to nobody: it is forgotten."""
        ...


class Keys(Protocol):
    """Looks after the keys of the service accounts."""

    def use(self, settings: GoogleSettings) -> None:
        """These are the keys in use from now on, as their files are now."""
        ...

    def files(self) -> Sequence[KeyTrouble]:
        """What is wrong with the files; a look at the disk."""
        ...

    def tokens(self) -> Sequence[KeyTrouble]:
        """Which keys Google refuses a new token for; up to 10 s each. Where that cannot be found out, as before."""
        ...


@dataclass(frozen=True, slots=True)
class AlertsSeen:
    """Alerting as the status shows it. `addresses` are the names of all that are told, `active` what was told and
    lasts; `error` is why the last message or ping could not be sent, None once one was. Times are UNIX seconds."""

    addresses: tuple[str, ...] = ()
    active: tuple[Watched, ...] = ()
    sent: float | None = None
    error: str | None = None
    error_at: float | None = None
