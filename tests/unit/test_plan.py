"""The plan: rows by key, columns by header, and the guards."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.cells import CurrentCell, Formula
from moneymentor_sync.core.errors import (
    DuplicateKeyError,
    HeaderDamagedError,
    KeyDamagedError,
    KeyNotUniqueError,
    ShrinkRefusedError,
    UnknownRowsError,
)
from moneymentor_sync.core.marks import Marks
from moneymentor_sync.core.plan import Rules

from .grids import Grid, carried_out, column, desired, plan_for, shape

PEOPLE = shape("id", "name", "score")


def grid(*rows: list[Any]) -> Grid:
    return [["id", "name", "score"], *[[float(c) if type(c) is int else c for c in row] for row in rows]]


def test_nothing_changed_is_an_empty_plan() -> None:
    plan = plan_for(PEOPLE, [(1, "Ann", 5)], grid([1, "Ann", 5]))
    assert plan.is_empty
    assert plan.rows_before == plan.rows_after == 1


def test_an_update_names_the_cell_that_differs() -> None:
    plan = plan_for(PEOPLE, [(1, "Ann", 6)], grid([1, "Ann", 5]))
    [update] = plan.updates
    assert (update.row, update.changed()) == (1, [2])
    assert (update.old[2], update.new[2]) == (5.0, 6.0)


@pytest.mark.parametrize(("old", "new"), [("5", 5), (5.0, "5"), (1.0, True), (True, 1), ("TRUE", True), (None, 0)])
def test_a_value_of_another_type_is_another_value(old: object, new: object) -> None:
    plan = plan_for(PEOPLE, [(1, "Ann", new)], grid([1, "Ann", old]))
    assert [update.changed() for update in plan.updates] == [[2]]


def test_a_formula_that_gives_the_same_is_put_back_to_the_value() -> None:
    plan = plan_for(PEOPLE, [(1, "Ann", 5)], grid([1, "Ann", Formula("=2+3")]))
    assert plan.updates[0].old[2] == Formula("=2+3")


def test_rows_are_found_by_key_in_any_order() -> None:
    plan = plan_for(PEOPLE, [(1, "Ann", 5), (2, "Bob", 6)], grid([2, "Bob", 6], [1, "Ann", 5]))
    assert plan.is_empty


def test_new_rows_are_inserted_in_the_order_of_the_source() -> None:
    plan = plan_for(PEOPLE, [(3, "C", 1), (1, "A", 1), (2, "B", 1)], grid([1, "A", 1]))
    assert [row[0] for row in plan.inserts] == [3.0, 2.0]


def test_a_row_that_we_wrote_goes_when_it_is_gone_from_the_database() -> None:
    plan = plan_for(PEOPLE, [(1, "A", 1), (2, "B", 1)], grid([1, "A", 1], [3, "C", 1], [2, "B", 1]))
    assert plan.deletes == (2,)
    assert plan.removed == ((3.0, "C", 1.0),)


def test_a_row_with_an_unknown_key_that_we_did_not_write_is_refused() -> None:
    with pytest.raises(UnknownRowsError, match=r"row\(s\).* 3;") as caught:
        plan_for(PEOPLE, [(1, "A", 1)], grid([1, "A", 1], [9, "mine", 1]), written={})
    assert caught.value.rows == (3,)


@pytest.mark.parametrize("mode", ["upsert", "append"])
def test_other_modes_keep_rows_that_the_database_does_not_have(mode: str) -> None:
    rules = Rules(mode=mode)  # type: ignore[arg-type]  # a Mode
    plan = plan_for(PEOPLE, [(1, "A", 2)], grid([1, "A", 1], [9, "mine", 1]), written={}, rules=rules)
    assert plan.deletes == ()
    assert plan.unknown_kept == 1
    assert bool(plan.updates) == (mode == "upsert")


def test_append_only_inserts() -> None:
    plan = plan_for(PEOPLE, [(1, "A", 2), (2, "B", 1)], grid([1, "A", 1]), rules=Rules(mode="append"))
    assert (plan.updates, plan.deletes, len(plan.inserts)) == ((), (), 1)


def test_a_row_blank_in_our_columns_is_a_persons() -> None:
    tab = [["id", "name", "score", "notes"], [1.0, "A", 1.0], [None, None, None, "shopping list"]]
    plan = plan_for(PEOPLE, [(1, "A", 1)], tab)  # type: ignore[arg-type]  # cells
    assert plan.is_empty
    assert plan.people_beside


# --- guards -----------------------------------------------------------------------------------------------


def test_an_empty_result_over_rows_is_refused_at_any_setting() -> None:
    with pytest.raises(ShrinkRefusedError, match="no rows at all"):
        plan_for(PEOPLE, [], grid([1, "A", 1]), rules=Rules(max_delete_fraction=1.0))


def test_an_empty_result_over_an_empty_tab_writes_the_header() -> None:
    plan = plan_for(PEOPLE, [], [])
    assert not plan.is_empty
    assert plan.layout.fresh


@pytest.mark.parametrize(("gone", "refused"), [(5, False), (6, True)])
def test_more_deletions_than_the_fraction_are_refused(gone: int, refused: bool) -> None:
    tab = grid(*[[i, "x", 1] for i in range(10)])
    rows = [(i, "x", 1) for i in range(gone, 10)] + [(100 + i, "new", 1) for i in range(50)]
    if refused:
        with pytest.raises(ShrinkRefusedError, match="6 of 10"):
            plan_for(PEOPLE, rows, tab)
    else:
        assert len(plan_for(PEOPLE, rows, tab).deletes) == 5


def test_the_guard_is_lifted_on_demand() -> None:
    plan = plan_for(PEOPLE, [], grid([1, "A", 1]), rules=Rules(allow_deletes=True))
    assert plan.deletes == (1,)


def test_a_part_of_the_source_deletes_nothing() -> None:
    plan = plan_for(PEOPLE, [], grid([1, "A", 1]), rules=Rules(partial=True))
    assert plan.is_empty


# --- keys -------------------------------------------------------------------------------------------------


def test_a_source_key_that_is_null_or_twice_is_refused_with_the_offenders() -> None:
    with pytest.raises(KeyNotUniqueError) as caught:
        desired(PEOPLE, [(1, "A", 1), (None, "B", 1), (1, "C", 1)])
    assert "1 row(s) with NULL and 1 that repeat it" in str(caught.value)
    assert caught.value.offenders == ("row 2 of the result: NULL", "row 3 of the result: as an earlier row")


def test_a_changed_key_is_put_right_where_the_row_proves_itself() -> None:
    tab = grid([1, "Ann", 5], [999, "Bob", 6])
    plan = plan_for(PEOPLE, [(1, "Ann", 5), (2, "Bob", 6)], tab, written={})
    [update] = plan.updates
    assert (update.row, update.new[0], update.repairs_key) == (2, 2.0, True)
    assert not plan.inserts
    assert not plan.deletes


def test_an_emptied_key_is_put_right_though_the_database_changed_meanwhile() -> None:
    before = grid([1, "Ann", 5], [2, "Bob", 6])
    written = plan_written(before)
    plan = plan_for(PEOPLE, [(1, "Ann", 5), (2, "Bob", 7)], grid([1, "Ann", 5], [None, "Bob", 6]), written=written)
    [update] = plan.updates
    assert (update.row, update.new, update.repairs_key) == (2, (2.0, "Bob", 7.0), True)


def plan_written(tab: Grid) -> dict[bytes, bytes]:
    from moneymentor_sync.core.layout import find_layout

    from .grids import written_rows

    return written_rows(PEOPLE, find_layout(PEOPLE, tab[0], empty=False, known=None, where=""), tab)


def test_a_row_without_a_key_that_cannot_be_told_is_refused() -> None:
    with pytest.raises(KeyDamagedError) as caught:
        plan_for(PEOPLE, [(1, "Ann", 5)], grid([1, "Ann", 5], [None, "who", 6]))
    assert caught.value.rows == (3,)
    assert "who" not in str(caught.value)


def test_two_rows_that_could_be_it_are_never_guessed() -> None:
    tab = grid([None, "Bob", 6], [None, "Bob", 6])
    with pytest.raises(KeyDamagedError):
        plan_for(PEOPLE, [(2, "Bob", 6)], tab)


def test_a_copied_row_is_removed_and_ours_stays() -> None:
    tab = grid([1, "Ann", 5], [2, "Bob", 6], [1, "Ann", 5])
    plan = plan_for(PEOPLE, [(1, "Ann", 5), (2, "Bob", 6)], tab)
    assert plan.deletes == (3,)
    assert not plan.updates


def test_a_copy_with_a_note_beside_it_is_emptied_and_not_deleted() -> None:
    tab: Grid = [["id", "name", "score", "notes"], [1.0, "Ann", 5.0, "first"], [1.0, "Ann", 5.0, "second"]]
    plan = plan_for(PEOPLE, [(1, "Ann", 5)], tab)
    assert (plan.deletes, plan.blanks) == ((), (2,))
    assert carried_out(plan, tab)[2] == [None, None, None, "second"]


def test_a_key_typed_over_another_row_gives_both_rows_back() -> None:
    tab = grid([1, "Ann", 5], [1, "Bob", 6])
    plan = plan_for(PEOPLE, [(1, "Ann", 5), (2, "Bob", 6)], tab)
    assert [(u.row, u.new[0]) for u in plan.updates] == [(2, 2.0)]
    assert not plan.deletes


def test_a_doubled_key_of_which_none_is_ours_is_refused() -> None:
    with pytest.raises(DuplicateKeyError) as caught:
        plan_for(PEOPLE, [(1, "Ann", 5)], grid([1, "Eve", 5], [1, "Mallory", 5]), written={})
    assert caught.value.rows == (2, 3)


NOTED: list[CurrentCell] = ["id", "name", "score", "notes"]
TWINS = [(1, "Ann", 5), (17, "Ann", 5)]


@pytest.mark.parametrize(
    ("rows", "first", "second"),
    [
        (TWINS, "Ann", "Ann"),
        (TWINS, "Eve", "Ann"),
        ([(1, "Ann", 5), (17, "Zoe", 9)], "Ann", "Ann"),
        ([(1, "Ann", 5), (17, "Ann", 5), (18, "Ann", 5)], "Ann", "Ann"),
    ],
    ids=["twins", "the real one is changed, too", "its twin is changed in the database", "several are missing"],
)
def test_of_twins_with_one_key_nobody_guesses_which_is_which(
    rows: list[tuple[Any, ...]], first: str, second: str
) -> None:
    before: Grid = [NOTED]
    before += [[float(key), "Ann", 5.0, f"note {key}"] for key, *_ in rows]
    tab: Grid = [NOTED, [1.0, first, 5.0, "note 1"], [1.0, second, 5.0, "note 17"]]
    with pytest.raises(DuplicateKeyError, match="rows 2, 3 have the same key") as caught:
        plan_for(PEOPLE, rows, tab, written=plan_written(before))
    assert caught.value.rows == (2, 3)
    assert "right key" in str(caught.value.hint)


def test_of_twins_with_one_key_a_note_on_a_cell_counts() -> None:
    tab, written = grid([1, "Ann", 5], [1, "Ann", 5]), plan_written(grid([1, "Ann", 5], [17, "Ann", 5]))
    with pytest.raises(DuplicateKeyError):
        plan_for(PEOPLE, TWINS, tab, written=written, marks=Marks(notes=frozenset({2})))
    plan = plan_for(PEOPLE, TWINS, tab, written=written)
    assert carried_out(plan, tab)[1:] == [[1.0, "Ann", 5.0], [17.0, "Ann", 5.0]]


def test_a_row_that_two_keys_were_written_like_is_not_given_to_one_of_them() -> None:
    written = plan_written(grid([3, "Bob", 5], [18, "Bob", 5]))
    with pytest.raises(KeyDamagedError):
        plan_for(PEOPLE, [(3, "Ann", 1), (18, "Eve", 2)], grid([None, "Bob", 5]), written=written)


@pytest.mark.parametrize("noted", [False, True])
def test_a_twin_with_the_key_of_one_that_goes_does_not_go_with_it(noted: bool) -> None:
    written = plan_written(grid([1, "Ann", 5], [17, "Ann", 5], [2, "Bob", 6]))
    tab = grid([1, "Ann", 5], [1, "Ann", 5], [2, "Bob", 6])
    marks = Marks(notes=frozenset({2} if noted else ()))
    left, rules = [(17, "Ann", 5), (2, "Bob", 6)], Rules(allow_deletes=True)
    if noted:
        with pytest.raises(DuplicateKeyError, match="rows 2, 3 "):
            plan_for(PEOPLE, left, tab, written=written, marks=marks, rules=rules)
    else:
        after = carried_out(plan_for(PEOPLE, left, tab, written=written, marks=marks, rules=rules), tab)
        assert sorted(after[1:], key=str) == [[17.0, "Ann", 5.0], [2.0, "Bob", 6.0]]


def test_a_row_with_the_key_of_one_that_goes_is_not_taken_for_it_where_it_reads_otherwise() -> None:
    """Row 9 got the key 6 and another name, 6 is deleted in the database, and 9 changed there: nothing tells it."""
    before: Grid = [NOTED, [6.0, "Ann", 1.0, None], [9.0, "Bob", 2.0, "note 9"]]
    tab: Grid = [NOTED, [6.0, "Ann", 1.0, None], [6.0, "Xyz", 2.0, "note 9"]]
    rules, left = Rules(allow_deletes=True), [(9, "Cyd", 3)]
    with pytest.raises(DuplicateKeyError, match="rows 2, 3 have the same key"):
        plan_for(PEOPLE, left, tab, written=plan_written(before), rules=rules)
    tab[2][3] = None
    assert len(plan_for(PEOPLE, left, tab, written=plan_written(before), rules=rules).deletes) == 2, "nobody's"


def test_a_row_that_was_edited_goes_with_its_key_where_no_other_has_it() -> None:
    before: Grid = [NOTED, [6.0, "Ann", 1.0, "note 6"], [9.0, "Bob", 2.0, None]]
    tab: Grid = [NOTED, [6.0, "Xyz", 1.0, "note 6"], [9.0, "Bob", 2.0, None]]
    plan = plan_for(PEOPLE, [(9, "Bob", 2)], tab, written=plan_written(before), rules=Rules(allow_deletes=True))
    assert plan.deletes == (1,)


def test_of_copies_the_one_with_a_note_on_a_cell_stays() -> None:
    plan = plan_for(PEOPLE, [(1, "Ann", 5)], grid([1, "Ann", 5], [1, "Ann", 5]), marks=Marks(notes=frozenset({2})))
    assert (plan.deletes, plan.blanks) == ((1,), ())


# --- adoption ---------------------------------------------------------------------------------------------

BY_EMAIL = shape("email", "score", "id", key=[2], match_on=[0])


def test_rows_without_a_key_column_are_adopted_by_match_on() -> None:
    tab: Grid = [["email", "score", "notes"], ["b@x", "6", "B's note"], ["a@x", 5.0, "A's note"]]
    plan = plan_for(BY_EMAIL, [("a@x", 5, "1"), ("b@x", 6, "2")], tab)
    after = carried_out(plan, tab)
    assert [after[0][i] for i in range(4)] == ["email", "score", "id", "notes"]
    assert after[1] == ["b@x", 6.0, "2", "B's note"]
    assert after[2] == ["a@x", 5.0, "1", "A's note"]
    assert not plan.inserts


def test_copies_of_an_adopted_row_are_removed() -> None:
    tab: Grid = [["email", "score"], ["a@x", 5.0], ["a@x", 5.0], ["b@x", 1.0]]
    plan = plan_for(BY_EMAIL, [("a@x", 5, "1"), ("b@x", 1, "2")], tab)
    assert plan.deletes == (2,)


def test_rows_that_differ_are_no_copies() -> None:
    tab: Grid = [["email", "score"], ["a@x", 5.0], ["a@x", 6.0]]
    with pytest.raises(KeyDamagedError):
        plan_for(BY_EMAIL, [("a@x", 5, "1")], tab)


def test_a_tab_with_data_and_none_of_our_headers_is_refused() -> None:
    with pytest.raises(HeaderDamagedError, match="none of the headers"):
        plan_for(PEOPLE, [(1, "A", 1)], [["groceries"], ["milk"]])


def test_a_header_that_stands_twice_is_refused() -> None:
    with pytest.raises(HeaderDamagedError, match="columns B and D"):
        plan_for(PEOPLE, [(1, "A", 1)], [["id", "name", "score", "name"], [1.0, "A", 1.0, None]])


# --- laws -------------------------------------------------------------------------------------------------

values = st.one_of(st.none(), st.integers(-5, 5), st.text("ab=", max_size=2), st.booleans())
tables = st.dictionaries(st.integers(0, 12), st.tuples(values, values), max_size=10)


def as_rows(table: dict[int, tuple[object, object]]) -> list[tuple[object, ...]]:
    return [(key, *rest) for key, rest in table.items()]


@given(tables, tables, st.randoms(use_true_random=False))
def test_carrying_out_a_plan_gives_the_desired_table_and_keeps_what_stands_beside(
    before: dict[int, tuple[object, object]], after: dict[int, tuple[object, object]], chance: object
) -> None:
    tab = carried_out(plan_for(PEOPLE, as_rows(before), []), [])
    tab = [[*row, *[None] * (3 - len(row)), f"note {row[0]}"] for row in tab]
    tab[0][3] = "notes"
    order = [0, 1, 2, 3]
    chance.shuffle(order)  # type: ignore[attr-defined]  # a Random
    body = tab[1:]
    chance.shuffle(body)  # type: ignore[attr-defined]
    tab = [[row[i] for i in order] for row in [tab[0], *body]]
    plan = plan_for(PEOPLE, as_rows(after), tab, rules=Rules(allow_deletes=True))
    result = carried_out(plan, tab)
    again = plan_for(PEOPLE, as_rows(after), result, rules=Rules(allow_deletes=True))
    assert again.is_empty
    at, notes = column(result, "id"), column(result, "notes")
    for row in result[1:]:
        note = row[notes] if notes < len(row) else None
        assert note in (None, f"note {row[at]}")
    kept = {f"note {float(key)}" for key in before if key in after}
    assert kept <= {row[notes] for row in result[1:] if notes < len(row)}
