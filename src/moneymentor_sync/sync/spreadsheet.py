"""All datasets of one spreadsheet: one read for those that need it, then each is decided, written and recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from moneymentor_sync.core.errors import (
    CellLimitError,
    ClusterError,
    DestinationError,
    MmsyncError,
    OvertakenError,
    ProtectedError,
    RequestRefusedError,
    SecondWriterError,
    UnavailableError,
)
from moneymentor_sync.core.plan import Plan
from moneymentor_sync.core.ports import (
    DatasetResult,
    DatasetState,
    Destination,
    Landing,
    Reading,
    Rider,
    Safeguard,
    Store,
    TabView,
    Tick,
    Traffic,
    Wanted,
    unsaved,
)
from moneymentor_sync.core.sheet_status import Ending

from .decide import Decider, Decision, current_state, source_is_unchanged, unchanged_layout, verify_is_due
from .fencing import Fencing, at_once
from .gather import Gathered
from .holding import MAX_RESTARTS, HeldUpError, Holding
from .memory import known_as_seen, known_tab, memory_of, state_begun
from .noting import HeaderNoting, Noting, noted_after
from .patience import Patience
from .settling import Unsettled, give_back, was_applied
from .status_tab import StatusTab
from .tally import Tally, failed

MAX_PASSES = 6
"""How often a dataset is planned afresh in one sync while people keep changing the tab under it."""


Decided = tuple[Gathered, Decision | None, MmsyncError | None]
"""A dataset with the decision about it, or with the reason why there is none."""


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
    holding: Holding
    prove: Callable[[str], None]
    """Raises LeaseLostError where the spreadsheet is no longer this process's to write to."""
    unguarded: frozenset[str] = frozenset()
    """The datasets whose shrink guard was lifted."""
    remove_unmatched: bool = False
    """The operator's word about rows without a key."""
    noting: Noting | None = None
    """The notes on headers; None where nobody is to look after them."""
    status: StatusTab | None = None
    """The tab that tells readers how fresh the others are; None where nobody wants one."""
    safeguard: Safeguard = unsaved
    _saved: bool = False
    """Whether it was saved in this sync."""
    _destination: Destination | None = None
    _opened_at: Traffic = field(default_factory=Traffic)
    _unsettled: Unsettled | None = None
    _looks: int = 0
    """How often the spreadsheet was looked at: a reading from before the last look is old."""
    _fencing: Fencing = field(init=False)

    def __post_init__(self) -> None:
        self._fencing = Fencing(self.store, self.spreadsheet_id, self.prove)

    def run(self, group: Sequence[Gathered]) -> list[DatasetResult]:
        """Syncs the datasets; the results are in the same order."""
        results: dict[str, DatasetResult] = {}
        needing: list[Gathered] = []
        for one in group:
            early = self._without_reading(one)
            if early is None:
                needing.append(one)
            else:
                results[one.dataset.name] = self._told(early)
        reading: Reading | None = None
        failure: MmsyncError | None = None
        tally = self._start()
        if needing:
            try:
                reading = self.patience.reading(lambda: self._read(needing))
            except MmsyncError as error:
                failure = error
        for one in needing:
            if failure is not None:
                result = self._failed(one, failure, tally)
            else:
                before = self._looks
                result = self._sync(one, reading, tally)
                if result.writes or self._looks != before:
                    reading = None  # no longer what the spreadsheet is: the next one looks again
            results[one.dataset.name] = self._told(result)
            tally = self._start()  # the common read is counted once, with the first
        if self.status is not None and self.status.unsettled is not None:
            self._mend(self.status)
        return [self._noted(one, results[one.dataset.name]) for one in group]

    def _noted(self, one: Gathered, result: DatasetResult) -> DatasetResult:
        """The result, once the notes on the tab's headers are as they are to be."""
        if self.noting is None:
            return result
        after = HeaderNoting(self.noting, self.store, self._fencing, lambda: self.destination, self.holding.let_go)
        return after.after(one, result)

    def _told(self, result: DatasetResult) -> DatasetResult:
        if self.status is not None:
            self.status.keeper.took(result)
        return result

    def write_status(self, status: StatusTab, ended: Ending | None) -> DatasetResult:
        """A write of the status tab's own, once and without any patience; its result is of no dataset of a run."""
        tally, one = self._start(), Gathered(status.dataset)
        try:
            reading = self._read([one])
        except MmsyncError as error:
            return self._failed(one, error, tally)
        return self._sync(status.gathered(status.picture(ended), reading.zone, alone=True), reading, tally)

    def _mend(self, status: StatusTab) -> None:
        """Gives people back what a rider hit, before anything else happens to the tab."""
        try:
            self._settle_rider(status, self._read([]))
        except MmsyncError as error:
            status.keeper.failed(self.spreadsheet_id, error)

    def given_up(self, group: Sequence[Gathered], error: MmsyncError) -> list[DatasetResult]:
        """The results where nothing was tried."""
        return [self._failed(one, error, self._start()) for one in group]

    def decisions(self, group: Sequence[Gathered]) -> Iterator[Decided]:
        """What would be done to each dataset; writes nothing."""
        group = [self._readable(one) for one in group]
        usable = [one for one in group if one.error is None]
        reading: Reading | None = None
        failure: MmsyncError | None = None
        try:
            reading = self.patience.reading(lambda: self._read(usable, note=False)) if usable else None
        except MmsyncError as error:
            failure = error
        for one in group:
            if one.error is not None or reading is None:
                yield one, None, one.error or failure
                continue
            try:
                yield one, self._decide(one, reading, self.holding.pass_by), None
            except MmsyncError as refused:
                yield one, None, refused

    def _readable(self, one: Gathered) -> Gathered:
        """The same, with an error where what the fleet knows of it cannot be read: the others go on."""
        try:
            self._state(one)
        except ClusterError as error:
            return replace(one, error=one.error or error)
        return one

    # --- one dataset ----------------------------------------------------------------------------------------

    def _without_reading(self, one: Gathered) -> DatasetResult | None:
        """The result where it needs no look at the spreadsheet: a failed query, or nothing changed."""
        tally = self._start()
        if one.error is not None:
            return self._failed(one, one.error, tally)
        try:
            return self._known_already(one, tally)
        except ClusterError as error:  # what the fleet knows of this one cannot be read; the others go on
            return self._failed(one, error, tally)

    def _known_already(self, one: Gathered, tally: Tally) -> DatasetResult | None:
        state = self._state(one)
        if state is not None and one.partial:
            return self._nothing_new(one, state, tally)
        if state is None or not source_is_unchanged(state, one) or one.shape is None:
            return None
        if verify_is_due(one.dataset, state, len(one.shape.columns), self.clock()):
            return None
        return self._result(one, "unchanged", tally, rows=state.rows)

    def _nothing_new(self, one: Gathered, state: DatasetState, tally: Tally) -> DatasetResult | None:
        """The result where all that a cursor brought was written before: its last rows come every time."""
        if state.shape != one.signature:
            return None
        try:
            decider = self.decider
            by = self.holding.pass_by
            index = one.desired(decider.cell_rules, decider.hasher, decider.new_records, by).index
        except MmsyncError as error:
            return self._failed(one, error, tally)
        if self.store.written(one.dataset.name, index) != index:
            return None
        return self._result(one, "unchanged", tally, rows=state.rows)

    def _sync(self, one: Gathered, reading: Reading | None, tally: Tally) -> DatasetResult:
        try:
            result = self._passes(one, reading, tally)
        except MmsyncError as error:
            return self._failed(one, error, tally)
        self.patience.refresh()
        return result

    def _passes(self, one: Gathered, reading: Reading | None, tally: Tally) -> DatasetResult:
        """Reads, plans and writes until the tab is as it must be. An unclear failure is never sent again:
        the next pass reads, and plans what is then missing."""
        refusals = 0
        self._unsettled = None
        for _ in range(MAX_PASSES + MAX_RESTARTS):
            view = reading if reading is not None else self.patience.reading(lambda: self._read([one]))
            reading = None
            try:
                done = self._pass(one, view, tally)
            except HeldUpError:  # what was read is old by the time that nobody holds any more
                tally.interrupted = True
                continue
            except (RequestRefusedError, ProtectedError, CellLimitError) as error:
                if self.status is not None and self.status.put_off(error):
                    continue  # the same once more, without the status tab: that may have been the reason
                if not isinstance(error, RequestRefusedError):
                    raise
                refusals += 1
                if refusals > 2:
                    raise
                continue
            except OvertakenError as error:
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

    def _pass(self, one: Gathered, view: Reading, tally: Tally) -> DatasetResult | None:
        """One look and one write; None where another pass has to follow."""
        if self._unsettled is not None and self._settle(one, view, tally):
            return None
        if self.status is not None and self._settle_rider(self.status, view):
            return None
        state = self._state(one)
        tab = view.tabs.get(one.dataset.name)
        if state is not None and tab is not None and source_is_unchanged(state, one):
            layout = unchanged_layout(state, one, tab, self.decider.hasher, self.holding.let_go)
            if layout is not None and state.known is not None:
                known = known_as_seen(state.known, layout, tab, self.decider.hasher)
                fresh = replace(state, known=known, verified_at=self.clock())
                self.store.finish(one.dataset.name, fresh, {}, forget=())
                return self._done(one, tally, state.rows)
        decision = self._decide(one, view, self.holding.let_go)
        if decision.plan.is_empty:
            if state is not None and state.dirty:
                intend = self._fencing.intend(view.fence, at_once)
                self.destination.tidy(view.fence, intend=intend, renew=self._fencing.late)
            self._finish(one, decision, tab, None, state)
            return self._done(one, tally, decision.plan.rows_after)
        if not self._saved and self.safeguard(one.dataset, decision.plan):
            self._saved = True
            return None  # people go on meanwhile: a deletion goes by what is there now
        if self.noting is not None:
            decision = self.noting.along(one, decision)
        landing = self._write(one, decision, view, tab, state, tally)
        if not landing.as_planned:
            tally.repaired += 1
            return None
        self._finish(one, decision, tab, landing, state)
        return self._done(one, tally, decision.plan.rows_after)

    def _done(self, one: Gathered, tally: Tally, rows: int) -> DatasetResult:
        result = self._result(one, "synced" if tally.wrote else "unchanged", tally, rows=rows, verified=True)
        if tally.interrupted and result.writes:  # of what was written before it was held up there is no count
            return replace(result, result="synced")
        return result

    def _settle(self, one: Gathered, view: Reading, tally: Tally) -> bool:
        """Gives people back what a write hit that did not land where it was planned; ours are mended by the
        next plan. True where something was written, so that the tab has to be read again."""
        assert self._unsettled is not None  # noqa: S101 - asked by the caller
        last = self._unsettled
        if not was_applied(last, view, self._fencing):
            self._unsettled = None
            return False
        if not last.counted:
            tally.count(last.plan)
            self._unsettled = replace(last, counted=True)
        given = give_back(last, view, one.dataset.name, self.destination, self._fencing)
        self._unsettled = None
        return given

    def _settle_rider(self, status: StatusTab, view: Reading) -> bool:
        """The same for what a rider hit."""
        last = status.unsettled
        if last is None:
            return False
        status.unsettled = None  # tried once: it may not hold up what somebody waits for
        try:
            applied = was_applied(last, view, self._fencing)
            return applied and give_back(last, view, status.dataset.name, self.destination, self._fencing)
        except MmsyncError as error:
            status.keeper.failed(self.spreadsheet_id, error)
            return True

    def _decide(self, one: Gathered, view: Reading, between: Callable[[], None]) -> Decision:
        self.tick(one.dataset.name, "comparing", 0, None)
        tab = view.tabs.get(one.dataset.name)
        allowed = one.dataset.name in self.unguarded
        return self.decider.decide(
            one,
            tab,
            self._state(one),
            allow_deletes=allowed,
            between=between,
            remove_unmatched=self.remove_unmatched,
        )

    # --- reading and writing --------------------------------------------------------------------------------

    @property
    def destination(self) -> Destination:
        if self._destination is None:
            self._destination = self.open_destination(self.spreadsheet_id)
            self._opened_at = self._destination.traffic.copy()  # it may have served earlier syncs
        return self._destination

    def _read(self, group: Sequence[Gathered], *, note: bool = True) -> Reading:
        wanted = []
        for one in group:
            state = self._state(one)
            known, coming = (state.known, state.coming) if state else (None, ())
            wanted.append(Wanted(one.dataset.name, one.dataset.tab, known, coming))
        self._looks += 1
        along = None if self.status is None else self.status.wanted(wanted)
        owed = self.status is not None and self.status.unsettled is not None
        if self._unsettled is None and not owed:  # else people's cells are still to be given back
            self.holding.wait()
        reading = self.destination.read(wanted if along is None else [*wanted, along])
        if note:
            self._fencing.saw(reading.fence)
        if self.status is not None and along is not None:
            self.status.saw(reading)
        return reading

    def _check_writer(self, one: Gathered, error: DestinationError) -> None:
        """After a refusal at the fence: raises SecondWriterError where somebody else's write was the reason."""
        if not isinstance(error, OvertakenError):
            return
        ours = self._fencing.known()
        self.patience.reading(lambda: self._read([one]))
        if self._fencing.foreign and ours.pending is not None:
            raise SecondWriterError(
                f"another installation wrote to spreadsheet {self.spreadsheet_id} during this sync"
            ) from error

    def _write(
        self,
        one: Gathered,
        decision: Decision,
        view: Reading,
        tab: TabView | None,
        state: DatasetState | None,
        tally: Tally,
    ) -> Landing:
        index, plan = decision.table.index, decision.plan
        target = self.destination.new_tab_id() if tab is None else tab
        begun = state_begun(one.dataset, state, target)
        self.store.begin_write(one.dataset.name, begun, {key: index[key] for key in decision.needed})
        # A tab that nobody sees yet may wait; one that people edit has to be looked at again afterwards.
        between = self.holding.wait if tab is None else self.holding.let_go
        intend, tick = self._fencing.intend(view.fence, between), self._ticking(between)
        tidy = state is not None and state.dirty
        rider = self._rider(one, plan, view, tally)
        self.tick(one.dataset.name, "writing", 0, None)
        try:
            landing = self.destination.write(
                plan, target, view.fence, intend=intend, tick=tick, tidy=tidy, rider=rider
            )
        except (UnavailableError, OvertakenError):  # the transport may have sent it twice: then once was refused
            sent = self.destination.unsettled
            if sent is not None and tab is not None:
                self._unsettled = Unsettled(sent, plan, tab, counted=False)
            self._rode(self.destination.rider_landing)
            raise
        except (RequestRefusedError, ProtectedError, CellLimitError):
            raise  # whether for the rider's sake is looked at where it may be tried without
        except (HeldUpError, MmsyncError):
            self._rode(None)
            raise
        self._rode(self.destination.rider_landing)
        tally.count(plan)
        if not landing.as_planned and tab is not None:
            self._unsettled = Unsettled(landing, plan, tab, counted=True)
        self._fencing.landed(landing.token)
        return landing

    def _rider(self, one: Gathered, plan: Plan, view: Reading, tally: Tally) -> Rider | None:
        if self.status is None:
            return None
        return self.status.board(view, one.dataset, plan.rows_after, self.monotonic() - tally.began)

    def _rode(self, landing: Landing | None) -> None:
        if self.status is not None:
            self.status.rode(landing, foreign=self._fencing.foreign)

    def _ticking(self, between: Callable[[], None]) -> Tick:
        def tick(dataset: str, phase: str, done: int, total: int | None) -> None:
            self.tick(dataset, phase, done, total)
            if done != total:  # after the last body there is the answer to look at first, and what it may call for
                between()

        return tick

    # --- state and results ----------------------------------------------------------------------------------

    def _state(self, one: Gathered) -> DatasetState | None:
        return current_state(one.dataset, self.store.dataset(one.dataset.name))

    def _finish(
        self,
        one: Gathered,
        decision: Decision,
        tab: TabView | None,
        landing: Landing | None,
        state: DatasetState | None,
    ) -> None:
        known = noted_after(known_tab(decision, tab, landing, self.decider.hasher), decision, state)
        memory = memory_of(one, decision, known, state, self.clock(), foreign=self._fencing.foreign)
        self.store.finish(one.dataset.name, memory.state, memory.rows, memory.forget)

    def _start(self) -> Tally:
        traffic = self._destination.traffic.copy() if self._destination is not None else None
        return Tally(self.monotonic(), self.patience.tries, traffic, self.patience.quota_slept)

    def _result(
        self, one: Gathered, result: str, tally: Tally, *, rows: int = 0, verified: bool = False
    ) -> DatasetResult:
        traffic = Traffic()
        if self._destination is not None:
            traffic = self._destination.traffic.since(tally.traffic or self._opened_at)
        made = tally.result(
            one.dataset,
            result,
            traffic=traffic,
            tries=self.patience.tries,
            slept=self.patience.quota_slept,
            now=self.monotonic(),
            rows=rows,
            verified=verified,
        )
        return replace(made, notes=(*tally.told, *self._notes(one)))

    def _notes(self, one: Gathered) -> list[str]:
        notes = []
        if one.table is not None and one.table.cut:
            notes.append(f"{one.table.cut:,} texts were longer than a cell holds and were cut")
        if one.table is not None and one.table.replaced:
            notes.append(f"{one.table.replaced:,} texts had characters that no cell can hold; each became �")
        if one.table is not None:
            notes += [
                f"{count:,} values of column {name!r} are no {kind} and arrived as they are"
                for name, kind, count in one.table.unlike
            ]
        if self._fencing.foreign:
            notes.append("another installation has written to this spreadsheet since the last sync")
        return notes

    def _failed(self, one: Gathered, error: MmsyncError, tally: Tally) -> DatasetResult:
        return failed(self._result(one, "failed", tally), error)
