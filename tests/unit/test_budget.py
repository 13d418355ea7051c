"""Which account goes next, who waits for whom, and that no window ever holds more calls than it may."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.adapters.budget_memory import MemoryBuckets
from moneymentor_sync.core.budget import (
    PATIENCE_SECONDS,
    Account,
    Book,
    Granted,
    Later,
    Limits,
    Pool,
    SharedBudget,
    Use,
    Waiting,
    in_order,
    project_of,
)
from moneymentor_sync.core.errors import QuotaExhaustedError, StoppedError
from moneymentor_sync.core.resilience import RetryRules, Spent, next_try
from moneymentor_sync.core.rights import CallKind

A, B, C = Account("a@p", "p"), Account("b@p", "p"), Account("c@q", "q")


@dataclass
class Clock:
    now: float = 1000.0
    slept: list[float] = field(default_factory=list)

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


def test_the_limits_are_a_tenth_below_googles() -> None:
    assert Limits.below(300, 60) == Limits() == Limits(project=270, account=54)
    assert Limits.below(1, 1) == Limits(1, 1)


@pytest.mark.parametrize(
    ("email", "project"),
    [("sync@shop-1.iam.gserviceaccount.com", "shop-1"), ("1-compute@developer.gserviceaccount.com", None)],
)
def test_the_project_is_in_the_address(email: str, project: str | None) -> None:
    assert project_of(email) == (project or "developer.gserviceaccount.com")


@pytest.mark.parametrize(
    ("uses", "chosen", "room"),
    [
        ([], 0, 8),  # of equals the first; two accounts of 3 in a project of 5, and one of 3
        ([Use("a@p", "p", 1, 9)], 2, 7),  # c has most: its project has it for itself
        ([Use("a@p", "p", 1, 9), Use("c@q", "q", 2, 9)], 1, 5),
        ([Use("x@p", "p", 5, 9)], 2, 3),  # somebody else's account has used up the project of a and b
        ([Use("x@p", "p", 4, 9), Use("c@q", "q", 3, 9)], 0, 1),
        ([Use("x@p", "p", 6, 9), Use("c@q", "q", 4, 9)], None, 0),  # more than may be, by others' limits
    ],
)
def test_the_account_with_most_left_goes_next(uses: list[Use], chosen: int | None, room: int) -> None:
    book = Book(Pool((A, B, C), Limits(project=5, account=3)), uses, 10)
    assert (book.choose(), book.room) == (chosen, room)


def waiting(*those: tuple[int, str, float, int]) -> list[Waiting]:
    return [Waiting(*one) for one in those]


def test_whose_spreadsheet_got_least_goes_first_then_who_asked_first() -> None:
    found = in_order(waiting((1, "s", 1, 2), (2, "t", 3, 0), (3, "u", 2, 0), (4, "s", 4, 2), (5, "t", 5, 0)))
    assert [one.turn for one in found] == [3, 2, 5, 1, 4]


def test_as_many_go_at_once_as_there_is_room_for() -> None:
    book = Book(Pool((A,), Limits(9, 3)), [Use("a@p", "p", 1, 9)], 10)
    line = waiting((1, "s", 1, 0), (2, "t", 2, 0), (3, "u", 3, 0))
    assert [book.answer(turn, line, {}) for turn in (1, 2)] == [0, 0]
    assert book.answer(3, line, {}) == Later(3, 0.2)


@pytest.mark.parametrize(
    ("oldest", "seconds"), [(30.0, 1.0), (-49.7, 0.3), (-49.99, 0.05)]
)  # never longer than it takes to be seen, never a busy loop
def test_a_wait_ends_when_the_first_call_leaves_the_window(oldest: float, seconds: float) -> None:
    book = Book(Pool((A,), Limits(9, 3)), [Use("a@p", "p", 3, oldest)], 10)
    answer = book.answer(1, waiting((1, "s", 1, 0)), {})
    assert isinstance(answer, Later)
    assert answer.seconds == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("granted", "others", "may"),
    [
        (2, {"t": 0, "u": 0}, True),  # less than its third of 9
        (3, {"t": 0, "u": 0}, False),  # its third: the other six are the others'
        (3, {"t": 3, "u": 2}, False),  # one is left, and u's
        (3, {"t": 3}, True),  # u asks for nothing at this time
        (5, {}, True),
    ],
)
def test_who_had_an_even_share_leaves_the_others_theirs(granted: int, others: dict[str, int], may: bool) -> None:
    total = granted + sum(others.values())
    book = Book(Pool((A,), Limits(9, 9)), [Use("a@p", "p", total, 9)], 10)
    answer = book.answer(1, waiting((1, "s", 1, granted)), {"s": granted, **others})
    assert answer == (0 if may else Later(1, 0.2))


# --- everything together, in simulated time -------------------------------------------------------------------

MOMENTS = st.lists(
    st.tuples(st.floats(0, 30), st.sampled_from(["read", "write"]), st.sampled_from("stuv")),
    min_size=1,
    max_size=80,
)


@dataclass
class Told:
    at: float
    kind: str
    account: int
    spreadsheet_id: str


def simulate(pool: Pool, wanted: list[tuple[float, CallKind, str]]) -> list[Told]:
    """All who want a call, each at its moment, as an event loop would have them ask, wait and ask again."""
    clock = Clock(0.0)
    buckets = MemoryBuckets(pool, clock)
    due: list[tuple[float, int, CallKind, str, int | None]] = [
        (at, index, kind, sheet, None) for index, (at, kind, sheet) in enumerate(wanted)
    ]
    told: list[Told] = []
    while due:
        at, index, kind, sheet, turn = due.pop(due.index(min(due, key=lambda one: one[:2])))
        clock.now = max(clock.now, at)
        answer = buckets.ask(kind, sheet, turn)
        if isinstance(answer, Granted):
            told.append(Told(clock.now, kind, answer.account, sheet))
        else:
            due.append((clock.now + answer.seconds, index, kind, sheet, answer.turn))
    return told


def most_in_a_window(moments: list[float], seconds: float) -> int:
    return max((sum(start <= at < start + seconds for at in moments) for start in moments), default=0)


@given(MOMENTS, st.integers(1, 6), st.integers(1, 4))
def test_no_window_ever_holds_more_than_the_limits(
    wanted: list[tuple[float, CallKind, str]], project: int, account: int
) -> None:
    pool = Pool((A, B, C), Limits(project, account), window_seconds=5.0)
    told = simulate(pool, wanted)
    assert len(told) == len(wanted), "everybody gets a turn"
    for kind in ("read", "write"):
        for index in range(3):
            mine = [one.at for one in told if one.kind == kind and one.account == index]
            assert most_in_a_window(mine, 5.0) <= account
        both = [one.at for one in told if one.kind == kind and one.account < 2]
        assert most_in_a_window(both, 5.0) <= project


@given(st.integers(1, 12), st.lists(st.integers(0, 8), min_size=2, max_size=4), st.randoms(use_true_random=False))
def test_what_there_is_is_shared_as_evenly_as_what_is_wanted_allows(
    limit: int, wants: list[int], chance: random.Random
) -> None:
    """Max-min, in whatever order they look: who wants little gets it, the others equally much of what is left, give
    or take two calls (what is kept for who was just served may go to another in the end)."""
    clock = Clock(0.0)
    buckets = MemoryBuckets(Pool((A,), Limits(99, limit), window_seconds=20.0), clock)
    assert all(isinstance(buckets.ask("read", "filler", None), Granted) for _ in range(limit))
    clock.now = 18.0
    line: list[tuple[str, int]] = []
    for sheet in (str(number) for number, want in enumerate(wants) for _ in range(want)):
        answer = buckets.ask("read", sheet, None)
        assert isinstance(answer, Later), "there is nothing yet"
        line.append((sheet, answer.turn))
    got: Counter[str] = Counter()
    # What is kept for who has just been served is given when it is not asked for any more: three seconds later.
    for clock.now in (20.5, 23.4, 26.3, 29.2, 32.1, 35.0, 37.9):
        chance.shuffle(line)
        for sheet, turn in list(line):
            if isinstance(buckets.ask("read", sheet, turn), Granted):
                got[sheet] += 1
                line.remove((sheet, turn))
    fair = filled(limit, wants)
    assert sum(got.values()) == sum(fair), "nothing is left while somebody wants it"
    assert all(abs(got[str(number)] - share) <= 2 for number, share in enumerate(fair))


def filled(limit: int, wants: list[int]) -> list[int]:
    """One at a time to whoever has least and wants more, the first of equals."""
    got = [0] * len(wants)
    for _ in range(min(limit, sum(wants))):
        hungry = [number for number, want in enumerate(wants) if got[number] < want]
        got[min(hungry, key=lambda number: got[number])] += 1
    return got


def test_a_waiter_that_is_not_seen_any_more_holds_nobody_up() -> None:
    clock = Clock()
    buckets = MemoryBuckets(Pool((A,), Limits(9, 1), window_seconds=5.0), clock)
    assert buckets.ask("write", "s", None) == Granted(0)
    gone = buckets.ask("write", "t", None)
    assert isinstance(gone, Later)
    clock.now += 4.9
    mine = buckets.ask("write", "u", None)
    assert isinstance(mine, Later)
    clock.now += 0.2
    assert buckets.ask("write", "u", mine.turn) == Granted(0)  # though who is gone asked first


# --- waiting --------------------------------------------------------------------------------------------------


@dataclass
class Full:
    """Buckets without room, ever."""

    pool: Pool = field(default_factory=lambda: Pool((A,)))
    left: list[tuple[CallKind, int]] = field(default_factory=list)

    def ask(self, kind: CallKind, spreadsheet_id: str, turn: int | None) -> Later:
        return Later(7 if turn is None else turn, 1.0)

    def leave(self, kind: CallKind, turn: int) -> None:
        self.left.append((kind, turn))

    def used(self) -> tuple[()]:
        return ()


def stop(_seconds: float) -> None:
    raise StoppedError("the daemon stops")


def test_who_waited_for_two_minutes_is_told_what_to_do() -> None:
    clock, full = Clock(), Full()
    with pytest.raises(QuotaExhaustedError, match="120 s") as caught:
        SharedBudget(full, clock.sleep, clock).admit("write", "s")
    assert sum(clock.slept) == PATIENCE_SECONDS
    assert full.left == [("write", 7)]
    assert "credentials_files" in caught.value.hint
    assert next_try(caught.value, Spent(), RetryRules(), 0.5) is None, "the wait counts as the sync's own"


@pytest.mark.parametrize(("sleep", "kind"), [(stop, StoppedError)])
def test_who_is_stopped_leaves_the_line(sleep: Callable[[float], None], kind: type[Exception]) -> None:
    full = Full()
    with pytest.raises(kind):
        SharedBudget(full, sleep, Clock()).admit("read", "s")
    assert full.left == [("read", 7)]
