"""What `mmsync status` does: ask the daemon or the state file, show it, give the exit code."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from .daemon_access import Document, find_places, last_status, open_client

if TYPE_CHECKING:
    from moneymentor_sync.core.client_places import ClientPlaces

NOT_RUNNING = 3
_GOOD = ("healthy", "warning")


def show_status(config: Path | None, *, as_json: bool, watch: bool, cluster: bool, verbose: bool) -> int:
    """Shows the status, once or until Ctrl-C; gives the exit code. Raises what the client raises."""
    places = find_places(config, verbose=verbose, only_to_look=True)
    if cluster:
        from .status_cluster import show_cluster

        return show_cluster(places, config, as_json=as_json, watch=watch)
    if watch:
        from .status_watch import watch_status

        watch_status(config, as_json=as_json)
        return 0
    document = known_status(places)
    if as_json:
        from .console import print_json

        print_json(document)
    else:
        _show(document)
    return exit_code(document)


def known_status(places: ClientPlaces) -> Document:
    """The daemon's, or the last known one where none runs. Raises NotRunningError where nothing is known."""
    from moneymentor_sync.core.errors import NotRunningError

    try:
        return open_client(places).status()
    except NotRunningError:
        document = last_status(places)
        if document is None:
            raise
        return document


def exit_code(document: Document) -> int:
    """0 while it works, 1 while it does not, 3 where no daemon runs."""
    if not document["is_running"]:
        return NOT_RUNNING
    return 0 if document["statistics"]["health_status"] in _GOOD else 1


def _show(document: Document) -> None:
    from datetime import UTC, datetime

    from .console import out
    from .status_view import status_view
    from .words import Viewpoint

    console = out()
    console.print(status_view(document, Viewpoint(datetime.now(UTC)), width=console.width))
