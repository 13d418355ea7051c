"""`mmsync status --watch`: again every second until Ctrl-C, also while the daemon is gone for a while."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moneymentor_sync.core.errors import MmsyncError, UsageError

from .console import print_json_line
from .daemon_access import places_to_look_at
from .status_screen import known_status

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from .words import Viewpoint

EVERY_SECONDS = 1.0
FREE_LINES = 2


def watch_status(config: Path | None, *, as_json: bool) -> None:
    """Ends with Ctrl-C. Where the daemon is, is looked up each time: it may be started only now.

    Raises UsageError off a terminal, unless it is to be JSON.
    """
    if as_json:
        with suppress(KeyboardInterrupt):
            while True:
                print_json_line(_document(config))
                time.sleep(EVERY_SECONDS)
        return
    from .console import out

    console = out()
    if not console.is_terminal:
        raise UsageError(
            "--watch redraws a terminal, and this is none",
            hint="Add --json for one line a second, or leave --watch out.",
        )
    _redraw(config, console)


def _document(config: Path | None) -> dict[str, Any]:
    try:
        return known_status(places_to_look_at(config))
    except MmsyncError as error:
        return {"is_running": None, "error": {"code": error.code, "message": str(error), "hint": error.hint}}


def _redraw(config: Path | None, console: Console) -> None:
    from rich.live import Live

    shown: RenderableType = ""
    with Live(console=console, auto_refresh=False) as live:
        try:
            while True:
                shown = _shown(config, console)
                live.update(_with_foot(shown), refresh=True)
                time.sleep(EVERY_SECONDS)
        except KeyboardInterrupt:
            live.update(shown)


def _shown(config: Path | None, console: Console) -> RenderableType:
    from .words import Viewpoint

    try:
        return fitted(known_status(places_to_look_at(config)), Viewpoint(datetime.now(UTC)), console)
    except MmsyncError as error:
        return gone(error)


def fitted(document: dict[str, Any], view: Viewpoint, console: Console) -> RenderableType:
    """The screen, with as many datasets as the terminal has lines for; those in trouble stay longest."""
    from .status_view import status_view

    def excess(shown: RenderableType) -> int:
        return len(console.render_lines(shown, pad=False)) + FREE_LINES - console.height

    count = len(document["datasets"])
    shown = status_view(document, view, width=console.width)
    while (over := excess(shown)) > 0 and count > 1:
        count = max(1, count - (over + 1) // 2 - 1)  # a dataset takes one line or two, and what is left out one
        shown = status_view(document, view, width=console.width, most_datasets=count)
    return shown


def gone(error: MmsyncError) -> RenderableType:
    """What is shown while there is nothing to show."""
    from rich.text import Text

    from .words import plain

    text = Text.assemble(("■ ", "bold"), plain(error))
    return text.append(f"\n→ {plain(error.hint)}", style="cyan") if error.hint else text


def _with_foot(shown: RenderableType) -> RenderableType:
    """With the time, and a last line so short that a terminal's echo of Ctrl-C does not break it."""
    from rich.console import Group
    from rich.text import Text

    return Group(shown, Text(f"{datetime.now().astimezone():%H:%M:%S}; Ctrl-C ends", style="dim"))
