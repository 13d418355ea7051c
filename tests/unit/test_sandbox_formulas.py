"""The sandbox's formulas: what they come to, and how they follow cells that move."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.sandbox import Formula
from moneymentor_sync.sandbox.formula import follow
from moneymentor_sync.sandbox.formula.syntax import parses
from moneymentor_sync.sandbox.moves import Deletion, Edit, Insertion, Move
from tests.contract.sandbox_google import Google, columns_span, rows_span


@pytest.fixture
def google(tmp_path: Path) -> Google:
    google = Google(tmp_path)
    google.put("A1:C3", [[1, "x", True], [2, "y", False], [3, None, None]])
    return google


@pytest.mark.parametrize(
    ("formula", "value"),
    [
        ("=1+2*3", 7),
        ("=(1+2)*3", 9),
        ("=-2^2", 4),
        ("=10%", 0.1),
        ('="a"&1&TRUE', "a1TRUE"),
        ("=A1+A2", 3),
        ("=SUM(A1:A3)", 6),
        ("=SUM(A:A)", 6),
        ("=AVERAGE(A1:A3,6)", 3),
        ("=COUNT(A1:C3)", 3),
        ("=COUNTA(A1:C3)", 7),
        ("=COUNTBLANK(A1:C3)", 2),
        ("=MIN(A1:A3)+MAX(A1:A3)", 4),
        ('=IF(A1>0,"yes","no")', "yes"),
        ("=IF(A1>1,1)", False),
        ('=IFERROR(1/0,"oops")', "oops"),
        ('=CONCATENATE("a",A1,B1)', "a1x"),
        ('=HYPERLINK("https://example.com","here")', "here"),
        ("=ROW()", 5),
        ("=ROW(A3)+COLUMN(C1)", 6),
        ("=ROUND(2.345,2)", 2.35),
        ("=MOD(-1,3)", 2),
        ('=B1="X"', True),
        ("=A1<>A2", True),
        ("=AND(A1,C1)", True),
        ('=LEN("four")', 4),
        ('=UPPER(B1)&LEFT("word",2)&RIGHT("word",1)', "Xwod"),
        ("=Z9", "#REF! (Reference does not exist.)"),
        ("=D9", ""),
        ("=1/0", "#DIV/0! (Function DIVIDE parameter 2 cannot be zero.)"),
        ("=NOPE(1)", "#NAME? (Unknown function: 'NOPE'.)"),
        ("=nothing", "#NAME? (Unknown range name: 'NOTHING'.)"),
        ("=1+", "#ERROR! (Formula parse error.)"),
        ("=Other!A1", "#REF! (Unresolved sheet name 'Other'.)"),
        (
            '=1+"x"',
            (
                "#VALUE! (Function ADD parameter 2 expects number values. But 'x' is a text and cannot be "
                "coerced to a number.)"
            ),
        ),
        ("=AVERAGE(D1:D3)", "#DIV/0! (Evaluation of function AVERAGE caused a divide by zero error.)"),
        ("=ABS()", "#N/A (Wrong number of arguments to ABS. Expected 1 arguments, but got 0 arguments.)"),
    ],
)
def test_a_formula_comes_to(google: Google, formula: str, value: Any) -> None:
    google.type("E5", formula)
    found = google.get("E5")
    assert (found[0][0] if found else "") == value
    assert google.get("E5", "FORMULA") == [[formula]]


def test_a_circle_is_an_error_and_not_a_hang(google: Google) -> None:
    google.type("E1", "=F1+1")
    google.type("F1", "=E1+1")
    assert str(google.get("E1")[0][0]).startswith("#REF! (Circular dependency detected.")


def test_an_error_goes_on_through_formulas(google: Google) -> None:
    google.type("E1", "=1/0")
    google.type("F1", "=E1+1")
    assert google.shown("F1") == "#DIV/0!"


def test_a_chain_is_evaluated_again_after_a_change(google: Google) -> None:
    google.type("E1", "=A1*10")
    google.type("F1", "=E1*10")
    assert google.get("F1") == [[100]]
    google.put("A1", [[5]])
    assert google.get("F1") == [[500]]


def test_very_deep_formulas_are_an_error(google: Google) -> None:
    google.type("E1", "=" + "(" * 2000 + "1" + ")" * 2000)
    assert google.shown("E1") == "#ERROR!"


@pytest.mark.parametrize("text", ["A1+", "1 2", '"a', "SUM(1", "+49 1", "=", "1,2"])
def test_what_does_not_parse(text: str) -> None:
    assert not parses(text)


ROW_BEFORE_3 = Edit(0, True, Insertion(2, 1))


@pytest.mark.parametrize(
    ("formula", "edit", "after"),
    [
        ("=A1+A3+A$4", ROW_BEFORE_3, "=A1+A4+A$5"),
        ("=SUM(A1:A3)", ROW_BEFORE_3, "=SUM(A1:A4)"),
        ("=SUM(A1:A2)", ROW_BEFORE_3, "=SUM(A1:A2)"),
        ("=SUM(A:A)", ROW_BEFORE_3, "=SUM(A:A)"),
        ('="A3"&A3', ROW_BEFORE_3, '="A3"&A4'),
        ("=Other!A3", ROW_BEFORE_3, "=Other!A3"),
        ("=T!A3", ROW_BEFORE_3, "=T!A4"),
        ("=A3", Edit(0, True, Deletion(2, 3)), "=#REF!"),
        ("=SUM(A1:A3)", Edit(0, True, Deletion(1, 2)), "=SUM(A1:A2)"),
        ("=A5", Edit(0, True, Deletion(1, 3)), "=A3"),
        ("=C1", Edit(0, False, Insertion(1, 2)), "=E1"),
        ("=A1", Edit(0, True, Move(0, 1, 4)), "=A4"),
        ("=A3", Edit(0, True, Move(0, 1, 4)), "=A2"),
    ],
)
def test_references_follow_an_edit(formula: str, edit: Edit, after: str) -> None:
    assert follow.follow(Formula(formula), edit, True, "T").text == after


@pytest.mark.parametrize(
    ("formula", "rows", "columns", "after"),
    [
        ("=A1+$A$1+A$1+$A1", 1, 1, "=B2+$A$1+B$1+$A2"),
        ("=SUM(A1:B2)", 2, 0, "=SUM(A3:B4)"),
        ("=A1", -1, 0, "=#REF!"),
        ("=B1", 0, -1, "=A1"),
        ("=SUM(2:$3)", 1, 0, "=SUM(3:$3)"),
    ],
)
def test_a_copied_formula_reads_from_its_new_place(formula: str, rows: int, columns: int, after: str) -> None:
    assert follow.offset(Formula(formula), rows, columns).text == after


def test_formulas_of_other_tabs_follow_too(google: Google) -> None:
    google.batch({"addSheet": {"properties": {"sheetId": 5, "title": "Other"}}})
    google.type("Other!A1", "=Sheet1!A3")
    google.batch({"insertDimension": {"range": rows_span(1, 3)}})
    assert google.get("Other!A1", "FORMULA") == [["=Sheet1!A5"]]
    assert google.get("Other!A1") == [[3]]
    google.batch({"deleteDimension": {"range": columns_span(0, 1)}})
    assert google.shown("Other!A1") == "#REF!"


def test_formulas_follow_a_renamed_and_a_deleted_tab(google: Google) -> None:
    google.batch({"addSheet": {"properties": {"sheetId": 5, "title": "Other"}}})
    google.put("Other!A1", [[42]])
    google.type("E1", "=Other!A1")
    new_title = {"properties": {"sheetId": 5, "title": "my tab"}, "fields": "title"}
    google.batch({"updateSheetProperties": new_title})
    assert google.get("E1", "FORMULA") == [["='my tab'!A1"]]
    assert google.get("E1") == [[42]]
    google.batch({"deleteSheet": {"sheetId": 5}})
    assert google.shown("E1") == "#REF!"
