"""Locks on a real PostgreSQL: who starts at the same moment, and a former owner's transaction, hold nobody up."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection
from tests.fleets import FLEET, Fleet, until

from moneymentor_sync.adapters.cluster_locks import PostgresqlLocks
from moneymentor_sync.core.errors import ClusterError

pytestmark = pytest.mark.parametrize("fleet", ["postgresql"], indirect=True)  # MariaDB has its own ways


@pytest.fixture
def opened(fleet: Fleet) -> Iterator[list[PostgresqlLocks]]:
    members = [PostgresqlLocks(fleet.database.url, FLEET, 10.0) for _ in range(2)]
    for number, one in enumerate(members, 1):
        one.open(number)
    yield members
    for one in members:
        one.close()


def test_each_opening_looks_for_a_pooler_with_a_lock_of_its_own(fleet: Fleet) -> None:
    """In containers every daemon is process 1: their own locks must not look like a pooler's."""
    numbers = iter([7, 8])
    locks = PostgresqlLocks(fleet.database.url, FLEET, 10.0, probe=lambda: next(numbers))
    with fleet.database.transaction() as another:
        another.exec_driver_sql("SELECT pg_advisory_lock(7, 0)")
        with pytest.raises(ClusterError, match="a pooler lends it"):
            locks.open(1)
        locks.open(1)
    locks.close()
    ways = [PostgresqlLocks(fleet.database.url, FLEET, 10.0) for _ in range(8)]
    assert len({one._probe() for one in ways}) == 8


def hold(db: Connection, shard: int) -> None:
    """As a writing transaction of the store does, until its end."""
    found = db.exec_driver_sql("SELECT epoch FROM mmsync_shard WHERE shard = %s FOR SHARE", (shard,)).all()
    assert len(found) == 1


def test_a_shard_whose_former_owner_still_writes_is_left_out_and_tried_again(
    fleet: Fleet, opened: list[PostgresqlLocks]
) -> None:
    former, following = opened
    assert former.take([1, 2]) == {1: 1, 2: 1}
    with fleet.database.transaction() as writing:
        hold(writing, 1)
        former.close()
        until(lambda: not following.look().others, "its session has ended")
        assert following.take([1, 2, 3]) == {2: 2, 3: 1}, "nothing is waited for"
        seen = following.look()
        assert seen.mine == {2, 3}, "nor is its lock kept, with which nobody else could have it"
        former.open(3)
        assert former.take([1, 9]) == {9: 1}, "the former owner itself does not wait either"
    assert following.take([1]) == {1: 2}
    assert former.take([1]) == {}
