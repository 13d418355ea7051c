"""The fleet: whether its database can be used as a member would, who is there, and what it knows of the datasets.

Looks only: makes no table, and takes no lock that stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from moneymentor_sync.adapters.cluster_database import open_cluster_database
from moneymentor_sync.adapters.cluster_rights import Rights, rights_of
from moneymentor_sync.adapters.google_keys import known_accounts
from moneymentor_sync.core.budget import Pool
from moneymentor_sync.core.cluster_ports import MemberSeen
from moneymentor_sync.core.errors import CredentialsError
from moneymentor_sync.core.layout import KnownTab
from moneymentor_sync.core.settings import ClusterSettings, Config, Dataset
from moneymentor_sync.wiring.cluster import lock_engine, visited

from .result import Check, counted, failed, ok

CLUSTER = "cluster"
Known = tuple[Mapping[str, KnownTab], Mapping[str, tuple[int, ...]]]


@dataclass(frozen=True, slots=True)
class ClusterSeen:
    """`begun` says that a member has been there; `rights` are this role's."""

    begun: bool
    rights: Rights
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
        rights = rights_of(engine, _of_the_quota(config))
    finally:
        engine.dispose()
    if not rights.enough:  # then it could not even be seen who is there
        return ClusterSeen(False, rights, alive)
    with visited(config) as shared:
        members = tuple(shared.register.members()) if shared.begun else ()
        return ClusterSeen(shared.begun, rights, alive, members)


def _of_the_quota(config: Config) -> list[str]:
    """The tables of the accounts' buckets; none where the keys cannot be read, of which their own step tells."""
    from moneymentor_sync.adapters.cluster_budget import bucket_tables  # who is alone has none of what it needs

    try:
        return bucket_tables(Pool(known_accounts(config.google.accounts)))
    except CredentialsError:
        return []


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


def _lacking(rights: Rights) -> str:
    denied = [*rights.denied, *rights.denied_sequences]
    if denied:
        return f"{rights.user} lacks rights to {', '.join(denied)}"
    return f"{rights.user} may not make the tables that are not there ({', '.join(rights.missing)})"


def cluster_check(seen: ClusterSeen, cluster: ClusterSettings) -> Check:
    where = f"fleet {cluster.fleet}"
    if not seen.rights.enough:
        return failed(CLUSTER, f"{where}: {_lacking(seen.rights)}", f"As the owner run: {seen.rights.grant}")
    if not seen.begun:
        makes = "; the first member makes the tables" if seen.rights.missing else ""
        return ok(CLUSTER, f"{where}: nobody has been there yet{makes}")
    names = [one.name for one in seen.members if one.id in seen.alive]
    if not names:
        return ok(CLUSTER, f"{where}: no member is running")
    return ok(CLUSTER, f"{where}: {counted(len(names), 'member')} running ({', '.join(names)})")
