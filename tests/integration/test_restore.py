"""Restores: what a person destroyed is back as it was, and the next sync takes it for its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.adapters import google_restore
from moneymentor_sync.adapters.lock_file import LockFiles
from moneymentor_sync.core.errors import (
    BackupError,
    CellLimitError,
    DestinationError,
    LockHeldError,
    OvertakenError,
    UnavailableError,
)
from moneymentor_sync.core.settings import GoogleSettings
from moneymentor_sync.sandbox import Fault
from moneymentor_sync.wiring.restore import carry_out, open_restore

from .saving import Desk, whole
from .workbench import TAB, Workbench, body

PEOPLE = [(i, f"n{i}", i / 2) for i in range(1, 31)]


@pytest.fixture
def desk(bench: Workbench) -> Desk:
    return Desk(bench)


@pytest.fixture(params=["direct", "staged"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Small tabs go into the batch as they are; here also as though they were large."""
    if request.param == "staged":
        monkeypatch.setattr(google_restore, "DIRECT_CELLS", -1)
    return str(request.param)


def peopled(bench: Workbench) -> None:
    """A tab of ours with everything in it that people put into tabs, and one of theirs."""
    bench.people(*PEOPLE)
    bench.sync()
    person = bench.person
    person.type(TAB, 0, 4, "remarks")
    for row in range(1, 31):
        person.type(TAB, row, 4, f"of {row}")
        person.type(TAB, row, 5, f"=C{row + 1}*2")
    person.type(TAB, 40, 6, "'0042")
    person.type(TAB, 41, 6, "TRUE")
    person.type(TAB, 42, 6, "2026-11-26")
    person.note(TAB, 2, 1, "ask her")
    person.note(TAB, 50, 7, "on a blank cell")
    person.color(TAB, 3, 1, red=1, green=0.5, blue=0)
    person.hide_rows(TAB, 10, 12)
    person.hide_columns(TAB, 8, 9)
    person.freeze(TAB, 1, 1)
    person.merge(TAB, 60, 62, 0, 3)
    person.validate(TAB, 1, 20, 4, 5, values=["yes", "no"], strict=False)
    person.conditional_format(TAB, 1, 30, 2, 3, kind="NUMBER_GREATER", value="5")
    person.conditional_format(TAB, 1, 30, 1, 2)
    person.filter(TAB)
    person.filter_view(TAB, "mine", 1, ["n1"])
    person.type("Sheet1", 0, 0, f"=COUNTA({TAB}!A2:A31)")


def cleared(bench: Workbench) -> None:
    bench.person.delete_rows(TAB, 1, bench.person._tab(TAB).row_count - 2)


def deleted(bench: Workbench) -> None:
    bench.person.delete_tab(TAB)


def half_sorted(bench: Workbench) -> None:
    """Only some columns: no row is what it was."""
    sheet = bench.person._tab(TAB)
    span = {
        "sheetId": sheet.sheet_id,
        "startRowIndex": 1,
        "endRowIndex": 31,
        "startColumnIndex": 0,
        "endColumnIndex": 2,
    }
    spec = {"dimensionIndex": 1, "sortOrder": "DESCENDING"}
    bench.person.request({"clearBasicFilter": {"sheetId": sheet.sheet_id}})
    bench.person.request({"sortRange": {"range": span, "sortSpecs": [spec]}})


def muddled(bench: Workbench) -> None:
    """Something of everything, and the tab is smaller than it was."""
    person = bench.person
    person.delete_conditional_format(TAB, 0)
    person.clear_filter(TAB)
    person.unmerge(TAB, 60, 62, 0, 3)
    person.merge(TAB, 20, 24, 4, 6)
    person.freeze(TAB, 3, 2)
    person.show_rows(TAB, 10, 12)
    person.hide_rows(TAB, 3, 9)
    person.clear_validation(TAB, 1, 20, 4, 5)
    person.type(TAB, 0, 1, "Nom")
    person.type(TAB, 5, 12, "stray")
    person.note(TAB, 5, 12, "stray")
    person.color(TAB, 6, 12)
    person.delete_columns(TAB, 15, 11)
    person.insert_columns(TAB, 1, 2)
    person.delete_rows(TAB, 100, 500)


WRECKS = [cleared, deleted, half_sorted, muddled]
Wreck = Callable[[Workbench], None]


@pytest.mark.parametrize("wreck", WRECKS)
@pytest.mark.usefixtures("way")
def test_what_was_destroyed_is_back_as_it_was(desk: Desk, bench: Workbench, wreck: Wreck) -> None:
    peopled(bench)
    made = desk.save()
    before, sheet_id = whole(bench, TAB), bench.person._tab(TAB).sheet_id
    wreck(bench)
    assert TAB not in bench.box.tabs(bench.spreadsheet) or whole(bench, TAB) != before
    desk.restore(made.path)
    assert whole(bench, TAB) == before
    assert bench.person._tab(TAB).sheet_id == sheet_id
    assert not [one for one in bench.box.tabs(bench.spreadsheet) if "staging" in one]
    assert desk.restore(made.path) is None  # nothing differs any more


@pytest.mark.parametrize("wreck", WRECKS)
@pytest.mark.usefixtures("way")
def test_the_next_sync_takes_it_for_its_own(desk: Desk, bench: Workbench, wreck: Wreck) -> None:
    """Rows were inserted, updated and deleted since: no key is unknown, none comes twice."""
    peopled(bench)
    made = desk.save()
    bench.people(*((i, f"N{i}" if i % 3 else f"n{i}", i / 2) for i in range(6, 36)))
    bench.sync()
    wreck(bench)
    desk.restore(made.path)
    result = bench.sync()
    assert (result.inserted, result.deleted) == (5, 5)
    grid = bench.rows()
    ours = [row[:3] for row in grid if row and row[0] is not None]
    assert sorted(ours, key=lambda row: row[0]) == body(
        [i, f"N{i}" if i % 3 else f"n{i}", i / 2] for i in range(6, 36)
    )
    beside = {row[0]: (row[4], row[5].text) for row in grid if row and row[0] is not None and len(row) > 5}
    at = {row[0]: number for number, row in enumerate(grid, 2) if row and row[0] is not None}
    assert beside == {float(i): (f"of {i}", f"=C{at[i]}*2") for i in range(6, 31)}
    assert bench.sync().result == "unchanged"


def test_a_sync_between_that_made_the_tab_again_is_no_second_tab(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    made, before = desk.save(), whole(bench, TAB)
    deleted(bench)
    bench.sync()
    other = bench.person._tab(TAB).sheet_id
    desk.restore(made.path)
    assert bench.person._tab(TAB).sheet_id == other
    after = whole(bench, TAB)
    assert after["cells"] == before["cells"] and after["rules"] == before["rules"]
    assert bench.sync().result == "unchanged"
    assert [one for one in bench.box.tabs(bench.spreadsheet) if one == TAB] == [TAB]


def test_a_renamed_tab_keeps_its_name(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    made, before = desk.save(), whole(bench, TAB)
    bench.person.rename_tab(TAB, "Leute")
    bench.person.delete_rows("Leute", 5, 10)
    plan = desk.plan(made.path)
    assert [(one.title, one.action) for one in plan.tabs] == [("Sheet1", "replaced"), ("Leute", "replaced")]
    desk.restore(made.path, "Leute")  # by what it is called now, or was called then
    assert whole(bench, "Leute") == before
    bench.person.delete_rows("Leute", 5, 10)
    desk.restore(made.path, TAB)
    assert whole(bench, "Leute") == before
    assert bench.sync().result == "unchanged"


def test_only_the_tab_that_is_named(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    made = desk.save()
    bench.person.type("Sheet1", 3, 3, "later")
    cleared(bench)
    desk.restore(made.path, TAB)
    assert bench.rows()[0][0] == 1
    assert bench.grid("Sheet1")[3][3] == "later"
    with pytest.raises(BackupError, match="no tab 'Nope'") as caught:
        desk.restore(made.path, "Nope")
    assert "'Sheet1', 'People'" in caught.value.hint


def test_all_tabs_in_one_step_and_other_tabs_stay(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    made = desk.save()
    sheet1, people = whole(bench, "Sheet1"), whole(bench, TAB)
    bench.person.add_tab("Later")
    deleted(bench)
    bench.person.delete_tab("Sheet1")
    assert bench.box.tabs(bench.spreadsheet) == ["_mmsync", "Later"]
    seen: list[list[str]] = []
    bench.box.hooks.on_change(lambda _request, _who, _before: seen.append(bench.box.tabs(bench.spreadsheet)))
    desk.restore(made.path)
    assert (whole(bench, "Sheet1"), whole(bench, TAB)) == (sheet1, people)
    assert len(seen) == 1  # one batch made both
    assert "Later" in bench.box.tabs(bench.spreadsheet)
    assert bench.grid("Sheet1")[0][0].text == f"=COUNTA({TAB}!A2:A31)"


def test_nobody_sees_a_half_of_it(desk: Desk, bench: Workbench, way: str) -> None:
    """After every request the tab that people see is as it was destroyed, or as it was saved."""
    peopled(bench)
    made = desk.save()
    saved = whole(bench, TAB)
    muddled(bench)
    wrecked = whole(bench, TAB)
    seen: list[bool] = []

    def look(_request: Any, _who: str, _before: Any) -> None:
        now = whole(bench, TAB)
        assert now in (wrecked, saved)
        seen.append(now == saved)

    bench.box.hooks.on_change(look)
    desk.restore(made.path)
    assert seen[-1] and (len(seen) > 3 if way == "staged" else len(seen) == 1)


# --- what people are told ---------------------------------------------------------------------------------


def test_the_plan_says_what_differs_and_changes_nothing(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    made = desk.save()
    person = bench.person
    person.type(TAB, 3, 4, "other")
    person.type(TAB, 3, 1, "other")
    person.note(TAB, 2, 1, "another note")
    person.delete_rows(TAB, 20, 2)
    person.move_rows(TAB, 5, 6, 15)
    person.type(TAB, 70, 0, "more")
    before = bench.everything()
    version = bench.box.document(bench.spreadsheet).version
    plan = desk.plan(made.path)
    found = next(one for one in plan.tabs if one.title == TAB).differences
    # A formula follows its row, so that it reads otherwise below what was deleted, and the row is still itself. The
    # note on a blank cell went up by two rows, which is one row less with it, and one more.
    assert (found.fewer, found.more, found.looks) == (2, 1, 3)
    assert found.cells >= 2 and found.around
    assert bench.everything() == before
    assert bench.box.document(bench.spreadsheet).version == version
    assert not [one for one in desk.directory.iterdir() if one.name != Path(made.path).name]


def test_what_is_lost_with_a_deleted_tab_is_told(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    bench.person.name_range("ours", TAB, 1, 5, 0, 2)
    bench.person.protect(TAB, 0, 1, 0, 3)
    made = desk.save()
    deleted(bench)
    one = next(one for one in desk.plan(made.path).tabs if one.title == TAB)
    assert one.action == "made"
    assert one.not_restored == ("1 protected range", "the named range 'ours'")


def test_what_was_there_before_is_kept(desk: Desk, bench: Workbench) -> None:
    """A restore can be taken back by another one."""
    peopled(bench)
    made = desk.save()
    muddled(bench)
    wrecked = whole(bench, TAB)
    kept = desk.restore(made.path)
    assert kept is not None and Path(kept).parent == desk.directory
    assert whole(bench, TAB) != wrecked
    desk.restore(kept)
    assert whole(bench, TAB) == wrecked


# --- what may go wrong ------------------------------------------------------------------------------------


def test_a_backup_of_another_spreadsheet_is_refused(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    made = desk.save()
    other = bench.box.new_spreadsheet("Other", share_with=(bench.box.client_email,))
    mine = bench.spreadsheet
    bench.spreadsheet = other
    bench.datasets = [bench.dataset()]
    with pytest.raises(BackupError, match=f"a backup of another spreadsheet .{mine}."):
        desk.restore(made.path)
    bench.datasets = [bench.dataset(), bench.dataset(name="more", spreadsheet_id=mine)]
    desk.plan(made.path)  # it is configured now


def test_whoever_works_on_it_is_named(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    made = desk.save()
    held = LockFiles(bench.state, "mmsync run").hold(bench.spreadsheet)
    with held, pytest.raises(LockHeldError, match="mmsync run"):
        desk.restore(made.path)


def test_a_sync_while_somebody_thinks_makes_the_plan_an_old_one(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    made = desk.save()
    cleared(bench)
    opened = open_restore(desk.config, Path(made.path), None, holder="test", surroundings=desk.around)
    with opened as restore:
        with restore.right.given_back():
            bench.sync()  # it may, meanwhile
        before = bench.everything()
        with pytest.raises(OvertakenError, match="a sync has written"):
            carry_out(restore)
        assert bench.everything() == before


def test_what_people_type_while_somebody_thinks_is_kept(desk: Desk, bench: Workbench) -> None:
    """The restore goes over it, as it was asked to, and it is in the backup of what was there before."""
    peopled(bench)
    made, saved = desk.save(), whole(bench, TAB)
    cleared(bench)
    opened = open_restore(desk.config, Path(made.path), None, holder="test", surroundings=desk.around)
    with opened as restore:
        with restore.right.given_back():
            bench.person.type(TAB, 1, 4, "typed meanwhile")
            wrecked = whole(bench, TAB)
        kept = carry_out(restore)
    assert whole(bench, TAB) == saved
    assert kept is not None
    desk.restore(kept)
    assert whole(bench, TAB) == wrecked
    assert bench.grid()[1][4] == "typed meanwhile"


def test_after_the_state_was_lost_rows_of_tabs_that_are_as_they_were_are_known_again(
    desk: Desk, bench: Workbench
) -> None:
    """They are in the backup as well as those of the tab that is put back."""
    bench.datasets = [bench.dataset(), bench.dataset(name="second", tab="Second")]
    bench.people(*PEOPLE)
    bench.sync()
    made = desk.save()
    bench.person.type(TAB, 1, 1, "wrecked")
    bench.forget()
    desk.restore(made.path)
    bench.people(*PEOPLE[1:])
    run = bench.run()
    assert [(one.result, one.deleted, one.error) for one in run.datasets] == [("synced", 1, None)] * 2


FAULTS = [
    Fault(kind="status", on="write", status=503),
    Fault(kind="status", on="write", status=503, after_applying=True),
    Fault(kind="reset_after", on="write"),
    Fault(kind="close_after", on="write"),
    Fault(kind="close_before", on="write"),
    Fault(kind="truncate", on="write"),
    Fault(kind="html", on="write"),
    Fault(kind="status", on="write", status=429, count=2),
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda one: f"{one.kind}{'-after' if one.after_applying else ''}")
@pytest.mark.parametrize("nth", [1, 2, 3])
def test_an_answer_that_gets_lost_is_no_harm(
    desk: Desk, bench: Workbench, way: str, fault: Fault, nth: int
) -> None:
    peopled(bench)
    made, before = desk.save(), whole(bench, TAB)
    muddled(bench)
    put = bench.box.faults.add(replace(fault, nth=nth if way == "staged" else 1))
    desk.restore(made.path)
    assert put.fired
    assert whole(bench, TAB) == before
    assert not [one for one in bench.box.tabs(bench.spreadsheet) if "staging" in one]
    bench.box.faults.clear()
    assert bench.sync().result == "unchanged"


def test_google_is_gone_for_good_in_the_middle(desk: Desk, bench: Workbench, way: str) -> None:
    """The tab stays as it was, and the next sync tidies up what was staged."""
    peopled(bench)
    made = desk.save()
    bench.person.type(TAB, 5, 12, "stray")
    wrecked = whole(bench, TAB)
    bench.box.faults.add(Fault(kind="status", on="write", status=503, nth=3 if way == "staged" else 1, count=None))
    with pytest.raises(UnavailableError):
        desk.restore(made.path)
    assert whole(bench, TAB) == wrecked
    bench.box.faults.clear()
    bench.sync()
    assert not [one for one in bench.box.tabs(bench.spreadsheet) if "staging" in one]
    assert whole(bench, TAB) == wrecked


def test_a_person_deletes_a_rule_between_look_and_write(desk: Desk, bench: Workbench) -> None:
    """What was to be taken off is gone: the batch is refused whole, and made again by what is there now."""
    peopled(bench)
    made, before = desk.save(), whole(bench, TAB)
    muddled(bench)
    happened = bench.before_write(lambda: bench.person.delete_conditional_format(TAB, 0))
    desk.restore(made.path)
    assert happened
    assert whole(bench, TAB) == before


def test_a_person_deletes_the_tab_between_look_and_write(desk: Desk, bench: Workbench, way: str) -> None:
    peopled(bench)
    made, before = desk.save(), whole(bench, TAB)
    muddled(bench)
    happened = bench.before_write(lambda: bench.person.delete_tab(TAB), skip=2 if way == "staged" else 0)
    desk.restore(made.path)
    assert happened
    assert whole(bench, TAB) == before
    assert not [one for one in bench.box.tabs(bench.spreadsheet) if "staging" in one]


def test_a_protected_tab_is_refused_in_words(desk: Desk, bench: Workbench) -> None:
    peopled(bench)
    made = desk.save()
    cleared(bench)
    bench.person.protect(TAB, None, None, None, None)
    before = whole(bench, TAB)
    with pytest.raises(DestinationError, match="protect"):
        desk.restore(made.path, TAB)
    assert whole(bench, TAB) == before


def test_no_room_to_stage_is_told_before_anything_is_written(desk: Desk, bench: Workbench, way: str) -> None:
    peopled(bench)
    made = desk.save()
    muddled(bench)
    bench.max_cells = 60_000
    before = bench.box.document(bench.spreadsheet).version
    if way == "direct":
        desk.restore(made.path)  # it needs none
        return
    with pytest.raises(CellLimitError, match="may have 60,000"):
        desk.restore(made.path)
    assert bench.box.document(bench.spreadsheet).version == before


# --- whose rows they are ----------------------------------------------------------------------------------


def test_rows_that_were_strangers_then_are_strangers_now(desk: Desk, bench: Workbench) -> None:
    """Only what was ours when it was saved becomes ours again."""
    bench.people(*PEOPLE)
    bench.sync()
    bench.person.type(TAB, 31, 0, "4711")
    bench.person.type(TAB, 31, 1, "nobody's")
    made = desk.save()
    deleted(bench)
    desk.restore(made.path)
    assert bench.refused().error_code == "unknown_rows"
    bench.person.delete_rows(TAB, 31, 1)
    bench.people(*PEOPLE[5:])
    assert bench.sync().deleted == 5  # these were ours, though the tab is another one


def test_on_another_machine_rows_of_the_database_are_adopted(desk: Desk, bench: Workbench) -> None:
    """The state file is lost with the old one: what is in the backup tells whose rows they are."""
    peopled(bench)
    made, before = desk.save(), whole(bench, TAB)
    deleted(bench)
    bench.forget()
    bench.people(*PEOPLE[3:])
    desk.restore(made.path)
    assert whole(bench, TAB) == before
    assert bench.sync().deleted == 3


@pytest.fixture(autouse=True)
def no_limit_left(bench: Workbench) -> Iterator[None]:
    yield
    assert isinstance(bench.config.google, GoogleSettings)
    bench.box.faults.clear()
