"""Members that each follow the rules on their own share the spreadsheets out, and come to rest."""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.sharing import SHARDS, Share, shard_of, share, takes, weights

Picture = Mapping[str, Collection[int]]


class Fleet:
    """Members with the shards they hold. A step is one beat of one member, as the daemon's membership does it."""

    def __init__(self, shards: Mapping[int, int], members: Iterable[str]) -> None:
        self.shards = shards
        self.held: dict[str, set[int]] = {name: set() for name in members}
        self.free: dict[str, frozenset[int]] = {}
        self.hangs: set[str] = set()
        self.failed = 0
        self.moves: list[int] = []  # each shard as it gets another holder than its last
        self.last: dict[int, str] = {}

    def picture(self) -> Picture:
        return {name: frozenset(held) for name, held in self.held.items()}

    def step(self, name: str, picture: Picture | None = None) -> bool:
        """Whether anything changed. A member knows what it holds itself, whatever the age of its picture."""
        mine = self.held[name]
        others = {other: held for other, held in (picture or self.picture()).items() if other != name}
        step = share(self.shards, name, mine, others)
        mine.difference_update(step.give)
        taken = {shard for shard in self._chosen(name, step) if self._try(name, shard)}
        self.free[name] = frozenset(step.take) - taken
        return bool(step.give or taken)

    def _chosen(self, name: str, step: Share) -> list[int]:
        load, chosen, before = self.load(name), [], self.free.get(name, frozenset())
        for shard in step.take:
            if takes(load, self.shards[shard], step.fair, lingers=shard in before):
                chosen.append(shard)
                load += self.shards[shard]
        return chosen

    def _try(self, name: str, shard: int) -> bool:
        if any(shard in held for held in self.held.values()):
            self.failed += 1
            return False
        self.held[name].add(shard)
        if self.last.setdefault(shard, name) != name:
            self.moves.append(shard)
            self.last[shard] = name
        return True

    def rest(self, order: list[str] | None = None, *, within: int = 40) -> int:
        """Beats until nothing changes any more (three quiet ones, since what lingers is taken a beat later)."""
        quiet = 0
        for beat in range(within):
            steps = [self.step(name) for name in order or sorted(self.held) if name not in self.hangs]
            quiet = 0 if any(steps) else quiet + 1
            if quiet == 3:
                return beat - 2
        pytest.fail(f"no rest within {within} beats: {self.loads()}")

    def load(self, name: str) -> int:
        return sum(self.shards.get(shard, 0) for shard in self.held[name])

    def loads(self) -> dict[str, int]:
        return {name: self.load(name) for name in self.held}

    def moved(self) -> int:
        """Spreadsheets that got another member since this was last asked."""
        moves, self.moves = self.moves, []
        return sum(self.shards[shard] for shard in moves)


def at_rest(fleet: Fleet) -> None:
    """What holds then: each shard with spreadsheets has one holder, others none; loads are as even as promised."""
    assert sorted(shard for held in fleet.held.values() for shard in held) == sorted(fleet.shards)
    loads = fleet.loads()
    for name, held in fleet.held.items():
        if loads[name] * len(loads) > sum(fleet.shards.values()):  # more than the share
            assert loads[name] - min(loads.values()) < 2 * min(fleet.shards[shard] for shard in held)


def fleet_of(spreadsheets: int, members: int, seed: int) -> Fleet:
    return Fleet(
        weights(f"sheet-{seed}-{one}" for one in range(spreadsheets)), [f"m{one}" for one in range(members)]
    )


# --- values ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spreadsheet", "shard"), [("", 692), ("1BxiMVs0XRA5nFMdKvBdBZjgmUUqptlbs74OgvE2upms", 323), ("ü", 823)]
)
def test_a_spreadsheet_has_the_same_shard_for_ever(spreadsheet: str, shard: int) -> None:
    assert shard_of(spreadsheet) == shard


def test_shards_have_all_spreadsheets_once_and_about_alike() -> None:
    found = weights([*map(str, range(10_000)), "7"])
    assert sum(found.values()) == 10_000
    assert found.keys() <= set(range(SHARDS))
    assert max(found.values()) < 30


def test_one_that_is_alone_takes_everything_at_once() -> None:
    fleet = fleet_of(500, 1, 1)
    assert fleet.step("m0")
    assert fleet.loads() == {"m0": 500}
    assert not fleet.step("m0")


def test_what_has_no_spreadsheet_any_more_is_given_back() -> None:
    step = share({1: 1, 2: 1}, "a", {1, 9}, {"b": {2, 8}})
    assert step == Share((), (9,), 1.0)


def test_what_no_member_holds_is_tried_for_only_when_it_is_free() -> None:
    assert share({1: 1, 2: 1}, "a", (), {"b": ()}, strays={1}).take == (2,)


def test_a_try_for_what_somebody_has_meanwhile_taken_fails_and_costs_nothing() -> None:
    fleet = Fleet({1: 1}, "ab")
    before = fleet.picture()
    for name in "aabb":  # it is more than the share of each, and taken when it lingers
        fleet.step(name, before)
    assert fleet.failed
    assert fleet.held == {"a": {1}, "b": set()}


@pytest.mark.parametrize(
    ("load", "weight", "lingers", "taken"),
    [(9, 1, False, True), (9, 2, False, False), (9, 2, True, True), (10, 1, True, False), (10.0, 0, False, True)],
)
def test_what_fits_is_taken_and_what_lingers_by_whoever_has_less_than_the_share(
    load: int, weight: int, lingers: bool, taken: bool
) -> None:
    assert takes(load, weight, 10.0, lingers=lingers) is taken


# --- any beginning, any order ----------------------------------------------------------------------------

MEMBERS = [f"m{one}" for one in range(6)]


@st.composite
def beginnings(draw: st.DrawFn) -> Fleet:
    members = MEMBERS[: draw(st.integers(1, len(MEMBERS)))]
    owners = st.sampled_from([*members, ""])
    shards = draw(st.dictionaries(st.integers(0, 60), st.tuples(st.integers(0, 30), owners), max_size=40))
    fleet = Fleet({shard: weight for shard, (weight, _) in shards.items() if weight}, members)
    for shard, (_, owner) in shards.items():
        if owner:
            fleet.held[owner].add(shard)
    return fleet


@given(beginnings(), st.lists(st.tuples(st.sampled_from(MEMBERS), st.booleans()), max_size=30), st.randoms())
def test_from_any_holdings_in_any_order_they_come_to_rest(
    fleet: Fleet, steps: list[tuple[str, bool]], rng: random.Random
) -> None:
    older = fleet.picture()
    for name, looks in steps:
        if name in fleet.held:
            older = fleet.picture() if looks else older
            fleet.step(name, older)
    order = sorted(fleet.held)
    rng.shuffle(order)
    fleet.rest(order)
    at_rest(fleet)
    fleet.moved()
    for _ in range(20):
        rng.shuffle(order)
        assert not any(fleet.step(name) for name in order)  # rest is rest, whoever looks next


@given(beginnings(), st.randoms())
def test_also_where_all_look_at_what_was_a_beat_ago(fleet: Fleet, rng: random.Random) -> None:
    for _ in range(60):
        before = fleet.picture()
        changed = [fleet.step(name, before) for name in rng.sample(sorted(fleet.held), len(fleet.held))]
    assert not any(changed)
    at_rest(fleet)


@given(beginnings())
def test_what_is_given_up_makes_loads_more_even_whoever_takes_it(fleet: Fleet) -> None:
    """The proof of rest: once all are held, the sum of squares falls with each move, so that there is an end."""
    fleet.rest()
    fleet.held["new"] = set()
    squares = [sum(load**2 for load in fleet.loads().values())]
    for _ in range(30):
        for name in sorted(fleet.held):
            fleet.step(name)
        if set(fleet.shards) == set().union(*fleet.held.values()):
            squares.append(sum(load**2 for load in fleet.loads().values()))
    assert squares == sorted(squares, reverse=True)


@given(beginnings(), st.sampled_from(MEMBERS))
def test_one_that_hangs_keeps_from_the_others_its_own_share_and_one_shard(fleet: Fleet, name: str) -> None:
    """It keeps what it holds until its lease ends; of the rest only what it would take stays free as long."""
    fleet.held |= {one: fleet.held.get(one, set()) for one in (name, "well")}
    fleet.hangs.add(name)
    for _ in range(8):
        for one in sorted(fleet.held.keys() - fleet.hangs):
            fleet.step(one)
    free = fleet.shards.keys() - set().union(*fleet.held.values())
    room = max(0, sum(fleet.shards.values()) / len(fleet.held) - fleet.load(name))
    assert sum(fleet.shards[shard] for shard in free) <= room + max(fleet.shards.values(), default=0)
    del fleet.held[name]
    fleet.rest()
    at_rest(fleet)


# --- who joins and who leaves -----------------------------------------------------------------------------

SIZES: list[Any] = [
    # spreadsheets, members, most of a share that moves on a join, on a leave; the fewest and the most of a share
    pytest.param(200, 3, 1.0, 1.0, id="200 on 3"),
    pytest.param(3_000, 10, 1.05, 1.05, id="3,000 on 10"),
    pytest.param(10_000, 4, 1.05, 1.05, id="10,000 on 4"),
    pytest.param(10_000, 32, 1.25, 1.6, id="10,000 on 32"),
    pytest.param(1_000, 100, 1.25, 2.5, id="1,000 on 100"),
]


@pytest.mark.parametrize(("spreadsheets", "members", "on_join", "on_leave"), SIZES)
@pytest.mark.parametrize("seed", [1, 2])
def test_who_joins_gets_its_share_and_who_leaves_moves_its_own(
    spreadsheets: int, members: int, on_join: float, on_leave: float, seed: int
) -> None:
    fleet = fleet_of(spreadsheets, members, seed)
    fleet.rest()
    at_rest(fleet)
    assert fleet.moved() <= spreadsheets * 0.05
    fleet.held["new"] = set()
    fleet.rest()
    at_rest(fleet)
    fair = spreadsheets / (members + 1)
    assert abs(fleet.load("new") - fair) < 2 * max(fleet.shards.values())
    assert fleet.load("new") >= 0.85 * fair - 1
    assert fleet.moved() <= on_join * fair + 1
    left = fleet.load("m0")
    del fleet.held["m0"]
    fleet.rest()
    at_rest(fleet)
    assert left <= fleet.moved() <= on_leave * left + 1


def test_a_fleet_that_grows_and_shrinks_again_and_again_stays_even() -> None:
    fleet, rng = fleet_of(2_000, 2, 3), random.Random(3)
    for turn in range(30):
        if len(fleet.held) < 2 or (rng.random() < 0.6 and len(fleet.held) < 12):
            fleet.held[f"later{turn}"] = set()
        else:
            del fleet.held[rng.choice(sorted(fleet.held))]
        fleet.rest(rng.sample(sorted(fleet.held), len(fleet.held)))
        at_rest(fleet)
        fair = 2_000 / len(fleet.held)
        assert all(abs(load - fair) <= 8 for load in fleet.loads().values())


def test_several_that_join_at_once_get_their_shares_and_no_shard_moves_between_the_old_ones() -> None:
    fleet = fleet_of(200, 2, 5)
    fleet.rest()
    fleet.moved()
    fleet.held.update({"c": set(), "d": set()})
    fleet.rest()
    assert fleet.loads() == {"m0": 50, "m1": 50, "c": 50, "d": 50}
    assert fleet.moved() == 100
