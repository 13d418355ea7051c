"""What follows from how a run ended: tries of breakers, another attempt, now and then some tidying."""

from __future__ import annotations

from moneymentor_sync.core.errors import LeaseLostError, StateError
from moneymentor_sync.core.resilience import restart_backoff
from moneymentor_sync.core.settings import Dataset
from moneymentor_sync.core.sheet_status import Outlook
from moneymentor_sync.sync import Surroundings

from .desk import Job
from .parts import Parts
from .schedule import Schedule
from .standing import COMMON, Standing

BUSY_SECONDS = 5.0
"""How soon a run is asked for again that found the spreadsheet's lock taken."""
LOST_SECONDS = 5.0
"""The same for one that could not prove that it has its spreadsheets."""
PRUNE_SECONDS = 3_600.0
REST_SECONDS = 60.0
MARGIN_SECONDS = 0.05
"""A breaker's try is asked for so much after its wait has ended, so that no rounding makes it too early."""


class FollowUp:
    """Called by the worker after each job, and when there is none: then what a sync needed is given back."""

    def __init__(self, standing: Standing, schedule: Schedule, parts: Parts, around: Surroundings) -> None:
        self._standing = standing
        self._schedule = schedule
        self._ledger = parts.ledger
        self._rest = parts.rest
        self._emit = parts.emit
        self._clock = around.clock
        self._monotonic = around.monotonic
        self._pruned: float | None = None
        self._rested = around.monotonic()
        self._tired = False

    def after(self, job: Job, busy: bool) -> None:
        """`busy` says that another process had the lock, so that nothing was tried."""
        if busy:
            for name in job.run.datasets:  # each for itself: another run may meet the lock meanwhile
                self._schedule.later(f"busy:{name}", BUSY_SECONDS, [name], "retry")
        lost = [one.dataset for one in job.done.result().datasets if one.error_code == LeaseLostError.code]
        if lost:  # where it is still this member's; else nothing is done about it here
            self._schedule.later("lost", LOST_SECONDS, lost, "retry")
        self.plan()
        self._prune()
        self._tired = True
        if self._monotonic() - self._rested >= REST_SECONDS:
            self.idle()

    def idle(self) -> None:
        """There is time: what the last syncs needed is given back, once."""
        if self._tired:
            self._tired, self._rested = False, self._monotonic()
            self._rest()

    def plan(self) -> None:
        """Asks for a sync when a switch ends by itself, and for a try when each open breaker's wait is over.

        Until the first success there are tries without a breaker, too, sooner than the interval.
        """
        standing = self._standing
        with self._schedule.planning:  # an operator may set another switch just now
            self._schedule.when_switches_end(standing.next_switch_end())
        everything = [dataset.name for dataset in standing.config.datasets]
        waits = standing.waits()
        for name, seconds in waits.items():
            whom = everything if name == COMMON else [name]
            self._schedule.later(f"try:{name}", seconds + MARGIN_SECONDS, whom, "retry")
        hopeful = any(standing.allows(one) for one in standing.config.datasets)
        if hopeful and standing.last_ok is False and not standing.worked_since_start:
            sync = standing.config.sync
            delay = restart_backoff(standing.totals.failures, sync.retry_delay_seconds, sync.interval_seconds)
            due = self._schedule.due_in()
            if due is None or delay < due - 1.0:  # else the tick comes at the same time, and would be a second try
                self._schedule.later("restart", delay, everything, "retry")

    def outlook(self, dataset: Dataset) -> Outlook:
        """What is planned for a dataset; a breaker's try, where it waits for one."""
        standing, now = self._standing, self._clock()
        if not (standing.sync_enabled and standing.is_enabled(dataset)):
            return Outlook(enabled=False)
        waits = standing.waits()
        opened = [name for name in (COMMON, dataset.name) if name in waits]
        due = max((waits[name] for name in opened), default=self._schedule.next_of(dataset))
        code = standing.breakers[opened[0]].reason if opened else ""
        return Outlook(None if due is None else now + due, waits=bool(opened), code=code)

    def _prune(self) -> None:
        if self._pruned is not None and self._monotonic() - self._pruned < PRUNE_SECONDS:
            return
        self._pruned = self._monotonic()
        try:
            removed = self._ledger.prune(self._standing.config.retention, self._clock())
        except StateError as error:
            self._emit("state.failed", error=error.code, message=str(error), hint=error.hint)
        else:
            self._emit("history.pruned", runs=removed)
