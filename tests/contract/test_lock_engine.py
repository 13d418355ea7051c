"""What every LockEngine promises, on each real server: one owner at a time, and none without a session."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from tests.databases import WritableDatabase
from tests.fleets import until

from moneymentor_sync.adapters import cluster_locks_mysql
from moneymentor_sync.adapters.cluster_database import open_cluster_database, prepare
from moneymentor_sync.adapters.cluster_register import ClusterRegister
from moneymentor_sync.core.cluster_ports import LockEngine, Seen
from moneymentor_sync.core.errors import ClusterError
from moneymentor_sync.wiring.cluster import lock_engine

LONG = 600.0
SHORT = 1.0
LISTED = {
    "postgresql": "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
    "mysql": "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()",
}
ENDED = {"postgresql": "SELECT pg_terminate_backend({})", "mysql": "KILL {}"}


@dataclass
class Place:
    """A fleet's database: members join, and sessions are opened and ended from outside."""

    database: WritableDatabase
    fleet: str = "f"
    _open: list[Callable[[], object]] = field(default_factory=list)

    def __post_init__(self) -> None:
        engine = open_cluster_database(self.database.url)
        self._open.append(engine.dispose)
        prepare(engine, self.fleet)
        self.register = ClusterRegister(engine, self.fleet)

    def locks(self, silence: float = LONG, fleet: str = "") -> LockEngine:
        locks = lock_engine(self.database.url, fleet or self.fleet, silence)
        self._open.append(locks.close)
        return locks

    def member(self, silence: float = LONG) -> tuple[int, LockEngine]:
        number, locks = self.register.join("m", 1, "1"), self.locks(silence)
        locks.open(number)
        return number, locks

    def sessions(self) -> set[int]:
        """Of the fleet's database all but the asking one."""
        return {int(row[0]) for row in self.database.rows(LISTED[self.database.kind])}

    def end(self, session: int) -> None:
        self.database.run(ENDED[self.database.kind].format(session))

    def close(self) -> None:
        for close in reversed(self._open):
            close()


@pytest.fixture(params=["postgresql", "mariadb"])
def place(request: pytest.FixtureRequest) -> Iterator[Place]:
    place = Place(request.getfixturevalue(f"{request.param}_server").new_database())
    yield place
    place.close()


def test_a_shard_has_one_owner_whom_all_see(place: Place) -> None:
    (one, first), (two, second), visitor = place.member(), place.member(), place.locks()
    visitor.open(None)
    assert first.take([3, 1, 1023]) == {3: 1, 1: 1, 1023: 1}
    assert second.take([1, 2]) == {2: 1}, "what another has is not free"
    assert visitor.take([7, 3]) == {7: 1}
    assert first.look() == Seen(frozenset({1, 3, 1023}), {two: frozenset({2})}, frozenset({7}))
    assert second.look() == Seen(frozenset({2}), {one: frozenset({1, 3, 1023})}, frozenset({7}))
    assert visitor.look() == Seen(frozenset({7}), {one: frozenset({1, 3, 1023}), two: frozenset({2})}, frozenset())
    assert [one.owns(1) for one in (first, second, visitor)] == [True, False, False]
    assert not first.owns(500), "never taken"


def test_what_is_given_is_free_and_each_taking_counts(place: Place) -> None:
    (_, first), (two, second) = place.member(), place.member()
    assert first.take([5, 6]) == {5: 1, 6: 1}
    first.give([5])
    assert not first.owns(5) and first.owns(6)
    assert second.take([5, 6]) == {5: 2}
    assert place.register.shards()[5].member == two
    second.give([5])
    second.give([])
    assert first.take([5]) == {5: 3}
    assert first.take([]) == {}
    first.close()
    until(lambda: not second.look().others, "its server has seen that the session ended")
    assert second.take(range(5, 8)) == {5: 4, 6: 2, 7: 1}, "a session that ends lets go of all"


def test_a_whole_fleets_shards_are_taken_seen_and_given_at_once(place: Place) -> None:
    (one, first), (_, second) = place.member(), place.member()
    assert first.take(range(1024)) == dict.fromkeys(range(1024), 1)
    assert second.look().others == {one: frozenset(range(1024))}
    first.give(range(1024))
    assert second.look().others == {one: frozenset()}
    assert second.take(range(1024)) == dict.fromkeys(range(1024), 2)


def test_fleets_and_databases_do_not_meet(place: Place, request: pytest.FixtureRequest) -> None:
    other = Place(request.getfixturevalue(f"{request.node.callspec.params['place']}_server").new_database())
    (_, first), elsewhere, (_, there) = place.member(), place.locks(fleet="g"), other.member()
    elsewhere.open(None)
    try:
        assert [one.take([4]) for one in (first, elsewhere, there)] == [{4: 1}] * 3
        assert first.look() == Seen(frozenset({4}), {}, frozenset())
        assert there.look() == Seen(frozenset({4}), {}, frozenset())
    finally:
        other.close()


def test_two_never_both_get_one(place: Place) -> None:
    members = [place.member() for _ in range(4)]
    together = threading.Barrier(4)

    def grab(locks: LockEngine) -> set[int]:
        together.wait(30)
        return {shard for first in range(0, 200, 20) for shard in locks.take(range(first, first + 20))}

    with ThreadPoolExecutor(4) as threads:
        got = list(threads.map(grab, (locks for _, locks in members)))
    assert sum(map(len, got)) == 200 and set().union(*got) == set(range(200))
    for (_, locks), mine in zip(members, got, strict=True):
        assert locks.look().mine == mine


def test_a_session_that_is_ended_from_outside_holds_nothing_and_says_so(place: Place) -> None:
    before = place.sessions()
    _, first = place.member()
    [session] = place.sessions() - before
    _, second = place.member()
    first.take([9])
    place.end(session)
    until(lambda: session not in place.sessions(), "it is ended")
    assert second.take([9]) == {9: 2}
    asked: list[Callable[[], Any]] = [first.look, lambda: first.owns(9), lambda: first.take([8])]
    for ask in asked:
        with pytest.raises(ClusterError):
            ask()
    assert second.look() == Seen(frozenset({9}), {}, frozenset())
    first.open(place.register.join("m", 1, "1"))
    assert first.take([8, 9]) == {8: 1}, "opened anew it goes on"


def test_silence_ends_a_session(place: Place) -> None:
    before = place.sessions()
    _, silent = place.member(SHORT)
    [session] = place.sessions() - before
    _, second = place.member()
    silent.take([9])
    until(lambda: session not in place.sessions(), "the server ends it")
    assert second.take([9]) == {9: 2}
    with pytest.raises(ClusterError):
        silent.owns(9)


def test_a_member_is_one_session(place: Place) -> None:
    number, first = place.member()
    other = place.locks()
    with pytest.raises(ClusterError, match=f"another process takes part as member {number}"):
        other.open(number)
    with pytest.raises(ClusterError, match="no session"):
        other.look()
    _, third = place.member()
    first.close()
    first.close()
    until(lambda: number not in third.look().others, "its server has seen that the session ended")
    other.open(number)
    assert other.look().mine == frozenset()


@pytest.mark.parametrize("place", ["mariadb"], indirect=True)  # PostgreSQL's passes over such a row
def test_who_cannot_take_for_a_transaction_is_lost_within_its_time(place: Place) -> None:
    """A former owner's transaction holds on to the shard's row: whoever waits for it long has no session."""
    _, first = place.member()
    first.take([9])
    first.give([9])
    with place.database.transaction() as db:
        db.exec_driver_sql("UPDATE mmsync_shard SET member = 0 WHERE shard = 9")
        with pytest.raises(ClusterError):
            first.take([9])
        with pytest.raises(ClusterError, match="no session"):
            first.owns(9)
    _, second = place.member()
    until(lambda: second.take([9]) == {9: 2}, "nothing of it is left")


def test_connections_that_share_a_session_are_refused(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    locks: Any = place.locks()
    real = locks._engine
    session = real.connect()

    class Shared:
        dialect, url = real.dialect, real.url

        @staticmethod
        def connect() -> Any:
            class Lent:
                def __enter__(self) -> Any:
                    return session

                def __exit__(self, *_: object) -> None: ...

                def __getattr__(self, name: str) -> Any:
                    return getattr(session, name)

            return Lent()

    monkeypatch.setattr(locks, "_engine", Shared)
    try:
        with pytest.raises(ClusterError, match="share a session"):
            locks.open(None)
    finally:
        session.close()


@pytest.mark.parametrize("place", ["mariadb"], indirect=True)  # PostgreSQL's: test_cluster_locks
def test_processes_of_one_number_are_no_proxy_to_each_other(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    """In containers every daemon is process 1: the lock that another one is just trying is not this one's."""
    tried: list[str] = []
    real = cluster_locks_mysql._both_get

    def noted(name: str, *connections: Any) -> bool:
        tried.append(name)
        return real(name, *connections)

    monkeypatch.setattr(cluster_locks_mysql, "_both_get", noted)
    for _ in range(8):
        locks = place.locks()
        locks.open(None)
        locks.close()
    assert len(tried) == 16 and len(set(tried)) == 8
