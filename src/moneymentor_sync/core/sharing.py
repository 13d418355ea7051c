"""Which member of a fleet has which spreadsheets: the rules by which each takes and gives back, on its own. Pure.

Spreadsheets are locked by the shard that their id falls into, so that the number of locks has a bound whatever the
number of spreadsheets, and every member finds the same shard whatever else it is configured with. Each member sees
how many are alive, takes free shards until it has its share, and gives back what is above it. A step is only ever
taken that makes the loads more even, so that the members come to rest without speaking to each other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from math import ceil

SHARDS = 1024
"""Locks of a fleet. PostgreSQL has room for 6,400 by default (max_locks_per_transaction x max_connections). The
number is part of what members have to agree on: it is no setting."""


def shard_of(spreadsheet_id: str) -> int:
    """The shard of a spreadsheet, 0 to SHARDS - 1: the same in every process and version."""
    return int.from_bytes(blake2b(spreadsheet_id.encode(), digest_size=8).digest()) % SHARDS


def weights(spreadsheet_ids: Iterable[str]) -> dict[int, int]:
    """The shards that have spreadsheets, each with how many."""
    found: dict[int, int] = {}
    for spreadsheet_id in set(spreadsheet_ids):
        shard = shard_of(spreadsheet_id)
        found[shard] = found.get(shard, 0) + 1
    return found


@dataclass(frozen=True, slots=True)
class Share:
    """What a member does next: shards to try for, in this order, as long as `takes` says so; and to give back.

    `fair` is how many spreadsheets each member would have if all had the same.
    """

    take: tuple[int, ...] = ()
    give: tuple[int, ...] = ()
    fair: float = 0.0


def share(
    shards: Mapping[int, int],
    member: str,
    mine: Collection[int],
    others: Mapping[str, Collection[int]],
    strays: Collection[int] = (),
) -> Share:
    """The next step of one member.

    `shards` are those that have spreadsheets, with how many; `mine` is held by this member, `others` by each of the
    others that are alive, `strays` by whoever is no member. What is free is tried for in an order of each member's
    own, so that members do not run after the same. A shard that has no spreadsheet any more is given back.
    """
    held = set(mine)
    taken = held.union(strays, *others.values())
    fair = sum(shards.values()) / (1 + len(others))
    load = _load(shards, held)
    least = min((_load(shards, their) for their in others.values()), default=fair)

    def largest_first(some: Iterable[int]) -> list[int]:
        return sorted(some, key=lambda one: (-shards[one], _rank(member, one)))

    give = [shard for shard in held if shard not in shards]
    for shard in largest_first(held & shards.keys()):  # the largest first, so that few move
        weight = shards[shard]
        nearer = weight < 2 * (load - fair) and least + weight < load and least + weight <= ceil(fair)
        if load - weight >= fair or nearer:
            load -= weight
            give.append(shard)
    take = largest_first(shards.keys() - taken) if load < fair else []
    return Share(tuple(take), tuple(give), fair)


def _load(shards: Mapping[int, int], held: Iterable[int]) -> int:
    return sum(shards.get(shard, 0) for shard in held)


def takes(load: int, weight: int, fair: float, *, lingers: bool) -> bool:
    """Whether a member with so many spreadsheets takes a free shard of so many more.

    One that fits. One that was free at the last look already fits nobody, and is taken by whoever has less than the
    share: there is always one who has.
    """
    return load < fair if lingers else load + weight <= ceil(fair)


def _rank(member: str, shard: int) -> bytes:
    return blake2b(f"{member}:{shard}".encode(), digest_size=8).digest()
