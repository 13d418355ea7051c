"""Notes on headers over real HTTP: what they cost, whose they are, and that they never stand in a sync's way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from moneymentor_sync.core.header_notes import is_ours, note_texts
from moneymentor_sync.core.ports import DatasetResult
from moneymentor_sync.core.settings import Column, SheetSettings
from moneymentor_sync.core.table import Shape
from moneymentor_sync.sandbox import Fault
from moneymentor_sync.sandbox.faults import FaultKind

from .workbench import TAB, Workbench, body

ON, OFF = SheetSettings(header_notes=True), SheetSettings()
ROWS = [(1, "Ana", 5), (2, "Bob", 7)]
THEIRS = "ask Ana before you sort"


@pytest.fixture
def noted(bench: Workbench) -> Workbench:
    """Two people, and the notes wanted; nothing is synced yet."""
    bench.sheet = ON
    bench.people(*ROWS)
    return bench


def notes(bench: Workbench, tab: str = TAB) -> dict[str, str]:
    """What stands in row 1, each with its note; blank where it has none."""
    sheet = next(one for one in bench.box.document(bench.spreadsheet).sheets if one.title == tab)
    header = [str(cell or "") for cell in bench.grid(tab)[0]]
    return {text: sheet.note(0, at) or "" for at, text in enumerate(header)}


def wanted(bench: Workbench, *columns: Column) -> dict[str, str]:
    named = columns or tuple(Column(name, name) for name in ("id", "name", "score"))
    dataset = bench.datasets[0]
    return note_texts(dataset, Shape(dataset.name, named, tuple(range(len(named))), (0,), ()), {})


def calls(bench: Workbench) -> tuple[int, int]:
    return bench.box.log.count("read"), bench.box.log.count("write")


def quiet(bench: Workbench) -> None:
    """Syncs with nothing changed make no call for the notes' sake: with none due, none at all."""
    bench.datasets = [replace(one, verify=86_400.0) for one in bench.datasets]
    assert bench.sync().result == "unchanged"
    assert calls(bench) == (0, 0)


# --- what they cost ---------------------------------------------------------------------------------------


def test_a_new_tab_has_them_with_the_very_batch_that_makes_it(noted: Workbench) -> None:
    noted.sheet = OFF
    noted.sync()
    without = calls(noted)
    noted.person.delete_tab(TAB)
    noted.forget()
    noted.sheet = ON
    noted.sync()
    assert notes(noted) == wanted(noted)
    assert calls(noted) == without
    quiet(noted)


def test_turned_on_later_they_cost_one_read_and_one_write_once(noted: Workbench) -> None:
    noted.sheet = OFF
    noted.sync()
    noted.datasets = [replace(noted.datasets[0], verify=86_400.0)]
    noted.sheet = ON
    result = noted.sync()
    assert (result.result, result.reads, result.writes, result.notes) == ("unchanged", 1, 1, ())
    assert calls(noted) == (1, 1)
    assert notes(noted) == wanted(noted)
    quiet(noted)


def test_a_comparison_of_the_tab_makes_no_call_more_for_them(noted: Workbench) -> None:
    noted.datasets = [replace(noted.datasets[0], verify="always")]
    noted.sync()
    noted.sync()
    assert calls(noted) == (1, 0)
    noted.people(*ROWS, (3, "Cleo", 9))
    noted.sync()
    assert calls(noted) == (1, 1)


def test_another_text_replaces_ours(noted: Workbench) -> None:
    noted.sync()
    before = notes(noted)
    noted.datasets = [replace(noted.datasets[0], mode="upsert")]
    noted.sync()
    assert notes(noted) == wanted(noted)
    assert set(before.values()).isdisjoint(notes(noted).values())
    quiet(noted)


# --- off --------------------------------------------------------------------------------------------------


def test_turned_off_ours_go_and_a_persons_stay(noted: Workbench) -> None:
    noted.sync()
    noted.person.note(TAB, 0, 1, THEIRS)
    noted.sheet = OFF
    noted.datasets = [replace(noted.datasets[0], verify=86_400.0)]
    assert noted.sync().result == "unchanged"
    assert calls(noted) == (1, 1)
    assert notes(noted) == {"id": "", "name": THEIRS, "score": ""}
    quiet(noted)


def test_one_who_never_wanted_them_pays_nothing(bench: Workbench) -> None:
    bench.people(*ROWS)
    bench.sync()
    bench.person.note(TAB, 0, 0, THEIRS)
    quiet(bench)
    assert notes(bench)["id"] == THEIRS


# --- people -----------------------------------------------------------------------------------------------


def test_a_note_that_a_person_wrote_is_never_written_over(noted: Workbench) -> None:
    noted.sheet = OFF
    noted.sync()
    noted.person.note(TAB, 0, 1, THEIRS)
    noted.sheet = ON
    noted.sync()
    assert notes(noted) == wanted(noted) | {"name": THEIRS}
    noted.datasets = [replace(noted.datasets[0], mode="upsert")]
    noted.sync()
    assert notes(noted) == wanted(noted) | {"name": THEIRS}
    quiet(noted)


@pytest.mark.parametrize("forgotten", [False, True])
def test_one_of_ours_that_a_person_changes_is_theirs(noted: Workbench, forgotten: bool) -> None:
    noted.sync()
    changed = notes(noted)["score"].replace("Column score", "The sum of all games")
    noted.person.note(TAB, 0, 2, changed)
    if forgotten:
        noted.forget()
    noted.datasets = [replace(noted.datasets[0], mode="upsert")]
    noted.sync()
    assert notes(noted)["score"] == changed
    noted.sheet = OFF
    noted.sync()
    assert notes(noted) == {"id": "", "name": "", "score": changed}


def test_one_that_a_person_took_away_stays_away_until_it_says_something_else(noted: Workbench) -> None:
    noted.sync()
    noted.person.note(TAB, 0, 2, "")
    noted.people(*ROWS, (3, "Cleo", 9))
    noted.sync()
    assert notes(noted)["score"] == ""
    noted.datasets = [replace(noted.datasets[0], mode="upsert")]
    noted.sync()
    assert notes(noted) == wanted(noted)


def test_a_column_that_a_person_moved_keeps_its_note_and_their_own_columns_have_none(noted: Workbench) -> None:
    noted.sync()
    noted.person.move_columns(TAB, 0, 1, 3)
    noted.person.insert_columns(TAB, 1)
    noted.person.type(TAB, 0, 1, "remarks")
    noted.person.note(TAB, 0, 1, THEIRS)
    noted.people(*ROWS, (3, "Cleo", 9))
    noted.sync()
    assert list(notes(noted)) == ["name", "remarks", "score", "id"]
    assert notes(noted) == wanted(noted) | {"remarks": THEIRS}
    noted.datasets = [replace(noted.datasets[0], mode="upsert")]
    noted.sync()
    assert notes(noted) == wanted(noted) | {"remarks": THEIRS}


def test_a_person_may_rename_the_tab_meanwhile(noted: Workbench) -> None:
    noted.sheet = OFF
    noted.sync()
    noted.datasets = [replace(noted.datasets[0], verify=86_400.0)]
    noted.person.rename_tab(TAB, "Our people")
    noted.sheet = ON
    noted.sync()
    assert calls(noted) == (3, 1)  # its title first, then where it is, then there
    assert notes(noted, "Our people") == wanted(noted)


def test_a_header_that_was_renamed_or_emptied_has_its_note_again(noted: Workbench) -> None:
    noted.datasets = [replace(noted.datasets[0], verify="always")]
    noted.sync()
    noted.person.type(TAB, 0, 1, "nom")
    noted.person.note(TAB, 0, 1, "")
    noted.sync()
    assert notes(noted) == wanted(noted)
    assert noted.sync().writes == 0


def test_a_column_that_was_deleted_comes_back_with_its_note(noted: Workbench) -> None:
    noted.datasets = [replace(noted.datasets[0], verify="always")]
    noted.sync()
    noted.person.note(TAB, 0, 1, THEIRS)
    noted.person.delete_columns(TAB, 2)
    noted.sync()
    assert calls(noted) == (1, 1)  # the note came with the column
    assert notes(noted) == wanted(noted) | {"name": THEIRS}


def test_a_header_row_that_was_deleted_comes_back_with_its_notes(noted: Workbench) -> None:
    noted.datasets = [replace(noted.datasets[0], verify="always")]
    noted.sync()
    noted.person.delete_rows(TAB, 0)
    noted.sync()
    assert noted.grid() == body([["id", "name", "score"], *ROWS])
    assert notes(noted) == wanted(noted)
    assert noted.sync().writes == 0


def test_a_tab_that_was_deleted_and_one_that_was_emptied_have_them_again(noted: Workbench) -> None:
    noted.datasets = [replace(noted.datasets[0], verify="always")]
    noted.sync()
    noted.person.delete_tab(TAB)
    noted.sync()
    assert notes(noted) == wanted(noted)
    noted.person.request({"updateCells": {"range": {"sheetId": _id(noted)}, "fields": "*"}})
    noted.sync(force=True)
    assert notes(noted) == wanted(noted)
    assert noted.sync().writes == 0


@pytest.mark.parametrize("bob", ["Bob", "Bert"])  # nothing to be written, and something
def test_a_tab_that_a_person_made_in_the_place_of_a_deleted_one_is_looked_at(noted: Workbench, bob: str) -> None:
    noted.datasets = [noted.dataset(match_on=("name",), verify="always")]
    noted.sync()
    noted.person.delete_tab(TAB)
    noted.person.add_tab(TAB)
    noted.person.type_rows(TAB, 0, 0, [["id", "name", "score"], ["1", "Ana", "5"], ["2", bob, "7"]])
    noted.sync()
    assert notes(noted) == wanted(noted)


def _id(bench: Workbench) -> int:
    return next(one.sheet_id for one in bench.box.document(bench.spreadsheet).sheets if one.title == TAB)


def test_a_new_column_has_one_and_one_that_is_no_longer_ours_loses_it(noted: Workbench) -> None:
    noted.sync()
    noted.datasets = [replace(noted.datasets[0], query="SELECT id, name, score AS points FROM people")]
    noted.sync()
    columns = [Column(name, name) for name in ("id", "name", "points")]
    assert notes(noted) == wanted(noted, *columns) | {"score": ""}
    quiet(noted)


# --- a person in between ----------------------------------------------------------------------------------


def moving(bench: Workbench) -> None:
    """Puts a column with a person's note where one of ours was when it was looked at."""
    bench.person.insert_columns(TAB, 0)
    bench.person.type(TAB, 0, 0, "remarks")
    bench.person.note(TAB, 0, 0, THEIRS)


def swapping(bench: Workbench) -> None:
    """Moves a person's column, the last one, to the first place."""
    bench.person.move_columns(TAB, 3, 4, 0)


@pytest.mark.parametrize("act", [moving, swapping])
def test_what_a_write_hits_by_mistake_is_given_back_and_the_next_sync_puts_it_right(
    noted: Workbench, act: Callable[[Workbench], None]
) -> None:
    noted.sheet = OFF
    noted.sync()
    if act is swapping:
        noted.person.type(TAB, 0, 3, "remarks")
        noted.person.note(TAB, 0, 3, THEIRS)
    noted.sheet = ON
    noted.datasets = [replace(noted.datasets[0], verify=86_400.0)]
    happened = noted.before_write(lambda: act(noted))
    noted.sync()
    assert happened
    assert calls(noted)[1] == 2  # the notes, and what they hit
    found = notes(noted)
    if act is swapping:
        assert found["remarks"] == THEIRS
    assert all(not note or is_ours(note) or note == THEIRS for note in found.values())
    noted.sync()
    assert notes(noted) == wanted(noted) | ({"remarks": THEIRS} if act is swapping else {"remarks": ""})
    quiet(noted)


FAULTS = {
    "the giving back fails": Fault("status", on="write", nth=2, count=2),
    "the answer is lost": Fault("reset_after", on="write"),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_was_hit_and_could_not_be_given_back_at_once_is_given_back_by_the_next_sync(
    noted: Workbench, fault: Fault
) -> None:
    noted.sheet = OFF
    noted.sync()
    noted.person.type(TAB, 0, 3, "remarks")
    noted.person.note(TAB, 0, 3, THEIRS)
    noted.sheet = ON
    noted.datasets = [replace(noted.datasets[0], verify=86_400.0)]
    happened = noted.before_write(lambda: swapping(noted))
    noted.box.faults.add(replace(fault))
    with noted.opened() as engine:  # as a daemon keeps it
        assert engine.run(noted.config.datasets).datasets[0].notes
        assert happened and notes(noted)["remarks"] != THEIRS
        noted.box.faults.clear()
        for _ in range(2):
            assert not engine.run(noted.config.datasets).datasets[0].notes
            assert notes(noted)["remarks"] == THEIRS
    assert notes(noted) == wanted(noted) | {"remarks": THEIRS}
    quiet(noted)


def test_a_write_that_never_arrived_owes_nobody_anything(noted: Workbench) -> None:
    noted.sheet = OFF
    noted.sync()
    noted.person.type(TAB, 0, 3, "remarks")
    noted.person.note(TAB, 0, 3, THEIRS)
    noted.sheet = ON
    noted.datasets = [replace(noted.datasets[0], verify=86_400.0)]
    noted.box.faults.add(Fault("status", on="write"))
    with noted.opened() as engine:
        assert engine.run(noted.config.datasets).datasets[0].notes
        swapping(noted)
        assert not engine.run(noted.config.datasets).datasets[0].notes
    assert notes(noted) == wanted(noted) | {"remarks": THEIRS}


# --- what goes wrong --------------------------------------------------------------------------------------

KINDS: tuple[FaultKind, ...] = ("status", "reset_before", "reset_after", "close_after", "truncate", "html")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("on", ["read", "write"])
def test_a_fault_is_told_and_the_next_sync_does_it(noted: Workbench, kind: FaultKind, on: str) -> None:
    noted.sheet = OFF
    noted.sync()
    noted.sheet = ON
    noted.datasets = [replace(noted.datasets[0], verify=86_400.0)]
    fault = noted.box.faults.add(Fault(kind, on=on, count=2))  # the client itself sends once more
    first = noted.sync()
    assert fault.fired
    assert (first.result, first.retries) == ("unchanged", 0)
    assert [note.partition(":")[0] for note in first.notes] == ["the notes on its headers were not written"]
    noted.box.faults.clear()
    second = noted.sync()
    assert (second.result, second.notes) == ("unchanged", ())
    assert notes(noted) == wanted(noted)
    quiet(noted)


def test_a_write_that_may_still_arrive_is_made_to_be_refused_where_there_is_nothing_left_to_write(
    noted: Workbench,
) -> None:
    noted.sheet = OFF
    noted.sync()
    noted.sheet = ON
    noted.datasets = [replace(noted.datasets[0], verify=86_400.0)]
    noted.box.faults.add(Fault("reset_before", on="write"))
    assert noted.sync().notes
    for column in range(3):
        noted.person.note(TAB, 0, column, THEIRS)
    fences = {noted.store().fence(noted.spreadsheet).token}
    assert noted.sync().writes == 1
    fences.add(noted.store().fence(noted.spreadsheet).token)
    assert len(fences) == 2  # the one that the lost write would take away is gone
    assert set(notes(noted).values()) == {THEIRS}
    quiet(noted)


def test_a_fault_after_a_write_of_rows_takes_nothing_from_it(noted: Workbench) -> None:
    noted.sheet = OFF
    noted.sync()
    noted.sheet = ON
    noted.people(*ROWS, (3, "Cleo", 9))
    noted.box.faults.add(Fault("status", on="write", nth=2))
    result = noted.sync()
    assert (result.result, result.inserted, len(result.notes)) == ("synced", 1, 1)
    assert noted.rows() == body([*ROWS, (3, "Cleo", 9)])
    noted.sync()
    assert notes(noted) == wanted(noted)


def test_while_google_cannot_be_reached_only_the_first_tab_is_tried(noted: Workbench) -> None:
    """Each try may take as long as the timeout, and somebody waits for the sync."""
    noted.datasets = [noted.dataset(name=f"d{n}", tab=f"Tab {n}", verify=86_400.0) for n in range(4)]
    noted.sheet = OFF
    noted.run()
    noted.sheet = ON
    noted.box.faults.add(Fault("status", on="read"))
    with noted.opened() as engine:
        run = engine.run(noted.config.datasets)
        assert [(one.result, one.reads, len(one.notes)) for one in run.datasets] == [
            ("unchanged", 1, 1),
            *[("unchanged", 0, 0)] * 3,
        ]
        run = engine.run(noted.config.datasets)
        assert [(one.writes, one.notes) for one in run.datasets] == [(1, ())] * 4


def test_a_header_that_is_protected_is_told_and_left_alone_for_an_hour(noted: Workbench) -> None:
    noted.sheet = OFF
    noted.sync()
    noted.person.protect(TAB, 0, 1)
    noted.sheet = ON
    noted.datasets = [replace(noted.datasets[0], verify=86_400.0)]
    with noted.opened() as engine:  # as a daemon keeps it
        told = [engine.run(noted.config.datasets).datasets[0] for _ in range(3)]
        assert [result.result for result in told] == ["unchanged"] * 3
        assert "protected" in told[0].notes[0]
        assert [(result.reads, len(result.notes)) for result in told] == [(1, 1), (0, 0), (0, 0)]
        noted.clock.now += 3_601
        assert engine.run(noted.config.datasets).datasets[0].notes


# --- others -----------------------------------------------------------------------------------------------


def test_a_tab_that_is_filled_before_it_is_shown_has_them_when_it_is(noted: Workbench) -> None:
    noted.people(*[(number, "x" * 400, number) for number in range(6_000)])
    result = noted.sync()
    assert (result.inserted, noted.box.log.count("write") > 2) == (6_000, True)
    assert notes(noted) == wanted(noted)
    quiet(noted)


def test_rows_of_an_old_tab_are_taken_over_and_its_headers_noted(noted: Workbench) -> None:
    tab = noted.person.add_tab(TAB)
    assert tab
    noted.person.type_rows(TAB, 0, 0, [["name", "score"], ["Ana", "5"], ["Bob", "6"]])
    noted.person.note(TAB, 0, 0, THEIRS)
    noted.datasets = [noted.dataset(match_on=("name",))]
    noted.sync()
    assert notes(noted) == wanted(noted) | {"name": THEIRS}
    assert noted.sync().writes == 0


def test_what_was_forgotten_costs_a_look_and_no_write(noted: Workbench) -> None:
    noted.sync()
    noted.forget()
    result = noted.sync()
    assert (result.writes, result.notes) == (0, ())
    assert notes(noted) == wanted(noted)
    quiet(noted)


def test_two_datasets_of_a_spreadsheet_have_each_its_own(noted: Workbench) -> None:
    noted.datasets = [noted.dataset(), noted.dataset(name="scores", tab="Scores", query=None, table="people")]
    noted.sheet = OFF
    noted.run()
    noted.sheet = ON
    run = noted.run()
    assert [(one.result, one.writes) for one in run.datasets] == [("unchanged", 1)] * 2
    assert notes(noted, "Scores")["score"].startswith("Column score of table people (dataset scores).")
    assert _writes(noted.run().datasets) == 0


def _writes(results: tuple[DatasetResult, ...]) -> int:
    return sum(one.writes for one in results)


def test_a_plan_neither_tells_of_them_nor_writes_them(noted: Workbench) -> None:
    noted.sheet = OFF
    noted.sync()
    noted.sheet = ON
    outcome = noted.plan()
    assert outcome.plan is not None
    assert outcome.plan.is_empty
    assert noted.box.log.count("write") == 0
    assert set(notes(noted).values()) == {""}
