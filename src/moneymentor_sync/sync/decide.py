"""Deciding: what was gathered against what the tab holds. Reads views, writes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from moneymentor_sync.core.adoption import claimed_keys
from moneymentor_sync.core.cells import CellRules, CurrentCell
from moneymentor_sync.core.compare import MOST_IN_QUESTION, Comparison, compare, tab_fingerprint
from moneymentor_sync.core.errors import HeaderDamagedError, IdentityChangedError, OvertakenError
from moneymentor_sync.core.layout import (
    KnownTab,
    Layout,
    candidates,
    find_layout,
    header_row_is_gone,
    refuse_header_elsewhere,
    resolve_missing,
)
from moneymentor_sync.core.plan import NO_MARKS, Plan, Rules, make_plan, needed_keys
from moneymentor_sync.core.ports import DatasetState, TabView
from moneymentor_sync.core.rows import Hasher, is_blank
from moneymentor_sync.core.settings import Dataset
from moneymentor_sync.core.table import DesiredTable, Shape

from .gather import Gathered, Kept, NewRecords, identity_of

AUTO_VERIFY_CELLS = 250_000
AUTO_VERIFY_SECONDS = 3_600.0
ROWS_IN_A_GO = 2_000

Written = Callable[[str, Iterable[bytes]], Mapping[bytes, bytes]]
Between = Callable[[], None]
"""Called between batches of rows: others may go first."""
IndexedRows = Iterable[tuple[int, Sequence[CurrentCell]]]


def current_state(dataset: Dataset, state: DatasetState | None) -> DatasetState | None:
    """The state, unless it is of another spreadsheet or tab than the dataset has now."""
    if state is None or (state.spreadsheet_id, state.tab) != (dataset.spreadsheet_id, dataset.tab):
        return None
    return state


def verify_is_due(dataset: Dataset, state: DatasetState, columns: int, now: float) -> bool:
    """Whether the tab is to be compared with what it should hold, though the source has not changed."""
    if dataset.verify == "always":
        return True
    age = now - state.verified_at
    if age < 0:  # the clock was set back: the mark is worth nothing
        return True
    if dataset.verify == "auto":
        return state.rows * columns <= AUTO_VERIFY_CELLS or age >= AUTO_VERIFY_SECONDS
    return age >= float(dataset.verify)


def source_is_unchanged(state: DatasetState | None, gathered: Gathered) -> bool:
    if state is None or state.dirty or gathered.shape is None or gathered.partial:
        return False
    return state.shape == gathered.signature and state.source == gathered.fingerprint.to_text()


def unchanged_layout(
    state: DatasetState, gathered: Gathered, tab: TabView | None, hasher: Hasher, between: Between
) -> Layout | None:
    """The tab's layout if it still holds just what was written last, else None; says nothing of the source."""
    shape = gathered.shape
    if tab is None or shape is None or not state.content or state.known is None:
        return None
    try:
        layout = find_layout(shape, tab.header, empty=False, known=state.known, where="")
    except HeaderDamagedError:
        return None
    if layout.missing or layout.headers or layout.insert_header:
        return None
    return (
        layout if tab_fingerprint(layout, _paced(tab.rows(), between), hasher).to_text() == state.content else None
    )


@dataclass(frozen=True, slots=True)
class Decision:
    """A plan and what it was made from."""

    plan: Plan
    table: DesiredTable
    comparison: Comparison
    needed: frozenset[bytes]


@dataclass(frozen=True, slots=True)
class Decider:
    """Makes plans; holds what all datasets of a sync share."""

    cell_rules: CellRules
    hasher: Hasher
    written: Written
    new_records: NewRecords

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
        """Raises GuardError and SourceError, and DestinationError where it had to look once more; then nothing
        may be written."""
        dataset = gathered.dataset
        _refuse_other_identities(gathered, tab, state)
        new_records = Kept if tab is None else self.new_records  # into no tab all rows go, and are in the plan
        table = gathered.desired(self.cell_rules, self.hasher, new_records, between)
        known = state.known if state is not None and tab is not None else None
        if known is not None and tab is not None and known.sheet_id != tab.info.sheet_id:
            known = None
        layout = self._layout(table, tab, known)
        rows = _paced(_rows(tab, layout), between)
        rules = Rules(dataset.mode, dataset.max_delete_fraction, allow_deletes, gathered.partial, remove_unmatched)
        ours = max(len(table.index), state.rows if state is not None else 0)
        most = MOST_IN_QUESTION + 2 * ours
        comparison = compare(table.shape, layout, rows, table.index, self.hasher, most, keep_all=rules.deletes)
        if comparison.again and tab is not None and not tab.whole:
            raise OvertakenError(
                f"tab {tab.info.title!r}: {len(comparison.again):,} rows have a key that another has, too",
                hint="Somebody moved rows while the large tab was being read: try again. If it stays, delete "
                "the copies by hand.",
            )
        needed = needed_keys(comparison, table)
        questions = {row.key for row in comparison.absent} | {row.key for row in comparison.changed}
        if comparison.keyless or comparison.again or comparison.absent:
            questions |= needed
        claimed: set[bytes] = set()
        marks = NO_MARKS
        unmatched = comparison.keyless if table.shape.match_on else []
        if unmatched:
            claimed = claimed_keys(table.shape, unmatched, gathered.rows or ())
        if tab is not None and (unmatched or comparison.has_doubles):
            marks = tab.marks()
        plan = make_plan(
            tab=tab.info.title if tab is not None else dataset.tab,
            table=table,
            layout=layout,
            comparison=comparison,
            cells=gathered.cells(needed | claimed),
            written=self.written(dataset.name, questions) if state is not None else {},
            rules=rules,
            hasher=self.hasher,
            create_tab=tab is None,
            styled=_styled(table.shape, known, state),
            marks=marks,
        )
        return Decision(plan, table, comparison, frozenset(needed))

    def _layout(self, table: DesiredTable, tab: TabView | None, known: KnownTab | None) -> Layout:
        shape = table.shape
        if tab is None:
            return Layout(positions=(None,) * len(shape.columns), fresh=True)
        where = f"tab {tab.info.title!r}"
        empty = is_blank(tab.header) and all(is_blank(row) for _, row in tab.rows())
        layout = find_layout(shape, tab.header, empty=empty, known=known, where=where)
        if layout.missing or layout.insert_header:
            refuse_header_elsewhere(shape, tab.rows(), where)
        if layout.insert_header:
            self._refuse_unless_header_is_gone(shape, layout, tab, table, where)
            return layout
        possible = candidates(layout, tab.header, tab.info.columns, known, self.hasher)
        if layout.missing and possible:
            return resolve_missing(
                shape,
                layout,
                possible,
                lambda: (row for _, row in tab.rows()),
                lambda key, row: table.index.get(key) == row,
                self.hasher,
                where,
            )
        return layout

    def _refuse_unless_header_is_gone(
        self, shape: Shape, layout: Layout, tab: TabView, table: DesiredTable, where: str
    ) -> None:
        def is_row(key: bytes, row: bytes) -> bool:
            return row in (table.index.get(key), self.written(shape.dataset, [key]).get(key))

        rows = (row for _, row in _with_first(tab))
        if not header_row_is_gone(shape, layout, rows, is_row, self.hasher):
            raise HeaderDamagedError(
                f"{where}: none of the headers is in row 1; nothing was written",
                hint=f"The header is row 1: put it back ({', '.join(shape.headers[:4])}, …).",
            )


def _styled(shape: Shape, known: KnownTab | None, state: DatasetState | None) -> tuple[str | None, ...]:
    """The number formats that the columns of now were given, by their headers: a query may have changed."""
    if known is None or state is None or len(known.headers) != len(state.formats):
        return ()
    given = dict(zip(known.headers, state.formats, strict=True))
    return tuple(given.get(header) for header in shape.headers)


def _refuse_other_identities(gathered: Gathered, tab: TabView | None, state: DatasetState | None) -> None:
    """Where every key is another one, each row would be written a second time, and the first maybe deleted."""
    if tab is None or state is None or identity_of(state.shape) == identity_of(gathered.signature):
        return
    raise IdentityChangedError(
        f"tab {tab.info.title!r}: its rows were written with other pseudonyms as keys, by which none can be told"
    )


def _rows(tab: TabView | None, layout: Layout) -> IndexedRows:
    """The tab's data rows; where the header row was deleted, row 1 is one of them."""
    if tab is None:
        return ()
    if layout.insert_header:
        return _with_first(tab)
    return tab.rows()


def _paced(rows: IndexedRows, between: Between) -> IndexedRows:
    """The rows, with `between` called now and then: going through a large tab takes a second."""
    for number, row in enumerate(rows):
        if number % ROWS_IN_A_GO == 0:
            between()
        yield row


def _with_first(tab: TabView) -> IndexedRows:
    yield 0, tab.header
    yield from tab.rows()
