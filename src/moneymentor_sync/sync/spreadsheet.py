"""All datasets of one spreadsheet: one read for those that need it, then each is decided, written and recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from moneymentor_sync.core.cells import CurrentCell
from moneymentor_sync.core.errors import (
    DestinationError,
    KeyNotUniqueError,
    MmsyncError,
    OvertakenError,
    RequestRefusedError,
    SecondWriterError,
)
from moneymentor_sync.core.fence import FenceSeen
from moneymentor_sync.core.layout import KnownTab, heading
from moneymentor_sync.core.ports import (
    DatasetResult,
    DatasetState,
    Destination,
    FenceState,
    Landing,
    Reading,
    Store,
    TabView,
    Tick,
    Traffic,
    Wanted,
)
from moneymentor_sync.core.repair import cells_to_put_back, rows_to_empty

from .decide import Decider, Decision, current_state, source_is_unchanged, tab_is_unchanged, verify_is_due
from .gather import Gathered
from .patience import Patience

MAX_PASSES = 6
"""How often a dataset is planned afresh in one sync while people keep changing the tab under it."""


Decided = tuple[Gathered, Decision | None, MmsyncError | None]
"""A dataset with the decision about it, or with the reason why there is none."""


@dataclass(slots=True)
class _Progress:
    """What was done to one dataset so far."""

    before: Traffic | None
    began: float
    tries: int
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    cells: int = 0
    repaired: int = 0
    put_back: int = 0
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class SpreadsheetSync:
    """One spreadsheet in one sync."""

    spreadsheet_id: str
    open_destination: Callable[[str], Destination]
    store: Store
    decider: Decider
    patience: Patience
    clock: Callable[[], float]
    monotonic: Callable[[], float]
    tick: Tick
    allow_deletes: bool = False
    _destination: Destination | None = None
    _foreign: bool = False
    _opened_at: Traffic = field(default_factory=Traffic)

    def run(self, group: Sequence[Gathered]) -> list[DatasetResult]:
        """Syncs the datasets; the results are in the same order."""
        results: dict[str, DatasetResult] = {}
        needing: list[Gathered] = []
        for one in group:
            early = self._without_reading(one)
            if early is None:
                needing.append(one)
            else:
                results[one.dataset.name] = early
        reading: Reading | None = None
        failure: MmsyncError | None = None
        start = self._start()
        if needing:
            try:
                reading = self.patience.reading(lambda: self._read(needing))
            except MmsyncError as error:
                failure = error
        for one in needing:
            if failure is not None:
                result = self._failed(one, failure, start)
            else:
                result = self._sync(one, reading, start)
                if result.writes:
                    reading = None  # no longer what the spreadsheet is: the next one looks again
            results[one.dataset.name] = result
            start = self._start()  # the common read is counted once, with the first
        return [results[one.dataset.name] for one in group]

    def decisions(self, group: Sequence[Gathered]) -> Iterator[Decided]:
        """What would be done to each dataset; writes nothing."""
        usable = [one for one in group if one.error is None]
        reading: Reading | None = None
        failure: MmsyncError | None = None
        try:
            reading = self.patience.reading(lambda: self._read(usable)) if usable else None
        except MmsyncError as error:
            failure = error
        for one in group:
            if one.error is not None or reading is None:
                yield one, None, one.error or failure
                continue
            try:
                yield one, self._decide(one, reading), None
            except MmsyncError as refused:
                yield one, None, refused

    # --- one dataset ----------------------------------------------------------------------------------------

    def _without_reading(self, one: Gathered) -> DatasetResult | None:
        """The result where it needs no look at the spreadsheet: a failed query, or nothing changed."""
        start = self._start()
        if one.error is not None:
            return self._failed(one, one.error, start)
        state = self._state(one)
        if state is not None and one.partial:
            return self._nothing_new(one, state, start)
        if state is None or not source_is_unchanged(state, one) or one.shape is None:
            return None
        if verify_is_due(one.dataset, state, len(one.shape.columns), self.clock()):
            return None
        return self._result(one, "unchanged", start, rows=state.rows)

    def _nothing_new(self, one: Gathered, state: DatasetState, start: _Progress) -> DatasetResult | None:
        """The result where all that a cursor brought was written before: its last rows come every time."""
        if state.shape != one.signature:
            return None
        try:
            index = one.desired(self.decider.cell_rules, self.decider.hasher, self.decider.new_records).index
        except MmsyncError as error:
            return self._failed(one, error, start)
        if self.store.written(one.dataset.name, index) != index:
            return None
        return self._result(one, "unchanged", start, rows=state.rows)

    def _sync(self, one: Gathered, reading: Reading | None, start: _Progress) -> DatasetResult:
        try:
            result = self._passes(one, reading, start)
        except MmsyncError as error:
            return self._failed(one, error, start)
        self.patience.refresh()
        return result

    def _passes(self, one: Gathered, reading: Reading | None, start: _Progress) -> DatasetResult:
        """Reads, plans and writes until the tab is as it must be. An unclear failure is never sent again:
        the next pass reads, and plans what is then missing."""
        refusals = 0
        for _ in range(MAX_PASSES):
            view = reading if reading is not None else self.patience.reading(lambda: self._read([one]))
            reading = None
            try:
                done = self._pass(one, view, start)
            except (OvertakenError, RequestRefusedError) as error:
                refusals += 1
                if refusals > 2:
                    raise
                self._check_writer(one, error)
                continue
            except DestinationError as error:
                if not self.patience.wait(error):
                    raise
                continue
            if done is not None:
                return done
        raise OvertakenError(f"tab {one.dataset.tab!r} kept changing while it was written")

    def _pass(self, one: Gathered, view: Reading, start: _Progress) -> DatasetResult | None:
        """One look and one write; None where another pass has to follow."""
        state = self._state(one)
        tab = view.tabs.get(one.dataset.name)
        unchanged = state is not None and source_is_unchanged(state, one)
        if state is not None and unchanged and tab_is_unchanged(state, one, tab, self.decider.hasher):
            self.store.finish(one.dataset.name, self._verified(state), {}, forget=())
            result = "synced" if start.cells or start.deleted else "unchanged"
            return self._result(one, result, start, rows=state.rows, verified=True)
        decision = self._decide(one, view)
        if decision.plan.is_empty:
            self._finish(one, decision, self._seen(decision, tab), state)
            result = "synced" if start.cells or start.deleted else "unchanged"
            return self._result(one, result, start, rows=decision.plan.rows_after, verified=True)
        landing = self._write(one, decision, view, tab, state)
        self._count(decision, start)
        if not landing.as_planned:
            self._put_back(one, landing, tab, start)
            return None
        self._finish(one, decision, self._landed(decision, tab, landing), state)
        return self._result(one, "synced", start, rows=decision.plan.rows_after, verified=True)

    def _decide(self, one: Gathered, view: Reading) -> Decision:
        self.tick(one.dataset.name, "comparing", 0, None)
        tab = view.tabs.get(one.dataset.name)
        return self.decider.decide(one, tab, self._state(one), allow_deletes=self.allow_deletes)

    # --- reading and writing --------------------------------------------------------------------------------

    @property
    def destination(self) -> Destination:
        if self._destination is None:
            self._destination = self.open_destination(self.spreadsheet_id)
            self._opened_at = self._destination.traffic.copy()  # it may have served earlier syncs
        return self._destination

    def _read(self, group: Sequence[Gathered]) -> Reading:
        wanted = []
        for one in group:
            state = self._state(one)
            wanted.append(Wanted(one.dataset.name, one.dataset.tab, state.known if state else None))
        reading = self.destination.read(wanted)
        self._note_fence(reading.fence)
        return reading

    def _note_fence(self, seen: FenceSeen) -> None:
        """Settles what became of a write whose answer was lost, and notices another installation's writes."""
        ours = self.store.fence(self.spreadsheet_id)
        self._foreign = ours.token is not None and seen.token not in (ours.token, ours.pending, None)
        if ours.pending is not None or self._foreign:
            self.store.save_fence(self.spreadsheet_id, FenceState(seen.token))

    def _check_writer(self, one: Gathered, error: DestinationError) -> None:
        """After a refusal at the fence: raises SecondWriterError where somebody else's write was the reason."""
        if not isinstance(error, OvertakenError):
            return
        ours = self.store.fence(self.spreadsheet_id)
        self.patience.reading(lambda: self._read([one]))
        if self._foreign and ours.pending is not None:
            raise SecondWriterError(
                f"another installation wrote to spreadsheet {self.spreadsheet_id} during this sync"
            ) from error

    def _write(
        self, one: Gathered, decision: Decision, view: Reading, tab: TabView | None, state: DatasetState | None
    ) -> Landing:
        token = [view.fence.token]

        def intend(following: str) -> None:
            self.store.save_fence(self.spreadsheet_id, FenceState(token[0], following))
            token[0] = following

        index = decision.table.index
        dirty = state or DatasetState(one.dataset.spreadsheet_id, one.dataset.tab, None)
        self.store.begin_write(one.dataset.name, dirty, {key: index[key] for key in decision.needed})
        landing = self.destination.write(decision.plan, tab, view.fence, intend=intend, tick=self.tick)
        self.store.save_fence(self.spreadsheet_id, FenceState(landing.token))
        return landing

    def _put_back(self, one: Gathered, landing: Landing, tab: TabView | None, start: _Progress) -> None:
        """The write hit cells that had moved: gives people back what was in theirs; the next pass mends ours."""
        start.repaired += 1
        if tab is None or one.shape is None:
            return
        view = self.patience.reading(lambda: self._read([one]))
        now = view.tabs.get(one.dataset.name)
        if now is None:
            return
        shape = one.shape
        managed = [header.strip() for header in shape.headers]
        rows = dict(now.rows())
        keys = [managed[i] for i in shape.key]
        before = dict(tab.rows()) if landing.cells else {}
        cells = cells_to_put_back(landing.cells, managed, keys, tab.header, before, now.header, rows)
        if [heading(_at(now.header, position)) for position in landing.positions] != managed:
            cells += rows_to_empty(landing.appended, rows)
        if cells:
            token = [view.fence.token]

            def intend(following: str) -> None:
                self.store.save_fence(self.spreadsheet_id, FenceState(token[0], following))
                token[0] = following

            self.destination.put_back(now.info.sheet_id, cells, view.fence, intend=intend)

    # --- state and results ----------------------------------------------------------------------------------

    def _state(self, one: Gathered) -> DatasetState | None:
        return current_state(one.dataset, self.store.dataset(one.dataset.name))

    def _verified(self, state: DatasetState) -> DatasetState:
        return replace(state, verified_at=self.clock())

    def _seen(self, decision: Decision, tab: TabView | None) -> KnownTab | None:
        if tab is None:
            return None
        positions = tuple(p for p in decision.plan.layout.positions if p is not None)
        return self._known(decision, tab, tab.info.sheet_id, positions, tab.info.columns)

    def _landed(self, decision: Decision, tab: TabView | None, landing: Landing) -> KnownTab:
        return self._known(decision, tab, landing.sheet_id, landing.positions, landing.width)

    def _known(
        self, decision: Decision, tab: TabView | None, sheet_id: int, positions: tuple[int, ...], width: int
    ) -> KnownTab:
        hasher = self.decider.hasher
        headers = decision.table.shape.headers
        texts = {heading(cell) for cell in tab.header} if tab is not None else set()
        headings = frozenset(hasher.text(text) for text in texts | {h.strip() for h in headers} if text)
        return KnownTab(sheet_id, decision.plan.tab, headings, positions, headers, width)

    def _finish(
        self, one: Gathered, decision: Decision, known: KnownTab | None, state: DatasetState | None
    ) -> None:
        """Records what the tab holds now, as exactly as it is known."""
        plan, table, dataset = decision.plan, decision.table, one.dataset
        whole = dataset.mode == "mirror" and not one.partial
        clean = state is not None and not state.dirty
        new = DatasetState(
            spreadsheet_id=dataset.spreadsheet_id,
            tab=dataset.tab,
            known=known,
            shape=one.signature,
            source="" if one.partial else one.fingerprint.to_text(),
            content=table.fingerprint.to_text() if whole else "",
            formats=table.formats,
            rows=plan.rows_after,
            verified_at=self._verified_at(one, state),
            cursor=one.cursor,
        )
        stale = [row.key for row in decision.comparison.absent]
        rows = {key: table.index[key] for key in decision.needed} if clean else table.index
        forget = (stale if clean else None) if whole else ()
        self.store.finish(dataset.name, new, rows, forget)

    def _verified_at(self, one: Gathered, state: DatasetState | None) -> float:
        """A sync that read only a part of the source does not count as a full comparison."""
        return state.verified_at if one.partial and state is not None else self.clock()

    def _start(self) -> _Progress:
        before = self._destination.traffic.copy() if self._destination is not None else None
        return _Progress(before, self.monotonic(), self.patience.tries)

    def _count(self, decision: Decision, start: _Progress) -> None:
        plan = decision.plan
        start.inserted += len(plan.inserts)
        start.updated += len(plan.updates)
        start.deleted += len(plan.deletes) + len(plan.blanks)
        start.cells += max(1, plan.cells_changed)
        start.put_back += plan.put_back

    def _result(
        self, one: Gathered, result: str, start: _Progress, *, rows: int = 0, verified: bool = False
    ) -> DatasetResult:
        traffic = Traffic()
        if self._destination is not None:
            traffic = self._destination.traffic.since(start.before or self._opened_at)
        return DatasetResult(
            dataset=one.dataset.name,
            tab=one.dataset.tab,
            result=result,
            rows=rows,
            inserted=start.inserted,
            updated=start.updated,
            deleted=start.deleted,
            cells=start.cells,
            reads=traffic.reads,
            writes=traffic.writes,
            bytes_sent=traffic.bytes_sent,
            bytes_received=traffic.bytes_received,
            retries=self.patience.tries - start.tries,
            repaired=start.repaired,
            put_back=start.put_back,
            verified=verified,
            seconds=self.monotonic() - start.began,
            notes=tuple(start.notes + self._notes(one)),
        )

    def _notes(self, one: Gathered) -> list[str]:
        notes = []
        if one.table is not None and one.table.cut:
            notes.append(f"{one.table.cut:,} texts were longer than a cell holds and were cut")
        if one.table is not None and one.table.replaced:
            notes.append(f"{one.table.replaced:,} texts had characters that no cell can hold; each became �")
        if self._foreign:
            notes.append("another installation has written to this spreadsheet since the last sync")
        return notes

    def _failed(self, one: Gathered, error: MmsyncError, start: _Progress) -> DatasetResult:
        details = error.offenders if isinstance(error, KeyNotUniqueError) else ()
        return replace(
            self._result(one, "failed", start),
            error_code=error.code,
            error=str(error),
            hint=error.hint or None,
            details=details,
        )


def _at(row: Sequence[CurrentCell], position: int) -> CurrentCell:
    return row[position] if position < len(row) else None
