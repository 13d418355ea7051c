"""Whatever a database gives becomes a cell that holds it exactly, comes back as it went, and is never a formula."""

from __future__ import annotations

import json
from datetime import UTC
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from moneymentor_sync.adapters.google_reader import decode_row
from moneymentor_sync.adapters.google_requests import append_cells
from moneymentor_sync.cli.words import shown, unseen_escaped
from moneymentor_sync.core.cells import (
    CUT_MARK,
    MAX_TEXT,
    NOT_IN_CELLS,
    Cell,
    CellRules,
    Converter,
    pack_row,
    unpack_row,
    utf16_units,
)
from moneymentor_sync.core.errors import QueryError, UnsupportedValueError
from moneymentor_sync.core.ports import SourceColumn
from moneymentor_sync.core.rows import Hasher
from moneymentor_sync.core.settings import CellType, Column, Dataset
from moneymentor_sync.core.table import TableBuilder, resolve_shape
from tests.hostile import ESCAPES, LONG, TEXTS

RULES = CellRules(UTC)
HASHER = Hasher(b"k" * 32)
ANY_TEXT = st.text(st.characters(categories=None), max_size=20) | st.sampled_from(
    [text for text in TEXTS if len(text) < 100]
)
NUMBERS = (
    st.integers()
    | st.floats()
    | st.decimals()
    | st.integers(300, 70_000).map(lambda digits: Decimal(f"-1.5E+{digits}"))
    | st.sampled_from([10**400, Decimal("1E+400"), Decimal("1E-400"), 2**53, 2**53 + 1, -0.0, 5e-324, 1.7e308])
)
TYPES: tuple[CellType | None, ...] = (None, "text", "number", "boolean", "date", "datetime")


def converted(value: Any, cell_type: CellType | None = None) -> tuple[Cell, Converter]:
    converter = Converter("column", cell_type, RULES)
    return converter.convert(unpack_row(pack_row((value,)))[0]), converter


def comes_back(cells: tuple[Cell, ...]) -> list[Any]:
    """The cells after they were written into a request, and read from an answer with the same cells."""
    request = json.loads(append_cells(1, [cells]))
    return decode_row(msgspec.Raw(json.dumps(request["appendCells"]["rows"][0]).encode()))


@given(ANY_TEXT, st.sampled_from([None, "text"]))
def test_text_is_a_cell_to_the_letter_or_says_that_it_is_not(text: str, cell_type: CellType | None) -> None:
    cell, converter = converted(text, cell_type)
    assert cell == (NOT_IN_CELLS.sub("\ufffd", text) or None)
    assert converter.replaced == bool(NOT_IN_CELLS.search(text))
    assert comes_back((cell,)) == [cell]


@given(NUMBERS, st.sampled_from([None, "number", "text"]))
@example(10**4_400 + 1, None)
@example(10**49_999, "text")
@example(10**50_000, "number")
@settings(deadline=None, max_examples=60)
def test_a_number_is_exact_as_a_number_or_as_text(value: Any, cell_type: CellType | None) -> None:
    cell, converter = converted(value, cell_type)
    if isinstance(cell, str) and cell.endswith(CUT_MARK):
        assert converter.cut == 1
        assert len(cell) == MAX_TEXT
        assert len(format(Decimal(value), "f")) > MAX_TEXT
    elif not Decimal(value).is_finite():
        assert str(cell).lower().lstrip("-") in ("nan", "snan", "infinity", "inf")
    elif isinstance(value, float):
        assert float(cell) == value  # type: ignore[arg-type]  # a text or a number
    else:
        assert Decimal(repr(cell) if isinstance(cell, float) else str(cell)) == Decimal(value)
    assert comes_back((cell,)) == [cell]


@settings(deadline=None, max_examples=60)
@given(st.lists(ANY_TEXT | NUMBERS | st.none() | st.booleans(), min_size=1, max_size=6), st.sampled_from(TYPES))
def test_a_row_read_back_has_the_hash_with_which_it_was_written(
    values: list[Any], cell_type: CellType | None
) -> None:
    cells = tuple(converted(value, cell_type)[0] for value in values)
    again = tuple(comes_back(cells))
    assert HASHER.row(again) == HASHER.rows([cells])[0]
    assert HASHER.key(again) == HASHER.keys([cells])[0]


@given(ANY_TEXT, ANY_TEXT)
def test_keys_that_differ_in_anything_a_cell_holds_are_two(one: str, other: str) -> None:
    first, second = (converted(text)[0] for text in (one, other))
    assert (HASHER.key((first,)) == HASHER.key((second,))) == (first == second)
    if NOT_IN_CELLS.search(one + other) is None:
        assert (first == second) == (one == other)


def test_a_number_a_text_and_a_truth_are_three_keys() -> None:
    cells = [converted(value)[0] for value in (1, "1", "1.0", True, "TRUE", 1.5)]
    assert len({HASHER.key((cell,)) for cell in cells}) == len(cells)
    assert HASHER.key((converted(1.0)[0],)) == HASHER.key((converted(1)[0],))


@pytest.mark.parametrize("text", LONG)
def test_as_many_characters_as_a_cell_holds_stay_and_one_more_is_cut(text: str) -> None:
    cell, converter = converted(text)
    assert (cell, converter.cut) == (text, 0)
    for more in (text + "x", "x" + text):
        cell, converter = converted(more)
        assert isinstance(cell, str)
        assert utf16_units(cell) <= MAX_TEXT
        assert more.startswith(cell.removesuffix(CUT_MARK))
        assert converter.cut == 1
        with pytest.raises(UnsupportedValueError, match="more than 50,000 characters"):
            Converter("column", None, CellRules(UTC, "refuse")).convert(more)


UNLIKE: list[tuple[CellType, Any, Cell]] = [
    ("date", "soon", "soon"),
    ("datetime", "infinity", "infinity"),
    ("datetime", "10000-01-01", "10000-01-01"),
    ("datetime", 5, 5.0),
    ("boolean", "perhaps", "perhaps"),
    ("boolean", 2, 2.0),
    ("number", "many", "many"),
    ("number", "1_000", "1_000"),
    ("number", "\uff11\uff12", "\uff11\uff12"),
    ("number", "nan", "nan"),
    ("number", "1e99999999999999999999", "1e99999999999999999999"),
]


@pytest.mark.parametrize(("cell_type", "value", "expected"), UNLIKE)
def test_a_value_that_is_not_of_its_columns_type_arrives_and_is_counted(
    cell_type: CellType, value: Any, expected: Cell
) -> None:
    column = Column("c", "c", type=cell_type)
    dataset = Dataset(name="d", tab="d", key=("id",), spreadsheet_id="s", columns=(Column("id", "id"), column))
    shape = resolve_shape(dataset, [SourceColumn("id"), SourceColumn("c")])
    builder = TableBuilder(shape, RULES, HASHER)
    rows = [(1, value), (2, None), (3, value), (4, "N/A")]
    cells = [row[1] for chunk in builder.chunks(map(pack_row, rows)) for _, row in chunk]
    assert cells == [expected, None, expected, "N/A"]
    assert builder.finish().unlike == (("c", cell_type, 2),)


@pytest.mark.parametrize("header", ["a\x00b", "a\ud800", "x" * 50_001, "😀" * 25_001, " ", "", "\u2003"])
def test_a_header_that_no_cell_can_hold_is_refused_in_one_short_line(header: str) -> None:
    dataset = Dataset(name="d", tab="d", key=("id",), spreadsheet_id="s")
    with pytest.raises(QueryError) as caught:
        resolve_shape(dataset, [SourceColumn("id"), SourceColumn(header)])
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


def test_a_message_names_some_of_very_many_columns() -> None:
    dataset = Dataset(name="d", tab="d", key=("id",), spreadsheet_id="s")
    with pytest.raises(QueryError, match="and 1,980 more") as caught:
        resolve_shape(dataset, [SourceColumn(f"c{i}" * 100) for i in range(2_000)])
    assert len(str(caught.value)) < 3_000


@given(ANY_TEXT | st.sampled_from(ESCAPES))
def test_nothing_that_a_terminal_would_obey_is_shown_and_json_says_the_same(text: str) -> None:
    assert shown(text).replace("\n", "").isprintable()
    assert shown(shown(text)) == shown(text)
    document = unseen_escaped(json.dumps({text: [text]}, ensure_ascii=False))
    assert document.isprintable()
    assert json.loads(document) == {text: [text]}
