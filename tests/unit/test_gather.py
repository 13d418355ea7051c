"""Rows set aside or kept: the desired table and its cells are the same."""

from __future__ import annotations

from datetime import UTC

import pytest

from moneymentor_sync.adapters.spool import Spool
from moneymentor_sync.core.cells import CellRules, pack_row
from moneymentor_sync.core.errors import KeyNotUniqueError
from moneymentor_sync.core.settings import Dataset
from moneymentor_sync.sync.gather import Gathered, Kept, NewRecords

from .grids import HASHER, desired, shape

ROWS = [(number, f"name {number}", None if number % 3 else number / 4) for number in range(2_500)]
SHAPE = shape("id", "name", "score")
RULES = CellRules(UTC)


def gathered(rows: list[tuple[object, ...]]) -> Gathered:
    packed = Kept(map(pack_row, rows))
    return Gathered(Dataset(name="d", tab="T", spreadsheet_id="s", key=("id",)), SHAPE, packed)


@pytest.mark.parametrize("new_records", [Kept, Spool, lambda: Spool(1)])
def test_the_table_is_the_same_wherever_its_rows_are_meanwhile(new_records: NewRecords) -> None:
    one = gathered([*ROWS])
    table, cells = desired(SHAPE, ROWS)
    assert one.desired(RULES, HASHER, new_records, lambda: None) == table
    assert list(one.desired(RULES, HASHER, new_records, lambda: None).index) == list(table.index)
    assert one.cells(set(table.index)) == cells
    few = set([*table.index][1_000:1_003])
    assert one.cells(few) == {key: cells[key] for key in few}
    assert one.cells(set()) == {}
    one.close()


def test_keys_are_counted_over_all_rows_that_are_converted_at_once() -> None:
    one = gathered([*ROWS[:1_500], ROWS[700], (None, "x", None), *ROWS[1_500:], ROWS[2_400]])
    with pytest.raises(KeyNotUniqueError) as refusal:
        one.desired(RULES, HASHER, Kept, lambda: None)
    assert "1 row(s) with NULL and 2 that repeat it" in str(refusal.value)
    assert refusal.value.offenders == (
        "row 1502 of the result: NULL",
        "row 1501 of the result: as an earlier row",
        "row 2503 of the result: as an earlier row",
    )
