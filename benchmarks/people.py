"""The table that everything is measured with: a key and ten columns of mixed types, the same every time."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

TABLE = "people"
COLUMNS = ("id", "name", "email", "city", "points", "level", "score", "share", "active", "born", "seen_at")
"""An integer key; four texts and dates as SQLite keeps them, whole and broken numbers, a boolean, NULLs."""
TYPES = {"active": "boolean", "born": "date", "seen_at": "datetime"}
"""What SQLite cannot tell by itself."""
QUERY = f"SELECT {', '.join(COLUMNS)} FROM {TABLE} ORDER BY id"

_FIRST = ("Anna", "Björn", "Chiara", "Dmitri", "Eszter", "Fatima", "Goran", "Hana", "Ioana", "Jürgen", "Kofi")
_LAST = ("Abebe", "Bianchi", "Costa", "Dubois", "Eriksen", "Fischer", "García", "Horvat", "Ivanova", "Jansen")
_CITIES = ("Lisboa", "København", "Wien", "Valletta", "Nicosia", "Zagreb", "Łódź", "Tallinn")
_FIRST_BIRTHDAY, _FIRST_VISIT = date(1950, 1, 1), datetime(2026, 1, 1)  # noqa: DTZ001 - SQLite keeps no zone
_SCHEMA = f"""
CREATE TABLE {TABLE} (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT NOT NULL, city TEXT, points INTEGER NOT NULL,
    level INTEGER NOT NULL, score REAL NOT NULL, share REAL, active BOOLEAN NOT NULL, born DATE, seen_at DATETIME
)
"""


def person(number: int) -> tuple[Any, ...]:
    """Row `number`, counted from 1."""
    mixed = number * 2_654_435_761 % 2**32  # Knuth's multiplicative hash: looks like chance, and is none
    first, last = _FIRST[mixed % 11], _LAST[mixed // 11 % 10]
    return (
        number,
        f"{first} {last}",
        f"{first.lower()}.{number}@example.org",
        None if mixed % 10 == 3 else _CITIES[mixed // 7 % 8],
        mixed % 5_000,
        mixed // 13 % 12,
        mixed % 100_000 / 1_000,
        None if mixed % 4 == 1 else mixed // 17 % 1_000 / 1_000,
        mixed // 3 % 2,
        None if mixed % 20 == 7 else (_FIRST_BIRTHDAY + timedelta(days=mixed // 19 % 20_000)).isoformat(),
        (_FIRST_VISIT + timedelta(seconds=mixed % 20_000_000)).isoformat(" "),
    )


def people(count: int) -> Iterator[tuple[Any, ...]]:
    return map(person, range(1, count + 1))


def make_database(path: Path, count: int) -> None:
    """A SQLite file with `count` people."""
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(_SCHEMA)
        marks = ",".join("?" * len(COLUMNS))
        database.executemany(f"INSERT INTO {TABLE} VALUES ({marks})", people(count))


def read_people(path: Path) -> list[tuple[Any, ...]]:
    """All rows, as a script reads them that is about to write them somewhere."""
    with closing(sqlite3.connect(path)) as database:
        return database.execute(QUERY).fetchall()


def with_booleans(rows: Iterable[Sequence[Any]]) -> list[list[Any]]:
    """Rows with the boolean as one, which SQLite gives as 0 and 1: a script that wants it to be one says so."""
    at = COLUMNS.index("active")
    return [[*row[:at], bool(row[at]), *row[at + 1 :]] for row in rows]


_CHANGE = {
    "name": "name || ' x'",
    "email": "'x.' || email",
    "city": "coalesce(city, 'Roma') || ' x'",
    "points": "points + 7",
    "level": "level + 100",
    "score": "score + 0.5",
    "share": "coalesce(share, 0) + 0.25",
    "active": "1 - active",
    "born": "date(coalesce(born, '1999-12-31'), '+1 day')",
    "seen_at": "datetime(seen_at, '+1 hour')",
}


def change(path: Path, columns: Sequence[str], *, every: int) -> int:
    """Changes these cells of every `every`-th row to others of their kind; gives the number of rows."""
    changes = ", ".join(f"{column} = {_CHANGE[column]}" for column in columns)
    with closing(sqlite3.connect(path)) as database, database:
        return database.execute(f"UPDATE {TABLE} SET {changes} WHERE id % {every} = 0").rowcount
