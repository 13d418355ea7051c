"""`mmsync status --watch`: again every second until Ctrl-C, also while the daemon is gone for a while."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moneymentor_sync.core.errors import MmsyncError, UsageError

from .console import print_json_line
from .daemon_access import last_runs, open_client, places_to_look_at
from .status_recent import MOST
from .status_screen import known_status

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console, RenderableType

    from moneymentor_sync.core.client_places import ClientPlaces

    from .daemon_access import Document
    from .words import Viewpoint

EVERY_SECONDS = 1.0
FREE_LINES = 2
"""Below the status: a blank one, and the time."""
_ENOUGH = 6
"""Datasets; rather than show fewer, what is less needed is left out."""
_LOOKS = 10
"""How often in a second it is looked whether the window is as large as before."""


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
    """Draws on a screen of its own, as pagers do, so that a smaller window leaves nothing behind.

    What was seen last stays on the usual one."""
    from rich.live import Live

    shown: RenderableType = ""
    recent = Recent()
    with suppress(KeyboardInterrupt), Live(console=console, auto_refresh=False, screen=True) as live:
        while True:
            shown = _shown(config, console, recent)
            live.update(_with_foot(shown), refresh=True)
            _wait(console)
    console.print(shown)


def _wait(console: Console) -> None:
    """A second, or until somebody makes the window larger or smaller."""
    size = console.size
    for _ in range(_LOOKS):
        time.sleep(EVERY_SECONDS / _LOOKS)
        if console.size != size:
            return


def _shown(config: Path | None, console: Console, recent: Recent) -> RenderableType:
    from .words import Viewpoint

    try:
        places = places_to_look_at(config)
        document = known_status(places)
        return fitted(document, Viewpoint(datetime.now(UTC)), console, recent.runs(document, places))
    except MmsyncError as error:
        return gone(error)


class Recent:
    """The last runs, asked for again when there was one more."""

    def __init__(self) -> None:
        self._known: tuple[int, bool] | None = None
        self._runs: list[Document] = []

    def runs(self, document: Document, places: ClientPlaces) -> list[Document]:
        """Newest first; none where they cannot be had: the status is what matters."""
        now = document["statistics"]["total_syncs"], document["is_running"]
        if now != self._known:
            try:
                found = open_client(places).history(None, MOST) if now[1] else last_runs(places, None, MOST)
            except MmsyncError:
                found = None
            self._known, self._runs = now, found["runs"] if found else []
        return self._runs


def fitted(
    document: dict[str, Any], view: Viewpoint, console: Console, runs: Sequence[Document] = ()
) -> RenderableType:
    """The screen, with as many datasets as the terminal has lines for; those in trouble stay longest."""
    from .status_view import status_view

    def excess(shown: RenderableType) -> int:
        return len(console.render_lines(shown, pad=False)) + FREE_LINES - console.height

    def drawn(count: int, *, brief: bool) -> RenderableType:
        return status_view(
            document, view, width=console.width, most_datasets=count, watched=True, brief=brief, runs=runs
        )

    count = len(document["datasets"])
    for brief, fewest in ((False, min(count, _ENOUGH)), (True, 1)):
        shown = drawn(count, brief=brief)
        while (over := excess(shown)) > 0 and count > fewest:
            count = max(fewest, count - (over + 1) // 2 - 1)  # one line or two each, and what is left out one
            shown = drawn(count, brief=brief)
        if over <= 0:
            break
    return shown


def gone(error: MmsyncError) -> RenderableType:
    """What is shown while there is nothing to show."""
    from rich.text import Text

    from .words import plain

    text = Text.assemble(("■ ", "bold"), plain(error))
    return text.append(f"\n→ {plain(error.hint)}", style="cyan") if error.hint else text


def _with_foot(shown: RenderableType) -> RenderableType:
    """With the time, and how it ends."""
    from rich.console import Group
    from rich.text import Text

    return Group(shown, Text(), Text(f"{datetime.now().astimezone():%H:%M:%S}; Ctrl-C ends", style="dim"))
