"""When a dataset is stale: one rule, for alerts and for metrics. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .moments import seconds_of

Document = Mapping[str, Any]
_INTERVALS = 2
"""A dataset that is synced seldom is not stale between two syncs."""


def stale_limit(stale_after: float, interval_seconds: float) -> float:
    """How many seconds a dataset may go without a success: what is set, or twice its interval if longer."""
    return max(stale_after, _INTERVALS * interval_seconds)


def waits_since(status: Document, dataset: Document) -> float | None:
    """From when that time counts, in UNIX seconds: the last success, else the daemon's start; a member of a fleet
    that took the dataset over has it from then. None where nothing of that is known."""
    moments = (dataset["last_sync_time"] or status["started_at"], dataset["owner_since"])
    return max((seconds_of(when) for when in moments if when), default=None)


def is_old(status: Document, dataset: Document, limit: float, now: float) -> bool:
    """Whether a dataset is without a success for longer than `limit` seconds, at `now` (UNIX seconds)."""
    since = waits_since(status, dataset)
    return since is not None and now - since > limit


def is_stale(status: Document, dataset: Document, limit: float, now: float) -> bool:
    """Whether that is to be mended: what is disabled is never stale, however old it is."""
    return bool(status["sync_enabled"] and dataset["enabled"]) and is_old(status, dataset, limit, now)
