"""Which member of a fleet has which spreadsheets: the rules by which each takes and gives back, on its own. Pure.

Spreadsheets are locked by the shard that their id falls into, so that the number of locks has a bound whatever the
number of spreadsheets, and every member finds the same shard whatever else it is configured with. Each member sees
who is alive and who has what, and works out the same plan from that as every other: free shards for who has least,
then from who has most to who has least. It does its own part of the plan. What a member gives up lowers the sum of
the squares of all loads, whoever takes it, so that the members come to rest without speaking to each other.

At rest, whoever has more than the share has more than any other by less than twice its own smallest shard.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b

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
    others that are alive, `strays` by whoever is no member. A member has the same name in every member's picture.
    Of what is free a member tries first for what the plan has for it, then for the rest in an order of its own, so
    that members do not run after the same. A shard that has no spreadsheet any more is given back.
    """
    held = {name: shards.keys() & their for name, their in {**others, member: mine}.items()}
    loads = {name: sum(shards[shard] for shard in their) for name, their in held.items()}
    fair = sum(shards.values()) / len(held)
    free = shards.keys() - set(strays).union(*held.values())
    wants = loads[member] < fair
    planned = {shard for shard, name in _filled(shards, free, loads) if name == member}
    for shard, giver, taker in _evened(shards, held, loads, fair):
        held[giver].discard(shard)
        held[taker].add(shard)
    take = sorted(free, key=lambda one: (one not in planned, -shards[one], _rank(member, one))) if wants else []
    return Share(tuple(take), tuple(sorted(set(mine) - held[member])), fair)


def takes(load: int, weight: int, fair: float, *, lingers: bool) -> bool:
    """Whether a member with so many spreadsheets takes a free shard of so many more.

    One that fits. One that was free at the last look already fits nobody, or whom it was meant for does not take
    it, and it is taken by whoever has less than the share: there is always one who has.
    """
    return load < fair if lingers else load + weight <= fair


def _filled(shards: Mapping[int, int], free: Iterable[int], loads: dict[str, int]) -> Iterator[tuple[int, str]]:
    """Each free shard with who is to have it, the largest first; adds to the loads."""
    for shard in sorted(free, key=lambda one: (-shards[one], one)):
        least = _least(loads)
        loads[least] += shards[shard]
        yield shard, least


def _evened(
    shards: Mapping[int, int], held: Mapping[str, Collection[int]], loads: dict[str, int], fair: float
) -> Iterator[tuple[int, str, str]]:
    """What is to move, from whom, to whom. `held` is to be brought up to date between two of them."""
    givers = {name for name in held if loads[name] > fair}
    while givers:
        most, least = max(givers, key=lambda name: (loads[name], name)), _least(loads)
        shard = _to_move(shards, held[most], loads[most], loads[least], fair)
        if shard is None:
            givers.discard(most)
            continue
        loads[most] -= shards[shard]
        loads[least] += shards[shard]
        yield shard, most, least


def _to_move(shards: Mapping[int, int], held: Collection[int], most: int, least: int, fair: float) -> int | None:
    """The shard that a member with the load `most` does best to give to one with `least`; None where none should.

    Whoever has less than the share may take it, if the giver keeps the share; else it has to fit, and to leave the
    two less far apart. The largest one that does both leaves the fewest to move; else the smallest.
    """
    keeps = [shard for shard in held if most - shards[shard] >= fair]
    fits = [shard for shard in held if least + shards[shard] <= fair and least + shards[shard] < most]
    both = set(keeps).intersection(fits)
    if both:
        return max(both, key=lambda one: (shards[one], one))
    return min({*keeps, *fits}, key=lambda one: (shards[one], one), default=None)


def _least(loads: Mapping[str, int]) -> str:
    return min(loads, key=lambda name: (loads[name], name))


def _rank(member: str, shard: int) -> bytes:
    return blake2b(f"{member}:{shard}".encode(), digest_size=8).digest()
