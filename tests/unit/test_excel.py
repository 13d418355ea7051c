"""What ordinary programs take: by Excel's rules, and never by a guess."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.excel import FUNCTIONS, MAX_NAME, cut_text, excel_formula, sheet_names, units
from moneymentor_sync.core.excel_formats import number_format, properties

NAMES = {"People", "It's", "My tab"}


@pytest.mark.parametrize(
    "formula",
    ["=A1+B2*2", "=SUM(A2:A9)", '=IF(A1>2,"x","y")', "='My tab'!A1", "=People!$A$1:B2", "='It''s'!A1", "=-(2+3)%",
     "=SUM(A:A,2:3)", "=IF(A1,,2)", "=TODAY()-A1", '="a"&"say ""x"""', "=1.5e3^2", "=A1=B1", "=#N/A", "= A1 + B1",
     "=LOG10(2)", "=COUNTIF(A:A,\">3\")", "=TRUE", "=NOT(FALSE)", "=VLOOKUP(A1,People!A:C,3,FALSE)"],
)  # fmt: skip
def test_formulas_that_excel_has_alike(formula: str) -> None:
    assert excel_formula(formula, NAMES) == formula


def test_newer_functions_get_the_mark_that_excel_wants() -> None:
    assert excel_formula('=textjoin(",",TRUE,A1:A3)', NAMES) == '=_xlfn.TEXTJOIN(",",TRUE,A1:A3)'


@pytest.mark.parametrize(
    "formula",
    ["=SUM(A2:A)", "=IFERROR(A1/B1)", "=QUERY(A:C)", "=X!A1", "={1,2}", "=A1 B2", "=A1=", "=(1,2)", "=A1:B2:C3",
     "=ARRAYFORMULA(A1:A3*2)", "=SUM(A1", "=SUM)A1(", "=SUM()", "=", "", "x", "=name", "=A1;B1", "=XFE1",
     "=A1048577", "=AAAA1", "=SUM(1,+)", "=*2", "=1 2", '="open', "=@A1", "=People!SUM(A1)", "=()", "=SUM(A1)A1",
     "=FOO.BAR(1)", '="' + "x" * 256 + '"', "=" + "-" * 8_000 + "1", "=" + "(" * 61 + "1" + ")" * 61,
     "=PI(1)", "=IF(1,2,3,4)", "=1.2.3", "=A1B2", "=TRUE()x"],
)  # fmt: skip
def test_what_excel_would_call_damage_is_not_written(formula: str) -> None:
    assert excel_formula(formula, NAMES) is None


@given(st.text(st.sampled_from("=A1B2:$!,()+-*/%&<>^\"'# .SUMIF0"), max_size=30))
def test_nothing_that_people_type_makes_it_fall(text: str) -> None:
    found = excel_formula("=" + text, NAMES)
    assert found is None or found.count("(") == found.count(")") or '"' in found or "'" in found


def test_every_function_has_a_least_and_a_most() -> None:
    assert all(0 <= least <= most <= 255 for least, most in FUNCTIONS.values())
    assert len(FUNCTIONS) > 150


# --- names and texts --------------------------------------------------------------------------------------


def test_names_of_sheets() -> None:
    titles = ["a/b", "A_B", "x" * 40, "x" * 41, "'quoted'", "History", "", "😀" * 20]
    assert sheet_names(titles) == [
        "a_b", "A_B (2)", "x" * 31, "x" * 27 + " (2)", "quoted", "History (2)", "_", "😀" * 15,
    ]  # fmt: skip


@given(st.lists(st.text(min_size=1, max_size=100), max_size=30, unique=True))
def test_every_title_gets_a_name_of_its_own(titles: list[str]) -> None:
    names = sheet_names(titles)
    assert len({name.casefold() for name in names}) == len(titles)
    for name in names:
        assert 0 < units(name) <= MAX_NAME
        assert not set(name) & set("[]:*?/\\") and not name.startswith("'") and not name.endswith("'")


@given(st.text(max_size=50), st.integers(1, 40))
def test_a_text_is_cut_between_two_characters(text: str, most: int) -> None:
    found = cut_text(text, most)
    assert text.startswith(found) and units(found) <= most
    assert found == text or units(found) >= most - 1


# --- formats ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "found"),
    [
        (None, None),
        ({"type": "DATE"}, "yyyy-mm-dd"),
        ({"type": "DATE_TIME", "pattern": "dd/mm/yyyy hh:mm:ss"}, "dd/mm/yyyy hh:mm:ss"),
        ({"type": "TIME", "pattern": "[h+]:mm:ss"}, "[h]:mm:ss"),
        ({"type": "CURRENCY", "pattern": '[$€-407]#,##0.00;[Red]-"x"0'}, '[$€-407]#,##0.00;[Red]-"x"0'),
        ({"type": "NUMBER", "pattern": "0 qqq"}, "#,##0.00"),
        ({"type": "TEXT", "pattern": "@"}, "@"),
        ({"type": "NUMBER", "pattern": '0"open'}, "#,##0.00"),
        ({"type": "NUMBER", "pattern": "0;0;0;0;0"}, "#,##0.00"),
        ({"type": "NUMBER_FORMAT_TYPE_UNSPECIFIED"}, None),
    ],
)
def test_number_formats(given: dict[str, Any] | None, found: str | None) -> None:
    assert number_format(given) == found


def test_all_that_an_xlsx_shows_of_a_format() -> None:
    given = {
        "textFormat": {
            "bold": True, "italic": True, "underline": True, "strikethrough": True, "fontSize": 12,
            "fontFamily": "Arial,sans", "foregroundColor": {"red": 1},
        },
        "backgroundColorStyle": {"rgbColor": {"green": 0.5}},
        "numberFormat": {"type": "PERCENT"},
        "horizontalAlignment": "CENTER",
        "verticalAlignment": "MIDDLE",
        "wrapStrategy": "WRAP",
        "textRotation": {"angle": 45},
        "borders": {"top": {"style": "SOLID", "color": {"blue": 1}}, "left": {"style": "NONE"}},
    }  # fmt: skip
    assert properties(given) == {
        "bold": True, "italic": True, "underline": 1, "font_strikeout": True, "font_size": 12, "font_name": "Arial",
        "font_color": "#FF0000", "bg_color": "#008000", "num_format": "0.00%", "align": "center",
        "valign": "vcenter", "text_wrap": True, "rotation": 45, "top": 1, "top_color": "#0000FF",
    }  # fmt: skip


def test_the_usual_is_nothing() -> None:
    assert properties({"backgroundColor": {"red": 1, "green": 1, "blue": 1}, "textFormat": {"bold": False}}) == {}
