"""What is kept of syncs over restarts: totals, and how each dataset did last. Times are UNIX seconds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # what only reads totals need not know what a run is made of
    from .ports import DatasetResult, RunResult


@dataclass(frozen=True, slots=True)
class Totals:
    """Runs since the state file was made, also those that retention has removed by now. Stopped runs do not count.

    `seconds` is what all of them took together, `failures` how many failed in a row up to now.
    """

    successful: int = 0
    failed: int = 0
    seconds: float = 0.0
    last_seconds: float | None = None
    last_success: float | None = None
    failures: int = 0
    last_error: str | None = None
    last_hint: str | None = None
    last_error_at: float | None = None

    @property
    def runs(self) -> int:
        return self.successful + self.failed

    @property
    def success_rate(self) -> float | None:
        """Per cent; None before the first run."""
        return 100.0 * self.successful / self.runs if self.runs else None

    @property
    def average_seconds(self) -> float | None:
        return self.seconds / self.runs if self.runs else None


NO_RUNS = Totals()


@dataclass(frozen=True, slots=True)
class DatasetRecord:
    """How a dataset did: counts are of its last run that changed something or found nothing to change."""

    name: str
    last_success: float | None = None
    last_result: str | None = None
    rows: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    failures: int = 0
    last_error: str | None = None
    last_hint: str | None = None
    last_error_at: float | None = None


@dataclass(frozen=True, slots=True)
class DaemonMark:
    """A daemon as it noted itself in the state file; `stopped_at` is None where it did not say good-bye.

    `seen` is what its status shows of its configuration, as `status.seen_text` writes it.
    """

    pid: int
    version: str
    started_at: float
    stopped_at: float | None = None
    seen: str = "{}"


def after_run(totals: Totals, run: RunResult) -> Totals:
    """The totals with one more run; one that was stopped changes nothing."""
    if run.outcome == "stopped":
        return totals
    seconds = totals.seconds + run.seconds
    ended = run.started_at + run.seconds
    if run.outcome == "ok":
        return replace(
            totals,
            successful=totals.successful + 1,
            seconds=seconds,
            last_seconds=run.seconds,
            last_success=ended,
            failures=0,
        )
    failed = next(one for one in run.datasets if one.result == "failed")
    return replace(
        totals,
        failed=totals.failed + 1,
        seconds=seconds,
        last_seconds=run.seconds,
        failures=totals.failures + 1,
        last_error=f"{failed.dataset}: {failed.error}",
        last_hint=failed.hint,
        last_error_at=ended,
    )


def after_result(record: DatasetRecord, result: DatasetResult, ended: float) -> DatasetRecord:
    """A dataset's record with one more result; `ended` is when its run ended."""
    if result.result == "stopped":
        return record
    if result.result == "failed":
        return replace(
            record,
            last_result="failed",
            failures=record.failures + 1,
            last_error=result.error,
            last_hint=result.hint,
            last_error_at=ended,
        )
    counts = (result.inserted, result.updated, result.deleted)
    if result.result == "unchanged":  # what the last change was is worth more than that nothing changed since
        counts = (record.inserted, record.updated, record.deleted)
    return replace(
        record,
        last_success=ended,
        last_result=result.result,
        rows=result.rows,
        inserted=counts[0],
        updated=counts[1],
        deleted=counts[2],
        failures=0,
        last_error=None,
        last_hint=None,
        last_error_at=None,
    )
