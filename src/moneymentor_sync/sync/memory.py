"""What is kept of a sync for the next one: values made of a decision, for the state file."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from moneymentor_sync.core.layout import KnownTab, heading
from moneymentor_sync.core.ports import DatasetState, Landing, TabView
from moneymentor_sync.core.rows import Hasher

from .decide import Decision
from .gather import Gathered


@dataclass(frozen=True, slots=True)
class Memory:
    """A dataset's new state; of the rows we wrote those to remember, and those to forget (None: all others)."""

    state: DatasetState
    rows: Mapping[bytes, bytes]
    forget: Iterable[bytes] | None


def known_tab(decision: Decision, tab: TabView | None, landing: Landing | None, hasher: Hasher) -> KnownTab | None:
    """The tab as the sync leaves it: where it landed, or as it was seen where nothing had to be written."""
    headers = decision.table.shape.headers
    texts = {heading(cell) for cell in tab.header} if tab is not None else set()
    headings = frozenset(hasher.text(text) for text in texts | {h.strip() for h in headers} if text)
    title = decision.plan.tab
    if landing is not None:
        return KnownTab(landing.sheet_id, title, headings, landing.positions, headers, landing.width)
    if tab is None:
        return None
    positions = tuple(p for p in decision.plan.layout.positions if p is not None)
    return KnownTab(tab.info.sheet_id, title, headings, positions, headers, tab.info.columns)


def memory_of(
    one: Gathered, decision: Decision, known: KnownTab | None, before: DatasetState | None, now: float
) -> Memory:
    """What the tab holds now, as exactly as it is known. A sync that read only a part of the source does not
    count as a full comparison, and says nothing of the whole."""
    table, dataset = decision.table, one.dataset
    whole = dataset.mode == "mirror" and not one.partial
    clean = before is not None and not before.dirty
    state = DatasetState(
        spreadsheet_id=dataset.spreadsheet_id,
        tab=dataset.tab,
        known=known,
        shape=one.signature,
        source="" if one.partial else one.fingerprint.to_text(),
        content=table.fingerprint.to_text() if whole else "",
        formats=table.formats,
        rows=decision.plan.rows_after,
        verified_at=before.verified_at if one.partial and before is not None else now,
        cursor=one.cursor,
    )
    rows = {key: table.index[key] for key in decision.needed} if clean else table.index
    if not whole:
        return Memory(state, rows, ())
    return Memory(state, rows, [row.key for row in decision.comparison.absent] if clean else None)
