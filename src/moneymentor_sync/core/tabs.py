"""Which of a spreadsheet's tabs is a dataset's: one rule for whoever looks."""

from __future__ import annotations

from collections.abc import Iterable

from .fence import STAGING_PREFIX
from .ports import TabInfo, Wanted


def find_tab(wanted: Wanted, tabs: Iterable[TabInfo]) -> TabInfo | None:
    """A tab is followed by its id, else by its title; one that is still being filled is none yet.

    An id that an unfinished write gave goes first: where such a tab is there, it is the newest.
    """
    there = tuple(tabs)
    by_id = {tab.sheet_id: tab for tab in there if not tab.title.startswith(STAGING_PREFIX)}
    for sheet_id in (*wanted.coming, *((wanted.known.sheet_id,) if wanted.known is not None else ())):
        if sheet_id in by_id:
            return by_id[sheet_id]
    title = wanted.title.casefold()  # Google holds titles that differ in case alone for the same
    return next((tab for tab in there if tab.title.casefold() == title), None)
