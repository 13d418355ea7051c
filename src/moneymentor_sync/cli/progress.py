"""Progress bars on stderr for reading, comparing and writing; nothing at all where nobody watches."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from .console import err
from .words import PHASES

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from moneymentor_sync.core.ports import Tick


@contextmanager
def progress(*, wanted: bool = True) -> Iterator[Tick | None]:
    """A Tick that draws one bar a dataset while the block runs, or None off a terminal and with NO_COLOR."""
    if not wanted or not sys.stderr.isatty() or os.environ.get("NO_COLOR"):
        yield None
        return
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.fields[dataset]:<20}", markup=False),
        TextColumn("{task.description:<9}"),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err(), transient=True) as bars:
        yield _Bars(bars)


class _Bars:
    """One bar for each dataset; its description is what is being done to it."""

    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, dataset: str, phase: str, done: int, total: int | None) -> None:
        if dataset not in self._tasks:
            self._tasks[dataset] = self._bars.add_task("", total=None, dataset=dataset, count="")
        count = f"{done:,}" + (f" of {total:,}" if total else "") if done else ""
        self._bars.update(
            self._tasks[dataset], description=PHASES.get(phase, phase), completed=done, total=total, count=count
        )
