"""The sandbox's page: what the server gives for it, and what a real Chromium makes of it.

The steps in the browser are one test, since a machine without a browser may skip exactly one; each step is a
function that says what it holds the page to.
"""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from moneymentor_sync.sandbox import Formula, Sandbox, page
from moneymentor_sync.sandbox.grid import Json
from tests.browser import CONTROL, DOWN, ENTER, ESCAPE, HOME, RIGHT, Browser, browser, missing

HOSTILE = "<img src=x onerror=hacked=1>"
PEOPLE, LONG, STAGING, DRAWN = "People", "Long", "<i>Staging", "Drawn"
ROWS: list[list[Any]] = [
    ["id", "name", "score", "active", "joined", "text"],
    ["u-1", "Ana", 1234.5, True, "2026-01-31", "'007"],
    ["u-2", HOSTILE, 2, False, "2026-02-28", "'=1+1"],
    ["u-3", "Cleo", 3, True, "2026-03-31", "plain"],
    ["u-4", "Dan", 4, False, "2026-04-30", "plain"],
    ["u-5", "Eve", 5, True, "2026-05-31", "plain"],
    ["u-6", "Fay", 6, False, "2026-06-30", "plain"],
]
LAST_ROW = 99_999


def filled(box: Sandbox) -> Sandbox:
    """A table as the product writes it (frozen bold header, hidden key), and what people do beside it."""
    person = box.person()
    person.rename_tab("Sheet1", PEOPLE)
    person.type_rows(PEOPLE, 0, 0, ROWS)
    header = {"sheetId": 0, "startRowIndex": 0, "endRowIndex": 1}
    bold = {"userEnteredFormat": {"textFormat": {"bold": True}}}
    person.request(
        grid_size(0, 200, 26),
        {"repeatCell": {"range": header, "cell": bold, "fields": "userEnteredFormat.textFormat.bold"}},
    )
    person.hide_columns(PEOPLE, 0, 1)
    person.note(PEOPLE, 3, 1, "<b>asked</b> her\ntwice")
    person.color(PEOPLE, 4, 1, red=0.2, green=0.4, blue=0.6)
    long = person.add_tab(LONG)
    person.request(grid_size(long, LAST_ROW + 1, 4))
    person.type_rows(LONG, 0, 0, [["head", "er"]])
    person.type(LONG, LAST_ROW, 0, "the end")
    person.hide_rows(LONG, 2, 52)
    person.add_tab(STAGING)
    person.hide_tab(STAGING)
    return box


def combined(sheet_id: int) -> Json:
    """Columns of B and a line of C against the right axis, for the days in A."""

    def data(column: int) -> Json:
        sides = {"startRowIndex": 0, "endRowIndex": 4, "startColumnIndex": column, "endColumnIndex": column + 1}
        return {"sourceRange": {"sources": [{"sheetId": sheet_id, **sides}]}}

    series = [
        {"series": data(1), "type": "COLUMN", "targetAxis": "LEFT_AXIS"},
        {"series": data(2), "type": "LINE", "targetAxis": "RIGHT_AXIS"},
    ]
    basic = {"chartType": "COMBO", "headerCount": 1, "domains": [{"domain": data(0)}], "series": series}
    return {"title": "Rows a day", "basicChart": basic}


def beside(sheet_id: int) -> Json:
    anchor = {"sheetId": sheet_id, "rowIndex": 2, "columnIndex": 4}
    return {"overlayPosition": {"anchorCell": anchor, "offsetXPixels": 12, "widthPixels": 480, "heightPixels": 240}}


def grid_size(sheet_id: int, rows: int, columns: int) -> Json:
    grid = {"rowCount": rows, "columnCount": columns, "frozenRowCount": 1}
    properties = {"sheetId": sheet_id, "gridProperties": grid}
    fields = "gridProperties(rowCount,columnCount,frozenRowCount)"
    return {"updateSheetProperties": {"properties": properties, "fields": fields}}


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    with Sandbox(tmp_path_factory.mktemp("page")) as box:
        yield filled(box)


def get(box: Sandbox, target: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body; the target is sent as it is."""
    connection = http.client.HTTPConnection(urlsplit(box.url).netloc)
    try:
        connection.request("GET", target)
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read()
    finally:
        connection.close()


def ask(box: Sandbox, what: str) -> Any:
    return json.loads(get(box, f"/_sandbox/spreadsheets/{box.spreadsheet_id}/{what}")[2])


# --- what the server gives --------------------------------------------------------------------------------


@pytest.mark.parametrize("target", ["/", "/spreadsheets/any", "/static/main.js", "/static/style.css"])
def test_every_file_comes_under_a_policy_that_runs_nothing_but_our_own(box: Sandbox, target: str) -> None:
    status, headers, _ = get(box, target)
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    assert status == 200
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("target", ["/static/none.js", "/static/../page.py", "/static/%2e%2e/page.py", "/static/"])
def test_nothing_but_the_pages_own_files_is_served(box: Sandbox, target: str) -> None:
    assert get(box, target)[0] >= 400


def test_what_the_files_name_is_among_them_and_nothing_comes_from_outside(box: Sandbox) -> None:
    for file in page.STATIC.iterdir():
        text = file.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "://" not in text, file.name
        for name in re.findall(r"""["'](?:/static|\.)/([\w.]+)["']""", text):
            assert get(box, f"/static/{name}")[0] == 200, f"{file.name} names {name}"


def test_the_layout_tells_what_a_window_cannot(box: Sandbox) -> None:
    long = box.document().sheets[1].sheet_id
    found = ask(box, f"layout?sheetId={long}")
    sheet = found["sheet"]
    assert [tab["title"] for tab in found["tabs"]] == [PEOPLE, LONG, STAGING]
    assert [tab["hidden"] for tab in found["tabs"]] == [False, False, True]
    assert (sheet["rows"], sheet["columns"], sheet["filledRows"]) == (LAST_ROW + 1, 4, LAST_ROW + 1)
    assert (sheet["frozenRows"], sheet["hiddenRows"], sheet["hiddenColumns"]) == (1, [[2, 52]], [])
    assert ask(box, "layout?sheetId=0")["sheet"]["hiddenColumns"] == [[0, 1]]
    assert ask(box, "layout?sheetId=12345")["sheet"]["title"] == PEOPLE  # a tab that is gone


def test_the_layout_tells_which_rows_changed_and_not_which_moved(box: Sandbox) -> None:
    person = box.person()
    tab = person.add_tab("Changing")
    person.type_rows("Changing", 0, 0, [[number, f"=A{number + 1}"] for number in range(100)])
    seen = ask(box, f"layout?sheetId={tab}")["version"]
    person.insert_rows("Changing", 10, 2)
    person.type("Changing", 10, 0, "new")
    person.type("Changing", 52, 0, "changed")
    person.delete_rows("Changing", 60)
    sheet = ask(box, f"layout?sheetId={tab}&since={seen}")["sheet"]
    assert (sheet["changed"], sheet["changedRows"]) == (2, [10, 52])
    assert ask(box, f"layout?sheetId={tab}&since=1")["sheet"]["changed"] == 0  # not looked at: not known
    person.delete_tab("Changing")


def test_a_window_has_the_texts_and_what_one_would_type_for_them(box: Sandbox) -> None:
    found = ask(box, "grid?sheetId=0&row=1&rows=2&column=1&columns=5")
    ana, hostile = found["cells"]
    assert [cell["text"] for cell in ana] == ["Ana", "1234.5", "TRUE", "2026-01-31", "007"]
    assert [cell["type"] for cell in ana] == ["text", "number", "bool", "number", "text"]
    assert [cell.get("entry") for cell in ana] == [None, None, None, None, "'007"]
    assert (hostile[0]["text"], hostile[4]["entry"]) == (HOSTILE, "'=1+1")


def test_the_first_tab_that_is_shown_is_one_with_something_in_it(box: Sandbox) -> None:
    spreadsheet = box.new_spreadsheet("New")
    person = box.person(spreadsheet)
    path = f"/_sandbox/spreadsheets/{spreadsheet}/layout"
    assert json.loads(get(box, path)[2])["sheet"]["title"] == "Sheet1"
    for tab in (STAGING, PEOPLE):
        person.add_tab(tab)
        person.type(tab, 3, 0, "here")
    person.hide_tab(STAGING)
    assert json.loads(get(box, path)[2])["sheet"]["title"] == PEOPLE


@pytest.mark.parametrize("query", ["row=-1", "rows=many", "column=" + "9" * 5000])
def test_a_window_that_is_none_is_refused(box: Sandbox, query: str) -> None:
    status, _, body = get(box, f"/_sandbox/spreadsheets/{box.spreadsheet_id}/grid?{query}")
    assert (status, "must be a whole number" in body.decode()) == (400, True)


# --- what the browser shows -------------------------------------------------------------------------------


class Screen:
    """The page in the browser, beside the sandbox that it shows."""

    def __init__(self, box: Sandbox, window: Browser) -> None:
        self.box, self.window = box, window

    def open(self, path: str = "/") -> None:
        """Loads the page anew, whatever it showed before."""
        self.window.open("about:blank")
        self.window.open(self.box.url + path)

    def turn_to(self, tab: str) -> None:
        """Chooses a tab by clicking it, and waits until its first cells are there."""
        sheet = next(sheet for sheet in self.box.document().sheets if sheet.title == tab)
        self.window.click(f"#tab-{sheet.sheet_id}")
        self.wait("return document.querySelector(`#tab-${arguments[0]}[aria-selected=true]`)", sheet.sheet_id)
        self.wait("return !document.querySelector('.unknown') && document.querySelector('.body .cell')")

    def wait(self, condition: str, *values: Any) -> Any:
        return self.window.wait(condition, *values)

    def wait_for_text(self, selector: str, text: str) -> None:
        self.wait("return document.querySelector(arguments[0]).textContent.includes(arguments[1])", selector, text)

    def look(self, expression: str) -> Any:
        return self.window.run(f"return {expression}")

    def style(self, selector: str, name: str) -> str:
        found: str = self.window.run(
            "return getComputedStyle(document.querySelector(arguments[0]))[arguments[1]]", selector, name
        )
        return found


def it_shows_the_one_spreadsheet_with_its_tabs_and_its_grid(screen: Screen) -> None:
    screen.open("/")
    screen.wait_for_text("#cell-1-1", "Ana")
    assert screen.look("location.pathname") == f"/spreadsheets/{screen.box.spreadsheet_id}"
    assert screen.look("document.getElementById('title').textContent") == "MoneyMentor"
    assert screen.look("[...document.querySelectorAll('[role=tab]')].map(tab => tab.textContent)") == [PEOPLE, LONG]
    grid = "document.querySelector('[role=grid]')"
    assert screen.look(f"[{grid}.ariaRowCount, {grid}.ariaColCount]") == ["201", "27"]
    texts = "[...document.querySelectorAll('[role=row][aria-rowindex=\"3\"] [role=gridcell]')].slice(0, 5)"
    assert screen.look(f"{texts}.map(cell => cell.textContent)") == ["Ana", "1234.5", "TRUE", "2026-01-31", "007"]
    screen.wait_for_text("#size", "200 rows \u00d7 26 columns, 7 rows filled")


def it_shows_formats(screen: Screen) -> None:
    assert screen.style("#cell-1-2", "textAlign") == "right"
    assert screen.style("#cell-1-3", "textAlign") == "center"
    assert screen.style("#cell-1-5", "textAlign") in ("left", "start")  # the text 007
    assert (screen.style("#cell-0-1", "fontWeight"), screen.style("#cell-1-1", "fontWeight")) == ("700", "400")
    assert screen.style("#cell-4-1", "backgroundColor") == "rgb(51, 102, 153)"


def it_leaves_out_hidden_columns_and_marks_the_place(screen: Screen) -> None:
    marks = "[...document.querySelectorAll('.gap')].map(mark => mark.title)"
    assert screen.look("document.getElementById('cell-1-0')") is None
    assert screen.look(marks) == ["Column A is hidden"]
    screen.window.click("#hidden-cells")
    screen.wait_for_text("#cell-1-0", "u-1")
    assert screen.look(marks) == []
    screen.window.click("#hidden-cells")
    screen.wait("return !document.getElementById('cell-1-0')")


def it_marks_notes_and_shows_them_as_text(screen: Screen) -> None:
    assert screen.look("document.querySelectorAll('.noted').length") == 1
    screen.window.hover("#cell-3-1")
    screen.wait("return !document.getElementById('note').hidden")
    assert screen.look("document.getElementById('note').textContent") == "<b>asked</b> her\ntwice"
    assert screen.look("document.getElementById('cell-3-1').getAttribute('aria-description')").startswith(
        "Note: <b>"
    )
    screen.window.hover("#cell-5-1")
    screen.wait("return document.getElementById('note').hidden")


def it_never_takes_a_text_for_markup(screen: Screen) -> None:
    screen.window.click("#hidden-tabs")
    screen.wait_for_text("#tabs", STAGING)
    assert screen.look("document.getElementById('cell-2-1').textContent") == HOSTILE
    assert screen.look("document.querySelectorAll('img, i, b').length") == 0
    assert screen.look("typeof hacked") == "undefined"
    tab = "document.querySelector('[role=tab].is-hidden')"
    assert screen.look(f"{tab}.firstChild.data") == STAGING
    assert screen.look(f"{tab}.querySelector('.badge').textContent") == "hidden"
    screen.window.click("#hidden-tabs")
    screen.wait("return !document.querySelector('[role=tab].is-hidden')")


def it_moves_a_cursor_by_keys(screen: Screen) -> None:
    screen.window.click("#cell-2-2")
    screen.window.keys(DOWN, RIGHT, RIGHT)
    assert screen.look("document.getElementById('address').textContent") == "E4"
    assert screen.look("document.querySelector('[aria-selected=true][role=gridcell]').id") == "cell-3-4"
    assert screen.look("document.activeElement.getAttribute('aria-activedescendant')") == "cell-3-4"
    screen.window.keys(HOME)  # past the hidden column
    assert screen.look("document.getElementById('address').textContent") == "B4"
    screen.window.keys(ENTER)
    assert screen.look("document.activeElement.className") == "editor"
    screen.window.keys(ESCAPE)
    assert screen.look("document.activeElement.id") == "grid"


def it_writes_what_is_typed_after_a_double_click(screen: Screen) -> None:
    screen.window.click("#cell-6-2", times=2)
    screen.window.keys("0", ENTER)  # behind the 6 that is there
    screen.wait_for_text("#cell-6-2", "60")
    assert screen.box.grid(screen.box.spreadsheet_id, PEOPLE)[6][2] == 60
    screen.wait_for_text("#address", "C8")  # it went on
    screen.window.keys("=C7*2", ENTER)
    screen.wait_for_text("#cell-7-2", "120")
    assert screen.box.grid(screen.box.spreadsheet_id, PEOPLE)[7][2] == Formula("=C7*2")


def it_writes_nothing_when_nothing_was_typed(screen: Screen) -> None:
    before = screen.box.document().version
    screen.window.click("#cell-1-5", times=2)
    assert screen.look("document.activeElement.value") == "'007"  # as one has to type it
    screen.window.keys(ENTER)
    assert screen.look("document.activeElement.id") == "grid"
    assert screen.box.document().version == before


def it_says_why_an_edit_was_refused(screen: Screen) -> None:
    screen.window.click("#cell-5-1", times=2)
    screen.window.run("document.activeElement.value = 'x'.repeat(50001)")
    screen.window.keys(ENTER)
    screen.wait_for_text("[role=alert]:not([hidden])", "50000 characters")
    assert screen.look("document.activeElement.className") == "editor"  # nothing typed is lost
    screen.window.keys(ESCAPE)
    assert screen.box.grid(screen.box.spreadsheet_id, PEOPLE)[5][1] == "Eve"


def it_does_not_write_over_what_came_in_meanwhile(screen: Screen) -> None:
    screen.window.click("#cell-5-1", times=2)
    screen.box.person().type(PEOPLE, 5, 1, "Eva")
    screen.wait_for_text("#cell-5-1", "Eva")
    screen.window.keys("lyn", ENTER)
    screen.wait_for_text("[role=alert]:not([hidden])", "changed while you were typing")
    assert screen.box.grid(screen.box.spreadsheet_id, PEOPLE)[5][1] == "Eva"
    screen.window.keys(ENTER)  # meant all the same
    screen.wait_for_text("#cell-5-1", "Evelyn")


def it_follows_changes_and_marks_just_them(screen: Screen) -> None:
    screen.turn_to(LONG)
    screen.turn_to(PEOPLE)  # forgets the marks of the steps before
    marked = "[...document.querySelectorAll('.changed')].map(cell => cell.id).sort()"
    assert screen.look(marked) == []
    new = {"userEnteredValue": {"stringValue": "u-9"}}
    screen.box.person().request(
        {"insertDimension": {"range": {"sheetId": 0, "dimension": "ROWS", "startIndex": 2, "endIndex": 3}}},
        {"updateCells": {"start": {"sheetId": 0, "rowIndex": 2}, "rows": [{"values": [new, new]}], "fields": "*"}},
        {"updateCells": {"start": {"sheetId": 0, "rowIndex": 4, "columnIndex": 1},
                         "rows": [{"values": [new]}], "fields": "userEnteredValue"}},
    )  # fmt: skip
    screen.wait_for_text("#cell-2-1", "u-9")
    screen.wait_for_text("#cell-3-1", HOSTILE)  # moved on, and not marked for it
    in_row = [f"cell-2-{column}" for column in range(1, 6)]
    assert screen.look(marked) == sorted([*in_row, "cell-4-1"])
    screen.wait_for_text("#changes", "2 rows changed at")
    assert screen.look("document.getElementById('go').hidden")  # all of it is in view


def it_shows_the_way_to_a_change_out_of_view_and_goes_there_by_itself_if_told(screen: Screen) -> None:
    person = screen.box.person()
    person.type(LONG, 50_000, 1, "far away")
    screen.wait_for_text("#go:not([hidden])", "Show row 50,001")
    screen.window.click("#go")
    screen.wait_for_text("#cell-50000-1.changed", "far away")
    screen.window.click("#follow")
    person.type(LONG, 90_000, 1, "further")
    screen.wait_for_text("#cell-90000-1", "further")
    screen.window.click("#follow")


def it_keeps_the_header_and_fetches_as_one_scrolls(screen: Screen) -> None:
    screen.turn_to(LONG)
    place = "document.getElementById('cell-0-0').getBoundingClientRect().top"
    before = screen.look(place)
    assert screen.look("document.querySelector('.gap.above').title") == "Rows 3 to 52 are hidden"
    screen.window.run("const grid = document.getElementById('grid'); grid.scrollTop = grid.scrollHeight")
    screen.wait_for_text(f"#cell-{LAST_ROW}-0", "the end")
    assert screen.look(place) == before
    assert screen.look("document.querySelectorAll('*').length") < 2000
    screen.window.click("#cell-0-0")
    screen.window.keys(HOME, holding=[CONTROL])
    screen.window.keys(DOWN, holding=[CONTROL])
    assert screen.look("document.activeElement.getAttribute('aria-activedescendant')") == f"cell-{LAST_ROW}-0"


def it_keeps_the_tab_over_a_reload(screen: Screen) -> None:
    screen.window.reload()
    screen.wait_for_text("[role=tab][aria-selected=true]", LONG)
    screen.wait_for_text("#cell-0-0", "head")


def it_can_be_read_in_the_dark_and_on_a_phone(screen: Screen) -> None:
    light = screen.style("body", "backgroundColor")
    dark = [{"name": "prefers-color-scheme", "value": "dark"}]
    screen.window.devtools("Emulation.setEmulatedMedia", features=dark)
    assert (light, screen.style("body", "backgroundColor")) == ("rgb(255, 255, 255)", "rgb(22, 25, 29)")
    phone = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}
    screen.window.devtools("Emulation.setDeviceMetricsOverride", **phone)
    screen.wait("return innerWidth === 390")
    assert screen.look("document.documentElement.scrollWidth") == 390
    assert screen.look("document.getElementById('grid').clientHeight") > 844 / 2
    screen.window.devtools("Emulation.clearDeviceMetricsOverride")
    screen.window.devtools("Emulation.setEmulatedMedia", features=[])


def it_knows_where_rows_and_columns_lie(screen: Screen) -> None:
    found = screen.window.run_async("""
        const done = arguments[0];
        import("/static/axis.js").then(({ Axis, Columns, letters }) => {
          const axis = new Axis(20, [[0, 2], [5, 9], [19, 20]]);
          const columns = new Columns(5, [[1, 2]], { 2: 40 });
          done({
            letters: [0, 25, 26, 701, 702, 18277].map(letters),
            shown: Array.from({ length: axis.shown }, (_, position) => axis.index(position)),
            back: Array.from({ length: 20 }, (_, index) => axis.position(index)),
            hidden: Array.from({ length: 20 }, (_, index) => axis.isHidden(index)),
            steps: [axis.step(4, 1), axis.step(9, -1), axis.step(9, 99), axis.step(9, -99), axis.step(0, 0)],
            lefts: columns.lefts,
            at: [0, 99, 100, 139, 140, 339].map((pixels) => columns.at(pixels)),
          });
        });
    """)
    shown = [2, 3, 4, *range(9, 19)]
    assert found["letters"] == ["A", "Z", "AA", "ZZ", "AAA", "ZZZ"]
    assert found["shown"] == shown
    assert found["hidden"] == [index not in shown for index in range(20)]
    assert found["back"] == [sum(other < index for other in shown) for index in range(20)]
    assert found["steps"] == [9, 4, 18, 2, 2]
    assert found["lefts"] == [0, 100, 140, 240, 340]
    assert found["at"] == [0, 0, 1, 1, 2, 3]


def it_draws_charts_over_the_cells_and_keeps_them_true(screen: Screen) -> None:
    person = screen.box.person()
    tab = person.add_tab(DRAWN)
    person.type_rows(
        DRAWN, 0, 0, [["day", "rows", "took"], [HOSTILE, 10, 0.5], ["Tue", 20, 0.25], ["Wed", 5, 0.75]]
    )
    person.request({"addChart": {"chart": {"chartId": 7, "spec": combined(tab), "position": beside(tab)}}})
    screen.wait_for_text("#tabs", DRAWN)
    screen.turn_to(DRAWN)
    screen.wait("return document.querySelectorAll('#chart-7 .bar').length === 3")
    chart = "document.getElementById('chart-7')"
    box, cell = f"{chart}.getBoundingClientRect()", "document.getElementById('cell-2-4').getBoundingClientRect()"
    assert screen.look(f"[{box}.left - {cell}.left, {box}.top - {cell}.top]") == [12, 0]
    heights = f"[...{chart}.querySelectorAll('.bar')].map(bar => Number(bar.getAttribute('height')))"
    tall = screen.look(heights)
    assert [round(height / tall[1], 3) for height in tall] == [0.5, 1, 0.25]
    assert screen.look(f"{chart}.querySelectorAll('circle').length") == 3  # the line, against the other axis
    assert screen.look(f"{chart}.querySelector('.bar title').textContent") == f"{HOSTILE}\nrows: 10"
    assert screen.look("document.querySelectorAll('img').length") == 0
    shown = screen.look(f"[...{chart}.querySelectorAll('text')].map(text => text.textContent)")
    assert {"Rows a day", "rows", "took", "Tue", "20", "0.8"} <= set(shown)
    person.type(DRAWN, 1, 1, 40)
    screen.wait("return [...document.querySelectorAll('#chart-7 text')].some(text => text.textContent === '40')")
    person.request({"deleteEmbeddedObject": {"objectId": 7}})
    screen.wait("return !document.querySelector('.chart')")


def it_colours_cells_by_rules(screen: Screen) -> None:
    person = screen.box.person()
    tab = next(sheet.sheet_id for sheet in screen.box.document().sheets if sheet.title == DRAWN)
    condition = {"type": "CUSTOM_FORMULA", "values": [{"userEnteredValue": "=$B2>=20"}]}
    look = {
        "backgroundColor": {"red": 1, "green": 0.8, "blue": 0.8},
        "textFormat": {"foregroundColor": {"red": 0.6}},
    }
    span = {"sheetId": tab, "startRowIndex": 1, "endRowIndex": 4, "startColumnIndex": 0, "endColumnIndex": 2}
    rule = {"ranges": [span], "booleanRule": {"condition": condition, "format": look}}
    person.request({"addConditionalFormatRule": {"rule": rule, "index": 0}})
    screen.wait("return getComputedStyle(document.querySelector('#cell-2-0')).color === 'rgb(153, 0, 0)'")
    screen.wait("return document.getAnimations().every(({ playState }) => playState === 'finished')")  # the mark
    colours = [screen.style(f"#cell-{row}-1", "backgroundColor") for row in (1, 2, 3)]
    assert colours == ["rgb(255, 204, 204)", "rgb(255, 204, 204)", "rgb(255, 255, 255)"]
    person.delete_tab(DRAWN)
    screen.turn_to(LONG)


def it_says_that_the_sandbox_is_gone_and_goes_on_when_it_is_back(screen: Screen) -> None:
    screen.box.stop()
    screen.wait_for_text("[role=alert]:not([hidden])", "does not answer")
    screen.wait_for_text("#live", "no connection")
    screen.box.start()
    screen.box.person().type(LONG, 1, 0, "back again")
    screen.wait_for_text("#cell-1-0", "back again")
    screen.wait("return document.querySelector('[role=alert]').hidden")


def it_lists_the_spreadsheets_where_there_are_several(screen: Screen) -> None:
    screen.box.new_spreadsheet(HOSTILE)
    screen.open("/")
    screen.wait_for_text("#spreadsheets", HOSTILE)
    assert screen.look("[...document.querySelectorAll('#spreadsheets a')].map(link => link.textContent)") == [
        "MoneyMentor",
        HOSTILE,
    ]
    screen.window.click("#spreadsheets a")
    screen.wait_for_text("#title", "MoneyMentor")
    assert screen.look("typeof hacked") == "undefined"


def it_says_that_there_is_no_such_spreadsheet(screen: Screen) -> None:
    screen.open("/spreadsheets/none")
    screen.wait_for_text("[role=alert]:not([hidden])", "not in the sandbox")


STEPS: tuple[Callable[[Screen], None], ...] = (
    it_shows_the_one_spreadsheet_with_its_tabs_and_its_grid,
    it_shows_formats,
    it_leaves_out_hidden_columns_and_marks_the_place,
    it_marks_notes_and_shows_them_as_text,
    it_never_takes_a_text_for_markup,
    it_moves_a_cursor_by_keys,
    it_writes_what_is_typed_after_a_double_click,
    it_writes_nothing_when_nothing_was_typed,
    it_says_why_an_edit_was_refused,
    it_does_not_write_over_what_came_in_meanwhile,
    it_follows_changes_and_marks_just_them,
    it_keeps_the_header_and_fetches_as_one_scrolls,
    it_shows_the_way_to_a_change_out_of_view_and_goes_there_by_itself_if_told,
    it_keeps_the_tab_over_a_reload,
    it_can_be_read_in_the_dark_and_on_a_phone,
    it_knows_where_rows_and_columns_lie,
    it_draws_charts_over_the_cells_and_keeps_them_true,
    it_colours_cells_by_rules,
    it_says_that_the_sandbox_is_gone_and_goes_on_when_it_is_back,
    it_lists_the_spreadsheets_where_there_are_several,
    it_says_that_there_is_no_such_spreadsheet,
)


def test_the_page_in_a_real_browser(tmp_path: Path) -> None:
    lacking = missing()
    if lacking:
        pytest.skip(f"{lacking} is not installed: the sandbox's page was not tried in a browser")
    with ExitStack() as stack:
        with Sandbox(tmp_path / "sandbox") as box:
            port = urlsplit(box.url).port or 0
        # From here on under one address, since a step stops it and starts it again.
        box = stack.enter_context(Sandbox(tmp_path / "sandbox", port))
        window = stack.enter_context(browser(tmp_path / "profile"))
        screen = Screen(filled(box), window)
        for step in STEPS:
            step(screen)
            assert window.console() == [], step.__name__
