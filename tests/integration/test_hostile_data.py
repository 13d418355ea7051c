"""Hostile values, keys and names from real databases into the sheet, over real HTTP: exact, settled, findable."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.core.cells import CUT_MARK, MAX_TEXT
from moneymentor_sync.core.settings import Column, Config, DatabaseSettings
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.cells import Formula
from tests.databases import PostgresqlServer, WritableDatabase, sqlite_database
from tests.hostile import NAMES, TEXTS

from .workbench import TAB, Workbench


def told_apart(key: Any) -> Any:
    return ("number", float(key)) if type(key) in (int, float) else (type(key).__name__, key)


class Bench(Workbench):
    """A workbench on a database of either kind, with a dataset that reads the table `t` whole by its key `k`."""

    def __init__(self, box: Sandbox, directory: Path, source: WritableDatabase) -> None:
        super().__init__(box, directory)
        self.source = source
        source.run("CREATE TABLE empty_one (x integer)")
        self.reads("SELECT * FROM t")

    @property
    def config(self) -> Config:
        return replace(super().config, database=DatabaseSettings(self.source.url))

    def reads(self, query: str | None, **given: Any) -> None:
        fixed: dict[str, Any] = {"key": ("k",), "verify": "always"}
        self.datasets = [self.dataset(**{**fixed, "query": query, **given})]

    def settled(self) -> None:
        """The next sync, which compares all with what is there, has nothing to write."""
        result = self.sync()
        assert (result.result, result.writes, result.verified) == ("unchanged", 0, True)

    def by_key(self) -> dict[Any, Any]:
        """The tab's rows by their first cell: 1, "1" and True are three."""
        return {told_apart(row[0]): row[1:] for row in self.rows()}

    def no_formula(self) -> None:
        assert not [cell for row in self.grid() for cell in row if isinstance(cell, Formula)]


@pytest.fixture
def any_bench(box: Sandbox, tmp_path: Path, database: WritableDatabase) -> Iterator[Bench]:
    yield Bench(box, tmp_path, database)


@pytest.fixture
def sqlite_bench(box: Sandbox, tmp_path: Path) -> Iterator[Bench]:
    yield Bench(box, tmp_path, sqlite_database(tmp_path / "app.db"))


@pytest.fixture
def pg_bench(box: Sandbox, tmp_path: Path, postgresql_server: PostgresqlServer) -> Iterator[Bench]:
    yield Bench(box, tmp_path, postgresql_server.new_database())


# --- texts, as values and as keys -------------------------------------------------------------------------


@pytest.mark.parametrize("more", [0, 20_000], ids=["one write", "a staging tab"])
def test_hostile_texts_arrive_to_the_letter_and_their_rows_are_found_again(any_bench: Bench, more: int) -> None:
    bench = any_bench
    keys = [text for text in TEXTS if len(text) < 1_000]
    bench.source.run("CREATE TABLE t (k text PRIMARY KEY, v text, n integer)")
    bench.source.insert("t", [*[(text, text, 1) for text in keys], *[(f"row {i}", "x", 1) for i in range(more)]])
    first = bench.sync()
    assert (first.inserted, first.notes, first.writes > 2) == (len(keys) + more, (), bool(more))
    assert {key: row for key, row in bench.by_key().items() if key[1] in keys} == {
        told_apart(text): [text, 1.0] for text in keys
    }
    bench.no_formula()
    bench.settled()
    bench.source.run("UPDATE t SET n = 2 WHERE v <> 'x'")
    assert (changed := bench.sync()).updated == len(keys)
    assert (changed.inserted, changed.deleted) == (0, 0)
    bench.source.run("DELETE FROM t WHERE v <> 'x'") if more else bench.source.run("DELETE FROM t WHERE v < 'a'")
    gone = bench.sync(force=True)
    assert (gone.inserted, gone.updated) == (0, 0)
    assert {key[1] for key in bench.by_key()} == {row[0] for row in bench.source.rows("SELECT k FROM t")}
    assert gone.deleted > 0
    bench.settled()


def test_the_longest_texts_stay_and_longer_ones_are_cut_with_a_note(any_bench: Bench) -> None:
    bench = any_bench
    texts = ["x" * MAX_TEXT, "😀" * (MAX_TEXT // 2), "y" * (MAX_TEXT + 1), "😀" * (MAX_TEXT // 2) + "z"]
    bench.source.run("CREATE TABLE t (k integer, v text)")
    bench.source.insert("t", list(enumerate(texts)))
    assert bench.sync().notes == ("2 texts were longer than a cell holds and were cut",)
    cells = [row[1] for row in sorted(bench.rows())]
    assert cells[:2] == texts[:2]
    for cell, text in zip(cells[2:], texts[2:], strict=True):
        assert cell.endswith(CUT_MARK)
        assert text.startswith(cell.removesuffix(CUT_MARK))
    bench.settled()


def test_what_sqlite_holds_and_no_cell_does_is_replaced_and_told_without_the_value(sqlite_bench: Bench) -> None:
    bench = sqlite_bench
    bench.source.run("CREATE TABLE t (k text, v text)")
    bench.source.insert("t", [("a\x00b", "secret\x00"), ("plain", "secret")])
    result = bench.sync()
    assert result.notes == ("2 texts had characters that no cell can hold; each became �",)
    assert sorted(bench.rows()) == [["a�b", "secret�"], ["plain", "secret"]]
    bench.settled()


@pytest.mark.parametrize("value", ["CAST(x'ff' AS text)", "CAST(x'eda080' AS text)", "x'00ff'"])
def test_bytes_that_are_no_text_are_refused_without_them(sqlite_bench: Bench, value: str) -> None:
    bench = sqlite_bench
    bench.source.run("CREATE TABLE t (k text, v)", "INSERT INTO t VALUES ('one', 'x')")
    bench.sync()
    bench.source.run(f"INSERT INTO t VALUES ('two', 'jane' || {value})", f"INSERT INTO t VALUES ('3', {value})")
    failed = bench.refused()
    assert failed.error_code in ("query", "unsupported_value")
    assert "'v'" in str(failed.error)
    assert "jane" not in f"{failed}"


# --- values of PostgreSQL ---------------------------------------------------------------------------------

_ZEROS = "0" * 400
POSTGRESQL: dict[str, Any] = {
    "10::numeric ^ 400": f"1{_ZEROS}",
    "-(10::numeric ^ 400) - 0.5": f"-1{_ZEROS}.5",
    "123456789012345::numeric": 123456789012345.0,
    "1234567890123456.5::numeric": "1234567890123456.5",
    "0.10::numeric": 0.1,
    "'NaN'::numeric": "NaN",
    "'-Infinity'::numeric": "-Infinity",
    "'NaN'::float8": "NaN",
    "'Infinity'::float8": "Infinity",
    "'-0.0'::float8": 0.0,
    "'5e-324'::float8": 5e-324,
    "9007199254740993::bigint": "9007199254740993",
    "'1899-12-30'::date": 0.0,
    "'1899-12-31'::date": 1.0,
    "'0001-01-01'::date": -693593.0,
    "'9999-12-31'::date": 2958465.0,
    "'1800-01-01 12:00'::timestamp": -36521.5,
    "'2026-07-01 12:00+02'::timestamptz": 46204.416666666664,
    "'infinity'::timestamptz": "infinity",
    "'0044-03-15 BC'::date": "0044-03-15 BC",
    "'10000-01-01'::timestamp": "10000-01-01 00:00:00",
    "'24:00'::time": "24:00:00",
    "'12:00+02'::timetz": "12:00:00+02",
    "'-1 day'::interval": -1.0,
    "'1 mon'::interval": "1 mon",
    "'infinity'::interval": "infinity",
    "ARRAY['=1+1', NULL, 'é']": '["=1+1", null, "é"]',
    """'{"b": 1.10, "a": [null, true]}'::jsonb""": '{"a": [null, true], "b": 1.10}',
    "'\"=1+1\"'::jsonb": "=1+1",
    "'null'::json": None,
    "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid": "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
    "'10.0.0.1/8'::inet": "10.0.0.1/8",
    "numrange(1.10, NULL)": "[1.10,)",
    "'12.34'::money": "$12.34",
    "ROW(1, '=1+1')": '["1", "=1+1"]',
    "ROW(1, '=1+1')::pair": "(1,=1+1)",
    "'=a'::mood": "=a",
    "'ab'::char(5)": "ab   ",
    "true": True,
}


def test_each_kind_of_value_of_postgresql_arrives_as_what_it_is(pg_bench: Bench) -> None:
    """One column for each: in a column of its own type a value has neighbours of that type only."""
    bench = pg_bench
    bench.source.run("CREATE TYPE mood AS ENUM ('=a')", "CREATE TYPE pair AS (a int, b text)")
    columns = ", ".join(f"{expression} AS c{i}" for i, expression in enumerate(POSTGRESQL))
    bench.reads(f"SELECT 1 AS k, {columns}")
    assert bench.sync().notes == ()
    found = (bench.rows()[0] + [None])[1 : len(POSTGRESQL) + 1]
    for expression, cell, expected in zip(POSTGRESQL, found, POSTGRESQL.values(), strict=True):
        if isinstance(expected, float):
            assert cell == pytest.approx(expected, abs=1e-9), expression
            assert type(cell) in (int, float), expression
        else:
            assert (type(cell), cell) == (type(expected), expected), expression
    bench.no_formula()
    bench.settled()


def test_a_number_of_more_digits_than_a_cell_holds_is_cut_with_a_mark_and_a_note(pg_bench: Bench) -> None:
    pg_bench.reads("SELECT 1 AS k, 10::numeric ^ 60000 AS v")
    assert pg_bench.sync().notes == ("1 texts were longer than a cell holds and were cut",)
    assert pg_bench.rows()[0][1].endswith(CUT_MARK)
    pg_bench.settled()


def test_bytea_is_refused_without_its_value(pg_bench: Bench) -> None:
    pg_bench.reads("SELECT 1 AS k, 'jane'::bytea AS v")
    failed = pg_bench.run().datasets[0]
    assert failed.error_code == "unsupported_value"
    assert "'v'" in str(failed.error)
    assert "jane" not in f"{failed}"


# --- values that are not of their column's type -----------------------------------------------------------


def test_a_value_that_is_not_of_its_declared_type_is_told_in_the_result(sqlite_bench: Bench) -> None:
    bench = sqlite_bench
    bench.source.run("CREATE TABLE t (k INTEGER, day DATE, n NUMERIC, ok BOOLEAN)")
    bench.source.insert("t", [(1, "soon", "many", "jane"), (2, "2026-01-01", 2, 1), (3, "soon", None, None)])
    bench.reads(None, table="t")
    result = bench.sync()
    assert result.notes == (
        "2 values of column 'day' are no date and arrived as they are",
        "1 values of column 'n' are no number and arrived as they are",
        "1 values of column 'ok' are no boolean and arrived as they are",
    )
    assert bench.rows()[0] == [1.0, "soon", "many", "jane"]
    bench.settled()


# --- keys -------------------------------------------------------------------------------------------------


def test_keys_that_only_look_alike_are_each_their_own(sqlite_bench: Bench) -> None:
    bench = sqlite_bench
    accents = ["é", unicodedata.normalize("NFD", "é")]
    keys = [1, "1", "1.0", "01", " 1", "1 ", "a", "A", "a ", *accents, "TRUE", 1.5, "1.5"]
    bench.source.run("CREATE TABLE t (k, v INTEGER)")
    bench.source.insert("t", [(key, number) for number, key in enumerate(keys)])
    assert bench.sync().inserted == len(keys)
    bench.settled()
    bench.person.sort(TAB, 1, descending=True)
    bench.source.run("UPDATE t SET v = v + 100")
    result = bench.sync()
    assert (result.inserted, result.updated, result.deleted) == (0, len(keys), 0)
    assert bench.by_key() == {told_apart(key): [number + 100.0] for number, key in enumerate(keys)}
    bench.source.run("DELETE FROM t WHERE k = 'a' OR k = '1'")
    assert bench.sync().deleted == 2
    assert told_apart("A") in bench.by_key()
    assert told_apart(1) in bench.by_key()


@pytest.mark.parametrize(
    ("keys", "words"),
    [((1, 1.0), "1 that repeat it"), ((1, ""), "1 row(s) with NULL"), (("a\x00", "a\ud7ff"[:1] + "�"), "repeat")],
)
def test_keys_that_one_cell_cannot_tell_apart_are_refused(
    sqlite_bench: Bench, keys: tuple[Any, ...], words: str
) -> None:
    bench = sqlite_bench
    bench.source.run("CREATE TABLE t (k, v INTEGER)", "INSERT INTO t VALUES (7, 7)")
    bench.sync()
    bench.source.insert("t", [(key, 0) for key in keys])
    failed = bench.refused()
    assert failed.error_code == "key_not_unique"
    assert words in str(failed.error)


def test_a_truth_a_number_and_a_text_are_three_keys_in_postgresql(pg_bench: Bench) -> None:
    bench = pg_bench
    query = "SELECT * FROM (VALUES (true, 1), (false, 2)) AS x (k, v)"
    bench.reads(query)
    bench.sync()
    assert bench.by_key() == {told_apart(True): [1.0], told_apart(False): [2.0]}
    bench.reads(query.replace("(true, 1)", "(true, 3)"))
    assert bench.sync().updated == 1
    bench.settled()


# --- names ------------------------------------------------------------------------------------------------


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@pytest.mark.parametrize("of", ["query", "table", "columns"])
def test_hostile_column_names_are_headers_to_the_letter(any_bench: Bench, of: str) -> None:
    bench = any_bench
    names = [name for name in NAMES if of == "query" or name != "é" or bench.source.kind == "postgresql"]
    bench.source.run(f"CREATE TABLE t (k integer, {', '.join(f'{_quoted(name)} text' for name in names)})")
    bench.source.run(f"INSERT INTO t VALUES (1, {', '.join(['NULL'] * len(names))})", "UPDATE t SET \"A1\" = '=1'")
    if of == "columns":
        columns = tuple(Column(name, name) for name in ("k", *names))
        bench.reads("SELECT * FROM t", columns=columns, cursor="50% :of %s")
    elif of == "table":
        bench.reads(None, table="t")
    assert bench.sync().inserted == 1
    assert bench.grid()[0] == ["k", *names]
    bench.no_formula()
    bench.settled()
    bench.source.run("UPDATE t SET \"50%% :of %%s\" = '%s'".replace("%%", "%"))
    assert bench.sync().updated == 1
    assert bench.rows()[0][names.index("50% :of %s") + 1] == "%s"
    bench.settled()


@pytest.mark.parametrize("names", [("a", "a"), ("a", "a "), ("",), (" ",)])
def test_names_that_cannot_be_headers_are_refused(sqlite_bench: Bench, names: tuple[str, ...]) -> None:
    bench = sqlite_bench
    bench.reads("SELECT 1 AS k, 2 AS v")
    bench.sync()
    bench.reads("SELECT 1 AS k, " + ", ".join(f"{i} AS {_quoted(name)}" for i, name in enumerate(names)))
    assert bench.refused().error_code == "query"


def test_a_name_longer_than_a_cell_is_refused_in_a_short_line(sqlite_bench: Bench) -> None:
    bench = sqlite_bench
    bench.reads("SELECT 1 AS k, 2 AS v")
    bench.sync()
    bench.reads(f"SELECT 1 AS k, 2 AS {_quoted('x' * 50_001)}")
    failed = bench.refused()
    assert failed.error_code == "query"
    assert len(str(failed.error)) < 300


# --- very many columns ------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [200, 1_000])
def test_very_many_columns_with_long_names(sqlite_bench: Bench, count: int) -> None:
    bench = sqlite_bench
    names = [f"{'n' * 56}{i:04}" for i in range(count)]
    bench.source.run(f"CREATE TABLE t (k, {', '.join(names)})")
    bench.source.insert("t", [(row, *range(count)) for row in range(20)])
    assert bench.sync().inserted == 20
    assert bench.grid()[0] == ["k", *names]
    bench.settled()
    bench.person.move_columns(TAB, 0, 1, count)
    bench.person.insert_columns(TAB, 5)
    bench.person.type_rows(TAB, 0, 5, [["notes"], ["mine"]])
    bench.source.run(f"UPDATE t SET {names[-1]} = -1, {names[0]} = -1 WHERE k = 0")
    result = bench.sync()
    assert (result.updated, result.cells) == (1, 2)
    assert [row[5] for row in bench.grid()[:2]] == ["notes", "mine"]
    bench.settled()
