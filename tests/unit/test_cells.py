"""Values as cells: guarantee 5, by values and by properties."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.cells import (
    CUT_MARK,
    MAX_TEXT,
    CellRules,
    Converter,
    pack_row,
    serial,
    unpack_row,
)
from moneymentor_sync.core.errors import UnsupportedValueError
from moneymentor_sync.core.settings import CellType, LongText


def cell(value: Any, cell_type: CellType | None = None, *, zone: str = "UTC", long_text: LongText = "cut") -> Any:
    converter = Converter("column", cell_type, CellRules(ZoneInfo(zone), long_text))
    return converter.convert(unpack_row(pack_row((value,)))[0])


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (False, False),
        (0, 0.0),
        (-7, -7.0),
        (2**53, float(2**53)),
        (2**53 + 1, "9007199254740993"),
        (-(2**53) - 1, "-9007199254740993"),
        (10**400, "1" + "0" * 400),
        (1.5, 1.5),
        (-0.0, 0.0),
        (float("nan"), "NaN"),
        (float("inf"), "Infinity"),
        (float("-inf"), "-Infinity"),
        (Decimal("12.50"), 12.5),
        (Decimal("0.1"), 0.1),
        (Decimal("0"), 0.0),
        (Decimal("123456789012345"), 123456789012345.0),
        (Decimal("1234567890.123456"), "1234567890.123456"),
        (Decimal("1E+400"), "1" + "0" * 400),
        (Decimal("1E-400"), "0." + "0" * 399 + "1"),
        (Decimal("1.5000000000000000000"), 1.5),
        (Decimal("NaN"), "NaN"),
        (Decimal("-Infinity"), "-Infinity"),
        ("", None),
        (UUID(int=7), "00000000-0000-0000-0000-000000000007"),
        ({"a": [1, None], "ü": "x"}, '{"a": [1, null], "ü": "x"}'),
        ([1, "b", Decimal("2.5")], '[1, "b", "2.5"]'),
        (timedelta(days=1, hours=12), 1.5),
        (time(6, 0), 0.25),
        (date(1899, 12, 31), 1.0),
        (datetime(2026, 11, 23, 12, 0), 46349.5),
        (datetime(2026, 11, 23, 12, 0, tzinfo=UTC), 46349.5),
    ],
)
def test_value_arrives_as_what_it_is(value: Any, expected: Any) -> None:
    result = cell(value)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    "text", ["007", "=1+1", "+49 170", "-1", "@x", "'x", "TRUE", "1/2", "1e3", " a ", "😀", "\t", "a\nb"]
)
def test_text_stays_text_to_the_letter(text: str) -> None:
    assert cell(text) == text
    assert cell(text, "text") == text


def test_a_zoned_time_is_shown_in_the_configured_zone() -> None:
    noon = datetime(2026, 7, 1, 12, 0, tzinfo=timezone(timedelta(hours=2)))
    assert cell(noon, zone="UTC") == serial(datetime(2026, 7, 1, 10, 0))
    assert cell(noon, zone="America/New_York") == serial(datetime(2026, 7, 1, 6, 0))
    assert cell(datetime(2026, 7, 1, 12, 0), zone="America/New_York") == serial(datetime(2026, 7, 1, 12, 0))


def test_the_first_and_last_hours_of_the_calendar_survive_any_zone() -> None:
    assert cell(datetime(1, 1, 1, 0, 0, tzinfo=UTC), zone="America/New_York") is not None
    assert cell(datetime(9999, 12, 31, 23, 59, tzinfo=UTC), zone="Asia/Tokyo") is not None


@pytest.mark.parametrize(
    ("value", "cell_type", "expected"),
    [
        ("2026-11-23T12:00:00+00:00", "datetime", 46349.5),
        ("2026-11-23 12:00:00", "datetime", 46349.5),
        ("N/A", "datetime", "N/A"),
        ("2026-11-23 12:00:00", "date", 46349.0),
        (date(2026, 11, 23), "datetime", 46349.0),
        (1, "boolean", True),
        ("f", "boolean", False),
        (0.0, "boolean", False),
        ("perhaps", "boolean", "perhaps"),
        ("12.50", "number", 12.5),
        ("0.30000000000000004", "number", "0.30000000000000004"),
        ("many", "number", "many"),
        (True, "number", 1.0),
        (7, "text", "7"),
        (2.5, "text", "2.5"),
        (True, "text", "true"),
        (Decimal("1.50"), "text", "1.50"),
        (None, "text", None),
        (None, "datetime", None),
    ],
)
def test_a_column_type_says_what_a_value_is(value: Any, cell_type: CellType, expected: Any) -> None:
    result = cell(value, cell_type)
    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize("value", [b"\x00\x01", bytearray(b"x"), memoryview(b"x")])
def test_binary_data_is_refused_by_column_and_without_the_value(value: Any) -> None:
    with pytest.raises(UnsupportedValueError, match="'column' holds binary data") as caught:
        cell(value)
    assert "hex" in caught.value.hint


def test_long_text_is_cut_with_a_mark_and_counted() -> None:
    converter = Converter("c", None, CellRules(UTC))
    result = converter.convert("x" * (MAX_TEXT + 1))
    assert isinstance(result, str)
    assert len(result) == MAX_TEXT
    assert result.endswith(CUT_MARK)
    assert converter.cut == 1
    assert converter.convert("x" * MAX_TEXT) == "x" * MAX_TEXT
    assert converter.cut == 1


def test_long_text_is_counted_in_utf16_and_never_cut_within_a_character() -> None:
    result = cell("😀" * MAX_TEXT)
    assert len(result.encode("utf-16-le")) // 2 <= MAX_TEXT
    assert result.removesuffix(CUT_MARK).strip("😀") == ""


def test_long_text_is_refused_where_that_is_the_setting() -> None:
    with pytest.raises(UnsupportedValueError, match="50,000"):
        cell("x" * (MAX_TEXT + 1), long_text="refuse")


def test_what_no_cell_can_hold_becomes_a_mark_and_is_counted() -> None:
    converter = Converter("c", None, CellRules(UTC))
    assert converter.convert("a\x00b\ud800c") == "a\ufffdb\ufffdc"
    assert converter.convert("fine") == "fine"
    assert converter.replaced == 1


def test_a_column_knows_what_kind_of_values_it_met() -> None:
    for value, kind in [(datetime(2026, 1, 1), "datetime"), (date(2026, 1, 1), "date"), (time(1), "time")]:
        converter = Converter("c", None, CellRules(UTC))
        converter.convert(unpack_row(pack_row((value,)))[0])
        assert converter.kind == kind


plain_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(),
    st.decimals(allow_nan=False),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.dates(),
    st.times(),
    st.uuids(),
)


@given(st.lists(plain_values, max_size=6))
def test_every_value_becomes_a_cell_of_its_own_type(values: list[Any]) -> None:
    for value in values:
        result = cell(value)
        assert result is None or type(result) in (bool, float, str)
        if isinstance(value, str):
            assert result is None or type(result) is str


@given(st.lists(plain_values, max_size=6))
def test_equal_rows_are_packed_to_equal_bytes(values: list[Any]) -> None:
    assert pack_row(tuple(values)) == pack_row(tuple(values.copy()))


def test_one_true_and_one_point_zero_are_packed_differently() -> None:
    assert len({pack_row((value,)) for value in (1, True, 1.0, "1", Decimal(1))}) == 5


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=-(10**10), max_value=10**10))
def test_a_decimal_is_exact_as_a_number_or_as_text(value: Decimal) -> None:
    result = cell(value)
    assert Decimal(repr(result) if isinstance(result, float) else result) == value


def test_a_composite_value_is_shown_as_json_and_never_taken_for_a_tag() -> None:
    assert cell(("n", "5")) == '["n", "5"]'
    assert cell((1, 2, 3)) == "[1, 2, 3]"
    assert cell(("n", "5"), "text") == '["n", "5"]'
