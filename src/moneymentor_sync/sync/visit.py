"""One sync at one spreadsheet: how it is reached, read and fenced, what rides along for its readers, counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from moneymentor_sync.core.errors import MmsyncError
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
    Tick,
    Traffic,
    Wanted,
    unsaved,
)

from .decide import Decider, current_state
from .fencing import Fencing
from .gather import Gathered
from .holding import Holding
from .noting import Noting
from .patience import Patience
from .settling import Unsettled, give_back, was_applied
from .status_tab import StatusTab
from .tally import Tally, failed


@dataclass(slots=True)
class Visit:
    """One sync at one spreadsheet: what the passes of all its datasets share."""

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
    saved: bool = False
    """Whether it was saved in this sync."""
    looks: int = 0
    """How often the spreadsheet was looked at: a reading from before the last look is old."""
    unsettled: Unsettled | None = None
    """The write of the dataset under way that is still to be looked at, or its repair to be made."""
    fencing: Fencing = field(init=False)
    _destination: Destination | None = None
    _opened_at: Traffic = field(default_factory=Traffic)

    def __post_init__(self) -> None:
        self.fencing = Fencing(self.store, self.spreadsheet_id, self.prove)

    @property
    def destination(self) -> Destination:
        if self._destination is None:
            self._destination = self.open_destination(self.spreadsheet_id)
            self._opened_at = self._destination.traffic.copy()  # it may have served earlier syncs
        return self._destination

    def read(self, group: Sequence[Gathered], *, note: bool = True) -> Reading:
        wanted = []
        for one in group:
            state = self.state(one)
            known, coming = (state.known, state.coming) if state else (None, ())
            wanted.append(Wanted(one.dataset.name, one.dataset.tab, known, coming))
        self.looks += 1
        along = None if self.status is None else self.status.wanted(wanted)
        owed = self.status is not None and self.status.to_settle() is not None
        if self.unsettled is None and not owed:  # else people's cells are still to be given back
            self.holding.wait()
        reading = self.destination.read(wanted if along is None else [*wanted, along])
        if note:
            self.fencing.saw(reading.fence)
        if self.status is not None and along is not None:
            self.status.saw(reading)
        return reading

    def state(self, one: Gathered) -> DatasetState | None:
        return current_state(one.dataset, self.store.dataset(one.dataset.name))

    # --- the status tab ---------------------------------------------------------------------------------------

    def rider(self, one: Gathered, plan: Plan, view: Reading, tally: Tally) -> Rider | None:
        """What a dataset's write takes along for the readers."""
        if self.status is None:
            return None
        return self.status.board(view, one.dataset, plan.rows_after, self.monotonic() - tally.began)

    def rode(self, landing: Landing | None) -> None:
        """How that came to its end; see `StatusTab.rode`."""
        if self.status is not None:
            self.status.rode(landing, foreign=self.fencing.foreign)

    def settle_rider(self, status: StatusTab, view: Reading) -> bool:
        """Gives people back what a rider hit; True where something may have been written, so that what was read is
        old."""
        try:
            return status.to_settle() is not None and self.give_back_for(status, view)
        except MmsyncError as error:
            status.settled_in_vain(error)
            return True

    def give_back_for(self, status: StatusTab, view: Reading) -> bool:
        """The same, as often as it is asked; raises what it ends with."""
        last, given = status.unsettled, False
        if last is not None and was_applied(last, view, self.fencing):
            given = give_back(last, view, status.dataset.name, self.destination, self.fencing)
        status.settled()
        return given

    # --- counts and results ------------------------------------------------------------------------------------

    def start(self) -> Tally:
        traffic = self._destination.traffic.copy() if self._destination is not None else None
        return Tally(self.monotonic(), self.patience.tries, traffic, self.patience.quota_slept)

    def result(
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
        if self.fencing.foreign:
            notes.append("another installation has written to this spreadsheet since the last sync")
        return notes

    def failed(self, one: Gathered, error: MmsyncError, tally: Tally) -> DatasetResult:
        return failed(self.result(one, "failed", tally), error)
