"""Buckets that all members of all fleets have in common: pyrate-limiter's, in the cluster's database.

An account's quota is Google's, whatever fleet uses it, so that there is a bucket for each account and each project,
reads and writes apart. The buckets are the limit. Who may try them is said by the line before them, `mmsync_turn`.

One look is one transaction, and one at a time (a lock of PostgreSQL, let go with the transaction): it says that the
turn is still waited for, reads the book, and takes from the project's bucket and the account's, or from neither.
A process that is stopped in the middle of it is cut off by the server after two seconds, and nothing was taken.
All times are the server's.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import Any, cast

import psycopg
from psycopg.pq import TransactionStatus
from pyrate_limiter import PostgresBucket, Rate, RateItem
from sqlalchemy import Connection, delete, func, insert, or_, select, update

from moneymentor_sync.core.budget import (
    ACTIVE_SECONDS,
    UNSEEN_SECONDS,
    AccountUse,
    Book,
    Granted,
    Later,
    Pool,
    Use,
    Waiting,
    account_uses,
)
from moneymentor_sync.core.errors import ClusterError, LeaseLostError
from moneymentor_sync.core.rights import CallKind

from .cluster_database import open_quota_database
from .cluster_dialect import server_now
from .cluster_errors import errors_in_a_run
from .cluster_schema import turn as turns
from .cluster_transaction import transaction

_KINDS: tuple[CallKind, ...] = ("read", "write")
_LOCK = 0x6D6D73796E63_0000
"""Of PostgreSQL's advisory locks, by one number; the leases take theirs by two."""
_BUSY_SECONDS = 0.05
"""A bucket's table was locked by somebody else (vacuum): it is no sign that the bucket is full."""


class ClusterBuckets:
    """May be asked from several threads. `url` is a SQLAlchemy URL of psycopg's, `fleet` is only noted.

    Makes what it needs in the database when it is first asked.
    """

    def __init__(self, url: str, fleet: str, pool: Pool) -> None:
        self.pool = pool
        self._fleet = fleet
        self._pool_id = _digest(*sorted(account.email for account in pool.accounts))
        self._engine = open_quota_database(url)
        self._buckets: dict[CallKind, _Buckets] = {}
        self._alone = threading.Lock()

    def close(self) -> None:
        self._engine.dispose()

    def ask(self, kind: CallKind, spreadsheet_id: str, turn: int | None) -> Granted | Later:
        with self._alone, self._transaction() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK + _KINDS.index(kind))))
            buckets = self._buckets_of(connection, kind)
            now = _now(connection)
            number = self._seen(connection, kind, spreadsheet_id, turn, now)
            book = Book(self.pool, self._uses(connection, kind, now), now)
            waiting = self._waiting(connection, kind, now)
            active = {one.spreadsheet_id: one.granted for one in waiting} | self._lately(connection, kind, now)
            answer = book.answer(number, waiting, active)
            if isinstance(answer, Later):
                return answer
            refused = buckets.take(connection, answer, now)
            if refused is not None:
                return Later(number, refused)
            self._note(connection, number, answer, now)
            return Granted(answer)

    def leave(self, kind: CallKind, turn: int) -> None:
        del kind
        # Where it cannot be said, it is soon not seen any more.
        with suppress(LeaseLostError, ClusterError), self._transaction() as connection:
            connection.execute(delete(turns).where(turns.c.id == turn, turns.c.granted_at.is_(None)))

    def used(self) -> tuple[AccountUse, ...]:
        with self._transaction() as connection:
            if not self._buckets:
                self._make_line(connection)
            now = _now(connection)
            return account_uses(self.pool, {kind: self._uses(connection, kind, now) for kind in _KINDS})

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with errors_in_a_run(self._engine), transaction(self._engine) as connection:
                yield connection
        except (LeaseLostError, ClusterError):
            self._buckets.clear()  # their tables may be gone, or were never there
            raise

    def _buckets_of(self, connection: Connection, kind: CallKind) -> _Buckets:
        if kind not in self._buckets:
            self._make_line(connection)
            self._buckets[kind] = _Buckets(connection, kind, self.pool)
        return self._buckets[kind]

    def _make_line(self, connection: Connection) -> None:
        connection.execute(select(func.pg_advisory_xact_lock(_LOCK + len(_KINDS))))
        turns.create(connection, checkfirst=True)

    # --- the line -------------------------------------------------------------------------------------------

    def _seen(
        self, connection: Connection, kind: CallKind, spreadsheet_id: str, number: int | None, now: float
    ) -> int:
        """Says that the turn is waited for; one that was not seen for so long that it is gone begins anew."""
        if number is not None:
            again = update(turns).where(turns.c.id == number).values(seen_at=now).returning(turns.c.id)
            if connection.scalar(again) is not None:
                return number
        new = insert(turns).values(
            fleet=self._fleet,
            kind=kind,
            pool=self._pool_id,
            spreadsheet_id=spreadsheet_id,
            asked_at=now,
            seen_at=now,
        )
        return int(connection.execute(new.returning(turns.c.id)).scalar_one())

    def _uses(self, connection: Connection, kind: CallKind, now: float) -> list[Use]:
        """Of all accounts, also those of other pools: they may be of the same projects."""
        query = (
            select(turns.c.account, turns.c.project, func.count(), func.min(turns.c.granted_at))
            .where(turns.c.kind == kind, turns.c.granted_at >= now - self.pool.window_seconds)
            .group_by(turns.c.account, turns.c.project)
        )
        return [Use(*row) for row in connection.execute(query)]

    def _waiting(self, connection: Connection, kind: CallKind, now: float) -> list[Waiting]:
        granted = (
            select(turns.c.spreadsheet_id, func.count().label("calls"))
            .where(turns.c.kind == kind, turns.c.granted_at >= now - self.pool.window_seconds)
            .group_by(turns.c.spreadsheet_id)
            .subquery()
        )
        query = (
            select(turns.c.id, turns.c.spreadsheet_id, turns.c.asked_at, func.coalesce(granted.c.calls, 0))
            .outerjoin(granted, granted.c.spreadsheet_id == turns.c.spreadsheet_id)
            .where(
                turns.c.kind == kind,
                turns.c.pool == self._pool_id,
                turns.c.granted_at.is_(None),
                func.abs(now - turns.c.seen_at) < UNSEEN_SECONDS,
            )
        )
        return [Waiting(*row) for row in connection.execute(query)]

    def _lately(self, connection: Connection, kind: CallKind, now: float) -> dict[str, int]:
        """The spreadsheets that were granted something at last, each with all it was granted within the window."""
        query = (
            select(turns.c.spreadsheet_id, func.count())
            .where(
                turns.c.kind == kind,
                turns.c.pool == self._pool_id,
                turns.c.granted_at >= now - self.pool.window_seconds,
            )
            .group_by(turns.c.spreadsheet_id)
            .having(func.max(turns.c.granted_at) > now - ACTIVE_SECONDS)
        )
        return {row[0]: row[1] for row in connection.execute(query)}

    def _note(self, connection: Connection, number: int, index: int, now: float) -> None:
        """The turn is a grant now; those that left the window, and who was not seen for as long, are forgotten."""
        account, past = self.pool.accounts[index], now - self.pool.window_seconds
        granted = update(turns).where(turns.c.id == number)
        connection.execute(granted.values(granted_at=now, account=account.email, project=account.project))
        gone = or_(turns.c.granted_at < past, turns.c.granted_at.is_(None) & (turns.c.seen_at < past))
        connection.execute(delete(turns).where(gone))


class _Buckets:
    """pyrate-limiter's buckets for one kind of call, all within the transaction of whoever asks."""

    def __init__(self, connection: Connection, kind: CallKind, pool: Pool) -> None:
        self._lent = _Lent()
        self._pool = pool
        window = round(pool.window_seconds * 1000)

        def bucket(of: str, name: str, limit: int) -> PostgresBucket:
            return _Bucket(cast(Any, self._lent), _table(kind, of, name), [Rate(limit, window)])

        with self._lent.to(connection):
            names = dict.fromkeys(account.project for account in pool.accounts)
            self._projects = {name: bucket("project", name, pool.limits.project) for name in names}
            self._accounts = [bucket("account", one.email, pool.limits.account) for one in pool.accounts]

    def take(self, connection: Connection, index: int, now: float) -> float | None:
        """Takes one call from the account's bucket and its project's, or, refused by either, from none.

        Gives None, or after how many seconds to try again.
        """
        account, stamp = self._pool.accounts[index], int(now * 1000)
        both = (self._projects[account.project], self._accounts[index])
        refused: float | None = None
        with self._lent.to(connection) as driver, driver.transaction() as taken:
            for bucket in both:
                decision = cast(Any, bucket.put_decision(RateItem(account.email, stamp)))
                if not decision.allowed:
                    wait = decision.retry_after_ms
                    refused = _BUSY_SECONDS if wait is None else min(max(wait / 1000, _BUSY_SECONDS), 1.0)
                    raise psycopg.Rollback(taken)
                bucket.leak(stamp)
        return refused


class _Bucket(PostgresBucket):
    """One whose table may have been made beforehand, for a role that may make none."""

    def _create_table(self) -> None:
        with self._get_conn() as connection:
            there = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (self._full_tbl,)).fetchone()
        if there != (True,):
            cast(Any, super())._create_table()


class _Lent:
    """What a bucket takes for its pool: gives the connection of the transaction under way, as a savepoint."""

    closed = False

    def __init__(self) -> None:
        self._driver: psycopg.Connection[Any] | None = None

    @contextmanager
    def to(self, connection: Connection) -> Iterator[psycopg.Connection[Any]]:
        self._driver = cast("psycopg.Connection[Any]", connection.connection.driver_connection)
        try:
            yield self._driver
        finally:
            self._driver = None

    @contextmanager
    def connection(self) -> Iterator[psycopg.Connection[Any]]:
        """A bucket swallows the refusal of its table's lock; what was begun is then to be undone, and no more."""
        assert self._driver is not None  # noqa: S101 - lent by whoever calls the bucket
        with self._driver.transaction() as savepoint:
            yield self._driver
            if self._driver.info.transaction_status is TransactionStatus.INERROR:
                raise psycopg.Rollback(savepoint)


def _now(connection: Connection) -> float:
    return float(connection.execute(select(server_now())).scalar_one())


def bucket_tables(pool: Pool) -> list[str]:
    """The tables of all buckets of a pool, as they are in the database; made when each is first asked."""
    of = [*(("project", one.project) for one in pool.accounts), *(("account", one.email) for one in pool.accounts)]
    return [f"ratelimit___{_table(kind, *one)}" for kind in _KINDS for one in dict.fromkeys(of)]


def _table(kind: CallKind, of: str, name: str) -> str:
    return f"mmsync_{kind}_{_digest(of, name)}"


def _digest(*names: str) -> str:
    """A short name for a table: PostgreSQL allows 63 bytes, of which pyrate-limiter takes 15."""
    return blake2b("\n".join(names).encode(), digest_size=12).hexdigest()
