"""What the daemon needs from the outside world beside what a sync needs, as small interfaces of the inside."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from .backups import Made
from .breaker import Breaker
from .ports import RunResult
from .realtime import Hearing
from .record import DaemonMark, DatasetRecord, Totals
from .settings import Config, Retention
from .switches import Switch


@dataclass(frozen=True, slots=True)
class Accepted:
    """A sync that will be run: `done` gives its result as the control channel has it, for the datasets asked for.

    `done` is cancelled where the daemon stops before the sync has ended.
    """

    run_id: str
    done: Future[dict[str, Any]]


class Ticker(Protocol):
    """Calls functions when their time has come, from one thread of its own; what it calls must return at once.

    A job is known by its name; one of the same name replaces it. No step of the wall clock, no suspend and no
    slow machine makes it miss a call for good or make up for many.
    """

    def start(self) -> None: ...

    def every(self, name: str, seconds: float, call: Callable[[], None], *, jitter: float = 0.0) -> None:
        """Every so many seconds, each time up to `jitter` seconds sooner or later; first after one interval."""
        ...

    def once(self, name: str, seconds: float, call: Callable[[], None]) -> None: ...

    def cancel(self, name: str) -> None:
        """A name that is not known changes nothing."""
        ...

    def due_in(self, name: str) -> float | None:
        """Seconds until its next call; None where there is no such job. Never waits."""
        ...

    def clock_stepped(self) -> None:
        """The wall clock was set: what is due is looked at again, by the time that has really passed."""
        ...

    def stop(self) -> None:
        """Calls nothing any more; does not wait for a call that is under way."""
        ...


class Witness(Protocol):
    """Is told how it goes. Every method returns at once: what takes time is done in threads of the witness's own.

    Called from the daemon's threads, one call after the other for one run, but `looked` at any time. A status is
    the document of `core.status`.
    """

    def began(self, run_id: str, trigger: str) -> None:
        """A run begins that has something to sync."""
        ...

    def ended(self, run: RunResult) -> None:
        """It has ended; not called where another process had the lock, so that nothing was tried."""
        ...

    def looked(self, status: dict[str, Any]) -> None:
        """After each run and each health check, and once at the start."""
        ...

    def stopped(self, status: dict[str, Any]) -> None:
        """The daemon stops in order; the last call."""
        ...


class BackupKeeper(Protocol):
    """Makes backups and knows which there are. Called from one thread; every method may raise MmsyncError."""

    def last(self, config: Config, spreadsheet_id: str) -> float | None:
        """When the last one was made that nobody asked for (UNIX seconds); None where there is none."""
        ...

    def make(self, config: Config, spreadsheet_id: str, stopping: Callable[[], bool]) -> Made:
        """Makes the daily one, and lets go of those that have been kept long enough. Raises StoppedError soon after
        `stopping` has become true."""
        ...


Changed = Callable[[frozenset[str] | None], None]
"""Told of datasets whose tables have changed, or may have. None says that the database is reached, for the first
time or again, so that any of them may have changed meanwhile. Called from any thread."""


class Watch(Protocol):
    """Watches the database for changes, from a thread of its own, and tells of them; mends itself."""

    @property
    def hearing(self) -> Hearing:
        """How it goes. Never waits."""
        ...

    def start(self) -> None:
        """Returns at once. Every change after this call is told of, some only once it listens."""
        ...

    def stop(self) -> object:
        """Tells of nothing any more; waits a second at most for its thread."""
        ...


class Ledger(Protocol):
    """Switches, breakers, totals and history in the state file. Every method may raise StateError."""

    def totals(self) -> Totals: ...

    def records(self) -> dict[str, DatasetRecord]: ...

    def runs(self, dataset: str | None = None, limit: int = 20) -> list[dict[str, Any]]: ...

    def record(self, run: RunResult) -> None:
        """Adds a run that no engine recorded."""
        ...

    def prune(self, retention: Retention, now: float) -> int: ...

    def switches(self) -> dict[str, Switch]: ...

    def save_switches(self, *switches: Switch) -> None: ...

    def breakers(self) -> dict[str, Breaker]: ...

    def save_breakers(self, breakers: dict[str, Breaker]) -> None: ...

    def mark(self) -> DaemonMark | None: ...

    def save_mark(self, mark: DaemonMark) -> None: ...
