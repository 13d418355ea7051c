"""What each cell held that a write hit by mistake, told from the readings before and after it."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.cells import CurrentCell, Formula
from moneymentor_sync.core.marks import Marks
from moneymentor_sync.core.ports import Landing, Placed, TabInfo
from moneymentor_sync.core.repair import repairs

Grid = list[list[CurrentCell]]
HEADERS = ("id", "score")


@dataclass
class View:
    """A tab as a grid."""

    grid: Grid
    columns: int = 6

    @property
    def info(self) -> TabInfo:
        return TabInfo(1, "T", len(self.grid), self.columns)

    @property
    def whole(self) -> bool:
        return True

    @property
    def header(self) -> Sequence[CurrentCell]:
        return self.grid[0]

    def rows(self) -> Iterable[tuple[int, Sequence[CurrentCell]]]:
        return [(i, row) for i, row in enumerate(self.grid) if i]

    def marks(self) -> Marks:
        return Marks()


def mended(before: Grid, moved: Grid, written: list[Placed], *, grown: int = 0) -> Grid:
    """What a person made of `before`, after our write to fixed places and its repair."""
    hit = [list(row) for row in moved]
    for row, column, cell in written:
        hit[row].extend([None] * (column + 1 - len(hit[row])))
        hit[row][column] = cell
    landing = Landing(False, "t", 1, (0, 1), 6, tuple(written))
    for row, column, former in repairs(landing, HEADERS, [0], View(before), View(hit, 6 + grown)):
        hit[row][column] = former
    return hit


BEFORE: Grid = [["id", "score", "notes"], ["u1", 5.0, "note 1"], ["u2", 6.0, "note 2"], ["u3", 7.0, "note 3"]]
WRITE: list[Placed] = [(1, 1, 50.0), (3, 1, 70.0)]


def insert_column(grid: Grid, at: int) -> Grid:
    return [[*row[:at], None, *row[at:]] for row in grid]


def test_a_note_that_a_moved_column_put_under_our_write_comes_back() -> None:
    moved = [[row[0], row[2], row[1]] for row in BEFORE]
    assert mended(BEFORE, moved, WRITE) == moved


def test_a_formula_comes_back_as_a_formula() -> None:
    before: Grid = [*BEFORE[:3], ["u3", 7.0, Formula("=1+1")]]
    moved = [[row[0], row[2], row[1]] for row in before]
    assert mended(before, moved, WRITE) == moved


def test_columns_without_a_heading_and_with_the_same_heading_are_told_by_what_is_in_them() -> None:
    before: Grid = [["id", "score", None, "todo", "todo"]]
    before += [[f"u{i}", float(i), f"blank {i}", f"first {i}", f"second {i}"] for i in range(1, 4)]
    moved = [[row[0], row[4], row[2], row[1], row[3]] for row in before]
    assert mended(before, moved, WRITE) == moved
    moved = [[row[0], row[2], row[1], row[3], row[4]] for row in before]
    assert mended(before, moved, WRITE) == moved


def test_a_column_that_was_inserted_at_the_left_edge_does_not_cost_the_keys() -> None:
    moved = insert_column(BEFORE, 0)
    assert mended(BEFORE, moved, WRITE, grown=1) == moved


def test_a_column_that_was_inserted_before_ours_is_blank_again() -> None:
    moved = insert_column(BEFORE, 1)
    assert mended(BEFORE, moved, WRITE, grown=1) == moved


def test_rows_that_were_sorted_too_get_their_own_back() -> None:
    moved = [[row[0], row[2], row[1]] for row in [BEFORE[0], *reversed(BEFORE[1:])]]
    assert mended(BEFORE, moved, WRITE) == moved


def test_keys_that_were_written_over_after_a_sort_and_a_move_are_told_by_the_rest_of_the_row() -> None:
    moved = [[row[1], row[0], row[2]] for row in [BEFORE[0], *reversed(BEFORE[1:])]]
    assert mended(BEFORE, moved, WRITE) == moved


def test_a_row_that_was_just_inserted_was_blank() -> None:
    moved: Grid = [BEFORE[0], [None, None, None], *BEFORE[1:]]
    after = mended(BEFORE, moved, WRITE)
    assert after[1] == [None, None, None]
    assert [row[2] for row in after[2:]] == ["note 1", "note 2", "note 3"]


def test_a_line_of_a_persons_without_a_key_comes_back() -> None:
    before: Grid = [["id", "notes", "score"], ["u1", "note 1", 5.0], [None, "a line of mine", None]]
    moved: Grid = [["id", "notes", "score"], [None, "a line of mine", None], ["u1", "note 1", 5.0]]
    assert mended(before, moved, [(1, 2, 50.0)])[1] == [None, "a line of mine", None]


def test_our_column_that_was_renamed_meanwhile_keeps_what_we_wrote() -> None:
    moved: Grid = [["id", "points", "notes"], *BEFORE[1:]]
    after = mended(BEFORE, moved, WRITE)
    assert after == [
        ["id", "points", "notes"],
        ["u1", 50.0, "note 1"],
        ["u2", 6.0, "note 2"],
        ["u3", 70.0, "note 3"],
    ]


def test_our_own_cells_in_rows_with_a_key_are_left_to_the_next_plan() -> None:
    moved = [BEFORE[0], *reversed(BEFORE[1:])]
    assert mended(BEFORE, moved, WRITE)[1] == ["u3", 50.0, "note 3"]


def test_a_write_that_landed_as_planned_needs_no_repair() -> None:
    assert mended(BEFORE, BEFORE, WRITE)[1] == ["u1", 50.0, "note 1"]


@given(st.randoms(use_true_random=False), st.integers(1, 5), st.sampled_from(["none", "left", "middle", "end"]))
def test_whatever_is_moved_people_keep_their_cells_and_rows_their_keys(
    chance: random.Random, rows: int, insert: str
) -> None:
    before: Grid = [["id", "score", "notes", "more"]]
    before += [[f"u{i}", float(i), f"note {i}", float(100 + i)] for i in range(1, rows + 1)]
    order = chance.sample(range(4), 4)
    body = chance.sample(before[1:], rows)
    moved = [[row[i] for i in order] for row in [before[0], *body]]
    at = {"none": None, "left": 0, "middle": 2, "end": 4}[insert]
    moved = moved if at is None else insert_column(moved, at)
    touched = [row for row in range(1, rows + 1) if chance.random() < 0.7]
    after = mended(before, moved, [(row, 1, -float(row)) for row in touched], grown=at is not None)
    score = moved[0].index("score")
    assert [[c for i, c in enumerate(row) if i != score] for row in after] == [
        [c for i, c in enumerate(row) if i != score] for row in moved
    ]


def test_a_row_whose_key_was_emptied_meanwhile_is_told_by_its_other_cells() -> None:
    before: Grid = [["id", "score", "name"], ["u1", 5.0, "Ann"], ["u2", 6.0, "Bob"]]
    moved: Grid = [["id", "score", "name"], [], ["u1", 5.0, "Ann"], [None, 6.0, "Bob"]]
    assert mended(before, moved, [(3, 2, "Bobby")]) == moved


def test_a_header_row_that_was_sorted_among_the_rows_gets_its_headings_back() -> None:
    moved: Grid = [BEFORE[1], BEFORE[0], BEFORE[2], BEFORE[3]]
    hit = mended(BEFORE, moved, WRITE)
    assert hit[1] == ["id", "score", "notes"]


def test_a_row_that_was_to_go_and_got_anothers_key_gets_its_own_back() -> None:
    """A row inserted above it kept it from being deleted, and the key mended in the row below landed in it."""
    before: Grid = [["id", "score", "notes"], ["u1", 5.0, "note 1"], ["u2", 6.0, "note 2"], [None, 7.0, "note 3"]]
    hit: Grid = [before[0], [], ["u3", 6.0, "note 2"], before[3]]  # the row of u1 was deleted in place of u2's
    landing = Landing(False, "t", 1, (0, 1), 6, ((2, 0, "u3"),), removed=(2,))
    assert repairs(landing, HEADERS, [0], View(before), View(hit)) == [(2, 0, "u2")]
