"""A daemon's part in a fleet: it shows that it is well, takes its share of the spreadsheets, gives back the rest.

One thread, which beats every second or so. What it knows is a value that is replaced whole.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Any, Protocol

from moneymentor_sync.core.cluster_ports import Seen
from moneymentor_sync.core.cluster_view import ClusterView, alive_of
from moneymentor_sync.core.errors import ClusterError, MmsyncError
from moneymentor_sync.core.events import Emit, way_of
from moneymentor_sync.core.settings import Config, Dataset
from moneymentor_sync.core.sharing import Share, shard_of, share, takes, weights

from .heart import Heart
from .parts import FleetEdges, Identity
from .relay import Here, Relay

MEMBERSHIP = "membership"
BEAT_SECONDS = 1.0
"""How often a member looks, or a fifth of the lease where that is shorter."""
BUSY_BEAT_SECONDS = 0.2
"""The same while somebody waits for what another member does."""
PICTURE_SECONDS = 3.0
"""How old the names and times in a status may be."""
STOP_SECONDS = 3.0
"""How long the end waits for the register; what is left to others ends with the lease in any case."""
SILENCE_SECONDS = 120.0
"""How long a beat may take: each call to the fleet's database has its end."""
PUBLISH_SECONDS = 5.0
PUBLISH_SECONDS_EACH = 0.01
"""A member's own status is published every so many seconds, and so much less often for each dataset in it."""


class Daemonic(Here, Protocol):
    """What membership needs of its daemon, beside what others ask of it."""

    def config(self) -> Config: ...

    def gained(self, spreadsheet_ids: Collection[str]) -> None:
        """This member has got these."""
        ...

    def is_open(self) -> bool:
        """Whether the daemon takes anything on; not while it stops."""
        ...

    def refresh(self) -> None:
        """Takes in what others have switched. Raises StateError."""
        ...

    def runs_ended(self) -> int:
        """How many there have been: with each the report is another one."""
        ...

    def report(self) -> tuple[str, dict[str, Any]]:
        """This member's health, and its status."""
        ...


class Membership:
    """A `Fleet`. `monotonic` never goes back."""

    def __init__(
        self,
        edges: FleetEdges,
        identity: Identity,
        daemon: Daemonic,
        heart: Heart,
        monotonic: Callable[[], float],
        emit: Emit,
    ) -> None:
        self._edges = edges
        self._tenure, self._register = edges.tenure, edges.register
        self._identity = identity
        self._daemon = daemon
        self._heart = heart
        self._monotonic = monotonic
        self._emit = emit
        self._relay = Relay(edges.register, daemon.config, daemon, self.wake, monotonic)
        self._me: int | None = None
        self._last: int | None = None
        """The id that it joined with last, whatever has become of that."""
        self._had: frozenset[int] = frozenset()
        self._alive = self._alive_before = 0
        self._before: frozenset[int] = frozenset()
        self._grace_until = 0.0
        self._free: frozenset[int] = frozenset()
        self._pictured = self._published = float("-inf")
        self._told_runs = -1
        self._free_since: dict[int, float] = {}
        self._kept: tuple[frozenset[int], frozenset[int]] = frozenset(), frozenset()
        """What it took above its share since nobody else did, and who was alive then."""
        self._awake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._live, name=MEMBERSHIP, daemon=True)
        settings = edges.settings
        self._beat_seconds = min(BEAT_SECONDS, settings.lease_seconds / 5)
        self._view = ClusterView(settings.fleet, edges.name, settings.lease_seconds)

    # --- what the daemon's parts ask ------------------------------------------------------------------------

    def has(self, dataset: Dataset) -> bool:
        return self._tenure.has(dataset.spreadsheet_id)

    def force(self, run_id: str, names: Collection[str], *, allow_deletes: bool) -> Future[dict[str, Any]]:
        return self._relay.force(run_id, names, allow_deletes=allow_deletes)

    def follow(
        self, run_id: str, names: Collection[str], done: Future[dict[str, Any]], *, allow_deletes: bool
    ) -> Future[dict[str, Any]]:
        return self._relay.follow(run_id, names, done, allow_deletes=allow_deletes)

    def notice(self, names: Collection[str]) -> None:
        self._relay.notice(names)

    def documents(self) -> dict[int, dict[str, Any]]:
        return self._register.documents()

    @property
    def view(self) -> ClusterView:
        """What is known; that it holds nothing, where it has not been heard of for so long that nobody can tell."""
        view = self._view
        if view.me is None or self._tenure.is_sure:
            return view
        return replace(view, me=None, error="the fleet's database has not answered within the lease", alive={})

    def _show(self, **changes: Any) -> None:
        self._view = replace(self._view, **changes)

    # --- its life -------------------------------------------------------------------------------------------

    def start(self) -> None:
        self._heart.expect(MEMBERSHIP, SILENCE_SECONDS)
        self._thread.start()

    def wake(self) -> None:
        """There is something to do at once."""
        self._awake.set()

    def stop(self) -> None:
        """Leaves, so that others need not wait for the lease to end."""
        self._ended = True
        self._relay.close()
        self.wake()
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS)

    def _live(self) -> None:
        while not self._ended:
            try:
                self.beat()
            except Exception as error:  # noqa: BLE001 - a bug must not end the thread; it holds nothing after it
                self._emit("sync.crashed", error=type(error).__name__, where=way_of(error))
                self._drop("a bug in mmsync")
            pause = BUSY_BEAT_SECONDS if self._relay.busy else self._beat_seconds
            self._awake.wait(min(pause, self._beat_seconds))
            self._awake.clear()
        self._leave()

    def _leave(self) -> None:
        self._me = None
        self._tenure.lose()
        if self._last is not None:
            try:
                self._register.leave(self._last)
            except ClusterError:
                return  # the register forgets it in a day

    # --- one beat -------------------------------------------------------------------------------------------

    def beat(self) -> None:
        """Proves what this member holds, brings it nearer to its share, and does what others ask."""
        self._heart.beat(MEMBERSHIP)
        self._relay.expire()
        silent = [part for part in self._heart.silent() if part != MEMBERSHIP]
        if silent:  # it is not well enough to keep what others could serve
            self._drop(f"nothing is heard of this member's {' and '.join(silent)}")
            return
        try:
            me = self._enter() if self._me is None else self._me
            seen = self._tenure.look()
            seen = self._share_out(me, seen)
            self._show(me=me, alive=alive_of(me, seen))
        except ClusterError as error:
            self._drop(str(error))
            return
        try:
            self._talk(me)
        except ClusterError as error:  # what is held is held, also where nothing can be said
            self._complain(str(error))
        else:
            self._show(error=None)

    def _enter(self) -> int:
        if self._last is not None:
            self._register.leave(self._last)
            self._last = None
        self._last = me = self._register.join(self._edges.name, self._identity.pid, self._identity.version)
        self._tenure.begin(me)
        self._me = me
        # After an outage all come back at about the same time: each begins with what it had.
        self._grace_until = self._monotonic() + self._edges.settings.lease_seconds if self._before else 0.0
        self._pictured = self._published = float("-inf")
        self._emit("cluster.joined", member=self._edges.name, id=me, fleet=self._edges.settings.fleet)
        return me

    def _drop(self, why: str) -> None:
        """Holds nothing any more, until the next beat begins anew. Whoever noticed the loss has ended it before."""
        held, self._had = self._had.union(self._tenure.epochs), frozenset()
        self._tenure.lose()
        if held:
            self._before, self._alive_before = held, self._alive
        if self._view.error is None or self._me is not None:
            self._emit("cluster.lost", message=why, spreadsheets=len(held))
        self._me = None
        self._show(me=None, error=why, alive={})

    def _complain(self, why: str) -> None:
        if self._view.error != why:
            self._emit("cluster.mute", message=why)
        self._show(error=why)

    def _share_out(self, me: int, seen: Seen) -> Seen:
        """Gives back and takes; gives what is seen then."""
        wanted = {one.spreadsheet_id for one in self._daemon.config().datasets}
        shards, members = weights(wanted), 1 + len(seen.others)
        kept = self._still_kept(seen)
        step = self._step(me, seen, shards, kept)
        given = frozenset(self._tenure.give(step.give))
        if given:
            self._emit("cluster.given", spreadsheets=_count(shards, given), members=members)
        mine = seen.mine - given
        taken = frozenset(self._take(self._first(step.take, members), shards, mine, step.fair))
        taken |= self._take_overdue(shards, seen, kept, taken)
        self._free = frozenset(step.take) - taken
        if taken:
            self._emit("cluster.taken", spreadsheets=_count(shards, taken), members=members)
            self._daemon.gained([one for one in wanted if shard_of(one) in taken])
        self._had, self._alive = mine | taken, members
        return replace(seen, mine=self._had)

    def _step(self, me: int, seen: Seen, shards: Mapping[int, int], kept: frozenset[int]) -> Share:
        """What the plan has for this member; while it stops, to give all that is not just being worked on."""
        if not self._daemon.is_open():
            return Share((), tuple(seen.mine))
        others = {str(number): held for number, held in seen.others.items()}
        step = share(shards, str(me), seen.mine, others, seen.strays)
        if not kept:
            return step
        # Those that would get some of it have shown that they do not take it.
        return replace(step, give=tuple(shard for shard in step.give if shard not in shards))

    def _take_overdue(
        self, shards: Mapping[int, int], seen: Seen, kept: frozenset[int], taken: frozenset[int]
    ) -> frozenset[int]:
        overdue = [shard for shard in self._overdue(shards, seen) if shard not in taken]
        if not overdue or not self._daemon.is_open():
            return frozenset()
        left = frozenset(self._tenure.take(overdue))
        self._kept = kept | left, frozenset(seen.others)
        return left

    def _overdue(self, shards: Mapping[int, int], seen: Seen) -> list[int]:
        """What has been free for longer than a lease: those whose share it is may not be configured with it."""
        now, lease = self._monotonic(), self._edges.settings.lease_seconds
        free = shards.keys() - seen.mine.union(seen.strays, *seen.others.values())
        self._free_since = {shard: self._free_since.get(shard, now) for shard in free}
        return sorted(shard for shard, since in self._free_since.items() if now - since > lease)

    def _still_kept(self, seen: Seen) -> frozenset[int]:
        """While the same members are alive, what none of them took is not offered to them again."""
        kept, then = self._kept
        return kept & seen.mine if then == frozenset(seen.others) else frozenset()

    def _first(self, free: Sequence[int], alive: int) -> Sequence[int]:
        """After an outage a member begins with what it had, and leaves the rest to those who are not back yet."""
        if self._monotonic() >= self._grace_until:
            return free
        had = [shard for shard in free if shard in self._before]
        return had if alive < self._alive_before else [*had, *(one for one in free if one not in self._before)]

    def _take(
        self, free: Iterable[int], shards: Mapping[int, int], mine: Collection[int], fair: float
    ) -> Collection[int]:
        load, chosen = _count(shards, mine), []
        for shard in free:
            if takes(load, shards[shard], fair, lingers=shard in self._free):
                chosen.append(shard)
                load += shards[shard]
        return self._tenure.take(chosen) if chosen else ()

    def _talk(self, me: int) -> None:
        """What goes through the register. Raises ClusterError."""
        self._relay.serve(me, self._view)
        try:
            self._daemon.refresh()
        except MmsyncError as error:
            raise ClusterError(str(error)) from error
        now, runs = self._monotonic(), self._daemon.runs_ended()
        if now >= self._published or runs != self._told_runs:
            self._told_runs = runs
            health, document = self._reported()
            self._register.publish(me, health, document)
            self._published = now + PUBLISH_SECONDS + PUBLISH_SECONDS_EACH * len(document.get("datasets", ()))
        if now - self._pictured >= PICTURE_SECONDS:
            self._picture()
            self._pictured = now

    def _reported(self) -> tuple[str, dict[str, Any]]:
        try:
            return self._daemon.report()
        except MmsyncError as error:  # its own state file
            raise ClusterError(str(error)) from error

    def _picture(self) -> None:
        self._show(
            members=tuple(self._register.members()),
            shards=self._register.shards(),
            now=self._register.now(),
            quota=self._edges.quota(self._daemon.config()),
        )


def _count(shards: Mapping[int, int], some: Iterable[int]) -> int:
    """The spreadsheets in some shards."""
    return sum(shards.get(shard, 0) for shard in some)
