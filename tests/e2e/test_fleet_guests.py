"""Who is no member: a foreground sync, another fleet in the same database, and a machine that was alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from moneymentor_sync.sandbox import Sandbox
from tests.databases import PostgresqlServer
from tests.fleet import Fleet
from tests.fleet_evidence import Batches


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "box", quota=None) as box:
        yield box


@pytest.fixture
def fleet(tmp_path: Path, box: Sandbox, postgresql_server: PostgresqlServer) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path, box, postgresql_server, spreadsheets=3, lease_seconds=3.0)
    yield fleet
    fleet.close()


def test_a_foreground_sync_names_who_has_it_and_works_where_nobody_has(fleet: Fleet) -> None:
    member, guest = fleet.add("keeper"), fleet.add("guest")
    member.start()
    fleet.until_shared_out(member)
    fleet.until_in_step()
    fleet.edit(0, name="busy")
    refused = guest.command("sync", "d0")
    assert refused.returncode == 1, refused
    assert f"member keeper (process {member.process.pid if member.process else 0})" in refused.stderr, refused
    assert member.end() == 0
    assert fleet.differences() == [0]
    fleet.edit(*range(3), name="alone")
    done = guest.command("sync")
    assert done.returncode == 0, done
    assert not fleet.differences(), "with what the member knew: rows of its own that are gone were deleted"
    assert not fleet.owners(), "and it has given back what it had"


def test_two_fleets_in_one_database_do_not_see_each_other(
    fleet: Fleet, tmp_path: Path, box: Sandbox, postgresql_server: PostgresqlServer
) -> None:
    (tmp_path / "second").mkdir()
    second = Fleet(tmp_path / "second", box, postgresql_server, spreadsheets=3, lease_seconds=3.0)
    second.shared = fleet.shared
    try:
        ones = [fleet.add("m"), second.add("m", more='fleet = "second"')]
        for one in ones:
            one.start()
        fleet.until_shared_out(ones[0])
        second.until_shared_out(ones[1])
        for each in (fleet, second):
            each.until_in_step()
        fleet.until(lambda: all(one.cluster()["members"] for one in ones), "they know their fleets")
        assert [len(one.cluster()["members"]) for one in ones] == [1, 1]
    finally:
        second.close()


def test_a_machine_that_was_alone_brings_along_what_it_knew(fleet: Fleet, box: Sandbox) -> None:
    member, later = fleet.add("first"), fleet.add("later")
    with_fleet = member.config.read_text()
    before, _, after = with_fleet.partition("[cluster]")
    member.config.write_text(before + after[after.index("[[datasets]]") :])
    member.start()
    fleet.until_in_step()
    assert member.client.status()["cluster"] is None
    assert member.end() == 0

    member.config.write_text(with_fleet)
    fleet.edit(1, name="meanwhile")
    batches = Batches(box)
    for one in (member, later):
        one.start()
    fleet.until_shared_out(member, later)
    fleet.until_in_step()
    assert member.client.force(wait=True)["ok"]
    assert {one.spreadsheet_id for one in batches.all} == {fleet.sheets[1]}, "nothing was written anew"
    assert len(batches.all) == 1
