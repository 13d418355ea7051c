"""The datasets as a table that fits the terminal: in a narrow one the tab stands below the dataset's name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from .words import Viewpoint, changes, plain

_COLOURS = {"synced": "green", "unchanged": "", "failed": "bold red"}
_HEADINGS = ("dataset", "tab", "", "last\nsuccess", "result", "rows", "changed")
_RIGHT = {"rows"}
_ANOTHERS = {"last_result": None, "last_sync_time": None, "consecutive_failures": 0}


def datasets_table(
    datasets: list[dict[str, Any]],
    view: Viewpoint,
    *,
    width: int,
    most: int | None = None,
    mine: frozenset[str] | None = None,
) -> RenderableType:
    """One line for each dataset; with `most` only so many, those in trouble first, and how many are left out.

    `mine` are those that this daemon has of its fleet's."""
    if not datasets:
        return Text("no dataset is configured", style="dim")
    shown = _chosen(datasets, most)
    owned = any(one.get("owner") for one in datasets)
    headings = (*_HEADINGS, "member") if owned else _HEADINGS
    rows = [_cells(one, view, mine=mine, owned=owned) for one in shown]
    fitting = (_wide(headings, rows, gap) for gap in (2, 1) if _natural_width(headings, rows, gap) <= width)
    table = next(fitting, None) or _narrow(headings, rows, width)
    hidden = [one for one in datasets if one not in shown]
    if not hidden:
        return table
    state = "all in step" if all(map(_well, hidden)) else "not all in step"
    return Group(table, Text(f"… and {len(hidden):,} more, {state}", style="dim"))


def _chosen(datasets: list[dict[str, Any]], most: int | None) -> list[dict[str, Any]]:
    if most is None or most >= len(datasets):
        return datasets
    first = sorted(range(len(datasets)), key=lambda i: _well(datasets[i]))[:most]
    return [datasets[i] for i in sorted(first)]


def _well(one: dict[str, Any]) -> bool:
    return bool(one["enabled"]) and not one["consecutive_failures"] and one["last_result"] != "failed"


def _cells(one: dict[str, Any], view: Viewpoint, *, mine: frozenset[str] | None, owned: bool) -> list[Text]:
    if owned and mine is not None and one["name"] not in mine:  # what this daemon knows of it is from another time
        one = one | _ANOTHERS
    result = one["last_result"] or "–"
    failures = one["consecutive_failures"]
    known = one["last_sync_time"] is not None
    return [
        Text(plain(one["name"]), style="bold" if not _well(one) else ""),
        Text(plain(one["tab"])),
        Text("on") if one["enabled"] else Text("off", style="yellow"),
        Text(
            view.age(one["last_sync_time"]) if known or not owned else "–", style="" if known or owned else "yellow"
        ),
        Text(f"{plain(result)} ×{failures:,}" if failures > 1 else plain(result), style=_COLOURS.get(result, "")),
        Text(f"{one['rows']:,}" if known else "–"),
        Text(changes(one["inserted"], one["updated"], one["deleted"]) if result == "synced" else ""),
        *([_owner(one, view)] if owned else []),
    ]


def _owner(one: dict[str, Any], view: Viewpoint) -> Text:
    """The member that has it, and since when."""
    if not one["owner"]:
        return Text("nobody", style="yellow")
    since = one.get("owner_since")
    return Text(plain(one["owner"]) + (f" since {view.clock(since)}" if since else ""))


def _natural_width(headings: Sequence[str], rows: list[list[Text]], gap: int) -> int:
    widest = [max(heading.split("\n"), key=len) for heading in headings]
    columns = zip(widest, *rows, strict=True)
    return sum(max(cell_len(str(cell)) for cell in column) + gap for column in columns) - gap


def _wide(headings: Sequence[str], rows: list[list[Text]], gap: int) -> Table:
    table = _empty(gap)
    for heading in headings:
        _column(table, heading)
    for row in rows:
        table.add_row(*row)
    return table


def _narrow(headings: Sequence[str], rows: list[list[Text]], width: int) -> Table:
    """The name above the tab."""
    table = _empty(2 if width >= 72 else 1)
    _column(table, "dataset\n→ tab")
    for heading in headings[2:]:
        _column(table, heading)
    for name, tab, *rest in rows:
        table.add_row(Text.assemble(name, "\n→ ", tab) if str(name) != str(tab) else name, *rest)
    return table


def _empty(gap: int) -> Table:
    return Table(box=None, pad_edge=False, header_style="bold", padding=(0, gap, 0, 0))


def _column(table: Table, heading: str) -> None:
    """Names may be broken, and changes between two of them; nothing is ever cut."""
    broken = heading.startswith(("dataset", "tab", "changed"))
    table.add_column(
        heading,
        justify="right" if heading in _RIGHT else "left",
        no_wrap=not broken,
        overflow="fold",
        min_width=7 if heading == "changed" else None,
    )
