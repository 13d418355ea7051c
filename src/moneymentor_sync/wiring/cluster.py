"""What a process shares with its fleet: the database they meet in, the locks it holds there, and the state."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.engine import make_url

from moneymentor_sync.adapters.cluster_database import is_begun, open_cluster_database, prepare
from moneymentor_sync.adapters.cluster_dialect import is_mysql
from moneymentor_sync.adapters.cluster_first_state import adopt_local_state
from moneymentor_sync.adapters.cluster_ledger import ClusterLedger
from moneymentor_sync.adapters.cluster_locks import PostgresqlLocks
from moneymentor_sync.adapters.cluster_locks_mysql import MysqlLocks
from moneymentor_sync.adapters.cluster_register import ClusterRegister
from moneymentor_sync.adapters.cluster_store import ClusterStore, Local
from moneymentor_sync.adapters.state_ledger import Ledger
from moneymentor_sync.core.cluster_ports import LockEngine
from moneymentor_sync.core.cluster_view import ClusterView, cluster_document
from moneymentor_sync.core.errors import ClusterError, LockHeldError
from moneymentor_sync.core.ports import DatasetState, RunResult
from moneymentor_sync.core.settings import Config
from moneymentor_sync.core.sharing import shard_of
from moneymentor_sync.daemon.parts import FleetEdges
from moneymentor_sync.sync.tenure import Tenure

SILENT_SHARE = 0.9
"""Of the lease: when a session has been silent for that, its server ends it, and there is time to take over. More
than `tenure.SAFE_SHARE`, by which its holder has stopped."""


@dataclass(frozen=True, slots=True)
class Shared:
    """A fleet's database, ready to be used, and what this process holds by it."""

    config: Config
    engine: Engine
    tenure: Tenure
    register: ClusterRegister
    begun: bool
    """Whether a member has been there before."""

    def store(self, local: Local) -> ClusterStore:
        return ClusterStore(self.engine, self.config.cluster.fleet, self.tenure.epoch_of, local)

    def dataset(self, name: str) -> DatasetState | None:
        """What the fleet knows of a dataset. Raises LeaseLostError."""
        return self.store(_Nowhere()).dataset(name)

    def ledger(self, local: Ledger) -> ClusterLedger:
        return ClusterLedger(local, self.engine, self.config.cluster.fleet)

    def edges(self, quota: Callable[[Config], Mapping[str, Any] | None]) -> FleetEdges:
        return FleetEdges(self.config.cluster, member_name(self.config), self.tenure, self.register, quota)


class _Nowhere:
    """No run is recorded by whoever only looks."""

    def check_place(self) -> None: ...

    def record(self, run: RunResult) -> None: ...


def lock_engine(url: str, fleet: str, silence: float) -> LockEngine:
    """The locks of a fleet, of the engine that its URL names. Raises ClusterError."""
    return (MysqlLocks if is_mysql(make_url(url)) else PostgresqlLocks)(url, fleet, silence)


def member_name(config: Config) -> str:
    """What others call this process."""
    return config.cluster.member or socket.gethostname()


@contextmanager
def joined(config: Config, *, clock: Callable[[], float] = time.time) -> Iterator[Shared]:
    """The fleet that is configured: makes its tables, and brings this machine's state along where it is the first.

    Raises ClusterError, StateError."""
    with visited(config) as shared:
        prepare(shared.engine, config.cluster.fleet)
        adopt_local_state(shared.engine, config.cluster.fleet, config.state_path, clock=clock)
        yield replace(shared, begun=True)


@contextmanager
def visited(config: Config) -> Iterator[Shared]:
    """The same to look at only. Raises ClusterError."""
    url, cluster = config.cluster.url, config.cluster
    if url is None:
        raise ClusterError("no fleet is configured", hint="Set `[cluster] url`.")
    engine = open_cluster_database(url, lease_seconds=cluster.lease_seconds)
    silence = SILENT_SHARE * cluster.lease_seconds
    tenure = Tenure(lock_engine(url, cluster.fleet, silence), cluster.lease_seconds, boottime)
    try:
        begun = is_begun(engine, cluster.fleet)
        yield Shared(config, engine, tenure, ClusterRegister(engine, cluster.fleet), begun)
    finally:
        tenure.lose()
        engine.dispose()


def fleet_document(config: Config) -> dict[str, Any]:
    """The fleet as its database shows it, as `GET /sync/cluster` gives it. Raises ClusterError."""
    with visited(config) as shared:
        if not shared.begun:
            raise ClusterError(
                f"no member of fleet {config.cluster.fleet} has been there yet", hint="Start one: `mmsync run`."
            )
        shared.tenure.begin(None)
        seen, told = shared.tenure.look(), shared.register.documents()
        view = ClusterView(
            config.cluster.fleet,
            member_name(config),
            config.cluster.lease_seconds,
            alive=seen.others,
            members=tuple(shared.register.members()),
            shards=shared.register.shards(),
            now=shared.register.now(),
        )
    spreadsheets: dict[str, list[str]] = {}
    for one in config.datasets:
        spreadsheets.setdefault(one.spreadsheet_id, []).append(one.name)
    found = cluster_document(view, spreadsheets)
    return found | {"members": [one | {"status": told.get(one["id"])} for one in found["members"]]}


def boottime() -> float:
    """Seconds since the machine started, those included that it was suspended."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class Guest:
    """Lease of a process that is no member, such as a foreground sync: takes what nobody has, for its one run."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._tenure = shared.tenure
        self._holds = 0
        self._ended = threading.Event()

    @contextmanager
    def hold(self, spreadsheet_id: str) -> Iterator[None]:
        """Raises LockHeldError, naming the member that has it, and ClusterError."""
        if not self._holds:
            self._begin()
        self._holds += 1
        try:
            shard = shard_of(spreadsheet_id)
            if shard not in self._tenure.epochs and shard not in self._tenure.take([shard]):
                raise LockHeldError(
                    f"{self._holder(shard)} has spreadsheet {spreadsheet_id}",
                    hint="Ask any member of the fleet with `mmsync force`; whoever has it syncs it.",
                )
            with self._tenure.hold(spreadsheet_id):
                yield
        finally:
            self._holds -= 1
            if not self._holds:
                self._ended.set()
                self._tenure.lose()

    def work(self, spreadsheet_id: str) -> AbstractContextManager[None]:
        return self._tenure.work(spreadsheet_id)

    def prove(self, spreadsheet_id: str) -> None:
        self._tenure.prove(spreadsheet_id)

    def _begin(self) -> None:
        self._tenure.begin(None)
        self._ended = threading.Event()
        threading.Thread(target=self._beat, args=(self._ended,), name="tenure", daemon=True).start()

    def _beat(self, ended: threading.Event) -> None:
        """A session that is silent for the lease is ended, and a sync may take longer between two writes."""
        while not ended.wait(self._shared.config.cluster.lease_seconds / 5):
            with suppress(ClusterError):  # then nothing is held any more, which the next proof finds
                self._tenure.look()

    def _holder(self, shard: int) -> str:
        taken = self._shared.register.shards().get(shard)
        names = {one.id: f"member {one.name} (process {one.pid})" for one in self._shared.register.members()}
        return names.get(taken.member if taken else 0, "another process")
