"""The source changes its shape between two syncs: the right sheet, or a refusal; people's cells stay."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from moneymentor_sync.core.settings import CellType, Column, Mode

from .workbench import TAB, Workbench

KEYS = range(1, 7)
MODES: tuple[Mode, ...] = ("mirror", "upsert", "append")
BASE = "CREATE TABLE t (k INTEGER PRIMARY KEY, a TEXT, b INTEGER)"


class Bench:
    """Six rows, a person's column between ours with a note beside each row, a colour and a comment; settled."""

    def __init__(self, bench: Workbench, mode: Mode = "mirror", **given: Any) -> None:
        self.bench = bench
        self.given = {"key": ("k",), "mode": mode, "verify": "always", **given}
        bench.sql(BASE)
        bench.sql("INSERT INTO t VALUES (?, ?, ?)", *[(k, f"a{k}", k * 10) for k in KEYS])
        self.reads("SELECT * FROM t ORDER BY k")
        bench.sync()
        bench.person.insert_columns(TAB, 1)
        bench.person.type_rows(TAB, 0, 1, [["notes"], *[[f"note {k}"] for k in KEYS]])
        bench.person.note(TAB, 2, 1, "a comment")
        bench.person.sort(TAB, 0, descending=True)
        assert bench.sync().result == "unchanged"

    def reads(self, query: str | None, **given: Any) -> None:
        self.bench.datasets = [self.bench.dataset(**{**self.given, "query": query, **given})]

    def column(self, header: str) -> dict[str, Any]:
        """A column's cells by the note of their row: rows are told by what a person wrote beside them."""
        top, *rows = self.bench.grid()
        at, notes = top.index(header), top.index("notes")
        return {str(row[notes]): row[at] if at < len(row) else None for row in rows if row[notes:]}

    def holds(self, header: str, cells: Sequence[Any]) -> bool:
        return self.column(header) == {f"note {k}": cell for k, cell in zip(KEYS, cells, strict=True)}

    def settled(self, headers: Sequence[str]) -> None:
        """People's cells are where they were, and there is nothing left to do."""
        assert self.bench.grid()[0] == list(headers)
        assert self.holds("k", list(KEYS)) or self.holds("k", [str(k) for k in KEYS])
        assert list(self.bench.box.notes(self.bench.spreadsheet, TAB).values()) == ["a comment"]
        assert self.bench.sync().result == "unchanged"
        assert len(self.bench.grid()) == 7


FIRST = [f"a{k}" for k in KEYS]
SECOND = [k * 10 for k in KEYS]


@pytest.mark.parametrize("mode", MODES)
def test_a_column_is_added(bench: Workbench, mode: Mode) -> None:
    made = Bench(bench, mode)
    bench.sql("ALTER TABLE t ADD COLUMN c TEXT")
    bench.sql("UPDATE t SET c = 'c' || k")
    result = bench.sync()
    assert (result.inserted, result.deleted) == (0, 0)
    assert made.holds("c", [None] * 6 if mode == "append" else [f"c{k}" for k in KEYS])
    made.settled(["k", "notes", "a", "b", "c"])


@pytest.mark.parametrize("mode", MODES)
def test_a_column_is_renamed(bench: Workbench, mode: Mode) -> None:
    """A new name is a new column; the old one is nobody's, and stays with what is in it."""
    made = Bench(bench, mode)
    bench.sql("ALTER TABLE t RENAME COLUMN a TO a2")
    bench.sync()
    assert made.holds("a", FIRST)
    assert made.holds("a2", [None] * 6 if mode == "append" else FIRST)
    made.settled(["k", "a2", "notes", "a", "b"])


@pytest.mark.parametrize("mode", MODES[::2])
def test_a_column_is_dropped_and_comes_back(bench: Workbench, mode: Mode) -> None:
    made = Bench(bench, mode)
    bench.sql("ALTER TABLE t DROP COLUMN a")
    bench.sync()
    assert (made.holds("a", FIRST), made.holds("b", SECOND)) == (True, True)
    made.settled(["k", "notes", "a", "b"])
    bench.sql("ALTER TABLE t ADD COLUMN a TEXT")
    bench.sql("UPDATE t SET a = 'new'")
    bench.sync()
    assert made.holds("a", FIRST if mode == "append" else ["new"] * 6)
    made.settled(["k", "notes", "a", "b"])


@pytest.mark.parametrize("mode", MODES[::2])
def test_columns_come_in_another_order(bench: Workbench, mode: Mode) -> None:
    made = Bench(bench, mode)
    made.reads("SELECT b, a, k FROM t")
    assert bench.sync().writes == 0
    made.settled(["k", "notes", "a", "b"])


@pytest.mark.parametrize("columns", [(), (Column("k", "k"), Column("a", "a"), Column("b", "b"))])
def test_two_columns_swap_their_names(bench: Workbench, columns: tuple[Column, ...]) -> None:
    made = Bench(bench, columns=columns)
    made.reads("SELECT k, b AS a, a AS b FROM t")
    assert bench.sync().updated == 6
    assert (made.holds("a", SECOND), made.holds("b", FIRST)) == (True, True)
    made.settled(["k", "notes", "a", "b"])


def test_a_query_gives_other_columns_each_time(bench: Workbench) -> None:
    made = Bench(bench)
    for turn in range(3):
        made.reads(f"SELECT k, 'x' || k AS c{turn}, {turn} AS same FROM t")
        bench.sync()
        assert made.holds(f"c{turn}", [f"x{k}" for k in KEYS])
        assert made.holds("same", [turn] * 6)
    made.settled(bench.grid()[0])
    assert {"k", "notes", "a", "b", "c0", "c1", "c2", "same"} == set(bench.grid()[0])


RETYPED: list[tuple[str, list[Any]]] = [
    ("CAST(b AS TEXT)", [str(k * 10) for k in KEYS]),
    ("b + 0.5", [k * 10 + 0.5 for k in KEYS]),
    ("NULL", [None] * 6),
    ("b > 30", [k * 10 > 30 for k in KEYS]),
    ("'=' || b", [f"={k * 10}" for k in KEYS]),
]


@pytest.mark.parametrize(("expression", "cells"), RETYPED)
def test_a_column_gets_another_type(bench: Workbench, expression: str, cells: list[Any]) -> None:
    made = Bench(bench)
    kind: CellType | None = "boolean" if isinstance(cells[0], bool) else None
    made.reads(f"SELECT k, a, {expression} AS b FROM t", columns=(Column("b", "b", type=kind),))
    bench.sync()
    assert made.holds("b", cells)
    assert {type(cell) for cell in made.column("b").values()} == {type(cell) for cell in cells}
    made.settled(["k", "notes", "a", "b"])


def test_a_column_of_dates_becomes_one_of_numbers_and_is_shown_as_such(bench: Workbench) -> None:
    made = Bench(bench)
    dated = "SELECT k, a, date('2026-01-01') AS b FROM t"
    turns: list[tuple[CellType, str, str | None]] = [
        ("date", dated, "yyyy-mm-dd"),
        ("number", "SELECT k, a, k AS b FROM t", None),
        ("datetime", dated, "yyyy-mm-dd hh:mm:ss"),
        ("date", "SELECT k, a, NULL AS b FROM t", "yyyy-mm-dd"),
    ]
    for kind, query, pattern in turns:
        made.reads(query, columns=(Column("a", "a"), Column("b", "b", type=kind)))
        bench.sync()
        formats = bench.box.formats(bench.spreadsheet, TAB)
        found = {formats.get((row, 3), {}).get("numberFormat", {}).get("pattern") for row in range(1, 7)}
        assert found == {pattern}
        made.settled(["k", "notes", "a", "b"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("forgotten", [False, True])
def test_the_key_becomes_text_and_numbers_again(bench: Workbench, mode: Mode, forgotten: bool) -> None:
    """The row with key 1 is the row with key "1": it is not deleted and put in again without its note."""
    made = Bench(bench, mode)
    for query, key in (
        ("SELECT CAST(k AS TEXT) AS k, a, b FROM t", str),
        ("SELECT k, a, b FROM t", int),
    ):
        if forgotten:
            bench.forget()
        made.reads(query)
        result = bench.sync()
        assert (result.inserted, result.deleted, result.updated) == (0, 0, 6)
        assert made.holds("k", [key(k) for k in KEYS])
        assert {type(cell) for cell in made.column("k").values()} <= ({str} if key is str else {int, float})
        made.settled(["k", "notes", "a", "b"])


def test_a_key_that_becomes_another_column_is_refused_rather_than_all_rows_replaced(bench: Workbench) -> None:
    made = Bench(bench)
    made.reads("SELECT k + 1000 AS k, a || 'x' AS a, b FROM t")
    assert bench.refused().error_code == "shrink_refused"
    made.reads("SELECT * FROM t")
    made.settled(["k", "notes", "a", "b"])


REFUSED: list[tuple[str, Callable[[Workbench, Bench], None]]] = [
    ("query", lambda bench, _made: bench.sql("DROP TABLE t")),
    ("query", lambda bench, _made: bench.sql("ALTER TABLE t RENAME TO other")),
    ("query", lambda bench, _made: bench.sql("ALTER TABLE t RENAME COLUMN k TO k2")),
    ("query", lambda _bench, made: made.reads("SELECT k, k AS k, a FROM t")),
    ("query", lambda _bench, made: made.reads("SELECT a, b FROM t")),
    ("query", lambda _bench, made: made.reads("SELECT k, a AS \"\" FROM t")),
    ("query", lambda _bench, made: made.reads("SELECT k, b FROM t", columns=(Column("a", "a"),))),
    ("query", lambda _bench, made: made.reads("SELECT k, b FROM t", cursor="a")),
    ("query", lambda _bench, made: made.reads(None, table="gone")),
    ("key_not_unique", lambda _bench, made: made.reads("SELECT NULL AS k, a FROM t")),
    ("key_not_unique", lambda _bench, made: made.reads("SELECT 1 AS k, a FROM t")),
    ("shrink_refused", lambda _bench, made: made.reads("SELECT * FROM t WHERE 0")),
    ("shrink_refused", lambda _bench, made: made.reads("SELECT * FROM t WHERE k = 1")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "change"), REFUSED)
def test_what_cannot_be_synced_any_more_leaves_the_sheet_as_it_is(
    bench: Workbench, code: str, change: Callable[[Workbench, Bench], None]
) -> None:
    made = Bench(bench)
    change(bench, made)
    failed = bench.refused()
    assert (failed.error_code, bool(failed.hint)) == (code, True)
    bench.sql("DROP TABLE IF EXISTS t")
    bench.sql(BASE)
    bench.sql("INSERT INTO t VALUES (?, ?, ?)", *[(k, f"a{k}", k * 10) for k in KEYS])
    made.reads("SELECT * FROM t")
    assert bench.sync().writes == 0
    made.settled(["k", "notes", "a", "b"])


def test_a_table_is_replaced_by_a_view_of_it(bench: Workbench) -> None:
    made = Bench(bench)
    made.reads(None, table="t")
    assert bench.sync().writes == 0
    bench.sql("ALTER TABLE t RENAME TO kept")
    bench.sql("CREATE VIEW t AS SELECT k, a, b FROM kept")
    assert bench.sync().writes == 0
    made.settled(["k", "notes", "a", "b"])


@pytest.mark.parametrize("mode", MODES[::2])
def test_with_columns_named_others_come_and_go_unseen(bench: Workbench, mode: Mode) -> None:
    columns = (Column("k", "k"), Column("a", "a"), Column("b", "b"))
    made = Bench(bench, mode, columns=columns)
    bench.sql("ALTER TABLE t ADD COLUMN c TEXT")
    assert bench.sync().writes == 0
    bench.sql("ALTER TABLE t DROP COLUMN c")
    assert bench.sync().writes == 0
    made.settled(["k", "notes", "a", "b"])


@pytest.mark.parametrize("query", ["SELECT 1 AS k", "SELECT 1 AS k WHERE 0"])
def test_one_column_and_one_row_or_none(bench: Workbench, query: str) -> None:
    bench.datasets = [bench.dataset(query=query, key=("k",), verify="always")]
    bench.sync()
    assert bench.grid() == [["k"], [1.0]][: 1 if "WHERE" in query else 2]
    assert bench.sync().result == "unchanged"
