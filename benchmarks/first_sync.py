"""The first sync: how many writes, how large, and how long against what else people use for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import ceil
from statistics import median

from . import cells, people, rivals
from .changes import BODY, STEPS
from .figures import Figure, count, memory, ratio, seconds, size
from .scene import TAB, Scene, Sync, scene
from .setting import Setting

ROUNDS = 3


def first_sync(setting: Setting) -> Iterator[Figure]:
    """Into a spreadsheet that has no such tab."""
    with scene(setting.database()) as place:
        yield from _figures("first.new", "the first sync, into no tab", place.sync())


def into_existing(setting: Setting) -> Iterator[Figure]:
    """Into a tab that a person has made, blank or with columns of their own."""
    with scene(setting.database()) as place:
        place.edit("add_tab", title=TAB)
        yield from _figures("first.blank", "the first sync, into a blank tab of 1,000 rows", place.sync())
    with scene(setting.database()) as place:
        place.edit("add_tab", title=TAB)
        header = [*people.COLUMNS[:4], "Notes", *people.COLUMNS[4:], "Owner"]
        place.edit("type_rows", tab=TAB, row=0, column=0, rows=[header])
        yield from _figures("first.beside", "the first sync, with people's columns between", place.sync())


def _figures(name: str, what: str, sync: Sync) -> Iterator[Figure]:
    asked = sync.requests
    most = ceil(asked.bytes_sent / BODY) + STEPS
    yield count(f"{name}.writes", f"writes: {what}", len(asked.writes), most)
    yield size(f"{name}.largest", "the largest of its requests", asked.largest, BODY)
    yield size(f"{name}.bytes", "all its requests", asked.bytes_sent)
    yield count(f"{name}.reads", "reads of Sheets", asked.reads)
    yield seconds(f"{name}.time", f"whole process: {what}", sync.child.seconds)
    yield seconds(f"{name}.stand_in", "of that, CPU time of the stand-in", sync.server_seconds)


def against_others(setting: Setting) -> Iterator[Figure]:
    """Everybody puts the same table into a spreadsheet of their own, in turns; medians of whole processes."""
    others = rivals.available(setting)
    quick = {name: put for name, put in others.items() if name not in rivals.SLOW}
    yield from _in_turns(setting, "mmsync", {"mmsync": _ours, **quick}, setting.rows, ROUNDS)
    slow = {name: put for name, put in others.items() if name in rivals.SLOW}
    if slow:
        yield from _in_turns(setting, "mmsync-tenth", {"mmsync-tenth": _ours, **slow}, setting.rows // 10, 1)


def _in_turns(
    setting: Setting, ours: str, everybody: Mapping[str, rivals.PutTable], rows: int, rounds: int
) -> Iterator[Figure]:
    runs: dict[str, list[rivals.Put]] = {name: [] for name in everybody}
    left: dict[str, cells.Rows] = {}  # of us and of whom we are to beat, once: a later round does the same again
    for _ in range(rounds):
        for name, put in everybody.items():
            with scene(setting.database(rows)) as place:
                runs[name].append(put(place))
                _complete(place, name, rows)
                if name not in left and name in (ours, *rivals.TO_BEAT):
                    left[name] = cells.rows_of(place, TAB)
                    _same_cells(name, left[name], left[ours])
    for name, puts in runs.items():
        yield from _puts(name, puts, rows)
        if name != ours:
            yield from _against(name, puts, runs[ours])


def _against(name: str, theirs: list[rivals.Put], ours: list[rivals.Put]) -> Iterator[Figure]:
    target = 1.0 if name in rivals.TO_BEAT else None
    taken = [median(put.seconds for put in puts) for puts in (ours, theirs)]
    unlike = ", which leaves dates as text and booleans as 0 and 1: no target" if name in rivals.UNLIKE else ""
    what = f"mmsync's time against {name}'s{unlike}"
    yield ratio(f"others.{name}.ratio", what, taken[0] / taken[1], target)
    what = "the same in CPU time, the stand-in's included: less at the mercy of other programs"
    yield ratio(f"others.{name}.cpu_ratio", what, _cpu(ours) / _cpu(theirs))


def _cpu(puts: list[rivals.Put]) -> float:
    return median(put.cpu_seconds + put.server_seconds for put in puts)


def _puts(name: str, puts: list[rivals.Put], rows: int) -> Iterator[Figure]:
    took = median(put.seconds for put in puts)
    yield seconds(f"others.{name}.time", f"{name} puts {rows:,} rows there, median of {len(puts)}", took)
    yield seconds(f"others.{name}.client", "CPU time of its own process", median(p.cpu_seconds for p in puts))
    yield seconds(f"others.{name}.stand_in", "CPU time of the stand-in", median(p.server_seconds for p in puts))
    yield count(f"others.{name}.writes", "its writes", puts[-1].writes)
    yield size(f"others.{name}.bytes", "all its requests", puts[-1].bytes_sent)
    yield memory(f"others.{name}.peak", "most memory of its process", max(put.peak_bytes for put in puts))


def _ours(place: Scene) -> rivals.Put:
    sync = place.sync()
    return rivals.Put.of(sync.child, sync.server_seconds, sync.requests)


def _complete(place: Scene, name: str, rows: int) -> None:
    """Raises RuntimeError where not every row arrived: then its time says nothing."""
    found = place.filled_rows("Sheet1" if name == "drt" else TAB)
    if found != rows + 1:
        raise RuntimeError(f"{name} put {found - 1:,} of {rows:,} rows into the tab")


def _same_cells(name: str, theirs: cells.Rows, ours: cells.Rows) -> None:
    """Raises RuntimeError where somebody with a target left other cells than we: then no time can be compared."""
    found = cells.difference(theirs, ours)
    if found is not None:
        raise RuntimeError(f"{name} did not put the same table there; {found}")
