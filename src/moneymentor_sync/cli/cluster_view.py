"""The fleet as a screen: its members, what of Google's quota is used, and who has what. Pure.

What members told may be of another version: it is read with care.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .status_troubles import heading
from .words import Viewpoint, counted, plain

_HEALTH = {"healthy": "green", "warning": "yellow", "degraded": "bold red", "unhealthy": "bold red"}


def cluster_screen(cluster: dict[str, Any], view: Viewpoint) -> RenderableType:
    """What `mmsync status --cluster` shows."""
    parts: list[RenderableType] = [
        Text.assemble("fleet ", summary(cluster)),
        Text(),
        members_table(cluster["members"], view),
    ]
    for title, part in (
        ("quota", quota_table(cluster.get("quota"))),
        ("how they are", _told(cluster["members"], view)),
        ("spreadsheets", _spreadsheets(cluster["spreadsheets"], view)),
    ):
        if part is not None:
            parts += [Text(), heading(title), part]
    return Group(*parts)


def own_datasets(cluster: dict[str, Any]) -> frozenset[str]:
    """Those that the member which is asked has."""
    return frozenset(name for one in cluster["spreadsheets"] if one["mine"] for name in one["datasets"])


def summary(cluster: dict[str, Any]) -> Text:
    """One line: which fleet, how many members, and whether anything has no owner."""
    alive = [one for one in cluster["members"] if one["alive"]]
    orphans = sum(one["owner"] is None for one in cluster["spreadsheets"])
    text = Text(f"{plain(cluster['fleet'])}: {counted(len(alive), 'member')}, ")
    text.append(counted(len(cluster["spreadsheets"]), "spreadsheet"))
    if orphans:
        text.append(f", {orphans:,} of them with no member at the moment", style="yellow")
    if cluster.get("error"):
        text.append(f"\n{plain(cluster['error'])}", style="bold red")
    return text


def members_table(members: list[dict[str, Any]], view: Viewpoint) -> RenderableType:
    if not members:
        return Text("no member is known", style="dim")
    table = _table("member", "spreadsheets", "health", "since", "seen", "process", "version")
    for one in members:
        name = plain(one["name"]) + (" (this one)" if one.get("me") else "")
        health = plain(one["health"] or "–") if one["alive"] else "gone"
        table.add_row(
            Text(name, style="" if one["alive"] else "dim"),
            Text(f"{one['spreadsheets']:,}"),
            Text(health, style=_HEALTH.get(health, "yellow")),
            Text(view.clock(one["started_at"])),
            Text(f"{one['seen_seconds_ago']:.0f} s ago"),
            Text(str(one["pid"])),
            Text(plain(one["version"])),
        )
    return table


def quota_table(quota: dict[str, Any] | None) -> RenderableType | None:
    """What was asked of Google in the last minute, by each account and by the projects."""
    if not quota or not quota["accounts"]:
        return None
    limits = quota["limits"]
    table = _table("account", "reads a minute", "writes a minute")
    projects: dict[str, list[int]] = {}
    for one in quota["accounts"]:
        read, wrote = _of(one["reads"], limits["account_reads"]), _of(one["writes"], limits["account_writes"])
        table.add_row(plain(one["account"]), read, wrote)
        used = projects.setdefault(one["project"], [0, 0])
        used[0] += one["reads"]
        used[1] += one["writes"]
    for project, (reads, writes) in projects.items():
        table.add_row(
            f"project {plain(project)}", _of(reads, limits["project_reads"]), _of(writes, limits["project_writes"])
        )
    return table


def _of(used: int, limit: int) -> Text:
    return Text(f"{used:,} of {limit:,}", style="yellow" if used >= limit else "")


def _told(members: list[dict[str, Any]], view: Viewpoint) -> RenderableType | None:
    """Each member's health and history, as it told it last."""
    parts = [part for one in members if one.get("status") for part in _one_told(one, one["status"], view)]
    return Group(*parts) if parts else None


def _one_told(one: dict[str, Any], status: dict[str, Any], view: Viewpoint) -> Iterator[RenderableType]:
    health, numbers = status["health"], status["statistics"]
    yield Text.assemble(
        (plain(one["name"]), "bold"), ": ", (plain(health["level"]), _HEALTH.get(health["level"], "")),
        f", {plain(health['reason'])}",
    )  # fmt: skip
    if health.get("hint"):
        yield Text(f"  → {plain(health['hint'])}", style="cyan")
    last = view.age(status["last_sync_time"])
    yield Text(f"  {numbers['total_syncs']:,} syncs, {numbers['failed_syncs']:,} failed; last success {last}")
    for run in status.get("runs", ()):
        changed = sum(one["inserted"] + one["updated"] + one["deleted"] for one in run["datasets"])
        did = f"{counted(len(run['datasets']), 'dataset')}, {counted(changed, 'row')} changed"
        yield Text(
            f"  {view.clock(run['started_at'])}  {plain(run['outcome'])}, {did}, {run['seconds']:.1f} s",
            style="dim" if run["outcome"] == "ok" else "red",
        )


def _spreadsheets(spreadsheets: list[dict[str, Any]], view: Viewpoint) -> RenderableType | None:
    if not spreadsheets:
        return None
    table = _table("datasets", "member", "since", "spreadsheet")
    for one in spreadsheets:
        table.add_row(
            Text(", ".join(plain(name) for name in one["datasets"])),
            Text(plain(one["owner"] or "nobody"), style="" if one["owner"] else "yellow"),
            Text(view.clock(one["since"]) if one["since"] else "–"),
            Text(plain(one["spreadsheet_id"]), style="dim"),
        )
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    for name in headings:
        table.add_column(name, overflow="fold", justify="right" if name == "spreadsheets" else "left")
    return table
