"""What this process holds of a fleet's spreadsheets, and the proof of it: a Lease on the locks of an engine.

In doubt nothing is held: whatever goes wrong with the session ends the tenure of everything at once.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType

from moneymentor_sync.core.cluster_ports import LockEngine, Seen
from moneymentor_sync.core.errors import ClusterError, LeaseLostError
from moneymentor_sync.core.sharing import shard_of

SAFE_SHARE = 0.8
"""Of the lease: when that has passed since the last proof began, this process no longer relies on it."""


class Tenure:
    """`boottime` is CLOCK_BOOTTIME, which goes on while the machine is suspended. For several threads.

    `epochs` are the shards held, each with the number under which it was taken; replaced whole.
    """

    def __init__(self, engine: LockEngine, lease_seconds: float, boottime: Callable[[], float]) -> None:
        self._engine = engine
        self._safe_seconds = SAFE_SHARE * lease_seconds
        self._boottime = boottime
        self._lock = threading.RLock()
        self._until = 0.0
        self._runs: dict[int, int | None] = {}
        """The epochs under which the run that is under way began; of the one thread that syncs."""
        self._working: dict[int, int] = {}
        self.epochs: Mapping[int, int] = MappingProxyType({})
        self.alive: int | None = None
        """How many had locks at the last look, this process among them; None where there is no session."""

    # --- what a sync asks -----------------------------------------------------------------------------------

    def has(self, spreadsheet_id: str) -> bool:
        """Whether it is held, as far as is known; never waits."""
        return shard_of(spreadsheet_id) in self.epochs

    @property
    def is_sure(self) -> bool:
        """Whether the last proof is young enough; never waits."""
        return self._boottime() < self._until

    def epoch_of(self, spreadsheet_id: str) -> int | None:
        """The number under which it is held; None where it is not, or no longer as when the work on it began."""
        shard = shard_of(spreadsheet_id)
        epoch = self.epochs.get(shard)
        return epoch if self._working.get(shard, epoch) == epoch else None

    @contextmanager
    def hold(self, spreadsheet_id: str) -> Iterator[None]:
        """A run may be long, and others may come meanwhile: each spreadsheet is kept only while it is worked on.

        But it is remembered how it was held: what was read since then is worth nothing once others have had it.
        """
        shard = shard_of(spreadsheet_id)
        is_first = shard not in self._runs  # several spreadsheets of a run may be in one shard
        if is_first:
            self._runs[shard] = self.epochs.get(shard)
        try:
            yield
        finally:
            if is_first:
                del self._runs[shard]

    @contextmanager
    def work(self, spreadsheet_id: str) -> Iterator[None]:
        shard = shard_of(spreadsheet_id)
        with self._lock:
            epoch = self.epochs.get(shard)
            if epoch is None or self._runs.get(shard, epoch) != epoch:
                raise _lost(spreadsheet_id)
            self._working[shard] = epoch
        try:
            yield
        finally:
            with self._lock:
                del self._working[shard]

    def prove(self, spreadsheet_id: str) -> None:
        """By the clock first: who has been frozen learns it from that at once. Then by the engine's word."""
        shard = shard_of(spreadsheet_id)
        with self._lock:
            began = self._boottime()
            if self.epochs and began >= self._until:
                self.lose()
            if self.epoch_of(spreadsheet_id) is None:
                raise _lost(spreadsheet_id)
            try:
                mine = self._engine.owns(shard)
            except ClusterError as error:
                self.lose()
                raise _lost(spreadsheet_id) from error
            if not mine:
                self.lose()
                raise _lost(spreadsheet_id)
            self._until = began + self._safe_seconds

    # --- what keeps it --------------------------------------------------------------------------------------

    def begin(self, member: int | None) -> None:
        """A new session, which holds nothing yet. Raises ClusterError."""
        with self._lock:
            self.lose()
            began = self._boottime()
            self._engine.open(member)
            self._until = began + self._safe_seconds

    def look(self) -> Seen:
        """Sees who holds what, and proves what is held. Raises ClusterError; then nothing is held any more."""
        with self._lock:
            began = self._boottime()
            try:
                seen = self._engine.look()
            except ClusterError:
                self.lose()
                raise
            if not self.epochs.keys() <= seen.mine:
                self.lose()
                raise ClusterError("locks that this member had are gone")
            self._until = began + self._safe_seconds
            self.alive = 1 + len(seen.others) + bool(seen.strays)
            return seen

    def take(self, shards: Sequence[int]) -> Collection[int]:
        """Takes of these what is free. Raises ClusterError; then nothing is held any more."""
        with self._lock:
            try:
                taken = self._engine.take(shards)
            except ClusterError:
                self.lose()
                raise
            self.epochs = MappingProxyType({**self.epochs, **taken})
            return taken.keys()

    def give(self, shards: Collection[int]) -> Collection[int]:
        """Gives back those that are not being worked on, and says which. Raises ClusterError, as `take` does."""
        with self._lock:
            given = [shard for shard in shards if shard in self.epochs and shard not in self._working]
            # Before the engine knows: nobody may begin with one that somebody else may take.
            self.epochs = MappingProxyType({n: epoch for n, epoch in self.epochs.items() if n not in given})
            try:
                self._engine.give(given)
            except ClusterError:
                self.lose()
                raise
            return given

    def lose(self) -> None:
        """Holds nothing any more, and ends the session."""
        with self._lock:
            self.epochs, self.alive = MappingProxyType({}), None
            self._engine.close()


def _lost(spreadsheet_id: str) -> LeaseLostError:
    return LeaseLostError(f"this member no longer has spreadsheet {spreadsheet_id}, and writes nothing more to it")
