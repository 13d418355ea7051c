"""What is kept of syncs over restarts: totals, and how each dataset did last. Times are UNIX seconds."""

from __future__ import annotations

from dataclasses import dataclass


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
    """A daemon as it noted itself in the state file; `stopped_at` is None where it did not say good-bye."""

    pid: int
    version: str
    started_at: float
    stopped_at: float | None = None
