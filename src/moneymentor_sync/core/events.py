"""How loud each log event is; one that is not named here is `info`."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Literal, Protocol

LogLevel = Literal["debug", "info", "warning", "error"]


class Emit(Protocol):
    """Takes an event for the log: a stable dotted name and fields, without any value of a cell."""

    def __call__(self, event: str, **fields: object) -> None: ...


LEVELS: Mapping[str, LogLevel] = {
    "backup.failed": "error",
    "backup.noted": "warning",
    "alert.dropped": "error",
    "alert.failed": "warning",
    "breaker.opened": "error",
    "cluster.lost": "error",
    "cluster.mute": "warning",
    "clock.stepped": "warning",
    "control.asked": "debug",
    "control.died": "error",
    "control.failed": "error",
    "control.refused": "warning",
    "control.renewed": "error",
    "dataset.noted": "warning",
    "daemon.left": "warning",
    "dataset.failed": "error",
    "dataset.unchanged": "debug",
    "lock.busy": "warning",
    "metrics.unwritten": "warning",
    "pause.overdue": "warning",
    "pause.placed": "debug",
    "pause.released": "debug",
    "realtime.deaf": "warning",
    "realtime.lost": "warning",
    "realtime.unheard": "warning",
    "reload.refused": "error",
    "retry.waiting": "warning",
    "schedule.skipped": "debug",
    "service.failed": "error",
    "service.unreachable": "warning",
    "sheet_status.failed": "warning",
    "sheet_status.written": "debug",
    "state.failed": "error",
    "sync.crashed": "error",
    "sync.failed": "error",
    "watchdog.silent": "error",
    "witness.failed": "error",
}


def level_of(event: str) -> LogLevel:
    return LEVELS.get(event, "info")


def way_of(error: Exception) -> str:
    """The places that a bug came through, without its message: that may hold a value."""
    frames = traceback.extract_tb(error.__traceback__)
    return " > ".join(f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}" for frame in frames)


def unheard(event: str, **fields: object) -> None:
    """No log is kept where nobody asked for one."""
