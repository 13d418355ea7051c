"""What lies over the cells in the sandbox: filters, groups, borders, banding, rules, metadata, masks of tabs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.sandbox import ApiError, snapshot
from moneymentor_sync.sandbox.library import Library
from tests.contract.sandbox_google import Google, area, columns_span, rows_span, update_cells

PLACE = {"startRowIndex": 0, "endRowIndex": 4, "startColumnIndex": 0, "endColumnIndex": 2}


@pytest.fixture
def google(tmp_path: Path) -> Google:
    return Google(tmp_path)


def tab(google: Google, name: str) -> Any:
    """One part of the first tab as `spreadsheets.get` gives it."""
    return google.call("GET", f"?fields=sheets.{name}")["sheets"][0].get(name)


def test_a_filter_is_kept_with_closed_sides_and_its_sort_is_carried_out(google: Google) -> None:
    google.put("A1:A4", [["head"], ["c"], ["a"], ["b"]])
    spec = {"dimensionIndex": 0, "sortOrder": "ASCENDING"}
    google.batch({"setBasicFilter": {"filter": {"range": {"sheetId": 0}, "sortSpecs": [spec]}}})
    whole = {"startRowIndex": 0, "endRowIndex": 20, "startColumnIndex": 0, "endColumnIndex": 8}
    assert tab(google, "basicFilter") == {"range": whole, "sortSpecs": [spec]}
    assert google.get("A1:A4") == [["head"], ["a"], ["b"], ["c"]]
    google.batch({"insertDimension": {"range": rows_span(3, 5)}})
    assert tab(google, "basicFilter")["range"]["endRowIndex"] == 22
    google.batch({"clearBasicFilter": {"sheetId": 0}})
    assert tab(google, "basicFilter") is None


def test_filter_views(google: Google) -> None:
    added = google.batch(
        {"addFilterView": {"filter": {"filterViewId": 5, "title": "mine", "range": area(0, 4, 0, 2)}}}
    )
    assert added == [{"addFilterView": {"filter": {"filterViewId": 5, "range": PLACE, "title": "mine"}}}]
    change = {"filter": {"filterViewId": 5, "title": "ours"}, "fields": "title"}
    copied = google.batch({"updateFilterView": change}, {"duplicateFilterView": {"filterId": 5}})
    assert copied[1]["duplicateFilterView"]["filter"]["title"] == "Copy of ours"
    google.batch({"deleteFilterView": {"filterId": 5}})
    assert [view["title"] for view in tab(google, "filterViews")] == ["Copy of ours"]
    with pytest.raises(ApiError, match="No FilterView with id: 5"):
        google.batch({"deleteFilterView": {"filterId": 5}})


def test_conditional_format_rules(google: Google) -> None:
    def rule(kind: str) -> Any:
        return {"ranges": [area(0, 4, 0, 2)], "booleanRule": {"condition": {"type": kind}, "format": {}}}

    google.batch(
        {"addConditionalFormatRule": {"rule": rule("BLANK"), "index": 0}},
        {"addConditionalFormatRule": {"rule": rule("NOT_BLANK"), "index": 0}},
    )
    kinds = [item["booleanRule"]["condition"]["type"] for item in tab(google, "conditionalFormats")]
    assert kinds == ["NOT_BLANK", "BLANK"]
    moved = google.batch({"updateConditionalFormatRule": {"sheetId": 0, "index": 0, "newIndex": 1}})[0]
    assert moved["updateConditionalFormatRule"]["oldIndex"] == 0
    google.batch({"updateConditionalFormatRule": {"rule": rule("TEXT_EQ"), "index": 0}})
    google.batch({"deleteConditionalFormatRule": {"sheetId": 0, "index": 1}})
    left = tab(google, "conditionalFormats")
    assert [item["booleanRule"]["condition"]["type"] for item in left] == ["TEXT_EQ"]
    assert left[0]["ranges"] == [PLACE]


def test_banding_is_not_laid_twice(google: Google) -> None:
    band = {"range": area(0, 4, 0, 2), "rowProperties": {"firstBandColor": {"red": 1}}, "bandedRangeId": 3}
    google.batch({"addBanding": {"bandedRange": band}})
    kept = tab(google, "bandedRanges")[0]
    assert kept["rowProperties"]["firstBandColorStyle"] == {"rgbColor": {"red": 1}}
    with pytest.raises(ApiError, match="already has alternating background colors"):
        google.batch({"addBanding": {"bandedRange": {**band, "bandedRangeId": 4}}})
    change = {"bandedRangeId": 3, "range": area(0, 5, 0, 2)}
    google.batch({"updateBanding": {"bandedRange": change, "fields": "range"}})
    assert tab(google, "bandedRanges")[0]["range"]["endRowIndex"] == 5
    google.batch({"deleteBanding": {"bandedRangeId": 3}})
    assert tab(google, "bandedRanges") is None


def test_groups_nest_and_come_apart(google: Google) -> None:
    google.batch(
        {"addDimensionGroup": {"range": rows_span(1, 6)}}, {"addDimensionGroup": {"range": rows_span(2, 4)}}
    )
    found = [(item["range"]["startIndex"], item["depth"]) for item in tab(google, "rowGroups")]
    assert found == [(1, 1), (2, 2)]
    fold = {"range": rows_span(2, 4), "depth": 2, "collapsed": True}
    google.batch({"updateDimensionGroup": {"dimensionGroup": fold, "fields": "collapsed"}})
    assert tab(google, "rowGroups")[1]["collapsed"] is True
    google.batch({"deleteDimensionGroup": {"range": rows_span(1, 6)}})
    assert [(item["range"]["startIndex"], item["depth"]) for item in tab(google, "rowGroups")] == [(2, 1)]
    google.batch({"addDimensionGroup": {"range": columns_span(0, 2)}})
    assert tab(google, "properties")["gridProperties"]["columnGroupControlAfter"] is True


def test_borders_lie_around_and_between(google: Google) -> None:
    line = {"style": "SOLID"}
    google.batch({"updateBorders": {"range": area(0, 2, 0, 2), "top": line, "innerVertical": line}})
    style = google.sheet.style(0, 0)
    assert style is not None and style.format is not None
    assert set(style.format["borders"]) == {"top", "right"}
    google.batch({"updateBorders": {"range": area(0, 2, 0, 2), "top": {"style": "NONE"}, "innerVertical": {}}})
    assert google.sheet.style(0, 0) is None


def test_validation_rules_are_kept_per_cell_and_checked(google: Google) -> None:
    values = [{"userEnteredValue": "a"}, {"userEnteredValue": "b"}]
    rule = {"condition": {"type": "ONE_OF_LIST", "values": values}, "strict": True}
    google.batch({"setDataValidation": {"range": area(1, 3, 0, 1), "rule": rule}})
    kept = google.sheet.style(2, 0)
    assert kept is not None and kept.validation == rule
    google.batch({"setDataValidation": {"range": area(1, 3, 0, 1)}})
    assert google.sheet.style(2, 0) is None
    with pytest.raises(ApiError, match="ConditionValue count for NUMBER_BETWEEN must be 2, but got 0"):
        google.batch(
            {"setDataValidation": {"range": area(0, 1, 0, 1), "rule": {"condition": {"type": "NUMBER_BETWEEN"}}}}
        )


def test_widths_and_hidden_columns(google: Google) -> None:
    given = {"pixelSize": 250, "hiddenByUser": True}
    body = {"range": columns_span(1, 2), "properties": given, "fields": "pixelSize,hiddenByUser"}
    google.batch({"updateDimensionProperties": body})
    fields = "sheets.data.columnMetadata"
    found = google.call("GET", f"?fields={fields}")["sheets"][0]["data"][0]["columnMetadata"]
    assert found[:3] == [{"pixelSize": 100}, given, {"pixelSize": 100}]
    google.put("C1", [["a long text that needs much room"]])
    google.batch({"autoResizeDimensions": {"dimensions": columns_span(2, 3)}})
    assert (google.sheet.columns[2] or {})["pixelSize"] > 200


def test_white_space_is_trimmed(google: Google) -> None:
    google.put("A1:A2", [["  a  b "], ["c"]])
    answer = google.batch({"trimWhitespace": {"range": area(0, 2, 0, 1)}})
    assert answer == [{"trimWhitespace": {"cellsChangedCount": 1}}]
    assert google.get("A1") == [["a b"]]


def test_inserted_cells_push_to_the_right(google: Google) -> None:
    google.put("A1:B2", [["a", "b"], ["c", "d"]])
    google.batch({"insertRange": {"range": area(0, 1, 0, 1), "shiftDimension": "COLUMNS"}})
    assert google.get("A1:C2") == [["", "a", "b"], ["c", "d"]]
    google.batch({"deleteRange": {"range": area(0, 20, 0, 1), "shiftDimension": "COLUMNS"}})
    assert google.get("A1:B2") == [["a", "b"], ["d"]]


# --- developer metadata and data filters ------------------------------------------------------------------


def mark(google: Google, key: str, location: Any, **more: Any) -> Any:
    data = {"metadataKey": key, "location": location, "visibility": "DOCUMENT", **more}
    return google.batch({"createDeveloperMetadata": {"developerMetadata": data}})[0]


def test_metadata_is_found_by_key_place_and_id(google: Google) -> None:
    mark(google, "table", {"sheetId": 0}, metadataId=1, metadataValue="v")
    mark(google, "row", {"dimensionRange": rows_span(2, 3)}, metadataId=2)
    mark(google, "book", {"spreadsheet": True}, metadataId=3)
    found = google.call("GET", "/developerMetadata/2")
    assert found["location"] == {
        "locationType": "ROW",
        "dimensionRange": {"dimension": "ROWS", "startIndex": 2, "endIndex": 3},
    }
    filters = [{"developerMetadataLookup": {"metadataKey": "table"}}]
    matched = google.call("POST", "/developerMetadata:search", {"dataFilters": filters})["matchedDeveloperMetadata"]
    assert [item["developerMetadata"]["metadataValue"] for item in matched] == ["v"]
    by_place = [{"gridRange": area(0, 5, 0, 1)}]
    matched = google.call("POST", "/developerMetadata:search", {"dataFilters": by_place})[
        "matchedDeveloperMetadata"
    ]
    assert [item["developerMetadata"]["metadataKey"] for item in matched] == ["row"]
    assert tab(google, "developerMetadata")[0]["metadataKey"] == "table"
    with pytest.raises(ApiError) as refusal:
        google.call("GET", "/developerMetadata/99")
    assert refusal.value.code == 404


def test_metadata_is_updated_and_deleted_by_filter(google: Google) -> None:
    mark(google, "mark", {"spreadsheet": True}, metadataId=1, metadataValue="1")
    lookup = {"developerMetadataLookup": {"metadataId": 1}}
    change = {"dataFilters": [lookup], "developerMetadata": {"metadataValue": "2"}, "fields": "metadataValue"}
    reply = google.batch({"updateDeveloperMetadata": change})[0]
    assert reply["updateDeveloperMetadata"]["developerMetadata"][0]["metadataValue"] == "2"
    reply = google.batch({"deleteDeveloperMetadata": {"dataFilter": lookup}})[0]
    assert reply["deleteDeveloperMetadata"]["deletedDeveloperMetadata"][0]["metadataId"] == 1
    assert google.batch({"deleteDeveloperMetadata": {"dataFilter": lookup}}) == [{"deleteDeveloperMetadata": {}}]


def test_data_filters_read_and_write_where_the_row_is_now(google: Google) -> None:
    google.put("A1:B3", [["a", 1], ["b", 2], ["c", 3]])
    mark(google, "row", {"dimensionRange": rows_span(1, 2)}, metadataId=2)
    google.batch({"moveDimension": {"source": rows_span(1, 2), "destinationIndex": 0}})
    lookup = {"developerMetadataLookup": {"metadataId": 2}}
    found = google.call("POST", "/values:batchGetByDataFilter", {"dataFilters": [lookup]})
    assert found["valueRanges"][0]["valueRange"]["values"] == [["b", "2"]]
    data = [{"dataFilter": lookup, "values": [["B"]]}]
    google.call("POST", "/values:batchUpdateByDataFilter", {"valueInputOption": "RAW", "data": data})
    assert google.get("A1") == [["B"]]
    shown = google.call("POST", ":getByDataFilter?fields=sheets.data.rowData", {"dataFilters": [lookup]})
    assert len(shown["sheets"][0]["data"][0]["rowData"]) == 1
    google.call("POST", "/values:batchClearByDataFilter", {"dataFilters": [{"a1Range": "A1:B1"}]})
    assert google.get("A1:B1") == []


# --- snapshots --------------------------------------------------------------------------------------------


def test_a_snapshot_gives_back_the_same_spreadsheet(google: Google) -> None:
    google.batch(
        update_cells(0, 0, [["text", 1.5, True, None, "=no"]]),
        {"addFilterView": {"filter": {"title": "v", "range": area(0, 4, 0, 2)}}},
        {"addBanding": {"bandedRange": {"range": area(0, 4, 0, 2), "rowProperties": {}}}},
        {"addDimensionGroup": {"range": rows_span(1, 6)}},
        {"addProtectedRange": {"protectedRange": {"range": area(0, 1, 0, 1)}}},
        {"mergeCells": {"range": area(10, 12, 0, 2), "mergeType": "MERGE_ALL"}},
        {"repeatCell": {"range": area(3, 4, 0, 2), "cell": {"note": "n"}, "fields": "note"}},
        {"setBasicFilter": {"filter": {"range": {"sheetId": 0}}}},
    )
    google.type("A5", "=1/0")
    google.batch(
        {"copyPaste": {"source": area(4, 5, 0, 1), "destination": area(5, 6, 0, 1), "pasteType": "PASTE_VALUES"}}
    )
    google.batch({"addNamedRange": {"namedRange": {"name": "n", "range": area(0, 1, 0, 1)}}})
    mark(google, "row", {"dimensionRange": rows_span(1, 2)})
    before = google.call("GET", "?includeGridData=true")
    again = Library()
    assert snapshot.load(snapshot.dump(google.service.library, 17), again) == 17
    google.service.library.documents = again.documents
    assert google.call("GET", "?includeGridData=true") == before
    assert again.created == google.service.library.created
