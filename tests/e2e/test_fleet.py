"""Several daemons as processes, with real locks: how they share spreadsheets out, and do what is asked of any."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from moneymentor_sync.sandbox import Sandbox
from tests.databases import PostgresqlServer
from tests.fleet import Fleet, Member
from tests.fleet_evidence import Batches

LONG = 60.0
"""A lease so long that nothing which happens within `SOON` can have waited for it."""
SOON = 30.0


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "box", quota=None) as box:
        yield box


def even(*members: Member) -> bool:
    counts = [len(one.owned()) for one in members]
    return max(counts) - min(counts) <= 2  # two spreadsheets may have one lock


def moved(before: dict[str, str], after: dict[str, str]) -> dict[str, tuple[str, str]]:
    return {one: (before[one], after[one]) for one in before if before[one] != after[one]}


def test_two_hundred_are_shared_out_and_only_a_share_moves(
    tmp_path: Path, box: Sandbox, postgresql_server: PostgresqlServer
) -> None:
    fleet = Fleet(tmp_path, box, postgresql_server, spreadsheets=200, lease_seconds=LONG)
    batches = Batches(box)
    three = [fleet.add(name) for name in "abc"]
    late = fleet.add("d")
    try:
        for one in three:
            one.start()
        fleet.until(lambda: fleet.is_shared_out(*three) and even(*three), "three have a third each")
        fleet.until_in_step()
        before = fleet.owners()
        assert sorted(before) == sorted(fleet.sheets), "each has one owner, by the locks"
        assert {one.name: one.owned() for one in three} == by_owner(before), "and that is what they say"
        taken = fleet.epochs()
        assert all(len(batches.turns(sheet)) <= taken[sheet] for sheet in fleet.sheets), "no two wrote by turns"

        late.start()
        fleet.until(lambda: fleet.is_shared_out(*three, late) and even(*three, late), "four have a quarter each")
        joined = fleet.owners()
        gone = moved(before, joined)
        assert {new for _, new in gone.values()} == {"d"}, "nothing moves between the others"
        assert len(gone) == len(late.owned()) and 48 <= len(gone) <= 52

        assert late.end() == 0
        fleet.until(lambda: fleet.is_shared_out(*three) and even(*three), "three again, at once", patience=SOON)
        assert set(moved(joined, fleet.owners())) == {one for one, name in joined.items() if name == "d"}
        fleet.edit(*range(200), name="later")
        assert three[0].client.force(wait=True)["ok"]
        assert not fleet.differences()
    finally:
        fleet.close()


def by_owner(owners: dict[str, str]) -> dict[str, frozenset[str]]:
    return {
        name: frozenset(sheet for sheet, owner in owners.items() if owner == name) for name in set(owners.values())
    }
