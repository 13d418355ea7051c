"""A plan as a person reads it: what changes in all first, then each cell's old and new value side by side."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.console import Group

from moneymentor_sync.cli.plan_display import MAX_LINES, plan_lines, refusal, summary
from moneymentor_sync.core.errors import MmsyncError
from moneymentor_sync.core.layout import Layout
from moneymentor_sync.core.plan import Plan, RowUpdate
from moneymentor_sync.core.settings import Column, Dataset
from moneymentor_sync.core.table import Shape
from moneymentor_sync.core.take_over import TakeOver
from moneymentor_sync.sync import PlanOutcome

from .screens import lines

SHAPE = Shape("people", tuple(Column(name, name) for name in ("id", "name", "score", "since")), (0, 1, 2, 3), (0,))
NOTHING = Plan(
    "people", "People", SHAPE, Layout((0, 1, 2, 3)), (None, None, None, "yyyy-mm-dd"), False, rows_before=3
)
BUSY = replace(
    NOTHING,
    updates=(
        RowUpdate(1, (1.0, "Ann", "5", 46_000.0), (1.0, "Anna", 5.0, 46_001.0)),
        RowUpdate(11, (2.0, "Bob", None, 46_000.0), (2.0, "Bob", 7.0, 46_000.0)),
    ),
    inserts=((3.0, "Cyd", None, 46_000.0),),
    deletes=(4,),
    removed=((4.0, "Dan", 8.0, None),),
    blanks=(5,),
    put_back=1,
)
DATASET = Dataset(name="people", tab="People", key=("id",), spreadsheet_id="s")


def shown(plan: Plan, width: int = 80, *, everything: bool = False) -> list[str]:
    return lines(Group(*plan_lines(plan, width, everything=everything)), width)


def test_old_and_new_stand_side_by_side_and_a_row_is_named_once() -> None:
    assert shown(BUSY) == [
        "people → tab People: 1 to insert, 2 to update, 1 to delete, 1 to empty",
        "  rows: 3 → 2; cells: 7",
        "  put back, since people changed them: 1 cell",
        "  ~   2  1  name   Ann        → Anna",
        '            score  "5"        → 5',
        "            since  2025-12-09 → 2025-12-10",
        "  ~  12  2  score  (empty)    → 7",
        "  + new  3  Cyd │ (empty) │ 2025-12-09",
        "  -   5  4  Dan │ 8 │ (empty)",
        "  -   6     our cells are emptied",
    ]


def test_what_goes_is_red_and_what_comes_is_green() -> None:
    colours = {
        line.plain[span.start : span.end].strip(): str(span.style)
        for line in plan_lines(BUSY, 80, everything=True)
        for span in line.spans
    }
    assert (colours["Ann"], colours["Anna"]) == ("red", "green")


def test_where_no_row_is_new_it_says_in_which_columns_cells_change() -> None:
    assert shown(replace(BUSY, inserts=()))[1] == "  rows: 3 → 1; cells: 4 in score (2), name (1), since (1)"


def test_what_does_not_fit_goes_on_further_in() -> None:
    assert shown(replace(BUSY, inserts=()), 40)[2:5] == [
        "  rows: 3 → 1; cells: 4 in score (2),",
        "    name (1), since (1)",
        "  put back, since people changed them:",
    ]


def test_text_that_becomes_a_time_is_in_quotes_as_text_that_becomes_a_number_is() -> None:
    old, new = (1.0, "Ann", 5.0, "2025-12-09"), (1.0, "Ann", 5.0, 46_000.0)
    [line] = shown(replace(NOTHING, updates=(RowUpdate(1, old, new),)))[2:]
    assert line == '  ~   2  1  since  "2025-12-09" → 2025-12-09'


def test_in_a_narrow_terminal_cells_stand_below_their_row() -> None:
    assert shown(BUSY, 40)[-7:-3] == [
        '      score  "5"        → 5',
        "      since  2025-12-09 → 2025-12-10",
        "  ~  12  2",
        "      score  (empty)    → 7",
    ]


def test_many_changes_are_counted_and_all_of_them_shown_when_asked_for() -> None:
    rows = tuple((float(number), "N" * 90, None, None) for number in range(MAX_LINES + 5))
    many = replace(NOTHING, inserts=rows)
    assert [line.startswith("  + new") for line in shown(many)].count(True) == MAX_LINES
    assert shown(many)[-1] == "    … 5 more new rows; --all shows them"
    whole = "\n".join(text.plain for text in plan_lines(many, 80, everything=True))
    assert (whole.count("+ new"), whole.count("N" * 90), "…" in whole) == (MAX_LINES + 5, MAX_LINES + 5, False)


def test_a_key_of_several_columns_keeps_a_part_of_each() -> None:
    shape = replace(SHAPE, key=(0, 1))
    row = ("0123456789abcdef" * 2, "Investing Basics", 1.0, None)
    [line] = [line for line in shown(replace(NOTHING, shape=shape, inserts=(row,))) if "+ new" in line]
    assert "0123456…" in line
    assert "Investi…" in line


def test_what_becomes_of_rows_without_a_key_is_explained_line_by_line() -> None:
    taken = TakeOver("people", ("id",), ("name",), adopted=(2, 3), copies=(4,))
    assert shown(replace(NOTHING, taken_over=taken))[1:] == [
        "  rows that have no key (id) yet: 3",
        "  · taken over by name, with what stands beside them: 2",
        "  · copies of those, removed: 1 (row 4)",
    ]


@pytest.mark.parametrize(
    ("plans", "said"),
    [
        ([BUSY], None),
        ([NOTHING, NOTHING], "Plan: nothing to do in 2 tabs"),
        ([BUSY, NOTHING], "Plan: 1 to insert, 2 to update, 1 to delete, 1 to empty in 1 of 2 tabs, 7 cells"),
        ([NOTHING, None], "Plan: nothing to do in 1 tab; 1 dataset would be refused"),
    ],
)
def test_what_changes_in_all_comes_first(plans: list[Plan | None], said: str | None) -> None:
    found = summary(
        [PlanOutcome(DATASET, plan, None if plan else MmsyncError("no key", hint="Put it back.")) for plan in plans]
    )
    assert (found and found.plain) == said


def test_a_refusal_says_what_to_do() -> None:
    assert lines(Group(*refusal("people", MmsyncError("no key", hint="Put it back.")))) == [
        "✗ people: no key",
        "  → Put it back.",
    ]
