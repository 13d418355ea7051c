"""A member's beat: what it takes, gives back and lets go of, and what it tells of it."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future
from typing import Any

import pytest

from moneymentor_sync.core.errors import StateError
from moneymentor_sync.core.settings import ClusterSettings
from moneymentor_sync.core.sharing import shard_of
from moneymentor_sync.daemon.heart import Heart
from moneymentor_sync.daemon.membership import MEMBERSHIP, Membership
from moneymentor_sync.daemon.parts import FleetEdges, Identity
from moneymentor_sync.sync.tenure import Tenure

from .fleet_doubles import Engine, Register

LEASE = 10.0
SHEETS = [f"sheet {number}" for number in range(8)]
SHARDS = [shard_of(sheet) for sheet in SHEETS]


class Dataset:
    def __init__(self, sheet: str) -> None:
        self.name, self.spreadsheet_id = sheet, sheet


class Configured:
    datasets = tuple(map(Dataset, SHEETS))


class Scene:
    """A daemon's membership, beaten by hand; it is also its daemon."""

    def __init__(self) -> None:
        self.now = 100.0
        self.engine, self.register = Engine(), Register()
        self.tenure = Tenure(self.engine, LEASE, lambda: self.now)
        self.heart = Heart(lambda: self.now)
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.gained_sheets: list[str] = []
        self.stopping = False
        edges = FleetEdges(ClusterSettings("x", LEASE), "me", self.tenure, self.register, lambda _config: None)
        self.membership = Membership(edges, Identity("1", 7), self, self.heart, lambda: self.now, self._emit)

    def _emit(self, event: str, **fields: Any) -> None:
        self.events.append((event, fields))

    def config(self) -> Any:
        return Configured()

    def gained(self, spreadsheet_ids: Collection[str]) -> None:
        self.gained_sheets += spreadsheet_ids

    def is_open(self) -> bool:
        return not self.stopping

    def refresh(self) -> None: ...

    def runs_ended(self) -> int:
        return 0

    def report(self) -> tuple[str, dict[str, Any]]:
        return "healthy", {}

    def force_here(self, names: Collection[str], *, allow_deletes: bool) -> Future[dict[str, Any]]:
        raise NotImplementedError

    def notice_here(self, names: Collection[str]) -> None:
        raise NotImplementedError

    def beat(self, times: int = 1, *, seconds: float = 1.0) -> None:
        for _ in range(times):
            self.now += seconds
            self.membership.beat()

    def told(self, event: str) -> list[dict[str, Any]]:
        return [fields for name, fields in self.events if name == event]

    @property
    def held(self) -> set[int]:
        return {*self.tenure.epochs}


@pytest.fixture
def scene() -> Scene:
    assert len(set(SHARDS)) == len(SHEETS)
    return Scene()


def test_who_is_alone_has_all_and_syncs_it(scene: Scene) -> None:
    scene.beat()
    assert scene.held == {*SHARDS} and sorted(scene.gained_sheets) == SHEETS
    view = scene.membership.view
    assert view is not None and view.me == 1 and view.error is None
    assert scene.told("cluster.taken") == [{"spreadsheets": 8, "members": 1}]
    scene.beat(3)
    assert len(scene.told("cluster.taken")) == 1, "nothing is told, or taken, that is so already"


def test_half_of_it_goes_to_one_that_joins_but_what_is_worked_on(scene: Scene) -> None:
    scene.beat()
    scene.engine.alive = 2
    with scene.tenure.work(SHEETS[0]), scene.tenure.work(SHEETS[1]):
        scene.beat(5)
        assert {SHARDS[0], SHARDS[1]} <= scene.held and len(scene.held) < 8
    scene.beat(5)
    assert len(scene.held) == 4


def test_a_register_that_fails_costs_no_spreadsheet_and_is_told_once(scene: Scene) -> None:
    scene.beat()
    scene.register.broken = True
    scene.beat(9)
    assert len(scene.held) == 8 and not scene.told("cluster.lost")
    view = scene.membership.view
    assert view is not None and view.me == 1 and view.error == "gone"
    assert scene.told("cluster.mute") == [{"message": "gone"}]
    scene.register.broken = False
    scene.beat()
    assert scene.membership.view is not None and scene.membership.view.error is None


def test_who_joins_again_and_again_is_in_the_register_once(scene: Scene) -> None:
    scene.engine.broken = True
    scene.beat(5)
    assert scene.register.joined == [1, 2, 3, 4, 5]
    assert scene.register.left == [1, 2, 3, 4]


@pytest.mark.parametrize("trouble", ["engine", "proof", "silence"])
def test_in_trouble_it_holds_nothing_and_says_what_it_had(scene: Scene, trouble: str) -> None:
    scene.beat()
    if trouble == "proof":  # a sync notices it before the membership does
        scene.engine.mine.clear()
        with pytest.raises(Exception, match="no longer"):
            scene.tenure.prove(SHEETS[0])
    elif trouble == "silence":
        scene.heart.expect("worker", 60.0)
        scene.now += 61
        scene.heart.beat(MEMBERSHIP)
    else:
        scene.engine.broken = True
    scene.beat()
    assert not scene.held and not scene.engine.mine
    assert [one["spreadsheets"] for one in scene.told("cluster.lost")] == [8]
    view = scene.membership.view
    assert view is not None and view.me is None and view.error
    scene.beat(3)
    if trouble == "proof":
        assert len(scene.held) == 8, "it begins anew, as another member"
    else:
        assert not scene.held and len(scene.told("cluster.lost")) == 1, "once is enough"


def test_a_worker_that_is_heard_again_makes_it_a_member_again(scene: Scene) -> None:
    scene.beat()
    scene.heart.expect("worker", 60.0)
    scene.beat(1, seconds=61)
    assert not scene.held and "worker" in scene.told("cluster.lost")[0]["message"]
    scene.heart.beat("worker")
    scene.beat()
    assert len(scene.held) == 8 and scene.register.joined == [1, 2]


def outage(scene: Scene, *, alive_before: int, alive_after: int) -> set[int]:
    """The engine is gone for some beats; what the member had."""
    scene.engine.alive = alive_before
    scene.beat(4)
    had = scene.held
    scene.engine.broken = True
    scene.beat(2)
    assert not scene.held
    scene.engine.broken, scene.engine.alive = False, alive_after
    return had


def test_after_an_outage_the_first_one_back_takes_only_what_it_had(scene: Scene) -> None:
    had = outage(scene, alive_before=2, alive_after=1)
    assert 0 < len(had) < 8
    scene.beat(3)
    assert scene.held == had
    scene.beat(2, seconds=LEASE)
    assert scene.held == {*SHARDS}, "a lease later whoever is not there is not waited for"


def test_after_an_outage_from_which_all_are_back_nothing_is_left_lying(scene: Scene) -> None:
    had = outage(scene, alive_before=2, alive_after=2)
    scene.engine.others |= {*sorted({*SHARDS} - had)[1:]}  # the other one got all that it had but one
    scene.beat(2)
    assert scene.held >= had


def test_who_ends_gives_all_back_and_leaves_the_register(scene: Scene) -> None:
    scene.membership.start()
    scene.membership.stop()
    assert not scene.engine.mine and scene.register.left == scene.register.joined


def test_what_nobody_else_takes_is_taken_above_the_share_and_kept(scene: Scene) -> None:
    """The other one is not configured with it, so that its share stays free."""
    scene.engine.alive = 2
    scene.beat(3)
    assert len(scene.held) == 4
    scene.beat(int(LEASE) + 2)
    assert len(scene.held) == 8
    scene.beat(30)
    assert len(scene.held) == 8, "it is not given and taken in turns"
    scene.engine.alive = 1
    scene.beat(3)
    assert len(scene.held) == 8


def test_one_that_stops_takes_nothing_and_gives_what_is_not_being_worked_on(scene: Scene) -> None:
    scene.beat()
    scene.stopping = True
    with scene.tenure.work(SHEETS[0]):
        scene.beat(3)
        assert scene.held == {SHARDS[0]}
    scene.beat()
    assert scene.held == set()
    scene.beat(30)
    assert scene.held == set()


def test_without_a_proof_for_so_long_it_does_not_say_that_it_has_anything(scene: Scene) -> None:
    scene.beat()
    assert scene.membership.view.me == 1
    scene.now += LEASE
    view = scene.membership.view
    assert view.me is None and not view.alive and view.error


def test_its_own_state_file_in_trouble_costs_no_spreadsheet(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Any:
        raise StateError("locked")

    monkeypatch.setattr(scene, "report", fail)
    scene.beat(3)
    assert len(scene.held) == 8 and scene.told("cluster.mute") == [{"message": "locked"}]
