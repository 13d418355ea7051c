"""Measures mmsync against the targets of its design, and prints what is met and what is missed.

    python benchmarks/run.py [--quick] [--json FILE] [--only NAME…]

See README.md beside this file for what is measured, how, and how to read it. `--quick` takes a tenth of the
rows, leaves out what takes minutes, and ends with exit code 1 if a count or a size is over its target; times
and memory are always only shown.
"""

from __future__ import annotations

import argparse
import compileall
import signal
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # as a script it sees its own directory alone

from benchmarks.backend import load
from benchmarks.changes import changes
from benchmarks.daemon import answers, day, holds, idle
from benchmarks.figures import Figure, document, show, write
from benchmarks.first_sync import against_others, first_sync, into_existing
from benchmarks.fleet import late_writes, members, take_over
from benchmarks.in_backend import middleware, stalls
from benchmarks.memory import peak_memory
from benchmarks.realtime import realtime
from benchmarks.saving import saving
from benchmarks.scrape import scrape
from benchmarks.setting import Setting
from benchmarks.start_up import start_up
from benchmarks.unchanged import together, unchanged
from rich.console import Console

import moneymentor_sync

Measure = Callable[[Setting], Iterator[Figure]]

MEASURES: Mapping[str, Measure] = {
    "help": start_up,
    "unchanged": unchanged,
    "together": together,
    "changes": changes,
    "first": first_sync,
    "existing": into_existing,
    "others": against_others,
    "memory": peak_memory,
    "saving": saving,
    "idle": idle,
    "answers": answers,
    "scrape": scrape,
    "holds": holds,
    "day": day,
    "load": load,
    "middleware": middleware,
    "stalls": stalls,
    "realtime": realtime,
    "fleet": take_over,
    "late": late_writes,
    "members": members,
}
ONLY_FULL = frozenset({"memory"})
RESULTS = Path(__file__).resolve().parent / "results"
NOTES = (
    "Times are of one machine at one hour: compare them within one run only.",
    "All is measured against the sandbox on loopback, in a process of its own, with its quota off.",
)


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="10,000 rows, no million, about a minute")
    parser.add_argument("--json", type=Path, default=RESULTS / "latest.json", metavar="FILE")
    parser.add_argument("--only", nargs="+", choices=list(MEASURES), metavar="NAME", help=", ".join(MEASURES))
    parser.add_argument("--rows", type=int, help="another number of rows than 100,000 or 10,000")
    parser.add_argument("--many", type=int, default=1_000_000, help="rows for the memory")
    return parser.parse_args(given)


def compile_ours() -> None:
    """As pip does for everything that it installs, the others among it; from a checkout Python may not have."""
    compileall.compile_dir(str(Path(moneymentor_sync.__file__).parent), quiet=1)


def measure(options: argparse.Namespace, console: Console) -> tuple[list[Figure], int]:
    """All figures, shown as they come, and the number of rows."""
    rows = options.rows or (10_000 if options.quick else 100_000)
    names = options.only or [name for name in MEASURES if not (options.quick and name in ONLY_FULL)]
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="mmsync-bench-") as directory:
        rounds = 3 if options.quick else 5
        setting = Setting(Path(directory), rows, options.many, rounds, options.quick, RESULTS)
        for name in names:
            found = list(MEASURES[name](setting))
            show(console, f"{name} ({options.many if name == 'memory' else rows:,} rows)", found)
            figures += found
    return figures, rows


def main() -> int:
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped
    console = Console(width=None if sys.stdout.isatty() else 150)
    compile_ours()
    figures, rows = measure(options, console)
    write(options.json, document(figures, rows=rows, quick=options.quick, notes=NOTES))
    missed = [one for one in figures if one.met is False]
    for one in missed:
        console.print(f"[bold red]missed[/] {one.name}: {one.what}", highlight=False)
    targets = sum(one.target is not None for one in figures)
    console.print(f"{targets - len(missed)} of {targets} targets met; all figures are in {options.json}")
    return int(options.quick and any(one.fails for one in figures))


if __name__ == "__main__":
    sys.exit(main())
