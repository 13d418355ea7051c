"""What Google may be asked in a minute: which account goes next, who of those who wait, and how long to wait. Pure.

A project may make so many requests a minute and each of its service accounts fewer, reads and writes counted apart.
Who wants to make a call stands in a line for its kind. All in it see the same book (what was granted within the
window, and who waits), so that each finds for itself whether it is its turn. That the limits hold is not up to
that, but to the buckets behind the port.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from .errors import QuotaExhaustedError
from .rights import CallKind

WINDOW_SECONDS = 60.0
"""Google refills its quotas each minute: https://developers.google.com/workspace/sheets/api/limits."""
HEADROOM_PERCENT = 10
"""Kept free: calls take a while to arrive, so that a few more can fall into Google's minute than into ours."""
PATIENCE_SECONDS = 120.0
"""How long one call waits for its turn."""
UNSEEN_SECONDS = 3.0
"""Who waits and was not seen for so long (killed, stopped) is passed over."""
ACTIVE_SECONDS = 3.0
"""A spreadsheet that was granted a call so lately is taken to ask for more of them."""
_LONGEST_PAUSE = 1.0
"""Between two looks of who waits: well below UNSEEN_SECONDS."""
_SHORTEST_PAUSE = 0.05
_BEHIND_OTHERS = 0.2


@dataclass(frozen=True, slots=True)
class Limits:
    """Calls of one kind within the window: of a project, and of each of its accounts."""

    project: int = 270
    account: int = 54

    @classmethod
    def below(cls, project_requests: int, account_requests: int) -> Limits:
        """So much less than what Google allows that calls on their way do no harm; never less than one."""
        project, account = (
            max(1, allowed * (100 - HEADROOM_PERCENT) // 100) for allowed in (project_requests, account_requests)
        )
        return cls(project, account)


@dataclass(frozen=True, slots=True)
class Account:
    """A service account of the pool, and the project whose quota its calls count for."""

    email: str
    project: str


def project_of(email: str) -> str:
    """The project in a service account's address, `name@PROJECT.iam.gserviceaccount.com`; else its whole domain."""
    domain = email.rpartition("@")[2]
    return domain.removesuffix(".iam.gserviceaccount.com")


@dataclass(frozen=True, slots=True)
class Use:
    """Calls of one kind that an account was granted within the window; `oldest` is when the first of them was."""

    email: str
    project: str
    count: int
    oldest: float


@dataclass(frozen=True, slots=True)
class AccountUse:
    """What an account was granted within the last window, for people."""

    account: str
    project: str
    reads: int
    writes: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody in the line, seen lately. `granted` is what its spreadsheet got within the window."""

    turn: int
    spreadsheet_id: str
    asked_at: float
    granted: int


@dataclass(frozen=True, slots=True)
class Pool:
    """The accounts that make the calls, in their configured order, and what they and their projects may."""

    accounts: tuple[Account, ...]
    limits: Limits = Limits()
    window_seconds: float = WINDOW_SECONDS


@dataclass(frozen=True, slots=True)
class Granted:
    """The turn has come: the call is to be made by this account, by its place in the pool."""

    account: int


@dataclass(frozen=True, slots=True)
class Later:
    """Not yet: look again after `seconds`, under the same turn."""

    turn: int
    seconds: float


class Book:
    """What is left for one kind of call at a moment, as `uses` (also of accounts outside the pool) tell it."""

    def __init__(self, pool: Pool, uses: Sequence[Use], now: float) -> None:
        self._pool = pool
        self._now = now
        self._of_account = {use.email: use for use in uses}
        self._of_project = _by_project(uses)

    def choose(self) -> int | None:
        """The account with most left, and of those whose project has most left; None where none has anything."""
        left = [self._left(account) for account in self._pool.accounts]
        best = max(range(len(left)), key=lambda index: (left[index], -index))
        return best if left[best][0] > 0 else None

    @property
    def room(self) -> int:
        """How many calls could be granted at once."""
        free: Counter[str] = Counter()
        for account in self._pool.accounts:
            free[account.project] += max(0, self._account_left(account))
        return sum(min(count, max(0, self._project_left(project))) for project, count in free.items())

    def answer(self, turn: int, waiting: Sequence[Waiting], active: Mapping[str, int]) -> int | Later:
        """The account for a turn that has come, else how long to wait. `active` are the spreadsheets that ask for
        calls at this time, waiting or not, each with what it was granted within the window.

        As many go at once as there is room for, so that nobody waits for the one before to wake up. A spreadsheet
        that has had its even share leaves the others theirs, though they do not ask at this moment: who makes one
        call after the other never has more than one in the line, and would get what those leave who ask faster.
        """
        line = in_order(waiting)
        mine = next(one for one in line if one.turn == turn)
        share = max(1, self._capacity // max(1, len(active)))
        greedy = [one for one in line if one.granted >= share]
        room, rank = self.room, line.index(mine)
        if mine in greedy:
            kept = sum(max(0, share - had) for one, had in active.items() if one != mine.spreadsheet_id)
            room, rank = room - kept, greedy.index(mine)
        account = self.choose() if rank < room else None
        if account is not None:
            return account
        seconds = _BEHIND_OTHERS if self.room else self._free_at() - self._now
        return Later(turn, min(max(seconds, _SHORTEST_PAUSE), _LONGEST_PAUSE))

    @property
    def _capacity(self) -> int:
        """Calls that the whole pool may make within a window, if nobody else makes any."""
        accounts = Counter(account.project for account in self._pool.accounts)
        limits = self._pool.limits
        return sum(min(limits.project, count * limits.account) for count in accounts.values())

    def _left(self, account: Account) -> tuple[int, int]:
        project = self._project_left(account.project)
        return min(self._account_left(account), project), project

    def _account_left(self, account: Account) -> int:
        use = self._of_account.get(account.email)
        return self._pool.limits.account - (use.count if use else 0)

    def _project_left(self, project: str) -> int:
        use = self._of_project.get(project)
        return self._pool.limits.project - (use.count if use else 0)

    def _free_at(self) -> float:
        """When the first account has room again: its own oldest call has left the window, and its project's."""
        window = self._pool.window_seconds
        return min(
            max(
                self._of_account[account.email].oldest + window if self._account_left(account) <= 0 else 0.0,
                self._of_project[account.project].oldest + window
                if self._project_left(account.project) <= 0
                else 0.0,
            )
            for account in self._pool.accounts
        )


def _by_project(uses: Sequence[Use]) -> Mapping[str, Use]:
    found: dict[str, Use] = {}
    for use in uses:
        before = found.get(use.project, Use("", use.project, 0, use.oldest))
        found[use.project] = Use("", use.project, before.count + use.count, min(before.oldest, use.oldest))
    return found


def in_order(waiting: Sequence[Waiting]) -> list[Waiting]:
    """Whose spreadsheet was granted least within the window goes first, of equals who asked first.

    Of several for one spreadsheet each counts those before it as granted.
    """
    before: Counter[str] = Counter()
    ranks: dict[int, int] = {}
    for one in sorted(waiting, key=_asked):
        ranks[one.turn] = one.granted + before[one.spreadsheet_id]
        before[one.spreadsheet_id] += 1
    return sorted(waiting, key=lambda one: (ranks[one.turn], *_asked(one)))


def _asked(one: Waiting) -> tuple[float, int]:
    return one.asked_at, one.turn


def account_uses(pool: Pool, uses: Mapping[CallKind, Sequence[Use]]) -> tuple[AccountUse, ...]:
    """Of each account of the pool what it was granted, nothing where nothing was."""
    counts = {(kind, use.email): use.count for kind, found in uses.items() for use in found}
    return tuple(
        AccountUse(one.email, one.project, counts.get(("read", one.email), 0), counts.get(("write", one.email), 0))
        for one in pool.accounts
    )


class Buckets(Protocol):
    """What holds the limits and keeps the lines; whoever shares it shares the quota."""

    @property
    def pool(self) -> Pool: ...

    def ask(self, kind: CallKind, spreadsheet_id: str, turn: int | None) -> Granted | Later:
        """Looks once whether the turn has come (None: who comes newly). Waits for nobody. Raises LeaseLostError
        where it cannot be told."""
        ...

    def leave(self, kind: CallKind, turn: int) -> None:
        """Takes out of the line who does not wait on."""
        ...

    def used(self) -> tuple[AccountUse, ...]:
        """Of each account of the pool, what it was granted within the last window, to whomever. Raises
        LeaseLostError."""
        ...


@dataclass(frozen=True, slots=True)
class SharedBudget:
    """A Budget on buckets that others use, too. `sleep` takes seconds and may raise StoppedError, `clock` gives
    seconds that never go back."""

    buckets: Buckets
    sleep: Callable[[float], None]
    clock: Callable[[], float]

    def admit(self, kind: CallKind, spreadsheet_id: str) -> int:
        """Raises QuotaExhaustedError after PATIENCE_SECONDS; StoppedError, of `sleep`; LeaseLostError."""
        began, turn = self.clock(), None
        try:
            while True:
                answer = self.buckets.ask(kind, spreadsheet_id, turn)
                if isinstance(answer, Granted):
                    return answer.account
                turn, waited = answer.turn, self.clock() - began
                if waited >= PATIENCE_SECONDS:
                    raise _exhausted(kind, waited)
                self.sleep(min(answer.seconds, PATIENCE_SECONDS - waited))
        except BaseException:
            if turn is not None:
                self.buckets.leave(kind, turn)
            raise


def _exhausted(kind: CallKind, waited: float) -> QuotaExhaustedError:
    return QuotaExhaustedError(
        f"no {kind} call to Google was free for {waited:.0f} s: those who share its quota ask for more",
        waited=waited,
        hint="Raise `interval_seconds`, add service accounts to `[google] credentials_files`, or ask Google for a "
        "higher quota and set `project_requests_per_minute` and `account_requests_per_minute` to it.",
    )
