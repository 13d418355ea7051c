"""Status documents as a daemon gives them, for the tests of what is shown; and screens as lines of text."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from rich.console import Console, RenderableType

from moneymentor_sync.cli.words import Viewpoint
from moneymentor_sync.core.breaker import Breaker
from moneymentor_sync.core.health import Health
from moneymentor_sync.core.record import DatasetRecord, Totals
from moneymentor_sync.core.settings import SyncSettings
from moneymentor_sync.core.status import ConfigSeen, DatasetSeen, Progress, Snapshot, document

MOMENT = datetime(2026, 3, 14, 12, 0, 0, tzinfo=UTC)
NOW = MOMENT.timestamp()
UP = 1_000_000.0
"""Monotonic seconds at that moment."""
VIEW = Viewpoint(MOMENT, lambda moment: moment.astimezone(UTC))

PROFILES = DatasetSeen("user_profiles", "UserProfiles", True, 300)
STATISTICS = DatasetSeen("course_statistics", "course_statistics", True, 300)
SYNC = SyncSettings()
IDLE = Snapshot(
    version="0.1.0",
    config=ConfigSeen(
        SYNC.interval_seconds,
        SYNC.max_retries,
        SYNC.enable_course_stats,
        SYNC.enable_user_profiles,
        SYNC.health_check_interval,
        SYNC.max_consecutive_failures,
    ),
    datasets=(PROFILES, STATISTICS),
    health=Health("healthy", "every dataset is in step with the database"),
    is_running=True,
    pid=4242,
    started_at=NOW - 273_600,
    started_mono=UP - 273_600,
    next_mono=UP + 178,
    totals=Totals(successful=12_300, failed=45, seconds=11_110.5, last_seconds=1.24, last_success=NOW - 122),
    records={
        "user_profiles": DatasetRecord("user_profiles", NOW - 122, "synced", 12_345, 3, 12, 1),
        "course_statistics": DatasetRecord("course_statistics", NOW - 122, "unchanged", 6_789, 0, 4, 0),
    },
)
OPEN = Breaker("open", 5, 300, NOW + 245)


def status(snapshot: Snapshot = IDLE, progress: Progress | None = None, **changed: Any) -> dict[str, Any]:
    """The document of a snapshot, with some of its fields changed."""
    return document(replace(snapshot, **changed), progress, now=NOW, mono=UP)


def lines(shown: RenderableType | Callable[[int], RenderableType], width: int = 80) -> list[str]:
    """What a terminal of that width shows, without colours; no line of it is wider."""
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(shown(width) if callable(shown) else shown)
    assert isinstance(console.file, io.StringIO)
    found = [line.rstrip() for line in console.file.getvalue().splitlines()]
    assert all(len(line) <= width for line in found), found
    return found
