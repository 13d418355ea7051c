"""The circuit breaker: a table of transitions over frozen values. Times are UNIX seconds, given by the caller.

After `threshold` failures in a row it opens and nothing is tried until `until`; then one try is let through
(half-open), which closes it again or opens it for twice as long, up to an hour. There is a common one for what
concerns every dataset, and one for each dataset.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

BreakerState = Literal["closed", "open", "half_open"]
Event = Literal["success", "failure", "due"]

FIRST_WAIT_SECONDS = 300.0
LONGEST_WAIT_SECONDS = 3_600.0
JITTER = 0.1
"""A wait is up to this share longer, so that many daemons do not come back at the same moment."""


@dataclass(frozen=True, slots=True)
class Breaker:
    """`failures` in a row; `wait` is the seconds it was opened for last (without jitter), `until` when it ends.

    `reason` is the code of the last failure.
    """

    state: BreakerState = "closed"
    failures: int = 0
    wait: float = 0.0
    until: float = 0.0
    reason: str = ""


CLOSED = Breaker()


@dataclass(frozen=True, slots=True)
class Happening:
    """What a transition may look at: the moment, the failures that open, chance in [0, 1), a failure's code."""

    now: float
    threshold: int
    chance: float
    reason: str


Transition = Callable[[Breaker, Happening], Breaker]


def _close(_breaker: Breaker, _at: Happening) -> Breaker:
    return CLOSED


def _count(breaker: Breaker, at: Happening) -> Breaker:
    failures = breaker.failures + 1
    return _open(breaker, at) if failures >= at.threshold else replace(breaker, failures=failures, reason=at.reason)


def _open(breaker: Breaker, at: Happening) -> Breaker:
    wait = min(max(breaker.wait * 2, FIRST_WAIT_SECONDS), LONGEST_WAIT_SECONDS)
    return Breaker("open", breaker.failures + 1, wait, at.now + wait * (1 + JITTER * at.chance), at.reason)


def _stay_open(breaker: Breaker, at: Happening) -> Breaker:
    """A forced try that failed: the wait goes on as it was."""
    return replace(breaker, failures=breaker.failures + 1, reason=at.reason)


def _try(breaker: Breaker, _at: Happening) -> Breaker:
    return replace(breaker, state="half_open")


def _keep(breaker: Breaker, _at: Happening) -> Breaker:
    return breaker


TRANSITIONS: Mapping[tuple[BreakerState, Event], Transition] = {
    ("closed", "success"): _close,
    ("closed", "failure"): _count,
    ("closed", "due"): _keep,
    ("open", "success"): _close,
    ("open", "failure"): _stay_open,
    ("open", "due"): _try,
    ("half_open", "success"): _close,
    ("half_open", "failure"): _open,
    ("half_open", "due"): _keep,
}


def step(
    breaker: Breaker, event: Event, *, now: float, threshold: int, chance: float = 0.0, reason: str = ""
) -> Breaker:
    """The breaker after an event; `reason` is the code of a failure."""
    return TRANSITIONS[breaker.state, event](breaker, Happening(now, threshold, chance, reason))


def remaining(breaker: Breaker, now: float) -> float:
    """Seconds until the next try; 0 where one may be made.

    Never longer than the wait itself: a clock that was set back must not keep it open for hours.
    """
    if breaker.state != "open":
        return 0.0
    return min(max(breaker.until - now, 0.0), breaker.wait * (1 + JITTER))


def admits(breaker: Breaker, now: float) -> bool:
    """Whether a try may be made that nobody forces; half-open, too: one that a crash ended is made again."""
    if breaker.state != "open":
        return True
    return breaker.until <= now or breaker.until - now > breaker.wait * (1 + JITTER)
