"""Whatever holds the limits answers alike: the memory of a process, and a database that many share."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import pytest
from tests.databases import PostgresqlServer, WritableDatabase

from moneymentor_sync.adapters.budget_memory import MemoryBuckets
from moneymentor_sync.adapters.cluster_budget import ClusterBuckets
from moneymentor_sync.core.budget import (
    Account,
    AccountUse,
    Buckets,
    Granted,
    Later,
    Limits,
    Pool,
    SharedBudget,
)
from moneymentor_sync.core.errors import ClusterError, LeaseLostError, StoppedError

A, B, C = Account("a@p", "p"), Account("b@p", "p"), Account("c@q", "q")
POOL = Pool((A, B, C), Limits(project=3, account=2))
CHILD = str(Path(__file__).with_name("budget_member.py"))


class Memory:
    """Buckets of this process, and time that passes when it is told to."""

    def __init__(self) -> None:
        self._now = 1000.0

    def open(self, pool: Pool) -> MemoryBuckets:
        return MemoryBuckets(pool, lambda: self._now)

    def passes(self, seconds: float) -> None:
        self._now += seconds


class Shared:
    """Buckets in a database. Its clock is not ours: what is in there becomes older instead."""

    def __init__(self, database: WritableDatabase) -> None:
        self.database = database
        self._open: list[ClusterBuckets] = []

    def open(self, pool: Pool) -> ClusterBuckets:
        self._open.append(ClusterBuckets(self.database.url, "test", pool))
        return self._open[-1]

    def tables(self, kind: str = "") -> list[str]:
        like = f"ratelimit!_!_!_mmsync!_{kind}%"
        return [
            name
            for (name,) in self.database.rows(
                f"SELECT tablename FROM pg_tables WHERE tablename LIKE '{like}' ESCAPE '!'"
            )
        ]

    def passes(self, seconds: float) -> None:
        self.database.run(
            f"UPDATE mmsync_turn SET asked_at = asked_at - {seconds}, seen_at = seen_at - {seconds}, "
            f"granted_at = granted_at - {seconds}",
            *(
                f"UPDATE \"{table}\" SET item_timestamp = item_timestamp - interval '{seconds} seconds'"
                for table in self.tables()
            ),
        )

    def close(self) -> None:
        for one in self._open:
            one.close()


@pytest.fixture
def shared(postgresql_server: PostgresqlServer) -> Iterator[Shared]:
    made = Shared(postgresql_server.new_database())
    yield made
    made.close()


@pytest.fixture(params=["memory", "postgresql"])
def place(request: pytest.FixtureRequest) -> Memory | Shared:
    if request.param == "memory":
        return Memory()
    found: Shared = request.getfixturevalue("shared")
    return found


def granted(buckets: Buckets, sheets: str, kind: str = "write") -> list[int | None]:
    """Who newly asks for each of the spreadsheets, and at once leaves where it would have to wait."""
    found: list[int | None] = []
    for sheet in sheets:
        answer = buckets.ask(kind, sheet, None)  # type: ignore[arg-type]
        if isinstance(answer, Later):
            buckets.leave(kind, answer.turn)  # type: ignore[arg-type]
        found.append(answer.account if isinstance(answer, Granted) else None)
    return found


def test_calls_go_round_within_what_accounts_and_projects_may(place: Memory | Shared) -> None:
    buckets = place.open(POOL)
    assert granted(buckets, "ssssss") == [
        0,
        2,
        1,
        2,
        0,
        None,
    ]  # c's project is its own; a and b have three together
    assert granted(buckets, "s", "read") == [0], "reads have a quota of their own"
    assert buckets.used() == (
        AccountUse("a@p", "p", 1, 2),
        AccountUse("b@p", "p", 0, 1),
        AccountUse("c@q", "q", 0, 2),
    )


def test_nothing_was_granted_before_anybody_asked(place: Memory | Shared) -> None:
    assert place.open(POOL).used() == tuple(AccountUse(one.email, one.project, 0, 0) for one in POOL.accounts)


def test_what_leaves_the_window_is_free_again_and_not_before(place: Memory | Shared) -> None:
    buckets = place.open(Pool((A,), Limits(3, 2)))
    assert granted(buckets, "s") == [0]
    place.passes(30)
    assert granted(buckets, "ss") == [0, None]
    place.passes(29)
    assert granted(buckets, "s") == [None]
    place.passes(1.1)
    assert granted(buckets, "ss") == [0, None]
    assert buckets.used() == (AccountUse("a@p", "p", 0, 2),)


def wait(buckets: Buckets, sheet: str) -> int:
    answer = buckets.ask("write", sheet, None)
    assert isinstance(answer, Later)
    return answer.turn


def test_whose_spreadsheet_got_least_goes_first_though_it_asked_last(place: Memory | Shared) -> None:
    buckets = place.open(Pool((A,), Limits(9, 3)))
    assert granted(buckets, "s") == [0]
    place.passes(58)
    assert granted(buckets, "st") == [0, 0]
    had, had_too, new = (wait(buckets, sheet) for sheet in "stu")
    place.passes(2.1)  # the first call of s has left the window; s and t still have one each in it, u has none
    assert isinstance(buckets.ask("write", "s", had), Later)
    assert isinstance(buckets.ask("write", "t", had_too), Later)
    assert buckets.ask("write", "u", new) == Granted(0)


def test_who_leaves_and_who_is_not_seen_any_more_holds_nobody_up(place: Memory | Shared) -> None:
    buckets = place.open(Pool((A,), Limits(9, 1), window_seconds=5))
    assert granted(buckets, "s") == [0]
    gone, silent, mine = wait(buckets, "t"), wait(buckets, "u"), wait(buckets, "v")
    buckets.leave("write", gone)
    place.passes(2.5)
    answer = buckets.ask("write", "v", mine)
    assert isinstance(answer, Later)
    assert answer.turn == mine
    place.passes(2.6)
    assert silent != mine
    assert buckets.ask("write", "v", mine) == Granted(0)


def test_a_stopped_wait_leaves_nothing_in_the_line(place: Memory | Shared) -> None:
    buckets = place.open(Pool((A,), Limits(1, 1), window_seconds=5))
    assert granted(buckets, "s") == [0]

    def sleep(_seconds: float) -> None:
        raise StoppedError("the end")

    with pytest.raises(StoppedError):
        SharedBudget(buckets, sleep, lambda: 0.0).admit("write", "t")
    other = wait(buckets, "u")
    place.passes(5.1)
    again = buckets.ask("write", "u", other)
    assert again == Granted(0), "t asked before, and would go first"


# --- the database -------------------------------------------------------------------------------------------


def test_a_pool_with_the_same_account_or_project_has_the_same_buckets(shared: Shared) -> None:
    assert granted(shared.open(Pool((A, C), Limits(3, 2))), "ssss") == [0, 1, 0, 1]
    other = shared.open(Pool((B, C), Limits(3, 2)))
    assert granted(other, "ss") == [0, None], "of p one is left, of c none"


def test_neither_bucket_is_drained_while_the_other_refuses(shared: Shared) -> None:
    buckets = shared.open(Pool((A,), Limits(3, 1)))
    assert granted(buckets, "s") == [0]
    counts = {table: shared.database.rows(f'SELECT count(*) FROM "{table}"') for table in shared.tables("write")}
    shared.database.run(
        "DELETE FROM mmsync_turn"
    )  # the line knows of nothing: it is the account's bucket that refuses
    assert granted(buckets, "sss") == [None, None, None]
    after = {table: shared.database.rows(f'SELECT count(*) FROM "{table}"') for table in shared.tables("write")}
    assert after == counts
    assert list(counts.values()) == [[(1,)], [(1,)]]


def test_a_table_that_is_locked_is_no_full_bucket(shared: Shared) -> None:
    """Vacuum locks it so; pyrate-limiter's put then refuses, and says not why."""
    buckets = shared.open(Pool((A,), Limits(3, 2)))
    assert granted(buckets, "s") == [0]
    account = shared.tables("write")
    with shared.database.transaction() as connection:
        for table in account:
            connection.exec_driver_sql(f'LOCK TABLE "{table}" IN SHARE UPDATE EXCLUSIVE MODE')
        answer = buckets.ask("write", "s", None)
        assert isinstance(answer, Later)
        assert answer.seconds < 0.1
    assert buckets.ask("write", "s", answer.turn) == Granted(0)


def test_a_database_in_another_time_zone_counts_alike(postgresql_server: PostgresqlServer) -> None:
    database = postgresql_server.new_database()
    database.run(f"ALTER DATABASE {database.engine.url.database} SET timezone = 'America/St_Johns'")
    place = Shared(database)
    buckets = place.open(Pool((A,), Limits(3, 2)))
    assert granted(buckets, "sss") == [0, 0, None]
    place.close()


def test_without_the_database_nothing_may_be_asked_of_google(shared: Shared) -> None:
    buckets = ClusterBuckets("postgresql+psycopg://nobody@127.0.0.1:9/nowhere", "test", POOL)
    for ask in (lambda: buckets.ask("read", "s", None), buckets.used):
        with pytest.raises(LeaseLostError, match="cluster's PostgreSQL database"):
            ask()
    buckets.leave("read", 1)


def test_a_session_that_was_ended_and_tables_that_are_gone_are_made_again(shared: Shared) -> None:
    buckets = shared.open(Pool((A,), Limits(3, 2)))
    assert granted(buckets, "s") == [0]
    shared.database.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
        "AND pid <> pg_backend_pid()"
    )
    assert granted(buckets, "s") == [0]
    shared.database.run(*(f'DROP TABLE "{table}"' for table in shared.tables()), "DROP TABLE mmsync_turn")
    with pytest.raises(ClusterError):
        buckets.ask("write", "s", None)
    assert granted(buckets, "s") == [0]


def test_who_stops_in_the_middle_of_a_look_is_cut_off(shared: Shared) -> None:
    pool = Pool((A,), Limits(3, 2))
    stuck, other = shared.open(pool), shared.open(pool)
    assert granted(stuck, "s") == [0]
    with pytest.raises(LeaseLostError), stuck._transaction() as connection:
        connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (0x6D6D73796E63_0001,))
        assert granted(other, "t") == [0]
        connection.exec_driver_sql("SELECT 1")
    assert granted(other, "t") == [None]


# --- processes ----------------------------------------------------------------------------------------------


@contextmanager
def members(url: str, count: int, **told: object) -> Iterator[list[subprocess.Popen[str]]]:
    """Processes that are ready to ask, each for a spreadsheet of its own, and begin when they are told."""
    started = [
        subprocess.Popen(
            [sys.executable, CHILD, json.dumps({"url": url, "spreadsheet": f"sheet-{number}", **told})],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(count)
    ]
    try:
        for one in started:
            assert pipe(one.stdout).readline() == "ready\n"
        yield started
    finally:
        for one in started:
            one.kill()
            one.communicate()


def pipe(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def begin(one: subprocess.Popen[str]) -> None:
    pipe(one.stdin).write("go\n")
    pipe(one.stdin).flush()


def test_four_processes_never_get_more_than_the_limit_together(shared: Shared) -> None:
    limit, window, calls = 10, 1.0, 10
    pool = Pool((A,), Limits(99, limit), window_seconds=window)
    assert granted(shared.open(pool), "s") == [0]  # the tables are there
    shared.database.run("CREATE TABLE taken (bucket text, at timestamp)")
    shared.database.run(
        "CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN INSERT INTO taken VALUES (TG_TABLE_NAME, NEW.item_timestamp); RETURN NEW; END $$",
        *(
            f'CREATE TRIGGER note AFTER INSERT ON "{table}" FOR EACH ROW EXECUTE FUNCTION note()'
            for table in shared.tables("write")
        ),
    )
    told = {"limit": limit, "window": window, "calls": calls}
    with members(shared.database.url, 4, **told) as started:
        for one in started:
            begin(one)
        got = [json.loads(pipe(one.stdout).readline()) for one in started]
    assert [len(one) for one in got] == [calls] * 4
    for table in shared.tables("write"):
        times = [
            float(at)
            for (at,) in shared.database.rows(f"SELECT extract(epoch FROM at) FROM taken WHERE bucket = '{table}'")
        ]
        assert len(times) == 4 * calls, "every grant was taken from both buckets"
        most = max(sum(start <= at <= start + window - 0.002 for at in times) for start in times)
        assert most <= limit


def test_a_process_that_was_stopped_while_it_waited_holds_nobody_up(shared: Shared) -> None:
    pool = Pool((A,), Limits(99, 1))
    buckets = shared.open(pool)
    assert granted(buckets, "s") == [0]
    with members(shared.database.url, 1, limit=1, window=60.0, calls=1, loud=True) as (one,):
        begin(one)
        assert pipe(one.stdout).readline() == "waiting\n"
        os.kill(one.pid, signal.SIGSTOP)
        until(lambda: state_of(one.pid) == "T")
        shared.database.run("UPDATE mmsync_turn SET granted_at = granted_at - 61 WHERE granted_at IS NOT NULL")
        for table in shared.tables("write"):
            shared.database.run(f'DELETE FROM "{table}"')
        paused: list[float] = []

        def sleep(seconds: float) -> None:
            paused.append(seconds)
            time.sleep(seconds)

        assert SharedBudget(buckets, sleep, time.monotonic).admit("write", "late") == 0
        assert state_of(one.pid) == "T", "it never looked again"
        os.kill(one.pid, signal.SIGCONT)
    assert paused, "who is stopped was in front for as long as it may have been alive"


def state_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    return "gone"


def until(true: Callable[[], bool]) -> None:
    while not true():
        os.sched_yield()
