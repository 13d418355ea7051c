"""The datasets as a table that fits the terminal: in a narrow one the tab stands below the dataset's name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from .signs import changed
from .words import Viewpoint, plain

_COLOURS = {"synced": "green", "unchanged": "", "failed": "bold red"}
_HEADINGS = ("dataset", "tab", "", "last\nsuccess", "result", "rows", "changed")
_RIGHT = {"rows"}
_NO_LEAST: Mapping[str, int] = {}
_LEAST_NAME = 16
"""Columns that a name has at least before the names stand on lines of their own."""
_LEAST_BROKEN = 10
_BROKEN = 0.2
"""The share of the datasets whose names may be broken for the others to have a line each."""
_STEADY: Mapping[str, int] = {
    _HEADINGS[3]: len("59 min ago"),
    "result": len("unchanged"),
    "changed": len("+12 ~34 -5"),
}
_ANOTHERS = {"last_result": None, "last_sync_time": None, "consecutive_failures": 0}


def datasets_table(
    datasets: list[dict[str, Any]],
    view: Viewpoint,
    *,
    width: int,
    most: int | None = None,
    mine: frozenset[str] | None = None,
    steady: bool = False,
) -> RenderableType:
    """One line for each dataset; with `most` only so many, those in trouble first, and how many are left out.

    `mine` are those that this daemon has of its fleet's. With `steady` columns that change all the time have room
    for what may come, where there is any."""
    if not datasets:
        return Text("no dataset is configured", style="dim")
    shown = _chosen(datasets, most)
    owned = any(one.get("owner") for one in datasets)
    headings = (*_HEADINGS, "member") if owned else _HEADINGS
    rows = [_cells(one, view, mine=mine, owned=owned) for one in shown]
    table = _table(headings, rows, width, steady=steady)
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
        changed(one["inserted"], one["updated"], one["deleted"]) if result == "synced" else Text(),
        *([_owner(one, view)] if owned else []),
    ]


def _owner(one: dict[str, Any], view: Viewpoint) -> Text:
    """The member that has it, and since when."""
    if not one["owner"]:
        return Text("nobody", style="yellow")
    since = one.get("owner_since")
    return Text(plain(one["owner"]) + (f" since {view.clock(since)}" if since else ""))


def _table(headings: Sequence[str], rows: list[list[Text]], width: int, *, steady: bool) -> RenderableType:
    """The widest way in which it fits; where names are long, a few of them may be broken."""
    for least in (_STEADY, _NO_LEAST) if steady else (_NO_LEAST,):
        for gap in (2, 1):
            widths = _widths(headings, rows, least)
            room = width - sum(widths[2:]) - gap * (len(widths) - 1)
            names = _shared(rows, widths[:2], room)
            if names is not None:
                return _wide(headings, rows, gap, [*names, *widths[2:]])
    if width - sum(_widths(headings, rows, _NO_LEAST)[2:]) - len(headings) + 2 < _LEAST_NAME:
        return _stacked(rows)
    return _narrow(headings, rows, width)


def _widths(headings: Sequence[str], rows: list[list[Text]], least: Mapping[str, int]) -> list[int]:
    widest = [max(heading.split("\n"), key=len).ljust(least.get(heading, 0)) for heading in headings]
    return [max(cell_len(str(cell)) for cell in column) for column in zip(widest, *rows, strict=True)]


def _shared(rows: list[list[Text]], natural: Sequence[int], room: int) -> tuple[int, int] | None:
    """Columns for the names of datasets and of tabs, so that as few as can be are broken; None if many would be."""
    if sum(natural) <= room:
        return natural[0], natural[1]
    lengths = [(cell_len(str(name)), cell_len(str(tab))) for name, tab, *_ in rows]
    ways = [
        (sum(a > first or b > room - first for a, b in lengths), first)
        for first in range(_LEAST_BROKEN, room - _LEAST_BROKEN + 1)
    ]
    broken, first = min(ways, default=(len(rows), 0))
    return (first, min(room - first, natural[1])) if broken <= len(rows) * _BROKEN else None


def _wide(headings: Sequence[str], rows: list[list[Text]], gap: int, widths: Sequence[int]) -> Table:
    table = _empty(gap)
    for heading, least in zip(headings, widths, strict=True):
        _column(table, heading, least)
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


def _stacked(rows: list[list[Text]]) -> Group:
    """The names above all else, for a terminal that is hardly wider than a name."""
    lines: list[RenderableType] = []
    for name, tab, *rest in rows:
        lines.append(Text.assemble(name, " → ", tab) if str(name) != str(tab) else name)
        lines.append(Padding(Text(", ").join(cell for cell in rest if str(cell)), (0, 0, 0, 2)))
    return Group(*lines)


def _empty(gap: int) -> Table:
    return Table(box=None, pad_edge=False, header_style="bold", padding=(0, gap, 0, 0))


def _column(table: Table, heading: str, least: int | None = None) -> None:
    """Names may be broken, and changes between two of them; nothing is ever cut."""
    broken = heading.startswith(("dataset", "tab", "changed"))
    table.add_column(
        heading,
        justify="right" if heading in _RIGHT else "left",
        no_wrap=not broken,
        overflow="fold",
        min_width=least or (7 if heading == "changed" else None),
        width=least if least and heading in _HEADINGS[:2] else None,
    )
