"""Which errors are worth another try, how long to wait, and when to stop: one owner for all retries."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .errors import MmsyncError, OvertakenError, QuotaExhaustedError, UnavailableError

if TYPE_CHECKING:
    from .ports import DatasetResult

MAX_DELAY_SECONDS = 60.0
MAX_QUOTA_WAIT_SECONDS = 120.0
"""How long one sync waits for quota in all; Google refills it within 60 s."""


@dataclass(frozen=True, slots=True)
class RetryRules:
    max_retries: int = 3
    delay_seconds: float = 5.0
    max_quota_wait_seconds: float = MAX_QUOTA_WAIT_SECONDS


@dataclass(frozen=True, slots=True)
class Spent:
    """What a sync has used of its patience: retries after failures, and seconds waited for quota."""

    retries: int = 0
    quota_tries: int = 0
    quota_wait: float = 0.0


@dataclass(frozen=True, slots=True)
class Retry:
    """Wait `seconds`, then try again having spent `spent`."""

    seconds: float
    spent: Spent


def next_try(error: MmsyncError, spent: Spent, rules: RetryRules, jitter: float) -> Retry | None:
    """What to do about an error: a wait, or None where it is to be raised. `jitter` is a number in [0, 1).

    Failures double the delay each time, up to a minute, and Retry-After is honoured; a used-up quota is waited
    for apart from them, at most 120 s in one sync.
    """
    if isinstance(error, QuotaExhaustedError):
        return _quota(error, spent, rules, jitter)
    if not isinstance(error, UnavailableError | OvertakenError) or spent.retries >= rules.max_retries:
        return None
    delay: float = min(rules.delay_seconds * 2.0**spent.retries, MAX_DELAY_SECONDS)
    asked = error.retry_after if isinstance(error, UnavailableError) else None
    delay = max(delay * (0.5 + 0.5 * jitter), min(asked or 0.0, MAX_QUOTA_WAIT_SECONDS))
    return Retry(delay, Spent(spent.retries + 1, spent.quota_tries, spent.quota_wait))


def _quota(error: QuotaExhaustedError, spent: Spent, rules: RetryRules, jitter: float) -> Retry | None:
    waited = spent.quota_wait + error.waited
    left = rules.max_quota_wait_seconds - waited
    if left <= 0:
        return None
    delay = min(5.0 * 2.0**spent.quota_tries, 30.0) * (0.75 + 0.5 * jitter)
    delay = min(max(delay, error.retry_after or 0.0), left)
    return Retry(delay, Spent(spent.retries, spent.quota_tries + 1, waited + delay))


CONCERNS_ALL = frozenset({"cluster", "credentials", "database_unreachable", "quota", "state", "unavailable"})
"""Codes of errors that any dataset would meet: they count for the common breaker, not for the dataset's own."""
CONCERNS_SPREADSHEET = frozenset({"permission_denied", "spreadsheet_not_found"})
"""The same for all datasets of one spreadsheet; and so for all where there is only one."""


def concerns_all(code: str | None, spreadsheets: int) -> bool:
    """Whether an error is not one dataset's alone; `spreadsheets` is how many are configured."""
    return code in CONCERNS_ALL or (code in CONCERNS_SPREADSHEET and spreadsheets <= 1)


def proves_recovery(result: DatasetResult, code: str) -> bool:
    """Whether a dataset's result shows that what failed with `code` works again.

    One that found nothing changed without a look at the spreadsheet says nothing of Google.
    """
    if result.result == "failed":
        return False
    return code in ("", "cluster", "database_unreachable", "state") or result.reads + result.writes > 0


def restart_backoff(failures: int, delay_seconds: float, interval_seconds: float) -> float:
    """Seconds until a daemon that has had no success yet tries again: doubling, and never longer than usual."""
    doubled: float = max(delay_seconds, 1.0) * 2.0 ** min(max(failures - 1, 0), 20)
    return min(doubled, interval_seconds)
