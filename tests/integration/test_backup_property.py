"""Any tab: saved, wrecked, restored, and equal by the stand-in's own view."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from moneymentor_sync.adapters import google_backup, google_restore
from moneymentor_sync.sandbox import Sandbox

from .saving import Desk, whole
from .workbench import TAB, Workbench

ROWS, COLUMNS = 12, 6
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs"]), min_size=1, max_size=12
)
NUMBERS = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False, width=32))
FORMULAS = st.sampled_from(
    ["=1+1", "=A1", '=$B$2&"x"', "=SUM(A1:C3)", "=IFERROR(1/0)", "=NOW()", "=People!A1", '="="&A1', "=1/0"]
)
HOSTILE = st.sampled_from(["=1+1", "'x", "007", "TRUE", "1/2", "+49", "-", "@x", " ", "\t", "\n", "=", "'"])
COLOURS = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from([0.25, 0.5, 1]) for name in ("red", "green", "blue")}
)
FORMATS = st.fixed_dictionaries(
    {},
    optional={
        "textFormat": st.fixed_dictionaries({"bold": st.booleans()}, optional={"fontSize": st.integers(6, 30)}),
        "backgroundColor": COLOURS,
        "numberFormat": st.sampled_from([{"type": "DATE", "pattern": "yyyy-mm-dd"}, {"type": "PERCENT"}]),
        "horizontalAlignment": st.sampled_from(["LEFT", "RIGHT"]),
        "wrapStrategy": st.just("WRAP"),
    },
)  # fmt: skip
RULES = st.sampled_from(
    [
        {"condition": {"type": "ONE_OF_LIST", "values": [{"userEnteredValue": "a"}]}, "strict": True},
        {"condition": {"type": "BOOLEAN"}},
    ]
)
VALUES = st.one_of(
    TEXTS.map(lambda text: {"stringValue": text}),
    HOSTILE.map(lambda text: {"stringValue": text}),
    NUMBERS.map(lambda number: {"numberValue": number}),
    st.booleans().map(lambda truth: {"boolValue": truth}),
    FORMULAS.map(lambda formula: {"formulaValue": formula}),
)
RUNS = st.just([{"startIndex": 0, "format": {"bold": True}}])
CELLS = st.fixed_dictionaries(
    {},
    optional={
        "userEnteredValue": VALUES,
        "userEnteredFormat": FORMATS,
        "note": TEXTS,
        "dataValidation": RULES,
        "textFormatRuns": RUNS,
    },
)
PLACES = st.tuples(st.integers(0, ROWS - 1), st.integers(0, COLUMNS - 1))
SHEETS = st.dictionaries(PLACES, CELLS, max_size=25)


@pytest.fixture(scope="module")
def place(box: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workbench]:
    yield Workbench(box, tmp_path_factory.mktemp("property"))


def fill(bench: Workbench, title: str, cells: dict[tuple[int, int], dict[str, Any]]) -> None:
    """Makes a tab with these cells, as a person's program would."""
    person = bench.person
    if title in bench.box.tabs(bench.spreadsheet):
        person.delete_tab(title)
    grid = {"rowCount": ROWS, "columnCount": COLUMNS}
    made = person.request({"addSheet": {"properties": {"title": title, "gridProperties": grid}}})[0]
    sheet_id = made["addSheet"]["properties"]["sheetId"]
    for (row, column), cell in cells.items():
        start = {"sheetId": sheet_id, "rowIndex": row, "columnIndex": column}
        person.request({"updateCells": {"start": start, "rows": [{"values": [cell]}], "fields": "*"}})


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=SHEETS, after=st.one_of(st.none(), SHEETS), staged=st.booleans(), parts=st.booleans())
def test_whatever_was_there_is_back(
    place: Workbench,
    before: dict[tuple[int, int], dict[str, Any]],
    after: dict[tuple[int, int], dict[str, Any]] | None,
    staged: bool,
    parts: bool,
) -> None:
    desk = Desk(place)
    with pytest.MonkeyPatch.context() as patch:
        if staged:
            patch.setattr(google_restore, "DIRECT_CELLS", -1)
        if parts:
            sizes = {"part_cells": 4 * COLUMNS, "look_cells": 7 * COLUMNS}
            patch.setattr(google_backup.BackupReader.__init__, "__kwdefaults__", sizes)
        fill(place, TAB, before)
        saved = whole(place, TAB)
        made = desk.save()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # numbers that are no dates may be formatted as such
            openpyxl.load_workbook(made.path)  # another program can read it, whatever is in it
        if after is None:
            place.person.delete_tab(TAB)
        else:
            sheet_id = place.person._tab(TAB).sheet_id
            place.person.request({"updateCells": {"range": {"sheetId": sheet_id}, "fields": "*"}})
            for (row, column), cell in after.items():
                start = {"sheetId": sheet_id, "rowIndex": row, "columnIndex": column}
                place.person.request({"updateCells": {"start": start, "rows": [{"values": [cell]}], "fields": "*"}})
        desk.restore(made.path, TAB)
        assert whole(place, TAB) == saved
        assert desk.restore(made.path, TAB) is None
        for path in (Path(made.path).parent).iterdir():
            path.unlink()
