"""A column of values becomes just the cells that its values become one by one."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.cells import (
    CUT_MARK,
    MAX_EXACT_INTEGER,
    MAX_TEXT,
    CellRules,
    Converter,
    pack_row,
    unpack_row,
)
from moneymentor_sync.core.columns import convert_column
from moneymentor_sync.core.errors import UnsupportedValueError
from moneymentor_sync.core.settings import CellType

TYPES: tuple[CellType | None, ...] = (None, "text", "number", "boolean", "date", "datetime")
RULES = CellRules(ZoneInfo("Europe/Lisbon"))
BIG = 2 * MAX_EXACT_INTEGER
TEXTS = st.one_of(
    st.text(max_size=6),
    st.sampled_from(["", " ", "0", "1", "yes", "1.0", "007", "a\x00b", "\ud800", "N/A", "12.50", "x" * MAX_TEXT]),
    st.dates().map(date.isoformat),
    st.sampled_from(
        ["20260102", "2026-W01", "2026-1-2", "2026-01-02 ", "2026-01-02T03:04:05Z", "2026-01-02 03:04"]
    ),
    st.datetimes().map(lambda moment: moment.isoformat(" ")),
    st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat),
)
KINDS: tuple[st.SearchStrategy[Any], ...] = (
    TEXTS,
    st.dates().map(date.isoformat),
    st.datetimes().map(datetime.isoformat),
    st.integers(-BIG, BIG),
    st.integers(0, 1),
    st.floats(),
    st.floats(-1e6, 1e6),
    st.booleans(),
    st.dates(),
    st.datetimes(),
    st.decimals(allow_nan=False, places=2),
)


def columns() -> st.SearchStrategy[list[Any]]:
    """Columns of one kind of value, with and without NULL, and of all kinds."""
    same = st.one_of([st.lists(kind, max_size=8) | st.lists(kind | st.none(), max_size=8) for kind in KINDS])
    return same | st.lists(st.one_of(*KINDS, st.none()), max_size=8)


def exactly(cells: Any) -> list[tuple[type, str]]:
    """Cells so that 1.0, True and "1", or 0.0 and -0.0, are not the same."""
    return [(type(cell), repr(cell)) for cell in cells]


@given(cell_type=st.sampled_from(TYPES), values=columns())
def test_a_column_becomes_what_its_values_become(cell_type: CellType | None, values: list[Any]) -> None:
    plain = tuple(unpack_row(pack_row((value,)))[0] for value in values)
    at_once, one_by_one = (Converter("column", cell_type, RULES) for _ in range(2))
    cells = convert_column(at_once, plain)
    assert exactly(cells) == exactly(map(one_by_one.convert, plain))
    for name in ("kind", "cut", "replaced"):
        assert getattr(at_once, name) == getattr(one_by_one, name)


@pytest.mark.parametrize(
    ("cell_type", "values", "cells"),
    [
        (None, (1, None, 2**53), (1.0, None, float(2**53))),
        (None, (1, 2**53 + 1), (1.0, "9007199254740993")),
        (None, (-0.0, None, 1.5), (0.0, None, 1.5)),
        (None, (math.inf, 1.0), ("Infinity", 1.0)),
        (None, (1e308, 1e308), (1e308, 1e308)),
        (None, ("a", "", None), ("a", None, None)),
        (None, ("ü\ud800", "ü"), ("ü\ufffd", "ü")),
        ("boolean", (0, 1, None), (False, True, None)),
        ("boolean", (0, 2), (False, 2.0)),
        ("date", ("1899-12-31", None), (1.0, None)),
        ("date", ("1899-12-31", "N/A"), (1.0, "N/A")),
        ("datetime", ("1899-12-31 12:00:00", None), (1.5, None)),
        ("datetime", ("1899-12-31T12:00:00+00:00",), (1.475,)),
    ],
)
def test_the_short_way_and_where_it_ends(cell_type: CellType | None, values: Any, cells: Any) -> None:
    found = convert_column(Converter("column", cell_type, RULES), values)
    assert [type(cell) for cell in found] == [type(cell) for cell in cells]
    assert [cell if isinstance(cell, str | None) else pytest.approx(cell, abs=0.01) for cell in found] == [*cells]


def test_a_text_that_is_too_long_is_cut_and_counted() -> None:
    converter = Converter("column", None, RULES)
    short, long = convert_column(converter, ("short", "x" * (MAX_TEXT + 1)))
    assert short == "short"
    assert str(long).endswith(CUT_MARK)
    assert converter.cut == 1


def test_what_no_cell_can_hold_is_refused() -> None:
    with pytest.raises(UnsupportedValueError, match="column 'data' holds binary data"):
        convert_column(Converter("data", None, RULES), (b"\x00", None))


def test_decimals_and_moments_keep_their_kind() -> None:
    converter = Converter("column", None, RULES)
    values = unpack_row(pack_row((Decimal("2.50"), date(1899, 12, 31))))
    assert [*convert_column(converter, values)] == [2.5, 1.0]
    assert converter.kind == "date"
