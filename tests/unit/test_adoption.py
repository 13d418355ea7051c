"""Taking over rows that have no key yet: which row is whose, what is a copy, and what nobody can tell."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.adoption import _is_value, by_match_on, match_text, plain_text
from moneymentor_sync.core.cells import CurrentCell, Formula
from moneymentor_sync.core.compare import TabRow
from moneymentor_sync.core.config_builtin import builtin_dataset
from moneymentor_sync.core.errors import KeyDamagedError, ShrinkRefusedError
from moneymentor_sync.core.marks import MOST_SPANS, Marks, joined
from moneymentor_sync.core.plan import Plan, Rules
from moneymentor_sync.core.settings import Column
from moneymentor_sync.core.table import Shape
from moneymentor_sync.core.take_over import in_words
from moneymentor_sync.sandbox.typed import understand

from .grids import HASHER, Grid, carried_out, plan_for, shape

USERS = shape("email", "name", "score", "id", key=[3], match_on=[0])
ANN, BOB = ("ann@x", "Ann", 5, "1"), ("bob@x", "Bob", 6, "2")
REMOVE = Rules(remove_unmatched=True)


def tab(*rows: list[Any], notes: bool = True) -> Grid:
    """A tab of the old service: no key column; numbers given here are numbers, texts texts."""
    header: list[CurrentCell] = ["email", "name", "score", *(["notes"] if notes else [])]
    return [header, *[[float(c) if type(c) is int else c for c in row] for row in rows]]


def plan(grid: Grid, *users: tuple[Any, ...], marks: Marks | None = None, rules: Rules | None = None) -> Plan:
    return plan_for(USERS, users or (ANN, BOB), grid, written={}, marks=marks, rules=rules)


def puzzles(grid: Grid, *users: tuple[Any, ...], marks: Marks | None = None) -> dict[str, tuple[int, ...]]:
    """Why the plan is refused, with row numbers."""
    with pytest.raises(KeyDamagedError) as caught:
        plan(grid, *users, marks=marks)
    assert caught.value.taken_over is not None
    found = caught.value.taken_over.puzzles
    assert sorted(caught.value.rows) == sorted(number for rows in found.values() for number in rows)
    assert "x" not in str(caught.value).replace("x,", "").split()  # no value of a cell
    return {str(reason): rows for reason, rows in found.items()}


@pytest.mark.parametrize(
    ("one", "other"),
    [(3.0, "3"), ("3.0", "3"), (0.5, "0.5"), (True, "true"), ("TRUE", "true"), (" a@X.org ", "a@x.org")],
)
def test_what_is_the_same_to_match_on(one: CurrentCell, other: CurrentCell) -> None:
    assert match_text(one) == match_text(other)


@pytest.mark.parametrize(("one", "other"), [("007", "7"), ("Code", "code"), (None, "0"), (Formula("=1"), "1")])
def test_what_is_not(one: CurrentCell, other: CurrentCell) -> None:
    assert match_text(one) != match_text(other)


def test_a_long_number_in_text_is_compared_to_the_digit() -> None:
    assert plain_text("12345678901234567890") == "12345678901234567890"


def test_rows_are_adopted_whatever_the_case_of_their_address_and_get_typed_cells() -> None:
    made = plan(tab([" Ann@X", "Ann", "5", "my note"], ["bob@x", "Bob", "6"]))
    after = carried_out(made, tab([" Ann@X", "Ann", "5", "my note"], ["bob@x", "Bob", "6"]))
    assert after[1:] == [["ann@x", "Ann", 5.0, "1", "my note"], ["bob@x", "Bob", 6.0, "2"]]
    assert made.taken_over is not None
    assert (made.taken_over.adopted, made.taken_over.retyped) == ((2, 3), 2)


def test_two_users_whose_addresses_differ_in_case_alone_have_to_match_to_the_letter() -> None:
    users = (("ann@x", "Ann", 5, "1"), ("Ann@x", "Anne", 6, "2"))
    made = plan(tab(["Ann@x", "Anne", "6"], ["ann@x", "Ann", "5"]), *users)
    assert [update.new[3] for update in made.updates] == ["2", "1"]
    assert puzzles(tab(["ANN@X", "Ann", "5"]), *users) == {"several": (2,)}


def test_match_on_that_is_not_unique_in_the_database_adopts_nothing() -> None:
    found = puzzles(tab(["ann@x", "Ann", "5"]), ("ann@x", "Ann", 5, "1"), ("ann@x", "Anna", 6, "2"))
    assert found == {"several": (2,)}


# --- copies -----------------------------------------------------------------------------------------------


def test_a_copy_as_text_and_one_with_numbers_are_the_same() -> None:
    made = plan(tab(["ann@x", "Ann", 5], ["ann@x", "Ann", "5"], ["bob@x", "Bob", "6"]))
    assert made.deletes == (2,)


def test_older_versions_that_a_program_wrote_are_removed() -> None:
    """A person who types 3 makes a number of it: digits that are text came from the old service."""
    made = plan(tab(["ann@x", "Ann", "3"], ["bob@x", "Bob", "6"], ["ann@x", "Ann", "4"], ["ann@x", None, "5"]))
    assert made.deletes == (3, 4)
    assert made.taken_over is not None
    assert made.taken_over.copies == (4, 5)


@pytest.mark.parametrize("other", [["ann@x", "CALL HER", "5"], ["ann@x", "Anna", "4"]])
def test_a_text_that_stands_nowhere_else_is_not_removed_with_a_copy(other: list[Any]) -> None:
    assert puzzles(tab(["ann@x", "Ann", "5"], other)) == {"differs": (3,)}
    grid = tab(["ann@x", "Ann", "5"], ["bob@x", "Bob", "6"], other)
    assert plan(grid, rules=REMOVE).deletes == (3,)


def test_neither_is_one_in_a_column_of_numbers_nor_a_text_where_the_database_has_none() -> None:
    shape_of = shape("email", "name", "score", "total", "id", key=[4], match_on=[0])
    header: list[CurrentCell] = ["email", "name", "score", "total"]
    user = ("ann@x", None, 5, 6, "1")
    rows: list[list[CurrentCell]] = [["ann@x", None, "5", "6"], ["ann@x", None, "4", "ask her"]]
    mine: list[CurrentCell] = ["ann@x", "my Ann", "4", "6"]
    for other in (rows[1], mine):
        with pytest.raises(KeyDamagedError, match="1 row"):
            plan_for(shape_of, [user], [header, rows[0], other], written={})
    for older in ("8.5", "2024-01-05T10:00:00.123456+00:00", "true"):
        made = plan_for(shape_of, [user], [header, rows[0], ["ann@x", None, "4", older]], written={})
        assert made.deletes == (2,)


def test_what_a_query_composes_may_vary_where_it_varies() -> None:
    profiles = builtin_dataset("user_profiles")
    statistics = builtin_dataset("course_statistics")
    varies = {c.name: c.varies for c in (*profiles.columns, *statistics.columns) if c.varies}
    columns = [Column(name, name) for name in ("email", "score", "id")]
    columns[1:1] = [Column(name, name, varies=pattern) for name, pattern in varies.items()]
    of = Shape("d", tuple(columns), tuple(range(5)), (4,), (0,))
    now = (
        "ann@x",
        "A: B: 85% (3 tabs, 15 questions, medium) | Tax: 0.5% (0 tabs, 1 questions)",
        "beginner",
        5,
        "1",
    )

    def deleted(details: str, level: str = "advanced") -> tuple[int, ...]:
        grid: Grid = [["email", *varies, "score"], [*now[:3], "5"], ["ann@x", details, level, "4"]]
        try:
            return plan_for(of, [now], grid, written={}).deletes
        except KeyDamagedError as error:
            assert error.rows == (3,)
            return ()

    assert deleted("A: B: 10% (1 tabs, 2 questions, beginner)") == (2,)
    assert deleted("Tax: 3% (1 tabs, 2 questions)") == (2,)
    assert deleted("") == (2,)
    assert deleted("Tax: 3% (1 tabs, 2 questions) | CALL HER") == ()
    assert deleted("CALL HER Tax: 3% (1 tabs, 2 questions)") == ()
    assert deleted("Tax: 3% (1 tabs, 2 questions, ask)") == ()
    assert deleted("", "no idea") == ()


# Z and zones, short forms, decimals: text to a sheet, or to a sheet in some other language
@pytest.mark.parametrize(
    "text",
    ["2024-01-05T10:00:00Z", "2024-01-05 10:00:00+00", "2024-W01-1", "20240105T10", "2024-01-05T10", "90.5", "007"],
)
def test_what_a_person_may_have_typed_and_a_sheet_left_as_text_proves_nothing(text: str) -> None:
    assert not _is_value(text)
    assert puzzles(tab(["ann@x", "Ann", 5], ["ann@x", "Ann", text])) == {"differs": (3,)}


@given(
    st.one_of(
        st.text(max_size=20),
        st.from_regex(r"-?[0-9]{1,16}([.,:/T-][0-9]{1,4}){0,3}", fullmatch=True),
        st.datetimes().map(str),
        st.sampled_from(["TRUE", "true", "False", "5", "0"]),
    )
)
def test_what_counts_as_a_value_in_text_a_sheet_makes_a_value_of(text: str) -> None:
    if _is_value(text):
        assert not isinstance(understand(text).value, str)


def test_of_a_row_that_a_person_may_have_typed_the_typed_one_is_kept_and_two_are_refused() -> None:
    made = plan(tab(["ann@x", "Ann", "3"], ["ann@x", "Ann", 4], ["bob@x", "Bob", 6]))
    assert made.deletes == (1,)
    assert puzzles(tab(["ann@x", "Ann", 3], ["ann@x", "Ann", 4])) == {"differs": (3,)}


def test_digits_in_cells_that_are_formatted_as_text_prove_nothing() -> None:
    grid = tab(["ann@x", "Ann", "3"], ["ann@x", "Ann", "4"])
    assert puzzles(grid, marks=Marks(as_text={2: ((1, None),)})) == {"differs": (3,)}
    assert plan(grid, marks=Marks(as_text={2: ((9, None),)})).deletes == (2,)


def test_a_row_without_any_number_proves_nothing() -> None:
    assert puzzles(tab(["ann@x", "Ann"], ["ann@x", "Anna"])) == {"differs": (3,)}


def test_a_formula_is_a_persons() -> None:
    grid = tab(["ann@x", "Ann", "3"], ["ann@x", Formula('=A1&"!"'), "4"])
    assert plan(grid).deletes == (1,)


# --- what people have with a row --------------------------------------------------------------------------


def test_the_copy_with_a_note_beside_it_is_kept() -> None:
    grid = tab(["ann@x", "Ann", "3"], ["ann@x", "Ann", "5", "call her"], ["bob@x", "Bob", "6"])
    made = plan(grid)
    assert made.deletes == (1,)
    assert carried_out(made, grid)[1] == ["ann@x", "Ann", 5.0, "1", "call her"]


def test_a_note_on_a_cell_counts_and_so_does_a_colour() -> None:
    grid = tab(["ann@x", "Ann", "5"], ["ann@x", "Ann", "5"], ["bob@x", "Bob", "6"])
    assert plan(grid, marks=Marks(notes=frozenset({2}))).deletes == (1,)
    assert plan(grid, marks=Marks(colours=frozenset({2}))).deletes == (1,)
    assert plan(grid, marks=Marks(notes=frozenset({1}), colours=frozenset({1, 2}))).deletes == (2,)


def test_a_colour_that_only_the_copy_has_is_not_removed_silently() -> None:
    grid = tab(["ann@x", "Ann", "5", "mine"], ["ann@x", "Ann", "5"], ["bob@x", "Bob", "6"])
    marks = Marks(colours=frozenset({2}))
    assert puzzles(grid, marks=marks) == {"beside": (3,)}
    assert plan(grid, marks=marks, rules=REMOVE).deletes == (2,)


def test_notes_on_both_are_refused() -> None:
    beside = tab(["ann@x", "Ann", "5", "one"], ["ann@x", "Ann", "5", "two"])
    assert puzzles(beside) == {"beside": (3,)}
    grid = tab(["ann@x", "Ann", "5", "one"], ["ann@x", "Ann", "5"])
    assert puzzles(grid, marks=Marks(notes=frozenset({2}))) == {"beside": (3,)}


# --- rows that match nobody -------------------------------------------------------------------------------


def test_rows_that_match_nobody_are_refused_with_their_numbers_and_the_way_out() -> None:
    with pytest.raises(KeyDamagedError) as caught:
        plan(tab(["ann@x", "Ann", "5"], ["gone@x", "Gone", "1"], [None, "Total", Formula("=SUM(C2:C3)")]))
    error = caught.value
    assert error.rows == (3, 4)
    assert error.hint.startswith("They match nothing in the database by email: 1 (row 3); they cannot be matched")
    assert "`mmsync sync d --remove-unmatched`" in error.hint


def test_the_operators_word_removes_them_but_for_what_people_have_there() -> None:
    grid = tab(
        ["ann@x", "Ann", "5"], ["gone@x", "Gone", "1"], ["left@x", "Left", "1", "owes us"], ["bob@x", "B", "1"]
    )
    made = plan(grid, rules=REMOVE)
    assert (made.deletes, made.blanks) == ((2,), (3,))
    assert carried_out(made, grid)[2] == [None, None, None, None, "owes us"]
    assert made.taken_over is not None
    assert (made.taken_over.removed, made.taken_over.emptied, made.taken_over.puzzles) == ((3,), (4,), {})


def test_the_operators_word_is_not_about_lines_that_cannot_be_matched() -> None:
    with pytest.raises(KeyDamagedError) as caught:
        plan(tab(["ann@x", "Ann", "5"], [None, "Total", 5]), rules=REMOVE)
    assert caught.value.rows == (3,)
    assert "--remove-unmatched" not in caught.value.hint


def test_the_operators_word_does_not_lift_the_shrink_guard() -> None:
    grid = tab(["a@y", "A", "1"], ["b@y", "B", "2"], ["ann@x", "Ann", "5"])
    with pytest.raises(ShrinkRefusedError, match="2 of 3") as caught:
        plan(grid, rules=REMOVE)
    assert "--remove-unmatched --force" in caught.value.hint
    assert plan(grid, rules=Rules(remove_unmatched=True, allow_deletes=True)).deletes == (1, 2)


@pytest.mark.parametrize("mode", ["upsert", "append"])
@pytest.mark.parametrize("allow", [False, True])
def test_modes_that_never_delete_leave_copies_and_refuse_the_rest_whatever_the_operator_says(
    mode: str, allow: bool
) -> None:
    rules = Rules(mode=mode, remove_unmatched=True, allow_deletes=allow)  # type: ignore[arg-type]  # a Mode
    copies = tab(["ann@x", "Ann", "5"], ["ann@x", "Ann", "5"], ["bob@x", "Bob", "6", "b"], ["bob@x", "Bob", "6"])
    made = plan(copies, rules=rules)
    assert (made.deletes, made.blanks, len(made.updates)) == ((), (), 2)
    assert carried_out(made, copies)[2] == ["ann@x", "Ann", "5", None]
    assert made.taken_over is not None
    assert "copies of those, left where they are, since this mode never deletes: 2 (rows 3, 5)" in in_words(
        made.taken_over
    )
    assert plan(carried_out(made, copies), rules=rules).is_empty
    for grid, users in ((tab(["ann@x", "Ann", "5"], ["gone@x", "Gone", "1"]), (ANN, BOB)), (copies, ())):
        with pytest.raises(KeyDamagedError) as caught:
            plan_for(USERS, users, grid, written={}, rules=rules)
        assert "mmsync" not in caught.value.hint
        assert "`--remove-unmatched` is not for this dataset: its mode never deletes." in caught.value.hint


@pytest.mark.parametrize("mode", ["upsert", "append"])
def test_modes_that_never_delete_leave_a_second_row_with_the_same_key(mode: str) -> None:
    grid = keyed(["ann@x", "Ann", 5, "1"], ["ann@x", "Ann", 5, "1"])
    made = plan_for(USERS, (ANN,), grid, rules=Rules(mode=mode))  # type: ignore[arg-type]  # a Mode
    assert (made.deletes, made.blanks, made.is_empty) == ((), (), True)


def test_the_operators_word_does_not_empty_a_tab_since_nothing_came() -> None:
    grid = tab(["ann@x", "Ann", "5"], ["bob@x", "Bob", "6"])
    with pytest.raises(ShrinkRefusedError, match="no rows at all"):
        plan_for(USERS, (), grid, written={}, rules=Rules(remove_unmatched=True, max_delete_fraction=1.0))
    made = plan_for(USERS, (), grid, written={}, rules=Rules(remove_unmatched=True, allow_deletes=True))
    assert made.deletes == (1, 2)


def test_a_part_of_the_source_says_nothing_of_who_is_gone() -> None:
    with pytest.raises(KeyDamagedError):
        plan(tab(["gone@x", "Gone", "1"], ["ann@x", "A", "1"]), rules=Rules(remove_unmatched=True, partial=True))


# --- after the first sync ---------------------------------------------------------------------------------


def keyed(*rows: list[Any]) -> Grid:
    return [["email", "name", "score", "id"], *[[float(c) if type(c) is int else c for c in row] for row in rows]]


def test_what_others_append_as_text_is_removed_only_where_it_reads_the_same() -> None:
    """Some other program may write as the old service did: digits that are text prove nothing any more."""
    made = plan(keyed(["ann@x", "Ann", 5, "1"], ["bob@x", "Bob", 6, "2"], ["ann@x", "Ann", "5"]))
    assert (made.deletes, made.updates) == ((3,), ())
    for score in ("4", "7"):
        grid = keyed(["ann@x", "Ann", 5, "1"], ["bob@x", "Bob", 6, "2"], ["ann@x", "Ann", score])
        assert puzzles(grid) == {"differs": (4,)}
        assert plan(grid, rules=REMOVE).deletes == (3,)


def test_rows_that_were_written_before_are_no_take_over_though_all_keys_are_gone() -> None:
    grid = tab(["ann@x", "Ann", "5"], ["ann@x", "Ann", "4"])
    with pytest.raises(KeyDamagedError):
        plan_for(USERS, (ANN,), grid, written={HASHER.key(("1",)): b"as it was"})


def test_what_a_person_types_for_somebody_who_is_there_is_not() -> None:
    grid = keyed(["ann@x", "Ann", 5, "1"], ["bob@x", "Bob", 6, "2"], ["ann@x", "Ann", 4])
    assert puzzles(grid) == {"differs": (4,)}
    assert plan(keyed(["ann@x", "Ann", 5, "1"], ["bob@x", "Bob", 6, "2"], ["ann@x", "Ann", 5])).deletes == (3,)


def test_formats_that_make_text_of_numbers_go_where_numbers_are_to_stand() -> None:
    marks = Marks(as_text={1: ((1, None),), 2: ((1, 3), (7, None))})
    made = plan(tab(["ann@x", "Ann", "5"], ["bob@x", "Bob", "6"]), marks=marks)
    assert made.untext == ((2, (1, 3)), (2, (7, None)))  # names are text, and stay as they are


def test_a_format_in_every_other_row_is_taken_off_in_few_pieces() -> None:
    rows = [[f"u{i}@x", "Name", "5"] for i in range(1_000)]
    users = [(f"u{i}@x", "Name", 5, str(i)) for i in range(1_000)]
    spans = tuple((i, i + 1) for i in range(1, 1_000, 2))
    made = plan(tab(*rows), *users, marks=Marks(as_text={2: spans}))
    assert len(made.untext) == MOST_SPANS
    assert all(any(a <= start and end <= (b or 0) for _, (a, b) in made.untext) for start, end in spans)


def test_spans_are_joined_where_the_least_is_between_them() -> None:
    assert joined(()) == []
    assert joined(((1, 2), (2, 4), (9, None))) == [(1, 4), (9, None)]
    assert joined(((1, 2), (9, 10), (11, 12), (30, 31)), most=3) == [(1, 2), (9, 12), (30, 31)]
    assert joined(((1, 2), (9, 10)), most=1) == [(1, 10)]


class Counted(int):
    """A row number that counts how often it is compared with another."""

    comparisons = 0

    def __eq__(self, other: object) -> bool:
        Counted.comparisons += 1
        return int(self) == other

    def __lt__(self, other: int) -> bool:
        Counted.comparisons += 1
        return int(self) < other

    def __le__(self, other: int) -> bool:
        Counted.comparisons += 1
        return int(self) <= other

    __hash__ = int.__hash__


def test_whether_a_cell_is_formatted_as_text_takes_few_comparisons() -> None:
    marks = Marks(as_text={2: tuple((i, i + 1) for i in range(0, 100_000, 2))})
    Counted.comparisons = 0
    assert [marks.is_text(Counted(row), 2) for row in (99_998, 99_999)] == [True, False]
    assert Counted.comparisons < 50


def test_many_copies_of_one_row_take_few_comparisons_each() -> None:
    count = 500
    loose = [
        TabRow(Counted(number), ("ann@x", "Ann", str(number % 50), None), beside=False)
        for number in range(1, count + 1)
    ]
    Counted.comparisons = 0
    told = by_match_on(USERS, loose, {b"1": ("ann@x", "Ann", 5.0, "1")}, {}, (0, 1, 2, None), Marks(), first=True)
    assert len(told.copies) == count - 1
    assert Counted.comparisons < 20 * count


rows_of_old = st.lists(
    st.tuples(
        st.integers(0, 3),  # whose it is; one more than there are users is somebody who left
        st.sampled_from([str.lower, str.upper, lambda text: f"{text} "]),
        st.sampled_from(["0", "1", 0.0, 1.0, None]),
        st.sampled_from(["Name", "Other"]),
        st.booleans(),  # whether somebody wrote a note beside it
    ),
    max_size=7,
)


@given(rows_of_old, st.booleans())
def test_whatever_is_carried_out_gives_the_database_and_keeps_every_note_beside_its_user(
    old: list[tuple[int, Any, Any, str, bool]], word: bool
) -> None:
    users = [(f"u{i}@x", "Name", i, str(i)) for i in range(3)]
    rows = [
        [spelt(f"u{who}@x"), name, score, *([f"u{who} {number}"] if note else [])]
        for number, (who, spelt, score, name, note) in enumerate(old)
    ]
    grid = tab(*rows)
    try:
        made = plan(grid, *users, rules=Rules(remove_unmatched=word, allow_deletes=word))
    except KeyDamagedError:
        assert not word
        return
    after = carried_out(made, grid)
    ours = [row[:4] for row in after[1:] if row and row[0] is not None]
    assert sorted(map(repr, ours)) == sorted(repr([u[0], u[1], float(u[2]), u[3]]) for u in users)
    notes = {row[4]: row[0] for row in after[1:] if len(row) > 4 and row[4] is not None}
    assert sorted(map(str, notes)) == sorted(row[3] for row in rows if len(row) > 3)
    assert all(whose == f"{str(note).split()[0]}@x" for note, whose in notes.items() if whose is not None)
    assert word or None not in notes.values()
    assert plan_for(USERS, users, after).is_empty


def test_in_words() -> None:
    made = plan(tab(["ann@x", "Ann", "5"], ["bob@x", "Bob", "6"], ["ann@x", "Ann", "5"]))
    assert made.taken_over is not None
    assert in_words(made.taken_over) == [
        "rows that have no key (id) yet: 3",
        "taken over by email, with what stands beside them: 2",
        "copies of those, removed: 1 (row 4)",
        "cells whose text becomes a number, boolean or time: 2",
    ]
