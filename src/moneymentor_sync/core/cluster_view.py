"""What a member knows of its fleet, as a value, and the part of the status document that shows it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from .cluster_ports import MemberSeen, Seen, ShardSeen
from .moments import moment
from .sharing import shard_of, weights

FORGOTTEN_SECONDS = 3_600.0
"""A member that ended without a word is shown for so long."""


@dataclass(frozen=True, slots=True)
class ClusterView:
    """One member's picture of the fleet. `me` is its id, None while it takes no part; `error` says why (None: it
    has just started), or what of the fleet's database does not work.

    `alive` has the members that are, each with the shards it holds; `now` is the register's time of the picture.
    """

    fleet: str
    name: str
    lease_seconds: float
    me: int | None = None
    error: str | None = None
    alive: Mapping[int, frozenset[int]] = field(default_factory=dict)
    members: tuple[MemberSeen, ...] = ()
    shards: Mapping[int, ShardSeen] = field(default_factory=dict)
    now: float = 0.0
    quota: Mapping[str, Any] | None = None


def alive_of(me: int, seen: Seen) -> dict[int, frozenset[int]]:
    """Every member that is alive, this one among them, with what it holds."""
    return {me: seen.mine, **seen.others}


def owners(view: ClusterView) -> dict[int, int]:
    """The member that has each shard, of those that somebody has."""
    return {shard: member for member, held in view.alive.items() for shard in held}


def owner_seen(view: ClusterView | None) -> Callable[[str], dict[str, Any]]:
    """Who has a spreadsheet, by its id, as the documents have it; nobody without a fleet."""
    if view is None:
        return lambda _spreadsheet_id: _NOBODY
    held = owners(view)
    names = {one.id: one.name for one in view.members}
    if view.me is not None:
        names.setdefault(view.me, view.name)

    def seen(spreadsheet_id: str) -> dict[str, Any]:
        shard = shard_of(spreadsheet_id)
        owner, taken = held.get(shard), view.shards.get(shard)
        return {
            "owner": None if owner is None else names.get(owner, str(owner)),
            "member_id": owner,
            "since": moment(taken.since) if taken is not None and taken.member == owner else None,
            "mine": owner is not None and owner == view.me,
        }

    return seen


_NOBODY: dict[str, Any] = {"owner": None, "member_id": None, "since": None, "mine": False}


def cluster_document(view: ClusterView, spreadsheets: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """The document's key `cluster`; `spreadsheets` are those configured, each with its datasets."""
    owner_of, counts = owner_seen(view), weights(spreadsheets)
    return {
        "fleet": view.fleet,
        "member": view.name,
        "connected": view.me is not None,
        "error": view.error,
        "lease_seconds": view.lease_seconds,
        "members": [
            _member(view, one, counts)
            for one in view.members
            if one.id in view.alive or view.now - one.seen_at < FORGOTTEN_SECONDS
        ],
        "spreadsheets": [
            {"spreadsheet_id": one, "datasets": list(datasets)} | owner_of(one)
            for one, datasets in spreadsheets.items()
        ],
        "quota": view.quota,
    }


def _member(view: ClusterView, one: MemberSeen, counts: Mapping[int, int]) -> dict[str, Any]:
    held = view.alive.get(one.id, frozenset())
    return {
        "id": one.id,
        "name": one.name,
        "pid": one.pid,
        "version": one.version,
        "alive": one.id in view.alive,
        "me": one.id == view.me,
        "started_at": moment(one.started_at),
        "seen_seconds_ago": round(max(view.now - one.seen_at, 0.0), 1),
        "spreadsheets": sum(counts.get(shard, 0) for shard in held),
        "health": one.health or None,
    }
