"""What a sync did to one dataset, counted while it goes on, and the result that is made of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from moneymentor_sync.core.errors import KeyNotUniqueError, MmsyncError, StoppedError
from moneymentor_sync.core.plan import Plan
from moneymentor_sync.core.ports import DatasetResult, Traffic
from moneymentor_sync.core.settings import Dataset
from moneymentor_sync.core.take_over import in_words


@dataclass(slots=True)
class Tally:
    """Counts from `began` (monotonic seconds) on; `tries`, `slept` (seconds for
    the quota) and `traffic` are what had been spent before.

    `traffic` is None where the spreadsheet had not been spoken to yet.
    """

    began: float
    tries: int
    traffic: Traffic | None
    slept: float = 0.0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    cells: int = 0
    repaired: int = 0
    put_back: int = 0
    told: tuple[str, ...] = ()
    """What became of rows that had no key, in words."""
    interrupted: bool = False
    """A write was left between two of its batches, to plan afresh: what they held is not counted."""

    @property
    def wrote(self) -> bool:
        return self.cells > 0

    def count(self, plan: Plan) -> None:
        """Adds a plan that was carried out; one that changes only a tab's frame counts as one cell."""
        self.inserted += len(plan.inserts)
        self.updated += len(plan.updates)
        self.deleted += len(plan.deletes) + len(plan.blanks)
        self.cells += max(1, plan.cells_changed)
        self.put_back += plan.put_back
        if plan.taken_over is not None:
            self.told += ("; ".join(in_words(plan.taken_over)),)

    def result(
        self,
        dataset: Dataset,
        result: str,
        *,
        traffic: Traffic,
        tries: int,
        slept: float,
        now: float,
        rows: int,
        verified: bool,
    ) -> DatasetResult:
        """The result at `now`; `traffic` is this dataset's own, `tries` and `slept` what has been spent by now."""
        return DatasetResult(
            dataset=dataset.name,
            tab=dataset.tab,
            result=result,
            rows=rows,
            inserted=self.inserted,
            updated=self.updated,
            deleted=self.deleted,
            cells=self.cells,
            reads=traffic.reads,
            writes=traffic.writes,
            bytes_sent=traffic.bytes_sent,
            bytes_received=traffic.bytes_received,
            retries=tries - self.tries,
            repaired=self.repaired,
            put_back=self.put_back,
            verified=verified,
            seconds=now - self.began,
            quota_seconds=traffic.waited + slept - self.slept,
        )


def failed(result: DatasetResult, error: MmsyncError) -> DatasetResult:
    """A result with the error that ended it; where keys offend goes to `details`."""
    details = error.offenders if isinstance(error, KeyNotUniqueError) else ()
    if isinstance(error, StoppedError):
        result = replace(result, result="stopped")
    return replace(result, error_code=error.code, error=str(error), hint=error.hint or None, details=tuple(details))
