"""What a write hit that did not land where it was planned, and how people get it back."""

from __future__ import annotations

from dataclasses import dataclass

from moneymentor_sync.core.plan import Plan
from moneymentor_sync.core.ports import Destination, Landing, Reading, TabView
from moneymentor_sync.core.repair import repairs

from .fencing import Fencing, at_once


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A write of which it is not yet known where it landed, or whose repair is still to be made."""

    landing: Landing
    plan: Plan
    before: TabView
    counted: bool


def was_applied(last: Unsettled, view: Reading, fencing: Fencing) -> bool:
    """Whether the write came about at all, by the fence that is there now: its own, or that of what was put back
    after it. One that a person took away, and another installation's, tell nothing of it."""
    if view.fence.token is None or fencing.foreign:
        return False
    return not (fencing.late and fencing.known().pending == last.landing.token)


def give_back(last: Unsettled, view: Reading, name: str, destination: Destination, fencing: Fencing) -> bool:
    """Gives people back what it hit in the tab of that dataset; whether anything had to be written for it."""
    shape, now = last.plan.shape, view.tabs.get(name)
    cells = repairs(last.landing, shape.headers, shape.key, last.before, now) if now else []
    if cells and now is not None:
        destination.put_back(now.info.sheet_id, cells, view.fence, intend=fencing.intend(view.fence, at_once))
    return bool(cells)
