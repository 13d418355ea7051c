"""Ledger of a member: switches are the fleet's, in its database; everything else is this member's own.

A switch's times are kept by the server's clock, and are told by this machine's: however far apart the clocks of the
members are, and when one of them is set, a switch ends at one moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Engine, select

from moneymentor_sync.core.breaker import Breaker
from moneymentor_sync.core.daemon_ports import Ledger
from moneymentor_sync.core.errors import StateError
from moneymentor_sync.core.ports import RunResult
from moneymentor_sync.core.record import DaemonMark, DatasetRecord, Totals
from moneymentor_sync.core.settings import Retention
from moneymentor_sync.core.switches import Switch

from .cluster_dialect import server_now, upsert
from .cluster_errors import cluster_errors
from .cluster_schema import switch
from .cluster_transaction import transaction

SAME_CLOCK_SECONDS = 1.0
"""Clocks that have drifted apart by less are as they were: what was read once reads the same again."""


class ClusterLedger:
    """`clock` is this machine's, in UNIX seconds. May be used by several threads."""

    def __init__(
        self, local: Ledger, engine: Engine, fleet: str, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._local, self._engine, self._fleet, self._clock = local, engine, fleet, clock
        self._ahead = 0.0

    # --- the fleet's ----------------------------------------------------------------------------------------

    def switches(self) -> dict[str, Switch]:
        columns = switch.c.name, switch.c.enabled, switch.c.since, switch.c.reason, switch.c.until
        with cluster_errors(self._engine, StateError), transaction(self._engine) as db:
            ahead = self._server_ahead(db)
            rows = db.execute(select(*columns).where(switch.c.fleet == self._fleet)).all()
        return {row.name: _moved(Switch(*row), -ahead) for row in rows}

    def save_switches(self, *switches: Switch) -> None:
        """All of them in one transaction."""
        if not switches:
            return
        with cluster_errors(self._engine, StateError), transaction(self._engine) as db:
            ahead = self._server_ahead(db)
            db.execute(upsert(db, switch), [switch_row(self._fleet, one, ahead) for one in switches])

    def _server_ahead(self, db: Connection) -> float:
        found = seconds_ahead(db, self._clock)
        if abs(found - self._ahead) >= SAME_CLOCK_SECONDS:
            self._ahead = found
        return self._ahead

    # --- this member's own ----------------------------------------------------------------------------------

    def totals(self) -> Totals:
        return self._local.totals()

    def records(self) -> dict[str, DatasetRecord]:
        return self._local.records()

    def runs(self, dataset: str | None = None, limit: int = 20) -> list[dict[str, Any]]:
        return self._local.runs(dataset, limit)

    def record(self, run: RunResult) -> None:
        self._local.record(run)

    def prune(self, retention: Retention, now: float) -> int:
        return self._local.prune(retention, now)

    def breakers(self) -> dict[str, Breaker]:
        return self._local.breakers()

    def save_breakers(self, breakers: dict[str, Breaker]) -> None:
        self._local.save_breakers(breakers)

    def mark(self) -> DaemonMark | None:
        return self._local.mark()

    def save_mark(self, mark: DaemonMark) -> None:
        self._local.save_mark(mark)


def seconds_ahead(db: Connection, clock: Callable[[], float]) -> float:
    """How far the server's clock is ahead of this machine's."""
    return float(db.scalars(select(server_now())).one()) - clock()


def switch_row(fleet: str, one: Switch, ahead: float) -> dict[str, Any]:
    """A switch as a row of the server's, whose clock is so far ahead."""
    there = _moved(one, ahead)
    return {
        "fleet": fleet, "name": one.name, "enabled": one.enabled, "since": there.since, "reason": one.reason,
        "until": there.until,
    }  # fmt: skip


def _moved(one: Switch, seconds: float) -> Switch:
    """By another clock; to the millisecond, so that there and back is the same."""
    until = None if one.until is None else round(one.until + seconds, 3)
    return Switch(one.name, one.enabled, round(one.since + seconds, 3), one.reason, until)
