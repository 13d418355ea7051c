"""How soon the command line answers: `mmsync --help` against importing what draws it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from statistics import median

from .figures import Figure, ratio, seconds
from .scene import run
from .setting import Setting


def start_up(setting: Setting) -> Iterator[Figure]:
    least: list[float] = []
    ours: list[float] = []
    for _ in range(2 * setting.rounds + 1):
        least.append(run([sys.executable, "-c", "import typer, rich.console"], setting.directory).seconds)
        ours.append(run([sys.executable, "-m", "moneymentor_sync", "--help"], setting.directory).seconds)
    yield seconds("help.time", "`mmsync --help`, median", median(ours))
    yield seconds("help.imports", "`import typer, rich.console`, median", median(least))
    yield ratio("help.ratio", "the one against the other", median(ours) / median(least), 2)
