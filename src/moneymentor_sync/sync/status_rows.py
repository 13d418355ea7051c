"""Rows that come from no database, and how it is decided what becomes of them in a status tab."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from moneymentor_sync.core.cells import CurrentCell
from moneymentor_sync.core.errors import OvertakenError
from moneymentor_sync.core.layout import heading
from moneymentor_sync.core.marks import Marks
from moneymentor_sync.core.ports import DatasetState, Row, SourceColumn, TabInfo, TabView
from moneymentor_sync.core.rows import is_blank
from moneymentor_sync.core.settings import Dataset
from moneymentor_sync.core.sheet_status import DRESSING, SOURCE, StatusRow, is_status_header, not_ours

from .decide import Between, Decider, Decision
from .gather import Gathered, Kept


class StatusDecider(Decider):
    """Decides about a status tab: never takes over what a person made, and dresses what is new."""

    @classmethod
    def like(cls, other: Decider) -> StatusDecider:
        return cls(other.cell_rules, other.hasher, other.written, Kept)

    def decide(
        self,
        gathered: Gathered,
        tab: TabView | None,
        state: DatasetState | None,
        *,
        allow_deletes: bool,
        between: Between,
        remove_unmatched: bool = False,
    ) -> Decision:
        if tab is not None and (state is None or state.known is None):
            _refuse_what_is_not_ours(tab)
        found = Decider.decide(
            self,
            gathered,
            tab,
            state,
            allow_deletes=allow_deletes,
            between=between,
            remove_unmatched=remove_unmatched,
        )
        return replace(found, plan=replace(found.plan, dressing=DRESSING))


def _refuse_what_is_not_ours(tab: TabView) -> None:
    """A tab that we know nothing of, with anything else in it than one of ours has, is a person's."""
    empty = is_blank(tab.header) and all(is_blank(row) for _, row in tab.rows())
    if not empty and not is_status_header({heading(cell) for cell in tab.header}):
        raise not_ours(tab.info.title)


class StatusRows:
    """A snapshot and a stream of rows that are there already."""

    def __init__(self, rows: Sequence[StatusRow]) -> None:
        self._rows = rows

    @property
    def columns(self) -> Sequence[SourceColumn]:
        return SOURCE

    def read(self, dataset: Dataset, *, since: object = None) -> StatusRows:
        del dataset, since
        return self

    def chunks(self) -> Iterator[Sequence[Row]]:
        yield self._rows


class NotNowError(OvertakenError):
    """It would take a call of its own."""


class Aside:
    """A tab of which nothing more is read than what came along."""

    def __init__(self, tab: TabView) -> None:
        self._tab = tab

    @property
    def info(self) -> TabInfo:
        return self._tab.info

    @property
    def header(self) -> Sequence[CurrentCell]:
        return self._tab.header

    @property
    def whole(self) -> bool:
        return self._tab.whole

    def rows(self) -> Iterator[tuple[int, Sequence[CurrentCell]]]:
        if not self._tab.whole:
            raise NotNowError("the tab did not come in one answer")
        yield from self._tab.rows()

    def marks(self) -> Marks:
        raise NotNowError("what stands beside values did not come along")


def unseen(dataset: str, phase: str, done: int, total: int | None) -> None:
    """What is going on with this tab is nobody's progress."""
