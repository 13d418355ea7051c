"""Which errors are tried again, and after how long."""

from __future__ import annotations

import pytest

from moneymentor_sync.core.errors import (
    CredentialsError,
    MmsyncError,
    PermissionDeniedError,
    ProtectedError,
    QuotaExhaustedError,
    RequestRefusedError,
    SpreadsheetNotFoundError,
    UnavailableError,
)
from moneymentor_sync.core.resilience import RetryRules, Spent, next_try

RULES = RetryRules(max_retries=3, delay_seconds=5.0)


def waits(error: MmsyncError, rules: RetryRules = RULES, jitter: float = 0.999) -> list[float]:
    spent, seconds = Spent(), []
    while (retry := next_try(error, spent, rules, jitter)) is not None:
        seconds.append(retry.seconds)
        spent = retry.spent
    return seconds


def test_failures_double_the_delay_up_to_max_retries() -> None:
    assert waits(UnavailableError("x")) == pytest.approx([5, 10, 20], rel=0.01)


def test_jitter_halves_the_delay_at_most() -> None:
    assert waits(UnavailableError("x"), jitter=0.0) == pytest.approx([2.5, 5, 10])


def test_no_delay_is_longer_than_a_minute() -> None:
    assert max(waits(UnavailableError("x"), RetryRules(12, 5.0))) == pytest.approx(60, rel=0.01)


def test_retry_after_is_honoured_within_reason() -> None:
    assert waits(UnavailableError("x", retry_after=30), RetryRules(1, 5.0)) == [30]
    assert waits(UnavailableError("x", retry_after=86_400), RetryRules(1, 5.0)) == [120]


@pytest.mark.parametrize("jitter", [0.0, 0.5, 0.999])
def test_a_used_up_quota_is_waited_for_apart_and_longer_than_its_window(jitter: float) -> None:
    seconds = waits(QuotaExhaustedError("x"), RetryRules(0, 5.0), jitter)
    assert sum(seconds) == pytest.approx(120)
    assert len(seconds) < 12


def test_quota_waits_leave_the_retries_alone() -> None:
    retry = next_try(QuotaExhaustedError("x"), Spent(retries=2), RULES, 0.5)
    assert retry is not None
    assert retry.spent.retries == 2


@pytest.mark.parametrize(
    "error",
    [
        PermissionDeniedError("x"),
        SpreadsheetNotFoundError("x"),
        CredentialsError("x"),
        ProtectedError("x"),
        RequestRefusedError("x"),
    ],
)
def test_what_stays_wrong_is_not_tried_again(error: MmsyncError) -> None:
    assert waits(error) == []
