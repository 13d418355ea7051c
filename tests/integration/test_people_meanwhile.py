"""A person edits between our last look and our write: nothing of theirs is lost, and ours comes right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from moneymentor_sync.core.cells import Formula as CoreFormula
from moneymentor_sync.sandbox.cells import Formula
from moneymentor_sync.sandbox.faults import Fault

from .workbench import TAB, Workbench, body

ROWS = [(i, f"p{i}", i * 10) for i in range(1, 7)]
NOTES = {float(i): f"note {i}" for i in range(1, 7)}


@pytest.fixture
def edited(bench: Workbench) -> Workbench:
    """A tab with a column of a person's in the middle, a note beside each row."""
    bench.people(*ROWS)
    bench.sync()
    bench.person.insert_columns(TAB, 2)
    bench.person.type_rows(TAB, 0, 2, [["notes"], *[[text] for text in NOTES.values()]])
    return bench


def beside(bench: Workbench) -> dict[object, object]:
    """What people have in their column, by our key."""
    header, *rows = bench.grid()
    key, notes = header.index("id"), header.index("notes")
    return {row[key]: row[notes] if len(row) > notes else None for row in rows if len(row) > key and row[key]}


def ours(bench: Workbench) -> list[list[object]]:
    header, *rows = bench.grid()
    at = [header.index(name) for name in ("id", "name", "score")]
    found = [[row[i] if i < len(row) else None for i in at] for row in rows]
    return sorted((row for row in found if any(cell is not None for cell in row)), key=lambda row: str(row[0]))


CHANGED = [(1, "p1", 11), (2, "p2", 20), (3, "p3", 31), (4, "p4", 40), (5, "p5", 51), (6, "p6", 60)]


def sort_descending(bench: Workbench) -> None:
    bench.person.sort(TAB, 0, descending=True)


def insert_a_row(bench: Workbench) -> None:
    bench.person.insert_rows(TAB, 2)


def insert_a_column(bench: Workbench) -> None:
    bench.person.insert_columns(TAB, 1)


def move_a_column(bench: Workbench) -> None:
    bench.person.move_columns(TAB, 2, 3, 4)


def move_the_key(bench: Workbench) -> None:
    bench.person.move_columns(TAB, 0, 1, 4)


def delete_a_row(bench: Workbench) -> None:
    bench.person.delete_rows(TAB, 3)


def sort_and_move(bench: Workbench) -> None:
    sort_descending(bench)
    move_a_column(bench)


def rename_the_tab(bench: Workbench) -> None:
    bench.person.rename_tab(TAB, "People, renamed")
    bench.person.rename_tab("People, renamed", TAB)


EDITS: list[Callable[[Workbench], None]] = [
    sort_descending,
    insert_a_row,
    insert_a_column,
    move_a_column,
    move_the_key,
    delete_a_row,
    sort_and_move,
    rename_the_tab,
]


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_an_edit_that_overtakes_an_update_is_repaired_in_the_same_sync(
    edited: Workbench, edit: Callable[[Workbench], None]
) -> None:
    edited.people(*CHANGED)
    happened = edited.before_write(lambda: edit(edited))
    edited.sync()
    assert happened
    assert ours(edited) == body(CHANGED)
    kept = {key: text for key, text in NOTES.items() if edit is not delete_a_row or key != 3.0}
    assert {key: text for key, text in beside(edited).items() if text} == kept
    assert edited.sync().result == "unchanged"


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_an_edit_that_overtakes_an_insertion_is_repaired(
    edited: Workbench, edit: Callable[[Workbench], None]
) -> None:
    edited.people(*ROWS, (7, "p7", 70), (8, "p8", 80))
    happened = edited.before_write(lambda: edit(edited))
    edited.sync()
    assert happened
    assert ours(edited) == body([*ROWS, (7, "p7", 70), (8, "p8", 80)])
    kept = {key: text for key, text in NOTES.items() if edit is not delete_a_row or key != 3.0}
    assert {key: text for key, text in beside(edited).items() if text} == kept
    assert edited.sync().result == "unchanged"


@pytest.mark.parametrize("edit", [insert_a_column, move_a_column, move_the_key], ids=lambda edit: edit.__name__)
def test_an_edit_of_columns_that_overtakes_updates_and_a_deletion_is_repaired(
    edited: Workbench, edit: Callable[[Workbench], None]
) -> None:
    left = [row for row in CHANGED if row[0] != 2]
    edited.people(*left)
    happened = edited.before_write(lambda: edit(edited))
    edited.sync()
    assert happened
    assert ours(edited) == body(left)
    assert {key: text for key, text in beside(edited).items() if text} == {
        k: v for k, v in NOTES.items() if k != 2.0
    }
    assert edited.sync().result == "unchanged"


DAMAGE = {"a header": (0, 3), "a key": (2, 0), "the key's header": (0, 0)}


@pytest.mark.parametrize("place", DAMAGE.values(), ids=DAMAGE)
def test_damage_that_was_mended_stays_so_when_the_answer_gets_lost(
    edited: Workbench, place: tuple[int, int]
) -> None:
    whole = edited.grid()
    edited.person.type(TAB, *place, "typed over")
    states: list[object] = []
    edited.box.hooks.on_change(lambda _request, _caller, _before: states.append(edited.grid()))
    fault = edited.box.faults.add(Fault("reset_after", on="write"))
    edited.sync()
    assert fault.fired == 1
    assert states, "it was mended"
    assert all(state == whole for state in states), "and nothing was undone"


@pytest.mark.parametrize("rows", [ROWS, CHANGED], ids=["nothing changed", "rows changed"])
@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_an_edit_that_overtakes_the_mending_of_a_header_costs_no_column_of_a_persons(
    edited: Workbench, edit: Callable[[Workbench], None], rows: list[tuple[int, str, int]]
) -> None:
    edited.person.type(TAB, 0, 3, "typed over")
    edited.people(*rows)
    happened = edited.before_write(lambda: edit(edited))
    edited.sync()
    assert happened
    assert edited.sync().result == "unchanged"
    assert ours(edited) == body(rows)
    kept = {key: text for key, text in NOTES.items() if edit is not delete_a_row or key != 3.0}
    assert {key: text for key, text in beside(edited).items() if text} == kept


def test_new_rows_stay_when_a_row_that_a_person_inserted_overtakes_the_mending_of_a_header(
    edited: Workbench,
) -> None:
    edited.person.type(TAB, 0, 3, "typed over")
    edited.people(*CHANGED, (7, "p7", 70), (8, "p8", 80))
    happened = edited.before_write(lambda: insert_a_row(edited))
    states: list[list[object]] = []
    edited.box.hooks.on_change(lambda _request, _caller, _before: states.append([row[:1] for row in edited.rows()]))
    edited.sync()
    assert happened
    with_them = [[7.0] in state and [8.0] in state for state in states]
    assert True in with_them
    assert all(with_them[with_them.index(True) :]), "what was new once is not taken away again"


@pytest.mark.parametrize("edit", EDITS, ids=lambda edit: edit.__name__)
def test_an_edit_that_overtakes_a_new_header_row_costs_no_column_of_a_persons(
    edited: Workbench, edit: Callable[[Workbench], None]
) -> None:
    edited.sync()
    edited.person.delete_rows(TAB, 0)
    happened = edited.before_write(lambda: edit(edited))
    edited.sync()
    assert happened
    assert edited.sync().result in ("synced", "unchanged")
    assert ours(edited) == body(ROWS)
    key = edited.grid()[0].index("id")
    found = {row[key]: next((cell for cell in row if cell in NOTES.values()), None) for row in edited.rows() if row}
    kept = {key: text for key, text in NOTES.items() if edit is not delete_a_row or key != 4.0}
    assert {key: text for key, text in found.items() if text} == kept


def test_a_column_made_again_stays_whole_when_the_answer_gets_lost(edited: Workbench) -> None:
    edited.person.delete_columns(TAB, 1)
    states: list[list[list[object]]] = []
    edited.box.hooks.on_change(lambda _request, _caller, _before: states.append(ours(edited)))
    fault = edited.box.faults.add(Fault("reset_after", on="write"))
    edited.sync()
    assert fault.fired == 1
    assert states and all(state == body(ROWS) for state in states)


def test_what_a_person_types_below_the_table_meanwhile_is_not_written_over(edited: Workbench) -> None:
    edited.people(*ROWS, (7, "p7", 70))
    happened = edited.before_write(lambda: edited.person.type(TAB, 7, 2, "a line of mine"))
    edited.sync()
    assert happened
    assert edited.grid()[7] == [None, None, "a line of mine"]
    assert edited.grid()[8] == [7.0, "p7", None, 70.0]


def test_a_formula_that_a_moved_column_put_under_our_write_comes_back(edited: Workbench) -> None:
    edited.person.type(TAB, 1, 2, "=1+1")
    edited.people(*CHANGED)
    edited.before_write(lambda: move_a_column(edited))
    edited.sync()
    found = beside(edited)[1.0]
    assert isinstance(found, Formula | CoreFormula)
    assert found.text == "=1+1"


def test_a_renamed_tab_is_written_to_under_its_new_name(edited: Workbench) -> None:
    edited.people(*CHANGED)
    happened = edited.before_write(lambda: edited.person.rename_tab(TAB, "New"))
    edited.sync()
    assert happened
    assert "New" in edited.box.tabs(edited.spreadsheet)
    assert TAB not in edited.box.tabs(edited.spreadsheet)


def test_a_tab_deleted_meanwhile_is_made_again(edited: Workbench) -> None:
    edited.people(*CHANGED)
    happened = edited.before_write(lambda: edited.person.delete_tab(TAB))
    edited.sync()
    assert happened
    assert ours_without_notes(edited) == body(CHANGED)


def ours_without_notes(bench: Workbench) -> list[list[object]]:
    return bench.rows()


def test_a_tab_of_that_name_made_meanwhile_is_used_and_not_written_over(bench: Workbench) -> None:
    bench.people(*ROWS)

    def make_the_tab() -> None:
        bench.person.add_tab(TAB)
        bench.person.type(TAB, 0, 0, "mine")

    happened = bench.before_write(make_the_tab)
    failed = bench.run().datasets[0]
    assert happened
    assert failed.error_code == "header_damaged"
    assert bench.grid() == [["mine"]]


def test_typing_into_an_empty_tab_during_a_large_first_sync_is_not_written_over(bench: Workbench) -> None:
    bench.person.add_tab(TAB)
    bench.people(*[(i, f"name {i}", i) for i in range(30_000)])
    happened = bench.before_write(lambda: bench.person.type(TAB, 20, 1, "mine"), skip=2)
    assert bench.run().datasets[0].error_code == "header_damaged"
    assert happened
    assert [row for row in bench.grid() if row] == [[None, "mine"]]
    bench.person.type(TAB, 20, 1, "")
    bench.sync()
    assert bench.grid() == [["id", "name", "score"], *body([(i, f"name {i}", i) for i in range(30_000)])]


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 1), (1, 0), (5, 2)])
def test_typing_into_an_empty_tab_during_a_first_sync_is_not_written_over(
    bench: Workbench, row: int, column: int
) -> None:
    bench.person.add_tab(TAB)
    bench.people(*ROWS)
    happened = bench.before_write(lambda: bench.person.type(TAB, row, column, "mine"))
    assert bench.run().datasets[0].error_code == "header_damaged"
    assert happened
    assert [cells for cells in bench.grid() if cells] == [[*[None] * column, "mine"]]
    bench.person.type(TAB, row, column, "")
    bench.sync()
    assert bench.grid()[0] == ["id", "name", "score"]
    assert sorted(cells for cells in bench.rows() if cells) == body(ROWS)


def test_a_second_installation_is_noticed(bench: Workbench) -> None:
    bench.people(*ROWS)
    bench.sync()
    other = bench.state
    bench.state = bench.directory / "other" / "state.db"
    bench.sql("UPDATE people SET score = 1 WHERE id = 1")
    assert bench.sync().updated == 1
    bench.state = other
    bench.sql("UPDATE people SET score = 2 WHERE id = 1")
    result = bench.sync()
    assert any("another installation" in note for note in result.notes)
    assert bench.rows()[0] == [1.0, "p1", 2.0]


def test_a_second_writer_during_a_sync_makes_this_one_stand_down(bench: Workbench) -> None:
    bench.people(*ROWS)
    bench.sync()
    mine, other = bench.state, bench.directory / "other" / "state.db"

    def the_other_one_writes() -> None:
        bench.state = other
        bench.sql("UPDATE people SET score = 1 WHERE id = 1")
        bench.box.hooks.clear()
        bench.sync()
        bench.state = mine

    bench.sql("UPDATE people SET score = 5 WHERE id = 2")
    happened = bench.before_write(the_other_one_writes)
    failed = bench.run().datasets[0]
    assert happened
    assert failed.error_code == "second_writer"
    bench.sync()
    assert bench.rows()[:2] == body([[1, "p1", 1], [2, "p2", 5]])


def test_a_deleted_fence_is_put_up_again(bench: Workbench) -> None:
    bench.people(*ROWS)
    bench.sync()
    bench.person.delete_tab("_mmsync")
    bench.sql("UPDATE people SET score = 5 WHERE id = 2")
    bench.sync()
    assert "_mmsync" in bench.box.tabs(bench.spreadsheet)
    bench.sql("UPDATE people SET score = 6 WHERE id = 2")
    assert bench.sync().notes == ()


def test_a_column_without_a_heading_is_not_taken_for_ours_because_ours_was_empty(bench: Workbench) -> None:
    bench.people(*[(i, f"p{i}", None) for i in range(1, 7)])
    bench.sync()
    bench.person.delete_columns(TAB, 2)
    bench.person.type(TAB, 1, 2, "mine")
    bench.sync()
    assert "mine" in bench.grid()[1]
    assert ours(bench) == [[float(i), f"p{i}", None] for i in range(1, 7)]
