"""An even part of a quota: whoever comes, goes or is cut off, together they have never more than the whole."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moneymentor_sync.adapters.budget_memory import MemoryBuckets
from moneymentor_sync.core.budget import Account, Granted, Later, Limits, Pool
from moneymentor_sync.core.even_share import EvenShare, Part

WINDOW = 60.0
POOL = Pool(
    (Account("a@p.iam.gserviceaccount.com", "p"), Account("b@p.iam.gserviceaccount.com", "p")), Limits(900, 540)
)


SMALL = replace(POOL, limits=Limits(60, 40))


def share(*seen: tuple[float, int | None]) -> EvenShare:
    found = EvenShare(WINDOW)
    for now, alive in seen:
        found.see(alive, now)
    return found


@pytest.mark.parametrize(
    ("seen", "now", "part"),
    [
        ([], 5, None),
        ([(0, None)], 5, None),
        ([(0, 1)], 5, Part(9, 10)),
        ([(0, 3)], 5, Part(1, 90)),  # it has come to others
        ([(0, 3), (40, 3), (69, 3)], 69, Part(1, 90)),
        ([(0, 3), (40, 3), (70, 3)], 70, Part(9, 30)),
        ([(0, 1), (30, 2)], 30, Part(9, 20)),  # somebody came to it
        ([(0, 1), (1, 3), (2, 3), (50, 3), (51, 2)], 100, Part(9, 30)),  # who went may have used its part
        ([(0, 1), (1, 3), (2, 3), (50, 3), (51, 2), (80, 2), (112, 2)], 112, Part(9, 20)),
        ([(0, 1), (1, 2), (2, None), (900, None)], 900, Part(9, 20)),  # who knows nothing goes on as before
        ([(0, 1), (1, 2), (2, None), (900, 2)], 901, Part(1, 40)),  # and is new to the others after so long
        ([(0, 1), (1, 2), (2, None), (20, 2)], 21, Part(9, 20)),
    ],
)
def test_the_part_goes_by_those_of_the_last_minute(
    seen: list[tuple[float, int | None]], now: float, part: Part | None
) -> None:
    assert share(*seen).part(now) == part


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


class Member:
    def __init__(self, clock: Clock, alive: set[int], number: int, pool: Pool = POOL) -> None:
        self.number = number
        self.buckets = MemoryBuckets(pool, clock, lambda: len(alive) if number in alive else None)

    def take_all(self) -> list[int]:
        taken = []
        while isinstance(answer := self.buckets.ask("write", "s", None), Granted):
            taken.append(answer.account)
        self.buckets.leave("write", answer.turn)
        return taken


@settings(deadline=None, max_examples=60)
@given(st.lists(st.lists(st.tuples(st.integers(1, 4), st.booleans()), max_size=2), max_size=14))
def test_greedy_members_that_come_and_go_never_have_more_than_the_whole(
    happens: list[list[tuple[int, bool]]],
) -> None:
    clock, alive, members = Clock(), set[int](), dict[int, Member]()
    granted: list[tuple[float, int]] = []
    for events in [[(0, True)], *happens]:  # one is there and stays
        for number, comes in events:
            if comes and number not in alive:
                alive.add(number)
                members[number] = Member(clock, alive, number, SMALL)
            elif not comes:
                alive.discard(number)
                members.pop(number, None)
        for member in members.values():
            member.buckets.used()  # all see at once who is there
        for member in members.values():
            granted += [(clock.now, account) for account in member.take_all()]
        recent = [account for at, account in granted if at > clock.now - WINDOW]
        assert len(recent) <= SMALL.limits.project
        assert all(recent.count(account) <= SMALL.limits.account for account in (0, 1))
        clock.now += 15.0


def test_a_member_without_a_part_waits_and_then_has_its_own() -> None:
    clock, alive = Clock(), set[int]()
    member = Member(clock, alive, 0)
    assert isinstance(member.buckets.ask("read", "s", None), Later)
    assert member.buckets.pool.limits == POOL.limits
    alive |= {0, 1, 2}
    assert member.buckets.pool.limits == Limits(10, 6)
    clock.now += 40.0
    member.buckets.used()
    clock.now += 31.0
    assert member.buckets.pool.limits == Limits(270, 162)
    assert len(member.take_all()) == 270
