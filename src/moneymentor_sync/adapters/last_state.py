"""The status where no daemon runs: what the state file still knows. Read only, and cheap to load."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from moneymentor_sync.core.breaker import CLOSED
from moneymentor_sync.core.health import Health
from moneymentor_sync.core.moments import moment
from moneymentor_sync.core.record import DaemonMark
from moneymentor_sync.core.service_unit import how_to_start
from moneymentor_sync.core.status import DatasetSeen, ErrorSeen, Snapshot, document, seen_of

from .lock_file import daemon_holder
from .state_ledger import Ledger


def last_status(path: Path, now: float) -> dict[str, Any] | None:
    """The status document as of `now` (UNIX seconds), its health `stopped`; None where there is no state file that
    this user may read, or none that a daemon could have used.

    Raises StateError.
    """
    if not os.access(path, os.R_OK):
        return None
    ledger = Ledger(path, read_only=True)
    if not ledger.is_current():
        return None
    mark, totals, records = ledger.mark(), ledger.totals(), ledger.records()
    running = daemon_holder(path)
    config, datasets = seen_of(mark.seen if mark else "{}")
    tabs, breakers = ledger.tabs(), ledger.breakers()
    if not datasets:
        datasets = tuple(DatasetSeen(name, tabs.get(name, ""), enabled=True) for name in records)
    snapshot = Snapshot(
        version=mark.version if mark else "",
        config=config,
        datasets=datasets,
        health=_unreachable(running) if running else Health("stopped", _reason(mark), how_to_start(os.path.exists)),
        pid=None,
        started_at=mark.started_at if mark else None,
        totals=totals,
        records=records,
        switches=ledger.switches(),
        breaker=breakers.pop("", CLOSED),
        breakers=breakers,
        errors=tuple(
            ErrorSeen(one.last_error_at, one.name, one.last_error, one.last_hint or "")
            for one in records.values()
            if one.last_error and one.last_error_at is not None
        ),
    )
    return document(snapshot, None, now=now, mono=0.0) | {"stopped_at": _stopped_at(mark)}


def _unreachable(holder: str) -> Health:
    reason = f"a daemon ({holder}) has this state file, but does not listen where it was asked"
    return Health(
        "stopped", reason, "Ask where it listens (`[control] socket`); a socket that was removed comes back."
    )


def _reason(mark: DaemonMark | None) -> str:
    if mark is None:
        return "no daemon has run yet; what is shown was synced by hand"
    if mark.stopped_at is None:
        return "the daemon is not running; it was killed, or the machine went down"
    return "the daemon is not running; it was stopped"


def _stopped_at(mark: DaemonMark | None) -> str | None:
    return moment(mark.stopped_at) if mark else None
