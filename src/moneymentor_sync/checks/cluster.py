"""The fleet: whether its database can be used as a member would, who is there, and what it knows of the datasets.

Looks only: makes no table, and takes no lock that stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import Engine, text

from moneymentor_sync.adapters.cluster_database import open_cluster_database
from moneymentor_sync.adapters.cluster_dialect import is_mysql
from moneymentor_sync.adapters.cluster_errors import cluster_errors
from moneymentor_sync.core.cluster_ports import MemberSeen
from moneymentor_sync.core.layout import KnownTab
from moneymentor_sync.core.settings import ClusterSettings, Config, Dataset
from moneymentor_sync.wiring.cluster import lock_engine, visited

from .result import Check, counted, failed, ok

CLUSTER = "cluster"
Known = tuple[Mapping[str, KnownTab], Mapping[str, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class ClusterSeen:
    """`begun` says that a member has been there; `may_create` whether this role could make the tables."""

    begun: bool
    may_create: bool
    alive: frozenset[int] = frozenset()
    members: tuple[MemberSeen, ...] = field(default=())


def see_cluster(config: Config) -> ClusterSeen:
    """Raises ClusterError."""
    url, cluster = config.cluster.url, config.cluster
    assert url is not None  # noqa: S101 - asked by the caller
    locks = lock_engine(url, cluster.fleet, cluster.lease_seconds)
    try:
        locks.open(None)  # refuses a server that is too old, and a pooler
        alive = frozenset(locks.look().others)
    finally:
        locks.close()
    engine = open_cluster_database(url)
    try:
        may_create = _may_create(engine)
    finally:
        engine.dispose()
    with visited(config) as shared:
        members = tuple(shared.register.members()) if shared.begun else ()
        return ClusterSeen(shared.begun, may_create, alive, members)


def _may_create(engine: Engine) -> bool:
    if is_mysql(engine.url):
        return True  # its rights may come by roles and patterns: whoever makes the tables is told
    with cluster_errors(engine), engine.connect() as db:
        return bool(db.scalar(text("SELECT has_schema_privilege(current_schema(), 'CREATE')")))


def known_to_fleet(config: Config, datasets: Iterable[Dataset]) -> Known | None:
    """The tabs that datasets were last written to, and the ids of those that are being made, as the fleet knows
    them; None where no member has been there yet. Raises ClusterError, LeaseLostError."""
    with visited(config) as shared:
        if not shared.begun:
            return None
        states = {one.name: (one, shared.dataset(one.name)) for one in datasets}
    same = {
        name: state
        for name, (one, state) in states.items()
        if state is not None and (state.spreadsheet_id, state.tab) == (one.spreadsheet_id, one.tab)
    }
    known = {name: state.known for name, state in same.items() if state.known is not None}
    return known, {name: state.coming for name, state in same.items() if state.coming}


def cluster_check(seen: ClusterSeen, cluster: ClusterSettings) -> Check:
    where = f"fleet {cluster.fleet}"
    if not seen.begun:
        if not seen.may_create:
            hint = "As the database's owner: GRANT CREATE ON SCHEMA public TO the user of `[cluster] url`."
            return failed(CLUSTER, f"{where}: its tables are not there, and may not be made", hint)
        return ok(CLUSTER, f"{where}: nobody has been there yet; the first member makes the tables")
    names = [one.name for one in seen.members if one.id in seen.alive]
    if not names:
        return ok(CLUSTER, f"{where}: no member is running")
    return ok(CLUSTER, f"{where}: {counted(len(names), 'member')} running ({', '.join(names)})")
