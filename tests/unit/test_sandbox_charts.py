"""Charts in the sandbox: what is refused, what is given back, what they follow."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.sandbox import ApiError, snapshot
from moneymentor_sync.sandbox.accounts import OWNER
from moneymentor_sync.sandbox.library import Library
from tests.contract.sandbox_google import Google, area, columns_span, rows_span

POSITION: Any = {"overlayPosition": {"anchorCell": {"rowIndex": 1, "columnIndex": 4}, "offsetXPixels": 3}}
OTHER = 77  # the id of a second tab


@pytest.fixture
def google(tmp_path: Path) -> Google:
    google = Google(tmp_path)
    google.put("A1:C3", [["day", "rows", "took"], ["Mon", 10, 0.5], ["Tue", 12, 0.4]])
    google.batch({"addSheet": {"properties": {"sheetId": OTHER, "title": "Other"}}})
    return google


def line(column: int, end_row: int | None = 3, row: int = 0, sheet_id: int = 0) -> Any:
    """The cells of one column; without `end_row` to the grid's end."""
    span = area(row, end_row or 0, column, column + 1) | {"sheetId": sheet_id}
    if end_row is None:
        del span["endRowIndex"]
    return {"sourceRange": {"sources": [span]}}


def spec(*series: Any, title: str = "Rows", domain: Any = None) -> Any:
    """A combined chart: columns against the left axis, lines against the right one."""
    kinds = [("COLUMN", "LEFT_AXIS"), ("LINE", "RIGHT_AXIS")]
    listed = [
        {"series": item, "type": kind, "targetAxis": axis}
        for item, (kind, axis) in zip(series or (line(1), line(2)), kinds, strict=False)
    ]
    domains = [{"domain": domain or line(0)}]
    return {
        "title": title,
        "basicChart": {"chartType": "COMBO", "headerCount": 1, "domains": domains, "series": listed},
    }


def add(google: Google, **given: Any) -> Any:
    """Adds a chart; gives it as the reply does."""
    chart = {"spec": spec(), "position": POSITION} | given
    return google.batch({"addChart": {"chart": chart}})[0]["addChart"]["chart"]


def charts(google: Google, tab: str = "") -> list[Any]:
    """The charts of the first tab, or of another one, as `spreadsheets.get` gives them."""
    place = f"&ranges={tab}" if tab else ""
    found = google.call("GET", f"?fields=sheets.charts{place}")["sheets"][0]
    return list(found.get("charts", []))


def spans(chart: Any) -> list[tuple[int, int, int]]:
    """First row, end row and column of what each series is drawn from."""
    listed = [item["series"]["sourceRange"]["sources"][0] for item in chart["spec"]["basicChart"]["series"]]
    return [(item.get("startRowIndex", 0), item["endRowIndex"], item.get("startColumnIndex", 0)) for item in listed]


def refusal(google: Google, *requests: Any) -> ApiError:
    before = google.document.version
    with pytest.raises(ApiError) as refused:
        google.batch(*requests)
    assert google.document.version == before
    return refused.value


def test_a_chart_is_given_back_with_its_id_and_what_was_left_out(google: Google) -> None:
    made = add(google)
    assert made["position"] == {
        "overlayPosition": {
            "anchorCell": {"rowIndex": 1, "columnIndex": 4},
            "offsetXPixels": 3,
            "widthPixels": 600,
            "heightPixels": 371,
        }
    }
    assert made["chartId"] > 0
    assert made["spec"]["hiddenDimensionStrategy"] == "SKIP_HIDDEN_ROWS_AND_COLUMNS"
    assert spans(made) == [(0, 3, 1), (0, 3, 2)]
    assert charts(google) == [made]
    assert charts(google, "Other") == []
    only = google.call("GET", "?fields=sheets(charts(chartId,spec.title))")["sheets"][0]
    assert only == {"charts": [{"chartId": made["chartId"], "spec": {"title": "Rows"}}]}


def test_an_id_of_ones_own_is_taken_once(google: Google) -> None:
    assert add(google, chartId=5)["chartId"] == 5
    again = {"addChart": {"chart": {"chartId": 5, "spec": spec(), "position": POSITION}}}
    assert refusal(google, again).message == "Invalid requests[0].addChart: Chart with id: 5 already exists."


def test_an_open_range_ends_where_the_grid_ends_now(google: Google) -> None:
    made = add(google, spec=spec(line(1, None), line(2, None), domain=line(0, None)))
    assert spans(made) == [(0, 20, 1), (0, 20, 2)]
    google.batch({"appendDimension": {"dimension": "ROWS", "length": 5}})
    assert spans(charts(google)[0]) == [(0, 20, 1), (0, 20, 2)]


def test_colours_are_there_in_both_forms(google: Google) -> None:
    painted = spec()
    painted["basicChart"]["series"][0]["colorStyle"] = {"rgbColor": {"red": 0.2, "green": 0}}
    made = add(google, spec=painted, border={"color": {"blue": 1}})
    assert made["spec"]["basicChart"]["series"][0]["color"] == {"red": 0.2}
    assert made["border"] == {"color": {"blue": 1}, "colorStyle": {"rgbColor": {"blue": 1}}}
    change = {"objectId": made["chartId"], "border": {"color": {"red": 1}}, "fields": "color"}
    google.batch({"updateEmbeddedObjectBorder": change})
    assert charts(google)[0]["border"]["color"] == {"red": 1}


WIDE = {"sourceRange": {"sources": [area(0, 3, 0, 2)]}}
BARE = {"title": "nothing"}


@pytest.mark.parametrize(
    ("chart", "code", "text"),
    [
        ({"position": POSITION}, 400, "No spec specified"),
        ({"spec": BARE, "position": POSITION}, 400, "One of basicChart, pieChart"),
        ({"spec": spec()}, 400, "One of EmbeddedObjectPosition.overlayPosition or"),
        ({"spec": spec(WIDE), "position": POSITION}, 400, "ranges require all rows or all columns to have length"),
        ({"spec": spec(line(1, sheet_id=9)), "position": POSITION}, 400, "No grid with id: 9"),
        ({"spec": spec(line(30)), "position": POSITION}, 400, "exceeds grid limits"),
        ({"spec": spec(), "position": {"overlayPosition": {"anchorCell": {"sheetId": 9}}}}, 400, "No grid with id"),
        ({"spec": spec(), "position": {"overlayPosition": {"anchorCell": {"rowIndex": 20}}}}, 400, "is after last"),
        ({"spec": spec(), "position": {"newSheet": True}}, 501, "no sheets that are charts"),
        ({"spec": {"basicChart": {"chartType": "COLUMN"}}, "position": POSITION}, 500, "Internal error"),
    ],
)
def test_what_is_refused(google: Google, chart: Any, code: int, text: str) -> None:
    refused = refusal(
        google, {"updateCells": {"fields": "*", "range": {"sheetId": 0}}}, {"addChart": {"chart": chart}}
    )
    assert refused.code == code
    assert refused.message.startswith("Invalid requests[1].addChart: ")
    assert text in refused.message
    assert google.get("A1") == [["day"]]


def test_a_field_or_a_kind_that_google_does_not_have(google: Google) -> None:
    strange = spec() | {"colour": "red"}
    wrong = {"basicChart": {"chartType": "COLUMNS", "domains": [{"domain": line(0)}]}}
    for given, text in ((strange, 'Unknown name "colour"'), (wrong, "Invalid value at")):
        request = {"addChart": {"chart": {"spec": given, "position": POSITION}}}
        assert text in refusal(google, request).message


def test_the_specification_is_replaced_whole(google: Google) -> None:
    key = add(google)["chartId"]
    reply = google.batch({"updateChartSpec": {"chartId": key, "spec": spec(line(2), title="Took")}})
    assert reply == [{}]
    found = charts(google)[0]
    assert (found["chartId"], found["spec"]["title"], spans(found)) == (key, "Took", [(0, 3, 2)])
    assert found["position"]["overlayPosition"]["offsetXPixels"] == 3
    assert "One of basicChart" in refusal(google, {"updateChartSpec": {"chartId": key, "spec": BARE}}).message


def test_a_chart_moves_by_mask_and_to_another_tab(google: Google) -> None:
    key = add(google)["chartId"]
    there = {"anchorCell": {"sheetId": OTHER, "rowIndex": 2}, "widthPixels": 300, "heightPixels": 1}
    request = {"objectId": key, "newPosition": {"overlayPosition": there}, "fields": "anchorCell,widthPixels"}
    reply = google.batch({"updateEmbeddedObjectPosition": request})[0]["updateEmbeddedObjectPosition"]
    overlay = reply["position"]["overlayPosition"]
    assert overlay == {
        "anchorCell": {"sheetId": OTHER, "rowIndex": 2},
        "offsetXPixels": 3,
        "widthPixels": 300,
        "heightPixels": 371,
    }
    assert charts(google) == []
    assert charts(google, "Other")[0]["position"] == reply["position"]
    bare = {name: value for name, value in request.items() if name != "fields"}
    assert "At least one field" in refusal(google, {"updateEmbeddedObjectPosition": bare}).message


@pytest.mark.parametrize(
    ("request_of", "text"),
    [
        ({"updateChartSpec": {"chartId": 8, "spec": spec()}}, "updateChartSpec: No chart with id: 8"),
        ({"deleteEmbeddedObject": {"objectId": 8}}, "deleteEmbeddedObject: No embedded object with id: 8"),
        (
            {"updateEmbeddedObjectPosition": {"objectId": 8, "newPosition": POSITION, "fields": "*"}},
            "updateEmbeddedObjectPosition: No embedded object with id: 8",
        ),
    ],
)
def test_what_is_not_there(google: Google, request_of: Any, text: str) -> None:
    assert refusal(google, request_of).message == f"Invalid requests[0].{text}"


def test_a_deleted_chart_is_gone(google: Google) -> None:
    key = add(google)["chartId"]
    assert google.batch({"deleteEmbeddedObject": {"objectId": key}}) == [{}]
    assert charts(google) == []


@pytest.mark.parametrize(
    ("request_of", "series", "anchor"),
    [
        ({"insertDimension": {"range": rows_span(0, 2)}}, [(2, 5, 1), (2, 5, 2)], (3, 4)),
        ({"insertDimension": {"range": rows_span(2, 3)}}, [(0, 4, 1), (0, 4, 2)], (1, 4)),
        ({"insertDimension": {"range": columns_span(1, 2)}}, [(0, 3, 2), (0, 3, 3)], (1, 5)),
        ({"deleteDimension": {"range": rows_span(1, 3)}}, [(0, 1, 1), (0, 1, 2)], (1, 4)),
        ({"deleteDimension": {"range": columns_span(1, 2)}}, [(0, 3, 1)], (1, 3)),
        ({"deleteDimension": {"range": columns_span(4, 8)}}, [(0, 3, 1), (0, 3, 2)], (1, 3)),
        (
            {"moveDimension": {"source": columns_span(1, 2), "destinationIndex": 5}},
            [(0, 3, 4), (0, 3, 1)],
            (1, 3),
        ),
    ],
)
def test_a_chart_follows_rows_and_columns(google: Google, request_of: Any, series: Any, anchor: Any) -> None:
    add(google)
    google.batch(request_of)
    found = charts(google)[0]
    place = found["position"]["overlayPosition"]["anchorCell"]
    assert (spans(found), (place["rowIndex"], place["columnIndex"])) == (series, anchor)


def test_a_chart_follows_cells_that_are_cut_and_pasted(google: Google) -> None:
    add(google)
    there = {"sheetId": OTHER, "rowIndex": 4, "columnIndex": 0}
    google.batch({"cutPaste": {"source": area(0, 3, 1, 2), "destination": there, "pasteType": "PASTE_NORMAL"}})
    first = charts(google)[0]["spec"]["basicChart"]["series"][0]["series"]["sourceRange"]["sources"]
    assert first == [
        {"sheetId": OTHER, "startRowIndex": 4, "endRowIndex": 7, "startColumnIndex": 0, "endColumnIndex": 1}
    ]


def test_a_deleted_tab_takes_its_charts_and_the_series_that_others_drew_from_it(google: Google) -> None:
    there = {"overlayPosition": {"anchorCell": {"sheetId": OTHER}}}
    add(google, position=there)
    add(google, spec=spec(line(1), line(2, sheet_id=OTHER)))
    google.batch({"deleteSheet": {"sheetId": OTHER}})
    assert [spans(chart) for chart in charts(google)] == [[(0, 3, 1)]]
    assert google.document.sheets[0].extras.charts.keys() == {charts(google)[0]["chartId"]}


def test_a_copy_of_the_tab_has_a_chart_of_its_own_over_its_own_cells(google: Google) -> None:
    made = add(google, spec=spec(line(1), line(2, sheet_id=OTHER)))
    google.batch(
        {"duplicateSheet": {"sourceSheetId": 0, "newSheetId": 8, "newSheetName": "Twin", "insertSheetIndex": 2}}
    )
    twin = charts(google, "Twin")[0]
    assert twin["chartId"] != made["chartId"]
    assert twin["position"]["overlayPosition"]["anchorCell"]["sheetId"] == 8
    ids = [item["series"]["sourceRange"]["sources"][0]["sheetId"] for item in twin["spec"]["basicChart"]["series"]]
    assert ids == [8, OTHER]
    assert charts(google) == [made]


def test_a_pie_follows_as_well_and_loses_what_is_deleted(google: Google) -> None:
    add(google, spec={"pieChart": {"domain": line(0), "series": line(1)}})
    google.batch({"insertDimension": {"range": columns_span(0, 1)}})
    pie = charts(google)[0]["spec"]["pieChart"]
    assert [pie[name]["sourceRange"]["sources"][0]["startColumnIndex"] for name in ("domain", "series")] == [1, 2]
    google.batch({"deleteDimension": {"range": columns_span(2, 3)}})
    assert charts(google)[0]["spec"]["pieChart"].keys() == {"domain"}


def test_a_chart_outlives_a_stop(google: Google) -> None:
    made = add(google)
    again = Library()
    snapshot.load(snapshot.dump(google.service.library, 1), again)
    google.service.library.documents = again.documents
    assert charts(google) == [made]


def test_a_protected_tab_lets_nobody_else_draw_on_it(google: Google) -> None:
    key = add(google)["chartId"]
    whole = {"range": {"sheetId": 0}, "editors": {"users": [OWNER]}}
    google.batch({"addProtectedRange": {"protectedRange": whole}}, caller=OWNER)
    chart = {"spec": spec(), "position": POSITION}
    for request in ({"addChart": {"chart": chart}}, {"deleteEmbeddedObject": {"objectId": key}}):
        assert "protected" in refusal(google, request).message


def test_a_rule_s_formula_follows_its_cells(google: Google) -> None:
    condition = {"type": "CUSTOM_FORMULA", "values": [{"userEnteredValue": "=AND($B2>5,$C2<B$1)"}]}
    rule = {"ranges": [area(1, 10, 0, 3)], "booleanRule": {"condition": condition, "format": {}}}
    google.batch({"addConditionalFormatRule": {"rule": rule}})

    def formula() -> str:
        found = google.call("GET", "?fields=sheets.conditionalFormats")["sheets"][0]["conditionalFormats"][0]
        return str(found["booleanRule"]["condition"]["values"][0]["userEnteredValue"])

    google.batch({"insertDimension": {"range": columns_span(1, 2)}})
    assert formula() == "=AND($C2>5,$D2<C$1)"
    google.batch({"insertDimension": {"range": rows_span(0, 1)}})
    assert formula() == "=AND($C3>5,$D3<C$2)"
    google.batch({"deleteDimension": {"range": rows_span(2, 3)}})
    assert formula() == "=AND($C3>5,$D3<C$2)"
