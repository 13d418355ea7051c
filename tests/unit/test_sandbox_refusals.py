"""What the sandbox refuses, in Google's words."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moneymentor_sync.sandbox import ApiError
from moneymentor_sync.sandbox.accounts import OWNER
from moneymentor_sync.sandbox.batch import KINDS
from moneymentor_sync.sandbox.errors import PROTECTED
from moneymentor_sync.sandbox.schema import request_message, schemas
from tests.contract.sandbox_google import ME, Google, area, columns_span, rows_span, update_cells

STRANGER = "stranger@mmsync-sandbox.iam.gserviceaccount.com"
META = {"metadataKey": "k", "location": {"spreadsheet": True}, "visibility": "DOCUMENT"}


@pytest.fixture
def google(tmp_path: Path) -> Google:
    return Google(tmp_path)


def refused(google: Google, *requests: Any, caller: str = ME) -> str:
    with pytest.raises(ApiError) as refusal:
        google.batch(*requests, caller=caller)
    assert refusal.value.code == 400
    return refusal.value.message


def named(range_id: str, name: str) -> Any:
    return {"addNamedRange": {"namedRange": {"namedRangeId": range_id, "name": name, "range": area(0, 1, 0, 1)}}}


def properties(fields: str, **given: Any) -> Any:
    return {"updateSheetProperties": {"properties": {"sheetId": 0, **given}, "fields": fields}}


REFUSALS: list[tuple[Any, str]] = [
    ({"deleteNamedRange": {"namedRangeId": "x"}}, "deleteNamedRange: No NamedRange with id: x"),
    (
        {"updateNamedRange": {"namedRange": {"namedRangeId": "x"}, "fields": "name"}},
        "updateNamedRange: No NamedRange with id: x",
    ),
    ({"addSheet": {"properties": {"sheetId": 0}}}, "addSheet: Sheet with id 0 already exists."),
    (
        {"addSheet": {"properties": {"title": "sheet1"}}},
        'addSheet: A sheet with the name "sheet1" already exists. Please enter another name.',
    ),
    ({"deleteSheet": {"sheetId": 0}}, "deleteSheet: You can't remove all the sheets in a document."),
    (properties("hidden", hidden=True), "updateSheetProperties: You can't hide all the sheets in a document."),
    (properties("*"), "updateSheetProperties: The sheet name cannot be empty."),
    (
        {"updateSheetProperties": {"properties": {"sheetId": 0}}},
        "updateSheetProperties: At least one field must be listed in 'fields'. (Use '*' to indicate all fields.)",
    ),
    (
        {"deleteDimension": {"range": rows_span(20, 21)}},
        (
            "deleteDimension: Cannot delete a row that doesn't exist. Tried to delete row index 20 but "
            "there are only 20 rows."
        ),
    ),
    (
        {"deleteDimension": {"range": columns_span(7, 9)}},
        (
            "deleteDimension: Cannot delete a column that doesn't exist. Tried to delete column index 8 but "
            "there are only 8 columns."
        ),
    ),
    (
        {"deleteDimension": {"range": rows_span(0, 20)}},
        "deleteDimension: Sorry, it is not possible to delete all non-frozen rows.",
    ),
    (
        {"insertDimension": {"range": rows_span(20, 21)}},
        "insertDimension: range.startIndex[20] must be less than the grid size (20) if inheritFromBefore is false.",
    ),
    (
        {"insertDimension": {"range": rows_span(0, 1), "inheritFromBefore": True}},
        "insertDimension: range.startIndex[0] must be greater than zero if inheritFromBefore is true.",
    ),
    ({"insertDimension": {"range": rows_span(-1, 1)}}, "insertDimension: DimensionRange indexes must be >= 0"),
    (
        update_cells(0, 7, [[1, 2]]),
        "updateCells: Attempting to write column: 8, beyond the last requested column of: 7",
    ),
    (
        update_cells(20, 0, [[1]]),
        "updateCells: GridCoordinate.rowIndex[20] is after last row in grid[20]",
    ),
    (
        {"updateCells": {"range": area(20, 21, 0, 3), "rows": [], "fields": "*"}},
        "updateCells: Range (Sheet1!A21:C21) exceeds grid limits. Max rows: 20, max columns: 8",
    ),
    (
        update_cells(0, 0, [["x" * 50_001]]),
        "updateCells: Your input contains more than the maximum of 50000 characters in a single cell.",
    ),
    (
        properties("gridProperties.frozenRowCount", gridProperties={"frozenRowCount": 20}),
        "updateSheetProperties: You can't freeze all visible rows on the sheet.",
    ),
]


@pytest.mark.parametrize(("request_", "message"), REFUSALS, ids=[message[:60] for _, message in REFUSALS])
def test_a_request_is_refused_in_googles_words(google: Google, request_: Any, message: str) -> None:
    assert refused(google, request_) == f"Invalid requests[0].{message}"


def test_a_named_range_is_taken_once_by_id_and_once_by_name(google: Google) -> None:
    google.batch(named("mmsync.1", "_mmsync_fence"))
    assert refused(google, named("mmsync.1", "other")).endswith("NamedRange with id: mmsync.1 already exists.")
    assert refused(google, named("mmsync.2", "_MMSYNC_fence")) == (
        "Invalid requests[0].addNamedRange: Cannot add named range with name _MMSYNC_fence, a named range with "
        "that name already exists."
    )


def test_a_rotated_fence_is_accepted_once(google: Google) -> None:
    google.batch(named("mmsync.1", "_mmsync_fence"))
    rotation = [{"deleteNamedRange": {"namedRangeId": "mmsync.1"}}, named("mmsync.2", "_mmsync_fence")]
    google.batch(*rotation, update_cells(0, 0, [["written"]]))
    message = refused(google, *rotation, update_cells(0, 0, [["stale"]]))
    assert message == "Invalid requests[0].deleteNamedRange: No NamedRange with id: mmsync.1"
    assert google.get("A1") == [["written"]]


def test_the_name_of_a_range_on_a_deleted_tab_stays_taken(google: Google) -> None:
    google.batch({"addSheet": {"properties": {"sheetId": 5, "title": "Five"}}})
    fence = {"namedRangeId": "a", "name": "fence", "range": area(0, 1, 0, 1, 5)}
    google.batch({"addNamedRange": {"namedRange": fence}}, {"deleteSheet": {"sheetId": 5}})
    assert google.call("GET", "?fields=namedRanges") == {}
    assert "a named range with that name already exists" in refused(google, named("b", "fence"))
    google.batch({"deleteNamedRange": {"namedRangeId": "a"}}, named("b", "fence"))


@pytest.mark.parametrize("name", ["", "1abc", "A1", "R1C1", "has space", "true"])
def test_a_bad_name_for_a_range(google: Google, name: str) -> None:
    assert "The name of the named range is invalid" in refused(google, named("x", name))


def test_developer_metadata_is_taken_once(google: Google) -> None:
    create = {"createDeveloperMetadata": {"developerMetadata": {**META, "metadataId": 5}}}
    google.batch(create)
    assert refused(google, create) == (
        "Invalid requests[0].createDeveloperMetadata: Cannot add developer metadata with ID [5] because developer "
        "metadata with that ID already exists."
    )
    big = {**META, "metadataValue": "x" * 30_000}
    assert "exceed the allowed storage limit" in refused(
        google, {"createDeveloperMetadata": {"developerMetadata": big}}
    )


def test_ten_million_cells_by_grid_size(tmp_path: Path) -> None:
    google = Google(tmp_path, max_cells=1000, rows=20, columns=8)
    text = "This action would increase the number of cells in the workbook above the limit of 1000 cells."
    wide = {"addSheet": {"properties": {"gridProperties": {"rowCount": 100, "columnCount": 10}}}}
    assert refused(google, wide) == f"Invalid requests[0].addSheet: {text}"
    assert refused(google, {"appendDimension": {"sheetId": 0, "dimension": "ROWS", "length": 200}}).endswith(text)
    assert refused(google, {"insertDimension": {"range": rows_span(1, 200)}}).endswith(text)
    google.resize(125, 8)
    with pytest.raises(ApiError, match="above the limit of 1000 cells"):
        google.call("POST", "/values/A125:append?valueInputOption=RAW", {"values": [["a"], ["b"]]})


def test_columns_end_at_zzz(google: Google) -> None:
    more = {"appendDimension": {"sheetId": 0, "dimension": "COLUMNS", "length": 18_271}}
    assert "above the limit of 18278 columns" in refused(google, more)


@pytest.mark.parametrize("kind", ["textToColumns", "addSlicer", "pasteData"])
def test_a_kind_that_is_not_implemented_says_so(google: Google, kind: str) -> None:
    with pytest.raises(ApiError) as refusal:
        google.batch({kind: {}})
    assert refusal.value.code == 501
    assert kind in refusal.value.message


def test_a_kind_that_google_does_not_have(google: Google) -> None:
    assert refused(google, {"paintItBlack": {}}) == (
        "Invalid JSON payload received. Unknown name \"paintItBlack\" at 'requests[0]': Cannot find field."
    )


def test_a_field_that_a_cell_does_not_have(google: Google) -> None:
    rows = [{"values": [{"value": "x"}]}]
    message = refused(google, {"updateCells": {"range": area(0, 1, 0, 1), "rows": rows, "fields": "*"}})
    assert message == (
        "Invalid JSON payload received. Unknown name \"value\" at 'requests[0].update_cells.rows[0].values[0]': "
        "Cannot find field."
    )


# --- values -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "target", "body", "message"),
    [
        ("GET", "/values/Nope!A1", None, "Unable to parse range: Nope!A1"),
        ("GET", "/values/Sheet1!1A", None, "Unable to parse range: Sheet1!1A"),
        (
            "GET",
            "/values/Sheet1!A21:B",
            None,
            "Range (Sheet1!A21:B) exceeds grid limits. Max rows: 20, max columns: 8",
        ),
        (
            "PUT",
            "/values/'Sheet1'!A19?valueInputOption=RAW",
            {"values": [["a"], ["b"], ["c"]]},
            "Requested writing within range ['Sheet1'!A19], but tried writing to row [21]",
        ),
        (
            "PUT",
            "/values/Sheet1!A1:B2?valueInputOption=RAW",
            {"values": [["a", "b", "c"]]},
            "Requested writing within range [Sheet1!A1:B2], but tried writing to column [C]",
        ),
        ("PUT", "/values/A1", {"values": [["a"]]}, "'valueInputOption' is required but not specified"),
        (
            "PUT",
            "/values/A1?valueInputOption=RAW",
            {"values": "X"},
            "Invalid value at 'data.values' (type.googleapis.com/google.protobuf.ListValue), \"X\"",
        ),
        (
            "PUT",
            "/values/A1?valueInputOption=RAW",
            {"values": [["ok", {"a": 1}]]},
            (
                'Invalid values[0][1]: struct_value {\n  fields {\n    key: "a"\n    value {\n      '
                "number_value: 1\n    }\n  }\n}\n"
            ),
        ),
        (
            "POST",
            "/values:batchUpdate",
            {"valueInputOption": "RAW", "data": [{"range": "A1"}, {"range": "NoSuchTab!A1"}]},
            "Invalid data[1]: Unable to parse range: NoSuchTab!A1",
        ),
        (
            "PUT",
            "/values/A1?valueInputOption=RAW",
            {"values": [["x" * 50_001]]},
            "Your input contains more than the maximum of 50000 characters in a single cell.",
        ),
        (
            "GET",
            "/values/A1?valueRenderOption=PRETTY",
            None,
            (
                "Invalid value at 'value_render_option' "
                '(type.googleapis.com/google.apps.sheets.v4.ValueRenderOption), "PRETTY"'
            ),
        ),
        ("GET", "?fields=nonsense", None, "Request contains an invalid argument."),
    ],
)
def test_values_are_refused_in_googles_words(
    google: Google, method: str, target: str, body: Any, message: str
) -> None:
    with pytest.raises(ApiError) as refusal:
        google.call(method, target, body)
    assert (refusal.value.code, refusal.value.message) == (400, message)
    assert google.get("A1:H20") == []


def test_a_range_that_ends_past_the_edge_is_clipped(google: Google) -> None:
    assert google.call("GET", "/values/Sheet1!A1:Z2000")["range"] == "Sheet1!A1:H20"


# --- who may ----------------------------------------------------------------------------------------------


def test_what_is_not_shared_and_what_is_not_there(google: Google) -> None:
    with pytest.raises(ApiError) as refusal:
        google.call("GET", "", caller=STRANGER)
    assert (refusal.value.code, refusal.value.message) == (403, "The caller does not have permission")
    with pytest.raises(ApiError) as refusal:
        google.call("GET", "/v4/spreadsheets/1nowhere")
    assert (refusal.value.code, refusal.value.message) == (404, "Requested entity was not found.")


def test_a_reader_may_read_only(google: Google) -> None:
    share = {"role": "reader", "type": "user", "emailAddress": STRANGER}
    google.call("POST", f"/drive/v3/files/{google.id}/permissions", share)
    assert google.call("GET", "?fields=properties.title", caller=STRANGER) == {"properties": {"title": "Book"}}
    with pytest.raises(ApiError, match="The caller does not have permission"):
        google.batch(update_cells(0, 0, [[1]]), caller=STRANGER)


def protect(google: Google, span: Any, **more: Any) -> int:
    given = {"range": span, "editors": {"users": []}, **more}
    reply = google.batch({"addProtectedRange": {"protectedRange": given}}, caller=OWNER)[0]
    return int(reply["addProtectedRange"]["protectedRange"]["protectedRangeId"])


def test_a_protected_range_stops_everybody_but_the_owner_and_its_editors(google: Google) -> None:
    key = protect(google, area(0, 2, 0, 2))
    write = update_cells(1, 1, [[1]])
    assert refused(google, write) == f"Invalid requests[0].updateCells: {PROTECTED}"
    assert refused(google, {"deleteDimension": {"range": rows_span(1, 2)}}).endswith(PROTECTED)
    assert refused(google, {"deleteProtectedRange": {"protectedRangeId": key}}).endswith(PROTECTED)
    with pytest.raises(ApiError) as refusal:
        google.put("A1:C3", [[1]])
    assert refusal.value.message == PROTECTED
    google.batch(write, caller=OWNER)
    google.batch(update_cells(2, 2, [["outside"]]))
    editors = {"protectedRangeId": key, "editors": {"users": [ME]}}
    google.batch({"updateProtectedRange": {"protectedRange": editors, "fields": "editors"}}, caller=OWNER)
    google.batch(write)


def test_a_warning_stops_nobody_and_a_tab_is_protected_once(google: Google) -> None:
    protect(google, {"sheetId": 0}, warningOnly=True)
    google.batch(update_cells(0, 0, [[1]]))
    second = {"addProtectedRange": {"protectedRange": {"range": {"sheetId": 0}}}}
    assert refused(google, second) == (
        'Invalid requests[0].addProtectedRange: Sheet "Sheet1" already has sheet protection.'
    )


def test_who_may_not_edit_a_range_does_not_see_who_may(google: Google) -> None:
    protect(google, area(0, 1, 0, 1))
    mine = google.call("GET", "?fields=sheets.protectedRanges")["sheets"][0]["protectedRanges"][0]
    theirs = google.call("GET", "?fields=sheets.protectedRanges", caller=OWNER)["sheets"][0]["protectedRanges"][0]
    assert "editors" not in mine and "requestingUserCanEdit" not in mine
    assert (theirs["editors"], theirs["requestingUserCanEdit"]) == ({"users": [OWNER]}, True)


# --- Drive ------------------------------------------------------------------------------------------------


def test_drive_says_not_found_for_what_is_not_shared(google: Google) -> None:
    with pytest.raises(ApiError) as refusal:
        google.call("GET", f"/drive/v3/files/{google.id}", caller=STRANGER)
    body = refusal.value.body()["error"]
    assert (body["code"], body["message"]) == (404, f"File not found: {google.id}.")
    assert body["errors"][0]["reason"] == "notFound"


def test_drive_lists_copies_renames_exports_and_deletes(google: Google) -> None:
    google.put("A1:B2", [["a,b", 1], ["", True]])
    twin = google.call("POST", f"/drive/v3/files/{google.id}/copy", {"name": "Twin"})
    assert twin == {"kind": "drive#file", "id": twin["id"], "name": "Twin", "mimeType": _SHEET}
    answer = google.service.perform(_request(f"/drive/v3/files/{twin['id']}/export?mimeType=text/csv"), ME)
    assert answer.body == b'"a,b",1\r\n,TRUE'
    google.call("PATCH", f"/drive/v3/files/{twin['id']}", {"name": "It's"})
    query = "name%20%3D%20'It%5C's'%20and%20trashed%20%3D%20false"
    found = google.call("GET", f"/drive/v3/files?q={query}&fields=files(id)")
    assert found == {"files": [{"id": twin["id"]}]}
    assert google.call("DELETE", f"/drive/v3/files/{twin['id']}") is None
    assert google.call("GET", f"/drive/v3/files?q={query}&fields=files(id)") == {"files": []}
    with pytest.raises(ApiError, match="does not have sufficient permissions"):
        google.call("DELETE", f"/drive/v3/files/{google.id}")


_SHEET = "application/vnd.google-apps.spreadsheet"


def _request(target: str) -> Any:
    from moneymentor_sync.sandbox.messages import Request

    return Request.of("GET", target)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("name = 'Book'", True),
        ('name != "Book"', False),
        ("name contains 'oo' and mimeType = 'application/vnd.google-apps.spreadsheet'", True),
        ("not name contains 'x' and 'me' in owners", False),
        ("'owner@sandbox.example' in owners", True),
        ('parents in "elsewhere"', False),
        ("modifiedTime > '2020-01-01T00:00:00' and trashed = false", True),
    ],
)
def test_drive_searches(google: Google, query: str, found: bool) -> None:
    answer = google.call("GET", f"/drive/v3/files?q={quote(query)}&fields=files(id)")
    assert answer == {"files": [{"id": google.id}] if found else []}


def test_a_search_that_drive_cannot_read(google: Google) -> None:
    with pytest.raises(ApiError, match="Invalid Value"):
        google.call("GET", f"/drive/v3/files?q={quote('name like x')}")


def test_sharing_and_unsharing(google: Google) -> None:
    path = f"/drive/v3/files/{google.id}/permissions"
    anyone = google.call("POST", path, {"role": "reader", "type": "anyone"})
    assert anyone == {"kind": "drive#permission", "id": "anyoneWithLink", "type": "anyone", "role": "reader"}
    assert google.call("GET", "?fields=spreadsheetId", caller=STRANGER) == {"spreadsheetId": google.id}
    listed = google.call("GET", f"{path}?fields=permissions(emailAddress,role)")["permissions"]
    assert {"emailAddress": ME, "role": "writer"} in listed
    google.call("DELETE", f"{path}/anyoneWithLink")
    with pytest.raises(ApiError, match="The caller does not have permission"):
        google.call("GET", "?fields=spreadsheetId", caller=STRANGER)


# --- messages that do not fit -----------------------------------------------------------------------------


TYPES = "type.googleapis.com/google.apps.sheets.v4."


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"addSheet": {"properties": {"is": "x"}}},
            (
                "Invalid JSON payload received. Unknown name \"is\" at 'requests[0].add_sheet.properties': "
                "Cannot find field."
            ),
        ),
        (
            {"deleteSheet": {"sheetId": "many"}},
            "Invalid value at 'requests[0].delete_sheet.sheet_id' (TYPE_INT32), \"many\"",
        ),
        (
            {"sortRange": {"range": 0}},
            f"Invalid value at 'requests[0].sort_range.range' ({TYPES}GridRange), 0",
        ),
        (
            {"mergeCells": {"mergeType": "ALL"}},
            f"Invalid value at 'requests[0].merge_cells.merge_type' ({TYPES}Enum), \"ALL\"",
        ),
        (
            {"addProtectedRange": {"protectedRange": {"warningOnly": 3}}},
            "Invalid value at 'requests[0].add_protected_range.protected_range.warning_only' (TYPE_BOOL), 3",
        ),
    ],
)
def test_a_message_that_does_not_fit(google: Google, request_: Any, message: str) -> None:
    assert refused(google, request_) == message


def test_names_in_snake_case_are_taken(google: Google) -> None:
    google.batch({"addSheet": {"properties": {"sheet_id": "7", "grid_properties": {"row_count": 3}}}})
    assert google.document.sheet(7).row_count == 3


def any_message(name: str, depth: int = 4) -> st.SearchStrategy[Any]:
    """Messages of that name with fields that Google knows, and values that mostly make no sense together."""
    fields = schemas()[name].get("properties", {})
    optional = {
        field: any_value(schema, depth - 1) for field, schema in fields.items() if depth or "$ref" not in schema
    }
    return st.fixed_dictionaries({}, optional=optional)


def any_value(schema: Any, depth: int) -> st.SearchStrategy[Any]:
    if "$ref" in schema:
        return any_message(schema["$ref"], depth) if depth > 0 else st.just({})
    kind = schema.get("type")
    if kind == "array":
        return st.lists(any_value(schema["items"], depth), max_size=2)
    if kind == "integer":
        return st.integers(-1, 21)
    if kind == "number":
        return st.floats(0, 1)
    if kind == "boolean":
        return st.booleans()
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    return st.sampled_from(["", "A1", "x", "*", "sheetId", "note", "title", "=A1", "Sheet1"])


@cache
def any_body(kind: str) -> st.SearchStrategy[Any]:
    return any_message(request_message(kind) or "")


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_request_whatever_it_holds_is_a_crash(google: Google, data: Any) -> None:
    """It is carried out, or refused with a status below 500; and what it leaves can be read."""
    kind = data.draw(st.sampled_from(sorted(KINDS)))
    try:
        google.batch({kind: data.draw(any_body(kind))})
    except ApiError as refusal:
        assert refusal.code < 500
    else:
        google.call("GET", "?includeGridData=true")


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("PUT", "/values/A1?valueInputOption=RAW"),
        ("POST", "/values/A1:append?valueInputOption=USER_ENTERED"),
        ("POST", "/values:batchUpdate"),
        ("POST", "/values:batchUpdateByDataFilter"),
        ("POST", "/values:batchClear"),
        ("POST", "/values:batchClearByDataFilter"),
        ("POST", "/values:batchGetByDataFilter"),
        ("POST", "/developerMetadata:search"),
        ("POST", ":getByDataFilter"),
        ("POST", "/sheets/0:copyTo"),
        ("POST", ":batchUpdate"),
        ("POST", "/v4/spreadsheets"),
    ],
)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_body_whatever_it_holds_is_a_crash(google: Google, method: str, target: str, data: Any) -> None:
    inner = st.recursive(
        st.sampled_from([None, True, 1, "", "A1", "RAW"]),
        lambda more: st.one_of(
            st.lists(more, max_size=2),
            st.dictionaries(st.sampled_from(["a1Range", "x", "range"]), more, max_size=2),
        ),
        max_leaves=4,
    )
    names = (
        "values range data dataFilters dataFilter ranges valueInputOption majorDimension properties sheets requests"
    )
    body = data.draw(st.dictionaries(st.sampled_from(names.split()), inner, max_size=4))
    try:
        google.call(method, target, body)
    except ApiError as refusal:
        assert refusal.code < 500
