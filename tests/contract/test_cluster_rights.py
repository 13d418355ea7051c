"""A role that may make no tables: what it lacks is told before it begins, and with that it does all."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from tests.databases import PostgresqlServer, WritableDatabase

from moneymentor_sync.adapters.cluster_budget import ClusterBuckets, bucket_tables
from moneymentor_sync.adapters.cluster_database import open_cluster_database, prepare
from moneymentor_sync.adapters.cluster_register import ClusterRegister
from moneymentor_sync.adapters.cluster_rights import Rights, rights_of
from moneymentor_sync.adapters.cluster_schema import tables
from moneymentor_sync.checks.cluster import ClusterSeen, cluster_check
from moneymentor_sync.core.budget import Account, Granted, Pool
from moneymentor_sync.core.errors import ClusterError
from moneymentor_sync.core.settings import ClusterSettings

POOL = Pool((Account("a@p", "p"), Account("b@p", "p")))
QUOTA = bucket_tables(POOL)


@pytest.fixture
def database(postgresql_server: PostgresqlServer) -> WritableDatabase:
    """With a role of the same name, which may do nothing in it."""
    made = postgresql_server.new_database()
    role = make_url(made.url).database
    postgresql_server.run(f"CREATE ROLE {role} LOGIN")
    made.run("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    return made


@pytest.fixture
def url(postgresql_server: PostgresqlServer, database: WritableDatabase) -> str:
    role = make_url(database.url).database or ""
    return postgresql_server.url(role, user=role)


@pytest.fixture
def opened() -> Iterator[Callable[[str], Engine]]:
    engines: list[Engine] = []

    def open_(url: str) -> Engine:
        engines.append(open_cluster_database(url))
        return engines[-1]

    yield open_
    for one in engines:
        one.dispose()


def told(rights: Rights) -> tuple[str, str, str]:
    found = cluster_check(ClusterSeen(False, rights), ClusterSettings(fleet="f"))
    return found.status, found.message, found.hint or ""


def take_part(engine: Engine, url: str) -> None:
    prepare(engine, "f")
    register = ClusterRegister(engine, "f")
    number = register.join("m", 1, "1")
    register.ask(number, {})
    register.leave(number)
    buckets = ClusterBuckets(url, "f", POOL)
    try:
        for kind in ("read", "write"):
            assert isinstance(buckets.ask(kind, "s", None), Granted)
        assert len(buckets.used()) == 2
    finally:
        buckets.close()


def test_the_buckets_tables_are_those_that_are_made(database: WritableDatabase, url: str) -> None:
    buckets = ClusterBuckets(database.url, "f", POOL)
    for kind in ("read", "write"):
        buckets.ask(kind, "s", None)
    buckets.close()
    made = database.rows("SELECT tablename FROM pg_tables WHERE tablename LIKE 'ratelimit%'")
    assert {name for (name,) in made} == set(QUOTA)


def test_a_role_that_makes_its_own_tables_is_told_what_that_takes(
    database: WritableDatabase, url: str, opened: Callable[[str], Engine]
) -> None:
    engine = opened(url)
    rights = rights_of(engine, QUOTA)
    assert set(rights.missing) == {*tables.tables, *QUOTA}
    status, message, hint = told(rights)
    assert status == "failed" and "may not make the tables" in message
    database.run(hint.removeprefix("As the owner run: "))
    assert told(rights_of(engine, QUOTA)) == (
        "ok", "fleet f: nobody has been there yet; the first member makes the tables", ""
    )  # fmt: skip
    take_part(engine, url)


def test_a_role_that_was_given_the_tables_needs_no_right_to_make_any(
    database: WritableDatabase, url: str, opened: Callable[[str], Engine]
) -> None:
    take_part(opened(database.url), database.url)
    engine = opened(url)
    rights = rights_of(engine, QUOTA)
    assert (set(rights.denied), rights.missing) == ({*tables.tables, *QUOTA}, ())
    assert len(rights.denied_sequences) == 3
    status, message, hint = told(rights)
    assert status == "failed" and "lacks rights to" in message
    with pytest.raises(ClusterError):
        take_part(engine, url)
    database.run(hint.removeprefix("As the owner run: "))
    assert told(rights_of(engine, QUOTA)) == ("ok", "fleet f: nobody has been there yet", "")
    take_part(engine, url)


def test_a_bucket_that_may_not_be_made_or_used_is_told_with_what_it_takes(
    database: WritableDatabase, url: str, opened: Callable[[str], Engine]
) -> None:
    take_part(opened(database.url), database.url)
    database.run(rights_of(opened(url)).grant)  # all but the buckets'
    buckets = ClusterBuckets(url, "f", POOL)
    with pytest.raises(ClusterError, match="permission denied for table") as denied:
        buckets.ask("read", "s", None)
    assert any(name in denied.value.hint for name in QUOTA)
    database.run(*(f"DROP TABLE {name}" for name in QUOTA))
    with pytest.raises(ClusterError, match="permission denied for schema") as missing:
        buckets.ask("read", "s", None)
    assert "GRANT USAGE, CREATE ON SCHEMA public" in missing.value.hint
    buckets.close()
