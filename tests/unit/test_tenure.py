"""What a process holds of a fleet's spreadsheets: in doubt nothing, and nothing that began under another epoch."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from moneymentor_sync.core.errors import ClusterError, LeaseLostError
from moneymentor_sync.core.sharing import shard_of
from moneymentor_sync.sync.tenure import SAFE_SHARE, Tenure

from .fleet_doubles import Engine

LEASE = 10.0
ONE, TWO = "one", "two"
SHARDS = shard_of(ONE), shard_of(TWO)


class Scene:
    def __init__(self) -> None:
        self.now = 100.0
        self.engine = Engine()
        self.tenure = Tenure(self.engine, LEASE, lambda: self.now)
        self.tenure.begin(1)
        assert set(self.tenure.take(SHARDS)) == {*SHARDS}


@pytest.fixture
def scene() -> Scene:
    assert SHARDS[0] != SHARDS[1]
    return Scene()


def test_what_is_held_is_proven_again_and_again(scene: Scene) -> None:
    for _ in range(5):
        scene.now += SAFE_SHARE * LEASE - 0.1
        scene.tenure.prove(ONE)
    assert scene.tenure.has(ONE) and scene.tenure.epoch_of(ONE) == 1


def test_after_the_safe_share_of_the_lease_nothing_is_relied_on_whatever_the_engine_says(scene: Scene) -> None:
    scene.now += SAFE_SHARE * LEASE
    with pytest.raises(LeaseLostError):
        scene.tenure.prove(ONE)
    assert not scene.tenure.epochs and not scene.engine.mine, "it gave the session up, too"


def test_a_proof_counts_from_when_it_was_asked_for(scene: Scene) -> None:
    """A process that is frozen while it waits for the answer has an old one in its hands."""

    def frozen() -> None:
        scene.now += SAFE_SHARE * LEASE

    scene.engine.during = frozen
    scene.tenure.look()
    scene.engine.during = lambda: None
    with pytest.raises(LeaseLostError):
        scene.tenure.prove(ONE)


@pytest.mark.parametrize("trouble", ["session", "lock"])
def test_trouble_with_the_engine_in_a_proof_ends_it_all(scene: Scene, trouble: str) -> None:
    scene.engine.broken = trouble == "session"
    if trouble == "lock":
        scene.engine.mine.discard(SHARDS[0])
    with pytest.raises(LeaseLostError):
        scene.tenure.prove(ONE)
    assert not scene.tenure.has(TWO)


@pytest.mark.parametrize("do", ["look", "take", "give", "begin"])
def test_trouble_with_the_engine_ends_it_all_wherever_it_comes(scene: Scene, do: str) -> None:
    scene.engine.broken = True
    calls: dict[str, Callable[[], object]] = {
        "look": scene.tenure.look,
        "take": lambda: scene.tenure.take([7]),
        "give": lambda: scene.tenure.give([SHARDS[0]]),
        "begin": lambda: scene.tenure.begin(2),
    }
    with pytest.raises(ClusterError):
        calls[do]()
    assert not scene.tenure.epochs


def test_a_look_at_fewer_locks_than_are_held_ends_it_all(scene: Scene) -> None:
    scene.engine.mine.discard(SHARDS[1])
    with pytest.raises(ClusterError):
        scene.tenure.look()
    assert not scene.tenure.has(ONE)


def test_what_is_worked_on_is_not_given_away(scene: Scene) -> None:
    with scene.tenure.work(ONE):
        assert scene.tenure.give(SHARDS) == [SHARDS[1]]
        scene.tenure.prove(ONE)
    assert scene.tenure.give(SHARDS) == [SHARDS[0]]
    with pytest.raises(LeaseLostError), scene.tenure.work(ONE):
        pytest.fail("it may not begin")


def test_work_that_began_under_another_epoch_does_not_go_on(scene: Scene) -> None:
    """Lost and taken again meanwhile: somebody else may have written in between."""
    with scene.tenure.work(ONE):
        scene.tenure.begin(2)
        scene.tenure.take(SHARDS)
        assert scene.tenure.has(ONE) and scene.engine.epochs[SHARDS[0]] == 2
        assert scene.tenure.epoch_of(ONE) is None
        with pytest.raises(LeaseLostError):
            scene.tenure.prove(ONE)
        assert scene.tenure.epoch_of(TWO) == 2, "what else it has is not concerned"
        scene.tenure.prove(TWO)
    with scene.tenure.work(ONE):
        scene.tenure.prove(ONE)


def test_a_session_that_is_lost_while_taking_holds_nothing_of_it(scene: Scene) -> None:
    def lost() -> None:
        scene.engine.broken = True

    scene.tenure.give(SHARDS)
    scene.engine.during = lost
    with pytest.raises(ClusterError):
        scene.tenure.take(SHARDS)
    assert not scene.tenure.epochs and not scene.engine.mine


def test_what_others_have_is_not_taken(scene: Scene) -> None:
    scene.tenure.give(SHARDS)
    scene.engine.others.add(SHARDS[0])
    assert set(scene.tenure.take(SHARDS)) == {SHARDS[1]}


def test_a_run_that_read_before_others_had_it_does_not_go_on_with_what_it_read(scene: Scene) -> None:
    with scene.tenure.hold(ONE), scene.tenure.hold(TWO):
        scene.tenure.give([SHARDS[0]])
        scene.engine.epochs[SHARDS[0]] += 1  # another one had it meanwhile
        assert set(scene.tenure.take([SHARDS[0]])) == {SHARDS[0]}
        with pytest.raises(LeaseLostError), scene.tenure.work(ONE):
            pass
        with scene.tenure.work(TWO):
            scene.tenure.prove(TWO)
    with scene.tenure.hold(ONE), scene.tenure.work(ONE):
        scene.tenure.prove(ONE)


def test_spreadsheets_of_one_shard_are_held_and_let_go_of_together(scene: Scene) -> None:
    scene.tenure.give([SHARDS[0]])
    for _ in range(2):
        with scene.tenure.hold(ONE), scene.tenure.hold(ONE):
            pass
    scene.tenure.take([SHARDS[0]])
    with scene.tenure.hold(ONE), scene.tenure.hold(ONE), scene.tenure.work(ONE):
        scene.tenure.prove(ONE)


def test_a_run_that_began_without_it_does_not_work_on_it_either(scene: Scene) -> None:
    scene.tenure.give([SHARDS[0]])
    with scene.tenure.hold(ONE):
        scene.tenure.take([SHARDS[0]])
        with pytest.raises(LeaseLostError), scene.tenure.work(ONE):
            pass
