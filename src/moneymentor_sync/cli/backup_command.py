"""`mmsync backup`: every configured spreadsheet into a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import ConfigOption, JsonOption, VerboseOption, command
from .console import print_json
from .progress import progress

if TYPE_CHECKING:
    pass


@command("backup")
def backup(
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where to; else [backup] directory.", show_default=False),
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Save all tabs of each spreadsheet, with people's own columns, formulas, notes and formats.

    Each spreadsheet becomes one .xlsx file, which ordinary programs open; what `mmsync restore` needs is in it,
    too. Only reads the spreadsheet. No file is ever written over, and those made by this command are never removed
    by the schedule's retention.

    Exit code 0 when every spreadsheet was saved, 1 when one was not, 78 when the configuration is wrong.
    """
    del verbose  # what it would show is the traceback, and that is for whoever explains the error
    from moneymentor_sync.adapters.environment import load_config
    from moneymentor_sync.core.errors import MmsyncError
    from moneymentor_sync.wiring.backup import directory_of, make_backup, spreadsheets_of
    from moneymentor_sync.wiring.kept_backups import open_backups

    from .backup_display import backups_as_json, show_backups
    from .failures import say_error

    settings = load_config(config)
    made, failed = [], list[tuple[str, MmsyncError]]()
    with open_backups(settings) as edges:
        for spreadsheet_id in spreadsheets_of(settings):
            try:
                with progress() as tick:
                    made.append(make_backup(edges, spreadsheet_id, to or directory_of(settings), "hand", tick=tick))
            except MmsyncError as error:
                failed.append((spreadsheet_id, error))
    if as_json:
        print_json(backups_as_json(made, failed))
    else:
        show_backups(made)
        for _, why in failed:
            say_error(why)
    if failed:
        raise typer.Exit(1)
