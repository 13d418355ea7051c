"""The engine: one pass over datasets. Gathers from the database, decides, applies, records; owns all retries."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial

from moneymentor_sync.core.cells import CellRules
from moneymentor_sync.core.errors import ClusterError, LeaseLostError, LockHeldError, MmsyncError, StoppedError
from moneymentor_sync.core.events import Emit, unheard
from moneymentor_sync.core.plan import Plan
from moneymentor_sync.core.ports import (
    DatasetResult,
    Destination,
    Gate,
    RunResult,
    Safeguard,
    Snapshot,
    Source,
    Store,
    Tick,
    unsaved,
)
from moneymentor_sync.core.resilience import RetryRules
from moneymentor_sync.core.rights import Lease
from moneymentor_sync.core.rows import Hasher
from moneymentor_sync.core.settings import Dataset, SyncSettings
from moneymentor_sync.core.sheet_status import Ending

from .decide import Decider, current_state, verify_is_due
from .gather import Gathered, NewRecords, gather
from .holding import HeldUpError, Holding
from .noting import Noting
from .patience import Patience
from .sheet_status import SheetStatus
from .spreadsheet import SpreadsheetSync
from .status_tab import StatusTab
from .tally import failed
from .visit import Visit

NO_RETRIES = RetryRules(max_retries=0, max_quota_wait_seconds=0.0)
"""What nobody waits for is not tried again, nor does it wait."""


@dataclass(frozen=True, slots=True)
class PlanOutcome:
    """What a sync of a dataset would do, or why it would be refused."""

    dataset: Dataset
    plan: Plan | None = None
    error: MmsyncError | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Time, sleep and chance, as arguments: `clock` is UNIX seconds, `monotonic` never goes back."""

    clock: Callable[[], float]
    monotonic: Callable[[], float]
    sleep: Callable[[float], None]
    rng: random.Random


@dataclass(frozen=True, slots=True)
class Edges:
    """The outside world as ports; `destination` gives a spreadsheet by its id."""

    source: Source
    destination: Callable[[str], Destination]
    store: Store
    lease: Lease
    new_records: NewRecords
    safeguard: Safeguard = unsaved


class Engine:
    """Runs syncs; one at a time, from one thread.

    `gate` is passed between batches: see `ports.Gate`. With `header_notes` each header gets a note that says where
    its column is from; without it those that are ours go. With `status` each spreadsheet has a tab that tells its
    readers how fresh it is.
    """

    def __init__(
        self,
        settings: SyncSettings,
        rules: CellRules,
        edges: Edges,
        surroundings: Surroundings,
        *,
        tick: Tick | None = None,
        emit: Emit | None = None,
        gate: Gate | None = None,
        header_notes: bool = False,
        status: SheetStatus | None = None,
    ) -> None:
        self._settings = settings
        self._status = status
        self._edges = edges
        self._around = surroundings
        self._tick: Tick = tick or _silent
        self._emit: Emit = emit or unheard
        self._gate: Gate = gate or _open
        self._rules = rules
        self._noting = Noting(header_notes, surroundings.clock)

    def new_run_id(self) -> str:
        """A name for a run: sorts by time, and two machines do not make the same one."""
        return new_run_id(self._around.clock(), self._around.rng)

    def run(
        self,
        datasets: Sequence[Dataset],
        *,
        trigger: str = "sync",
        allow_deletes: bool | Collection[str] = False,
        run_id: str | None = None,
        remove_unmatched: bool = False,
    ) -> RunResult:
        """Syncs the datasets, each on its own: one that fails does not hold up the others.

        `allow_deletes` lifts the shrink guard, for all of them or for those named; `remove_unmatched` says that
        rows without a key which cannot be told are to go. Raises LockHeldError, StateError and, where the fleet's
        secret cannot be had, ClusterError; everything else is in the result, which is recorded.
        """
        started, begin = self._around.clock(), self._around.monotonic()
        run_id = run_id or self.new_run_id()
        self._emit("sync.started", run=run_id, trigger=trigger, datasets=[dataset.name for dataset in datasets])
        with ExitStack() as held:
            for spreadsheet_id in dict.fromkeys(dataset.spreadsheet_id for dataset in datasets):
                held.enter_context(self._edges.lease.hold(spreadsheet_id))
            self._edges.store.check_place()
            results = self._results(datasets, run_id, allow_deletes, remove_unmatched=remove_unmatched)
            run = RunResult(run_id, started, self._around.monotonic() - begin, trigger, tuple(results))
            self._edges.store.record(run)
        self._report(run)
        return run

    def _results(
        self,
        datasets: Sequence[Dataset],
        run_id: str,
        allow_deletes: bool | Collection[str],
        *,
        remove_unmatched: bool,
    ) -> list[DatasetResult]:
        try:
            decider, holding = self._decider(), Holding(self._gate)
        except LeaseLostError as error:  # what the fleet knows cannot be asked for: nothing is tried
            return [failed(DatasetResult(one.name, one.tab, "failed"), error) for one in datasets]
        gathered = self._gather(datasets, decider.hasher, holding, whole=remove_unmatched)
        self._noting.begin()
        unguarded = _named(datasets, allow_deletes)
        results: list[DatasetResult] = []
        try:
            for spreadsheet_id, group in _by_spreadsheet(gathered):
                sync = self._spreadsheet(
                    spreadsheet_id, decider, unguarded, run_id, holding, remove_unmatched=remove_unmatched
                )
                results += self._run_one(sync, group)
        finally:
            for one in gathered:
                one.close()
        return results

    def _run_one(self, sync: SpreadsheetSync, group: Sequence[Gathered]) -> list[DatasetResult]:
        """One spreadsheet, unless it was given away since the run began; whatever comes of it is its own."""
        spreadsheet_id = sync.visit.spreadsheet_id
        try:
            with self._edges.lease.work(spreadsheet_id):
                sync.visit.status = self._status_tab(spreadsheet_id, sync.visit.decider)
                results = sync.run(group)
        except (LeaseLostError, ClusterError) as error:
            results = sync.given_up(group, error)
        if self._status is not None:
            self._status.ran(spreadsheet_id, results)
        return results

    def _status_tab(self, spreadsheet_id: str, decider: Decider) -> StatusTab | None:
        return self._status.tab(spreadsheet_id, self._edges.store, decider) if self._status is not None else None

    def tell(self, ended: Ending | None = None, only: Collection[str] | None = None) -> None:
        """Writes the status tabs of the last run's spreadsheets where that is due: nothing was written along with
        which they could have been. With `ended` it is the last time, and those of all runs, or `only` some. Raises
        nothing."""
        if self._status is None:
            return
        for spreadsheet_id in self._status.to_look_at(ended=ended is not None):
            if only is not None and spreadsheet_id not in only:
                continue
            try:
                # Whoever has the spreadsheet now tells its readers.
                with suppress(LockHeldError, StoppedError), self._edges.lease.hold(spreadsheet_id):
                    self._tell(self._status, spreadsheet_id, ended)
            except Exception as error:  # noqa: BLE001 - readers' tab is no reason to end anything
                self._status.failed(spreadsheet_id, error)

    def _tell(self, status: SheetStatus, spreadsheet_id: str, ended: Ending | None) -> None:
        with self._edges.lease.work(spreadsheet_id):
            self._edges.store.check_place()
            decider = self._decider()
            tab = self._status_tab(spreadsheet_id, decider)
            if tab is None or not tab.is_due(ended):
                return
            visit = Visit(
                spreadsheet_id=spreadsheet_id,
                open_destination=self._edges.destination,
                store=self._edges.store,
                decider=tab.decider,
                patience=Patience(NO_RETRIES, self._around.sleep, self._around.rng.random),
                clock=self._around.clock,
                monotonic=self._around.monotonic,
                tick=_silent,
                holding=Holding(self._sign_of_life),
                prove=self._edges.lease.prove,
            )
            result = SpreadsheetSync(visit).write_status(tab, ended)
        if result.result == "failed":
            status.not_written(spreadsheet_id, result)
        elif result.result != "stopped":
            status.written(spreadsheet_id)
            self._emit("sheet_status.written", spreadsheet=spreadsheet_id, took=round(result.seconds, 3))

    def _sign_of_life(self, *, wait: bool) -> bool:
        """A gate that holds up nothing: what is passed is a sign of life, since each call may take minutes."""
        del wait
        with suppress(StoppedError):
            self._gate(wait=False)
        return False

    def _report(self, run: RunResult) -> None:
        for one in run.datasets:
            self._emit(
                f"dataset.{one.result}",
                run=run.run_id,
                dataset=one.dataset,
                rows=one.rows,
                inserted=one.inserted,
                updated=one.updated,
                deleted=one.deleted,
                reads=one.reads,
                writes=one.writes,
                retries=one.retries,
                took=round(one.seconds, 3),
                **({"error": one.error_code, "message": one.error, "hint": one.hint} if one.error_code else {}),
            )
            for note in one.notes:
                self._emit("dataset.noted", run=run.run_id, dataset=one.dataset, note=note)
        self._emit(
            "sync.finished", run=run.run_id, trigger=run.trigger, outcome=run.outcome, took=round(run.seconds, 3)
        )

    def plan(
        self, datasets: Sequence[Dataset], *, allow_deletes: bool = False, remove_unmatched: bool = False
    ) -> list[PlanOutcome]:
        """What `run` would do; changes nothing, in the spreadsheet or in the state."""
        decider, holding = self._decider(), Holding(self._gate)
        gathered = self._gather(datasets, decider.hasher, holding, whole=True)
        outcomes: list[PlanOutcome] = []
        try:
            for spreadsheet_id, group in _by_spreadsheet(gathered):
                unguarded = _named(datasets, allow_deletes)
                sync = self._spreadsheet(
                    spreadsheet_id, decider, unguarded, "", holding, remove_unmatched=remove_unmatched
                )
                for one, decision, error in sync.decisions(group):
                    plan = decision.plan if decision is not None else None
                    outcomes.append(PlanOutcome(one.dataset, plan, error))
        finally:
            for one in gathered:
                one.close()
        return outcomes

    def _decider(self) -> Decider:
        store = self._edges.store
        return Decider(self._rules, Hasher(store.secret()), store.written, self._edges.new_records)

    def _spreadsheet(
        self,
        spreadsheet_id: str,
        decider: Decider,
        unguarded: frozenset[str],
        run_id: str,
        holding: Holding,
        *,
        remove_unmatched: bool,
    ) -> SpreadsheetSync:
        settings = self._settings
        patience = Patience(
            RetryRules(settings.max_retries, settings.retry_delay_seconds),
            self._around.sleep,
            self._around.rng.random,
            partial(self._emit, run=run_id),
        )
        visit = Visit(
            spreadsheet_id=spreadsheet_id,
            open_destination=self._edges.destination,
            store=self._edges.store,
            decider=decider,
            patience=patience,
            clock=self._around.clock,
            monotonic=self._around.monotonic,
            tick=self._tick,
            holding=holding,
            prove=self._edges.lease.prove,
            unguarded=unguarded,
            remove_unmatched=remove_unmatched,
            noting=self._noting,
            safeguard=self._edges.safeguard,
        )
        return SpreadsheetSync(visit)

    def _gather(
        self, datasets: Sequence[Dataset], hasher: Hasher, holding: Holding, *, whole: bool = False
    ) -> list[Gathered]:
        """Reads all datasets, when nobody holds the run up: while somebody does, the database is let go of."""
        while True:
            try:
                holding.wait()
            except MmsyncError as error:  # the run is to end here
                return [Gathered(dataset, error=error) for dataset in datasets]
            try:
                return self._gather_at_once(datasets, hasher, holding, whole=whole)
            except HeldUpError:
                continue

    def _gather_at_once(
        self, datasets: Sequence[Dataset], hasher: Hasher, holding: Holding, *, whole: bool
    ) -> list[Gathered]:
        """Reads all datasets out of one snapshot; a database that is down fails them all."""
        found: list[Gathered] = []
        try:
            with self._edges.source.snapshot() as snapshot:
                for dataset in datasets:
                    try:
                        since = None if whole else self._since(dataset)
                    except ClusterError as error:  # what the fleet knows of this one
                        found.append(Gathered(dataset, error=error))
                        continue
                    found.append(self._gather_one(snapshot, dataset, since, hasher, holding))
        except HeldUpError:
            for one in found:
                one.close()
            raise
        except MmsyncError as error:
            done = {one.dataset.name for one in found}
            found += [Gathered(dataset, error=error) for dataset in datasets if dataset.name not in done]
        return found

    def _gather_one(
        self, snapshot: Snapshot, dataset: Dataset, since: str | None, hasher: Hasher, holding: Holding
    ) -> Gathered:
        return gather(
            snapshot,
            dataset,
            since=since,
            rules=self._rules,
            hasher=hasher,
            new_records=self._edges.new_records,
            tick=self._tick,
            between=holding.let_go,
        )

    def _since(self, dataset: Dataset) -> str | None:
        """Where a dataset with a cursor may go on from; None where everything has to be read."""
        state = current_state(dataset, self._edges.store.dataset(dataset.name))
        if dataset.cursor is None or state is None or state.dirty or state.cursor is None:
            return None
        columns = len(state.formats)
        return None if verify_is_due(dataset, state, columns, self._around.clock()) else state.cursor


def _by_spreadsheet(gathered: Sequence[Gathered]) -> Iterator[tuple[str, list[Gathered]]]:
    for spreadsheet_id in dict.fromkeys(one.dataset.spreadsheet_id for one in gathered):
        yield spreadsheet_id, [one for one in gathered if one.dataset.spreadsheet_id == spreadsheet_id]


def new_run_id(clock: float, rng: random.Random) -> str:
    """`clock` is UNIX seconds."""
    return f"{int(clock * 1000):x}-{rng.getrandbits(32):08x}"


def _named(datasets: Sequence[Dataset], allowed: bool | Collection[str]) -> frozenset[str]:
    if isinstance(allowed, bool):
        return frozenset(dataset.name for dataset in datasets) if allowed else frozenset()
    return frozenset(allowed)


def _open(*, wait: bool) -> bool:
    """Nobody holds the sync up."""
    del wait
    return False


def _silent(dataset: str, phase: str, done: int, total: int | None) -> None:
    """No progress is shown where nobody looks."""
