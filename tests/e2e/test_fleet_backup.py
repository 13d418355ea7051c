"""Backups in a fleet: each member saves what it has; a restore is a guest's, and goes by what the fleet knows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from moneymentor_sync.core.backups import tag_of
from moneymentor_sync.sandbox import Sandbox
from tests.databases import PostgresqlServer
from tests.fleet import Fleet, Member


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "box", quota=None) as box:
        yield box


@pytest.fixture
def fleet(tmp_path: Path, box: Sandbox, postgresql_server: PostgresqlServer) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path, box, postgresql_server, spreadsheets=4, lease_seconds=3.0)
    yield fleet
    fleet.close()


def with_backups(member: Member) -> Member:
    text = member.config.read_text()
    place = text.index("[[datasets]]")
    member.config.write_text(f"{text[:place]}[backup]\nenabled = true\n{text[place:]}")
    return member


def saved_by(member: Member) -> set[str]:
    """The tags of the spreadsheets that are in the member's directory."""
    return {path.name.split("-")[1] for path in member.folder.glob("**/mmsync-*-daily.xlsx")}


def test_each_member_saves_the_spreadsheets_that_it_has(fleet: Fleet) -> None:
    one, other = (with_backups(fleet.add(name)) for name in ("one", "other"))
    for member in (one, other):
        member.start()
    fleet.until_shared_out(one, other)
    fleet.until_in_step()
    fleet.until(
        lambda: all({tag_of(each) for each in member.owned()} <= saved_by(member) for member in (one, other)),
        "each has saved its own",
        patience=120,
    )
    assert saved_by(one) | saved_by(other) == {tag_of(each) for each in fleet.sheets}
    assert one.client.status()["backup"]["last_error"] is None


def test_a_guest_restores_where_nobody_works_and_the_fleet_knows_the_rows(fleet: Fleet, box: Sandbox) -> None:
    member, guest = fleet.add("keeper"), fleet.add("guest")
    member.start()
    fleet.until_shared_out(member)
    fleet.until_in_step()
    saved = guest.command("backup", "--json", "--to", str(guest.folder / "kept"))
    assert saved.returncode == 0, saved.stderr
    made = json.loads(saved.stdout)["backups"][0]
    refused = guest.command("restore", made["path"], "--yes")
    assert refused.returncode == 1 and "member keeper" in refused.stderr
    assert member.end() == 0
    spreadsheet = made["spreadsheet_id"]
    number = fleet.sheets.index(spreadsheet)
    person = box.person(spreadsheet)
    person.delete_tab("Items")
    done = guest.command("restore", made["path"], "--yes")
    assert done.returncode == 0, done.stderr
    assert "Items" in box.tabs(spreadsheet)
    assert not fleet.owners()
    fleet.database.run(f"DELETE FROM item WHERE sheet = {number} AND id = 1")
    member.start()
    fleet.until(lambda: not fleet.differences(), "the fleet goes on with it, and deletes what is gone")
    assert member.end() == 0
