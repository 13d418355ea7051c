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
    cluster: Annotated[
        bool, typer.Option("--cluster", help="Every member of the fleet, with its health and last runs.")
    ] = False,
    config: ConfigOption = None,
    verbose: ClientVerboseOption = False,
) -> None:
    """Show whether syncing works, and if not, why not and what to do.

    Asks the running daemon, which answers at once, also during a sync. Where none runs, the last known state is
    shown from the state file, as stopped. Needs neither the database's password nor Google's key.

    With --cluster the fleet is asked (through this machine's daemon, or where none runs its database), and the exit
    code is 1 when a member that is alive is not well, or a spreadsheet has none.

    Exit code 0 when healthy or with a warning, 1 when degraded or unhealthy, 3 when the daemon is not running.
    """
    from .status_screen import show_status

    raise typer.Exit(show_status(config, as_json=as_json, watch=watch, cluster=cluster, verbose=verbose))
