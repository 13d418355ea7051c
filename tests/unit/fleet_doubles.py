"""A fleet's locks and register in memory, for the tests of a member's parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from moneymentor_sync.core.cluster_ports import Errand, MemberSeen, Seen, ShardSeen
from moneymentor_sync.core.errors import ClusterError


class Engine:
    """Locks of one session in memory; the `alive` are members, `others` is what one of them has besides this one.
    `broken` fails every call, `during` comes between."""

    def __init__(self) -> None:
        self.mine: set[int] = set()
        self.others: set[int] = set()
        self.epochs: dict[int, int] = {}
        self.broken = False
        self.is_open = False
        self.alive = 1
        self.during: Callable[[], None] = lambda: None

    def _answer(self) -> None:
        self.during()
        if self.broken or not self.is_open:
            self.close()
            raise ClusterError("gone")

    def open(self, member: int | None) -> None:
        del member
        self.close()
        self.is_open = True
        self._answer()

    def look(self) -> Seen:
        self._answer()
        fellows = {1000 + number: frozenset[int]() for number in range(1, self.alive)}
        if self.others:
            fellows[1001] = frozenset(self.others)
        return Seen(frozenset(self.mine), fellows)

    def owns(self, shard: int) -> bool:
        self._answer()
        return shard in self.mine

    def take(self, shards: Sequence[int]) -> dict[int, int]:
        self._answer()
        taken = {}
        for shard in set(shards) - self.others - self.mine:
            taken[shard] = self.epochs[shard] = self.epochs.get(shard, 0) + 1
        self.mine |= taken.keys()
        return taken

    def give(self, shards: Iterable[int]) -> None:
        self._answer()
        self.mine -= set(shards)

    def close(self) -> None:
        self.is_open = False
        self.mine.clear()


class Register:
    """Errands and answers; `broken` fails every call."""

    def __init__(self) -> None:
        self.asked: dict[int, tuple[int, dict[str, Any]]] = {}
        self.answered: dict[int, dict[str, Any]] = {}
        self.published: dict[int, str] = {}
        self.joined: list[int] = []
        self.left: list[int] = []
        self.broken = False
        self.last = 0

    def _try(self) -> None:
        if self.broken:
            raise ClusterError("gone")

    def now(self) -> float:
        return 0.0

    def join(self, name: str, pid: int, version: str) -> int:
        del name, pid, version
        self._try()
        self.joined.append(len(self.joined) + 1)
        return self.joined[-1]

    def leave(self, member: int) -> None:
        self._try()
        self.left.append(member)

    def publish(self, member: int, health: str, document: Mapping[str, Any] | None) -> None:
        del document
        self._try()
        self.published[member] = health

    def members(self) -> list[MemberSeen]:
        self._try()
        return [MemberSeen(number, f"m{number}", 1, "1", 0.0, 0.0) for number in self.joined]

    def documents(self) -> dict[int, dict[str, Any]]:
        return {}

    def shards(self) -> dict[int, ShardSeen]:
        return {}

    def ask(self, member: int, ask: Mapping[str, Any]) -> int:
        self._try()
        self.last += 1
        self.asked[self.last] = member, dict(ask)
        return self.last

    def errands(self, member: int) -> list[Errand]:
        self._try()
        return [
            Errand(number, ask)
            for number, (whom, ask) in self.asked.items()
            if whom == member and number not in self.answered
        ]

    def answer(self, errand: int, answer: Mapping[str, Any]) -> None:
        self._try()
        self.answered[errand] = dict(answer)

    def answers(self, errands: Sequence[int]) -> dict[int, dict[str, Any]]:
        return {number: self.answered[number] for number in errands if number in self.answered}

    def withdraw(self, errands: Sequence[int]) -> None:
        for number in errands:
            self.asked.pop(number, None)
