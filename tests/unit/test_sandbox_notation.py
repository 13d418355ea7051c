"""The sandbox's A1 notation and field masks."""

from __future__ import annotations

import pytest

from moneymentor_sync.sandbox import ApiError, a1, masks
from moneymentor_sync.sandbox.a1 import Area, Box


@pytest.mark.parametrize(
    ("text", "area"),
    [
        ("B2", Area(1, 2, 1, 2)),
        ("A1:C3", Area(0, 3, 0, 3)),
        ("C3:A1", Area(0, 3, 0, 3)),
        ("A:C", Area(None, None, 0, 3)),
        ("2:3", Area(1, 3, None, None)),
        ("A5:B", Area(4, None, 0, 2)),
        ("A1:1", Area(0, 1, 0, None)),
        ("$B$2:$C$3", Area(1, 3, 1, 3)),
        ("R2C3", Area(1, 2, 2, 3)),
        ("ZZZ1", Area(0, 1, 18_277, 18_278)),
    ],
)
def test_a_range_is_read(text: str, area: Area) -> None:
    assert a1.parse_area(text) == area


@pytest.mark.parametrize("text", ["", "Sheet1", "A0", "A1:", "A", "1", "A1:B2:C3", "AAAA1", "B 2"])
def test_what_is_no_range_is_none(text: str) -> None:
    assert a1.parse_area(text) is None


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Sheet1", "Sheet1"),
        ("quiz_responses", "quiz_responses"),
        ("D3", "'D3'"),
        ("R1C1", "'R1C1'"),
        ("my tab", "'my tab'"),
        ("I'm a new title", "'I''m a new title'"),
        ("2026", "'2026'"),
    ],
)
def test_titles_are_quoted_where_they_could_be_taken_for_more(title: str, shown: str) -> None:
    assert a1.quoted(title) == shown
    assert a1.split_title(f"{shown}!A1") == (title, "A1")


def test_quotes_that_do_not_match_are_no_title() -> None:
    with pytest.raises(ValueError, match="It's"):
        a1.split_title("'It's'!A1")


def test_a_box_is_written_as_google_writes_it() -> None:
    assert a1.box_name("T", Box(0, 1, 0, 1)) == "T!A1"
    assert a1.box_name("T", Box(0, 1000, 0, 26)) == "T!A1:Z1000"
    assert a1.area_name("T", Area(1000, None, 0, 2)) == "T!A1001:B"


@pytest.mark.parametrize("number", [0, 25, 26, 701, 702, 18_277])
def test_letters_and_numbers_of_columns_are_inverse(number: int) -> None:
    assert a1.column_number(a1.letters(number)) == number


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("a,b", {"a": {}, "b": {}}),
        (
            "sheets(properties(title, sheet_id),data)",
            {"sheets": {"properties": {"title": {}, "sheetId": {}}, "data": {}}},
        ),
        ("sheets.properties.title", {"sheets": {"properties": {"title": {}}}}),
        ("sheets/data/rowData", {"sheets": {"data": {"rowData": {}}}}),
        ("a.b,a", {"a": {}}),
        ("a,a.b", {"a": {}}),
        ("a(*)", {"a": {}}),
        ("a.*", {"a": {}}),
        ("*", {}),
        ("a,*", {}),
        (" a ( b , c ) ", {"a": {"b": {}, "c": {}}}),
        ("a.b,a.c", {"a": {"b": {}, "c": {}}}),
    ],
)
def test_a_mask_is_read(text: str, mask: masks.Mask) -> None:
    assert masks.parse(text) == mask


@pytest.mark.parametrize("text", ["a(", "a)", "a..b", ",", "a(b", "a;b", "(a)"])
def test_a_mask_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(ApiError) as refusal:
        masks.parse(text)
    assert refusal.value.code == 400


def test_a_mask_selects_inside_lists() -> None:
    value = {"sheets": [{"properties": {"title": "T", "index": 0}, "data": []}], "properties": {"locale": "en"}}
    wanted = masks.parse("sheets.properties.title")
    assert masks.select(value, wanted) == {"sheets": [{"properties": {"title": "T"}}]}


def test_a_masked_field_that_is_absent_is_cleared() -> None:
    before = {"textFormat": {"bold": True, "italic": True}, "wrapStrategy": "CLIP"}
    after = masks.update(before, {"textFormat": {"italic": False}}, masks.parse("textFormat(bold,italic)"))
    assert after == {"textFormat": {"italic": False}, "wrapStrategy": "CLIP"}
