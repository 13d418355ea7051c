"""Whom a process shares Google's quota with: nobody (then nothing waits), its own accounts, or its cluster.

A cluster on PostgreSQL counts for all its members; on MariaDB or MySQL each has an even part in its memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from sqlalchemy.engine import make_url

from moneymentor_sync.adapters.cluster_dialect import is_mysql
from moneymentor_sync.adapters.google_keys import known_accounts
from moneymentor_sync.core.budget import Buckets, Limits, Pool, SharedBudget
from moneymentor_sync.core.errors import MmsyncError
from moneymentor_sync.core.rights import Budget
from moneymentor_sync.core.settings import ClusterSettings, Config

if TYPE_CHECKING:
    from moneymentor_sync.adapters.cluster_budget import ClusterBuckets


def alone(config: Config) -> Config:
    """The same for who shares its quota with no fleet: one that nobody has begun is not begun by looking."""
    return replace(config, cluster=ClusterSettings())


class Quotas:
    """What is left of the quota, kept from one engine to the next: Google's minute goes on when one is closed.

    `alive` says how many members the cluster has at the moment, None where it is not known; it is a member's.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, alive: Callable[[], int | None] | None = None
    ) -> None:
        self._clock, self._alive = clock, alive
        self._lock = threading.Lock()
        self._buckets: Buckets | None = None
        self._of: tuple[object, ...] = ()
        self._cluster: ClusterBuckets | None = None

    def budget(self, config: Config, sleep: Callable[[float], None]) -> Budget | None:
        """None where one account is nobody else's: then calls wait for nothing. Raises CredentialsError."""
        buckets = self._shared(config)
        return None if buckets is None else SharedBudget(buckets, sleep, self._clock)

    def document(self, config: Config) -> dict[str, Any] | None:
        """What was granted within the last minute, to all, and the limits, for the status; None where it is not
        known, or nothing is shared."""
        try:
            buckets = self._shared(config)
            used = () if buckets is None else buckets.used()
        except MmsyncError:
            return None
        if buckets is None:
            return None
        limits = buckets.pool.limits
        return {
            "accounts": [
                {"account": one.account, "project": one.project, "reads": one.reads, "writes": one.writes}
                for one in used
            ],
            "limits": {
                "project_reads": limits.project,
                "project_writes": limits.project,
                "account_reads": limits.account,
                "account_writes": limits.account,
            },
        }

    def close(self) -> None:
        with self._lock:
            self._forget()

    def _shared(self, config: Config) -> Buckets | None:
        google, cluster = config.google, config.cluster
        if cluster.url is None and len(google.accounts) == 1:
            return None
        limits = Limits.below(google.project_requests_per_minute, google.account_requests_per_minute)
        of = (google.accounts, limits, cluster.url, cluster.fleet)
        with self._lock:
            if self._buckets is None or self._of != of:
                pool = Pool(known_accounts(google.accounts), limits)
                self._forget()
                self._of, self._buckets = of, self._open(pool, cluster.url, cluster.fleet)
            return self._buckets

    def _open(self, pool: Pool, url: str | None, fleet: str) -> Buckets:
        # Imported only here: most processes share with nobody.
        if url is None or is_mysql(make_url(url)):
            from moneymentor_sync.adapters.budget_memory import MemoryBuckets

            return MemoryBuckets(pool, self._clock, None if url is None else self._alive)
        from moneymentor_sync.adapters.cluster_budget import ClusterBuckets

        self._cluster = ClusterBuckets(url, fleet, pool)
        return self._cluster

    def _forget(self) -> None:
        if self._cluster is not None:
            self._cluster.close()
        self._buckets = self._cluster = None
