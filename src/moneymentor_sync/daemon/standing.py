"""How things stand: totals, records, breakers and switches, kept in memory and noted in the state file.

Memory is what decides: a state file on a full disk loses notes, but the daemon goes on by what it knows.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import replace
from types import MappingProxyType

from moneymentor_sync.core.breaker import CLOSED, Breaker, Event, admits, remaining, step
from moneymentor_sync.core.daemon_ports import Ledger
from moneymentor_sync.core.errors import DatabaseUnreachableError, StateError
from moneymentor_sync.core.events import Emit
from moneymentor_sync.core.health import Facts, Failing, Health, assess
from moneymentor_sync.core.ports import DatasetResult, RunResult
from moneymentor_sync.core.record import DatasetRecord, Totals, after_result, after_run
from moneymentor_sync.core.resilience import concerns_all, proves_recovery
from moneymentor_sync.core.settings import Config, Dataset
from moneymentor_sync.core.status import RECENT_ERRORS, ErrorSeen
from moneymentor_sync.core.switches import EVERYTHING, Switch, by_now, is_enabled, next_end, shifted

UNREACHABLE = DatabaseUnreachableError.code
COMMON = ""
"""The name of the breaker for what concerns every dataset."""


def _all(_dataset: Dataset) -> bool:
    return True


class Standing:
    """Read by the channel's threads, changed by the worker and by them; every change is one step under a lock.

    `chance` gives a number in [0, 1); with `shared` the switches are a fleet's, and are kept by another clock than
    this machine's. Raises StateError when it is made.
    """

    def __init__(
        self,
        config: Config,
        ledger: Ledger,
        *,
        clock: Callable[[], float],
        chance: Callable[[], float],
        emit: Emit,
        shared: bool = False,
    ) -> None:
        self._shared = shared
        self._ledger = ledger
        self._clock = clock
        self._chance = chance
        self._emit = emit
        self._lock = threading.RLock()
        self._switching = threading.Lock()
        self.config = config
        self.totals: Totals = ledger.totals()
        self.records: Mapping[str, DatasetRecord] = ledger.records()
        self.switches: Mapping[str, Switch] = by_now(ledger.switches(), clock())
        self.breakers: Mapping[str, Breaker] = ledger.breakers()
        self.errors: tuple[ErrorSeen, ...] = ()
        self.last_ok: bool | None = None
        self.worked_since_start = False
        self._busy: tuple[float, str] | None = None

    # --- what may be synced ---------------------------------------------------------------------------------

    @property
    def common(self) -> Breaker:
        return self.breakers.get(COMMON, CLOSED)

    def is_enabled(self, dataset: Dataset) -> bool:
        """Whether the dataset itself is on, whatever the switch for everything says."""
        return is_enabled(self.switches, dataset.name, dataset.enabled, self._clock())

    @property
    def sync_enabled(self) -> bool:
        return is_enabled(self.switches, EVERYTHING, True, self._clock())

    def allows(self, dataset: Dataset) -> bool:
        """Whether a sync that nobody forces may take the dataset now."""
        now = self._clock()
        open_to = admits(self.common, now) and admits(self.breakers.get(dataset.name, CLOSED), now)
        return open_to and self.sync_enabled and self.is_enabled(dataset)

    def waits(self) -> dict[str, float]:
        """Seconds until the next try of every open breaker that a try would get past; COMMON for the common one.

        What is disabled has no try to wait for: enabling it asks for a sync.
        """
        if not self.sync_enabled:
            return {}
        now = self._clock()
        on = {COMMON, *(one.name for one in self.config.datasets if self.is_enabled(one))}
        return {n: remaining(one, now) for n, one in self.breakers.items() if one.state == "open" and n in on}

    def next_switch_end(self) -> float | None:
        """Seconds until the next switch ends by itself; None where none does."""
        now = self._clock()
        end = next_end(self.switches, now)
        return None if end is None else end - now

    # --- changes --------------------------------------------------------------------------------------------

    def switch(self, names: Iterable[str], *, enabled: bool, reason: str | None, for_seconds: float | None) -> None:
        """Sets switches and notes them before they count. Raises StateError; then nothing has changed."""
        now = self._clock()
        until = None if for_seconds is None else now + for_seconds
        made = [Switch(name, enabled, now, reason, until) for name in names]
        with self._switching:  # not the common lock: a state file that is locked must not stop the worker here
            self._ledger.save_switches(*made)
            with self._lock:
                self.switches = MappingProxyType({**self.switches, **{one.name: one for one in made}})

    def refresh_switches(self) -> frozenset[str] | None:
        """Takes in what others have switched; gives the datasets that may be synced now and could not before, or
        that somebody has just turned on; None where nothing was switched. Raises StateError.
        """
        with self._switching:  # one that is set just now is not to be forgotten for an older picture
            found = by_now(self._ledger.switches(), self._clock())
            with self._lock:
                if found == self.switches:
                    return None
                before, old = self._may_sync(), self.switches
                self.switches = MappingProxyType(found)
                anew = {n for n, one in found.items() if one.enabled and old.get(n) != one}
                again = {n for n in self._may_sync() if n in anew or EVERYTHING in anew}
                return (self._may_sync() - before) | again

    def _may_sync(self) -> frozenset[str]:
        on = self.sync_enabled
        return frozenset(one.name for one in self.config.datasets if on and self.is_enabled(one))

    def clock_was_set(self, seconds: float) -> None:
        """The wall clock was set, forward or back: what ends at a time of it is to end when it would have."""
        with nullcontext() if self._shared else self._switching, self._lock:
            if self._busy is not None:
                self._busy = (self._busy[0] + seconds, self._busy[1])
            moved = shifted(self.switches, seconds)
            self.switches = MappingProxyType({**self.switches, **moved})
            before = self.breakers
            opened = {
                n: replace(one, until=one.until + seconds) for n, one in before.items() if one.state == "open"
            }
            self.breakers = MappingProxyType({**before, **opened})
        self._note_breakers(before)
        if self._shared:  # they are read again with the next beat, and are right there
            return
        with self._switching:
            ends = [self.switches[name] for name in moved if name in self.switches]
            self._note(lambda: self._ledger.save_switches(*ends))

    def configure(self, config: Config) -> None:
        """Another configuration: what was tried in vain may be tried again, and what is gone is forgotten."""
        with self._lock:
            before = self.breakers
            self.config = config
            known = {COMMON, *(one.name for one in config.datasets)}
            gone = {name: CLOSED for name in before if name not in known}
            self.breakers = MappingProxyType({**before, **gone})
            self._note_breakers(before)
            self.try_again(known)

    def try_again(self, names: Iterable[str]) -> None:
        """The waits of these breakers are over now."""
        with self._lock:
            before = self.breakers
            now = self._clock()
            due = {n: replace(before[n], until=now) for n in names if n in before and before[n].state == "open"}
            self.breakers = MappingProxyType({**before, **due})
            self._note_breakers(before)

    def database_is_back(self) -> None:
        """Somebody else has just reached the database: what waited for it alone need not wait any longer."""
        if self.common.reason == UNREACHABLE:
            self.try_again([COMMON])

    def begin(self, names: Sequence[str]) -> None:
        """A run of these datasets begins: breakers whose wait is over let this one try through."""
        with self._lock:
            for name in (COMMON, *names):
                if admits(self.breakers.get(name, CLOSED), self._clock()):
                    self._step(name, "due")

    def busy(self, who: str | None) -> None:
        """Another process had the lock, and says so; None where nobody has it any more."""
        since = self._busy[0] if self._busy else self._clock()
        self._busy = None if who is None else (since, who)

    def refresh(self) -> None:
        """Takes in what a foreground sync has added to the totals meanwhile."""
        try:
            totals, records = self._ledger.totals(), self._ledger.records()
        except StateError:
            return  # the run itself will meet it, and tell
        with self._lock:
            if totals.runs > self.totals.runs:
                self.totals, self.records = totals, MappingProxyType({**self.records, **records})

    def settle(self, run: RunResult) -> None:
        """Takes in how a run ended."""
        ended = run.started_at + run.seconds
        with self._lock:
            self._busy = None
            before = self.breakers
            self.totals = after_run(self.totals, run)
            records = dict(self.records)
            for one in run.datasets:
                records[one.dataset] = after_result(
                    records.get(one.dataset) or DatasetRecord(one.dataset), one, ended
                )
            self.records = MappingProxyType(records)
            self._note_errors(run, ended)
            self._settle_breakers(run)
            if run.outcome != "stopped":
                self.last_ok = run.ok
            done = any(one.result in ("synced", "unchanged") for one in run.datasets)
            self.worked_since_start = self.worked_since_start or done
            self._note_breakers(before)

    def _note_errors(self, run: RunResult, ended: float) -> None:
        recent = deque(self.errors, maxlen=RECENT_ERRORS)
        recent.extend(
            ErrorSeen(ended, one.dataset, one.error or "", one.hint or "")
            for one in run.datasets
            if one.result == "failed"
        )
        self.errors = tuple(recent)

    def _settle_breakers(self, run: RunResult) -> None:
        spreadsheets = len({dataset.spreadsheet_id for dataset in self.config.datasets})
        done = [one for one in run.datasets if one.result != "stopped"]
        common = [one for one in done if one.result == "failed" and concerns_all(one.error_code, spreadsheets)]
        for one in done:
            if one not in common:
                self._step(one.dataset, "failure" if one.result == "failed" else "success", one.error_code)
        if common:
            self._step(COMMON, "failure", common[0].error_code)
        elif any(proves_recovery(one, self.common.reason) for one in done):
            self._step(COMMON, "success")
        for one in common:
            self._open_alone(one)

    def _open_alone(self, result: DatasetResult) -> None:
        """A failure that concerns all, but which only this dataset meets again and again: the others go on."""
        failures = self.records[result.dataset].failures
        threshold = self.config.sync.max_consecutive_failures
        if self.common.state == "closed" and failures >= threshold > self.common.failures:
            self._step(result.dataset, "failure", result.error_code, threshold=1)

    def _step(self, name: str, event: Event, reason: str | None = None, *, threshold: int | None = None) -> None:
        old = self.breakers.get(name, CLOSED)
        new = step(
            old,
            event,
            now=self._clock(),
            threshold=threshold or self.config.sync.max_consecutive_failures,
            chance=self._chance(),
            reason=reason or "",
        )
        if new == old:
            return
        self.breakers = MappingProxyType({**self.breakers, name: new})
        if new.state == "open" and old.state != "open":
            self._emit(
                "breaker.opened",
                dataset=name or "all",
                failures=new.failures,
                seconds=round(new.wait),
                error=new.reason,
            )
        elif new.state == "closed" and old.state != "closed":
            self._emit("breaker.closed", dataset=name or "all")

    def _note_breakers(self, before: Mapping[str, Breaker]) -> None:
        changed = {name: one for name, one in self.breakers.items() if before.get(name, CLOSED) != one}
        if changed:
            self._note(lambda: self._ledger.save_breakers(changed))

    def _note(self, note: Callable[[], None]) -> None:
        """Into the state file; where that fails, what is in memory goes on to count."""
        try:
            note()
        except StateError as error:
            self._emit("state.failed", error=error.code, message=str(error), hint=error.hint)

    # --- the verdict ----------------------------------------------------------------------------------------

    def health(self, silent: Sequence[str] = (), mine: Callable[[Dataset], bool] = _all) -> Health:
        """The verdict; `silent` are parts that have not been heard of for too long, `mine` are the datasets that
        this daemon syncs."""
        if self.config.datasets and not any(map(mine, self.config.datasets)):  # what failed is others' by now
            return assess(Facts(True, True, 0, 1, CLOSED, silent=tuple(silent)))
        busy, now = self._busy, self._clock()
        totals, records, breakers = self.totals, self.records, self.breakers
        failing = tuple(
            Failing(name, one.last_error or "", one.last_hint or "", breakers.get(name, CLOSED))
            for name in (one.name for one in self.config.datasets if self.is_enabled(one) and mine(one))
            if (one := records.get(name)) is not None and one.failures
        )
        return assess(
            Facts(
                last_ok=self.last_ok,
                worked_since_start=self.worked_since_start,
                failures=totals.failures,
                max_failures=self.config.sync.max_consecutive_failures,
                breaker=self.common,
                error=totals.last_error or "",
                hint=totals.last_hint or "",
                failing=failing,
                silent=tuple(silent),
                busy_seconds=now - busy[0] if busy else 0.0,
                busy=busy[1] if busy else "",
            )
        )
