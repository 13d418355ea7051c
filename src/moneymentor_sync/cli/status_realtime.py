"""How the daemon hears of changes, in the status: a line, and where something is missing what to do. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from .words import plain

if TYPE_CHECKING:
    from .words import Viewpoint

SOURCES = {"listen": "PostgreSQL tells of changes", "data_version": "the SQLite file is watched"}
_SHOWN = 3
"""Tables or datasets that are named; of more than so many only how many there are."""


def realtime(heard: dict[str, Any], view: Viewpoint) -> Text:
    """`heard` is the document's `realtime`, where it is not off."""
    state = heard.get("state")
    if state == "connecting":
        return Text("connecting")
    if state != "listening":
        since = f" since {view.clock(heard['since'])}" if heard.get("since") else ""
        why = f": {plain(heard['error'])}" if heard.get("error") else ""
        return Text(f"no change is heard of{since}{why}", style="yellow")
    last = f", last {view.age(heard['last_change'])}" if heard.get("last_change") else ", none yet"
    shown = Text(SOURCES.get(str(heard.get("source")), "changes are heard of") + last)
    untold = heard.get("untold") or []
    if untold:
        shown.append(f"\nnot of {_few(untold)}, without a trigger", style="yellow")
        shown.append("\n→ `mmsync triggers` prints the SQL for it", style="cyan")
    unheard = heard.get("unheard") or []
    if unheard:
        shown.append(f"\nnot for {_few(unheard)}: no table tells of it", style="yellow")
        shown.append('\n→ name the tables in the dataset: `tables = ["…"]`', style="cyan")
    return shown


def _few(names: list[str]) -> str:
    shown = ", ".join(plain(name) for name in names[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{shown} and {len(names) - _SHOWN:,} more"
