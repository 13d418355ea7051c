"""Writing and reading cells in the sandbox: masks, atomicity, render options, answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from moneymentor_sync.sandbox import ApiError, Formula
from tests.contract.sandbox_google import Google, area, cell, update_cells

BOLD = {"textFormat": {"bold": True}}


@pytest.fixture
def google(tmp_path: Path) -> Google:
    return Google(tmp_path)


def format_of(google: Google, place: str) -> Any:
    fields = "sheets.data.rowData.values.userEnteredFormat"
    data = google.call("GET", f"?ranges={place}&fields={fields}")["sheets"][0]["data"][0]
    return data["rowData"][0]["values"][0]["userEnteredFormat"] if data else None


VALUES = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=20),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.lists(VALUES, min_size=1, max_size=6), min_size=1, max_size=6))
def test_values_written_raw_read_back_the_same(rows: list[list[Any]], tmp_path_factory: Any) -> None:
    google = Google(tmp_path_factory.mktemp("raw"))
    google.put("A1", rows)
    found = google.get("A1:F6")
    for index, row in enumerate(rows):
        back = found[index] if index < len(found) else []
        back = back + [""] * (len(row) - len(back))
        for value, read in zip(row, back, strict=False):
            assert (read == value and isinstance(read, bool) == isinstance(value, bool)) or value == read == ""


@settings(max_examples=40, deadline=None)
@given(rows=st.lists(st.lists(VALUES, min_size=1, max_size=4), min_size=1, max_size=4))
def test_update_cells_and_values_update_write_the_same(rows: list[list[Any]], tmp_path_factory: Any) -> None:
    google = Google(tmp_path_factory.mktemp("both"))
    google.put("A1", rows)
    google.batch(update_cells(10, 0, rows))
    assert google.get("A1:D4") == google.get("A11:D14")


def test_only_the_mask_is_written(google: Google) -> None:
    google.put("A1", [["old"]])
    google.batch(_one({"note": "n", "userEnteredFormat": BOLD}, "note,userEnteredFormat.textFormat.bold"))
    google.batch(_one(cell("new"), "userEnteredValue"))
    assert google.get("A1") == [["new"]]
    assert google.sheet.note(0, 0) == "n"
    assert format_of(google, "A1") == BOLD
    google.batch(_one(cell("last"), "*"))
    assert google.get("A1") == [["last"]]
    assert google.sheet.note(0, 0) is None
    assert format_of(google, "A1") is None


def _one(data: Any, fields: str) -> Any:
    return {"updateCells": {"range": area(0, 1, 0, 1), "rows": [{"values": [data]}], "fields": fields}}


def test_a_masked_field_that_is_absent_in_the_cell_is_cleared(google: Google) -> None:
    google.put("A1:B1", [["a", "b"]])
    google.batch({"updateCells": {"range": area(0, 1, 0, 2), "rows": [], "fields": "userEnteredValue"}})
    assert google.get("A1:B1") == []


def test_a_start_leaves_the_cells_beyond_the_data(google: Google) -> None:
    google.put("A1:C1", [["a", "b", "c"]])
    google.batch(update_cells(0, 1, [["B"]]))
    assert google.get("A1:C1") == [["a", "B", "c"]]


def test_a_number_format_can_come_with_a_value(google: Google) -> None:
    data = cell(46298) | {"userEnteredFormat": {"numberFormat": {"type": "DATE", "pattern": "yyyy-mm-dd"}}}
    google.batch(_one(data, "userEnteredValue,userEnteredFormat.numberFormat"))
    assert google.shown("A1") == "2026-10-03"
    assert google.get("A1") == [[46298]]


def test_text_that_looks_like_a_formula_stays_text(google: Google) -> None:
    google.batch(update_cells(0, 0, [["=1+1"]]))
    assert google.sheet.value(0, 0) == "=1+1"
    google.batch(_one({"userEnteredValue": {"formulaValue": "=1+1"}}, "userEnteredValue"))
    assert google.sheet.value(0, 0) == Formula("=1+1")


def test_append_cells_goes_after_the_last_row_and_grows_the_grid(google: Google) -> None:
    google.resize(2, 3)
    google.put("A1", [["a"], ["b"]])
    rows = [{"values": [cell("c")]}, {"values": [cell("d")]}]
    google.batch({"appendCells": {"sheetId": 0, "rows": rows, "fields": "*"}})
    assert google.get("A:A") == [["a"], ["b"], ["c"], ["d"]]
    assert google.sheet.row_count == 4


def test_repeat_cell_spreads_a_formula_as_if_copied(google: Google) -> None:
    google.put("A1:A3", [[1], [2], [3]])
    formula = {"userEnteredValue": {"formulaValue": "=A1*2"}}
    google.batch({"repeatCell": {"range": area(0, 3, 1, 2), "cell": formula, "fields": "userEnteredValue"}})
    assert google.get("B1:B3") == [[2], [4], [6]]


def test_a_batch_with_one_bad_request_changes_nothing(google: Google) -> None:
    google.put("A1", [["a"]])
    before = google.document
    bad = {"deleteSheet": {"sheetId": 999}}
    good: list[Any] = [
        update_cells(0, 0, [["b"]]),
        {"insertDimension": {"range": {"sheetId": 0, "dimension": "ROWS", "startIndex": 0, "endIndex": 5}}},
        {"addSheet": {"properties": {"title": "New"}}},
        {"addNamedRange": {"namedRange": {"name": "n", "range": area(0, 1, 0, 1)}}},
        {
            "repeatCell": {
                "range": area(0, 9, 0, 8),
                "cell": {"userEnteredFormat": BOLD},
                "fields": "userEnteredFormat",
            }
        },
        {"mergeCells": {"range": area(10, 12, 0, 2), "mergeType": "MERGE_ALL"}},
    ]
    with pytest.raises(ApiError) as refusal:
        google.batch(*good, bad)
    assert refusal.value.message == "Invalid requests[6].deleteSheet: No grid with id: 999"
    assert google.document is before
    assert google.get("A1:H20") == [["a"]]
    assert [sheet.title for sheet in google.document.sheets] == ["Sheet1"]
    google.batch(*good)
    assert google.get("A6") == [["b"]]


def test_a_committed_version_never_changes(google: Google) -> None:
    google.put("A1:B2", [["a", "b"], ["c", "d"]])
    before = google.document
    rows = [list(row.cells) if row else [] for row in before.sheets[0].rows]
    google.put("A1:B2", [["1", "2"], ["3", "4"]])
    google.batch({"sortRange": {"range": area(0, 2, 0, 2), "sortSpecs": [{"sortOrder": "DESCENDING"}]}})
    google.batch(
        {"deleteDimension": {"range": {"sheetId": 0, "dimension": "COLUMNS", "startIndex": 0, "endIndex": 1}}}
    )
    assert [list(row.cells) if row else [] for row in before.sheets[0].rows] == rows


def test_the_answer_can_carry_what_was_touched(google: Google) -> None:
    answer = google.batch(
        update_cells(0, 0, [["k", 1]]),
        includeSpreadsheetInResponse=True,
        responseRanges=["Sheet1!A1:B1"],
        responseIncludeGridData=True,
        query="?fields=replies,updatedSpreadsheet.sheets.data.rowData.values.userEnteredValue",
    )
    assert answer == {
        "replies": [{}],
        "updatedSpreadsheet": {"sheets": [{"data": [{"rowData": [{"values": [cell("k"), cell(1)]}]}]}]},
    }


def test_trailing_blanks_are_cut_and_gaps_are_empty_texts(google: Google) -> None:
    google.put("A1:D4", [["a", "", "c", ""], ["", "", "", ""], ["", "x", "", ""], ["", "", "", ""]])
    assert google.get("A1:D4") == [["a", "", "c"], [], ["", "x"]]
    assert google.get("A1:D4", more="&majorDimension=COLUMNS") == [["a"], ["", "", "x"], ["c"]]
    assert google.call("GET", "/values/A10:B12") == {"range": "Sheet1!A10:B12", "majorDimension": "ROWS"}


def test_cells_without_what_was_asked_for_are_empty_objects(google: Google) -> None:
    google.put("A1:A3", [["a"], ["b"], ["c"]])
    google.batch(_note(1, 1, "hello"))
    fields = "sheets.data.rowData.values.note"
    found = google.call("GET", f"?ranges=Sheet1&fields={fields}")
    assert found == {"sheets": [{"data": [{"rowData": [{}, {"values": [{}, {"note": "hello"}]}]}]}]}


def _note(row: int, column: int, text: str) -> Any:
    place = area(row, row + 1, column, column + 1)
    return {"updateCells": {"range": place, "rows": [{"values": [{"note": text}]}], "fields": "note"}}


def test_grid_data_describes_a_cell_wholly(google: Google) -> None:
    google.type("B2", "=1+1")
    found = google.call("GET", "?ranges=B2&includeGridData=true")["sheets"][0]["data"][0]
    data = found["rowData"][0]["values"][0]
    assert (found["startRow"], found["startColumn"]) == (1, 1)
    assert data["userEnteredValue"] == {"formulaValue": "=1+1"}
    assert data["effectiveValue"] == {"numberValue": 2}
    assert data["formattedValue"] == "2"
    assert data["effectiveFormat"]["horizontalAlignment"] == "RIGHT"
    assert found["columnMetadata"] == [{"pixelSize": 100}]


def test_grid_data_is_not_there_unless_asked_for(google: Google) -> None:
    assert "data" not in google.call("GET", "")["sheets"][0]
    assert "data" not in google.call("GET", "?includeGridData=true&fields=sheets.properties")["sheets"][0]


def test_batch_totals_count_a_row_or_column_once(google: Google) -> None:
    data = [{"range": "A1:B2", "values": [[1, 2], [3, 4]]}, {"range": "A2:A3", "values": [[5], [6]]}]
    answer = google.call("POST", "/values:batchUpdate", {"valueInputOption": "RAW", "data": data})
    totals = {name: value for name, value in answer.items() if name.startswith("total")}
    assert totals == {
        "totalUpdatedRows": 3,
        "totalUpdatedColumns": 2,
        "totalUpdatedCells": 6,
        "totalUpdatedSheets": 1,
    }


@pytest.mark.parametrize(
    ("place", "table", "written"),
    [
        ("Sheet1", "Sheet1!B4:D6", "Sheet1!B7"),
        ("B4", "Sheet1!B4:D6", "Sheet1!B7"),
        ("B2:D4", "Sheet1!B4:D6", "Sheet1!B7"),
        ("A1", "Sheet1!A1:C2", "Sheet1!A3"),
        ("E4", None, "Sheet1!E4"),
        ("A4", None, "Sheet1!A4"),
    ],
)
def test_append_finds_the_table_as_googles_guide_has_it(
    google: Google, place: str, table: str | None, written: str
) -> None:
    google.put("A1:C2", [["x", "y", "z"], ["x", "y", "z"]])
    google.put("B4:D6", [["x", "y"], ["x", "y", "z"], ["", "y", "z"]])
    answer = google.call("POST", f"/values/{place}:append?valueInputOption=RAW", {"values": [["new"]]})
    assert answer.get("tableRange") == table
    assert answer["updates"]["updatedRange"] == written


def test_inserting_rows_grows_the_grid_with_every_append(google: Google) -> None:
    google.put("A1", [["a"], ["b"]])
    query = "?valueInputOption=RAW&insertDataOption=INSERT_ROWS"
    google.call("POST", f"/values/A1:append{query}", {"values": [["c"]]})
    assert google.sheet.row_count == 21
    assert google.get("A:A") == [["a"], ["b"], ["c"]]
    google.call("POST", "/values/A1:append?valueInputOption=RAW", {"values": [["d"]]})
    assert google.sheet.row_count == 21


def test_clearing_takes_values_only(google: Google) -> None:
    google.put("A1", [["a"]])
    google.batch(_note(0, 0, "n"), _one({"userEnteredFormat": BOLD}, "userEnteredFormat"))
    assert google.call("POST", "/values/A1:B2:clear")["clearedRange"] == "Sheet1!A1:B2"
    assert google.get("A1") == []
    assert (google.sheet.note(0, 0), format_of(google, "A1")) == ("n", BOLD)


def test_colours_come_back_in_single_precision_and_as_a_style(google: Google) -> None:
    color = {"red": 66 / 255, "green": 1, "blue": 0}
    google.batch(_one({"userEnteredFormat": {"backgroundColor": color}}, "userEnteredFormat"))
    kept = {"red": 0.25882354, "green": 1}
    assert format_of(google, "A1") == {"backgroundColor": kept, "backgroundColorStyle": {"rgbColor": kept}}
