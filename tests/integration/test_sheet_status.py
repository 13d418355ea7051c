"""The tab that tells a spreadsheet's readers how fresh it is: what it costs, says, and leaves alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from moneymentor_sync.adapters import google_sheets, google_staging
from moneymentor_sync.adapters.lock_file import LockFiles
from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.core import sheet_status
from moneymentor_sync.core.cells import EPOCH, serial
from moneymentor_sync.core.errors import LeaseLostError, StateError, StoppedError
from moneymentor_sync.core.settings import SheetSettings
from moneymentor_sync.core.sheet_status import COLUMNS, Outlook, status_name
from moneymentor_sync.sandbox import chartview
from moneymentor_sync.sandbox.faults import Fault
from moneymentor_sync.sandbox.rules import Rules

from .fault_kinds import PASSING, STAYING, Kind
from .rig import Rig
from .workbench import TAB, Workbench, body

STATUS = "sync_status"
HEADERS = [column.header for column in COLUMNS]
SOME = [(1, "a", 1), (2, "b", 2)]


@pytest.fixture
def bench(bench: Workbench) -> Workbench:
    bench.sheet = SheetSettings(status=True)
    bench.people(*SOME)
    return bench


def cell(seconds: float) -> float:
    """UNIX seconds as a cell in UTC."""
    return serial(datetime.fromtimestamp(round(seconds), UTC).replace(tzinfo=None))


def shown(bench: Workbench, tab: str = STATUS, spreadsheet: str | None = None) -> dict[str, dict[str, Any]]:
    """The tab's rows by dataset, their cells by header; fails where a dataset or a header stands twice."""
    header, *rows = bench.box.grid(spreadsheet or bench.spreadsheet, tab)
    assert sorted(h for h in header if h in HEADERS) == sorted(HEADERS)
    read: list[dict[Any, Any]] = [dict(zip(header, [*row, *[None] * len(header)], strict=False)) for row in rows]
    read = [row for row in read if row["Dataset"] is not None]
    assert len({row["Dataset"] for row in read}) == len(read)
    return {str(row["Dataset"]): row for row in read}


def row(bench: Workbench) -> dict[str, Any]:
    return shown(bench)["people"]


def calls(bench: Workbench) -> tuple[int, int]:
    """Reads and writes since the log began."""
    return bench.box.log.count("read"), bench.box.log.count("write")


def failures(bench: Workbench) -> list[object]:
    return [fields["error"] for event, fields in bench.events if event == "sheet_status.failed"]


def ready(bench: Workbench) -> None:
    """The tab is there, and its last write of its own some time ago."""
    assert bench.told().ok
    bench.clock.now += 100


# --- what stands there --------------------------------------------------------------------------------------------


def test_the_first_sync_makes_it(bench: Workbench) -> None:
    bench.datasets.append(bench.dataset(name="more", tab="More"))  # switched off by an operator
    bench.outlooks = {
        "people": Outlook(next_sync=bench.clock.now + 300),
        "more": Outlook(enabled=False),
    }
    began = bench.clock.now
    with bench.kept_engine() as engine:
        assert engine.run([bench.datasets[0]]).ok
        bench.clock.now += 1
        engine.tell()
    people, more = shown(bench).values()
    assert people == dict(
        zip(
            HEADERS,
            ["people", TAB, 2, cell(began), cell(began), "healthy", cell(began + 300), 0, cell(began + 720)],
            strict=True,
        )
    )
    assert [more[header] for header in HEADERS] == ["more", "More", *[None] * 3, "disabled", *[None] * 3]
    formats = bench.box.formats(bench.spreadsheet, STATUS)
    assert formats[1, 3]["numberFormat"] == {"type": "DATE_TIME", "pattern": "yyyy-mm-dd hh:mm:ss"}
    assert failures(bench) == []


def test_it_is_of_no_dataset(bench: Workbench) -> None:
    run = bench.told()
    assert [one.dataset for one in run.datasets] == ["people"]
    assert [one.dataset.name for one in [bench.plan()]] == ["people"]
    store = bench.store()
    assert [one["dataset"] for one in store.run_datasets(run.run_id)] == ["people"]
    assert store.dataset(status_name(bench.spreadsheet)) is not None
    store.close()


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Nowhere/AtAll"])
def test_what_is_overdue_goes_by_the_spreadsheets_own_clocks(bench: Workbench, zone: str) -> None:
    bench.box.document(bench.spreadsheet).time_zone = zone
    due = bench.clock.now + 300
    bench.outlooks = {"people": Outlook(next_sync=due)}
    assert bench.told().ok
    here = ZoneInfo("UTC" if zone.startswith("Nowhere") else zone)
    late = datetime.fromtimestamp(due + 420, here).replace(tzinfo=None)
    assert row(bench)["Next sync"] == cell(due)
    assert row(bench)["Overdue from"] == pytest.approx((late - EPOCH).total_seconds() / 86400, abs=1e-6)


def reds(bench: Workbench, now: float) -> list[str]:
    """The headers of the cells that a rule makes red at that moment, row by row."""
    document = bench.box.document(bench.spreadsheet)
    sheet = next(one for one in document.sheets if one.title == STATUS)
    laid, grid = Rules(document, sheet, now), bench.grid(STATUS)
    places = [(n, column) for n in range(sheet.row_count) for column in range(len(grid[0]))]
    return [str(grid[0][column]) for n, column in places if laid.look(n, column).get("backgroundColor")]


@pytest.mark.parametrize("zone", ["UTC", "Asia/Kolkata", "America/Los_Angeles"])
@pytest.mark.parametrize("moved", [False, True], ids=["as made", "columns moved"])
def test_a_sync_that_is_long_over_is_red(bench: Workbench, zone: str, moved: bool) -> None:
    """Of two datasets the one that nothing is planned for is not."""
    bench.box.document(bench.spreadsheet).time_zone = zone
    bench.datasets.append(bench.dataset(name="more", tab="More", enabled=False))
    due = bench.clock.now + 300
    bench.outlooks = {"people": Outlook(due)}
    assert bench.told().ok
    if moved:
        bench.person.move_columns(STATUS, 6, 7, 0)
        bench.person.sort(STATUS, 1)
    late = due + 300 + 120
    assert reds(bench, due + 1) == []
    assert reds(bench, late - 2) == []
    assert reds(bench, late + 2) == ["Next sync"]
    with bench.kept_engine() as engine:
        engine.run([bench.datasets[0]])
        engine.tell("stopped")
    assert reds(bench, late + 2) == []


# --- what it costs ------------------------------------------------------------------------------------------------

CHANGES = {
    "a row more": [*SOME, (3, "c", 3)],
    "a cell": [(1, "z", 1), (2, "b", 2)],
    "a row less": [(1, "a", 1)],
    "all at once": [(1, "z", 1), (4, "d", 4)],
}


@pytest.mark.parametrize("change", CHANGES)
def test_along_with_a_change_it_costs_no_call(bench: Workbench, change: str) -> None:
    costs = []
    for status in (False, True):
        bench.sheet = SheetSettings(status=status)
        bench.people(*SOME)
        ready(bench)
        bench.people(*CHANGES[change])
        assert bench.told().ok
        costs.append(calls(bench))
        assert bench.rows() == body(CHANGES[change])
    assert costs == [(1, 1), (1, 1)]
    at = cell(bench.clock.now)
    seen = row(bench)
    assert (seen["Rows"], seen["Last checked"], seen["Last changed"]) == (len(CHANGES[change]), at, at)


def test_with_several_datasets_it_goes_with_each_of_them(bench: Workbench) -> None:
    bench.datasets.append(bench.dataset(name="more", tab="More"))
    costs = []
    for status in (False, True):
        bench.sheet = SheetSettings(status=status)
        ready(bench)
        bench.people(*SOME, (3 + status, "c", 3))
        assert bench.told().ok
        costs.append(calls(bench))
    assert costs[0] == costs[1] == (2, 2)
    assert {one["Last changed"] for one in shown(bench).values()} == {cell(bench.clock.now)}


def test_a_large_write_takes_it_along_in_its_last_batch(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    costs = []
    for status in (False, True):
        bench.sheet = SheetSettings(status=status)
        bench.people(*SOME)
        ready(bench)
        many = [(n, f"name {n}", n) for n in range(1, 200)]
        bench.people(*many)
        with monkeypatch.context() as small:
            for module in (google_sheets, google_staging):
                small.setattr(module, "BODY_BYTES", 2_000)
            run = bench.told()
        assert run.ok
        costs.append(calls(bench))
        assert bench.rows() == body(many)
        bench.people(*SOME)
        assert bench.run(force=True).ok
        bench.clock.now += 400
    assert costs[0] == costs[1]
    assert costs[0][1] > 2, "it took several batches"
    assert row(bench)["Rows"] == 2


def test_where_nothing_changes_it_is_written_now_and_then(bench: Workbench) -> None:
    ready(bench)
    since = []
    for _ in range(8):  # from 100 s after its first write on, every 60 s
        bench.told()
        since.append(calls(bench)[1])
        bench.clock.now += 60
    assert since == [0, 0, 0, 0, 1, 0, 0, 0]
    assert row(bench)["Last changed"] < row(bench)["Last checked"]


def test_without_it_nothing_is_read_or_written_for_it(bench: Workbench) -> None:
    bench.sheet = SheetSettings()
    ready(bench)
    bench.clock.now += 1_000
    bench.told()
    assert calls(bench) == (1, 0)
    assert STATUS not in bench.box.tabs(bench.spreadsheet)


# --- health -------------------------------------------------------------------------------------------------------


def broken(bench: Workbench) -> None:
    bench.sql("ALTER TABLE people RENAME TO hidden")


def mended(bench: Workbench) -> None:
    bench.sql("ALTER TABLE hidden RENAME TO people")


def test_a_health_that_changes_is_told_at_once_but_not_more_than_once_a_minute(bench: Workbench) -> None:
    ready(bench)
    checked = row(bench)["Last checked"]
    broken(bench)
    writes = []
    for _ in range(3):  # fails at 100, 130 and 160 s after the tab was made
        assert not bench.told().ok
        writes.append(calls(bench)[1])
        bench.clock.now += 30
    assert writes == [1, 0, 0]
    seen = row(bench)
    assert seen["Health"] == "warning: its query fails; it is being tried again"
    assert (seen["Rows"], seen["Last checked"]) == (2, checked)
    mended(bench)
    bench.clock.now -= 45  # 45 s after it was told
    bench.told()
    assert calls(bench)[1] == 0
    bench.clock.now += 20
    bench.told()
    assert calls(bench)[1] == 1
    assert row(bench)["Health"] == "healthy"


def test_no_message_of_an_error_gets_there(bench: Workbench) -> None:
    ready(bench)
    bench.people(*[(n, "x", n) for n in range(20)])
    bench.told()
    bench.people((1, "secret", 1))
    assert not bench.told().ok
    bench.clock.now += 400
    bench.told()
    assert row(bench)["Health"] == "warning: refused: too many rows would go; it is being tried again"
    assert "secret" not in str(bench.grid(STATUS))


def test_while_google_cannot_be_reached_it_is_not_tried(bench: Workbench) -> None:
    ready(bench)
    bench.settings = replace(bench.settings, max_retries=0)
    bench.clock.now += 400
    bench.box.faults.add(Fault("status", on="read", count=None))
    assert not bench.told().ok
    assert calls(bench) == (1, 0)
    bench.box.faults.clear()
    assert failures(bench) == []


# --- the end ------------------------------------------------------------------------------------------------------


def test_who_stops_says_so_and_who_begins_again_says_that_at_once(bench: Workbench) -> None:
    bench.outlooks = {"people": Outlook(next_sync=bench.clock.now + 300)}
    ready(bench)
    with bench.kept_engine() as engine:
        engine.run(bench.config.datasets)
        bench.box.log.reset()
        engine.tell("stopped")
        assert calls(bench) == (1, 1)
        engine.tell("stopped")
        assert calls(bench) == (1, 1), "once is enough"
    assert (row(bench)["Health"], row(bench)["Next sync"]) == ("stopped", None)
    bench.clock.now += 5
    bench.told()
    assert (row(bench)["Health"], row(bench)["Next sync"]) == ("healthy", cell(bench.clock.now + 195))


def test_to_say_good_bye_no_tab_is_made(bench: Workbench) -> None:
    with bench.kept_engine() as engine:
        engine.run(bench.config.datasets)
        engine.tell("stopped")
    assert STATUS not in bench.box.tabs(bench.spreadsheet)


# --- people -------------------------------------------------------------------------------------------------------


def test_what_people_do_with_it_stays(bench: Workbench) -> None:
    bench.datasets.append(bench.dataset(name="more", tab="More"))
    ready(bench)
    person = bench.person
    person.move_columns(STATUS, 5, 6, 0)  # health first
    person.insert_columns(STATUS, 2)
    person.type(STATUS, 0, 2, "whom to ask")
    people = next(i for i, one in enumerate(bench.grid(STATUS)) if "people" in one)
    person.type(STATUS, people, 2, "Ada")
    person.note(STATUS, people, 0, "a note")
    person.color(STATUS, people, 0)
    person.sort(STATUS, 1, descending=True)
    people = next(i for i, one in enumerate(bench.grid(STATUS)) if "people" in one)
    for step in (1, 2):
        bench.people(*SOME, (9 + step, "c", 3))
        bench.told()
        assert calls(bench) == (2, 2), "it rides all the same"
        seen = shown(bench)
        assert seen["people"]["whom to ask"] == "Ada"
        assert {one["Last changed"] for one in seen.values()} == {cell(bench.clock.now)}
        assert bench.grid(STATUS)[0][:3] == ["Health", "Dataset", "whom to ask"]
        assert bench.box.notes(bench.spreadsheet, STATUS) == {(people, 0): "a note"}
        bench.clock.now += 100
    assert failures(bench) == []


@pytest.mark.parametrize("header", ["Rows", "Health", "Overdue from", "Dataset"])
def test_a_column_that_a_person_deletes_is_made_again_in_its_time(bench: Workbench, header: str) -> None:
    ready(bench)
    bench.person.delete_columns(STATUS, bench.grid(STATUS)[0].index(header))
    bench.people(*SOME, (3, "c", 3))
    assert bench.told().ok
    assert calls(bench) == (1, 1)
    bench.clock.now += 400
    assert bench.told().ok
    seen = row(bench)
    assert (seen["Rows"], seen["Health"]) == (3, "healthy")


def test_what_a_person_typed_into_it_is_put_back(bench: Workbench) -> None:
    ready(bench)
    bench.person.type(STATUS, 1, 5, "all is lost")
    bench.people(*SOME, (3, "c", 3))
    bench.told()
    assert row(bench)["Health"] == "healthy"


def test_one_that_is_renamed_is_followed_and_costs_nothing_more(bench: Workbench) -> None:
    ready(bench)
    bench.person.rename_tab(STATUS, "Fresh?")
    bench.told()  # it has to be looked for, once
    bench.told()
    assert calls(bench) == (1, 0)
    bench.people(*SOME, (3, "c", 3))
    bench.told()
    assert calls(bench) == (1, 1)
    assert shown(bench, "Fresh?")["people"]["Rows"] == 3
    assert STATUS not in bench.box.tabs(bench.spreadsheet)


def test_one_that_is_deleted_is_made_again(bench: Workbench) -> None:
    ready(bench)
    bench.person.delete_tab(STATUS)
    bench.told()
    assert shown(bench)["people"]["Rows"] == 2
    assert failures(bench) == []
    bench.clock.now += 100
    bench.people(*SOME, (3, "c", 3))
    bench.told()
    assert calls(bench) == (1, 1)


def test_a_tab_of_somebodys_own_is_left_alone(bench: Workbench) -> None:
    bench.person.add_tab(STATUS)
    bench.person.type(STATUS, 0, 0, "Dataset")
    bench.person.type(STATUS, 1, 0, "people")
    before = bench.grid(STATUS)
    with bench.kept_engine() as engine:
        for _ in range(3):
            assert engine.run(bench.config.datasets).ok
            engine.tell()
            bench.clock.now += 70
        assert failures(bench) == ["header_damaged"], "said once in its usual time"
        bench.box.log.reset()
        assert engine.run(bench.config.datasets).ok
        assert calls(bench) == (1, 0)
    assert bench.grid(STATUS) == before
    assert bench.rows() == body(SOME)


def test_an_empty_tab_of_that_title_is_filled(bench: Workbench) -> None:
    bench.person.add_tab(STATUS)
    assert bench.told().ok
    assert row(bench)["Rows"] == 2


def test_a_lost_state_file_is_no_second_tab(bench: Workbench) -> None:
    ready(bench)
    bench.forget()
    bench.told()
    assert row(bench)["Rows"] == 2
    assert [tab for tab in bench.box.tabs(bench.spreadsheet) if tab.startswith("sync_")] == [STATUS]
    assert failures(bench) == []


@pytest.mark.parametrize("since", [10, 400], ids=["a moment after", "long after"])
def test_cells_that_a_person_moves_while_it_rides_are_given_back(bench: Workbench, since: float) -> None:
    """However short a time ago the tab had a write of its own."""
    bench.datasets.append(bench.dataset(name="more", tab="More", query="SELECT 1 AS id, 'x' AS name"))
    ready(bench)
    person = bench.person
    person.type(STATUS, 0, 9, "whom to ask")
    person.type(STATUS, 1, 9, "Ada")
    bench.clock.now += 400
    bench.told()
    assert calls(bench)[1] == 1
    bench.clock.now += since
    bench.people(*SOME, (3, "c", 3))
    happened = bench.before_write(lambda: person.move_columns(STATUS, 9, 10, 2))  # ours hit theirs
    assert bench.told().ok
    assert happened == [1]
    assert bench.rows() == body([*SOME, (3, "c", 3)])
    assert shown(bench)["people"]["whom to ask"] == "Ada"
    bench.clock.now += 100
    bench.told()
    seen = shown(bench)
    assert seen["people"]["whom to ask"] == "Ada"
    assert (seen["people"]["Rows"], seen["more"]["Rows"]) == (3, 1)
    assert bench.grid(STATUS)[0].count("whom to ask") == 1


# --- what goes wrong ----------------------------------------------------------------------------------------------


def test_a_protected_tab_holds_up_no_dataset(bench: Workbench) -> None:
    ready(bench)
    bench.person.protect(STATUS)
    bench.people(*SOME, (3, "c", 3))
    with bench.kept_engine() as engine:
        bench.box.log.reset()
        assert engine.run(bench.config.datasets).ok
        assert bench.rows() == body([*SOME, (3, "c", 3)])
        assert failures(bench) == ["protected"]
        assert calls(bench) == (3, 2), "once with it, once without, after a look at what the first try left"
        bench.people(*SOME, (4, "d", 4))
        bench.box.log.reset()
        assert engine.run(bench.config.datasets).ok
        assert calls(bench) == (1, 1), "it is left alone for a while"
        engine.tell()
        assert failures(bench) == ["protected"]


def test_what_refuses_the_dataset_itself_is_told(bench: Workbench) -> None:
    """The tab that came along with the refused write is not what was refused."""
    ready(bench)
    bench.person.protect(TAB)
    bench.people(*SOME, (3, "c", 3))
    with bench.kept_engine() as engine:
        for _ in range(2):
            bench.clock.now += 400
            assert engine.run(bench.config.datasets).datasets[0].error_code == "protected"
            engine.tell()
            assert row(bench)["Health"] == "warning: a protected range is in the way; it is being tried again"
    assert failures(bench) == []


@pytest.mark.parametrize("again", [False, True], ids=["once", "twice"])
def test_what_a_write_of_its_own_hit_is_given_back_though_its_answer_is_lost(bench: Workbench, again: bool) -> None:
    ready(bench)
    person = bench.person
    person.type(STATUS, 0, 9, "whom to ask")
    person.type(STATUS, 1, 9, "Ada")
    bench.clock.now += 400
    bench.told()
    bench.clock.now += 400
    happened = bench.before_write(lambda: person.move_columns(STATUS, 9, 10, 3))
    bench.box.faults.add(Fault("status", on="write", status=503, after_applying=True))
    if again:  # and so is the one of what is put back
        bench.box.faults.add(Fault("status", on="write", nth=2, status=503, after_applying=True))
    assert bench.told().ok
    assert happened == [1]
    assert row(bench)["whom to ask"] == "Ada"


@pytest.mark.parametrize("times", [1, 2])
def test_what_it_hit_while_it_rode_is_given_back_though_that_fails_at_first(bench: Workbench, times: int) -> None:
    """By the run itself if that can be, else by the next one."""
    ready(bench)
    person = bench.person
    person.type(STATUS, 0, 9, "whom to ask")
    person.type(STATUS, 1, 9, "Ada")
    bench.clock.now += 400
    bench.told()
    bench.people(*SOME, (3, "c", 3))
    happened = bench.before_write(lambda: person.move_columns(STATUS, 9, 10, 3))
    bench.box.faults.add(Fault("status", on="write", nth=2, count=times, status=503))
    with bench.kept_engine() as engine:
        assert engine.run(bench.config.datasets).ok
        assert happened == [1]
        bench.clock.now += 400
        assert engine.run(bench.config.datasets).ok
    assert row(bench)["whom to ask"] == "Ada"


def test_while_that_fails_for_good_the_datasets_go_on(bench: Workbench) -> None:
    ready(bench)
    bench.person.type(STATUS, 0, 9, "whom to ask")
    bench.person.type(STATUS, 1, 9, "Ada")
    bench.clock.now += 400
    bench.told()
    bench.people(*SOME, (3, "c", 3))
    bench.before_write(lambda: bench.person.move_columns(STATUS, 9, 10, 3))
    bench.box.faults.add(Fault("status", on="write", nth=2, count=None, status=503))
    with bench.kept_engine() as engine:
        assert engine.run(bench.config.datasets).ok
        bench.clock.now += 60
        bench.box.log.reset()
        assert engine.run(bench.config.datasets).ok
        assert calls(bench)[1] == 2, "once in the midst of the run, and once at its end"


def test_a_run_that_google_fails_waits_for_no_look_at_what_rode(bench: Workbench) -> None:
    """Each call may take minutes just then; the next run looks."""
    ready(bench)
    person = bench.person
    person.type(STATUS, 0, 9, "whom to ask")
    person.type(STATUS, 1, 9, "Ada")
    bench.clock.now += 400
    bench.told()
    bench.settings = replace(bench.settings, max_retries=0)
    bench.people(*SOME, (3, "c", 3))
    bench.before_write(lambda: person.move_columns(STATUS, 9, 10, 3))
    bench.box.faults.add(Fault("status", on="write", status=503, after_applying=True))
    with bench.kept_engine() as engine:
        bench.box.log.reset()
        assert engine.run(bench.config.datasets).datasets[0].error_code == "unavailable"
        assert calls(bench) == (1, 1)
        bench.clock.now += 60
        assert engine.run(bench.config.datasets).ok
    assert row(bench)["whom to ask"] == "Ada"


def test_a_failure_is_no_reason_to_leave_it_alone_for_a_day(bench: Workbench) -> None:
    bench.sheet = replace(bench.sheet, status_every_seconds=86_400)
    ready(bench)
    with bench.kept_engine() as engine:
        engine.run(bench.config.datasets)
        bench.clock.now += 86_400
        bench.box.faults.add(Fault("status", on="write", status=503))
        engine.run(bench.config.datasets)
        engine.tell()
        assert failures(bench) == ["unavailable"]
        bench.clock.now += 301
        bench.people(*SOME, (3, "c", 3))
        engine.run(bench.config.datasets)
    assert row(bench)["Rows"] == 3


def test_there_are_signs_of_life_before_each_call_for_it(bench: Workbench) -> None:
    """Each may take minutes; whoever watches over the process is not to take that for its end."""
    ready(bench)
    bench.clock.now += 400
    passed: list[tuple[int, int]] = []

    def gate(*, wait: bool) -> bool:
        passed.append(calls(bench))
        return not wait  # somebody holds the syncs up meanwhile: that is not asked for this

    with bench.kept_engine(gate) as engine:
        engine.run(bench.config.datasets)
        bench.box.log.reset()
        passed.clear()
        engine.tell()
    assert calls(bench) == (1, 1)
    assert {(0, 0), (1, 0)} <= {*passed}


def test_where_there_is_little_room_it_is_small(bench: Workbench) -> None:
    bench.max_cells = 30_000  # the dataset's tab has 26,000
    assert bench.told().ok
    assert row(bench)["Rows"] == 2
    sheet = next(one for one in bench.box.document(bench.spreadsheet).sheets if one.title == STATUS)
    assert sheet.row_count * sheet.column_count < 100


def test_a_bug_in_it_holds_up_no_dataset(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    ready(bench)

    def broken(*_given: object, **_named: object) -> str:
        raise ValueError("a value")

    monkeypatch.setattr(sheet_status, "health_word", broken)
    for step in (3, 4):
        bench.people(*SOME, (step, "c", 3))
        assert bench.told().ok
        assert bench.rows() == body([*SOME, (step, "c", 3)])
        assert calls(bench) == (1, 1)
        bench.clock.now += 400
    assert failures(bench) == ["ValueError"] * 2
    assert "a value" not in str(bench.events)


@pytest.mark.parametrize("call", ["begin_write", "finish", "dataset"])
def test_a_state_that_cannot_be_noted_holds_up_no_dataset(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    ready(bench)
    working = getattr(StateFile, call)

    def full(store: StateFile, name: str, *given: Any, **named: Any) -> Any:
        if name == status_name(bench.spreadsheet):
            raise StateError("database or disk is full")
        return working(store, name, *given, **named)

    bench.people(*SOME, (3, "c", 3))
    with monkeypatch.context() as broken:
        broken.setattr(StateFile, call, full)
        assert bench.told().ok
    assert bench.rows() == body([*SOME, (3, "c", 3)])
    assert failures(bench) == ["state"]
    bench.clock.now += 400
    bench.told()
    assert row(bench)["Rows"] == 3


@pytest.mark.parametrize("at", range(1, 13))
@pytest.mark.parametrize("ends", [False, True], ids=["held up", "stopped"])
def test_held_up_or_stopped_at_any_moment(bench: Workbench, at: int, ends: bool) -> None:
    ready(bench)
    bench.people(*SOME, (3, "c", 3))
    passed = [0]

    def gate(*, wait: bool) -> bool:
        passed[0] += 1
        if ends and passed[0] >= at:
            raise StoppedError("the daemon is being stopped")
        return passed[0] == at

    with bench.kept_engine(gate) as engine:
        run = engine.run(bench.config.datasets)
        engine.tell("stopped" if ends else None)
    assert passed[0] >= min(at, 5)
    assert run.ok or ends
    done = run.datasets[0].result == "synced"
    assert bench.rows() == body([*SOME, (3, "c", 3)] if done else SOME)
    assert (row(bench)["Rows"], row(bench)["Health"]) == (3 if done else 2, "stopped" if ends else "healthy")
    assert failures(bench) == []
    bench.clock.now += 100
    bench.told()
    assert (row(bench)["Rows"], row(bench)["Health"]) == (3, "healthy")


@pytest.mark.parametrize("lost_at", range(1, 4))
def test_a_lease_that_is_lost_is_no_failure_of_it(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, lost_at: int
) -> None:
    """The first proof is before the write that it rides on, the second before one of its own."""
    bench.settings = replace(bench.settings, max_retries=0)
    ready(bench)
    asked = [0]

    def prove(_locks: LockFiles, _spreadsheet: str) -> None:
        asked[0] += 1
        if asked[0] >= lost_at:
            raise LeaseLostError("this member no longer has it")

    before = bench.everything()
    bench.people(*SOME, (3, "c", 3))
    with monkeypatch.context() as lost:
        lost.setattr(LockFiles, "prove", prove)
        run = bench.told()
    assert asked[0] >= 1
    if lost_at == 1:
        assert run.outcome == "stopped"
        assert bench.everything() == before
    assert failures(bench) == []
    bench.clock.now += 100
    bench.told()
    assert (row(bench)["Rows"], row(bench)["Health"]) == (3, "healthy")


@pytest.mark.parametrize("kind", STAYING, ids=lambda kind: kind.name)
def test_what_somebody_has_to_mend_leaves_it_as_it_was(bench: Workbench, kind: Kind) -> None:
    ready(bench)
    bench.settings = replace(bench.settings, max_retries=0)
    bench.people(*SOME, (3, "c", 3))
    fault = bench.box.faults.add(replace(kind.at(1), on="write"))
    bench.told()
    assert fault.fired
    bench.box.faults.clear()
    bench.clock.now += 100
    assert bench.told().ok
    assert (row(bench)["Rows"], row(bench)["Health"]) == (3, "healthy")


@pytest.mark.parametrize("kind", PASSING, ids=lambda kind: kind.name)
def test_whatever_befalls_the_batch_that_it_rides_on(bench: Workbench, kind: Kind) -> None:
    bench.datasets.append(bench.dataset(name="more", tab="More", query="SELECT 1 AS id, 'x' AS name"))
    ready(bench)
    bench.person.type(STATUS, 0, 9, "whom to ask")
    bench.person.type(STATUS, 1, 9, "Ada")
    bench.people(*SOME, (3, "c", 3))
    fault = bench.box.faults.add(replace(kind.at(1), on="write"))
    bench.told()
    assert fault.fired
    if kind.kind == "refuse":
        bench.box.plug_in()
    bench.box.faults.clear()
    bench.clock.now += 400
    assert bench.told().ok
    assert bench.rows() == body([*SOME, (3, "c", 3)])
    seen = shown(bench)
    assert [(one["Rows"], one["Health"]) for one in seen.values()] == [(3, "healthy"), (1, "healthy")]
    assert seen["people"]["whom to ask"] == "Ada"
    assert {*failures(bench)} <= {"unavailable"}
    bench.clock.now += 100
    bench.people(*SOME)
    bench.told()
    assert calls(bench) == (2, 1), "all is as before"


@pytest.mark.parametrize("kind", PASSING, ids=lambda kind: kind.name)
def test_whatever_befalls_a_write_of_its_own(bench: Workbench, kind: Kind) -> None:
    ready(bench)
    bench.clock.now += 400
    slept = len(bench.clock.slept)
    fault = bench.box.faults.add(replace(kind.at(1), on="write"))
    assert bench.told().ok
    assert fault.fired
    assert len(bench.clock.slept) == slept, "nothing waits for it"
    if kind.kind == "refuse":
        bench.box.plug_in()
    bench.box.faults.clear()
    bench.clock.now += 400
    assert bench.told().ok
    assert row(bench)["Last checked"] == cell(bench.clock.now)


def test_a_kill_at_any_step_leaves_nothing_wrong(bench: Workbench) -> None:
    bench.datasets.append(bench.dataset(name="more", tab="More", query="SELECT 1 AS id, 'x' AS name"))
    rig = Rig(bench)
    assert rig.run() is not None
    bench.clock.now += 400
    bench.people(*SOME, (3, "c", 3))
    beginning, steps = rig.moment(), 0
    while True:
        rig.go_back(beginning)
        steps += 1
        if rig.run(crash_at=steps) is not None:
            break
        bench.clock.now += 100
        run = rig.run()
        assert run is not None
        assert run.ok
        assert bench.rows() == body([*SOME, (3, "c", 3)]), rig.steps.crashed
        seen = shown(bench)
        assert [(one["Rows"], one["Health"]) for one in seen.values()] == [(3, "healthy"), (1, "healthy")]
        assert seen["people"]["Last changed"] >= seen["more"]["Last changed"]
        bench.clock.now += 400
        assert rig.run() is not None
        assert {one["Last checked"] for one in shown(bench).values()} == {cell(bench.clock.now)}
    rig.close()
    assert steps > 12


# --- the configuration --------------------------------------------------------------------------------------------


def test_rows_come_and_go_with_the_configuration(bench: Workbench) -> None:
    bench.datasets += [bench.dataset(name=f"d{n}", tab=f"D{n}") for n in range(3)]
    ready(bench)
    assert [*shown(bench)] == ["people", "d0", "d1", "d2"]
    bench.datasets = [bench.datasets[0], bench.dataset(name="new", tab="New")]
    bench.told()
    assert [*shown(bench)] == ["people", "new"]
    assert failures(bench) == []


def test_one_that_was_never_wanted_has_no_row_and_one_that_was_has(bench: Workbench) -> None:
    """As the datasets that are built in, where there is another program's database."""
    bench.datasets += [bench.dataset(name=one, tab=one.title(), enabled=one == "more") for one in ("more", "never")]
    with bench.kept_engine() as engine:
        engine.run([one for one in bench.config.datasets if one.enabled])
        engine.tell()
    assert {*shown(bench)} == {"people", "more"}
    bench.datasets[1] = bench.dataset(name="more", tab="More", enabled=False)
    bench.clock.now += 100
    with bench.kept_engine() as engine:
        engine.run(bench.config.datasets[:1])
        engine.tell()
    assert {name: one["Health"] for name, one in shown(bench).items()} == {"people": "healthy", "more": "disabled"}


def test_each_spreadsheet_has_one_of_its_own(bench: Workbench) -> None:
    other = bench.box.new_spreadsheet("Other", share_with=(bench.box.client_email,))
    bench.datasets.append(bench.dataset(name="more", spreadsheet_id=other))
    ready(bench)
    bench.people(*SOME, (3, "c", 3))
    bench.told()
    assert calls(bench) == (2, 2)
    assert [*shown(bench)] == ["people"]
    assert [*shown(bench, spreadsheet=other)] == ["more"]


def test_one_that_is_left_behind_says_so_and_the_others_do_not(bench: Workbench) -> None:
    other = bench.box.new_spreadsheet("Other", share_with=(bench.box.client_email,))
    bench.datasets.append(bench.dataset(name="more", tab="More", spreadsheet_id=other))
    with bench.kept_engine() as engine:
        engine.run(bench.config.datasets)
        engine.tell()
        engine.tell("no longer updated", {other})
    assert shown(bench, spreadsheet=other)["more"]["Health"] == "no longer updated"
    assert row(bench)["Health"] == "healthy"


def test_turned_off_it_stays_as_it_is_and_turned_on_again_it_goes_on(bench: Workbench) -> None:
    ready(bench)
    on = bench.sheet
    bench.sheet = SheetSettings()
    before = bench.grid(STATUS)
    bench.people(*SOME, (3, "c", 3))
    bench.told()
    assert bench.grid(STATUS) == before
    bench.sheet = on
    bench.clock.now += 400
    bench.told()
    assert (row(bench)["Rows"], row(bench)["Last checked"]) == (3, cell(bench.clock.now))


def test_under_another_title_it_is_another_tab(bench: Workbench) -> None:
    ready(bench)
    changed = row(bench)["Last changed"]
    bench.sheet = replace(bench.sheet, status_tab="freshness")
    bench.told()
    assert shown(bench, "freshness")["people"]["Last changed"] == changed


def test_a_dataset_with_a_cursor_has_its_row(bench: Workbench) -> None:
    bench.datasets = [bench.dataset(cursor="id", mode="upsert", verify=3600.0)]
    ready(bench)
    bench.people(*SOME, (3, "c", 3))
    bench.told()
    assert calls(bench) == (1, 1)
    assert row(bench)["Rows"] == 3


# --- the chart ----------------------------------------------------------------------------------------------------


def test_a_chart_and_a_rule_come_with_the_tab_and_are_peoples_from_then_on(bench: Workbench) -> None:
    ready(bench)
    [(number, chart)] = charts_of(bench).items()
    basic = chart.spec["basicChart"]
    assert basic["chartType"] == "COMBO"
    kinds = [(one["type"], one["targetAxis"]) for one in basic["series"]]
    assert kinds == [("COLUMN", "LEFT_AXIS"), ("LINE", "RIGHT_AXIS")]
    [domain] = basic["domains"][0]["domain"]["sourceRange"]["sources"]
    assert (domain["startColumnIndex"], domain["endRowIndex"]) == (0, 1000), "it grows with the table"
    bench.person.request({"deleteEmbeddedObject": {"objectId": number}})
    bench.people(*SOME, (3, "c", 3))
    bench.told()
    bench.clock.now += 400
    bench.told()
    assert not charts_of(bench)


def test_the_chart_shows_each_dataset_also_one_that_comes_later(bench: Workbench) -> None:
    ready(bench)
    bench.datasets.append(bench.dataset(name="more", tab="More", query="SELECT 1 AS id, 'x' AS name"))
    bench.told()
    document = bench.box.document(bench.spreadsheet)
    [drawn] = chartview.listed(document, next(one for one in document.sheets if one.title == STATUS))
    assert drawn["labels"] == ["people", "more"]
    rows, seconds = drawn["series"]
    assert (rows["title"], rows["axis"], rows["values"]) == ("Rows", "left", [2, 1])
    assert (seconds["title"], seconds["axis"], len(seconds["values"])) == ("Duration (s)", "right", 2)
    assert drawn["row"] > len(bench.grid(STATUS)), "it is below the table"


def charts_of(bench: Workbench) -> dict[int, Any]:
    sheet = next(one for one in bench.box.document(bench.spreadsheet).sheets if one.title == STATUS)
    return sheet.extras.charts


def test_notes_on_headers_are_none_of_its_own_and_both_cost_no_call(bench: Workbench) -> None:
    bench.sheet = SheetSettings(status=True, header_notes=True)
    ready(bench)
    bench.people(*SOME, (3, "c", 3))
    assert bench.told().ok
    assert calls(bench) == (1, 1)
    assert row(bench)["Rows"] == 3
    assert bench.box.notes(bench.spreadsheet, STATUS) == {}
    assert len(bench.box.notes(bench.spreadsheet, TAB)) == 3
