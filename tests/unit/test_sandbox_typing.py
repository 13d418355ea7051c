"""What the sandbox makes of typed text, and how it shows numbers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.sandbox import Formula, numberformat
from moneymentor_sync.sandbox.cells import CellError
from moneymentor_sync.sandbox.typed import understand
from tests.contract.sandbox_google import Google


@pytest.fixture
def google(tmp_path: Path) -> Google:
    return Google(tmp_path)


@pytest.mark.parametrize(
    ("text", "value", "kind"),
    [
        ("2026-10-03", 46298, "DATE"),
        ("10/3/2026", 46298, "DATE"),
        ("Oct 3, 2026", 46298, "DATE"),
        ("3/4", 46085, "DATE"),
        ("12%", 0.12, "PERCENT"),
        ("1e3", 1000, "SCIENTIFIC"),
        ("TRUE", True, None),
        ("false", False, None),
        ("0042", 42, None),
        ("$5", 5, "CURRENCY"),
        ("2,000,000.01", 2000000.01, "NUMBER"),
        ("+1", 1, None),
        ("-1.5", -1.5, None),
        (".5", 0.5, None),
        ("'0042", "0042", None),
        ("'", None, None),
        ("", None, None),
        ("12:30", 0.5208333333333334, "TIME"),
        ("2026-10-03 12:00", 46298.5, "DATE_TIME"),
        ("2026-10-03T12:00:00", 46298.5, "DATE_TIME"),
        ("1:30 pm", 0.5625, "TIME"),
        ("@x", "@x", None),
        ("+49 151 23", "+49 151 23", None),
        ("13/13/2026", "13/13/2026", None),
        ("1,23", "1,23", None),
        ("hello", "hello", None),
        ("-", "-", None),
    ],
)
def test_typed_text_is_understood(text: str, value: Any, kind: str | None) -> None:
    typed = understand(text, this_year=2026)
    assert (typed.value, type(typed.value)) == (value, type(value))
    assert (typed.format or {}).get("type") == kind


@pytest.mark.parametrize(("text", "formula"), [("=1+1", "=1+1"), ("+A1", "=+A1"), ("-A1", "=-A1")])
def test_typed_formulas(text: str, formula: str) -> None:
    assert understand(text).value == Formula(formula)


def test_raw_leaves_every_text_as_it_is(google: Google) -> None:
    texts = ["=1+1", "+A1", "2026-10-03", "3/4", "12%", "1e3", "TRUE", "0042"]
    google.put("A1:H1", [texts])
    assert google.get("A1:H1") == [texts]
    assert google.get("A1:H1", "FORMULA") == [texts]
    google.put("A2", [["'0042", "$5"]])
    assert google.get("A2:B2") == [["'0042", "$5"]]


def test_a_cell_of_plain_text_keeps_what_is_typed(google: Google) -> None:
    text = {"userEnteredFormat": {"numberFormat": {"type": "TEXT"}}}
    column = {"sheetId": 0, "startColumnIndex": 0, "endColumnIndex": 1}
    google.batch({"repeatCell": {"range": column, "cell": text, "fields": "userEnteredFormat.numberFormat"}})
    google.type("A1", "0042")
    assert google.get("A1") == [["0042"]]


def test_a_typed_number_format_sticks(google: Google) -> None:
    google.type("A1", "2026-10-03")
    google.put("A1", [[46299]])
    assert google.shown("A1") == "2026-10-04"
    google.type("B1", "$5.50")
    google.put("B1", [[1234.5]])
    assert google.shown("B1") == "$1,234.50"


def test_null_leaves_a_cell_and_an_empty_text_clears_it(google: Google) -> None:
    google.put("A1:C1", [["a", "b", "c"]])
    answer = google.put("A1:C1", [[None, "", "z"]])
    assert answer["updatedCells"] == 2
    assert google.get("A1:C1") == [["a", "", "z"]]


def test_null_and_an_empty_text_leave_a_blank_cell_blank(google: Google) -> None:
    answer = google.put("A1:D3", [[None, "", "z", None], [None, None], ["", 1, None, False]])
    assert (answer["updatedCells"], answer["updatedRows"], answer["updatedColumns"]) == (5, 2, 4)
    assert google.get("A1:D3") == [["", "", "z"], [], ["", 1, "", False]]


@pytest.mark.parametrize(
    ("given", "kept"),
    [(3.0, 3), (-0.5, -0.5), (2**53, 2**53), (2**53 + 1, 2**53), (1e16, 10**16), (1e17, 1e17), (1e300, 1e300)],
)
def test_a_number_is_kept_as_a_double_and_a_whole_one_without_a_fraction(
    google: Google, given: float, kept: float
) -> None:
    google.put("A1", [["a", given, True]])
    found = google.sheet.value(0, 1)
    assert (found, type(found)) == (kept, type(kept))


@pytest.mark.parametrize("text", ["Jan", "a day", "twelve", "-", "#N/A", "TRUE", "٣", "12"])
def test_only_a_text_with_a_digit_can_be_a_number(text: str) -> None:
    kinds = {"#N/A": CellError, "TRUE": bool, "٣": int, "12": int}
    assert type(understand(text).value) is kinds.get(text, str)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1, "1"),
        (1.5, "1.5"),
        (1 / 1024, "0.0009765625"),
        (1 / 3, "0.3333333333"),
        (0.1 + 0.2, "0.3"),
        (123456789.123, "123456789.1"),
        (-2.5, "-2.5"),
        (2**53, "9007199254740990"),
        (1e21, "1E+21"),
    ],
)
def test_the_automatic_format(value: float, shown: str) -> None:
    assert numberformat.general(value) == shown


@pytest.mark.parametrize(
    ("value", "pattern", "shown"),
    [
        (1234.5, "#,##0.00", "1,234.50"),
        (1234567.891, "#,##0", "1,234,568"),
        (0.125, "0.0%", "12.5%"),
        (0.5, "#.##", ".5"),
        (5, "000", "005"),
        (-3, "0.00", "-3.00"),
        (-3, "0;(0)", "(3)"),
        (0, '0;-0;"none"', "none"),
        (2.5, '0.0" kg"', "2.5 kg"),
        (1e6, '0.0,,"M"', "1.0M"),
        (12345, "0.00E+00", "1.23E+04"),
        (5, "[$€-407]0", "€5"),
        (2.345, "0.00", "2.35"),
    ],
)
def test_number_patterns(value: float, pattern: str, shown: str) -> None:
    assert numberformat.show(value, {"type": "NUMBER", "pattern": pattern}) == shown


@pytest.mark.parametrize(
    ("pattern", "shown"),
    [
        ("yyyy-mm-dd", "2026-10-03"),
        ("yyyy-mm-dd hh:mm", "2026-10-03 13:05"),
        ("m/d/yy", "10/3/26"),
        ("dddd, mmmm d", "Saturday, October 3"),
        ("h:mm am/pm", "1:05 PM"),
        ("mm:ss", "05:30"),
        ("hh:mm:ss.000", "13:05:30.000"),
        ('"on" d mmm', "on 3 Oct"),
    ],
)
def test_date_patterns(pattern: str, shown: str) -> None:
    moment = 46298 + (13 * 3600 + 5 * 60 + 30) / 86_400
    assert numberformat.show(moment, {"type": "DATE_TIME", "pattern": pattern}) == shown


def test_elapsed_time_goes_beyond_a_day() -> None:
    assert numberformat.show(1.5, {"type": "TIME", "pattern": "[h]:mm"}) == "36:00"


def test_dates_can_be_asked_for_as_text(google: Google) -> None:
    google.type("A1", "2026-10-03")
    google.put("B1", [[7]])
    assert google.get("A1:B1") == [[46298, 7]]
    assert google.get("A1:B1", more="&dateTimeRenderOption=FORMATTED_STRING") == [["2026-10-03", 7]]
