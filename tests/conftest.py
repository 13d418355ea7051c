"""Fixtures that more than one tier of tests needs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import PostgresqlServer, WritableDatabase, sqlite_database, started_postgresql


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Started once."""
    with started_postgresql() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> WritableDatabase:
    """An empty database of each kind that is tested."""
    if request.param == "sqlite":
        return sqlite_database(tmp_path / "app.db")
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    return server.new_database()
