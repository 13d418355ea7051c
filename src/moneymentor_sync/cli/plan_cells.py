"""Cells of a plan as people read them: dates as dates, what is empty said so, a row by what it is known by."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from moneymentor_sync.core.cells import Formula

from .plan_json import value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moneymentor_sync.core.cells import CurrentCell
    from moneymentor_sync.core.plan import Plan, RowUpdate


def known_by(plan: Plan, cells: Sequence[CurrentCell], *, keyless: bool = False, width: int | None = None) -> str:
    """What a person knows the row by: its key, or what it is matched on where it had none.

    With a `width` each part of a longer one is cut to what is even.
    """
    shape = plan.shape
    which = shape.match_on if keyless and shape.match_on else shape.key
    parts = [text(cells[i]) for i in which]
    whole = " + ".join(parts)
    if width is None or cell_len(whole) <= width:
        return whole
    each = max((width + 3) // len(parts) - 3, 4)
    return " + ".join(clipped(part, each) for part in parts)


def clipped(words: str, width: int) -> str:
    """At most so many columns; what was cut ends in `…`."""
    return words if cell_len(words) <= width else set_cell_size(words, max(width - 1, 0)) + "…"


def old_and_new(plan: Plan, update: RowUpdate, i: int) -> tuple[str, str]:
    """Both of a cell. Text that is to become a value is in quotes: it may read just as the value does."""
    old, new = _dated(plan, i, update.old[i]), _dated(plan, i, update.new[i])
    became = isinstance(update.old[i], str) and isinstance(update.new[i], bool | float)
    return (f'"{text(old)}"' if became else text(old)), text(new)


def rest_of(plan: Plan, cells: Sequence[CurrentCell]) -> str:
    """What else stands in a row that comes or goes, without its key."""
    shown = [text(_dated(plan, i, cell)) for i, cell in enumerate(cells) if i not in plan.shape.key]
    return " │ ".join(shown)


def _dated(plan: Plan, i: int, cell: CurrentCell) -> CurrentCell:
    """A day number of a column with dates as people read it."""
    pattern = (plan.formats[i] or "").lower()
    if not isinstance(cell, float) or not any(mark in pattern for mark in ("yy", "d", "h")):
        return cell
    try:
        moment = datetime(1899, 12, 30) + timedelta(seconds=round(cell * 86_400))  # noqa: DTZ001 - cells have no zone
    except OverflowError:
        return cell
    return moment.strftime("%Y-%m-%d") if cell.is_integer() else moment.isoformat(" ")


def text(cell: CurrentCell) -> str:
    """A cell on one line; what a terminal would obey is spelled out."""
    if cell is None:
        return "(empty)"
    if isinstance(cell, Formula | str):
        words = cell.text if isinstance(cell, Formula) else cell
        return repr(words)[1:-1] if not words.isprintable() else words
    return str(value(cell)) if not isinstance(cell, bool) else str(cell).upper()
