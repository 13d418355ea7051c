"""`mmsync restore`: a backup back into its spreadsheet."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import ConfigOption, JsonOption, VerboseOption, command
from .console import print_json
from .failures import say
from .progress import progress

if TYPE_CHECKING:
    from moneymentor_sync.wiring.restore import Restore


@command("restore")
def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `mmsync backup` made.")],
    tab: Annotated[
        str | None,
        typer.Option("--tab", metavar="TAB", help="Only this tab; else all of the backup.", show_default=False),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Restore without asking.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Put tabs back as they were when the backup was made.

    Shows first what would be different in each tab, and asks. A tab that is still there keeps its name, its place
    and its charts; one that was deleted is made again, and others are left alone. What is there before is saved
    into a backup of its own. The next sync takes the restored tab for its own and brings it up to date.

    Exit code 0 when it was done or there was nothing to do, 1 when it failed, 2 when nobody could be asked (use
    --yes), 78 when the configuration is wrong.
    """
    del verbose  # what it would show is the traceback, and that is for whoever explains the error
    from moneymentor_sync.adapters.environment import load_config
    from moneymentor_sync.wiring.restore import carry_out, open_restore

    from .backup_display import plan_as_json, show_plan

    settings = load_config(config)
    with ExitStack() as held:
        with progress() as tick:
            opened = open_restore(settings, file, tab, holder="mmsync restore", tick=tick)
            restoring = held.enter_context(opened)
        if not as_json:
            show_plan(restoring.plan)
        kept = None
        if restoring.plan.changes and (yes or _agreed(restoring)):
            with progress() as tick:
                kept = carry_out(restoring, tick=tick)
        done = kept is not None
        if as_json:
            print_json(plan_as_json(restoring.plan, restored=done, before=kept))
        if not restoring.plan.changes:
            say("Nothing differs from the backup: nothing to do.")
        elif done:
            say(f"Restored. What was there before is in {kept}")
            say("The next sync brings the tabs up to date with the database: `mmsync plan` shows what it will do.")
        elif not _can_ask():
            say("Nothing was changed. To restore, say so with --yes.")
            raise typer.Exit(2)
        else:
            say("Nothing was changed.")


def _can_ask() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _agreed(restoring: Restore) -> bool:
    """Asks, and lets others work on the spreadsheet for as long as nobody answers."""
    if not _can_ask():
        return False
    with restoring.right.given_back():
        return typer.confirm("Restore?", default=False, err=True)
