"""A person's hand in the sandbox: what each edit changes, and what else goes along with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.sandbox import ApiError, Formula
from moneymentor_sync.sandbox.a1 import Area
from moneymentor_sync.sandbox.accounts import OWNER
from moneymentor_sync.sandbox.messages import Request
from moneymentor_sync.sandbox.person import EDITS, Person
from tests.contract.sandbox_google import Google, area, columns_span, rows_span, update_cells

TAB = "Sheet1"


@pytest.fixture
def google(tmp_path: Path) -> Google:
    google = Google(tmp_path)
    google.put("A1:B4", [["key", "n"], ["k3", 3], ["k1", 1], ["k2", 2]])
    return google


@pytest.fixture
def person(google: Google) -> Person:
    return Person(google.service, google.id)


def tab(google: Google, name: str) -> Any:
    return google.call("GET", f"?fields=sheets.{name}")["sheets"][0].get(name)


def test_every_edit_that_is_named_is_a_method() -> None:
    assert {name for name in EDITS if not callable(getattr(Person, name, None))} == set()
    public = {name for name in dir(Person) if not name.startswith("_")}
    assert public - EDITS == {"request", "undo"}


# --- typing and undoing -----------------------------------------------------------------------------------


def test_undo_puts_the_older_value_back_at_its_place(google: Google, person: Person) -> None:
    person.type(TAB, 1, 2, "=B2*2")
    person.type_rows(TAB, 1, 0, [["x", "9"], ["y"]])
    person.type(TAB, 1, 2, "over")
    person.undo()
    assert google.sheet.value(1, 2) == Formula("=B2*2")
    person.undo()
    assert google.get("A2:B3") == [["k3", 3], ["k1", 1]]
    person.undo()
    assert google.sheet.value(1, 2) is None
    with pytest.raises(ApiError, match="nothing to undo"):
        person.undo()


def test_undo_goes_by_the_place_and_not_by_the_row(google: Google, person: Person) -> None:
    person.type(TAB, 1, 0, "k9")
    person.sort(TAB, 0)
    person.undo()
    assert google.get("A2:A4") == [["k3"], ["k2"], ["k9"]]


def test_replacing_goes_through_the_whole_tab(google: Google, person: Person) -> None:
    person.replace(TAB, "k", "key ")
    assert google.get("A1:A4") == [["key ey"], ["key 3"], ["key 1"], ["key 2"]]


# --- cut and copied ---------------------------------------------------------------------------------------


def test_what_points_at_cells_that_are_cut_goes_along_and_metadata_does_not(google: Google, person: Person) -> None:
    person.type_rows(TAB, 9, 0, [["=B2+B3", "=$B$2", "=SUM(B2:B4)"]])
    name = person.name_range("inside", TAB, 1, 2, 0, 2)
    wider = person.name_range("wider", TAB, 1, 4, 0, 2)
    location = {"dimensionRange": rows_span(1, 2)}
    data = {"metadataId": 7, "metadataKey": "row", "location": location, "visibility": "DOCUMENT"}
    google.batch({"createDeveloperMetadata": {"developerMetadata": data}})
    person.cut(TAB, (1, 2, 0, 2), 6, 3)
    assert google.get("A1:B7") == [["key", "n"], [], ["k1", 1], ["k2", 2]]
    assert google.get("D7:E7") == [["k3", 3]]
    formulas = [google.sheet.value(9, column) for column in range(3)]
    assert formulas == [Formula("=E7+B3"), Formula("=$E$7"), Formula("=SUM(B2:B4)")]
    named = google.document.named
    assert (named[name].area, named[wider].area) == (Area(6, 7, 3, 5), Area(1, 4, 0, 2))
    assert google.document.metadata[7].index == 1


def test_what_is_cut_to_another_tab_is_pointed_at_there(google: Google, person: Person) -> None:
    person.add_tab("Other one")
    person.type(TAB, 9, 0, "=B2")
    goal = {"sheetId": google.document.sheets[1].sheet_id, "rowIndex": 0, "columnIndex": 0}
    google.batch({"cutPaste": {"source": area(1, 2, 0, 2), "destination": goal}})
    assert google.sheet.value(9, 0) == Formula("='Other one'!B1")


def test_a_copy_leaves_what_it_was_made_of(google: Google, person: Person) -> None:
    person.note(TAB, 1, 1, "beside k3")
    person.copy(TAB, (1, 2, 0, 2), 6, 0)
    assert google.get("A2:B2") == google.get("A7:B7") == [["k3", 3]]
    assert google.sheet.note(6, 1) == "beside k3"


# --- layers -----------------------------------------------------------------------------------------------


def test_a_filter_that_sorts_moves_rows_and_one_that_does_not_moves_none(google: Google, person: Person) -> None:
    person.filter(TAB)
    assert google.get("A2:A4") == [["k3"], ["k1"], ["k2"]]
    person.filter(TAB, 0)
    assert google.get("A2:A4") == [["k1"], ["k2"], ["k3"]]
    person.clear_filter(TAB)
    assert tab(google, "basicFilter") is None


def test_layers_stay_with_their_rows_and_come_off_again(google: Google, person: Person) -> None:
    view = person.filter_view(TAB, "without k1", 0, ["k1"])
    person.validate(TAB, 1, 4, 3, 4, values=["yes", "no"])
    person.conditional_format(TAB, 1, 4, 1, 2, kind="NUMBER_GREATER", value="2")
    protection = person.protect(TAB, 2, 3, 0, 1)
    person.move_rows(TAB, 2, 3, 1)
    assert tab(google, "filterViews")[0]["criteria"] == {"0": {"hiddenValues": ["k1"]}}
    assert tab(google, "conditionalFormats")[0]["ranges"][0]["endRowIndex"] == 4
    assert tab(google, "protectedRanges")[0]["range"]["startRowIndex"] == 1
    assert google.sheet.style(1, 3) is not None
    person.sort(TAB, 0, descending=True)  # a protection is of a place: rows that are sorted leave it
    assert tab(google, "protectedRanges")[0]["range"]["startRowIndex"] == 1
    person.delete_filter_view(view)
    person.clear_validation(TAB, 1, 4, 3, 4)
    person.delete_conditional_format(TAB)
    person.unprotect(protection)
    found = [tab(google, name) for name in ("filterViews", "conditionalFormats", "protectedRanges")]
    assert found == [None, None, None]
    assert google.sheet.style(1, 3) is None


def test_a_protected_column_keeps_others_from_deleting_or_appending_through_it(
    google: Google, person: Person
) -> None:
    person.protect(TAB, column=1, end_column=2)
    data = [{"values": [{"userEnteredValue": {"stringValue": "k4"}}, {}]}]
    append = {"appendCells": {"sheetId": 0, "rows": data, "fields": "userEnteredValue"}}
    delete = {"deleteDimension": {"range": rows_span(1, 2)}}
    for request in (append, delete, {"sortRange": {"range": area(1, 4, 0, 2)}}):
        with pytest.raises(ApiError, match="protected cell"):
            google.batch(request)
    google.batch(update_cells(1, 0, [["k9"]]))
    assert google.get("A2") == [["k9"]]


def test_others_may_not_push_a_protected_range_apart_but_insert_beside_it(google: Google, person: Person) -> None:
    person.protect(TAB, 1, 3, 1, 3)
    for start in (1, 3):
        google.batch({"insertDimension": {"range": columns_span(start, start + 1)}})
        person.delete_columns(TAB, start)
        google.batch({"insertDimension": {"range": rows_span(start, start + 1)}})
        person.delete_rows(TAB, start)
    for span in (rows_span(2, 3), columns_span(2, 3)):
        with pytest.raises(ApiError, match="protected cell"):
            google.batch({"insertDimension": {"range": span}})


def test_the_api_writes_past_a_validation_rule(google: Google, person: Person) -> None:
    person.validate(TAB, 1, 4, 0, 1, values=["yes", "no"])
    google.batch(update_cells(1, 0, [["maybe"]]))
    style = google.sheet.style(1, 0)
    assert google.get("A2") == [["maybe"]]
    assert style is not None and style.validation is not None


def test_a_merge_leaves_the_first_value_alone(google: Google, person: Person) -> None:
    person.merge(TAB, 1, 3, 0, 2)
    assert google.get("A2:B3") == [["k3"]]
    with pytest.raises(ApiError, match="merged cells"):
        person.sort(TAB, 0)
    person.unmerge(TAB, 1, 3, 0, 2)
    person.sort(TAB, 0)
    assert google.get("A2:A3") == [["k2"], ["k3"]]


# --- tabs -------------------------------------------------------------------------------------------------


def test_what_is_hidden_or_frozen_is_there_all_the_same(google: Google, person: Person) -> None:
    person.add_tab("Other")
    person.hide_rows(TAB, 1, 3)
    person.hide_columns(TAB, 0, 1)
    person.freeze(TAB, 1, 1)
    person.hide_tab(TAB)
    assert google.get("A2") == [["k3"]]
    assert (google.sheet.hidden, google.sheet.frozen_rows, google.sheet.frozen_columns) == (True, 1, 1)
    person.show_rows(TAB, 1, 3)
    person.show_columns(TAB, 0, 1)
    person.show_tab(TAB)
    assert not google.sheet.hidden
    assert not (google.sheet.columns[0] or {}).get("hiddenByUser")


def test_a_duplicate_has_everything_but_the_id(google: Google, person: Person) -> None:
    person.note(TAB, 1, 0, "n")
    person.protect(TAB, 0, 1)
    title = person.duplicate_tab(TAB)
    assert title == f"Copy of {TAB}"
    twin = google.document.titled(title)
    assert twin is not None
    assert twin.sheet_id != google.sheet.sheet_id
    assert (twin.note(1, 0), len(twin.extras.protected)) == ("n", 1)


# --- between two requests ---------------------------------------------------------------------------------


def test_hooks_are_called_before_reads_and_writes_and_after_reads(google: Google) -> None:
    called: list[str] = []
    hooks = google.service.hooks
    hooks.before_read(lambda _: called.append("before read"))
    hooks.after_read(lambda _: called.append("after read"))
    hooks.before_write(lambda _: called.append("before write"))
    google.service.accounts = _Anybody()  # type: ignore[assignment]  # whoever asks may
    google.service.handle(Request.of("GET", f"/v4/spreadsheets/{google.id}/values/A1", {}, b""))
    body = b'{"requests":[{"clearBasicFilter":{"sheetId":0}}]}'
    google.service.handle(Request.of("POST", f"/v4/spreadsheets/{google.id}:batchUpdate", {}, body))
    assert called == ["before read", "after read", "before write"]
    hooks.clear()
    google.service.handle(Request.of("GET", f"/v4/spreadsheets/{google.id}/values/A1", {}, b""))
    assert len(called) == 3


class _Anybody:
    def caller(self, token: str | None) -> str:
        return OWNER
