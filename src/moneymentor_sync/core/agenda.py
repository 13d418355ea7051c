"""The agenda: what waits to be synced. Everything that wants a sync asks here, and asks become one run.

A run that is under way is followed by one more, however many asked for one meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Literal

Trigger = Literal["start", "schedule", "retry", "notify", "enable", "reload", "takeover", "force"]

_WEIGHT: tuple[Trigger, ...] = ("schedule", "retry", "notify", "enable", "reload", "start", "takeover", "force")
"""A run has the trigger of the weightiest ask that it serves."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody wants datasets synced. One that is forced is not held up by breaker, pause or switches."""

    datasets: frozenset[str]
    trigger: Trigger
    allow_deletes: bool = False

    @property
    def forced(self) -> bool:
        return self.trigger == "force"


@dataclass(frozen=True, slots=True)
class PendingRun:
    """The next run: every dataset that was asked for, and what each may do."""

    run_id: str
    trigger: Trigger
    datasets: frozenset[str]
    forced: frozenset[str] = frozenset()
    allow_deletes: frozenset[str] = frozenset()


def join(pending: PendingRun | None, ask: Ask, new_id: Callable[[], str]) -> PendingRun:
    """The next run with one more ask; `new_id` names it where there was none."""
    run = pending or PendingRun(new_id(), ask.trigger, frozenset())
    return PendingRun(
        run.run_id,
        max(run.trigger, ask.trigger, key=_WEIGHT.index),
        run.datasets | ask.datasets,
        run.forced | (ask.datasets if ask.forced else frozenset()),
        run.allow_deletes | (ask.datasets if ask.allow_deletes else frozenset()),
    )


def admitted(run: PendingRun, order: Iterable[str], allowed: Callable[[str], bool]) -> list[str]:
    """The run's datasets that may be synced now, in the configuration's order."""
    return [name for name in order if name in run.datasets and (name in run.forced or allowed(name))]
