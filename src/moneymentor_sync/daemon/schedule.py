"""When what is due: a tick for each interval, tries of breakers, and retries, all of them asks to the one queue.

When a change that was heard of is due is for `notice_queue`.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Iterable

from moneymentor_sync.core.agenda import Ask, Trigger
from moneymentor_sync.core.daemon_ports import Ticker
from moneymentor_sync.core.settings import Dataset

JITTER = 0.05
"""Each interval is up to this share shorter or longer, but never by more than MAX_JITTER_SECONDS."""
MAX_JITTER_SECONDS = 10.0


class Schedule:
    """Datasets with the same interval are due together, so that one snapshot of the database serves them."""

    def __init__(self, ticker: Ticker, ask: Callable[[Ask], object]) -> None:
        self._ticker = ticker
        self._ask = ask
        self._jobs: tuple[str, ...] = ()
        self._everything: frozenset[str] = frozenset()
        self.planning = threading.Lock()
        """Held from looking when the next switch ends until that is planned."""

    def plan(self, datasets: Iterable[Dataset]) -> None:
        """Sets the intervals, in the place of those there were."""
        groups: dict[float, set[str]] = defaultdict(set)
        for dataset in datasets:
            groups[dataset.interval_seconds].add(dataset.name)
        jobs = {_job(seconds): (seconds, frozenset(names)) for seconds, names in groups.items()}
        for name in self._jobs:
            if name not in jobs:
                self._ticker.cancel(name)
        for name, (seconds, members) in jobs.items():
            jitter = min(seconds * JITTER, MAX_JITTER_SECONDS)
            self._ticker.every(name, seconds, self._asking(members, "schedule"), jitter=jitter)
        self._jobs = tuple(jobs)
        self._everything = frozenset().union(*groups.values())

    def later(self, name: str, seconds: float, datasets: Iterable[str], trigger: Trigger) -> None:
        """One ask after so many seconds, in the place of one of the same name."""
        self._ticker.once(name, seconds, self._asking(frozenset(datasets), trigger))

    def when_switches_end(self, seconds: float | None) -> None:
        """Syncs everything that is then on, when the next switch ends by itself; None where none does."""
        if seconds is None:
            self._ticker.cancel("switch")
            return
        self._ticker.once("switch", seconds, self._switch_ended)

    def _switch_ended(self) -> None:
        self._ask(Ask(self._everything, "enable"))

    def due_in(self) -> float | None:
        """Seconds until the next interval ends; never waits."""
        dues = [due for name in self._jobs if (due := self._ticker.due_in(name)) is not None]
        return min(dues, default=None)

    def next_of(self, dataset: Dataset) -> float | None:
        """Seconds until the dataset's interval ends; never waits."""
        return self._ticker.due_in(_job(dataset.interval_seconds))

    def _asking(self, datasets: frozenset[str], trigger: Trigger) -> Callable[[], None]:
        def ask() -> None:
            self._ask(Ask(datasets, trigger))

        return ask


def _job(seconds: float) -> str:
    """The name of an interval's job."""
    return f"interval:{seconds:g}"
