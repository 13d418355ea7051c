"""How much memory a sync needs at most, as the operating system counts it for the whole process."""

from __future__ import annotations

from collections.abc import Iterator

from .figures import Figure, count, memory, seconds
from .scene import Requests, Sync, scene
from .setting import Setting

LIMIT = 350_000_000
ROOM = 30_000_000
"""Cells: Google's 10 million are fewer than a million rows have, so stand-in and configuration allow more."""


def peak_memory(setting: Setting) -> Iterator[Figure]:
    rows = f"{setting.many:,} rows"
    with scene(setting.database(setting.many), max_cells=ROOM) as place:
        yield from _figures("first", f"the first sync of {rows}", place.sync(), None)
        yield from _figures("verify", f"nothing changed in {rows}, verifying", place.sync(), LIMIT)
        place.configure(verify="24h")
        yield from _figures("blind", f"nothing changed in {rows}, not verifying", place.sync(), LIMIT)


def _figures(name: str, what: str, sync: Sync, limit: int | None) -> Iterator[Figure]:
    asked: Requests = sync.requests
    yield memory(f"memory.{name}.peak", f"most memory of the process: {what}", sync.child.peak_bytes, limit)
    yield seconds(f"memory.{name}.time", f"whole process: {what}", sync.child.seconds)
    yield seconds(f"memory.{name}.stand_in", "of that, CPU time of the stand-in", sync.server_seconds)
    yield count(f"memory.{name}.writes", f"writes: {what}", len(asked.writes))
    yield count(f"memory.{name}.reads", f"reads of Sheets: {what}", asked.reads)
