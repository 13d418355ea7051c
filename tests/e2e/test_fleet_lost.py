"""Members lose their life, their session, their server or their network in the middle of syncs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

import pytest

from moneymentor_sync.core.errors import ControlError
from moneymentor_sync.sandbox import Sandbox
from tests.databases import PostgresqlServer, started_postgresql
from tests.fleet import Fleet, Member
from tests.fleet_evidence import Batches, Trap

LEASE = 3.0
SPREADSHEETS = 18


@dataclass
class Three:
    """A fleet that meets in a server of its own, which may go away; the application's database stays."""

    box: Sandbox
    fleet: Fleet
    server: PostgresqlServer
    members: list[Member] = field(default_factory=list)

    def settled(self) -> None:
        self.fleet.until_shared_out(*self.members)
        self.fleet.until_in_step()
        self.fleet.until_idle(*self.members)

    def edit_all(self, name: str) -> None:
        self.fleet.edit(*range(SPREADSHEETS), name=name)

    def force_all(self) -> None:
        for member in self.members:
            member.client.force()

    def no_two_wrote_by_turns(self, batches: Batches, taken_before: dict[str, int]) -> bool:
        """Who writes changes only where the spreadsheet was taken anew."""
        taken = self.fleet.epochs()
        return all(
            len(batches.turns(sheet)) <= 1 + taken[sheet] - taken_before[sheet] for sheet in self.fleet.sheets
        )

    def settle_after(self, batches: Batches, epochs: dict[str, int]) -> None:
        self.settled()
        assert self.no_two_wrote_by_turns(batches, epochs)
        for member in self.members:
            assert member.process is not None and member.process.poll() is None
            assert not member.events("sync.crashed"), "no crash"


@pytest.fixture(scope="module")
def meeting() -> Iterator[PostgresqlServer]:
    with started_postgresql() as server:
        yield server


@pytest.fixture(scope="module")
def together(
    tmp_path_factory: pytest.TempPathFactory, postgresql_server: PostgresqlServer, meeting: PostgresqlServer
) -> Iterator[Three]:
    folder = tmp_path_factory.mktemp("lost")
    with Sandbox(folder / "box", quota=None) as box:
        fleet = Fleet(
            folder, box, postgresql_server, spreadsheets=SPREADSHEETS, lease_seconds=LEASE, meeting=meeting
        )
        three = Three(box, fleet, meeting, [fleet.add(name) for name in "abc"])
        try:
            for member in three.members:
                member.start()
            three.settled()
            yield three
        finally:
            fleet.close()


@pytest.fixture
def three(together: Three) -> Iterator[Three]:
    together.settled()
    together.box.log.reset()
    yield together
    together.box.hooks.clear()


def test_one_that_is_killed_between_writes_is_followed_by_the_others(three: Three) -> None:
    fleet, (a, b, c) = three.fleet, three.members
    batches, epochs = Batches(three.box), fleet.epochs()
    lost = b.owned()
    three.edit_all("killed")

    def kill() -> None:
        b.kill()
        three.edit_all("meanwhile")  # rows that b has just written are gone again

    trap = Trap(three.box, "before_write", b, kill, nth=3)
    b.client.force()
    fleet.until(lambda: trap.sprung, "it is killed with a write on its way")
    fleet.until_shared_out(a, c)
    a.client.force()
    fleet.until_in_step()
    assert {one.spreadsheet_id for one in batches.of(b)} < lost, "it had not written all"
    assert len(batches.of(b)) == 3 and batches.turns(trap.caught)[0] == b.name, "the last one was applied"
    assert three.no_two_wrote_by_turns(batches, epochs)
    b.start()
    three.settle_after(batches, epochs)


def test_a_session_that_the_server_ends_costs_no_more_than_a_new_one(three: Three) -> None:
    fleet, (a, *_) = three.fleet, three.members
    batches, epochs, before = Batches(three.box), fleet.epochs(), fleet.owners()
    three.edit_all("terminated")
    [session] = fleet.sessions(a)
    ended: list[bool] = []

    def end() -> None:
        ended.append(fleet.shared.rows(f"SELECT pg_terminate_backend({session})")[0][0])

    trap = Trap(three.box, "before_write", a, end, nth=2)
    lost = len(a.events("cluster.lost"))
    forced = a.command("force", *(f"d{fleet.sheets.index(sheet)}" for sheet in a.owned()))
    assert trap.sprung and ended == [True]
    assert len(a.events("cluster.lost")) > lost, "it knew that it had lost all"
    assert forced.returncode == 0, "whoever waited has the result of who has them now"
    three.force_all()
    three.settle_after(batches, epochs)
    moved = sum(before[sheet] != owner for sheet, owner in fleet.owners().items())
    assert moved <= 2 * SPREADSHEETS / 3, "what it had went to others at most, and as much came back"


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_server_that_is_started_anew_finds_everybody_with_what_they_had(three: Three, how: str) -> None:
    fleet, members = three.fleet, three.members
    batches, epochs, before = Batches(three.box), fleet.epochs(), fleet.owners()
    joined = [len(one.events("cluster.joined")) for one in members]
    three.edit_all(how)
    trap = Trap(three.box, "before_write", members[0], partial(three.server.stop, how), nth=2)
    three.force_all()
    fleet.until(lambda: trap.sprung, "the server goes with a write on its way")
    fleet.until(lambda: not any(one.owned() for one in members), "nobody believes to have anything")
    written = len(batches.all)
    three.edit_all(f"after {how}")
    with pytest.raises(ControlError, match="takes no part"):
        three.force_all()
    three.server.start()
    fleet.until(
        lambda: all(len(one.events("cluster.joined")) > n for one, n in zip(members, joined, strict=True)),
        "all are back",
    )
    fleet.until(lambda: all(one.cluster().get("connected") for one in members), "and take part again")
    assert written < SPREADSHEETS, "not all was written before"
    three.force_all()
    three.settle_after(batches, epochs)
    moved = sum(before[sheet] != owner for sheet, owner in fleet.owners().items())
    assert moved <= SPREADSHEETS / 6, f"{moved} of {SPREADSHEETS} have another owner"
