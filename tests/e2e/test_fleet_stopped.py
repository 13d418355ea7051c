"""A member is stopped (SIGSTOP) in a sync, another takes over, and the first goes on: it writes nothing more."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import pytest

from moneymentor_sync.sandbox import Sandbox
from tests.databases import PostgresqlServer
from tests.fleet import Fleet, Member
from tests.fleet_evidence import Batches, Place, Trap

LEASE = 2.0


@dataclass
class Pair:
    box: Sandbox
    fleet: Fleet
    owner: Member
    other: Member
    run: str = ""
    """Of the sync in which the owner was stopped."""

    def one_of(self, member: Member) -> int:
        """The number of a spreadsheet that the member has."""
        self.fleet.until_shared_out(self.owner, self.other)
        self.fleet.until_in_step()
        self.fleet.until_idle(self.owner, self.other)
        return min(self.fleet.sheets.index(sheet) for sheet in member.owned())

    def stop_in(self, place: Place, number: int, name: str) -> Trap:
        """Stops the owner in its sync of that spreadsheet; the request waits on Google's side."""
        self.fleet.edit(number, name=name)
        stop = partial(self.owner.signal, signal.SIGSTOP)
        trap = Trap(self.box, place, self.owner, stop, sheet=self.fleet.sheets[number], hold=True)
        self.run = self.owner.client.force([f"d{number}"])["run_id"]
        self.fleet.until(lambda: trap.sprung and self.owner.state == "T", f"the owner is stopped {place}")
        return trap

    def refused(self, number: int) -> int:
        """How many writes to a spreadsheet Google refused."""
        path = f"/v4/spreadsheets/{self.fleet.sheets[number]}:batchUpdate"
        return sum(one.path == path and one.status == 400 for one in self.box.log.of("write"))


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory, postgresql_server: PostgresqlServer) -> Iterator[Pair]:
    folder = tmp_path_factory.mktemp("stopped")
    with Sandbox(folder / "box", quota=None) as box:
        fleet = Fleet(folder, box, postgresql_server, spreadsheets=6, lease_seconds=LEASE)
        pair = Pair(box, fleet, fleet.add("owner"), fleet.add("other"))
        try:
            for member in (pair.owner, pair.other):
                member.start()
            yield pair
        finally:
            fleet.close()


@pytest.fixture
def pair(together: Pair) -> Iterator[Pair]:
    together.box.log.reset()
    yield together
    together.box.hooks.clear()
    if together.owner.state == "T":
        together.owner.signal(signal.SIGCONT)


def alive(member: Member, name: str) -> list[bool]:
    """Of all processes of that name whether they are alive, as the member knows; that there is one is certain."""
    known = [one["alive"] for one in member.cluster()["members"] if one["name"] == name]
    return known or [True]


@pytest.mark.parametrize("place", ["before_read", "after_read", "before_write"])
def test_what_it_was_about_to_write_is_never_written(pair: Pair, place: Place) -> None:
    fleet, owner, other, number = pair.fleet, pair.owner, pair.other, pair.one_of(pair.owner)
    before, joined = owner.client.status()["statistics"], len(owner.events("cluster.joined"))
    had = len(owner.owned())
    trap = pair.stop_in(place, number, f"stale {place}")
    batches = Batches(pair.box)
    fleet.edit(number, name=f"fresh {place}")

    fleet.until(lambda: other.owned() == {*fleet.sheets}, "the other takes all over")
    assert set(fleet.owners().values()) == {other.name}
    fleet.until_in_step()
    assert batches.turns(fleet.sheets[number]) == [other.name]
    fleet.until(lambda: not any(alive(other, owner.name)), "the other says that the owner is not alive")
    assert owner.state == "T"

    refusals = pair.refused(number)
    trap.let_go()
    if place == "before_write":
        fleet.until(lambda: pair.refused(number) == refusals + 1, "Google refuses it for its fence")
    owner.signal(signal.SIGCONT)
    fleet.until(lambda: len(owner.events("cluster.joined")) > joined, "it joins again")
    lost = owner.events("cluster.lost")[-1]
    assert lost["spreadsheets"] == had > 0, "it knew that it had lost them before it took part again"
    fleet.until_shared_out(owner, other)
    fleet.until(lambda: owner.cluster()["connected"], "it says so")

    fleet.until_in_step()
    assert batches.turns(fleet.sheets[number]) == [other.name], "the former owner wrote nothing, then or later"
    [run] = [one for one in owner.events("sync.finished") if one["run"] == pair.run]
    assert run["outcome"] == "stopped"
    after = owner.client.status()["statistics"]
    assert after["failed_syncs"] == before["failed_syncs"], (before, after)


def test_a_write_that_arrives_between_the_successors_look_and_its_write_is_repaired(pair: Pair) -> None:
    fleet, owner, other, number = pair.fleet, pair.owner, pair.other, pair.one_of(pair.owner)
    sheet, batches = fleet.sheets[number], Batches(pair.box)
    late = pair.stop_in("before_write", number, "stale late")
    fleet.edit(number, name="fresh late")
    overtaken = Trap(pair.box, "before_write", other, lambda: None, sheet=sheet, hold=True)
    fleet.until(lambda: overtaken.sprung, "the other is about to write, from what it read")
    late.let_go()
    fleet.until(lambda: batches.turns(sheet) == [owner.name], "the late one is applied first")
    overtaken.let_go()
    fleet.until_in_step()
    assert batches.turns(sheet) == [owner.name, other.name]
    assert pair.refused(number) == 1, "the successor's, by the fence: it looked again"
    assert not other.events("dataset.failed")
    owner.signal(signal.SIGCONT)
    fleet.until_shared_out(owner, other)
    fleet.until_in_step()
    assert batches.turns(sheet) == [owner.name, other.name]
