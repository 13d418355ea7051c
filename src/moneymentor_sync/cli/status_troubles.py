"""What holds a sync up, and what went wrong of late, each with what to do about it."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from moneymentor_sync.core.remedies import for_daemon

from .words import Viewpoint, coarse, counted, plain

MAX_HOLDS = 5
_BRIEF = 3
_AGE = 14


def heading(text: str) -> Text:
    return Text(text, style="bold")


def troubles(document: dict[str, Any], view: Viewpoint, *, brief: bool = False) -> RenderableType | None:
    """Breakers that are not closed, datasets switched off by hand, and holds; None where nothing is held up.

    Where it is to be `brief` a line each, without what to do, and of many only the first."""
    lines = [
        *_breakers(document, view),
        *(_switch(one, view) for one in document["datasets"] if _is_off(one)),
        *_holds(document.get("holds") or []),
    ]
    if brief:
        more = len(lines) - _BRIEF
        lines = [line.split("\n")[0] for line in lines[: _BRIEF if more > 1 else None]]
        lines += [Text(f"… and {more:,} more", style="dim")] if more > 1 else []
    return Group(*lines) if lines else None


def _breakers(document: dict[str, Any], view: Viewpoint) -> list[Text]:
    lines = [_breaker("every dataset", document["circuit"], "mmsync force", view)]
    for one in document["datasets"]:
        name = plain(one["name"])
        lines.append(_breaker(name, one.get("circuit") or {}, f"mmsync force {name}", view))
    return [line for line in lines if line is not None]


def _breaker(who: str, circuit: dict[str, Any], command: str, view: Viewpoint) -> Text | None:
    state = circuit.get("state", "closed")
    if state == "closed":
        return None
    text = Text.assemble((who, "bold"), ": ", (f"breaker {state.replace('_', '-')}", "red"))
    if circuit.get("opens_until"):
        text.append(f", next try {view.until(circuit['opens_until'])}")
        return text.append(f"\n  → `{command}` tries at once", style="cyan")
    return text.append(", one try is being made")


def _is_off(one: dict[str, Any]) -> bool:
    switch = one.get("switch")
    return bool(switch) and not one["enabled"]


def _switch(one: dict[str, Any], view: Viewpoint) -> Text:
    switch, name = one["switch"], plain(one["name"])
    text = Text.assemble((name, "bold"), ": ", ("disabled", "yellow"), f" since {view.clock(switch['since'])}")
    if switch.get("until"):
        text.append(f", until {view.until(switch['until'])}")
    if switch.get("reason"):
        text.append(f": {plain(switch['reason'])}")
    return text.append(f"\n  → `mmsync enable {name}`", style="cyan")


def _holds(holds: list[dict[str, Any]]) -> list[Text]:
    lines = [
        Text.assemble(
            (plain(hold["holder"]), "bold"),
            f" asks it to stand back: for {coarse(hold['for_seconds'])} now, "
            f"{coarse(max(hold['expires_in_seconds'], 0))} more at most",
        )
        for hold in holds[:MAX_HOLDS]
    ]
    if len(holds) > MAX_HOLDS:
        lines.append(Text(f"… and {counted(len(holds) - MAX_HOLDS, 'more holder')}", style="dim"))
    return lines


def recent_errors(document: dict[str, Any], view: Viewpoint, *, told: set[str]) -> RenderableType | None:
    """Newest first, equal ones as one; a remedy that is among those `told` is not told again."""
    lines: list[RenderableType] = []
    for one, times in _grouped(document.get("recent_errors") or []):
        line = Table.grid()
        line.add_column(width=_AGE, style="dim")
        line.add_column(overflow="fold")
        who = f"{plain(one['dataset'])}: " if one.get("dataset") else ""
        error = plain(one["error"]).removeprefix(f"dataset {one.get('dataset')!r}: ")
        text = Text.assemble((who, "bold"), (error, "red"), f" ({times} times)" if times > 1 else "")
        line.add_row(view.age(one["time"]), text)
        lines.append(line)
        hint = plain(one.get("hint") or "")
        if hint and hint not in told:
            told = told | {hint}
            remedy = Text(f"→ {for_daemon(hint, one.get('dataset') or None)}", style="cyan")
            lines.append(Padding(remedy, (0, 0, 0, _AGE)))
    return Group(*lines) if lines else None


def _grouped(errors: list[dict[str, Any]]) -> list[tuple[dict[str, Any], int]]:
    """Each error that was met, as it was met last, and how often; the latest first."""
    found: dict[tuple[Any, Any], tuple[dict[str, Any], int]] = {}
    for one in reversed(errors):
        key = (one.get("dataset"), one["error"])
        newest, times = found.get(key, (one, 0))
        found[key] = (newest, times + 1)
    return list(found.values())
