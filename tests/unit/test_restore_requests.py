"""A saved tab as requests: what is said once more by another way is left out, and nothing is set without need."""

from __future__ import annotations

import json
from typing import Any

from moneymentor_sync.adapters import restore_requests as put
from moneymentor_sync.core.backups import Entered, SavedRow, SavedTab


def saved(**over: Any) -> SavedTab:
    grid = {"rowCount": 10, "columnCount": 4, "frozenRowCount": 1}
    about = {"properties": {"sheetId": 7, "title": "T", "gridProperties": grid}} | over
    return SavedTab("tab-1.gz", about, columns=((100, False, 3), (50, False, 1)), rows=((21, False, 10),))


def requests(found: Any) -> list[dict[str, Any]]:
    return [json.loads(one) for one in found]


def kinds(found: list[dict[str, Any]]) -> list[str]:
    return [next(iter(one)) for one in found]


def test_what_lies_over_the_cells_goes_to_the_tab_that_is_put_back() -> None:
    area = {"sheetId": 7, "startRowIndex": 0, "endRowIndex": 2}
    tab = saved(
        merges=[area],
        conditionalFormats=[{"ranges": [area], "booleanRule": {"condition": {"type": "BLANK"}}}],
        filterViews=[{"filterViewId": 3, "title": "v", "range": area, "namedRangeId": "n"}],
        bandedRanges=[{"bandedRangeId": 4, "range": area, "bandedRangeReference": "r"}],
        basicFilter={"range": area, "sortSpecs": [{"dimensionIndex": 0}], "tableId": "t"},
    )
    found = requests(put.put_on(tab, 99, None))
    assert "7" not in {str(one) for one in _sheet_ids(found)}
    by_kind = {next(iter(one)): next(iter(one.values())) for one in found}
    assert by_kind["addFilterView"]["filter"] == {"filterViewId": 3, "title": "v", "range": area | {"sheetId": 99}}
    assert by_kind["addBanding"]["bandedRange"] == {"bandedRangeId": 4, "range": area | {"sheetId": 99}}
    assert by_kind["setBasicFilter"]["filter"] == {"range": area | {"sheetId": 99}}


def _sheet_ids(value: Any) -> list[int]:
    if isinstance(value, list):
        return [found for one in value for found in _sheet_ids(one)]
    if not isinstance(value, dict):
        return []
    here = [value["sheetId"]] if "sheetId" in value else []
    return here + [found for one in value.values() for found in _sheet_ids(one)]


def test_heights_are_left_to_google_where_nobody_set_them() -> None:
    found = requests(put.put_on(saved(), 7, None))
    sizes = [one["updateDimensionProperties"] for one in found if "updateDimensionProperties" in one]
    rows = [one for one in sizes if one["range"]["dimension"] == "ROWS"]
    assert [one["fields"] for one in rows] == ["hiddenByUser"]
    columns = [one for one in sizes if one["range"]["dimension"] == "COLUMNS"]
    assert columns[1]["range"] | {"sheetId": 0} == {
        "sheetId": 0, "dimension": "COLUMNS", "startIndex": 3, "endIndex": 4,
    }  # fmt: skip
    assert columns[1]["properties"] == {"hiddenByUser": False, "pixelSize": 50}


def test_heights_that_somebody_set_since_are_set_back() -> None:
    now = SavedTab("x", saved().about, rows=((21, False, 9), (80, False, 1)))
    found = requests(put.put_on(saved(), 7, now))
    (first, *_) = [one["updateDimensionProperties"] for one in found if "updateDimensionProperties" in one]
    assert first["properties"] == {"hiddenByUser": False, "pixelSize": 21}


def test_very_many_heights_are_not_set_one_by_one() -> None:
    many = tuple((30 + number % 2, number == 5, 1) for number in range(put.MOST_HEIGHTS + 1))
    tab = SavedTab("x", saved().about, rows=many)
    found = requests(put.put_on(tab, 7, None))
    rows = [one["updateDimensionProperties"] for one in found if "updateDimensionProperties" in one]
    rows = [one for one in rows if one["range"]["dimension"] == "ROWS"]
    assert [one["range"].get("startIndex") for one in rows] == [None, 5]  # what is hidden is


def test_what_is_alike_is_one_request() -> None:
    styles: list[dict[str, Any]] = [{"userEnteredFormat": {"a": 1}}, {"userEnteredFormat": {"b": 1}}]
    rows = [SavedRow(index, [1.0, Entered(f"=A{index}")], [0, 0, -1, 1]) for index in range(2, 500)]
    found = requests(put.content(rows, styles, 7, values=False))
    assert kinds(found) == ["repeatCell", "repeatCell", "updateCells"]
    assert found[0]["repeatCell"]["range"] == {
        "sheetId": 7, "startRowIndex": 2, "endRowIndex": 500, "startColumnIndex": 0, "endColumnIndex": 2,
    }  # fmt: skip
    assert len(found[2]["updateCells"]["rows"]) == 498


def test_rows_that_do_not_follow_one_another_are_not_one() -> None:
    rows = [SavedRow(1, ["a"], [0]), SavedRow(3, ["b"], [0])]
    found = requests(put.content(rows, [{"userEnteredFormat": {}}], 7, values=True))
    assert sorted(kinds(found)) == ["repeatCell", "repeatCell", "updateCells", "updateCells"]
