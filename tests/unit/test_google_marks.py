"""What cells have beside values, out of Google's answers; and the one value that is neither."""

from __future__ import annotations

import msgspec
import pytest

from moneymentor_sync.adapters.google_marks import Part, read_marks
from moneymentor_sync.adapters.google_reader import decode_row
from moneymentor_sync.core.cells import CurrentCell, Formula
from moneymentor_sync.core.errors import OvertakenError, UnavailableError
from moneymentor_sync.core.marks import Marks
from moneymentor_sync.core.ports import TabInfo

TEXT = {"numberFormat": {"type": "TEXT", "pattern": "@"}}
TAB = TabInfo(1, "T", rows=6, columns=3)


def row(*cells: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.json.encode({"values": list(cells)}))


def value(text: str, **beside: object) -> dict[str, object]:
    return {"userEnteredValue": {"stringValue": text}, **beside}


HEADER = row(value("a", note="not a row's"), value("b"))
ONE = row(value("x", note="mine"), value("1", userEnteredFormat=TEXT))
TWO = row(value("y"), value("2", userEnteredFormat=TEXT | {"backgroundColor": {"red": 1}}))
BLANK = row({}, {"userEnteredFormat": TEXT})
ROWS: list[tuple[int, list[CurrentCell]]] = [(1, ["x", "1"]), (2, ["y", "2", None])]


def marks(*parts: Part) -> Marks:
    return read_marks(TAB, parts, ROWS, decode_row)


@pytest.mark.parametrize(
    "parts", [[(0, [HEADER, ONE, TWO, row(), BLANK, BLANK])], [(0, [HEADER, ONE]), (2, [TWO, row(), BLANK, BLANK])]]
)
def test_marks_are_those_of_rows_whether_they_come_in_one_or_in_parts(parts: list[Part]) -> None:
    found = marks(*parts)
    assert (set(found.notes), set(found.colours)) == ({1}, {2})
    assert found.as_text == {1: ((1, 3), (4, None))}  # open where it reaches the end of the grid
    assert [found.is_text(index, 1) for index in range(6)] == [False, True, True, False, True, True]
    assert not found.is_text(1, 0)
    assert not found.is_text(1, None)


@pytest.mark.parametrize("rows", [[ONE], [TWO, ONE], [ONE, TWO, TWO], [ONE, row(), TWO]])
def test_rows_that_are_no_longer_where_they_were_are_noticed(rows: list[msgspec.Raw]) -> None:
    with pytest.raises(OvertakenError):
        marks((0, [HEADER, *rows]))


def test_an_answer_that_is_none() -> None:
    with pytest.raises(UnavailableError):
        read_marks(TAB, [(0, [HEADER, msgspec.Raw(b'{"values":[{"note":7}]}')])], [], decode_row)


def test_an_error_that_stands_in_a_cell_equals_no_value() -> None:
    assert decode_row(row({"userEnteredValue": {"errorValue": {"type": "N_A"}}})) == [Formula("#ERROR!")]
