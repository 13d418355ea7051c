"""What the sandbox's page is told to show: conditional formats carried out, charts read out of the cells."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.sandbox import chartview, rules
from moneymentor_sync.sandbox.colors import hex_color
from moneymentor_sync.sandbox.dates import serial_of
from moneymentor_sync.sandbox.rules import Rules
from tests.contract.sandbox_google import NOVEMBER_2026, Google, area, columns_span, rows_span

RED, GREEN = {"backgroundColor": {"red": 1}}, {"backgroundColor": {"green": 1}, "textFormat": {"bold": True}}
ROWS: list[list[Any]] = [
    ["name", "n", "share"],
    ["Ana", 5, 0.5],
    ["Bob", 15, 0.25],
    ["", "", ""],
    ["anastasia", "x", 1],
]


@pytest.fixture
def google(tmp_path: Path) -> Google:
    google = Google(tmp_path)
    google.put("A1:C5", [[value if value != "" else None for value in row] for row in ROWS])
    return google


def lay(google: Google, kind: str, *values: str, format_: Any = None, place: Any = None) -> None:
    """Adds a rule over the five rows of the table, as the last one."""
    condition = {"type": kind, "values": [{"userEnteredValue": value} for value in values]}
    rule = {"condition": condition, "format": format_ or RED}
    ranges = [place or area(1, 5, 0, 3)]
    request = {"rule": {"ranges": ranges, "booleanRule": rule}, "index": len(google.sheet.extras.conditional)}
    google.batch({"addConditionalFormatRule": request})


def coloured(google: Google, now: float = NOVEMBER_2026) -> list[str]:
    """The cells whose look a rule changes."""
    laid = Rules(google.document, google.sheet, now)
    places = [(row, column) for row in range(google.sheet.row_count) for column in range(4)]
    return [f"{'ABCD'[column]}{row + 1}" for row, column in places if laid.look(row, column)]


@pytest.mark.parametrize(
    ("kind", "values", "cells"),
    [
        ("NUMBER_GREATER", ["5"], ["B3"]),
        ("NUMBER_GREATER_THAN_EQ", ["5"], ["B2", "B3"]),
        ("NUMBER_LESS", ["0.5"], ["C3"]),
        ("NUMBER_LESS_THAN_EQ", ["50%"], ["C2", "C3"]),
        ("NUMBER_EQ", ["=$C2*10"], ["B2"]),
        ("NUMBER_NOT_EQ", ["5"], ["C2", "B3", "C3", "C5"]),
        ("NUMBER_BETWEEN", ["6", "1"], ["B2", "C5"]),
        ("NUMBER_NOT_BETWEEN", ["0", "10"], ["B3"]),
        ("TEXT_CONTAINS", ["NA"], ["A2", "A5"]),
        ("TEXT_STARTS_WITH", ["ana"], ["A2", "A5"]),
        ("TEXT_ENDS_WITH", ["sia"], ["A5"]),
        ("TEXT_EQ", ["bob"], ["A3"]),
        ("BLANK", [], ["A4", "B4", "C4"]),
        ("CUSTOM_FORMULA", ["=AND($B2>5,$C2<1)"], ["A3", "B3", "C3"]),
        ("CUSTOM_FORMULA", ["=B2=5"], ["A2"]),
        ("CUSTOM_FORMULA", ["=$B$2"], ["A2", "B2", "C2", "A3", "B3", "C3", "A4", "B4", "C4", "A5", "B5", "C5"]),
        ("CUSTOM_FORMULA", ["=$A2"], []),
        ("CUSTOM_FORMULA", ["=NOSUCH($A2)"], []),
        ("CUSTOM_FORMULA", ["=("], []),
        ("DATE_BEFORE", ["2026-01-01"], []),
    ],
)
def test_which_cells_a_rule_holds_for(google: Google, kind: str, values: list[str], cells: list[str]) -> None:
    lay(google, kind, *values)
    assert coloured(google) == cells


def test_of_two_rules_the_first_wins_and_they_add_up(google: Google) -> None:
    lay(google, "NUMBER_GREATER", "10", format_=RED)
    lay(google, "NUMBER_GREATER", "1", format_=GREEN)
    laid = Rules(google.document, google.sheet, 0)
    both, second = laid.look(2, 1), laid.look(1, 1)
    assert (hex_color(both["backgroundColor"]), both["textFormat"]) == ("#ff0000", {"bold": True})
    assert hex_color(second["backgroundColor"]) == "#00ff00"
    assert laid.reach(4)
    assert not laid.reach(5)


def test_a_colour_scale_is_passed_over(google: Google) -> None:
    scale = {"minpoint": {"type": "MIN"}, "maxpoint": {"type": "MAX"}}
    rule = {"ranges": [area(1, 5, 0, 3)], "gradientRule": scale}
    google.batch({"addConditionalFormatRule": {"rule": rule}})
    assert coloured(google) == []


def test_a_rule_that_asks_for_the_time_changes_with_it_alone(google: Google) -> None:
    day = int(serial_of(datetime.fromtimestamp(NOVEMBER_2026, UTC)))
    google.put("D2:D3", [[day], [day - 3]])
    assert not rules.moving(google.sheet)
    lay(google, "CUSTOM_FORMULA", "=AND($D2>0,NOW()-$D2>2)", place=area(1, 5, 3, 4))
    assert rules.moving(google.sheet)
    assert coloured(google) == ["D3"]
    assert coloured(google, NOVEMBER_2026 + 3 * 86_400) == ["D2", "D3"]


def test_now_and_today_in_a_cell_are_those_of_the_last_change_in_the_spreadsheets_time_zone(google: Google) -> None:
    google.type("E1", "=NOW()-TODAY()")
    google.type("E2", "=TODAY(1)")
    share = google.get("E1")[0][0]
    assert share == pytest.approx((NOVEMBER_2026 % 86_400) / 86_400, abs=1e-6)
    assert google.get("E2")[0][0].startswith("#N/A")
    properties = {"properties": {"timeZone": "Asia/Kolkata"}, "fields": "timeZone"}
    google.batch({"updateSpreadsheetProperties": properties})
    assert google.get("E1")[0][0] == pytest.approx((share + 5.5 / 24) % 1, abs=1e-6)


# --- charts -----------------------------------------------------------------------------------------------


def chart(google: Google, **basic: Any) -> Any:
    """The one chart of the tab as the page gets it: names against `n` (columns) and `share` (a line, right)."""
    series = [
        {"series": line(1), "type": "COLUMN", "color": {"green": 1}},
        {"series": line(2), "targetAxis": "RIGHT_AXIS"},
    ]
    given = {"chartType": "COMBO", "domains": [{"domain": line(0)}], "series": series} | basic
    place = {"overlayPosition": {"anchorCell": {"rowIndex": 6, "columnIndex": 1}, "offsetXPixels": 4}}
    spec = {"title": "Both", "basicChart": given}
    google.batch({"addChart": {"chart": {"spec": spec, "position": place}}})
    return chartview.listed(google.document, google.sheet)[0]


def line(column: int) -> Any:
    return {"sourceRange": {"sources": [area(0, 5, column, column + 1)]}}


def test_a_chart_is_read_out_of_its_cells(google: Google) -> None:
    axes = [{"position": "LEFT_AXIS", "title": "count"}]
    found = chart(google, axis=axes, legendPosition="BOTTOM_LEGEND", headerCount=1)
    assert (found["title"], found["row"], found["column"], found["x"], found["y"]) == ("Both", 6, 1, 4, 0)
    assert (found["width"], found["height"], found["legend"], found["stacked"]) == (600, 371, "bottom", False)
    assert found["axes"] == {"bottom": "", "left": "count", "right": ""}
    assert found["labels"] == ["Ana", "Bob", "", "anastasia"]
    first, second = found["series"]
    assert (first["title"], first["kind"], first["axis"], first["color"]) == ("n", "column", "left", "#00ff00")
    assert (first["values"], first["texts"]) == ([5, 15, None, None], ["5", "15", "", "x"])
    assert (second["title"], second["kind"], second["axis"]) == ("share", "line", "right")
    assert second["values"] == [0.5, 0.25, None, 1]


def test_the_header_is_guessed_where_it_is_not_said(google: Google) -> None:
    assert chart(google)["series"][0]["title"] == "n"
    google.put("B1:C1", [[1, 2]])
    found = chartview.listed(google.document, google.sheet)[0]
    assert (found["series"][0]["title"], found["series"][0]["values"][:2]) == ("", [1, 5])


def test_a_range_of_a_whole_column_ends_with_what_is_in_it(google: Google) -> None:
    whole = {"sourceRange": {"sources": [{"startColumnIndex": 0, "endColumnIndex": 1}]}}
    found = chart(google, headerCount=1, domains=[{"domain": whole}])
    assert google.sheet.row_count > 5
    assert found["labels"] == ["Ana", "Bob", "", "anastasia"]
    google.put("A6", [["Zoe"]])
    (longer,) = chartview.listed(google.document, google.sheet)
    assert longer["labels"] == ["Ana", "Bob", "", "anastasia", "Zoe"], "as far as the longest of its lines"
    assert longer["series"] == found["series"]


def test_hidden_rows_are_left_out_of_a_chart(google: Google) -> None:
    hidden = {"range": rows_span(1, 2), "properties": {"hiddenByUser": True}, "fields": "hiddenByUser"}
    google.batch({"updateDimensionProperties": hidden})
    assert chart(google)["labels"] == ["Bob", "", "anastasia"]


def test_a_chart_whose_cells_are_gone_is_one_without_series(google: Google) -> None:
    chart(google)
    google.batch({"deleteDimension": {"range": columns_span(0, 3)}})
    found = chartview.listed(google.document, google.sheet)[0]
    assert (found["series"], found["labels"]) == ([], [])


def test_a_kind_that_the_page_does_not_draw_says_so(google: Google) -> None:
    assert "SCATTER" in chart(google, chartType="SCATTER")["missing"]
    google.sheet.extras.charts.clear()
    pie = {"pieChart": {"domain": line(0), "series": line(1)}}
    google.batch({"addChart": {"chart": {"spec": pie, "position": {"overlayPosition": {}}}}})
    assert "pieChart" in chartview.listed(google.document, google.sheet)[0]["missing"]
