"""The circuit breaker as a table of transitions."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.breaker import (
    CLOSED,
    FIRST_WAIT_SECONDS,
    JITTER,
    LONGEST_WAIT_SECONDS,
    TRANSITIONS,
    Breaker,
    Event,
    admits,
    remaining,
    step,
)

NOW = 1_800_000_000.0


def after(*events: Event, threshold: int = 3, now: float = NOW) -> Breaker:
    breaker = CLOSED
    for event in events:
        breaker = step(breaker, event, now=now, threshold=threshold)
    return breaker


def test_every_state_has_an_answer_to_every_event() -> None:
    assert set(TRANSITIONS) == set(product(("closed", "open", "half_open"), ("success", "failure", "due")))


def test_it_opens_at_the_threshold_and_not_before() -> None:
    assert after("failure", "failure") == Breaker("closed", 2)
    assert after("failure", "failure", "failure") == Breaker("open", 3, 300.0, NOW + 300.0)


def test_a_success_forgets_the_failures_before_it() -> None:
    assert after("failure", "failure", "success", "failure") == Breaker("closed", 1)


def test_a_try_that_succeeds_closes_it() -> None:
    assert after("failure", "failure", "failure", "due", "success") == CLOSED


@pytest.mark.parametrize(("tries", "wait"), [(1, 600), (2, 1200), (3, 2400), (4, 3600), (9, 3600)])
def test_each_try_that_fails_doubles_the_wait_up_to_an_hour(tries: int, wait: float) -> None:
    events: list[Event] = ["failure", "failure", "failure", *(["due", "failure"] * tries)]  # type: ignore[list-item]
    breaker = after(*events)
    assert (breaker.state, breaker.wait) == ("open", wait)


def test_a_forced_try_that_fails_leaves_the_wait_as_it_was() -> None:
    opened = after("failure", "failure", "failure")
    forced = step(opened, "failure", now=NOW + 100, threshold=3)
    assert (forced.until, forced.wait, forced.failures) == (opened.until, opened.wait, 4)


def test_a_forced_try_that_succeeds_closes_it() -> None:
    assert after("failure", "failure", "failure", "success") == CLOSED


def test_jitter_only_lengthens_the_wait() -> None:
    breaker = step(CLOSED, "failure", now=NOW, threshold=1, chance=0.999)
    assert FIRST_WAIT_SECONDS < breaker.until - NOW <= FIRST_WAIT_SECONDS * (1 + JITTER)


def test_it_admits_when_the_wait_is_over() -> None:
    breaker = after("failure", "failure", "failure")
    assert not admits(breaker, NOW + 299)
    assert admits(breaker, NOW + 300)
    assert admits(after("failure", "failure", "failure", "due"), NOW)


def test_a_clock_set_back_by_hours_does_not_keep_it_open() -> None:
    breaker = after("failure", "failure", "failure")
    assert admits(breaker, NOW - 7200)
    assert remaining(breaker, NOW - 7200) <= 300 * (1 + JITTER)


@given(st.lists(st.sampled_from(["success", "failure", "due"])), st.integers(1, 6), st.floats(0, 0.999))
def test_whatever_happens_the_wait_is_bounded_and_a_success_closes(
    events: list[Event], threshold: int, chance: float
) -> None:
    breaker, now = CLOSED, NOW
    for event in events:
        now += 60
        breaker = step(breaker, event, now=now, threshold=threshold, chance=chance)
        assert remaining(breaker, now) <= LONGEST_WAIT_SECONDS * (1 + JITTER)
        assert breaker.state != "closed" or breaker.failures < threshold
    assert step(breaker, "success", now=now, threshold=threshold) == CLOSED
