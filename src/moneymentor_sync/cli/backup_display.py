"""Backups that were made, and what a restore would do: in words for people, as JSON for programs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .console import out
from .words import counted, took

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from moneymentor_sync.core.backups import Made
    from moneymentor_sync.core.errors import MmsyncError
    from moneymentor_sync.core.restoring import Differences, RestorePlan, TabRestore

_UNITS = ("B", "KB", "MB", "GB")


def size(count: float) -> str:
    """Bytes for people: `7.3 MB`."""
    unit = 0
    while count >= 1000 and unit + 1 < len(_UNITS):
        count, unit = count / 1000, unit + 1
    return f"{count:.0f} {_UNITS[unit]}" if unit == 0 or count >= 100 else f"{count:.1f} {_UNITS[unit]}"


def error_as_json(error: MmsyncError) -> dict[str, str]:
    return {"code": error.code, "message": str(error), "hint": error.hint}


def backups_as_json(made: Sequence[Made], failed: Sequence[tuple[str, MmsyncError]]) -> dict[str, Any]:
    from dataclasses import asdict

    return {
        "backups": [asdict(one) | {"seconds": round(one.seconds, 3)} for one in made],
        "failed": [{"spreadsheet_id": one, "error": error_as_json(error)} for one, error in failed],
    }


def show_backups(made: Iterable[Made]) -> None:
    """One line a file, with what its visible part lacks below it."""
    for one in made:
        figures = f"{counted(one.tabs, 'tab')}, {counted(one.rows, 'row')}, {size(one.bytes)}, {took(one.seconds)}"
        out().print(one.path, soft_wrap=True)
        out().print(f"  {figures}", style="dim")
        for note in one.notes:
            out().print(f"  note: {note}")


# --- restore ----------------------------------------------------------------------------------------------


def plan_as_json(plan: RestorePlan, **more: Any) -> dict[str, Any]:
    from dataclasses import asdict

    from moneymentor_sync.core.moments import moment

    return {
        "spreadsheet_id": plan.spreadsheet_id,
        "made_at": moment(plan.made_at),
        "tabs": [
            {
                "tab": one.saved.title,
                "into": one.title,
                "action": {"made": "made again", "replaced": "put back", "same": "unchanged"}[one.action],
                "differences": asdict(one.differences),
                "not_restored": list(one.not_restored),
            }
            for one in plan.tabs
        ],
        **more,
    }


def show_plan(plan: RestorePlan) -> None:
    """What would be done to each tab, and what would not."""
    from datetime import UTC, datetime

    made_at = datetime.fromtimestamp(plan.made_at, UTC).astimezone()
    out().print(f"Backup of {made_at:%Y-%m-%d %H:%M:%S} into spreadsheet {plan.spreadsheet_id}:")
    for one in plan.tabs:
        out().print(f"  {_called(one)}: {_done(one)}")
        if one.not_restored:
            out().print(f"    not restored: {', '.join(one.not_restored)}", style="yellow")


def _called(one: TabRestore) -> str:
    return one.title if one.title == one.saved.title else f"{one.title} (then {one.saved.title})"


def _done(one: TabRestore) -> str:
    if one.action == "made":
        return f"is made again, with {counted(one.saved.filled, 'row')}"
    if one.action == "same":
        return "is as it was; nothing to do"
    return f"is put back: {words_of(one.differences)}"


def words_of(given: Differences) -> str:
    """What a tab has otherwise than the backup."""
    found = [
        f"{counted(given.cells, 'cell')} differ{'s' if given.cells == 1 else ''}" if given.cells else "",
        f"{counted(given.fewer, 'row')} gone since" if given.fewer else "",
        f"{counted(given.more, 'row')} added since" if given.more else "",
        f"{counted(given.moved, 'row')} in another order" if given.moved else "",
        f"{counted(given.looks, 'row')} with other formats or notes" if given.looks else "",
        "sizes, filters or rules otherwise" if given.around else "",
    ]
    return ", ".join(one for one in found if one)
