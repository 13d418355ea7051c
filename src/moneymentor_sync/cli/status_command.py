"""`mmsync status`: does it work, and if not, why not."""

from __future__ import annotations

from typing import Annotated

import typer

from .app import ClientVerboseOption, ConfigOption, JsonOption, command


@command("status")
def status(
    as_json: JsonOption = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Redraw every second until Ctrl-C; with --json, a line a second.")
    ] = False,
    config: ConfigOption = None,
    verbose: ClientVerboseOption = False,
) -> None:
    """Show whether syncing works, and if not, why not and what to do.

    Asks the running daemon, which answers at once, also during a sync. Where none runs, the last known state is
    shown from the state file, as stopped. Needs neither the database's password nor Google's key.

    Exit code 0 when healthy or with a warning, 1 when degraded or unhealthy, 3 when the daemon is not running.
    """
    from .status_screen import show_status

    raise typer.Exit(show_status(config, as_json=as_json, watch=watch, verbose=verbose))
