"""The status of a service that does not sync: what the state file knows, in the same shape."""

from __future__ import annotations

from typing import Any

from moneymentor_sync.adapters.last_state import last_status
from moneymentor_sync.core.health import Health
from moneymentor_sync.core.settings import Config
from moneymentor_sync.core.status import ConfigSeen, DatasetSeen, Snapshot, document

_START = "Start it with `await service.start_background_sync()`."


def stopped_status(config: Config, now: float, *, stands_by: bool) -> dict[str, Any]:
    """The document as of `now` (UNIX seconds). Raises StateError."""
    found = last_status(config.state_path, now) or document(_never(config), None, now=now, mono=0.0)
    if stands_by:
        reason = "another process syncs with this state file; this one stands by"
        found["health"] = {"level": "stopped", "reason": reason, "hint": "Ask the other one, or end it."}
    else:
        found["health"]["hint"] = _START
    return found


def _never(config: Config) -> Snapshot:
    return Snapshot(
        version="",
        config=ConfigSeen.of(config.sync),
        datasets=tuple(map(DatasetSeen.of, config.datasets)),
        health=Health("stopped", "it has not run yet", _START),
    )
