"""Rows of a tab against the desired ones: how many of those that are nobody's are kept."""

from __future__ import annotations

import pytest

from moneymentor_sync.core.cells import CurrentCell
from moneymentor_sync.core.compare import compare
from moneymentor_sync.core.errors import TooManyRowsError
from moneymentor_sync.core.layout import Layout
from tests.unit.grids import HASHER, desired, shape

OF = shape("id", "name")
LAYOUT = Layout(positions=(0, 1))
TABLE = desired(OF, [(1, "Ann"), (2, "Bob")])[0]
Row = list[CurrentCell]
OURS: list[Row] = [[1.0, "Ann"], [2.0, "changed"]]

STRANGE: dict[str, list[Row]] = {
    "absent": [[float(i), "x"] for i in range(10, 20)],
    "keyless": [[None, "x"]] * 10,
    "again": [[1.0, "x"]] * 10,
}


@pytest.mark.parametrize("kind", STRANGE)
def test_rows_in_question_are_kept_up_to_a_number(kind: str) -> None:
    rows = list(enumerate([*OURS, *STRANGE[kind]], start=1))
    found = compare(OF, LAYOUT, rows, TABLE.index, HASHER, 10)
    assert len(getattr(found, kind)) == 10
    assert len(found.changed) == 1
    with pytest.raises(TooManyRowsError, match="more than 9 rows"):
        compare(OF, LAYOUT, rows, TABLE.index, HASHER, 9)


def test_rows_of_very_long_texts_count_for_several() -> None:
    long: list[Row] = [[float(i), "x" * 40_000] for i in range(10, 15)]
    rows = list(enumerate(long, start=1))
    with pytest.raises(TooManyRowsError):
        compare(OF, LAYOUT, rows, TABLE.index, HASHER, 400)
    assert len(compare(OF, LAYOUT, rows, TABLE.index, HASHER, 600).absent) == 5


def test_rows_to_which_nothing_is_done_are_counted_and_forgotten() -> None:
    rows = list(enumerate([*OURS, *STRANGE["absent"]], start=1))
    found = compare(OF, LAYOUT, rows, TABLE.index, HASHER, 4, keep_all=False)
    assert (len(found.absent), found.unkept, found.rows_before) == (4, 6, 12)
    assert len(found.matched) == 2
