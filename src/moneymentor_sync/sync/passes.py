"""One dataset at its spreadsheet: read, planned and written, again and again until the tab is as it must be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

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
from moneymentor_sync.core.ports import DatasetResult, DatasetState, Landing, Reading, TabView, Tick

from .decide import Decision, source_is_unchanged, unchanged_layout, verify_is_due
from .fencing import at_once
from .gather import Gathered
from .holding import MAX_RESTARTS, HeldUpError
from .memory import known_as_seen, known_tab, memory_of, state_begun
from .noting import noted_after
from .settling import Unsettled, give_back, was_applied
from .tally import Tally
from .visit import Visit

MAX_PASSES = 6
"""How often a dataset is planned afresh in one sync while people keep changing the tab under it."""


class Passes:
    """The passes of a spreadsheet's datasets, one dataset after the other."""

    def __init__(self, visit: Visit) -> None:
        self._visit = visit

    def without_reading(self, one: Gathered) -> DatasetResult | None:
        """The result where it needs no look at the spreadsheet: a failed query, or nothing changed."""
        tally = self._visit.start()
        if one.error is not None:
            return self._visit.failed(one, one.error, tally)
        try:
            return self._known_already(one, tally)
        except ClusterError as error:  # what the fleet knows of this one cannot be read; the others go on
            return self._visit.failed(one, error, tally)

    def _known_already(self, one: Gathered, tally: Tally) -> DatasetResult | None:
        state = self._visit.state(one)
        if state is not None and one.partial:
            return self._nothing_new(one, state, tally)
        if state is None or not source_is_unchanged(state, one) or one.shape is None:
            return None
        if verify_is_due(one.dataset, state, len(one.shape.columns), self._visit.clock()):
            return None
        return self._visit.result(one, "unchanged", tally, rows=state.rows)

    def _nothing_new(self, one: Gathered, state: DatasetState, tally: Tally) -> DatasetResult | None:
        """The result where all that a cursor brought was written before: its last rows come every time."""
        if state.shape != one.signature:
            return None
        try:
            decider = self._visit.decider
            by = self._visit.holding.pass_by
            index = one.desired(decider.cell_rules, decider.hasher, decider.new_records, by).index
        except MmsyncError as error:
            return self._visit.failed(one, error, tally)
        if self._visit.store.written(one.dataset.name, index) != index:
            return None
        return self._visit.result(one, "unchanged", tally, rows=state.rows)

    def sync(self, one: Gathered, reading: Reading | None, tally: Tally) -> DatasetResult:
        try:
            result = self._passes(one, reading, tally)
        except MmsyncError as error:
            return self._visit.failed(one, error, tally)
        self._visit.patience.refresh()
        return result

    def _passes(self, one: Gathered, reading: Reading | None, tally: Tally) -> DatasetResult:
        """Reads, plans and writes until the tab is as it must be. An unclear failure is never sent again:
        the next pass reads, and plans what is then missing."""
        refusals = 0
        self._visit.unsettled = None
        for _ in range(MAX_PASSES + MAX_RESTARTS):
            view = reading if reading is not None else self._visit.patience.reading(lambda: self._visit.read([one]))
            reading = None
            try:
                done = self._pass(one, view, tally)
            except HeldUpError:  # what was read is old by the time that nobody holds any more
                tally.interrupted = True
                continue
            except (RequestRefusedError, ProtectedError, CellLimitError) as error:
                if self._visit.status is not None and self._visit.status.put_off(error):
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
                if not self._visit.patience.wait(error):
                    raise
                continue
            if done is not None:
                return done
        raise OvertakenError(f"tab {one.dataset.tab!r} kept changing while it was written")

    def _pass(self, one: Gathered, view: Reading, tally: Tally) -> DatasetResult | None:
        """One look and one write; None where another pass has to follow."""
        if self._visit.unsettled is not None and self._settle(one, view, tally):
            return None
        if self._visit.status is not None and self._visit.settle_rider(self._visit.status, view):
            return None
        state = self._visit.state(one)
        tab = view.tabs.get(one.dataset.name)
        if state is not None and tab is not None and source_is_unchanged(state, one):
            layout = unchanged_layout(state, one, tab, self._visit.decider.hasher, self._visit.holding.let_go)
            if layout is not None and state.known is not None:
                known = known_as_seen(state.known, layout, tab, self._visit.decider.hasher)
                fresh = replace(state, known=known, verified_at=self._visit.clock())
                self._visit.store.finish(one.dataset.name, fresh, {}, forget=())
                return self._done(one, tally, state.rows)
        decision = self.decide(one, view, self._visit.holding.let_go)
        if decision.plan.is_empty:
            if state is not None and state.dirty:
                intend = self._visit.fencing.intend(view.fence, at_once)
                self._visit.destination.tidy(view.fence, intend=intend, renew=self._visit.fencing.late)
            self._finish(one, decision, tab, None, state)
            return self._done(one, tally, decision.plan.rows_after)
        if not self._visit.saved and self._visit.safeguard(one.dataset, decision.plan):
            self._visit.saved = True
            return None  # people go on meanwhile: a deletion goes by what is there now
        if self._visit.noting is not None:
            decision = self._visit.noting.along(one, decision)
        landing = self._write(one, decision, view, tab, state, tally)
        if not landing.as_planned:
            tally.repaired += 1
            return None
        self._finish(one, decision, tab, landing, state)
        return self._done(one, tally, decision.plan.rows_after)

    def _done(self, one: Gathered, tally: Tally, rows: int) -> DatasetResult:
        result = self._visit.result(one, "synced" if tally.wrote else "unchanged", tally, rows=rows, verified=True)
        if tally.interrupted and result.writes:  # of what was written before it was held up there is no count
            return replace(result, result="synced")
        return result

    def _settle(self, one: Gathered, view: Reading, tally: Tally) -> bool:
        """Gives people back what a write hit that did not land where it was planned; ours are mended by the
        next plan. True where something was written, so that the tab has to be read again."""
        assert self._visit.unsettled is not None  # noqa: S101 - asked by the caller
        last = self._visit.unsettled
        if not was_applied(last, view, self._visit.fencing):
            self._visit.unsettled = None
            return False
        if not last.counted:
            tally.count(last.plan)
            self._visit.unsettled = replace(last, counted=True)
        given = give_back(last, view, one.dataset.name, self._visit.destination, self._visit.fencing)
        self._visit.unsettled = None
        return given

    def decide(self, one: Gathered, view: Reading, between: Callable[[], None]) -> Decision:
        self._visit.tick(one.dataset.name, "comparing", 0, None)
        tab = view.tabs.get(one.dataset.name)
        allowed = one.dataset.name in self._visit.unguarded
        return self._visit.decider.decide(
            one,
            tab,
            self._visit.state(one),
            allow_deletes=allowed,
            between=between,
            remove_unmatched=self._visit.remove_unmatched,
        )

    # --- writing -----------------------------------------------------------------------------------------------

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
        target = self._visit.destination.new_tab_id() if tab is None else tab
        begun = state_begun(one.dataset, state, target)
        self._visit.store.begin_write(one.dataset.name, begun, {key: index[key] for key in decision.needed})
        # A tab that nobody sees yet may wait; one that people edit has to be looked at again afterwards.
        between = self._visit.holding.wait if tab is None else self._visit.holding.let_go
        intend, tick = self._visit.fencing.intend(view.fence, between), self._ticking(between)
        tidy = state is not None and state.dirty
        rider = self._visit.rider(one, plan, view, tally)
        self._visit.tick(one.dataset.name, "writing", 0, None)
        try:
            landing = self._visit.destination.write(
                plan, target, view.fence, intend=intend, tick=tick, tidy=tidy, rider=rider
            )
        except (UnavailableError, OvertakenError):  # the transport may have sent it twice: then once was refused
            sent = self._visit.destination.unsettled
            if sent is not None and tab is not None:
                self._visit.unsettled = Unsettled(sent, plan, tab, counted=False)
            self._visit.rode(self._visit.destination.rider_landing)
            raise
        except (RequestRefusedError, ProtectedError, CellLimitError):
            raise  # whether for the rider's sake is looked at where it may be tried without
        except (HeldUpError, MmsyncError):
            self._visit.rode(None)
            raise
        self._visit.rode(self._visit.destination.rider_landing)
        tally.count(plan)
        if not landing.as_planned and tab is not None:
            self._visit.unsettled = Unsettled(landing, plan, tab, counted=True)
        self._visit.fencing.landed(landing.token)
        return landing

    def _ticking(self, between: Callable[[], None]) -> Tick:
        def tick(dataset: str, phase: str, done: int, total: int | None) -> None:
            self._visit.tick(dataset, phase, done, total)
            if done != total:  # after the last body there is the answer to look at first, and what it may call for
                between()

        return tick

    def _check_writer(self, one: Gathered, error: DestinationError) -> None:
        """After a refusal at the fence: raises SecondWriterError where somebody else's write was the reason."""
        if not isinstance(error, OvertakenError):
            return
        ours = self._visit.fencing.known()
        self._visit.patience.reading(lambda: self._visit.read([one]))
        if self._visit.fencing.foreign and ours.pending is not None:
            raise SecondWriterError(
                f"another installation wrote to spreadsheet {self._visit.spreadsheet_id} during this sync"
            ) from error

    def _finish(
        self,
        one: Gathered,
        decision: Decision,
        tab: TabView | None,
        landing: Landing | None,
        state: DatasetState | None,
    ) -> None:
        known = noted_after(known_tab(decision, tab, landing, self._visit.decider.hasher), decision, state)
        memory = memory_of(one, decision, known, state, self._visit.clock(), foreign=self._visit.fencing.foreign)
        self._visit.store.finish(one.dataset.name, memory.state, memory.rows, memory.forget)
