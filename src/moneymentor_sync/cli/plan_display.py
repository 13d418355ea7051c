"""A plan for people (a table, cut sensibly) and for programs (JSON, whole)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

from moneymentor_sync.core.cells import Formula
from moneymentor_sync.core.errors import KeyDamagedError, KeyNotUniqueError
from moneymentor_sync.core.take_over import in_words

from .console import err, out
from .take_over_view import take_over_as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moneymentor_sync.core.cells import CurrentCell
    from moneymentor_sync.core.plan import Plan
    from moneymentor_sync.sync import PlanOutcome

MAX_LINES = 12
"""Lines shown of each kind of change; the rest is counted."""
MAX_TEXT = 40
MAX_INSERT_CELLS = 4


def plans_as_json(outcomes: Sequence[PlanOutcome]) -> dict[str, Any]:
    """Every change of every plan; numbers, booleans and null as themselves, a formula as {"formula": …}."""
    return {"datasets": [_outcome(outcome) for outcome in outcomes]}


def _outcome(outcome: PlanOutcome) -> dict[str, Any]:
    head: dict[str, Any] = {
        "name": outcome.dataset.name,
        "tab": outcome.dataset.tab,
        "spreadsheet_id": outcome.dataset.spreadsheet_id,
        "error": None,
    }
    if outcome.error is not None:
        error = outcome.error
        taken = error.taken_over if isinstance(error, KeyDamagedError) else None
        told = {"takes_over": take_over_as_json(taken)} if taken is not None else {}
        return head | {"error": {"code": error.code, "message": str(error), "hint": error.hint}} | told
    plan = outcome.plan
    return head if plan is None else head | _plan(plan)


def _plan(plan: Plan) -> dict[str, Any]:
    headers = plan.shape.headers
    return {
        "tab": plan.tab,
        "create_tab": plan.create_tab,
        "insert_header_row": plan.layout.insert_header,
        "write_headers": [text for _, text in plan.layout.headers],
        "new_columns": [] if plan.create_tab else [headers[i] for i in plan.layout.missing],
        "formats": {headers[i]: plan.formats[i] for i in plan.restyle},
        "updates": [
            {
                "row": update.row + 1,
                "key": _named(plan, update.new, plan.shape.key),
                "cells": {
                    headers[i]: {"old": _value(update.old[i]), "new": _value(update.new[i])}
                    for i in update.changed()
                },
            }
            for update in plan.updates
        ],
        "inserts": [_named(plan, row, range(len(headers))) for row in plan.inserts],
        "deletes": [
            {"row": row + 1, "key": _named(plan, cells, plan.shape.key)}
            for row, cells in zip(plan.deletes, plan.removed, strict=True)
        ],
        "emptied_rows": [row + 1 for row in plan.blanks],
        "rows_before": plan.rows_before,
        "rows_after": plan.rows_after,
        "cells": plan.cells_changed,
        "cells_put_back": plan.put_back,
        "takes_over": None if plan.taken_over is None else take_over_as_json(plan.taken_over),
    }


def _named(plan: Plan, cells: Sequence[CurrentCell], which: Sequence[int]) -> dict[str, Any]:
    return {plan.shape.headers[i]: _value(cells[i]) for i in which}


def _value(cell: CurrentCell) -> Any:
    if isinstance(cell, Formula):
        return {"formula": cell.text}
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    return cell


# --- for people -------------------------------------------------------------------------------------------


def show_plan(outcome: PlanOutcome) -> None:
    """One dataset's plan on stdout, or why it would be refused on stderr."""
    console = out()
    if outcome.error is not None:
        err().print(Text(f"{outcome.dataset.name}: {outcome.error}", style="red"))
        if isinstance(outcome.error, KeyNotUniqueError):
            for offender in outcome.error.offenders:
                err().print(Text(f"  - {offender}"))
        if outcome.error.hint:
            err().print(Text(f"  → {outcome.error.hint}"))
        return
    plan = outcome.plan
    if plan is None:
        return
    console.print(_headline(plan))
    for line in _structure(plan):
        console.print(Text("  " + line, style="cyan"))
    if plan.updates or plan.inserts or plan.deletes or plan.blanks:
        console.print(_changes(plan))
    hidden = _cut(plan)
    if hidden:
        console.print(Text(f"  … {hidden}; --json has them all", style="dim"))


def _headline(plan: Plan) -> Text:
    text = Text.assemble((plan.dataset, "bold"), f" → tab {plan.tab}: ")
    if plan.is_empty:
        return text.append(f"up to date, {plan.rows_before:,} rows", style="green")
    parts = [
        (f"{len(plan.inserts):,} to insert", "green", len(plan.inserts)),
        (f"{len(plan.updates):,} to update", "yellow", len(plan.updates)),
        (f"{len(plan.deletes):,} to delete", "red", len(plan.deletes)),
        (f"{len(plan.blanks):,} to empty", "red", len(plan.blanks)),
    ]
    shown = [(words, style) for words, style, count in parts if count] or [("only its frame changes", "cyan")]
    for number, (words, style) in enumerate(shown):
        text.append(", " if number else "").append(words, style=style)
    return text.append(f" (cells: {plan.cells_changed:,}; rows: {plan.rows_before:,} → {plan.rows_after:,})")


def _structure(plan: Plan) -> list[str]:
    headers = plan.shape.headers
    lines = ["the tab is made" if plan.create_tab else ""]
    lines.append("a header row is put above row 1" if plan.layout.insert_header else "")
    if plan.layout.missing and not plan.layout.fresh:
        lines.append("new columns: " + ", ".join(headers[i] for i in plan.layout.missing))
    if plan.layout.headers:
        lines.append("headers put right: " + ", ".join(text for _, text in plan.layout.headers))
    lines += in_words(plan.taken_over) if plan.taken_over is not None else []
    if plan.restyle and not plan.create_tab:
        lines.append(
            "number formats: " + ", ".join(f"{headers[i]} {plan.formats[i] or 'none'}" for i in plan.restyle)
        )
    return [line for line in lines if line]


def _changes(plan: Plan) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1), show_edge=False)
    for heading, least in ((" ", 1), ("row", 4), ("key", 8), ("column", 6), ("old", 3), ("→ new", 10)):
        table.add_column(heading, overflow="ellipsis", no_wrap=True, min_width=least)
    lines = 0
    for update in plan.updates[:MAX_LINES]:
        for i in update.changed():
            if lines < MAX_LINES:
                old, new = (_dated(plan, i, cell) for cell in (update.old[i], update.new[i]))
                change = (_shown(_told_apart(old, new), "red"), _shown(new, "green"))
                key = _known_by(plan, update.new, keyless=update.repairs_key)
                table.add_row(Text("~", style="yellow"), str(update.row + 1), key, plan.shape.headers[i], *change)
            lines += 1
    for row in plan.inserts[:MAX_LINES]:
        table.add_row(Text("+", style="green"), "new", _key(plan, row), "", "", _summary(plan, row))
    for row_index, cells in list(zip(plan.deletes, plan.removed, strict=True))[:MAX_LINES]:
        key = _known_by(plan, cells, keyless=any(cells[i] is None for i in plan.shape.key))
        table.add_row(Text("-", style="red"), str(row_index + 1), key, "", _summary(plan, cells), "")
    for row_index in plan.blanks[:MAX_LINES]:
        table.add_row(Text("-", style="red"), str(row_index + 1), "", "a copy: our cells are emptied", "", "")
    return table


def _key(plan: Plan, cells: Sequence[CurrentCell]) -> str:
    return _named_by(plan.shape.key, cells)


def _known_by(plan: Plan, cells: Sequence[CurrentCell], *, keyless: bool) -> str:
    """What a person knows the row by: its key, or what it is matched on where it had none."""
    shape = plan.shape
    return _named_by(shape.match_on if keyless and shape.match_on else shape.key, cells)


def _named_by(which: Sequence[int], cells: Sequence[CurrentCell]) -> str:
    width = max(6, 26 // len(which) - 3)
    return " + ".join(_clip(_text(cells[i]), width if len(which) > 1 else 24) for i in which)


def _summary(plan: Plan, cells: Sequence[CurrentCell]) -> Text:
    shown = [_clip(_text(_dated(plan, i, cell)), 18) for i, cell in enumerate(cells[:MAX_INSERT_CELLS])]
    return Text(", ".join(shown) + (", …" if len(cells) > MAX_INSERT_CELLS else ""))


def _shown(cell: CurrentCell, style: str) -> Text:
    return Text(_clip(_text(cell), MAX_TEXT), style=style)


def _told_apart(old: CurrentCell, new: CurrentCell) -> CurrentCell:
    """Text that is to become a value, in quotes: it may read just as the value does."""
    return f'"{old}"' if isinstance(old, str) and isinstance(new, bool | float) else old


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


def _text(cell: CurrentCell) -> str:
    if cell is None:
        return "(empty)"
    if isinstance(cell, Formula | str):
        text = cell.text if isinstance(cell, Formula) else cell
        return repr(text)[1:-1] if not text.isprintable() else text
    return str(_value(cell)) if not isinstance(cell, bool) else str(cell).upper()


def _clip(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def _cut(plan: Plan) -> str:
    cells = sum(len(update.changed()) for update in plan.updates)
    parts = [
        (cells - MAX_LINES, "changed cells"),
        (len(plan.inserts) - MAX_LINES, "new rows"),
        (len(plan.deletes) - MAX_LINES, "deletions"),
        (len(plan.blanks) - MAX_LINES, "emptied rows"),
    ]
    return ", ".join(f"{count:,} more {words}" for count, words in parts if count > 0)
