"""The sandbox's rows, columns and tabs: what travels with what, and what follows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moneymentor_sync.sandbox import CellError, Formula
from moneymentor_sync.sandbox.moves import Deletion, Insertion, Move
from tests.contract.sandbox_google import Google, area, columns_span, rows_span

BOLD = {"textFormat": {"bold": True}}


@pytest.fixture
def google(tmp_path: Path) -> Google:
    """Rows `k3 k1 k2`, each with a note beside it; the second one bold."""
    google = Google(tmp_path)
    google.put("A1:B4", [["key", "n"], ["k3", 3], ["k1", 1], ["k2", 2]])
    for row, text in ((1, "third"), (2, "first"), (3, "second")):
        place = area(row, row + 1, 3, 4)
        rows = [{"values": [{"note": text}]}]
        google.batch({"updateCells": {"range": place, "rows": rows, "fields": "note"}})
    google.batch(_bold(2))
    return google


def _bold(row: int) -> Any:
    data = {"userEnteredFormat": BOLD}
    return {"repeatCell": {"range": area(row, row + 1, 0, 1), "cell": data, "fields": "userEnteredFormat"}}


def notes(google: Google) -> list[str | None]:
    return [google.sheet.note(row, 3) for row in range(1, 4)]


def bold_rows(google: Google) -> list[int]:
    rows = range(google.sheet.row_count)
    return [row for row in rows if (style := google.sheet.style(row, 0)) and style.format == BOLD]


def sort(google: Google, end_column: int = 8, descending: bool = False) -> None:
    spec = {"dimensionIndex": 0, "sortOrder": "DESCENDING" if descending else "ASCENDING"}
    google.batch({"sortRange": {"range": area(1, 20, 0, end_column), "sortSpecs": [spec]}})


def test_sorting_takes_values_notes_and_formats_along(google: Google) -> None:
    sort(google)
    assert google.get("A2:B4") == [["k1", 1], ["k2", 2], ["k3", 3]]
    assert notes(google) == ["first", "second", "third"]
    assert bold_rows(google) == [1]


def test_sorting_some_columns_leaves_the_others(google: Google) -> None:
    sort(google, end_column=2, descending=True)
    assert google.get("A2:B4") == [["k3", 3], ["k2", 2], ["k1", 1]]
    assert notes(google) == ["third", "first", "second"]


def test_sorting_orders_kinds_and_keeps_blanks_last(google: Google) -> None:
    google.put("A2:A7", [[True], ["b"], [2], [""], ["a"], [10]])
    sort(google)
    assert google.get("A2:A7") == [[2], [10], ["a"], ["b"], [True]]
    sort(google, descending=True)
    assert google.get("A2:A7") == [[True], ["b"], ["a"], [10], [2]]


def test_sorting_is_stable_and_takes_more_than_one_key(google: Google) -> None:
    google.put("A2:C5", [["x", 1, "p"], ["y", 1, "q"], ["x", 0, "r"], ["x", 1, "s"]])
    specs = [{"dimensionIndex": 0, "sortOrder": "DESCENDING"}, {"dimensionIndex": 1}]
    google.batch({"sortRange": {"range": area(1, 5, 0, 3), "sortSpecs": specs}})
    assert google.get("C2:C5") == [["q"], ["r"], ["p"], ["s"]]


def test_row_metadata_follows_sort_insert_move_and_goes_with_its_row(google: Google) -> None:
    _row_metadata(google, 7, 1)
    sort(google)
    assert _row_of(google, 7) == 3
    google.batch({"insertDimension": {"range": rows_span(0, 2)}})
    assert _row_of(google, 7) == 5
    google.batch({"moveDimension": {"source": rows_span(5, 6), "destinationIndex": 0}})
    assert _row_of(google, 7) == 0
    google.batch({"deleteDimension": {"range": rows_span(0, 1)}})
    assert 7 not in google.document.metadata


def _row_metadata(google: Google, metadata_id: int, row: int) -> None:
    location = {"dimensionRange": rows_span(row, row + 1)}
    data = {"metadataId": metadata_id, "metadataKey": "row", "location": location, "visibility": "DOCUMENT"}
    google.batch({"createDeveloperMetadata": {"developerMetadata": data}})


def _row_of(google: Google, metadata_id: int) -> int | None:
    return google.document.metadata[metadata_id].index


def test_inserted_rows_look_like_their_neighbour(google: Google) -> None:
    google.batch({"insertDimension": {"range": rows_span(3, 4), "inheritFromBefore": True}})
    assert bold_rows(google) == [2, 3]
    google.batch({"insertDimension": {"range": rows_span(2, 3), "inheritFromBefore": False}})
    assert bold_rows(google) == [2, 3, 4]
    assert google.get("A1:A6") == [["key"], ["k3"], [], ["k1"], [], ["k2"]]


def test_inserted_columns_push_values_notes_and_formats(google: Google) -> None:
    google.batch({"insertDimension": {"range": columns_span(1, 3)}})
    assert google.get("A2:D2") == [["k3", "", "", 3]]
    assert google.sheet.note(1, 5) == "third"
    assert google.sheet.column_count == 10
    assert bold_rows(google) == [2]


def test_deleted_columns_take_everything_on_them(google: Google) -> None:
    google.batch({"deleteDimension": {"range": columns_span(1, 3)}})
    assert google.get("A2:B2") == [["k3"]]
    assert google.sheet.note(1, 1) == "third"


def test_moved_rows_and_columns(google: Google) -> None:
    google.batch({"moveDimension": {"source": rows_span(1, 2), "destinationIndex": 4}})
    assert google.get("A2:A4") == [["k1"], ["k2"], ["k3"]]
    assert notes(google) == ["first", "second", "third"]
    google.batch({"moveDimension": {"source": columns_span(0, 1), "destinationIndex": 4}})
    assert google.get("A2:D2") == [[1, "", "", "k1"]]
    assert google.sheet.note(1, 2) == "first"


def test_named_ranges_follow_and_are_gone_with_their_rows(google: Google) -> None:
    named = {"namedRangeId": "fence.1", "name": "fence", "range": area(2, 3, 0, 1)}
    google.batch({"addNamedRange": {"namedRange": named}})
    google.batch({"insertDimension": {"range": rows_span(0, 1)}})
    found = google.call("GET", "?fields=namedRanges")["namedRanges"]
    assert found == [{"namedRangeId": "fence.1", "name": "fence", "range": _place(area(3, 4, 0, 1))}]
    assert google.get("fence") == [["k1"]]
    google.batch({"deleteDimension": {"range": rows_span(3, 4)}})
    assert google.call("GET", "?fields=namedRanges") == {}
    google.batch({"deleteNamedRange": {"namedRangeId": "fence.1"}})


def test_a_formula_in_a_sorted_row_reads_its_own_row(google: Google) -> None:
    for row in (2, 3, 4):
        google.type(f"C{row}", f"=B{row}*10")
    sort(google)
    assert google.get("B2:C4") == [[1, 10], [2, 20], [3, 30]]


# --- copying ----------------------------------------------------------------------------------------------


def paste(kind: str, source: Any, destination: Any, **more: Any) -> Any:
    return {"copyPaste": {"source": source, "destination": destination, "pasteType": kind, **more}}


def test_pasting_values_takes_results_and_texts_as_they_are(google: Google) -> None:
    google.put("A1", [["=1+1"]])
    google.type("B1", "=1+1")
    google.type("C1", "=1/0")
    google.batch(_bold(0), paste("PASTE_VALUES", area(0, 1, 0, 3), area(9, 10, 0, 3)))
    assert google.sheet.value(9, 0) == "=1+1"
    assert google.sheet.value(9, 1) == 2
    assert google.sheet.value(9, 2) == CellError("#DIV/0!", "Function DIVIDE parameter 2 cannot be zero.")
    assert google.sheet.style(9, 0) is None


def test_pasting_normally_takes_all_and_moves_references(google: Google) -> None:
    google.type("C3", "=B3+$B$3")
    google.batch(paste("PASTE_NORMAL", area(2, 3, 0, 4), area(9, 10, 0, 4)))
    assert google.sheet.value(9, 2) == Formula("=B10+$B$3")
    assert google.sheet.note(9, 3) == "first"
    assert bold_rows(google) == [2, 9]


def test_pasting_formats_leaves_values(google: Google) -> None:
    google.put("A10", [["stay"]])
    google.batch(paste("PASTE_FORMAT", area(2, 3, 0, 1), area(9, 10, 0, 1)))
    assert google.get("A10") == [["stay"]]
    assert bold_rows(google) == [2, 9]
    assert google.sheet.note(9, 3) is None


def test_pasting_repeats_the_source_and_can_turn_it(google: Google) -> None:
    google.batch(paste("PASTE_VALUES", area(1, 2, 0, 2), area(10, 12, 0, 4)))
    assert google.get("A11:D12") == [["k3", 3, "k3", 3], ["k3", 3, "k3", 3]]
    turned = paste("PASTE_VALUES", area(1, 3, 0, 2), area(14, 15, 0, 1), pasteOrientation="TRANSPOSE")
    google.batch(turned)
    assert google.get("A15:B16") == [["k3", "k1"], [3, 1]]


def test_pasting_over_clears_where_the_source_is_blank(google: Google) -> None:
    google.put("A10:B10", [["x", "y"]])
    google.batch(paste("PASTE_NORMAL", area(1, 2, 1, 3), area(9, 10, 0, 2)))
    assert google.get("A10:B10") == [[3]]


def test_overlapping_blocks_are_copied_whole(google: Google) -> None:
    google.batch(paste("PASTE_VALUES", area(0, 4, 0, 1), area(1, 5, 0, 1)))
    assert google.get("A1:A5") == [["key"], ["key"], ["k3"], ["k1"], ["k2"]]


def test_cutting_moves_and_leaves_nothing(google: Google) -> None:
    destination = {"sheetId": 0, "rowIndex": 9, "columnIndex": 0}
    google.batch(
        {"cutPaste": {"source": area(2, 3, 0, 4), "destination": destination, "pasteType": "PASTE_NORMAL"}}
    )
    assert google.get("A3:B3") == []
    assert google.get("A10:B10") == [["k1", 1]]
    assert (google.sheet.note(9, 3), google.sheet.note(2, 3)) == ("first", None)
    assert bold_rows(google) == [9]


def test_shifting_cells_down_and_up_again(google: Google) -> None:
    google.batch({"insertRange": {"range": area(1, 2, 0, 1), "shiftDimension": "ROWS"}})
    assert google.get("A1:B4") == [["key", "n"], ["", 3], ["k3", 1], ["k1", 2]]
    google.batch({"deleteRange": {"range": area(1, 2, 0, 1), "shiftDimension": "ROWS"}})
    assert google.get("A1:B4") == [["key", "n"], ["k3", 3], ["k1", 1], ["k2", 2]]
    google.batch({"deleteRange": {"range": area(0, 1, 0, 1), "shiftDimension": "COLUMNS"}})
    assert google.get("A1:B1") == [["n"]]


def test_find_and_replace_counts_what_it_changed(google: Google) -> None:
    answer = google.batch({"findReplace": {"find": "K", "replacement": "q", "sheetId": 0}})
    assert answer == [
        {"findReplace": {"valuesChanged": 4, "rowsChanged": 4, "sheetsChanged": 1, "occurrencesChanged": 4}}
    ]
    assert google.get("A1:A4") == [["qey"], ["q3"], ["q1"], ["q2"]]


# --- tabs -------------------------------------------------------------------------------------------------


def titles(google: Google) -> list[str]:
    return [sheet.title for sheet in google.document.sheets]


def test_a_duplicate_has_the_cells_but_no_developer_metadata(google: Google) -> None:
    _row_metadata(google, 7, 1)
    reply = google.batch({"duplicateSheet": {"sourceSheetId": 0, "insertSheetIndex": 1, "newSheetName": "Twin"}})
    properties = reply[0]["duplicateSheet"]["properties"]
    assert (properties["title"], properties["index"]) == ("Twin", 1)
    assert google.get("Twin!A1:B4") == google.get("Sheet1!A1:B4")
    google.put("Twin!A1", [["changed"]])
    assert google.get("Sheet1!A1") == [["key"]]
    assert [item.sheet_id for item in google.document.metadata.values()] == [0]


def test_tabs_are_moved_by_the_index_before_the_move(google: Google) -> None:
    for number in (2, 3):
        google.batch({"addSheet": {"properties": {"sheetId": number, "title": f"T{number} x"}}})
    google.batch({"updateSheetProperties": {"properties": {"sheetId": 0, "index": 2}, "fields": "index"}})
    assert titles(google) == ["T2 x", "Sheet1", "T3 x"]
    google.batch({"updateSheetProperties": {"properties": {"sheetId": 3, "index": 0}, "fields": "index"}})
    assert titles(google) == ["T3 x", "T2 x", "Sheet1"]


def test_a_tab_can_be_copied_to_another_spreadsheet(google: Google) -> None:
    other = google.call("POST", "/v4/spreadsheets", {"properties": {"title": "Other"}})["spreadsheetId"]
    target = f"/v4/spreadsheets/{google.id}/sheets/0:copyTo"
    properties = google.call("POST", target, {"destinationSpreadsheetId": other})
    assert (properties["title"], properties["index"]) == ("Copy of Sheet1", 1)
    values = google.call("GET", f"/v4/spreadsheets/{other}/values/Copy%20of%20Sheet1!A2")
    assert values["values"] == [["k3"]]


def test_merged_cells_keep_their_first_value_and_follow(google: Google) -> None:
    google.batch({"mergeCells": {"range": area(1, 3, 0, 2), "mergeType": "MERGE_ALL"}})
    assert google.get("A2:B3") == [["k3"]]
    google.batch({"insertDimension": {"range": rows_span(0, 1)}})
    assert google.call("GET", "?fields=sheets.merges") == {"sheets": [{"merges": [_place(area(2, 4, 0, 2))]}]}
    google.batch({"unmergeCells": {"range": area(0, 9, 0, 8)}})
    assert google.call("GET", "?fields=sheets.merges") == {"sheets": [{}]}


def _place(given: Any) -> Any:
    return {name: value for name, value in given.items() if name != "sheetId"}


def test_a_format_on_a_whole_column_costs_one_row_object(google: Google) -> None:
    google.resize(5000, 8)
    date = {"userEnteredFormat": {"numberFormat": {"type": "DATE", "pattern": "yyyy"}}}
    column = {"sheetId": 0, "startColumnIndex": 1, "endColumnIndex": 2}
    google.batch({"repeatCell": {"range": column, "cell": date, "fields": "userEnteredFormat.numberFormat"}})
    assert len({id(row) for row in google.sheet.rows[10:]}) == 1
    google.put("B4999", [[46298]])
    assert google.shown("B4999") == "2026"
    assert google.get("B5000") == []


# --- the arithmetic of moving ------------------------------------------------------------------------------


@settings(max_examples=200)
@given(data=st.data(), size=st.integers(1, 12))
def test_places_move_as_lists_do(data: Any, size: int) -> None:
    """Each single place ends where the same change puts its item in a list."""
    before = list(range(size))
    after = list(before)
    kind = data.draw(st.sampled_from(["insert", "delete", "move"]))
    change: Any
    if kind == "insert":
        at, count = data.draw(st.integers(0, size)), data.draw(st.integers(1, 4))
        after[at:at] = [-1] * count
        change = Insertion(at, count)
    else:
        start = data.draw(st.integers(0, size - 1))
        end = data.draw(st.integers(start + 1, size))
        part = after[start:end]
        del after[start:end]
        change = Deletion(start, end)
        if kind == "move":
            to = data.draw(st.one_of(st.integers(0, start), st.integers(end, size)))
            at = to if to <= start else to - len(part)
            after[at:at] = part
            change = Move(start, end, to)
    for item in before:
        span = change.span(item, item + 1)
        assert (after.index(item) if item in after else None) == (span[0] if span else None)
