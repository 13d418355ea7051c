"""Checks for people: a list that reads well at 80 columns, by marks and words, not by colour alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from moneymentor_sync.checks import Check, Status

_MARKS: dict[Status, tuple[str, str]] = {
    "ok": ("✓", "green"),
    "warning": ("!", "yellow"),
    "failed": ("✗", "bold red"),
    "skipped": ("-", "dim"),
}
_INDENT = 11
"""Columns of the longest mark, and a gap."""
_GAP = 2


def listing(checks: Sequence[Check], width: int) -> Group:
    """Mark, name and what was found in three columns; what needs room, and every remedy, below its name.

    `width` is the terminal's, in columns: an address that does not fit beside the name is not broken in two.
    """
    names = max((len(one.name) for one in checks), default=0) + _GAP
    room = width - _INDENT - names
    shown: list[RenderableType] = []
    for (status, message), group in groupby(checks, key=lambda one: (one.status, one.message)):
        same = list(group)
        if status == "skipped" and len(same) > 1:
            shown += _below(", ".join(one.name for one in same), same[0])
        elif status in ("ok", "skipped") and max(map(len, message.split())) <= room:
            shown += [_beside(one, names) for one in same]
        else:
            shown += [part for one in same for part in _below(one.name, one)]
    return Group(*shown)


def _beside(one: Check, names: int) -> Table:
    row = Table.grid()
    row.add_column(width=_INDENT)
    row.add_column(width=names)
    row.add_column()
    row.add_row(_mark(one.status), Text(one.name), _words(one))
    return row


def _below(name: str, one: Check) -> list[RenderableType]:
    head = Table.grid()
    head.add_column(width=_INDENT)
    head.add_column(overflow="fold")
    head.add_row(_mark(one.status), Text(name))
    return [head, Padding(_words(one), (0, 0, 0, _INDENT))]


def _mark(status: Status) -> Text:
    mark, style = _MARKS[status]
    return Text(f"{mark} {status}", style=style)


def _words(one: Check) -> Text:
    words = Text(one.message, style="dim" if one.status == "skipped" else "")
    if one.hint:
        words.append(f"\n→ {one.hint}", style="cyan")
    return words


def summary(checks: Sequence[Check]) -> str:
    """How many of each, and what to do next."""
    counts = Counter(one.status for one in checks)
    words = ", ".join(f"{counts[status]} {status}" for status in _MARKS if counts[status])
    if counts["failed"]:
        return f"{words}. Mend what failed, then run `mmsync check` again."
    return f"{words}. Next: `mmsync plan` shows what a sync would change."
