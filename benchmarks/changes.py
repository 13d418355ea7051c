"""Some rows changed: how many writes that takes, and how many bytes a changed row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import ceil

from . import people
from .figures import Figure, count, seconds, size
from .scene import TAB, Scene, Sync, scene
from .setting import Setting

BODY = 2_000_000
"""Bytes: what Google recommends a request to have at most."""
STEPS = 4
"""Writes of a large change beside those bodies: to prepare it, to show it at once, to clear up."""
NEAR = ("points", "level", "score")
APART = ("city", "level", "share")
FAR = ("name", "level", "seen_at")


def changes(setting: Setting) -> Iterator[Figure]:
    """One after the other in one spreadsheet; each sync must leave the tab as the database is."""
    with scene(setting.own_database("changes")) as place:
        place.sync()
        yield from _changed(place, "near", "3 adjacent cells of 1 % of the rows", NEAR, 100, writes=1, each=300)
        yield from _changed(
            place, "apart", "3 cells, one column between each, of 1 %", APART, 100, writes=1, each=400
        )
        yield from _changed(place, "far", "3 cells far apart, of 1 %", FAR, 100, writes=1)
        yield from _changed(place, "tenth", "3 adjacent cells of 0.1 %", NEAR, 1_000, writes=1)
        yield from _changed(place, "ten", "3 adjacent cells of 10 %", NEAR, 10)
        yield from _changed(place, "column", "one cell of every row", ("points",), 1)
        place.edit("insert_columns", tab=TAB, at=people.COLUMNS.index("score"))
        notes = [["Notes"]] + [[f"note {number}"] for number in range(1, 1_001)]
        place.edit("type_rows", tab=TAB, row=0, column=people.COLUMNS.index("score"), rows=notes)
        yield from _changed(place, "person", "3 cells with a person's column between, of 1 %", NEAR, 100, writes=1)


def _changed(
    place: Scene,
    name: str,
    what: str,
    columns: Sequence[str],
    every: int,
    *,
    writes: int = 0,
    each: int | None = None,
) -> Iterator[Figure]:
    rows = people.change(place.database, columns, every=every)
    sync = _settled(place, rows)
    asked = sync.requests
    most = writes or ceil(asked.bytes_sent / BODY) + STEPS
    prefix = f"changes.{name}"
    yield count(f"{prefix}.writes", f"writes: {what}", len(asked.writes), most, exactly=bool(writes))
    yield size(f"{prefix}.bytes", f"bytes sent a changed row: {what}", asked.bytes_sent / rows, each)
    yield size(f"{prefix}.largest", "the largest of its requests", asked.largest, BODY)
    yield count(f"{prefix}.reads", "reads of Sheets, of which one is to verify", asked.reads)
    yield seconds(f"{prefix}.time", f"whole process: {what}", sync.child.seconds)
    yield seconds(f"{prefix}.stand_in", "of that, CPU time of the stand-in", sync.server_seconds)


def _settled(place: Scene, rows: int) -> Sync:
    """A sync that must change just these rows."""
    sync = place.sync()
    updated = sync.datasets[0]["updated"]
    if updated != rows:
        raise RuntimeError(f"{rows} rows had changed, and the sync updated {updated}")
    return sync
