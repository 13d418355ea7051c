"""Cases that once went wrong, or would be easy to get wrong: edits and failures that meet in one sync."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from moneymentor_sync.adapters import google_reader
from moneymentor_sync.sandbox.faults import Fault

from .test_people_meanwhile import beside, ours
from .workbench import TAB, Workbench, body

ROWS = [(i, f"p{i}", i * 10) for i in range(1, 7)]
CHANGED = [(i, f"p{i}", i * 10 + i % 2) for i in range(1, 7)]
NOTES = {float(i): f"note {i}" for i in range(1, 7)}


@pytest.fixture
def edited(bench: Workbench) -> Workbench:
    """A tab with a column of a person's in the middle, a note beside each row, known to the last sync."""
    bench.people(*ROWS)
    bench.sync()
    bench.person.insert_columns(TAB, 2)
    bench.person.type_rows(TAB, 0, 2, [["notes"], *[[text] for text in NOTES.values()]])
    assert bench.sync().result == "unchanged"
    return bench


def settled(bench: Workbench, rows: list[tuple[int, str, int]]) -> None:
    """Everything of ours is right, every note is beside its row, and there is nothing left to do."""
    assert ours(bench) == body(rows)
    assert {key: text for key, text in beside(bench).items() if text} == NOTES
    for _ in range(2):
        bench.sync()
    assert bench.sync().result == "unchanged"
    assert ours(bench) == body(rows)


def test_a_deleted_header_row_comes_back_and_costs_no_note(edited: Workbench) -> None:
    edited.person.delete_rows(TAB, 0)
    edited.run()
    grid = edited.grid()
    assert [row[2] for row in grid if len(row) > 3 and row[0] != "id"] == list(NOTES.values())
    assert [[row[0], row[1], row[3]] for row in grid if row[0] != "id"] == body(ROWS)


def test_a_deleted_header_row_is_not_guessed_where_columns_were_moved_as_well(edited: Workbench) -> None:
    edited.person.delete_rows(TAB, 0)
    edited.person.move_columns(TAB, 2, 3, 4)
    assert edited.refused().error_code == "header_damaged"


def insert_and_sort(bench: Workbench) -> None:
    bench.person.insert_columns(TAB, 0)
    bench.person.sort(TAB, 1, descending=True)


INSERTS: list[Callable[[Workbench], None]] = [
    lambda bench: bench.person.insert_columns(TAB, 0),
    lambda bench: bench.person.insert_columns(TAB, 0, 2),
    insert_and_sort,
    lambda bench: bench.person.move_columns(TAB, 3, 4, 0),
]


@pytest.mark.parametrize("edit", INSERTS)
@pytest.mark.parametrize("rows", [CHANGED, [*CHANGED, (7, "p7", 70)]])
def test_a_column_put_at_the_left_edge_meanwhile_costs_no_key(
    edited: Workbench, edit: Callable[[Workbench], None], rows: list[tuple[int, str, int]]
) -> None:
    edited.people(*rows)
    happened = edited.before_write(lambda: edit(edited))
    edited.sync()
    assert happened
    settled(edited, rows)


@pytest.mark.parametrize("heading", ["", "todo"])
def test_columns_without_a_heading_of_their_own_are_given_back(bench: Workbench, heading: str) -> None:
    bench.people(*ROWS)
    bench.sync()
    cells = [[heading, heading], *[[f"first {i}", f"second {i}"] for i in range(1, 7)]]
    bench.person.type_rows(TAB, 0, 3, cells)
    bench.people(*CHANGED)
    happened = bench.before_write(lambda: bench.person.move_columns(TAB, 4, 5, 2))
    bench.sync()
    assert happened
    assert bench.grid()[1:] == body([[i, n, f"second {i}", s, f"first {i}"] for i, n, s in CHANGED])


@pytest.mark.parametrize("fault", ["reset_after", "close_after", "truncate", "not_json"])
def test_an_edit_and_a_lost_answer_together_cost_nothing(edited: Workbench, fault: str) -> None:
    edited.people(*CHANGED)
    lost = edited.box.faults.add(Fault(fault, on="write"))  # type: ignore[arg-type]  # a FaultKind
    edited.before_write(lambda: edited.person.move_columns(TAB, 2, 3, 4))
    result = edited.sync()
    assert lost.fired == 1
    assert result.result == "synced"
    settled(edited, CHANGED)


@pytest.mark.parametrize("fault", ["status", "reset_before", "reset_after"])
def test_an_edit_and_a_failing_repair_together_cost_nothing(edited: Workbench, fault: str) -> None:
    edited.people(*CHANGED)
    failing = edited.box.faults.add(Fault(fault, on="write", nth=2))  # type: ignore[arg-type]  # a FaultKind
    edited.before_write(lambda: edited.person.move_columns(TAB, 2, 3, 4))
    edited.sync()
    assert failing.fired == 1
    settled(edited, CHANGED)


@pytest.mark.parametrize("column", [0, 3])
def test_a_header_that_is_renamed_meanwhile_is_put_right(edited: Workbench, column: int) -> None:
    edited.people(*CHANGED)
    happened = edited.before_write(lambda: edited.person.type(TAB, 0, column, "Nom"))
    edited.sync()
    assert happened
    settled(edited, CHANGED)


def test_adoption_that_a_sort_overtakes_gives_no_row_anothers_key(bench: Workbench) -> None:
    bench.person.add_tab(TAB)
    old = [["name", "score", "notes"], *[[f"p{i}", str(i * 10), f"note {i}"] for i in range(1, 7)]]
    bench.person.type_rows(TAB, 0, 0, old)
    bench.datasets = [bench.dataset(match_on=("name",), query="SELECT name, score, id FROM people ORDER BY id")]
    bench.people(*ROWS)
    happened = bench.before_write(lambda: bench.person.sort(TAB, 0, descending=True))
    bench.sync()
    assert happened
    settled(bench, ROWS)


def test_a_key_repair_that_a_sort_overtakes_comes_right(edited: Workbench) -> None:
    edited.person.type(TAB, 2, 0, "77")
    happened = edited.before_write(lambda: edited.person.sort(TAB, 1, descending=True))
    edited.sync()
    assert happened
    settled(edited, ROWS)


def test_a_deletion_that_a_sort_overtakes_is_made_up_for(edited: Workbench) -> None:
    rows = [row for row in ROWS if row[0] != 1]
    edited.people(*rows)
    happened = edited.before_write(lambda: edited.person.sort(TAB, 0, descending=True))
    edited.sync()
    assert happened
    edited.sync()
    assert ours(edited) == body(rows)
    edited.sync()
    assert edited.sync().result == "unchanged"


def test_a_key_typed_over_with_one_that_is_just_being_deleted_costs_no_note(edited: Workbench) -> None:
    edited.person.delete_rows(TAB, 6)
    edited.person.type(TAB, 1, 0, "6")
    edited.people(*ROWS[:5])
    edited.sync()
    assert ours(edited) == body(ROWS[:5])
    assert beside(edited)[1.0] == "note 1"


def test_rows_in_a_tab_that_was_never_ours_are_not_deleted(bench: Workbench) -> None:
    bench.people(*ROWS)
    bench.sync()
    bench.person.add_tab("Other")
    bench.person.type_rows("Other", 0, 0, [["id", "name", "score", "notes"], ["1", "Mallory", "3", "mine"]])
    bench.datasets = [bench.dataset(tab="Other")]
    bench.people(*ROWS[1:])
    assert bench.refused().error_code == "unknown_rows"


def test_rows_that_another_installation_wrote_become_ours(bench: Workbench) -> None:
    bench.people(*ROWS[:3])
    bench.sync()
    mine, bench.state = bench.state, bench.directory / "other" / "state.db"
    bench.people(*ROWS)
    bench.sync()
    bench.state = mine
    bench.sync()
    bench.people(*ROWS[:5])
    assert bench.sync().deleted == 1


def test_a_very_repetitive_table_is_read_all_the_same(bench: Workbench) -> None:
    columns = ", ".join(f"'pending' AS c{i}" for i in range(20))
    numbers = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 20000)"
    bench.datasets = [bench.dataset(query=f"{numbers} SELECT id, {columns} FROM n", verify="always")]
    bench.sync()
    assert bench.sync().result == "unchanged"


def test_a_hundred_thousand_scattered_deletions_fit_their_requests(bench: Workbench) -> None:
    bench.people(*[(i, "x", i) for i in range(60_000)])
    bench.sync()
    bench.people(*[(i, "x", i) for i in range(0, 60_000, 2)], *[(i, "new", i) for i in range(60_000, 60_010)])
    result = bench.sync()
    assert result.deleted == 30_000
    assert max(entry.bytes_in for entry in bench.box.log.of("write")) <= 2_000_000
    assert len(bench.rows()) == 30_010
    assert bench.sync().result == "unchanged"


def test_a_row_that_is_too_large_for_any_request_is_explained(bench: Workbench) -> None:
    texts = ", ".join(f"printf('%.*c', 49000, 'x') AS c{i}" for i in range(50))
    bench.datasets = [bench.dataset(query=f"SELECT 1 AS id, {texts}")]
    failed = bench.run().datasets[0]
    assert failed.error_code == "row_too_large"
    assert TAB not in bench.box.tabs(bench.spreadsheet)


def test_a_large_tab_is_read_in_parts(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.people(*[(i, "x", i) for i in range(5_000)])
    bench.sync()
    monkeypatch.setattr(google_reader.ReadSizes.__init__, "__defaults__", (1_000, 3_000))
    bench.forget_fingerprints()
    bench.sql("UPDATE people SET name = 'y' WHERE id = 4321")
    result = bench.sync()
    assert (result.updated, result.put_back) == (1, 0)
    assert result.reads > 3
    bench.person.type_rows(TAB, 5_000, 0, [["4321", "y", "4321"]])
    assert bench.refused().error_code == "overtaken"


def test_a_tab_renamed_between_two_reads_is_looked_up_again(bench: Workbench) -> None:
    bench.people(*ROWS)
    bench.sync()
    bench.person.rename_tab(TAB, "First")
    seen: list[int] = []

    def rename(_request: object) -> None:
        seen.append(1)
        if len(seen) == 2:
            bench.person.rename_tab("First", "Second")

    bench.box.hooks.after_read(rename)
    bench.sql("UPDATE people SET score = 1 WHERE id = 1")
    bench.sync()
    assert bench.grid("Second")[1] == [1.0, "p1", 1.0]


def test_planning_writes_nothing_anywhere(bench: Workbench) -> None:
    bench.people(*ROWS)
    assert bench.plan().plan is not None
    assert not bench.state.exists()
    bench.sync()
    kept = {path: path.read_bytes() for path in bench.state.parent.iterdir() if path.suffix == ".db"}
    bench.person.delete_tab("_mmsync")
    bench.sql("UPDATE people SET score = 1 WHERE id = 1")
    outcome = bench.plan()
    assert outcome.plan is not None
    assert len(outcome.plan.updates) == 1
    assert {path: path.read_bytes() for path in kept} == kept
    assert bench.box.log.count("write") == 0


def test_what_an_interrupted_sync_left_hidden_is_removed_by_the_next(bench: Workbench) -> None:
    bench.people(*[(i, "x", i) for i in range(30_000)])
    bench.box.faults.add(Fault("status", on="write", nth=2, count=None, status=403))
    assert not bench.run().ok
    assert [tab for tab in bench.box.tabs(bench.spreadsheet) if "staging" in tab]
    bench.box.faults.clear()
    bench.people(*ROWS)
    bench.sync()
    assert [tab for tab in bench.box.tabs(bench.spreadsheet) if "staging" in tab] == []


def test_a_change_of_the_mode_is_noticed_at_once(bench: Workbench) -> None:
    upsert = bench.dataset(mode="upsert", verify=86_400.0)
    bench.datasets = [upsert]
    bench.people(*ROWS)
    bench.sync()
    bench.people(*ROWS[:5])
    bench.sync()
    bench.datasets = [replace(upsert, mode="mirror")]
    assert bench.sync().deleted == 1
