"""Buckets of one process, on pyrate-limiter's buckets in its memory.

Knows nothing of what others ask of the same accounts: for a machine that is alone with them, or a member that has
an even part of what they may.
"""

from __future__ import annotations

import itertools
import threading
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from pyrate_limiter import InMemoryBucket, Rate, RateItem

from moneymentor_sync.core.budget import (
    ACTIVE_SECONDS,
    UNSEEN_SECONDS,
    AccountUse,
    Book,
    Granted,
    Later,
    Pool,
    Use,
    Waiting,
    account_uses,
)
from moneymentor_sync.core.even_share import EvenShare, part_of
from moneymentor_sync.core.rights import CallKind


@dataclass(slots=True)
class _Turn:
    spreadsheet_id: str
    asked_at: float
    seen_at: float


@dataclass(slots=True)
class _Line:
    """Everything of one kind of call: who waits, what was granted, and the buckets that hold the limits."""

    accounts: list[InMemoryBucket]
    projects: dict[str, InMemoryBucket]
    turns: dict[int, _Turn] = field(default_factory=dict)
    granted: deque[tuple[float, str]] = field(default_factory=deque)
    """When, and for which spreadsheet."""


_NO_PART_SECONDS = 1.0


class MemoryBuckets:
    """What a process has asked of a pool; it outlives whoever asks. `clock` gives seconds that never go back.

    `alive` says how many share the pool evenly, None while that is not known; without it this process has it whole.
    """

    def __init__(
        self, pool: Pool, clock: Callable[[], float], alive: Callable[[], int | None] | None = None
    ) -> None:
        self._whole, self.clock = pool, clock
        self._alive = alive
        self._share = EvenShare(pool.window_seconds)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._lines: dict[CallKind, _Line] = {"read": self._line(), "write": self._line()}

    @property
    def pool(self) -> Pool:
        """With the limits that are this process's; the whole ones while it has no part yet."""
        with self._lock:
            return self._mine(self.clock()) or self._whole

    def ask(self, kind: CallKind, spreadsheet_id: str, turn: int | None) -> Granted | Later:
        with self._lock:
            line, now = self._lines[kind], self.clock()
            turn = next(self._numbers) if turn is None else turn
            asked_at = line.turns[turn].asked_at if turn in line.turns else now
            line.turns[turn] = _Turn(spreadsheet_id, asked_at, now)
            waiting = self._waiting(line, now)
            active = self._active(line, waiting, now)
            mine = self._mine(now)
            if mine is None:
                return Later(turn, _NO_PART_SECONDS)
            answer = Book(mine, self._uses(line, now), now).answer(turn, waiting, active)
            if isinstance(answer, Later):
                return answer
            self._take(line, answer, now)
            line.granted.append((now, spreadsheet_id))
            del line.turns[turn]
            return Granted(answer)

    def leave(self, kind: CallKind, turn: int) -> None:
        with self._lock:
            self._lines[kind].turns.pop(turn, None)

    def used(self) -> tuple[AccountUse, ...]:
        """Of each account, what it was granted within the last window."""
        with self._lock:
            now = self.clock()
            self._mine(now)  # sees how many there are also while nobody asks
            return account_uses(self._whole, {kind: self._uses(line, now) for kind, line in self._lines.items()})

    def _mine(self, now: float) -> Pool | None:
        if self._alive is None:
            return self._whole
        self._share.see(self._alive(), now)
        return part_of(self._whole, self._share.part(now))

    def _line(self) -> _Line:
        limits, window = self._whole.limits, round(self._whole.window_seconds * 1000)
        projects = dict.fromkeys(account.project for account in self._whole.accounts)
        return _Line(
            [InMemoryBucket([Rate(limits.account, window)]) for _ in self._whole.accounts],
            {project: InMemoryBucket([Rate(limits.project, window)]) for project in projects},
        )

    def _uses(self, line: _Line, now: float) -> list[Use]:
        found = []
        for account, bucket in zip(self._whole.accounts, line.accounts, strict=True):
            bucket.leak(_milliseconds(now))
            if bucket.items:
                found.append(Use(account.email, account.project, bucket.count(), bucket.items[0].timestamp / 1000))
        return found

    def _waiting(self, line: _Line, now: float) -> list[Waiting]:
        while line.granted and line.granted[0][0] < now - self._whole.window_seconds:
            line.granted.popleft()
        granted = Counter(spreadsheet_id for _, spreadsheet_id in line.granted)
        return [
            Waiting(number, one.spreadsheet_id, one.asked_at, granted[one.spreadsheet_id])
            for number, one in line.turns.items()
            if now - one.seen_at < UNSEEN_SECONDS
        ]

    def _active(self, line: _Line, waiting: Sequence[Waiting], now: float) -> dict[str, int]:
        granted = Counter(spreadsheet_id for _, spreadsheet_id in line.granted)
        lately = {spreadsheet_id for at, spreadsheet_id in line.granted if now - at < ACTIVE_SECONDS}
        return {one: granted[one] for one in lately.union(one.spreadsheet_id for one in waiting)}

    def _take(self, line: _Line, index: int, now: float) -> None:
        """From the project's bucket and the account's; under the lock neither can have less than the book says."""
        account = self._whole.accounts[index]
        project = line.projects[account.project]
        project.leak(_milliseconds(now))
        for bucket in (project, line.accounts[index]):
            if not bucket.put(RateItem(account.email, _milliseconds(now))):
                raise AssertionError("a bucket has less room than what was taken from it says")


def _milliseconds(seconds: float) -> int:
    return int(seconds * 1000)
