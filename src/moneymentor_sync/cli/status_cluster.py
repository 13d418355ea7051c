"""`mmsync status --cluster`: asks this machine's daemon of its fleet; where none runs, the fleet's own database."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from moneymentor_sync.core.errors import AloneError, NotRunningError, UsageError

from .cluster_view import cluster_screen
from .console import out, print_json
from .daemon_access import Document, open_client
from .words import Viewpoint

if TYPE_CHECKING:
    from moneymentor_sync.core.client_places import ClientPlaces

_GOOD = ("healthy", "warning", None)  # one that has just started has not told yet


def show_cluster(places: ClientPlaces, config: Path | None, *, as_json: bool, watch: bool) -> int:
    """Shows the fleet; gives the exit code. Raises AloneError, ClusterError, ControlError, UsageError."""
    if watch:
        raise UsageError("--cluster and --watch do not go together", hint="Leave one of them out.")
    document = _document(places, config)
    if as_json:
        print_json(document)
    else:
        out().print(cluster_screen(document, Viewpoint(datetime.now(UTC))))
    return exit_code(document)


def exit_code(document: Document) -> int:
    """0 while every member that is alive is well and has all spreadsheets among them."""
    alive = [one for one in document["members"] if one["alive"]]
    well = all(one["health"] in _GOOD for one in alive)
    return 0 if alive and well and all(one["owner"] for one in document["spreadsheets"]) else 1


def _document(places: ClientPlaces, config: Path | None) -> Document:
    try:
        return open_client(places).cluster()
    except NotRunningError:
        from moneymentor_sync.adapters.environment import load_config
        from moneymentor_sync.wiring.cluster import fleet_document

        settings = load_config(config)
        if settings.cluster.url is None:
            raise AloneError("this machine is alone: it has no `[cluster] url`") from None
        return fleet_document(settings)
