"""Transactions with a cluster's database that end: also where the server is frozen, and its kernel still answers.

libpq has no time-out for reading, and the socket's own do not end such a wait. So the connection is cut from a
thread when a transaction has taken too long, with all that belongs to it: connecting, trying what the pool gives,
its statements, and giving it back.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.exc import InvalidatePoolError

from .deadline import Deadline

SMALL_SECONDS = 15.0
LARGE_SECONDS = 60.0
"""For what grows with the rows of a dataset."""

_drivers: ContextVar[list[Any] | None] = ContextVar("drivers", default=None)
"""The connections of psycopg's that whoever runs here is using at the moment."""


def watch(engine: Engine) -> Engine:
    """Makes an engine's connections ones that `limited` can cut, and has the pool try each before it is used.

    Not by `pool_pre_ping`, which would wait before anybody knows for which connection.
    """
    for name in ("first_connect", "connect"):  # before the dialect asks its first questions
        event.listen(engine, name, _in_use, insert=True)

    def check_out(driver: Any, _record: object, _proxy: object) -> None:
        _in_use(driver, _record)
        try:
            engine.dialect.do_ping(driver)
        except engine.dialect.loaded_dbapi.Error as error:
            raise InvalidatePoolError from error

    event.listen(engine, "checkout", check_out)
    event.listen(engine, "checkin", _given_back)
    return engine


@contextmanager
def transaction(engine: Engine, seconds: float = SMALL_SECONDS) -> Iterator[Connection]:
    """A transaction that is committed at the end, within so many seconds in all. A connection that was cut is not
    used again. Raises the library's errors."""
    with limited(seconds) as deadline, engine.connect() as db:
        try:
            with db.begin():
                yield db
        finally:
            if deadline.passed:
                db.invalidate()


@contextmanager
def limited(seconds: float) -> Iterator[Deadline]:
    """Cuts whatever connection of a watched engine is opened or taken inside and still in use after that time."""
    used: list[Any] = []
    before = _drivers.set(used)
    try:
        with Deadline(seconds, lambda: _cut_all(used)) as deadline:
            yield deadline
    finally:
        _drivers.reset(before)


def cut(driver: Any) -> None:
    """Ends a wait for the server on a connection of psycopg's, from another thread."""
    with suppress(Exception), socket.socket(fileno=os.dup(driver.fileno())) as held:
        held.shutdown(socket.SHUT_RDWR)


def _cut_all(drivers: list[Any]) -> None:
    for driver in tuple(drivers):
        cut(driver)


def _in_use(driver: Any, _record: object) -> None:
    used = _drivers.get()
    if used is not None and driver not in used:
        used.append(driver)


def _given_back(driver: Any, _record: object) -> None:
    """Before another can have it."""
    used = _drivers.get()
    if used is not None and driver in used:
        used.remove(driver)
