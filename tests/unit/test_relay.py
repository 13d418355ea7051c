"""Errands between members: who is asked, what becomes of an answer, and of a member that gives none."""

from __future__ import annotations

from collections.abc import Collection
from concurrent.futures import Future
from typing import Any

import pytest

from moneymentor_sync.core.cluster_view import ClusterView
from moneymentor_sync.core.errors import LeaseLostError, ShuttingDownError
from moneymentor_sync.core.sharing import shard_of
from moneymentor_sync.daemon.relay import Relay
from moneymentor_sync.daemon.wish import MOST_SENDINGS, PATIENCE_SECONDS, PAUSE_SECONDS, PLACING_SECONDS

from .fleet_doubles import Register

ME, OTHER, THIRD = 1, 2, 3
SHEETS = {"a": "sheet-a", "b": "sheet-b", "c": "sheet-c"}


class Dataset:
    def __init__(self, name: str) -> None:
        self.name, self.spreadsheet_id = name, SHEETS[name]


class Configured:
    datasets = tuple(Dataset(name) for name in SHEETS)


class Scene:
    """A relay of member 1; `owners` says who has which dataset, and who is in it is alive."""

    def __init__(self) -> None:
        self.now = 0.0
        self.register = Register()
        self.forced: list[tuple[frozenset[str], bool, Future[dict[str, Any]]]] = []
        self.noticed: list[frozenset[str]] = []
        self.stopping = False
        self.woken = 0
        self.relay = Relay(self.register, lambda: Configured(), self, self._wake, lambda: self.now)  # type: ignore[arg-type,return-value]

    def _wake(self) -> None:
        self.woken += 1

    def force_here(self, names: Collection[str], *, allow_deletes: bool) -> Future[dict[str, Any]]:
        if self.stopping:
            raise ShuttingDownError("it ends")
        done: Future[dict[str, Any]] = Future()
        self.forced.append((frozenset(names), allow_deletes, done))
        return done

    def notice_here(self, names: Collection[str]) -> None:
        self.noticed.append(frozenset(names))

    def serve(self, **owners: int) -> None:
        """A beat, so much later that what came back may be asked for again."""
        self.now += PAUSE_SECONDS
        alive: dict[int, frozenset[int]] = {ME: frozenset()}
        for name, member in owners.items():
            alive[member] = alive.get(member, frozenset()) | {shard_of(SHEETS[name])}
        self.relay.serve(ME, ClusterView("f", "me", 15.0, me=ME, alive=alive))

    def asked(self) -> list[tuple[int, list[str]]]:
        return [(member, ask["datasets"]) for member, ask in self.register.asked.values()]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def document(*names: str, lost: Collection[str] = ()) -> dict[str, Any]:
    results = [
        {
            "name": one,
            "result": "stopped" if one in lost else "synced",
            "error": "lost" if one in lost else None,
            "error_code": LeaseLostError.code if one in lost else None,
        }
        for one in names
    ]
    return {"run_id": "r", "ok": not lost, "seconds": 1.0, "error": None, "datasets": results}


def names(done: Future[dict[str, Any]]) -> list[str]:
    return [one["name"] for one in done.result(0)["datasets"]]


def test_each_owner_is_asked_once_and_the_result_comes_when_all_have_answered(scene: Scene) -> None:
    done = scene.relay.force("run", ["a", "b", "c"], allow_deletes=True)
    assert scene.woken == 1 and scene.relay.busy
    for _ in range(3):
        scene.serve(a=OTHER, b=THIRD, c=OTHER)
    assert sorted(scene.asked()) == [(OTHER, ["a", "c"]), (THIRD, ["b"])]
    assert all(ask["allow_deletes"] for _, ask in scene.register.asked.values())
    scene.register.answered[1] = document(*scene.asked()[0][1])
    scene.serve(a=OTHER, b=THIRD, c=OTHER)
    assert not done.done()
    scene.register.answered[2] = document(*scene.register.asked[2][1]["datasets"])
    scene.serve(a=OTHER, b=THIRD, c=OTHER)
    assert names(done) == ["a", "b", "c"] and done.result()["ok"] and not scene.relay.busy
    assert not scene.register.asked, "nothing is left behind"


def test_where_the_one_that_was_asked_dies_its_successor_is_asked(scene: Scene) -> None:
    done = scene.relay.force("run", ["a"], allow_deletes=False)
    scene.serve(a=OTHER)
    scene.serve()  # nobody has it, and the other is no longer alive
    assert not done.done()
    scene.serve(a=THIRD)
    assert scene.asked()[-1] == (THIRD, ["a"])
    scene.register.answered[max(scene.register.asked)] = document("a")
    scene.serve(a=THIRD)
    assert names(done) == ["a"]


def test_an_answer_that_comes_after_its_sender_died_is_not_counted_twice(scene: Scene) -> None:
    done = scene.relay.force("run", ["a"], allow_deletes=False)
    scene.serve(a=OTHER)
    scene.serve(a=THIRD)
    scene.serve(a=THIRD)
    scene.register.answered[1] = document("a")
    second = max(scene.register.asked)
    scene.register.answered[second] = document("a")
    scene.serve(a=THIRD)
    assert names(done) == ["a"]
    scene.serve(a=THIRD)


def test_what_a_member_lost_over_it_is_asked_of_the_next(scene: Scene) -> None:
    done = scene.relay.force("run", ["a", "b"], allow_deletes=False)
    scene.serve(a=OTHER, b=OTHER)
    scene.register.answered[1] = document("a", "b", lost=["b"])
    scene.serve(a=OTHER, b=THIRD)
    scene.serve(a=OTHER, b=THIRD)
    assert scene.asked() == [(THIRD, ["b"])] and not done.done()
    scene.register.answered[max(scene.register.asked)] = document("b")
    scene.serve(a=OTHER, b=THIRD)
    assert names(done) == ["a", "b"] and done.result()["ok"]


@pytest.mark.parametrize(("owner", "seconds"), [(None, PLACING_SECONDS), (OTHER, PATIENCE_SECONDS)])
def test_patience_has_an_end(scene: Scene, owner: int | None, seconds: float) -> None:
    done = scene.relay.force("run", ["a"], allow_deletes=False)
    owners = {} if owner is None else {"a": owner}
    scene.serve(**owners)
    scene.now = seconds - 1.5 * PAUSE_SECONDS
    scene.serve(**owners)
    assert not done.done()
    scene.serve(**owners)
    assert not done.result(0)["ok"] and done.result()["error"].startswith("a: ")
    assert not scene.relay.busy and not scene.register.asked


def test_a_run_here_is_completed_by_whoever_got_some_of_it_meanwhile(scene: Scene) -> None:
    here: Future[dict[str, Any]] = Future()
    done = scene.relay.follow("run", ["a", "b", "c"], here, allow_deletes=True)
    here.set_result(document("a", "b", lost=["b"]))  # and of `c` there is no word: it was given away before
    scene.serve(a=ME, b=OTHER, c=OTHER)
    assert scene.asked() == [(OTHER, ["b", "c"])] and not done.done()
    scene.register.answered[1] = document("b", "c")
    scene.serve(a=ME, b=OTHER, c=OTHER)
    assert names(done) == ["a", "b", "c"] and done.result()["ok"]


def test_a_run_here_that_did_all_needs_nobody(scene: Scene) -> None:
    here, ended = Future[dict[str, Any]](), Future[dict[str, Any]]()
    scene.register.broken = True
    done = scene.relay.follow("run", ["a"], here, allow_deletes=False)
    cancelled = scene.relay.follow("run", ["a"], ended, allow_deletes=False)
    here.set_result(document("a"))
    ended.cancel()
    ended.set_running_or_notify_cancel()
    assert names(done) == ["a"] and cancelled.cancelled() and not scene.relay.busy


def test_many_notices_become_one_errand_for_each_owner(scene: Scene) -> None:
    for _ in range(100):
        scene.relay.notice(["a"])
    scene.relay.notice(["b", "c"])
    scene.serve(a=OTHER, b=OTHER)
    assert scene.asked() == [(OTHER, ["a", "b"])], "`c` has nobody: who gets it syncs it"
    scene.serve(a=OTHER, b=OTHER)
    assert len(scene.register.asked) == 1


def test_what_others_ask_is_done_once_and_answered_when_it_has_ended(scene: Scene) -> None:
    scene.register.ask(ME, {"do": "force", "datasets": ["a"], "allow_deletes": True})
    scene.register.ask(ME, {"do": "notice", "datasets": ["b", "c"]})
    for _ in range(3):
        scene.serve(a=ME)
    [(which, allow_deletes, done)] = scene.forced
    assert which == {"a"} and allow_deletes and scene.noticed == [{"b", "c"}]
    assert not scene.register.answered
    woken = scene.woken
    done.set_result(document("a"))
    assert scene.woken == woken + 1, "at once"
    scene.serve(a=ME)
    assert [one["name"] for one in scene.register.answered[1]["datasets"]] == ["a"]


def test_who_is_asked_while_it_stops_leaves_the_errand_to_its_successor(scene: Scene) -> None:
    scene.stopping = True
    scene.register.ask(ME, {"do": "force", "datasets": ["a"]})
    scene.serve(a=ME)
    assert not scene.register.answered, "who asked sees it leave, and asks who has it then"


def test_who_stops_over_it_says_at_once_that_it_was_not_done(scene: Scene) -> None:
    scene.register.ask(ME, {"do": "force", "datasets": ["a"]})
    scene.serve(a=ME)
    scene.forced[0][2].cancel()
    scene.serve(a=ME)
    assert scene.register.answered[1]["datasets"] == [] and not scene.register.answered[1].get("refused")


def test_however_long_it_took_until_the_owner_died_there_is_time_to_find_another(scene: Scene) -> None:
    done = scene.relay.force("run", ["a"], allow_deletes=False)
    scene.serve(a=OTHER)
    scene.now += 2 * PLACING_SECONDS
    scene.serve()
    assert not done.done()
    scene.serve(a=THIRD)
    assert scene.asked() == [(OTHER, ["a"]), (THIRD, ["a"])]


def test_who_waits_when_this_member_ends_learns_it(scene: Scene) -> None:
    done = scene.relay.force("run", ["a"], allow_deletes=False)
    scene.relay.close()
    assert done.cancelled() and not scene.relay.busy


def test_what_its_owner_is_not_configured_with_is_refused_at_once(scene: Scene) -> None:
    done = scene.relay.force("run", ["a", "b"], allow_deletes=False)
    scene.serve(a=OTHER, b=OTHER)
    scene.register.answered[1] = document("a") | {"unknown": ["b"]}
    scene.serve(a=OTHER, b=OTHER)
    assert names(done) == ["a"]
    assert not done.result()["ok"] and "not configured with it" in done.result()["error"]


def test_what_is_not_known_here_is_said_to_whoever_asked(scene: Scene) -> None:
    scene.register.ask(ME, {"do": "force", "datasets": ["a", "unknown"]})
    scene.serve(a=ME)
    [(which, _, done)] = scene.forced
    assert which == {"a"}
    done.set_result(document("a"))
    scene.serve(a=ME)
    assert scene.register.answered[1]["unknown"] == ["unknown"]


def test_what_comes_back_undone_is_asked_for_a_few_times_and_not_at_full_speed(scene: Scene) -> None:
    done = scene.relay.force("run", ["a"], allow_deletes=False)
    sent: set[int] = set()
    for _ in range(100):
        scene.now += 0.2 - PAUSE_SECONDS  # a busy beat
        scene.serve(a=OTHER)
        for errand in scene.register.asked.keys() - sent:
            sent.add(errand)
            scene.register.answered[errand] = document("a", lost=["a"])
    assert len(sent) == MOST_SENDINGS and scene.now >= (MOST_SENDINGS - 1) * PAUSE_SECONDS
    assert not done.result(0)["ok"] and "changed hands" in done.result()["error"]


def test_nobody_waits_for_ever_for_a_fleet_that_cannot_be_reached(scene: Scene) -> None:
    done = scene.relay.force("run", ["a"], allow_deletes=False)
    scene.serve(a=OTHER)
    scene.register.broken = True
    scene.now += PLACING_SECONDS - 1
    scene.relay.expire()
    assert not done.done()
    scene.now += 1
    scene.relay.expire()
    assert not done.result(0)["ok"] and "takes no part" in done.result()["error"]
    assert not scene.relay.busy
