"""Fixtures that more than one tier of tests needs."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

from tests import mariadb, network
from tests.databases import PostgresqlServer, WritableDatabase, sqlite_database, started_postgresql
from tests.mariadb import MariadbServer

if TYPE_CHECKING:  # a fleet is loaded only where one is asked for
    from tests.fleets import Fleet

SETTINGS = ("DATABASE_URL", "GOOGLE_", "SYNC_", "MMSYNC_")
NOT_SETTINGS = {"MMSYNC_RECORDINGS", "MMSYNC_TESTED"}
for _name in [one for one in os.environ if one.startswith(SETTINGS) and one not in NOT_SETTINGS]:
    # Whoever runs the tests may have a database and a spreadsheet of their own in the environment.
    del os.environ[_name]

settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
"""No test depends on how fast the machine is just now; a test's own settings go before these."""
settings.register_profile("long", max_examples=10_000, deadline=None, print_blob=True)
"""`--hypothesis-profile=long`: a hundred times what the suite tries."""


reach = network.stay_on_this_machine()  # at once: before a test, or what it starts, could open a connection


def pytest_report_header() -> str:
    return f"network: {reach}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What was said meanwhile may have half a character in it, which no worker can send to who collects."""
    report = yield
    report.sections = [(name, text.encode("utf-8", "backslashreplace").decode()) for name, text in report.sections]
    return report


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Started once."""
    with started_postgresql() as server:
        yield server


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariadbServer]:
    """Started once, where the machine has one."""
    pytest.importorskip("pymysql")
    if not mariadb.is_there():
        pytest.skip(mariadb.WITHOUT)
    with mariadb.started_mariadb() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> WritableDatabase:
    """An empty database of each kind that is tested."""
    if request.param == "sqlite":
        return sqlite_database(tmp_path / "app.db")
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    return server.new_database()


@pytest.fixture(params=["postgresql", "mariadb"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fleet]:
    """Members of a cluster, by a database of their own."""
    from tests.fleets import Fleet

    server = request.getfixturevalue(f"{request.param}_server")
    fleet = Fleet(server.new_database(), tmp_path / "members")
    yield fleet
    fleet.close()
