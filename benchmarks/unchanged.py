"""Nothing changed: what a sync asks for, and how long it takes against a bare pass over the same query."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from statistics import median

from . import people
from .figures import Figure, count, ratio, seconds
from .scene import HERE, TAB, Child, Scene, Sync, run, scene
from .setting import Setting

LOOKS_NEVER = "24h"


def unchanged(setting: Setting) -> Iterator[Figure]:
    """One dataset of all rows."""
    with scene(setting.database()) as place:
        place.sync()
        yield from _verifying(setting, place)
        place.configure(verify=LOOKS_NEVER)
        yield from _not_verifying(setting, place)


def _verifying(setting: Setting, place: Scene) -> Iterator[Figure]:
    syncs = [_nothing(place.sync()) for _ in range(setting.rounds)]
    last = syncs[-1].requests
    yield count("unchanged.verify.writes", "writes of a sync that verifies", len(last.writes), 0, exactly=True)
    yield count("unchanged.verify.reads", "reads of Sheets of a sync that verifies", last.reads, 1)
    bare = [run(_bare(place), place.directory).seconds for _ in range(setting.rounds)]
    took = median(sync.child.seconds for sync in syncs)
    yield seconds("unchanged.verify.time", "`mmsync sync` that verifies, whole process, median", took)
    server = median(sync.server_seconds for sync in syncs)
    yield seconds("unchanged.verify.stand_in", "of that, CPU time of the stand-in", server)
    yield ratio("unchanged.verify.ratio", "against the bare pass as a process of its own", took / median(bare))


def _not_verifying(setting: Setting, place: Scene) -> Iterator[Figure]:
    syncs: list[Sync] = []
    bare: list[Child] = []
    for _ in range(setting.rounds):
        bare.append(run(_bare(place), place.directory))
        syncs.append(_nothing(place.sync()))
    last = syncs[-1].requests
    yield count(
        "unchanged.blind.writes", "writes of a sync that does not verify", len(last.writes), 0, exactly=True
    )
    yield count(
        "unchanged.blind.reads", "reads of Sheets of a sync that does not verify", last.reads, 0, exactly=True
    )
    found = json.loads(run(_in_process(setting, place), place.directory).output)
    ours, least = median(found["ours"]), median(found["bare"])
    yield seconds("unchanged.blind.engine", "Engine.run that does not verify, median", ours)
    yield seconds("unchanged.bare.engine", "bare SQLAlchemy pass over the same query, median", least)
    yield ratio("unchanged.blind.engine_ratio", "Engine.run against the bare pass, same process", ours / least, 3)
    took = median(sync.child.seconds for sync in syncs)
    yield seconds("unchanged.blind.time", "`mmsync sync` that does not verify, whole process, median", took)
    base = median(child.seconds for child in bare)
    yield seconds("unchanged.bare.time", "the bare pass, whole process, median", base)
    what = "`mmsync sync` against the bare pass, whole processes"
    yield ratio("unchanged.blind.ratio", what, took / base, 3)
    what = "the same in CPU time: less at the mercy of other programs"
    cpu = median(sync.child.cpu_seconds for sync in syncs) / median(child.cpu_seconds for child in bare)
    yield ratio("unchanged.blind.cpu_ratio", what, cpu)


def together(setting: Setting) -> Iterator[Figure]:
    """Two datasets of one spreadsheet, with half of the rows each, and with all of them each."""
    for share, rows in (("half", setting.rows // 2), ("whole", setting.rows)):
        with scene(setting.database(rows)) as place:
            place.configure((TAB, "Again"))
            place.sync()
            asked = _nothing(place.sync()).requests
        name = f"unchanged.two_{share}"
        what = f"two datasets of {rows:,} rows in one spreadsheet, verifying"
        yield count(f"{name}.writes", f"writes: {what}", len(asked.writes), 0, exactly=True)
        yield count(f"{name}.reads", f"reads of Sheets: {what}", asked.reads, 1)


def _bare(place: Scene) -> list[str]:
    return [sys.executable, str(HERE / "bare.py"), f"sqlite:///{place.database}", people.QUERY]


def _in_process(setting: Setting, place: Scene) -> list[str]:
    return [sys.executable, str(HERE / "in_process.py"), str(place.config), str(setting.rounds)]


def _nothing(sync: Sync) -> Sync:
    """Raises RuntimeError where the sync found something: then it measures something else."""
    results = {one["result"] for one in sync.datasets}
    if results != {"unchanged"}:
        raise RuntimeError(f"a sync of what had not changed ended as {results}")
    return sync
