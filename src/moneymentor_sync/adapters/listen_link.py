"""One connection on which PostgreSQL tells of changes: LISTEN, what has arrived, a word to oneself.

It is never in a transaction, so that it holds up neither vacuum nor the queue of notifications. And it never
writes: LISTEN and NOTIFY are allowed in a read-only transaction, but not on a standby, which delivers nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from ..core.errors import DatabaseUnreachableError
from ..core.trigger_sql import CHANNEL
from .database_access import LIBPQ_DEFAULTS
from .database_errors import Place

APPLICATION_NAME = "mmsync listen"
"""What `pg_stat_activity` shows."""
_TELL = "SELECT pg_catalog.pg_notify($1, $2)"
_STANDBY_HINT = (
    "A standby delivers no notifications: give the primary's URL, or `[database] listen = false`. "
    "Until then the intervals sync."
)
DRIVERS = ("psycopg", "psycopg2")
"""Whose URLs mean the same to psycopg 3."""


def listening_engine(url: URL) -> Engine:
    """Opens connections as the URL says, whichever driver it names of those that use libpq."""
    options = {name: value for name, value in LIBPQ_DEFAULTS.items() if name not in url.query}
    options |= {"application_name": APPLICATION_NAME, "prepare_threshold": None}
    return create_engine(
        url.set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        pool_reset_on_return=None,  # there is no transaction, and mostly no connection any more either
        isolation_level="AUTOCOMMIT",
        connect_args=options,
        hide_parameters=True,
    )


class Link:
    """Payloads come in the order of their commits. Whatever the driver raises means that the connection is gone."""

    def __init__(self, connection: Connection) -> None:
        self._driver = _driver(connection)
        self._received: list[str] = []
        self._asking = False
        self._driver.add_notify_handler(lambda told: self._received.append(told.payload))
        self._driver.execute(f"LISTEN {CHANNEL}")

    @property
    def descriptor(self) -> int:
        """Can be read when something has arrived."""
        return self._driver.fileno()

    def received(self) -> list[str]:
        """What has arrived since the last call, without waiting."""
        wire = self._driver.pgconn
        wire.consume_input()
        self._take_answer()
        while (told := wire.notifies()) is not None:
            self._received.append(told.extra.decode(errors="replace"))
        received, self._received = self._received, []
        return received

    def tell(self, payload: str) -> None:
        """Notifies everybody, this connection too. Does not wait: a server that hangs would never answer."""
        self._driver.pgconn.send_query_params(_TELL.encode(), [CHANNEL.encode(), payload.encode()])
        self._asking = True

    def _take_answer(self) -> None:
        wire = self._driver.pgconn
        while self._asking and not wire.is_busy():
            result = wire.get_result()
            self._asking = result is not None
            if result is not None and result.status != psycopg.pq.ExecStatus.TUPLES_OK:
                raise psycopg.OperationalError(result.error_message.decode(errors="replace"))


class DeafError(DatabaseUnreachableError):
    """Connected, and nothing arrives, or nothing ever will."""


@contextmanager
def linked(engine: Engine, place: Place) -> Iterator[Link]:
    """Listens from when it is entered. Raises DatabaseUnreachableError, then and while it is used.

    Raises DeafError for a standby.
    """
    with place.connecting():
        connection = engine.connect()
    try:
        with place.connecting(), _not_on_a_standby(place):
            link = Link(connection)
        with place.listening():
            yield link
    finally:
        connection.close()


@contextmanager
def _not_on_a_standby(place: Place) -> Iterator[None]:
    """A standby refuses LISTEN itself. https://www.postgresql.org/docs/current/hot-standby.html"""
    try:
        yield
    except psycopg.errors.ReadOnlySqlTransaction as error:
        raise DeafError(f"the {place.name} is a standby: it cannot be listened to", hint=_STANDBY_HINT) from error


def tell_from_elsewhere(engine: Engine, payload: str) -> None:
    """Notifies on a connection of its own: what arrives from there arrives while nothing is asked for."""
    with engine.connect() as connection:
        _tell(_driver(connection), payload)


def _tell(driver: psycopg.Connection[Any], payload: str) -> None:
    driver.execute("SELECT pg_catalog.pg_notify(%s, %s)", (CHANNEL, payload))


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the engine's driver is psycopg
    return driver
