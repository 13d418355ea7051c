"""Rows that had no key, as JSON: row numbers and counts, no value of a cell."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from moneymentor_sync.core.take_over import TakeOver


def take_over_as_json(found: TakeOver) -> dict[str, Any]:
    """Lists hold row numbers as people see them; `unresolved` has them by why they cannot be told. Of the rows
    that are taken over there is the number: they may be all of them."""
    return {
        "rows": found.rows,
        "key": list(found.key),
        "match_on": list(found.by),
        "adopted": len(found.adopted),
        "copies": list(found.copies),
        "removed": list(found.removed),
        "emptied": list(found.emptied),
        "unresolved": {reason: list(rows) for reason, rows in found.puzzles.items()},
        "cells_retyped": found.retyped,
    }
