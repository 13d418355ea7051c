"""Budget that all members of all fleets have in common: pyrate-limiter's buckets in the cluster's database.

An account's quota is Google's, whatever fleet uses it, so that there is a bucket for each account and each project,
reads and writes apart. The buckets are the limit. Who may try them is said by the line before them, `mmsync_turn`.

One look is one transaction, and one at a time (a lock of PostgreSQL, let go with the transaction): it says that the
turn is still waited for, reads the book, and takes from the project's bucket and the account's, or from neither.
A process that is stopped in the middle of it is cut off by the server after two seconds, and nothing was taken.
All times are the server's.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import blake2b
from typing import Any, cast

import psycopg
from psycopg.pq import TransactionStatus
from pyrate_limiter import PostgresBucket, Rate, RateItem
from sqlalchemy import Connection, create_engine, delete, event, func, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError

from moneymentor_sync.core.budget import (
    UNSEEN_SECONDS,
    AccountUse,
    Book,
    Granted,
    Later,
    Pool,
    Use,
    Waiting,
    stand_in_line,
)
from moneymentor_sync.core.errors import LeaseLostError
from moneymentor_sync.core.ports import CallKind

from .cluster_schema import server_now, turn

_KINDS: tuple[CallKind, ...] = ("read", "write")
_LOCK = 0x6D6D73796E63_0000
"""Of PostgreSQL's advisory locks, by one number; the leases take theirs by two."""
_BUSY_SECONDS = 0.05
"""A bucket's table was locked by somebody else (vacuum): it is no sign that the bucket is full."""
_SESSION = """
SET TIME ZONE 'UTC';
SET statement_timeout = '4s';
SET idle_in_transaction_session_timeout = '2s';
"""
"""The buckets' times have no zone, and are compared with times that have one."""

_CONNECTION = {
    "connect_timeout": 2,
    "tcp_user_timeout": 4000,
    "keepalives_idle": 2,
    "keepalives_interval": 1,
    "keepalives_count": 2,
}
"""A network that swallows everything is noticed after four seconds (libpq's parameters; milliseconds, seconds)."""


class ClusterBudget:
    """A Budget; may be asked from several threads. `fleet` is only noted.

    `url` is a SQLAlchemy URL of psycopg's, `sleep` takes seconds and may raise StoppedError, `clock` gives seconds
    that never go back.
    """

    def __init__(
        self, url: str, fleet: str, pool: Pool, *, sleep: Callable[[float], None], clock: Callable[[], float]
    ) -> None:
        self._pool, self._fleet = pool, fleet
        self._sleep, self._clock = sleep, clock
        self._pool_id = _digest(*sorted(account.email for account in pool.accounts))
        self._engine = create_engine(url, pool_size=1, pool_pre_ping=True, connect_args=_CONNECTION)
        event.listen(self._engine, "connect", _prepare)
        self._buckets: dict[CallKind, _Buckets] = {}
        self._alone = threading.Lock()

    def admit(self, kind: CallKind, spreadsheet_id: str) -> int:
        """Raises LeaseLostError, too: where the database cannot be asked, nothing may be asked of Google."""
        return stand_in_line(
            partial(self._ask, kind, spreadsheet_id), self._leave, kind=kind, sleep=self._sleep, clock=self._clock
        )

    def used(self) -> tuple[AccountUse, ...]:
        """Of each account of the pool, what it was granted within the last window, to whatever member.

        Raises LeaseLostError.
        """
        with self._transaction() as connection:
            now = _now(connection)
            counts = {kind: {use.email: use.count for use in self._uses(connection, kind, now)} for kind in _KINDS}
        return tuple(
            AccountUse(one.email, one.project, counts["read"].get(one.email, 0), counts["write"].get(one.email, 0))
            for one in self._pool.accounts
        )

    def close(self) -> None:
        self._engine.dispose()

    def _ask(self, kind: CallKind, spreadsheet_id: str, number: int | None) -> Granted | Later:
        with self._alone, self._transaction() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK + _KINDS.index(kind))))
            buckets = self._buckets_of(connection, kind)
            now = _now(connection)
            number = self._seen(connection, kind, spreadsheet_id, number, now)
            book = Book(self._pool, self._uses(connection, kind, now), now)
            answer = book.answer(number, self._waiting(connection, kind, now))
            if isinstance(answer, Later):
                return answer
            refused = buckets.take(connection, answer, now)
            if refused is not None:
                return Later(number, refused)
            self._note(connection, number, answer, now)
            return Granted(answer)

    def _leave(self, number: int) -> None:
        with suppress(LeaseLostError), self._transaction() as connection:  # else it is not seen any more
            connection.execute(delete(turn).where(turn.c.id == number, turn.c.granted_at.is_(None)))

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except (SQLAlchemyError, psycopg.Error) as error:
            self._buckets.clear()  # their tables may be gone, or were never there
            raise LeaseLostError(
                "the quota that the members share cannot be asked for: the cluster's database does not answer as "
                "it should",
                hint="Check `[cluster] url`, and that its PostgreSQL runs; nothing was written meanwhile.",
            ) from error

    def _buckets_of(self, connection: Connection, kind: CallKind) -> _Buckets:
        if kind not in self._buckets:
            connection.execute(select(func.pg_advisory_xact_lock(_LOCK + len(_KINDS))))
            turn.create(connection, checkfirst=True)
            self._buckets[kind] = _Buckets(connection, kind, self._pool)
        return self._buckets[kind]

    # --- the line -------------------------------------------------------------------------------------------

    def _seen(
        self, connection: Connection, kind: CallKind, spreadsheet_id: str, number: int | None, now: float
    ) -> int:
        """Says that the turn is waited for; one that was not seen for so long that it is gone begins anew."""
        if number is not None:
            again = update(turn).where(turn.c.id == number).values(seen_at=now).returning(turn.c.id)
            if connection.scalar(again) is not None:
                return number
        new = insert(turn).values(
            fleet=self._fleet,
            kind=kind,
            pool=self._pool_id,
            spreadsheet_id=spreadsheet_id,
            asked_at=now,
            seen_at=now,
        )
        return int(connection.execute(new.returning(turn.c.id)).scalar_one())

    def _uses(self, connection: Connection, kind: CallKind, now: float) -> list[Use]:
        """Of all accounts, also those of other pools: they may be of the same projects."""
        query = (
            select(turn.c.account, turn.c.project, func.count(), func.min(turn.c.granted_at))
            .where(turn.c.kind == kind, turn.c.granted_at >= now - self._pool.window_seconds)
            .group_by(turn.c.account, turn.c.project)
        )
        return [Use(*row) for row in connection.execute(query)]

    def _waiting(self, connection: Connection, kind: CallKind, now: float) -> list[Waiting]:
        granted = (
            select(turn.c.spreadsheet_id, func.count().label("calls"))
            .where(turn.c.kind == kind, turn.c.granted_at >= now - self._pool.window_seconds)
            .group_by(turn.c.spreadsheet_id)
            .subquery()
        )
        query = (
            select(turn.c.id, turn.c.spreadsheet_id, turn.c.asked_at, func.coalesce(granted.c.calls, 0))
            .outerjoin(granted, granted.c.spreadsheet_id == turn.c.spreadsheet_id)
            .where(
                turn.c.kind == kind,
                turn.c.pool == self._pool_id,
                turn.c.granted_at.is_(None),
                func.abs(now - turn.c.seen_at) < UNSEEN_SECONDS,
            )
        )
        return [Waiting(*row) for row in connection.execute(query)]

    def _note(self, connection: Connection, number: int, index: int, now: float) -> None:
        """The turn is a grant now; those that left the window, and who was not seen for as long, are forgotten."""
        account, past = self._pool.accounts[index], now - self._pool.window_seconds
        granted = update(turn).where(turn.c.id == number)
        connection.execute(granted.values(granted_at=now, account=account.email, project=account.project))
        gone = or_(turn.c.granted_at < past, turn.c.granted_at.is_(None) & (turn.c.seen_at < past))
        connection.execute(delete(turn).where(gone))


class _Buckets:
    """pyrate-limiter's buckets for one kind of call, all within the transaction of whoever asks."""

    def __init__(self, connection: Connection, kind: CallKind, pool: Pool) -> None:
        self._lent = _Lent()
        self._pool = pool
        window = round(pool.window_seconds * 1000)

        def bucket(of: str, name: str, limit: int) -> PostgresBucket:
            table = f"mmsync_{kind}_{_digest(of, name)}"
            return PostgresBucket(cast(Any, self._lent), table, [Rate(limit, window)])

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


def _prepare(driver: Any, _record: object) -> None:
    with driver.cursor() as cursor:
        cursor.execute(_SESSION)
    driver.commit()


def _now(connection: Connection) -> float:
    return float(connection.execute(select(server_now())).scalar_one())


def _digest(*names: str) -> str:
    """A short name for a table: PostgreSQL allows 63 bytes, of which pyrate-limiter takes 15."""
    return blake2b("\n".join(names).encode(), digest_size=12).hexdigest()
