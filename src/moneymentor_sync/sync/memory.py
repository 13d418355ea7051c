"""What is kept of a sync for the next one: values made of a decision, for the state file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from moneymentor_sync.core.layout import KnownTab, Layout, heading
from moneymentor_sync.core.plan import Plan
from moneymentor_sync.core.ports import DatasetState, Landing, TabView
from moneymentor_sync.core.rows import Hasher
from moneymentor_sync.core.settings import Dataset

from .decide import Decision
from .gather import Gathered

MOST_COMING = 16
"""Tries to make a tab that are remembered: Google ends a request after 180 s, so that older ones are over."""


@dataclass(frozen=True, slots=True)
class Memory:
    """A dataset's new state; of the rows we wrote those to remember, and those to forget (None: all others)."""

    state: DatasetState
    rows: Mapping[bytes, bytes]
    forget: Iterable[bytes] | None


def state_begun(dataset: Dataset, before: DatasetState | None, target: TabView | int) -> DatasetState:
    """The state to be noted before a write: with a new tab's id, so that it is found if the write's end is not
    recorded. Ids of earlier tries stay, since a request may arrive late."""
    state = before or DatasetState(dataset.spreadsheet_id, dataset.tab, None)
    if not isinstance(target, int):
        return state
    return replace(state, coming=(target, *state.coming)[:MOST_COMING])


def known_tab(decision: Decision, tab: TabView | None, landing: Landing | None, hasher: Hasher) -> KnownTab | None:
    """The tab as the sync leaves it: where it landed, or as it was seen where nothing had to be written."""
    headers = decision.table.shape.headers
    texts = {heading(cell) for cell in tab.header} if tab is not None else set()
    headings = frozenset(hasher.text(text) for text in texts | {h.strip() for h in headers} if text)
    title = decision.plan.tab
    height = max(tab.info.rows if tab is not None else 0, decision.plan.rows_after + 1)
    if landing is not None:
        return KnownTab(landing.sheet_id, title, headings, landing.positions, headers, landing.width, height)
    if tab is None:
        return None
    positions = tuple(p for p in decision.plan.layout.positions if p is not None)
    return KnownTab(tab.info.sheet_id, title, headings, positions, headers, tab.info.columns, height)


def known_as_seen(known: KnownTab, layout: Layout, tab: TabView, hasher: Hasher) -> KnownTab:
    """The tab as a look at it found it, where nothing had to be decided: people move columns and add their own."""
    headings = frozenset(hasher.text(text) for cell in tab.header if (text := heading(cell)))
    positions = tuple(p for p in layout.positions if p is not None)
    info = tab.info
    noted = known.noted if info.sheet_id == known.sheet_id else ()  # a person's tab in the place of a deleted one
    return KnownTab(info.sheet_id, info.title, headings, positions, known.headers, info.columns, info.rows, noted)


def _formats(plan: Plan) -> tuple[str | None, ...]:
    """The columns' number formats now: one whose values were all NULL keeps the one that it had."""
    before = plan.styled or (None,) * len(plan.formats)
    return tuple(
        new or (None if i in plan.restyle else old)
        for i, (new, old) in enumerate(zip(plan.formats, before, strict=True))
    )


def memory_of(
    one: Gathered,
    decision: Decision,
    known: KnownTab | None,
    before: DatasetState | None,
    now: float,
    *,
    foreign: bool = False,
) -> Memory:
    """What the tab holds now, as exactly as it is known. A sync that read only a part of the source does not
    count as a full comparison, and says nothing of the whole.

    After a deletion the next sync looks again, and the keys are remembered until then: a row that a person's
    edit put in the way of it may have gone instead. `foreign` says that another installation has written, so
    that what was remembered is not all there is.
    """
    table, dataset, plan = decision.table, one.dataset, decision.plan
    whole = dataset.mode == "mirror" and not one.partial
    clean = before is not None and not before.dirty and not foreign and bool(before.content)
    removed = bool(plan.deletes or plan.blanks)
    state = DatasetState(
        spreadsheet_id=dataset.spreadsheet_id,
        tab=dataset.tab,
        known=known,
        shape=one.signature,
        source="" if one.partial or removed else one.fingerprint.to_text(),
        content=table.fingerprint.to_text() if whole and not removed else "",
        formats=_formats(plan),
        rows=decision.plan.rows_after,
        verified_at=before.verified_at if one.partial and before is not None else now,
        cursor=one.cursor,
    )
    rows = {key: table.index[key] for key in decision.needed} if clean else table.index
    exactly = whole and not removed and not clean
    return Memory(state, rows, None if exactly else ())
