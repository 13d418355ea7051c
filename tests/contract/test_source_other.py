"""Databases other than the two that are tested: the generic way to read, tried on SQLite's driver."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url
from tests.databases import sqlite_database

from moneymentor_sync.adapters.database import DatabaseSnapshot
from moneymentor_sync.adapters.database_access import OtherAccess
from moneymentor_sync.adapters.database_errors import place_of
from moneymentor_sync.core.errors import QueryError
from moneymentor_sync.core.settings import Dataset


def dataset(query: str | None = None, table: str | None = None) -> Dataset:
    return Dataset("things", "Things", ("id",), "s", query=query, table=table, cursor="id")


def test_the_generic_way_reads_in_chunks_and_tells_errors(tmp_path: Path) -> None:
    database = sqlite_database(tmp_path / "app.db")
    database.run("CREATE TABLE things (id integer, name text)")
    database.insert("things", [(number, "100% :x") for number in range(5)])
    url = make_url(database.url)
    access = OtherAccess(url)
    driver = access.engine.dialect.dbapi
    assert driver is not None
    with access.engine.connect() as connection:
        access.begin(connection)
        snapshot = DatabaseSnapshot(connection, access, place_of(url, 60, (driver.Error,)), 2)
        query = dataset("SELECT id, name FROM things WHERE name LIKE '100% :x' ORDER BY id")
        assert [len(chunk) for chunk in snapshot.read(query).chunks()] == [2, 2, 1]
        since = [row for chunk in snapshot.read(dataset(table="things"), since=3).chunks() for row in chunk]
        assert since == [(3, "100% :x"), (4, "100% :x")]
        with pytest.raises(QueryError, match="'things': no such table: nowhere"):
            snapshot.read(dataset("SELECT id FROM nowhere"))
        snapshot.close()
        access.end(connection)
