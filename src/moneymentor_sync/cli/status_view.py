"""The status document as a screen: the verdict first, then what an operator asks next. Pure.

What is in no version of the contract is read with care: the daemon may be older than this command.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from moneymentor_sync.core.remedies import for_daemon

from .bars import meter
from .cluster_view import members_table, own_datasets, quota_table, summary
from .status_datasets import datasets_table
from .status_realtime import realtime
from .status_recent import last_runs_line
from .status_troubles import heading, recent_errors, troubles
from .words import PHASES, Viewpoint, plain, span, took

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

LEVELS = {
    "healthy": ("✓", "bold green"),
    "warning": ("!", "bold yellow"),
    "degraded": ("✗", "bold red"),
    "unhealthy": ("✗", "bold red"),
    "stopped": ("■", "bold"),
}
_DISABLED = ("!", "bold yellow")
TRIGGERS = {
    "start": "at the start",
    "schedule": "scheduled",
    "retry": "a retry",
    "notify": "notified",
    "enable": "enabled",
    "reload": "reloaded",
    "takeover": "taken over",
    "force": "forced",
    "sync": "mmsync sync",
}
_STANDING_BACK = "standing back for users' requests"
_METER = 20
_LABEL = 14


def status_view(
    document: dict[str, Any],
    view: Viewpoint,
    *,
    width: int,
    most_datasets: int | None = None,
    watched: bool = False,
    brief: bool = False,
    runs: Sequence[dict[str, Any]] = (),
) -> RenderableType:
    """The screen, `width` columns wide; with `most_datasets` only so many, those in trouble first.

    Where it is `watched`, its parts stay where they are while the words in them change; `brief` leaves out what an
    operator does not miss first. `runs`, newest first, are shown as bars.
    """
    verdict = _verdict(document, view)
    facts = _grid(_facts(document, view, width - _LABEL, watched=watched, brief=brief, runs=runs))
    parts: list[RenderableType] = [verdict, Text(), facts]
    cluster = document.get("cluster")
    mine = own_datasets(cluster) if cluster else None
    table = datasets_table(document["datasets"], view, width=width, most=most_datasets, mine=mine, steady=watched)
    for title, part in (
        ("", table),
        ("members", members_table(cluster["members"], view) if cluster else None),
        ("quota", quota_table(cluster.get("quota")) if cluster else None),
        ("held up", troubles(document, view, brief=brief)),
        ("recent errors", None if brief else recent_errors(document, view, told={_hint(document)})),
    ):
        if part is not None:
            parts += [Text(), *([heading(title)] if title else []), part]
    return Group(*parts)


# --- the verdict ------------------------------------------------------------------------------------------


def _verdict(document: dict[str, Any], view: Viewpoint) -> Table:
    """Level and reason in one line, what to do in the next; that syncing is disabled outranks only `healthy`."""
    health = _health(document)
    level, hint = health["level"], _hint(document)
    mark, style = LEVELS.get(level, ("?", "bold"))
    lines = [Text.assemble((level, style), ": ", _said_once(plain(health["reason"])))]
    if hint:
        lines.append(_remedy(hint if level == "stopped" else for_daemon(hint)))
    if _switched_off(document):
        if level == "healthy":
            mark, style = _DISABLED
            lines = [Text.assemble(("healthy, but syncing is disabled", style), _why(document.get("switch"), view))]
        else:
            lines.append(Text.assemble(("syncing is disabled", _DISABLED[1]), _why(document.get("switch"), view)))
        lines.append(_remedy("`mmsync enable` turns it on again; `mmsync force` syncs once all the same."))
    return _marked(mark, style, lines)


def _health(document: dict[str, Any]) -> dict[str, Any]:
    found = document.get("health")
    if isinstance(found, dict):
        return found
    statistics = document["statistics"]
    return {"level": statistics["health_status"], "reason": statistics["last_error"] or "no reason is given"}


def _hint(document: dict[str, Any]) -> str:
    return plain(_health(document).get("hint") or "")


def _said_once(reason: str) -> str:
    """Without a dataset's name for the second time: `dataset x failed: dataset 'x': no such column`."""
    return re.sub(r"^(dataset (\S+)\b.*?: )dataset '\2': ", r"\1", reason)


def _switched_off(document: dict[str, Any]) -> bool:
    return not document["sync_enabled"]


def _why(switch: dict[str, Any] | None, view: Viewpoint) -> str:
    if not switch:
        return ""
    until = f", until {view.until(switch['until'])}" if switch.get("until") else ""
    reason = f": {plain(switch['reason'])}" if switch.get("reason") else ""
    return f" since {view.clock(switch['since'])}{until}{reason}"


def _marked(mark: str, style: str, lines: list[Text]) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    for number, line in enumerate(lines):
        grid.add_row(Text(mark, style=style) if not number else "", line)
    return grid


def _remedy(text: str) -> Text:
    return Text(f"→ {text}", style="cyan")


# --- the facts --------------------------------------------------------------------------------------------


def _facts(
    document: dict[str, Any],
    view: Viewpoint,
    room: int,
    *,
    watched: bool,
    brief: bool,
    runs: Sequence[dict[str, Any]],
) -> Iterator[tuple[str, RenderableType]]:
    running = document["is_running"]
    last = document["last_sync_time"]
    yield "last success", Text(view.when(last) if last else "never")
    if running:
        yield "now", _now(document, view)
        if not (watched and (document.get("current") or {}).get("dataset")):  # what runs takes two lines
            yield "next sync", Text(_next(document, view))
    heard = document.get("realtime")
    if running and heard and heard.get("state") != "off":
        yield "real time", realtime(heard, view)
    unsent = (document.get("alerts") or {}).get("last_error")
    if unsent:
        yield "alerts", _unsent(document["alerts"], view)
    if document.get("cluster"):
        yield "fleet", summary(document["cluster"])
    bars = last_runs_line(runs, room)
    if not (brief and bars):
        yield "syncs", Text(_syncs(document["statistics"]))
    if bars is not None:
        yield "last runs", bars
    saved = document.get("backup")
    if running and saved and saved.get("enabled") and (saved.get("last_error") or not brief):
        yield "backup", _backup(saved, view)
    if running and not brief:
        yield "daemon", Text(_daemon(document))


def _backup(saved: dict[str, Any], view: Viewpoint) -> Text:
    """When the last one was made, and what kept the next."""
    text = Text(view.when(saved["last"]) if saved.get("last") else "never")
    if saved.get("last_error"):
        text.append(f"; it failed: {plain(saved['last_error'])}", style="red")
    return text.append(f"; next {view.until(saved['next'])}") if saved.get("next") else text


def _unsent(alerts: dict[str, Any], view: Viewpoint) -> Text:
    at = alerts.get("last_error_time")
    shown = Text(
        f"could not be sent{f' {view.age(at)}' if at else ''}: {plain(alerts['last_error'])}", style="yellow"
    )
    return shown.append("\n→ `mmsync alerts test` tries every address", style="cyan")


def _grid(facts: Iterator[tuple[str, RenderableType]]) -> Table:
    grid = Table.grid()
    grid.add_column(width=_LABEL, style="dim")
    grid.add_column(overflow="fold")
    for label, value in facts:
        grid.add_row(label, value)
    return grid


def _now(document: dict[str, Any], view: Viewpoint) -> RenderableType:
    current = document.get("current")
    if not current:
        if document["sync_in_progress"]:
            return Text("syncing")
        return Text(_STANDING_BACK if document["paused_for_requests"] else "idle")
    trigger = TRIGGERS.get(current["trigger"], plain(current["trigger"]))
    run = f"{trigger}, for {span(view.elapsed(current['started_at']))}"
    if current.get("dataset"):
        shown = Text.assemble((plain(current["dataset"]), "bold"), ": ", _phase(current), "\n")
        if current.get("total"):
            shown.append(meter(_share(current), _METER), style="cyan").append("  ")
        shown.append(run)
    else:
        shown = Text(f"syncing ({run})")
    waits = current.get("waiting_for")
    if waits:
        words = _STANDING_BACK if waits == "requests" else f"waits for {plain(waits)}"
        shown.append(f"\n{words}", style="yellow")
    return shown


def _phase(current: dict[str, Any]) -> str:
    """`writing 12,000 of 100,000 (12 %)`, as far as it is known."""
    phase = current.get("phase") or ""
    words = PHASES.get(phase, plain(phase)) or "starting"
    if current.get("total"):
        return f"{words} {current['done']:,} of {current['total']:,} ({int(_share(current) * 100)} %)"
    return f"{words} {current['done']:,}" if current.get("done") else words


def _share(current: dict[str, Any]) -> float:
    return min(float(current["done"]) / float(current["total"]), 1.0)


def _next(document: dict[str, Any], view: Viewpoint) -> str:
    seconds = document["next_sync_in_seconds"]
    if seconds is None:
        return "none while it is disabled" if _switched_off(document) else "not known yet"
    if seconds < 1:
        return "after this one" if document["sync_in_progress"] else "now"
    return view.later(seconds)


def _syncs(statistics: dict[str, Any]) -> str:
    total, row = statistics["total_syncs"], statistics["consecutive_failures"]
    if not total:
        return "none yet"
    percent = f"{statistics['success_rate_percent']:.2f}".rstrip("0").rstrip(".")
    last, average = (took(statistics[f"{which}_sync_duration_seconds"]) for which in ("last", "average"))
    words = (
        f"{total:,} ({statistics['failed_syncs']:,} failed, {percent} % good), took {last}, on average {average}"
    )
    return words + (f"\nthe last {row:,} failed" if row > 1 else "")


def _daemon(document: dict[str, Any]) -> str:
    uptime = document["statistics"]["uptime_seconds"]
    parts = [f"up for {span(uptime)}"] if uptime is not None else []
    parts.append(f"version {plain(document['version'])}")
    if document.get("pid"):
        parts.append(f"process {document['pid']}")
    return ", ".join(parts)
