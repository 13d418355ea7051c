"""A store in a cluster's database: who was overtaken changes nothing, and a server that goes away is no end."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.databases import PostgresqlServer, started_postgresql
from tests.fleets import PATIENCE, Epochs, Fleet, until

from moneymentor_sync.core.errors import ClusterError, LeaseLostError
from moneymentor_sync.core.ports import DatasetState, FenceState, RunResult, Store

SHEET = "sheet"
STATE = DatasetState(SHEET, "People", None, "shape", "1:00", "1:01")
NEWER = DatasetState(SHEET, "People", None, "other", "2:00", "2:01")
KEY, OTHER = b"k" * 16, b"o" * 16

Deed = Callable[[Store], object]
WRITES: dict[str, Deed] = {
    "begin_write": lambda store: store.begin_write("d", NEWER, {OTHER: KEY}),
    "finish": lambda store: store.finish("d", NEWER, {OTHER: KEY}, None),
    "save_fence": lambda store: store.save_fence(SHEET, FenceState("three", "four")),
}
READS: dict[str, Deed] = {
    "dataset": lambda store: store.dataset("d"),
    "written": lambda store: store.written("d", [KEY]),
    "fence": lambda store: store.fence(SHEET),
}
writes = pytest.mark.parametrize("write", WRITES.values(), ids=WRITES)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(2) as threads:
        yield threads


def settled(store: Store) -> None:
    store.finish("d", STATE, {KEY: KEY}, None)
    store.save_fence(SHEET, FenceState("one", "two"))


@writes
@pytest.mark.parametrize("lost", ["taken by another", "given away", "never taken"])
def test_who_does_not_own_the_spreadsheet_changes_nothing(fleet: Fleet, write: Deed, lost: str) -> None:
    former = fleet.member(SHEET)
    settled(former.store)
    if lost == "taken by another":
        fleet.member(SHEET)
    elif lost == "given away":
        del former.epochs.believed[SHEET]
    else:
        former.epochs.believed[SHEET] = 1
        fleet.database.run("DELETE FROM mmsync_shard")
    before = fleet.everything()
    with pytest.raises(LeaseLostError, match=f"another member has taken spreadsheet {SHEET} over"):
        write(former.store)
    assert fleet.everything() == before
    assert former.store.dataset("d") == STATE, "reading is for everybody"


class Held(Mapping[bytes, bytes]):
    """Rows that are looked at in the middle of a transaction: which stands still there until it is let go."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()

    def __getitem__(self, key: bytes) -> bytes:
        return KEY

    def __iter__(self) -> Iterator[bytes]:
        self.reached.set()
        assert self.go.wait(PATIENCE)
        return iter([OTHER])

    def __len__(self) -> int:
        return 1


def in_the_middle(fleet: Fleet, threads: ThreadPoolExecutor, store: Store) -> tuple[Held, Future[None]]:
    rows = Held()
    writing = threads.submit(store.begin_write, "d", NEWER, rows)
    assert rows.reached.wait(PATIENCE)
    return rows, writing


def test_a_take_over_waits_for_a_transaction_that_has_proven_its_right(
    fleet: Fleet, threads: ThreadPoolExecutor
) -> None:
    former, following = fleet.member(SHEET), Epochs()
    rows, writing = in_the_middle(fleet, threads, former.store)
    taking = threads.submit(fleet.take, following, SHEET)
    until(fleet.waiting, "the one who takes it waits")
    assert not taking.done() and not writing.done()
    rows.go.set()
    writing.result(PATIENCE)
    taking.result(PATIENCE)
    state = fleet.member().store.dataset("d")
    assert state is not None and state.dirty and state.source == NEWER.source, "what the new owner finds is whole"
    with pytest.raises(LeaseLostError):
        former.store.finish("d", NEWER, {}, ())


@writes
def test_a_transaction_waits_for_a_take_over_that_has_begun_and_changes_nothing(
    fleet: Fleet, threads: ThreadPoolExecutor, write: Deed
) -> None:
    former = fleet.member(SHEET)
    settled(former.store)
    before = fleet.everything()
    with fleet.database.transaction() as taking:
        taking.exec_driver_sql("UPDATE mmsync_shard SET epoch = epoch + 1")
        writing = threads.submit(write, former.store)
        until(fleet.waiting, "the former owner waits")
    with pytest.raises(LeaseLostError, match="has taken"):
        writing.result(PATIENCE)
    after = fleet.everything()
    assert {n for n in before if before[n] != after[n]} == {"mmsync_shard"}


def test_a_stopped_process_in_the_middle_of_a_transaction_does_not_hold_a_take_over_up(
    fleet: Fleet, threads: ThreadPoolExecutor
) -> None:
    """The server ends the transaction of who does not go on, though the process and its connection live."""
    settled(fleet.member(SHEET).store)
    stopped = fleet.member(SHEET, engine=fleet.new_engine(lease_seconds=0.5))
    before = fleet.everything()
    rows, writing = in_the_middle(fleet, threads, stopped.store)
    fleet.take(Epochs(), SHEET)
    rows.go.set()
    with pytest.raises(LeaseLostError):
        writing.result(PATIENCE)
    after = fleet.everything()
    assert {n for n in before if before[n] != after[n]} == {"mmsync_shard"}


def test_a_connection_that_ends_in_the_middle_changes_nothing_and_the_next_one_works(
    fleet: Fleet, threads: ThreadPoolExecutor
) -> None:
    member = fleet.member(SHEET)
    settled(member.store)
    before = fleet.everything()
    rows, writing = in_the_middle(fleet, threads, member.store)
    assert fleet.end_sessions(in_transaction=True) == 1
    rows.go.set()
    with pytest.raises(LeaseLostError) as caught:
        writing.result(PATIENCE)
    assert "makes up for what is left" in caught.value.hint
    assert fleet.everything() == before
    member.store.begin_write("d", NEWER, {})


def test_connections_that_ended_between_two_calls_are_not_noticed(fleet: Fleet) -> None:
    member = fleet.member(SHEET)
    settled(member.store)
    assert fleet.end_sessions()
    for deed in [*READS.values(), *WRITES.values()]:
        deed(member.store)


def refusing(fleet: Fleet, code: str) -> None:
    """Each write of what a sync leaves ends with this SQLSTATE, as though the server had met it itself."""
    tables = "mmsync_dataset", "mmsync_spreadsheet"
    fleet.database.run(
        f"CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ "
        f"BEGIN RAISE EXCEPTION 'no' USING ERRCODE = '{code}'; END $$",
        *(
            f"CREATE TRIGGER r BEFORE INSERT OR UPDATE ON {one} FOR EACH ROW EXECUTE FUNCTION refuse()"
            for one in tables
        ),
    )


@pytest.mark.parametrize("fleet", ["postgresql"], indirect=True)  # these are its codes
@writes
@pytest.mark.parametrize("code", ["53100", "42501", "42P01", "23514", "P0001", "25006", "22003"])
def test_what_the_server_refuses_is_a_failure_since_it_does_not_pass_by_itself(
    fleet: Fleet, write: Deed, code: str
) -> None:
    member = fleet.member(SHEET)
    settled(member.store)
    before = fleet.everything()
    refusing(fleet, code)
    with pytest.raises(ClusterError, match="cannot be used") as caught:
        write(member.store)
    assert caught.value.hint
    assert fleet.everything() == before


@pytest.mark.parametrize("fleet", ["postgresql"], indirect=True)  # these are its codes
@writes
@pytest.mark.parametrize("code", ["57014", "55P03", "57P01", "57P03", "25P03", "08006"])
def test_a_server_that_is_gone_or_too_slow_leaves_in_doubt_whose_it_is(
    fleet: Fleet, write: Deed, code: str
) -> None:
    member = fleet.member(SHEET)
    settled(member.store)
    refusing(fleet, code)
    with pytest.raises(LeaseLostError):
        write(member.store)


@pytest.fixture(scope="module")
def own_server() -> Iterator[PostgresqlServer]:
    """One of its own, since it is stopped."""
    with started_postgresql() as server:
        yield server


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_server_that_was_gone_is_used_again(own_server: PostgresqlServer, tmp_path: Path, how: str) -> None:
    fleet = Fleet(own_server.new_database(), tmp_path)
    member = fleet.member(SHEET)
    secret = member.store.secret()
    settled(member.store)
    stranger = fleet.member(SHEET).store
    member.epochs.believed[SHEET] += 1
    own_server.stop(how)
    with pytest.raises(LeaseLostError):
        stranger.secret()
    for deed in [*READS.values(), *WRITES.values()]:
        with pytest.raises(LeaseLostError, match=r"cluster's PostgreSQL database .* cannot be used"):
            deed(member.store)
    assert member.store.secret() == secret, "it was known already"
    own_server.start()
    assert member.store.fence(SHEET) == FenceState("one", "two")
    assert member.store.written("d", [KEY, OTHER]) == {KEY: KEY}
    for deed in WRITES.values():
        deed(member.store)
    fleet.close()


def test_a_fleets_state_is_not_anothers(fleet: Fleet, tmp_path: Path) -> None:
    settled(fleet.member(SHEET).store)
    other = Fleet(fleet.database, tmp_path / "other", "elsewhere")
    theirs = other.member(SHEET).store
    assert (theirs.dataset("d"), theirs.fence(SHEET), theirs.written("d", [KEY])) == (None, FenceState(), {})
    fleet.member(SHEET).store.save_fence(SHEET, FenceState("mine"))
    theirs.save_fence(SHEET, FenceState("theirs"))
    assert fleet.member().store.fence(SHEET) == FenceState("mine")
    other.close()


def test_the_secret_is_made_once_however_many_ask_at_the_same_moment(fleet: Fleet) -> None:
    together, members = threading.Barrier(6), [fleet.member() for _ in range(6)]

    def ask(number: int) -> bytes:
        together.wait(PATIENCE)
        return members[number].store.secret()

    with ThreadPoolExecutor(6) as threads:
        secrets = set(threads.map(ask, range(6)))
    assert len(secrets) == 1


def test_runs_and_the_place_stay_the_members_own(fleet: Fleet) -> None:
    told: list[object] = []

    class Own:
        def check_place(self) -> None:
            told.append("place")

        def record(self, run: RunResult) -> None:
            told.append(run)

    store = fleet.member(local=Own()).store
    before = fleet.everything()
    run = RunResult("r", 1.0, 2.0, "sync")
    store.record(run)
    store.check_place()
    assert told == [run, "place"]
    assert fleet.everything() == before
