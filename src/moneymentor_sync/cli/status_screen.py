"""What `mmsync status` does: ask the daemon or the state file, show it, give the exit code."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from .daemon_access import Document, find_places, last_status, open_client

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from moneymentor_sync.core.client_places import ClientPlaces
    from moneymentor_sync.core.errors import MmsyncError

NOT_RUNNING = 3
EVERY_SECONDS = 1.0
_GOOD = ("healthy", "warning")


def show_status(config: Path | None, *, as_json: bool, watch: bool, verbose: bool) -> int:
    """Shows the status, once or until Ctrl-C; gives the exit code. Raises what the client raises."""
    places = find_places(config, verbose=verbose)
    if watch:
        _watch(places, as_json=as_json)
        return 0
    document = known_status(places)
    if as_json:
        from .console import print_json

        print_json(document)
    else:
        from .console import out

        console = out()
        console.print(_screen(document, console))
    return exit_code(document)


def known_status(places: ClientPlaces) -> Document:
    """The daemon's, or the last known one where it does not run. Raises NotRunningError where that is not known."""
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


def _screen(document: Document, console: Console) -> RenderableType:
    from datetime import UTC, datetime

    from .status_view import status_view
    from .words import Viewpoint

    return status_view(document, Viewpoint(datetime.now(UTC)), width=console.width)


# --- again and again --------------------------------------------------------------------------------------


def _watch(places: ClientPlaces, *, as_json: bool) -> None:
    """Until Ctrl-C. A daemon that is gone is shown as gone, and shown again when it is back."""
    import time

    if not as_json:
        _redraw(places)
        return
    with suppress(KeyboardInterrupt):
        while True:
            _print_line(places)
            time.sleep(EVERY_SECONDS)


def _print_line(places: ClientPlaces) -> None:
    import json

    from moneymentor_sync.core.errors import MmsyncError

    try:
        document = known_status(places)
    except MmsyncError as error:
        document = {"is_running": None, "error": {"code": error.code, "message": str(error), "hint": error.hint}}
    sys.stdout.write(json.dumps(document, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _redraw(places: ClientPlaces) -> None:
    import time

    from rich.live import Live

    from moneymentor_sync.core.errors import MmsyncError, UsageError

    from .console import out

    console = out()
    if not console.is_terminal:
        raise UsageError(
            "--watch redraws a terminal, and this is none",
            hint="Add --json for one line a second, or leave --watch out.",
        )
    with Live(console=console, auto_refresh=False) as live:
        shown: RenderableType = ""
        try:
            while True:
                try:
                    shown = _fitted(known_status(places), console)
                except MmsyncError as error:
                    shown = _gone(error)
                live.update(_with_foot(shown), refresh=True)
                time.sleep(EVERY_SECONDS)
        except KeyboardInterrupt:
            live.update(shown)


def _with_foot(shown: RenderableType) -> RenderableType:
    """With the time, and a last line so short that a terminal's echo of Ctrl-C does not break it."""
    from datetime import datetime

    from rich.console import Group
    from rich.text import Text

    return Group(shown, Text(f"{datetime.now().astimezone():%H:%M:%S}; Ctrl-C ends", style="dim"))


def _fitted(document: Document, console: Console) -> RenderableType:
    """The screen, with fewer datasets where the terminal is too low for all."""
    from datetime import UTC, datetime

    from .status_fit import fitted
    from .words import Viewpoint

    return fitted(document, Viewpoint(datetime.now(UTC)), console)


def _gone(error: MmsyncError) -> RenderableType:
    from rich.text import Text

    from .words import plain

    text = Text.assemble(("■ ", "bold"), plain(error))
    if error.hint:
        text.append(f"\n→ {plain(error.hint)}", style="cyan")
    return text
