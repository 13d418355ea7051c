"""`mmsync check`: what works, what does not, and how to mend it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import typer

from .app import ConfigOption, JsonOption, VerboseOption, app
from .console import out, print_json
from .progress import progress

if TYPE_CHECKING:
    from rich.table import Table

    from moneymentor_sync.checks import Check, Status

_MARKS: dict[Status, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "failed": ("✗", "bold red"),
    "skipped": ("-", "dim"),
}


@app.command("check")
def check(as_json: JsonOption = False, config: ConfigOption = None, verbose: VerboseOption = False) -> None:
    """Try everything in order, and say how to mend what fails. Writes nothing.

    Configuration, database (is it only read, does every query work, is every key unique), the service account's
    key, the spreadsheet (who may edit, tabs, headers, protected ranges, free cells), state file, socket, clock,
    lock. What cannot be tried because something before it failed is skipped. Reads every dataset once.

    Exit code 0, also with warnings; 1 if anything failed, the configuration included.
    """
    import time

    from moneymentor_sync.adapters.environment import load_config
    from moneymentor_sync.checks import all_well, check_everything

    with progress(wanted=not verbose) as tick:
        made = check_everything(lambda: load_config(config), clock=time.time, tick=tick or _silent)
        checks = list(_logged(made) if verbose else made)
    if as_json:
        print_json(as_document(checks, well=all_well(checks)))
    else:
        out().print(table(checks))
        out().print(f"\n{summary(checks)}")
    if not all_well(checks):
        raise typer.Exit(1)


def _silent(dataset: str, phase: str, done: int, total: int | None) -> None:
    """No progress is shown where nobody looks."""


def _logged(checks: Iterable[Check]) -> Iterator[Check]:
    """Each step to the log as it is made."""
    from moneymentor_sync.adapters.log_events import event_log
    from moneymentor_sync.core.settings import LogSettings

    log = event_log(LogSettings(), verbose=True)
    for one in checks:
        log.info("check.finished", check=one.name, status=one.status)
        yield one


def as_document(checks: Sequence[Check], *, well: bool) -> dict[str, Any]:
    """The answer for programs."""
    from dataclasses import asdict

    return {"ok": well, "checks": [asdict(one) for one in checks]}


def table(checks: Sequence[Check]) -> Table:
    """One row a check: mark and word, name, what was found; the remedy below."""
    from rich.table import Table
    from rich.text import Text

    found = Table.grid(padding=(0, 2, 0, 0))
    found.add_column(no_wrap=True)
    found.add_column(max_width=26, overflow="fold")
    found.add_column(overflow="fold")
    for one in checks:
        mark, style = _MARKS[one.status]
        words = Text(one.message, style="dim" if one.status == "skipped" else "")
        if one.hint:
            words.append(f"\n→ {one.hint}", style="cyan")
        found.add_row(Text(f"{mark} {one.status}", style=style), Text(one.name), words)
    return found


def summary(checks: Sequence[Check]) -> str:
    """One line: how many of each, and what to do next."""
    counts = Counter(one.status for one in checks)
    words = ", ".join(f"{counts[status]} {status}" for status in _MARKS if counts[status])
    if counts["failed"]:
        return f"{words}. Mend what failed, the first one first, and run `mmsync check` again."
    return f"{words}. Next: `mmsync plan` shows what a sync would change."
