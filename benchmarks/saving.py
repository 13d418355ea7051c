"""What a backup costs, and a restore: time, memory, the file's size, and what Google is asked for."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from .figures import Figure, count, memory, seconds, size
from .scene import TAB, Child, Requests, Scene, run, scene
from .setting import Setting

LIMIT = 350_000_000


@dataclass(frozen=True, slots=True)
class _Done:
    child: Child
    requests: Requests
    server_seconds: float


def saving(setting: Setting) -> Iterator[Figure]:
    """A tab of the common table, saved; then emptied, and restored."""
    with scene(setting.database()) as place:
        place.sync()
        saved = _command(place, "backup", "--json", "--to", str(place.directory / "backups"))
        (made,) = json.loads(saved.child.output)["backups"]
        yield from _figures("backup", "a backup", saved)
        yield size("saving.backup.file", "size of its file", made["bytes"])
        place.edit("delete_rows", tab=TAB, at=1, count=place.filled_rows(TAB) - 2)
        restored = _command(place, "restore", made["path"], "--yes", "--json")
        if not json.loads(restored.child.output)["restored"]:
            raise RuntimeError("nothing was restored")
        if place.filled_rows(TAB) != setting.rows + 1:
            raise RuntimeError(f"{place.filled_rows(TAB)} rows are there, not {setting.rows + 1}")
        yield from _figures("restore", "a restore, with the backup before it", restored)
        yield size("saving.restore.sent", "bytes of the bodies that it sends", restored.requests.bytes_sent)
        again = place.sync()
        (result,) = again.datasets
        if result["result"] != "unchanged":
            raise RuntimeError(f"the next sync found it otherwise: {result}")


def _command(place: Scene, *words: str) -> _Done:
    place.forget_requests()
    before = place.server_cpu()
    child = run([sys.executable, "-m", "moneymentor_sync", *words, "-c", str(place.config)], place.directory)
    return _Done(child, place.requests(), place.server_cpu() - before)


def _figures(name: str, what: str, done: _Done) -> Iterator[Figure]:
    yield seconds(f"saving.{name}.time", f"whole process: {what}", done.child.seconds)
    yield seconds(f"saving.{name}.cpu", "its CPU time", done.child.cpu_seconds)
    yield seconds(f"saving.{name}.stand_in", "CPU time of the stand-in meanwhile", done.server_seconds)
    yield memory(f"saving.{name}.peak", f"most memory of the process: {what}", done.child.peak_bytes, LIMIT)
    yield count(f"saving.{name}.reads", f"reads of Sheets: {what}", done.requests.reads)
    yield count(f"saving.{name}.writes", f"writes: {what}", len(done.requests.writes))
