"""The eight guarantees, each by the real client over real HTTP. The names follow the contract's numbers."""

from __future__ import annotations

from datetime import datetime

import pytest

from moneymentor_sync.core.cells import serial
from moneymentor_sync.core.settings import Column
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.cells import Formula
from moneymentor_sync.sandbox.faults import Fault

from .workbench import TAB, Workbench, body

HEADER = ["id", "name", "score"]


# --- 1: the managed columns hold exactly what the query returned ------------------------------------------


def test_1_the_tab_holds_exactly_what_the_query_returned(bench: Workbench) -> None:
    bench.people((1, "Ann", 5), (2, "Bob", None))
    result = bench.sync()
    assert (result.result, result.inserted, result.rows) == ("synced", 2, 2)
    assert bench.grid() == [HEADER, [1.0, "Ann", 5.0], [2.0, "Bob"]]
    bench.people((2, "Bob", 7), (3, "Cyd", 1))
    result = bench.sync(force=True)
    assert (result.inserted, result.updated, result.deleted) == (1, 1, 1)
    assert bench.rows() == body([[2, "Bob", 7], [3, "Cyd", 1]])


def test_1_what_a_person_changed_is_put_back_and_counted(bench: Workbench) -> None:
    bench.people((1, "Ann", 5), (2, "Bob", 6))
    bench.sync()
    bench.person.type(TAB, 1, 1, "Anna")
    bench.person.type(TAB, 2, 2, "=3+3")
    assert isinstance(bench.rows()[1][2], Formula)
    result = bench.sync()
    assert bench.rows() == body([[1, "Ann", 5], [2, "Bob", 6]])
    assert (result.updated, result.put_back) == (2, 2)


def test_1_a_sync_that_does_not_verify_leaves_it_until_one_does(bench: Workbench) -> None:
    bench.datasets = [bench.dataset(verify=3600.0)]
    bench.people((1, "Ann", 5))
    bench.sync()
    bench.person.type(TAB, 1, 1, "Anna")
    result = bench.sync()
    assert (result.result, result.reads, result.verified) == ("unchanged", 0, False)
    bench.clock.now += 3600
    assert bench.sync().put_back == 1


# --- 2: columns by header, rows by key; what people have survives -----------------------------------------


def test_2_people_sort_insert_move_colour_and_annotate(bench: Workbench) -> None:
    bench.people(*[(i, f"p{i}", i * 10) for i in range(1, 9)])
    bench.sync()
    person = bench.person
    person.insert_columns(TAB, 1)
    person.type_rows(TAB, 0, 1, [["my notes"], *[[f"note {i}"] for i in range(1, 9)]])
    person.note(TAB, 3, 0, "remember p3")
    person.color(TAB, 3, 3)
    person.sort(TAB, 3, descending=True)
    person.insert_rows(TAB, 4)
    person.type(TAB, 4, 1, "a line of mine")
    person.move_columns(TAB, 0, 1, 4)
    bench.people(*[(i, f"p{i}", i * 10 + (i == 3)) for i in range(2, 10)])
    result = bench.sync()
    assert (result.inserted, result.updated, result.deleted) == (1, 1, 1)
    grid = bench.grid()
    assert grid[0] == ["my notes", "name", "score", "id"]
    beside = {row[3]: row[0] for row in grid[1:] if len(row) == 4}
    assert beside == {float(i): f"note {i}" if i < 9 else None for i in range(2, 10)}
    assert ["a line of mine"] in grid
    at = next(index for index, row in enumerate(grid) if len(row) == 4 and row[3] == 3.0)
    assert bench.box.notes(bench.spreadsheet, TAB) == {(at, 3): "remember p3"}
    assert grid[at][2] == 31.0
    assert bench.sync().result == "unchanged"


def test_2_a_tab_is_followed_by_its_id(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    bench.sync()
    bench.person.rename_tab(TAB, "Our people")
    bench.person.move_tab("Our people", 0)
    bench.people((1, "Ann", 6))
    assert bench.sync().updated == 1
    assert bench.rows("Our people") == body([[1, "Ann", 6]])
    assert TAB not in bench.box.tabs(bench.spreadsheet)


def test_2_a_deleted_tab_is_made_again(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    bench.sync()
    bench.person.delete_tab(TAB)
    assert bench.sync().inserted == 1
    assert bench.grid() == [HEADER, [1.0, "Ann", 5.0]]


def test_2_a_header_is_put_right_where_the_rows_prove_it(bench: Workbench) -> None:
    bench.people((1, "Ann", 5), (2, "Bob", 6))
    bench.sync()
    bench.person.type(TAB, 0, 1, "Nom")
    bench.person.type(TAB, 0, 0, "")
    bench.sync()
    assert bench.grid()[0] == HEADER


def test_2_a_deleted_column_is_made_again_and_a_deleted_header_row_too(bench: Workbench) -> None:
    bench.people((1, "Ann", 5), (2, "Bob", 6))
    bench.sync()
    bench.person.delete_columns(TAB, 1)
    bench.sync()
    assert bench.grid() == [HEADER, [1.0, "Ann", 5.0], [2.0, "Bob", 6.0]]
    bench.person.delete_rows(TAB, 0)
    bench.sync()
    assert bench.grid() == [HEADER, [1.0, "Ann", 5.0], [2.0, "Bob", 6.0]]


def test_2_a_damaged_key_is_put_right_or_refused(bench: Workbench) -> None:
    bench.people((1, "Ann", 5), (2, "Bob", 6))
    bench.sync()
    bench.person.type(TAB, 1, 0, "77")
    bench.sync()
    assert bench.rows() == body([[1, "Ann", 5], [2, "Bob", 6]])
    bench.person.type_rows(TAB, 3, 0, [["", "Eve", "9"]])
    failed = bench.refused()
    assert failed.error_code == "key_damaged"
    assert "4" in str(failed.error)


@pytest.mark.parametrize("on_cells", [False, True])
def test_2_of_twins_with_one_key_nobody_guesses_which_is_which(bench: Workbench, on_cells: bool) -> None:
    bench.people((1, "Ann", 5), (2, "Bob", 6), (17, "Ann", 5))
    bench.sync()
    person = bench.person
    at = {row[0]: index for index, row in enumerate(bench.grid())}
    for key in (1.0, 17.0):
        if on_cells:
            person.note(TAB, at[key], 1, f"note {key:g}")
        else:
            person.type(TAB, at[key], 3, f"note {key:g}")
    noted = bench.box.notes(bench.spreadsheet, TAB)
    person.type(TAB, at[17.0], 0, "1")
    before = bench.grid()
    refused = bench.refused()
    assert refused.error_code == "duplicate_key"
    assert all(str(at[key] + 1) in str(refused.error) for key in (1.0, 17.0))
    assert (bench.grid(), bench.box.notes(bench.spreadsheet, TAB)) == (before, noted)
    person.type(TAB, at[17.0], 0, "17")
    assert bench.sync().result == "unchanged"


def test_2_of_twins_with_one_key_and_nothing_beside_both_are_put_right(bench: Workbench) -> None:
    bench.people((1, "Ann", 5), (17, "Ann", 5))
    bench.sync()
    bench.person.type(TAB, 1, 0, "17")
    bench.sync()
    assert sorted(bench.rows()) == body([[1, "Ann", 5], [17, "Ann", 5]])


def test_2_a_copy_never_takes_the_place_of_the_row_with_a_note(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    bench.sync()
    bench.person.insert_rows(TAB, 1)
    bench.person.type_rows(TAB, 1, 0, [["1", "Ann", "5"]])
    bench.person.note(TAB, 2, 0, "about Ann")
    bench.sync()
    assert bench.rows() == body([[1, "Ann", 5]])
    assert list(bench.box.notes(bench.spreadsheet, TAB).values()) == ["about Ann"]


def test_2_a_row_that_we_did_not_write_is_never_deleted(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    bench.sync()
    bench.person.type_rows(TAB, 2, 0, [["99", "Mallory", "1"]])
    assert bench.refused(force=True).error_code == "unknown_rows"
    bench.datasets = [bench.dataset(mode="upsert")]
    bench.people((1, "Ann", 6))
    bench.sync()
    assert bench.rows() == body([[1, "Ann", 6], [99, "Mallory", 1]])


def test_2_a_lost_state_file_loses_nothing(bench: Workbench) -> None:
    bench.people((1, "Ann", 5), (2, "Bob", 6))
    bench.sync()
    bench.person.type(TAB, 0, 3, "notes")
    bench.person.type(TAB, 2, 3, "about Bob")
    bench.forget()
    assert bench.sync().writes == 0
    bench.people((2, "Bob", 7))
    bench.forget()
    assert bench.refused().error_code == "unknown_rows"


def test_2_rows_apart_that_go_take_only_what_stands_beside_them(bench: Workbench) -> None:
    people = [(i, f"p{i}", i) for i in range(1, 9)]
    bench.people(*people)
    bench.sync()
    bench.person.type_rows(TAB, 0, 3, [["mine"], *[[f"about {i}"] for i, _, _ in people]])
    stays = [row for row in people if row[0] not in (2, 3, 6)]
    bench.people(*stays)
    result = bench.sync()
    assert (result.deleted, result.repaired, result.writes) == (3, 0, 1), "at once, and nothing had to be mended"
    assert bench.rows() == body([(*row, f"about {row[0]}") for row in stays])


# --- 3: nobody ever sees a blank, headerless or half-written tab ------------------------------------------


@pytest.mark.parametrize("rows", [30, 30_000])
def test_3_a_first_sync_becomes_visible_in_one_step(bench: Workbench, rows: int) -> None:
    bench.people(*[(i, f"name {i}", i) for i in range(rows)])
    states: list[int] = []

    def look() -> None:
        if TAB in bench.box.tabs(bench.spreadsheet):
            states.append(len(bench.grid()))

    happened = bench.before_write(look, times=99)
    bench.sync()
    assert len(happened) > (1 if rows == 30 else 3) - 1
    assert states == []
    assert len(bench.grid()) == rows + 1
    assert [tab for tab in bench.box.tabs(bench.spreadsheet) if "staging" in tab] == []


def test_3_a_large_addition_to_a_tab_with_peoples_columns_becomes_visible_in_one_step(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    bench.sync()
    bench.person.insert_columns(TAB, 1)
    bench.person.type_rows(TAB, 0, 1, [["notes"], ["about Ann"]])
    bench.people((1, "Ann", 5), *[(i, f"name {i}", i) for i in range(2, 30_000)])
    lengths: set[int] = set()
    happened = bench.before_write(lambda: lengths.add(len(bench.grid())), times=99)
    result = bench.sync()
    assert len(happened) == result.writes > 2
    assert lengths == {2}
    assert len(bench.grid()) == 30_000
    assert bench.grid()[1] == [1.0, "about Ann", "Ann", 5.0]
    assert bench.grid()[29_999] == [29_999.0, None, "name 29999", 29_999.0]
    assert bench.sync().result == "unchanged"


@pytest.mark.parametrize("fault", ["status", "reset_before", "close_before"])
def test_3_a_sync_that_fails_in_the_middle_leaves_the_tab_whole(bench: Workbench, fault: str) -> None:
    bench.people(*[(i, "old", 1) for i in range(50)])
    bench.sync()
    before = bench.grid()
    bench.people(*[(i, "new", 2) for i in range(60)])
    added = bench.box.faults.add(Fault(fault, on="write", count=None))  # type: ignore[arg-type]  # a FaultKind
    failed = bench.run().datasets[0]
    assert (failed.result, failed.error_code) == ("failed", "unavailable")
    assert added.fired >= 4
    assert bench.grid() == before
    bench.box.faults.clear()
    bench.sync()
    assert len(bench.grid()) == 61


def test_3_a_sync_stopped_between_its_writes_is_made_up_for(bench: Workbench) -> None:
    bench.people(*[(i, f"name {i}", i) for i in range(30_000)])
    bench.box.faults.add(Fault("status", on="write", nth=3, count=None, status=403))
    assert bench.run().datasets[0].result == "failed"
    assert TAB not in bench.box.tabs(bench.spreadsheet)
    bench.box.faults.clear()
    bench.sync()
    assert len(bench.grid()) == 30_001
    assert [tab for tab in bench.box.tabs(bench.spreadsheet) if "staging" in tab] == []


# --- 4: nothing changed, no write -------------------------------------------------------------------------


def test_4_nothing_changed_is_one_read_and_no_write_for_all_datasets(bench: Workbench) -> None:
    bench.datasets = [bench.dataset(), bench.dataset(name="again", tab="Again")]
    bench.people((1, "Ann", 5), (2, "Bob", 6))
    bench.run()
    run = bench.run()
    assert [one.result for one in run.datasets] == ["unchanged", "unchanged"]
    assert bench.box.log.count("write") == 0
    assert bench.box.log.count("read") == 1


def test_4_a_small_change_is_one_small_write(bench: Workbench) -> None:
    bench.people(*[(i, f"name {i}", i) for i in range(500)])
    bench.sync()
    bench.sql("UPDATE people SET score = 7777 WHERE id = 250")
    result = bench.sync()
    assert (result.writes, result.cells) == (1, 1)
    assert result.bytes_sent < 1_000
    assert bench.box.log.count("write") == 1


# --- 5: a value arrives as what it is ---------------------------------------------------------------------

TEXTS = [
    "007",
    "=1+1",
    '=HYPERLINK("http://x","y")',
    "+49 170",
    "-5",
    "@me",
    "'x",
    "TRUE",
    "1/2",
    "1e3",
    "12%",
    " ",
]


def test_5_text_arrives_to_the_letter(bench: Workbench) -> None:
    bench.people(*[(i, text, None) for i, text in enumerate(TEXTS)])
    bench.sync()
    assert [row[1] for row in bench.rows()] == TEXTS
    assert bench.sync().result == "unchanged"


def test_5_text_arrives_to_the_letter_in_a_large_first_sync_and_a_large_addition(bench: Workbench) -> None:
    rows = [(i, TEXTS[i % len(TEXTS)] + ("" if i < 50 else f" {i}"), i) for i in range(30_000)]
    bench.people(*rows)
    assert bench.sync().writes > 2
    assert [row[1] for row in bench.rows()] == [row[1] for row in rows]
    more = [(i, f"={i}", None) for i in range(30_000, 70_000)]
    bench.people(*rows, *more)
    assert bench.sync().writes > 2
    assert [row[1] for row in bench.rows()[30_000:]] == [row[1] for row in more]
    assert bench.sync().result == "unchanged"


def test_5_numbers_dates_booleans_and_null_arrive_as_themselves(bench: Workbench) -> None:
    bench.sql(
        "CREATE TABLE kinds (id INTEGER PRIMARY KEY, big BIGINT, flag BOOLEAN, day DATE, at TIMESTAMP, x REAL)"
    )
    bench.sql("INSERT INTO kinds VALUES (1, 9007199254740993, 1, '2026-11-23', '2026-11-23 12:30:00', 0.1)")
    bench.sql("INSERT INTO kinds VALUES (2, NULL, NULL, NULL, NULL, NULL)")
    bench.datasets = [bench.dataset(query=None, table="kinds")]
    bench.sync()
    day, at = serial(datetime(2026, 11, 23)), serial(datetime(2026, 11, 23, 12, 30))
    assert bench.rows() == [[1.0, "9007199254740993", True, day, at, 0.1], [2.0]]
    formats = bench.box.formats(bench.spreadsheet, TAB)
    assert formats[1, 3]["numberFormat"] == {"type": "DATE", "pattern": "yyyy-mm-dd"}
    assert formats[1, 4]["numberFormat"] == {"type": "DATE_TIME", "pattern": "yyyy-mm-dd hh:mm:ss"}
    bench.sql("INSERT INTO kinds VALUES (3, 3, 0, '2026-01-01', '2026-01-01', 3)")
    bench.sync()
    assert bench.box.formats(bench.spreadsheet, TAB)[3, 3]["numberFormat"]["type"] == "DATE"


# --- 6: an empty or badly shrunken result -----------------------------------------------------------------


def test_6_an_empty_result_is_refused_until_forced(bench: Workbench) -> None:
    bench.people((1, "Ann", 5), (2, "Bob", 6))
    bench.sync()
    bench.people()
    failed = bench.refused()
    assert failed.error_code == "shrink_refused"
    assert "--force" in str(failed.hint)
    assert bench.sync(force=True).deleted == 2
    assert bench.grid() == [HEADER]
    assert bench.sync().result == "unchanged"


def test_6_a_first_sync_of_an_empty_result_writes_the_header(bench: Workbench) -> None:
    bench.sync()
    assert bench.grid() == [HEADER]
    bench.people((1, "Ann", 5))
    bench.sync()
    assert bench.rows() == body([[1, "Ann", 5]])


def test_6_more_than_half_is_refused_whatever_is_inserted(bench: Workbench) -> None:
    bench.people(*[(i, "x", i) for i in range(10)])
    bench.sync()
    bench.people(*[(i, "x", i) for i in range(6, 200)])
    assert bench.refused().error_code == "shrink_refused"


# --- 7: twice is the same as once -------------------------------------------------------------------------

LOST = ["reset_after", "close_after", "truncate", "not_json", "html"]


@pytest.mark.parametrize("fault", LOST)
@pytest.mark.parametrize("rows", [3, 30_000])
def test_7_a_lost_answer_does_no_harm(bench: Workbench, fault: str, rows: int) -> None:
    bench.people((0, "zero", 0))
    bench.sync()
    bench.people(*[(i, f"n{i}", i) for i in range(rows)])
    for nth in range(1, 4 if rows == 3 else 3):
        bench.box.faults.add(Fault(fault, on="write", nth=nth, count=1))  # type: ignore[arg-type]  # a FaultKind
    bench.sync()
    assert sum(one.fired for one in bench.box.faults.all) >= 1
    assert bench.rows() == body([(i, f"n{i}", i) for i in range(rows)])
    bench.box.faults.clear()
    assert bench.sync().result == "unchanged"


def test_7_an_answer_after_the_time_out_does_no_harm(bench: Workbench, box: Sandbox) -> None:
    bench.people((1, "Ann", 5))
    bench.sync()
    bench.people((1, "Ann", 5), (2, "Bob", 6))
    fault = box.faults.add(Fault("status", on="write", status=504, after_applying=True))
    bench.sync()
    assert fault.fired == 1
    assert bench.rows() == body([[1, "Ann", 5], [2, "Bob", 6]])


@pytest.mark.parametrize("fault", LOST)
def test_7_a_row_whose_answer_got_lost_is_known_to_be_ours(bench: Workbench, fault: str) -> None:
    """What may have been written is noted before it is sent: such a row goes with the database's, not refused."""
    bench.people((1, "Ann", 5), (2, "Bob", 6), (3, "Cy", 7))
    bench.sync()
    bench.people((1, "Ann", 5), (2, "Bob", 6), (3, "Cy", 7), (4, "Di", 8))
    lost = bench.box.faults.add(Fault(fault, on="write", count=None))  # type: ignore[arg-type]  # a FaultKind

    def reads_fail() -> None:
        bench.box.faults.add(Fault("status", on="read", status=503, count=None))

    bench.before_write(reads_fail)
    assert bench.run().outcome == "failed"
    assert lost.fired >= 1 and len(bench.rows()) == 4, "it was written, and nobody was told"
    bench.box.faults.clear()
    bench.people((1, "Ann", 5), (2, "Bob", 6), (3, "Cy", 7))
    assert bench.sync().deleted == 1
    assert bench.rows() == body([(1, "Ann", 5), (2, "Bob", 6), (3, "Cy", 7)])


# --- 8: the database is only read -------------------------------------------------------------------------


def test_8_a_query_that_writes_is_refused(bench: Workbench) -> None:
    bench.people((1, "Ann", 5))
    bench.datasets = [bench.dataset(query="DELETE FROM people RETURNING id")]
    failed = bench.run().datasets[0]
    assert (failed.result, failed.error_code) == ("failed", "query")
    bench.datasets = [bench.dataset()]
    assert bench.sync().inserted == 1


def test_8_hidden_columns_and_headers_of_ones_own(bench: Workbench) -> None:
    columns = (
        Column("name", "Full name"),
        Column("score", "Points", format="0.00"),
        Column("id", "key", hidden=True),
    )
    bench.datasets = [bench.dataset(columns=columns)]
    bench.people((1, "Ann", 5))
    bench.sync()
    assert bench.grid() == [["Full name", "Points", "key"], ["Ann", 5.0, 1.0]]
    assert bench.box.formats(bench.spreadsheet, TAB)[1, 1]["numberFormat"]["pattern"] == "0.00"


def test_3_a_large_update_becomes_visible_in_one_step(bench: Workbench) -> None:
    rows = [(i, f"name {i}", i) for i in range(30_000)]
    bench.people(*rows)
    bench.sync()
    bench.person.insert_rows(TAB, 5)
    changed = [(i, f"name {i}", -i if i % 3 else i) for i in range(30_500)]
    bench.people(*changed)
    seen: list[tuple[int, object]] = []
    happened = bench.before_write(lambda: seen.append((len(bench.grid()), bench.grid()[2][2])), times=99)
    result = bench.sync()
    assert len(happened) == result.writes > 2
    assert set(seen) == {(30_002, 1.0)}
    assert sorted(row for row in bench.rows() if row) == body(changed)
    assert bench.sync().result == "unchanged"
    assert [tab for tab in bench.box.tabs(bench.spreadsheet) if "staging" in tab] == []


def test_3_a_large_update_beside_peoples_columns_goes_in_steps_of_whole_rows(bench: Workbench) -> None:
    bench.people(*[(i, f"name {i}", i) for i in range(30_000)])
    bench.sync()
    bench.person.insert_columns(TAB, 1)
    bench.person.type_rows(TAB, 0, 1, [["notes"], ["mine"]])
    bench.people(*[(i, f"NAME {i}", -i) for i in range(30_000)])
    states: set[tuple[bool, ...]] = set()

    def look() -> None:
        states.update({(str(row[2]).startswith("NAME"), float(row[3]) < 0) for row in bench.rows()[1:]})

    bench.before_write(look, times=99)
    assert bench.sync().writes > 2
    assert states == {(False, False), (True, True)}
    assert bench.grid()[1] == [0.0, "mine", "NAME 0", 0.0]
    assert bench.sync().result == "unchanged"


def test_3_a_sort_during_a_large_update_is_repaired(bench: Workbench) -> None:
    bench.people(*[(i, f"name {i}", i) for i in range(30_000)])
    bench.sync()
    changed = [(i, f"name {i}", -i) for i in range(30_000)]
    bench.people(*changed)
    happened = bench.before_write(lambda: bench.person.sort(TAB, 0, descending=True), skip=2)
    bench.sync()
    assert happened
    assert sorted(bench.rows()) == body(changed)
    assert bench.sync().result == "unchanged"
