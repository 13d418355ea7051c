"""What a member of a cluster needs: locks that only one of them has, and a register of who is who."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Seen:
    """One look at the locks of a fleet, by which this session also proves that it still has its own.

    `others` are the other members that are alive, by their id, with the shards they have; `strays` are held by
    sessions that are no member, such as a foreground sync.
    """

    mine: frozenset[int] = frozenset()
    others: Mapping[int, frozenset[int]] = field(default_factory=dict)
    strays: frozenset[int] = frozenset()


class LockEngine(Protocol):
    """Locks of one session of an engine, which lets go of them when the session ends or is silent for the lease.

    Every method may raise ClusterError: then the session is over, and so is all that it held. For several threads
    only one at a time.
    """

    def open(self, member: int | None) -> None:
        """Begins a session, as the member of this id, or as no member."""
        ...

    def look(self) -> Seen: ...

    def owns(self, shard: int) -> bool:
        """Whether this session has the shard at this moment, by the engine's word."""
        ...

    def take(self, shards: Sequence[int]) -> dict[int, int]:
        """Of these shards those that were free and now are this session's, each with its epoch: a number that grows
        each time that the shard is taken, by anybody."""
        ...

    def give(self, shards: Iterable[int]) -> None: ...

    def close(self) -> None:
        """Ends the session; raises nothing."""
        ...


@dataclass(frozen=True, slots=True)
class MemberSeen:
    """A member as the register has it. Times are UNIX seconds by its clock; `health` is empty at first."""

    id: int
    name: str
    pid: int
    version: str
    started_at: float
    seen_at: float
    health: str = ""


@dataclass(frozen=True, slots=True)
class ShardSeen:
    """Who has a shard, or had it last, and since when."""

    member: int
    since: float


@dataclass(frozen=True, slots=True)
class Errand:
    """Something that one member asks of another; `ask` and the answer to it are JSON objects."""

    id: int
    ask: dict[str, Any]


class Register(Protocol):
    """Who is who, and what they tell each other. Every method may raise ClusterError, and is one transaction."""

    def now(self) -> float: ...

    def join(self, name: str, pid: int, version: str) -> int:
        """A new member; gives its id, which is never given again."""
        ...

    def leave(self, member: int) -> None: ...

    def publish(self, member: int, health: str, document: Mapping[str, Any] | None) -> None:
        """Says how the member is, and with `document` how it goes in detail (its status)."""
        ...

    def members(self) -> list[MemberSeen]: ...

    def documents(self) -> dict[int, dict[str, Any]]:
        """What each member has published last, by its id."""
        ...

    def shards(self) -> dict[int, ShardSeen]: ...

    def ask(self, member: int, ask: Mapping[str, Any]) -> int:
        """Leaves an errand for a member; gives its id."""
        ...

    def errands(self, member: int) -> list[Errand]:
        """Those for this member that are not answered yet, the oldest first."""
        ...

    def answer(self, errand: int, answer: Mapping[str, Any]) -> None: ...

    def answers(self, errands: Sequence[int]) -> dict[int, dict[str, Any]]:
        """Of these errands those that were answered, with what."""
        ...

    def withdraw(self, errands: Sequence[int]) -> None:
        """Removes errands, answered or not."""
        ...
