"""Which of people's cells a write hit by mistake, and what they had in them."""

from __future__ import annotations

from moneymentor_sync.core.cells import CurrentCell, Formula
from moneymentor_sync.core.ports import Placed
from moneymentor_sync.core.repair import cells_to_put_back

Rows = dict[int, list[CurrentCell]]


def put_back(
    written: list[Placed], before: list[CurrentCell], rows: Rows, now: list[CurrentCell], now_rows: Rows
) -> list[tuple[int, int, CurrentCell]]:
    return cells_to_put_back(written, ["id", "score"], ["id"], before, rows, now, now_rows)


def test_a_note_that_a_moved_column_put_under_our_write_comes_back() -> None:
    before: Rows = {1: ["u1", 5.0, "note 1"], 2: ["u2", 6.0, "note 2"]}
    now: Rows = {1: ["u1", 9.0, 5.0], 2: ["u2", "note 2", 6.0]}
    cells = put_back([(1, 1, 9.0)], ["id", "score", "notes"], before, ["id", "notes", "score"], now)
    assert cells == [(1, 1, "note 1")]


def test_it_is_found_by_its_row_also_when_rows_moved_too() -> None:
    before: Rows = {1: ["u1", 5.0, "note 1"], 2: ["u2", 6.0, Formula("=1+1")]}
    now: Rows = {1: ["u2", 9.0, 6.0], 2: ["u1", "note 1", 5.0]}
    cells = put_back([(1, 1, 9.0)], ["id", "score", "notes"], before, ["id", "notes", "score"], now)
    assert cells == [(1, 1, Formula("=1+1"))]


def test_a_column_that_was_just_inserted_was_blank() -> None:
    before: Rows = {1: ["u1", 5.0]}
    now: Rows = {1: ["u1", 9.0, 5.0]}
    assert put_back([(1, 1, 9.0)], ["id", "score"], before, ["id", None, "score"], now) == [(1, 1, None)]


def test_a_row_that_was_just_inserted_was_blank() -> None:
    before: Rows = {1: ["u1", 5.0]}
    now: Rows = {1: [None, 9.0], 2: ["u1", 5.0]}
    assert put_back([(1, 1, 9.0)], ["id", "score"], before, ["id", "score"], now) == [(1, 1, None)]


def test_our_own_cells_in_rows_with_a_key_are_left_to_the_next_plan() -> None:
    before: Rows = {1: ["u1", 5.0], 2: ["u2", 6.0]}
    now: Rows = {1: ["u2", 9.0], 2: ["u1", 5.0]}
    assert put_back([(1, 1, 9.0)], ["id", "score"], before, ["id", "score"], now) == []
