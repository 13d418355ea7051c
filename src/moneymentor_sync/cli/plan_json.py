"""Plans for programs: every cell, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moneymentor_sync.core.cells import Formula
from moneymentor_sync.core.errors import KeyDamagedError

from .take_over_view import take_over_as_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from moneymentor_sync.core.cells import CurrentCell
    from moneymentor_sync.core.plan import Plan
    from moneymentor_sync.sync import PlanOutcome


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
                    headers[i]: {"old": value(update.old[i]), "new": value(update.new[i])} for i in update.changed()
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
    return {plan.shape.headers[i]: value(cells[i]) for i in which}


def value(cell: CurrentCell) -> Any:
    """A cell as JSON has it: a number, text, a boolean, null, or a formula by its name."""
    if isinstance(cell, Formula):
        return {"formula": cell.text}
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return int(cell)
    return cell
