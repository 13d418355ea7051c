"""A cluster's database is opened, its tables are made, and what is wrong with it is told without a secret."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, inspect
from sqlalchemy.engine import make_url
from tests.databases import PostgresqlServer, WritableDatabase
from tests.fleets import PATIENCE

from moneymentor_sync.adapters import cluster_database
from moneymentor_sync.adapters.cluster_database import open_cluster_database, prepare
from moneymentor_sync.adapters.cluster_schema import VERSION, tables
from moneymentor_sync.adapters.cluster_store import ClusterStore
from moneymentor_sync.core.errors import ClusterError, LeaseLostError, MmsyncError
from moneymentor_sync.core.ports import RunResult

SECRET = "hush-hush"


class Alone:
    """Nothing is kept on this machine."""

    def check_place(self) -> None:
        raise AssertionError

    def record(self, run: RunResult) -> None:
        raise AssertionError


@pytest.fixture
def database(postgresql_server: PostgresqlServer) -> WritableDatabase:
    return postgresql_server.new_database()


@pytest.fixture
def engine(database: WritableDatabase) -> Iterator[Engine]:
    engine = open_cluster_database(database.url)
    yield engine
    engine.dispose()


def made(database: WritableDatabase) -> set[str]:
    return set(inspect(database.engine).get_table_names())


def test_members_that_start_at_once_make_the_tables_once(database: WritableDatabase) -> None:
    together = threading.Barrier(4)

    def start(number: int) -> None:
        engine = open_cluster_database(database.url)
        together.wait(PATIENCE)
        prepare(engine, f"fleet {number % 2}")
        engine.dispose()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(start, range(4)))
    assert made(database) == set(tables.tables)
    marks = "SELECT fleet, convert_from(value, 'UTF8') FROM mmsync_meta ORDER BY fleet"
    assert database.rows(marks) == [("fleet 0", str(VERSION)), ("fleet 1", str(VERSION))]


def test_tables_of_a_newer_version_are_left_alone(engine: Engine, database: WritableDatabase) -> None:
    prepare(engine, "theirs")
    database.run(f"UPDATE mmsync_meta SET value = '{VERSION + 1}'", "DROP TABLE mmsync_switch")
    with pytest.raises(
        ClusterError, match=f"of version {VERSION + 1}; this mmsync knows up to {VERSION}"
    ) as caught:
        prepare(engine, "ours")
    assert "Upgrade mmsync on this machine" in caught.value.hint
    assert "mmsync_switch" not in made(database)


def test_a_server_that_is_too_old_is_refused(
    engine: Engine, database: WritableDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cluster_database, "OLDEST_SERVER", 99)
    with pytest.raises(ClusterError, match=r"the cluster's server is PostgreSQL \d+") as caught:
        prepare(engine, "f")
    assert "PostgreSQL 99 or newer" in caught.value.hint
    assert made(database) == set()


def test_a_session_waits_for_nothing_for_long(database: WritableDatabase) -> None:
    url = make_url(database.url).update_query_dict({"options": "-c work_mem=2MB"})
    engine = open_cluster_database(url.render_as_string(hide_password=False), lease_seconds=3)
    settings = "idle_in_transaction_session_timeout", "statement_timeout", "lock_timeout", "work_mem"
    with engine.begin() as db:
        found = [db.exec_driver_sql(f"SHOW {name}").scalar_one() for name in settings]
        level = db.exec_driver_sql("SHOW transaction_isolation").scalar_one()
    engine.dispose()
    assert (found, level) == (["3s", "10s", "5s", "2MB"], "read committed")


def test_the_hint_for_a_role_without_rights_is_what_it_takes(
    postgresql_server: PostgresqlServer, database: WritableDatabase
) -> None:
    role = make_url(database.url).database
    postgresql_server.run(f"CREATE ROLE {role} LOGIN")
    database.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    theirs = open_cluster_database(postgresql_server.url(role or "", user=role))

    def lacking() -> str:
        with pytest.raises(ClusterError, match="permission denied") as caught:
            prepare(theirs, "f")
        return caught.value.hint.removeprefix("As the owner run: ")

    may_make = lacking()
    assert may_make == f"GRANT USAGE, CREATE ON SCHEMA public TO {role};"
    ours = open_cluster_database(database.url)
    prepare(ours, "f")  # or another makes the tables, and that role has no right to them
    ours.dispose()
    database.run(lacking())
    prepare(theirs, "f")
    ClusterStore(theirs, "f", lambda _: None, Alone()).secret()
    tables.drop_all(database.engine)
    database.run(may_make)
    prepare(theirs, "f")
    assert made(database) == set(tables.tables)
    theirs.dispose()


def told(error: MmsyncError) -> str:
    return "\n".join([str(error), error.hint, *traceback.format_exception(error)])


@pytest.mark.parametrize(
    "url",
    [
        f"postgresql+psycopg://user:{SECRET}@127.0.0.1:1/app",
        f"postgresql+psycopg://user@127.0.0.1:1/app?password={SECRET}",
        f"postgresql+psycopg://user:{SECRET}@/app?host=/nowhere",
    ],
)
def test_no_secret_is_told_of_a_server_that_is_not_there(url: str) -> None:
    engine = open_cluster_database(url)
    store = ClusterStore(engine, "f", lambda _: 1, Alone())
    with pytest.raises(
        ClusterError, match=r"the cluster's PostgreSQL database app .*as user cannot be used"
    ) as opened:
        prepare(engine, "f")
    with pytest.raises(LeaseLostError) as unknown:
        store.secret()
    with pytest.raises(LeaseLostError) as lost:
        store.fence("s")
    assert "server runs and listens there" in opened.value.hint
    for error in (opened.value, unknown.value, lost.value):
        assert SECRET not in told(error)


@pytest.mark.parametrize(
    "url", [f"no url {SECRET}", f"nothing+such://user:{SECRET}@host/x", f"postgresql+psycopg://u:{SECRET}@h:x/db"]
)
def test_an_address_that_is_none_is_not_quoted(url: str) -> None:
    with pytest.raises(ClusterError, match=r"`\[cluster\] url` cannot be used") as caught:
        open_cluster_database(url)
    assert SECRET not in str(caught.value) + caught.value.hint


@pytest.mark.parametrize(
    ("spoil", "hint"),
    [
        ("DROP TABLE mmsync_dataset", "start mmsync anew"),
        ("ALTER DATABASE {} SET default_transaction_read_only = on", "must name the primary server"),
    ],
)
def test_what_became_of_the_tables_or_the_server_is_told(
    engine: Engine, database: WritableDatabase, spoil: str, hint: str
) -> None:
    prepare(engine, "f")
    database.run(spoil.format(make_url(database.url).database))
    engine.dispose()
    store = ClusterStore(engine, "f", lambda _: None, Alone())
    with pytest.raises(MmsyncError) as caught:
        store.dataset("d")
        store.secret()
    assert hint in caught.value.hint
