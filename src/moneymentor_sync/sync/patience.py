"""Waiting and trying again, once for everything that a sync does: the rules are the core's, the sleep is given."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from moneymentor_sync.core.errors import MmsyncError, QuotaExhaustedError
from moneymentor_sync.core.resilience import RetryRules, Spent, next_try

T = TypeVar("T")


class Patience:
    """Counts what a sync has spent on retries; `sleep` takes seconds, `jitter` gives a number in [0, 1)."""

    def __init__(
        self,
        rules: RetryRules,
        sleep: Callable[[float], None],
        jitter: Callable[[], float],
        emit: Callable[..., None] | None = None,
    ) -> None:
        self._rules = rules
        self._sleep = sleep
        self._jitter = jitter
        self._emit = emit
        self.spent = Spent()
        self.quota_slept = 0.0
        """Seconds slept in all because Google said that the quota is used up."""

    @property
    def tries(self) -> int:
        """How often something was tried again so far; a wait for quota is no retry."""
        return self.spent.retries

    def refresh(self) -> None:
        """A dataset that succeeded leaves the next one its full number of retries; quota waits add up."""
        self.spent = Spent(0, self.spent.quota_tries, self.spent.quota_wait)

    def wait(self, error: MmsyncError) -> bool:
        """Waits before another try; False where there is none to be had."""
        retry = next_try(error, self.spent, self._rules, self._jitter())
        if retry is None:
            return False
        self.spent = retry.spent
        if self._emit is not None:
            self._emit("retry.waiting", error=error.code, seconds=round(retry.seconds, 1), retries=self.tries)
        self._sleep(retry.seconds)
        if isinstance(error, QuotaExhaustedError):
            self.quota_slept += retry.seconds
        return True

    def reading(self, read: Callable[[], T]) -> T:
        """Does something that changes nothing, as often as it takes. Raises the error that is left."""
        while True:
            try:
                return read()
            except MmsyncError as error:
                if not self.wait(error):
                    raise
