"""What every Source promises, on SQLite and on a real PostgreSQL: a denied column is not read under any name."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.databases import WritableDatabase

from moneymentor_sync.adapters.database import DatabaseSource
from moneymentor_sync.core.errors import DeniedColumnError, MmsyncError
from moneymentor_sync.core.ports import Row
from moneymentor_sync.core.settings import Column, DatabaseSettings, Dataset
from moneymentor_sync.core.table import resolve_shape

HASH = "$2b$12$no-one-may-see-this"
TABLES = (
    "CREATE TABLE users (id integer PRIMARY KEY, email text, password_hash text)",
    f"INSERT INTO users VALUES (1, 'ada@example.com', '{HASH}')",
    "CREATE VIEW renamed AS SELECT id, password_hash AS p FROM users",
    "CREATE VIEW twice AS SELECT id, upper(p) AS q FROM renamed",
    "CREATE VIEW harmless AS SELECT id, email FROM users",
)


@pytest.fixture
def users(database: WritableDatabase) -> Iterator[WritableDatabase]:
    database.run(*TABLES)
    yield database


def read(database: WritableDatabase, query: str | None = None, **settings: object) -> list[Row]:
    fixed: dict[str, object] = {"name": "users", "tab": "Users", "key": ("id",), "spreadsheet_id": "s"}
    dataset = Dataset(**{**fixed, "query": query, **settings})  # type: ignore[arg-type]
    with DatabaseSource(DatabaseSettings(database.url)).snapshot() as snapshot:
        stream = snapshot.read(dataset)
        resolve_shape(dataset, stream.columns)
        return [row for chunk in stream.chunks() for row in chunk]


def refusal(database: WritableDatabase, query: str | None = None, **settings: object) -> MmsyncError:
    with pytest.raises(DeniedColumnError) as caught:
        read(database, query, **settings)
    assert HASH not in str(caught.value)
    assert "never synced" in str(caught.value)
    return caught.value


UNDER_ANOTHER_NAME = [
    "SELECT * FROM users",
    "SELECT id, password_hash AS x FROM users",
    "SELECT * FROM renamed",
    "SELECT id, lower(p) AS x FROM renamed",
    "SELECT * FROM twice",
    "WITH a AS (SELECT id, p FROM renamed) SELECT a.id, a.p || '!' AS x FROM a JOIN users u ON u.id = a.id",
    "SELECT id, (SELECT max(p) FROM renamed) AS x FROM users",
    "SELECT id, email FROM users UNION ALL SELECT id, p FROM renamed",
    "SELECT id, email FROM users UNION SELECT id, p FROM renamed ORDER BY 1",
    "SELECT id, email FROM users EXCEPT SELECT id, p FROM renamed",
    "WITH RECURSIVE n(id, x) AS (SELECT id, p FROM renamed UNION SELECT id + 1, x FROM n) SELECT * FROM n LIMIT 2",
    "SELECT DISTINCT id, p AS x FROM renamed ORDER BY id LIMIT 3",
    "SELECT id, max(p) OVER () AS x FROM renamed",
    "SELECT id, upper(p) AS x FROM (SELECT id, p FROM renamed LIMIT 9) AS s",
    "SELECT id, x FROM (SELECT id, p AS x FROM renamed LIMIT 9) AS s WHERE x <> ''",
    "SELECT id, x || '' AS x FROM (SELECT id, p AS x, row_number() OVER () AS n FROM renamed) AS s WHERE n = 1",
]


@pytest.mark.parametrize("query", UNDER_ANOTHER_NAME)
def test_a_query_gives_nothing_of_it(users: WritableDatabase, query: str) -> None:
    refusal(users, query)


ONLY_POSTGRESQL_HAS = [
    "SELECT id, ARRAY[password_hash] AS x FROM users",
    "SELECT id, (ARRAY['a]', password_hash, 'b]'])[2] AS x FROM users",
    "SELECT id, unnest(ARRAY[p]) AS x FROM renamed",
    "SELECT r.id, x FROM renamed r, unnest(ARRAY[r.p]) AS x",
    "SELECT r.id, t.x FROM renamed r, ROWS FROM (unnest(ARRAY[r.p]), generate_series(1, 2)) AS t(x, n)",
    "SELECT u.id, e.value AS x FROM users u, jsonb_each_text(to_jsonb(u)) AS e WHERE e.key LIKE 'pass%'",
    "SELECT r.id, t.x FROM renamed r, LATERAL (VALUES (r.p), ('')) AS t(x)",
    "SELECT id, (SELECT max(x) FROM (VALUES (r.p), ('')) AS t(x)) AS x FROM renamed r",
]


@pytest.mark.parametrize("query", ONLY_POSTGRESQL_HAS)
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_arrays_calls_and_lists_of_values_give_nothing_of_it(users: WritableDatabase, query: str) -> None:
    refusal(users, query)


WHOLE_ROWS = [
    "SELECT id, u AS x FROM users u",
    "SELECT id, to_jsonb(u) AS x FROM users u",
    "SELECT id, row_to_json(u)::text AS x FROM users u",
    'SELECT id, "U"::text AS x FROM users "U"',
    "SELECT 1 AS id, array_agg(u) AS x FROM users u",
    "SELECT id, x FROM (SELECT id, to_jsonb(u) AS x FROM users u OFFSET 0) AS q",
    "SELECT id, to_jsonb(s) AS x FROM (SELECT * FROM renamed LIMIT 5) AS s",
]


@pytest.mark.parametrize("query", WHOLE_ROWS)
@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_whole_row_in_one_value_is_refused(users: WritableDatabase, query: str) -> None:
    refusal(users, query)


@pytest.mark.parametrize(
    "columns", [(), (Column("id", "id"), Column("email", "email"), Column("password_hash", "x"))]
)
def test_a_table_gives_nothing_of_it(users: WritableDatabase, columns: tuple[Column, ...]) -> None:
    refusal(users, table="users", columns=columns)


@pytest.mark.parametrize("columns", [(), (Column("id", "id"), Column("p", "p"))])
def test_a_view_that_is_named_as_a_table_gives_nothing_of_it(
    users: WritableDatabase, columns: tuple[Column, ...]
) -> None:
    refusal(users, table="renamed", columns=columns)


def test_nor_is_it_among_the_rows_that_changed(users: WritableDatabase) -> None:
    dataset = Dataset(name="v", tab="V", key=("id",), spreadsheet_id="s", table="renamed", cursor="id")
    with (
        DatabaseSource(DatabaseSettings(users.url)).snapshot() as snapshot,
        pytest.raises(DeniedColumnError),
    ):
        snapshot.read(dataset, since=1)


ALLOWED = [
    "SELECT id, email FROM users",
    "SELECT * FROM harmless",
    "SELECT id, (SELECT count(*) FROM users) AS n FROM users WHERE id IN (SELECT id FROM users)",
    "SELECT u.id, count(*) AS n FROM users u JOIN users v USING (id) GROUP BY u.id UNION SELECT id, 1 FROM users",
    "SELECT h.id, u.email FROM harmless h JOIN users u ON u.id = h.id ORDER BY u.email",
    "SELECT id, 'password_hash' AS email FROM users",
    "SELECT id, email FROM (SELECT id, email, row_number() OVER (ORDER BY id) AS n FROM users) AS s WHERE n < 5",
    "WITH a AS (SELECT * FROM harmless) SELECT a.id, b.email FROM a JOIN a AS b ON a.id = b.id",
    "SELECT id, email FROM users WHERE email IN (VALUES ('ada@example.com'), ('b'))",
]


@pytest.mark.parametrize("query", ALLOWED)
def test_what_lies_beside_it_is_read(users: WritableDatabase, query: str) -> None:
    assert [row[0] for row in read(users, query)] == [1]


def test_a_table_is_read_by_its_other_columns(users: WritableDatabase) -> None:
    assert read(users, table="users", columns=(Column("id", "id"), Column("email", "email"))) == [
        (1, "ada@example.com")
    ]


def test_what_is_denied_beside_it_is_the_settings_word(users: WritableDatabase) -> None:
    refusal(users, "SELECT * FROM harmless", deny=("password_hash", "E*"))


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_the_question_what_a_query_gives_is_no_second_statement(users: WritableDatabase) -> None:
    """EXPLAIN takes the query's text: nothing that follows a semicolon may be run by it."""
    with pytest.raises(MmsyncError):
        read(users, "SELECT id FROM users; COMMIT; DELETE FROM users")
    assert users.rows("SELECT count(*) FROM users") == [(1,)]


def test_a_read_of_another_dataset_after_it_is_as_ever(users: WritableDatabase) -> None:
    fixed = {"tab": "Users", "key": ("id",), "spreadsheet_id": "s"}
    refused = Dataset(name="a", query="SELECT * FROM users", **fixed)  # type: ignore[arg-type]
    good = Dataset(name="b", query="SELECT id FROM users", **fixed)  # type: ignore[arg-type]
    table = Dataset(name="c", table="harmless", **fixed)  # type: ignore[arg-type]
    with DatabaseSource(DatabaseSettings(users.url)).snapshot() as snapshot:
        with pytest.raises(DeniedColumnError):
            resolve_shape(refused, snapshot.read(refused).columns)
        for dataset in (good, table):
            assert [row[0] for chunk in snapshot.read(dataset).chunks() for row in chunk] == [1]
