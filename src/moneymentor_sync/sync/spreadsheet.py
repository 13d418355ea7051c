"""All datasets of one spreadsheet: one read for those that need it, then each is decided, written and recorded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from moneymentor_sync.core.errors import ClusterError, MmsyncError
from moneymentor_sync.core.ports import DatasetResult, Reading
from moneymentor_sync.core.sheet_status import Ending

from .decide import Decision
from .gather import Gathered
from .noting import HeaderNoting
from .passes import Passes
from .status_tab import StatusTab
from .visit import Visit

Decided = tuple[Gathered, Decision | None, MmsyncError | None]
"""A dataset with the decision about it, or with the reason why there is none."""


class SpreadsheetSync:
    """One spreadsheet in one sync."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._passes = Passes(visit)

    def run(self, group: Sequence[Gathered]) -> list[DatasetResult]:
        """Syncs the datasets; the results are in the same order."""
        results: dict[str, DatasetResult] = {}
        needing: list[Gathered] = []
        for one in group:
            early = self._passes.without_reading(one)
            if early is None:
                needing.append(one)
            else:
                results[one.dataset.name] = self._told(early)
        reading: Reading | None = None
        failure: MmsyncError | None = None
        tally = self.visit.start()
        if needing:
            try:
                reading = self.visit.patience.reading(lambda: self.visit.read(needing))
            except MmsyncError as error:
                failure = error
        for one in needing:
            if failure is not None:
                result = self.visit.failed(one, failure, tally)
            else:
                before = self.visit.looks
                result = self._passes.sync(one, reading, tally)
                if result.writes or self.visit.looks != before:
                    reading = None  # no longer what the spreadsheet is: the next one looks again
            results[one.dataset.name] = self._told(result)
            tally = self.visit.start()  # the common read is counted once, with the first
        if self.visit.status is not None and self.visit.status.unsettled is not None:
            self._mend(self.visit.status)
        return [self._noted(one, results[one.dataset.name]) for one in group]

    def _noted(self, one: Gathered, result: DatasetResult) -> DatasetResult:
        """The result, once the notes on the tab's headers are as they are to be."""
        if self.visit.noting is None:
            return result
        after = HeaderNoting(
            self.visit.noting,
            self.visit.store,
            self.visit.fencing,
            lambda: self.visit.destination,
            self.visit.holding.let_go,
        )
        return after.after(one, result)

    def _told(self, result: DatasetResult) -> DatasetResult:
        if self.visit.status is not None:
            self.visit.status.took(result)
        return result

    def write_status(self, status: StatusTab, ended: Ending | None) -> DatasetResult:
        """A write of the status tab's own, once and without any patience; its result is of no dataset of a run."""
        tally, one = self.visit.start(), Gathered(status.dataset)
        try:
            reading = self.visit.read([one])
            if self.visit.give_back_for(status, reading):
                reading = self.visit.read([one])
        except MmsyncError as error:
            return self.visit.failed(one, error, tally)
        rows = status.gathered(status.picture(ended), reading.zone, alone=True)
        result = self._passes.sync(rows, reading, tally)
        if result.result == "failed" and self.visit.unsettled is not None:
            status.settles_later(self.visit.unsettled)
            self._mend(status)
        return result

    def _mend(self, status: StatusTab) -> None:
        """Gives people back what a write to it hit, before anything else happens to the tab."""
        try:
            along = self.visit.status is status  # else it is one that is asked for
            self.visit.give_back_for(status, self.visit.read([] if along else [Gathered(status.dataset)]))
        except MmsyncError as error:
            status.settled_in_vain(error)

    def given_up(self, group: Sequence[Gathered], error: MmsyncError) -> list[DatasetResult]:
        """The results where nothing was tried."""
        return [self.visit.failed(one, error, self.visit.start()) for one in group]

    def decisions(self, group: Sequence[Gathered]) -> Iterator[Decided]:
        """What would be done to each dataset; writes nothing."""
        group = [self._readable(one) for one in group]
        usable = [one for one in group if one.error is None]
        reading: Reading | None = None
        failure: MmsyncError | None = None
        try:
            reading = self.visit.patience.reading(lambda: self.visit.read(usable, note=False)) if usable else None
        except MmsyncError as error:
            failure = error
        for one in group:
            if one.error is not None or reading is None:
                yield one, None, one.error or failure
                continue
            try:
                yield one, self._passes.decide(one, reading, self.visit.holding.pass_by), None
            except MmsyncError as refused:
                yield one, None, refused

    def _readable(self, one: Gathered) -> Gathered:
        """The same, with an error where what the fleet knows of it cannot be read: the others go on."""
        try:
            self.visit.state(one)
        except ClusterError as error:
            return replace(one, error=one.error or error)
        return one
