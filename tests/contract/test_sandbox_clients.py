"""Real clients against the sandbox: pygsheets and gspread do their usual work and see what they expect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import google.oauth2.service_account
import httplib2
import pygsheets
import pytest
from tests.contract.sandbox_http import SCOPES

from moneymentor_sync.sandbox import Formula, Sandbox

gspread = pytest.importorskip(
    "gspread", reason="gspread is not installed: its part of the clients' tests did not run"
)


class ToSandbox(httplib2.Http):  # type: ignore[misc]
    """pygsheets' transport with Google's two roots swapped for the sandbox's."""

    def __init__(self, url: str) -> None:
        super().__init__(timeout=10)
        self._url = url

    def request(self, uri: str, *rest: Any, **more: Any) -> Any:
        for root in ("https://sheets.googleapis.com", "https://www.googleapis.com"):
            uri = uri.replace(root, self._url)
        return super().request(uri, *rest, **more)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("clients"), quota=None) as box:
        yield box


@pytest.fixture
def py_client(box: Sandbox) -> Iterator[Any]:
    credentials = google.oauth2.service_account.Credentials.from_service_account_file(
        str(box.credentials_file), scopes=SCOPES
    )
    with closing(ToSandbox(box.url)) as http:
        yield pygsheets.authorize(custom_credentials=credentials, http=http, retries=0, check=False)


@pytest.fixture
def py_book(py_client: Any) -> Any:
    return py_client.create("pygsheets")


@pytest.fixture
def g_client(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """gspread with its constants pointed at the sandbox."""
    from gspread import client, http_client, spreadsheet, urls, worksheet

    for module in (client, http_client, spreadsheet, urls, worksheet):
        for name, value in vars(module).copy().items():
            if isinstance(value, str) and name.endswith("_URL") and "googleapis.com" in value:
                swapped = value.replace("https://sheets.googleapis.com", box.url)
                monkeypatch.setattr(module, name, swapped.replace("https://www.googleapis.com", box.url))
    found = gspread.service_account(filename=str(box.credentials_file))
    yield found
    found.http_client.session.close()
    found.http_client.session._auth_request.session.close()


@pytest.fixture
def g_book(g_client: Any) -> Any:
    return g_client.create("gspread")


# --- pygsheets --------------------------------------------------------------------------------------------


def test_pygsheets_writes_and_reads_values(box: Sandbox, py_book: Any) -> None:
    tab = py_book.sheet1
    tab.update_values("A1", [["name", "n"], ["=1+1", 2.5], ["007", True]], parse=False)
    assert box.grid(py_book.id, "Sheet1") == [["name", "n"], ["=1+1", 2.5], ["007", True]]
    assert tab.get_values("A1", "B3") == [["name", "n"], ["=1+1", "2.5"], ["007", "TRUE"]]
    tab.update_value("C1", "=B2*2")
    assert tab.get_value("C1") == "5"
    assert tab.cell("C1").formula == "=B2*2"
    tab.clear("A1", "A3")
    assert tab.get_col(1, include_tailing_empty=False) == []


def test_pygsheets_appends_and_finds(py_book: Any) -> None:
    tab = py_book.sheet1
    tab.update_values("A1", [["a", "b"]])
    tab.append_table([["c", "d"], ["e", "f"]])
    assert tab.get_all_values(include_tailing_empty=False, include_tailing_empty_rows=False) == [
        ["a", "b"],
        ["c", "d"],
        ["e", "f"],
    ]
    assert [cell.label for cell in tab.find("d")] == ["B2"]
    assert tab.replace("d", "D") is None
    assert tab.get_value("B2") == "D"


def test_pygsheets_changes_rows_columns_and_size(py_book: Any) -> None:
    tab = py_book.sheet1
    tab.update_values("A1", [["a", "b"], ["c", "d"]])
    tab.insert_rows(1, values=["x", "y"])
    tab.insert_cols(1, values=["p", "q", "r"])
    assert tab.get_values("A1", "C3") == [["a", "p", "b"], ["x", "q", "y"], ["c", "r", "d"]]
    tab.delete_rows(2)
    tab.delete_cols(2)
    assert tab.get_values("A1", "B2") == [["a", "b"], ["c", "d"]]
    tab.resize(50, 5)
    tab.add_rows(5)
    tab.frozen_rows = 1
    tab.refresh()
    assert (tab.rows, tab.cols, tab.frozen_rows) == (55, 5, 1)
    tab.hide_dimensions(1)
    tab.adjust_column_width(1, 2, 200)
    tab.sort_range("A1", "B2", basecolumnindex=0, sortorder="DESCENDING")
    assert tab.get_values("A1", "B2") == [["c", "d"], ["a", "b"]]


def test_pygsheets_handles_tabs(box: Sandbox, py_book: Any) -> None:
    second = py_book.add_worksheet("second", rows=10, cols=4, index=0)
    second.title = "renamed"
    assert sorted(box.tabs(py_book.id)) == ["Sheet1", "renamed"]
    second.hidden = True
    copy = py_book.add_worksheet("copy", src_worksheet=py_book.sheet1)
    assert copy.rows == 1000
    py_book.del_worksheet(copy)
    py_book.title = "new title"
    py_book.fetch_properties()
    assert py_book.title == "new title"
    assert len(py_book.worksheets()) == 2


def test_pygsheets_formats_and_notes(box: Sandbox, py_book: Any) -> None:
    cell = py_book.sheet1.cell("B2")
    cell.value = "x"
    cell.note = "a note"
    cell.color = (1.0, 0.5, 0.0, 1.0)
    cell.set_text_format("bold", True)
    assert box.notes(py_book.id, "Sheet1") == {(1, 1): "a note"}
    format_ = box.formats(py_book.id, "Sheet1")[1, 1]
    assert (format_["textFormat"]["bold"], format_["backgroundColor"]["green"]) == (True, 0.5)
    py_book.sheet1.get_values("A1", "A2", returnas="range").apply_format(
        pygsheets.Cell("A1").set_text_format("italic", True)
    )
    assert box.formats(py_book.id, "Sheet1")[1, 0]["textFormat"]["italic"] is True


def test_pygsheets_names_and_protects(box: Sandbox, py_book: Any) -> None:
    tab = py_book.sheet1
    span = {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 3, "startColumnIndex": 0, "endColumnIndex": 1}
    named_range = {"namedRangeId": "n.1", "name": "numbers", "range": span}
    py_book.custom_request({"addNamedRange": {"namedRange": named_range}}, fields="*")
    tab.update_values("A1", [[1], [2], [3]])
    named = tab.get_named_range("numbers")
    assert [cells[0].value for cells in named.cells] == ["1", "2", "3"]
    tab.delete_named_range("numbers")
    protected = tab.create_protected_range("A1", "A2")
    assert protected.protected
    tab.remove_protected_range(protected.protect_id)
    tab.set_data_validation("B1", "B2", condition_type="ONE_OF_LIST", condition_values=["a", "b"])
    assert box.document(py_book.id).sheets[0].style(0, 1) is not None


def test_pygsheets_developer_metadata(py_book: Any) -> None:
    py_book.create_developer_metadata("watermark", "7")
    found = py_book.get_developer_metadata("watermark")
    assert [item.value for item in found] == ["7"]
    found[0].delete()
    assert py_book.get_developer_metadata("watermark") == []


def test_pygsheets_drive_and_sharing(box: Sandbox, py_client: Any, py_book: Any) -> None:
    assert py_book.id in [item["id"] for item in py_client.drive.spreadsheet_metadata()]
    py_book.share("friend@example.com", role="reader")
    assert box.document(py_book.id).role("friend@example.com") == "reader"
    assert {item["role"] for item in py_book.permissions} == {"owner", "reader"}
    py_book.remove_permission("friend@example.com")
    assert box.document(py_book.id).role("friend@example.com") is None
    with pytest.raises(pygsheets.SpreadsheetNotFound):
        py_client.open("nowhere to be found")
    py_book.delete()
    assert py_book.id not in box.library.documents


def test_pygsheets_sends_a_batch_of_its_own(box: Sandbox, py_client: Any) -> None:
    """The way the product writes: batchUpdate directly, an error comes back at once and in Google's words."""
    from googleapiclient.errors import HttpError

    request = {"deleteNamedRange": {"namedRangeId": "none"}}
    with pytest.raises(HttpError) as refusal:
        py_client.sheet.batch_update(box.spreadsheet_id, [request])
    assert refusal.value.status_code == 400
    assert "Invalid requests[0].deleteNamedRange: No NamedRange with id: none" in str(refusal.value)


# --- gspread ----------------------------------------------------------------------------------------------


def test_gspread_writes_and_reads_values(box: Sandbox, g_book: Any) -> None:
    tab = g_book.sheet1
    tab.update([["name", "n"], ["=1+1", 2.5]], "A1")
    tab.update_acell("C1", "=B2*2")
    assert tab.get_all_values() == [["name", "n", "5"], ["=1+1", "2.5", ""]]
    assert tab.acell("C1", value_render_option="FORMULA").value == "=B2*2"
    assert box.grid(g_book.id, "Sheet1")[0][2] == Formula("=B2*2")
    tab.batch_update([{"range": "A5:B5", "values": [[1, 2]]}, {"range": "A7", "values": [["x"]]}])
    assert tab.batch_get(["A5:B5", "A7"]) == [[["1", "2"]], [["x"]]]
    tab.batch_clear(["A5:B5"])
    assert tab.get("A5:B7") == [[], [], ["x"]]


def test_gspread_appends_inserts_deletes_and_sorts(g_book: Any) -> None:
    tab = g_book.sheet1
    tab.append_rows([["b", 2], ["a", 1]])
    tab.insert_row(["head", "n"], 1)
    tab.insert_cols([["new", "x", "y"]], 2)
    assert tab.get_all_values() == [["head", "new", "n"], ["b", "x", "2"], ["a", "y", "1"]]
    tab.sort((1, "asc"), range="A2:C3")
    assert tab.col_values(1) == ["head", "a", "b"]
    tab.delete_columns(2)
    tab.delete_rows(1)
    assert tab.get_all_values() == [["a", "1"], ["b", "2"]]
    assert tab.find("b").address == "A2"


def test_gspread_handles_tabs(g_book: Any) -> None:
    second = g_book.add_worksheet("second", rows=10, cols=4)
    second.update_title("renamed")
    twin = second.duplicate(new_sheet_name="twin", insert_sheet_index=0)
    g_book.reorder_worksheets([second, twin, g_book.sheet1])
    titles = [tab.title for tab in g_book.worksheets()]
    assert titles[0] == "renamed"
    assert sorted(titles) == ["Sheet1", "renamed", "twin"]
    second.hide()
    assert [tab.title for tab in g_book.worksheets(exclude_hidden=True)].count("renamed") == 0
    second.show()
    second.freeze(rows=1)
    second.update_tab_color("#ff0000")
    second.hide_gridlines()
    g_book.del_worksheet(twin)
    refreshed = g_book.worksheet("renamed")
    assert (refreshed.frozen_row_count, refreshed.get_tab_color(), refreshed.is_gridlines_hidden) == (
        1,
        "#FF0000",
        True,
    )
    refreshed.clear_tab_color()
    assert g_book.worksheet("renamed").get_tab_color() is None


def test_gspread_formats_filters_merges_groups_and_notes(box: Sandbox, g_book: Any) -> None:
    tab = g_book.sheet1
    tab.resize(20, 20)
    tab.format("A1:B1", {"textFormat": {"bold": True}})
    assert box.formats(g_book.id, "Sheet1") == {(0, 0): {"textFormat": {"bold": True}}} | {
        (0, 1): {"textFormat": {"bold": True}}
    }
    tab.set_basic_filter()
    sheet = g_book.fetch_sheet_metadata()["sheets"][0]
    assert sheet["basicFilter"] == {
        "range": {"startRowIndex": 0, "endRowIndex": 20, "startColumnIndex": 0, "endColumnIndex": 20}
    }
    tab.clear_basic_filter()
    tab.merge_cells("A3:B4")
    tab.unmerge_cells("A3:B4")
    tab.add_dimension_group_rows(2, 5)
    tab.delete_dimension_group_rows(2, 5)
    tab.insert_notes({"A1": "one", "B2": "two"})
    assert tab.get_notes() == [["one"], ["", "two"]]
    tab.clear_note("A1")
    assert tab.get_note("A1") == ""
    assert "basicFilter" not in g_book.fetch_sheet_metadata()["sheets"][0]


def test_gspread_drive(box: Sandbox, g_client: Any, g_book: Any) -> None:
    g_book.share("friend@example.com", perm_type="user", role="writer", notify=False)
    assert {item["role"] for item in g_book.list_permissions()} == {"owner", "writer"}
    assert g_book.remove_permissions("friend@example.com") != []
    g_book.sheet1.update([["a", "b"]], "A1")
    twin = g_client.copy(g_book.id, title="twin")
    assert twin.sheet1.get_all_values() == [["a", "b"]]
    assert g_client.export(g_book.id, gspread.utils.ExportFormat.CSV) == b"a,b"
    g_client.import_csv(twin.id, "x,1\ny,2")
    assert g_client.open_by_key(twin.id).sheet1.get_all_values() == [["x", "1"], ["y", "2"]]
    g_client.del_spreadsheet(twin.id)
    with pytest.raises(gspread.SpreadsheetNotFound):
        g_client.open_by_key(twin.id)


def test_gspread_names_and_protects(g_book: Any) -> None:
    tab = g_book.sheet1
    reply = tab.define_named_range("A1:A3", "numbers")
    range_id = reply["replies"][0]["addNamedRange"]["namedRange"]["namedRangeId"]
    tab.update([[1], [2]], "A1")
    assert tab.get("numbers") == [["1"], ["2"]]
    tab.delete_named_range(range_id)
    assert g_book.list_named_ranges() == []
    protection = tab.add_protected_range("A1:B2")["replies"][0]["addProtectedRange"]["protectedRange"]
    tab.delete_protected_range(protection["protectedRangeId"])
    assert g_book.list_protected_ranges(tab.id) == []


def test_gspread_is_told_what_google_would_tell_it(g_book: Any) -> None:
    with pytest.raises(gspread.exceptions.APIError) as refusal:
        g_book.sheet1.update_acell("A1001", "x")
    assert refusal.value.code == 400
    assert "exceeds grid limits. Max rows: 1000, max columns: 26" in str(refusal.value)
