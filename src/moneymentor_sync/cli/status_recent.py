"""How long the last runs took, as one line of small bars, which `status --watch` adds to a status. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.text import Text

from .bars import column
from .words import took

MOST = 40
"""Runs that are shown at most."""
_WORDS = 34
"""Columns that the words beside the bars take."""
_MARKS = {"failed": ("×", "bold red"), "stopped": ("·", "yellow")}


def last_runs_line(runs: Sequence[dict[str, Any]], room: int) -> Text | None:
    """The newest run on the right, in `room` columns; `runs` are newest first. None where there is none."""
    shown = list(reversed(runs[: max(min(MOST, room - _WORDS), 8)]))
    if not shown:
        return None
    good = [run["seconds"] for run in shown if run["outcome"] not in _MARKS]
    most = max(good, default=0.0)
    text = Text()
    for run in shown:
        sign, style = _MARKS.get(run["outcome"]) or (column(run["seconds"] / most if most else 0.0, 1), "cyan")
        text.append(sign if sign.strip() else "▁", style=style)
    failed = sum(run["outcome"] == "failed" for run in shown)
    words = f"  {took(min(good))} to {took(most)}" if good and room > len(shown) + _WORDS - 2 else ""
    text.append(words, style="dim")
    return text.append(f"  {failed:,} of {len(shown):,} failed", style="bold red") if failed else text
