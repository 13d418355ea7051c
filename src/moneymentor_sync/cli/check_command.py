"""`mmsync check`: what works, what does not, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import typer

from .app import ConfigOption, JsonOption, VerboseOption, command
from .console import out, print_json
from .progress import progress

if TYPE_CHECKING:
    from moneymentor_sync.checks import Check


@command("check")
def check(as_json: JsonOption = False, config: ConfigOption = None, verbose: VerboseOption = False) -> None:
    """Try everything in order, and say how to mend what fails. Writes nothing.

    Configuration, database (is it only read, does every query work, is every key unique), the service account's
    key, the spreadsheet (who may edit, tabs, headers, protected ranges, free cells), state file, socket, where
    metrics are to be, clock, lock. Of a tab that something else has filled it says what the first sync will do with
    the rows. What cannot be tried because something before it failed is skipped. Reads every dataset once.

    Exit code 0, also with warnings; 1 if anything failed, the configuration included.
    """
    import time

    from moneymentor_sync.adapters.environment import load_config
    from moneymentor_sync.checks import all_well, check_everything

    from .check_display import listing, summary

    with progress(wanted=not verbose) as tick:
        made = check_everything(lambda: load_config(config), clock=time.time, tick=tick or _silent)
        checks = list(_logged(made) if verbose else made)
    well = all_well(checks)
    if as_json:
        print_json({"ok": well, "checks": [_as_json(one) for one in checks]})
    else:
        out().print(listing(checks, out().width))
        out().print(f"\n{summary(checks)}")
    if not well:
        raise typer.Exit(1)


def _as_json(one: Check) -> dict[str, Any]:
    """`takes_over` is there only where rows of something else are to be taken over."""
    from .take_over_view import take_over_as_json

    head = {"name": one.name, "status": one.status, "message": one.message, "hint": one.hint}
    return head if one.takes_over is None else head | {"takes_over": take_over_as_json(one.takes_over)}


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
