"""What `mmsync check` makes of what it saw: every status, and a remedy wherever one is due."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.adapters.database import ServerCheck
from moneymentor_sync.checks.account import access_check, key_check
from moneymentor_sync.checks.database import database_check
from moneymentor_sync.checks.database import key_check as unique_check
from moneymentor_sync.checks.facts import (
    Extent,
    KeySeen,
    Place,
    PortSeen,
    Protection,
    Sharing,
    SocketSeen,
    StateSeen,
    TabSeen,
)
from moneymentor_sync.checks.machine import (
    backup_check,
    clock_check,
    lock_check,
    port_check,
    socket_check,
    state_check,
    textfile_check,
)
from moneymentor_sync.checks.result import Check, Sequence, Step, all_well, failed, ok, refused, skipped
from moneymentor_sync.checks.tabs import cells_check, mark_check, needed_cells, tab_check, used_cells
from moneymentor_sync.core.cells import CurrentCell
from moneymentor_sync.core.errors import ConfigError, QueryError
from moneymentor_sync.core.fence import FENCE_TAB, STAGING_PREFIX
from moneymentor_sync.core.layout import KnownTab
from moneymentor_sync.core.ports import SourceColumn, TabInfo, Wanted
from moneymentor_sync.core.settings import Dataset
from moneymentor_sync.core.table import resolve_shape
from moneymentor_sync.core.tabs import find_tab

ACCOUNT = "mm@project.example"
DATASET = Dataset("people", "People", ("id",), "sheet", query="SELECT 1")
SHAPE = resolve_shape(DATASET, [SourceColumn("id"), SourceColumn("name"), SourceColumn("score")])
EXTENT = Extent(SHAPE, rows=100)
TAB = TabInfo(7, "People", 1000, 26)
KNOWN = KnownTab(7, "People", frozenset(), (0, 1, 2), ("id", "name", "score"))
PLACE = Place(Path("/state/state.db"), Path("/state"), True, True, free_bytes=50_000_000_000)


# --- the order of steps -----------------------------------------------------------------------------------


def _fails(name: str) -> Check:
    return failed(name, "broken", "mend it")


def test_what_needs_a_failed_step_is_skipped_and_names_the_first_cause() -> None:
    tried: list[str] = []

    def made(name: str) -> Check:
        tried.append(name)
        return ok(name, "fine")

    steps = [
        Step("a", lambda: _fails("a")),
        Step("b", lambda: made("b"), ("a",)),
        Step("c", lambda: made("c"), ("b",)),
        Step("d", lambda: made("d")),
        Step("e", lambda: made("e"), ("d",)),
    ]
    checks = list(Sequence().run(steps))
    assert [check.status for check in checks] == ["failed", "skipped", "skipped", "ok", "ok"]
    assert "“a”" in checks[1].message
    assert "“a”" in checks[2].message
    assert tried == ["d", "e"]


def test_an_error_of_ours_is_a_failed_check_with_its_remedy() -> None:
    def raises() -> Check:
        raise QueryError("no such table: people", hint="Correct the name.")

    (check,) = Sequence().run([Step("query: people", raises)])
    assert check == Check("query: people", "failed", "no such table: people", "Correct the name.")


def test_a_bug_is_not_taken_for_a_finding() -> None:
    def raises() -> Check:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(Sequence().run([Step("a", raises)]))


def test_steps_of_a_later_part_know_what_failed_before() -> None:
    sequence = Sequence()
    list(sequence.run([Step("a", lambda: _fails("a"))]))
    (check,) = sequence.run([Step("b", lambda: ok("b", "fine"), ("a",))])
    assert check.status == "skipped"


def test_every_problem_of_a_configuration_has_its_line() -> None:
    assert refused("configuration", ConfigError(["a: wrong", "b: missing"])).message == "a: wrong\nb: missing"


@pytest.mark.parametrize(
    ("status", "well"), [("ok", True), ("warning", True), ("skipped", True), ("failed", False)]
)
def test_only_a_failure_is_a_failure(status: str, well: bool) -> None:
    checks = [ok("a", "fine"), Check("b", status, "…")]  # type: ignore[arg-type]  # parametrized as text
    assert all_well(checks) is well


# --- database ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("read_only", "status"), [(True, "ok"), (None, "warning"), (False, "failed")])
def test_a_database_that_takes_writes_is_told(read_only: bool | None, status: str) -> None:
    check = database_check(ServerCheck("PostgreSQL database app", "18.1", read_only))
    assert check.status == status
    assert bool(check.hint) == (status != "ok")


def test_an_empty_result_is_worth_a_warning() -> None:
    assert unique_check(DATASET, 0).status == "warning"
    assert unique_check(DATASET, 1) == ok("key: people", "(id) is unique in 1 row")


# --- account ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "status"), [(0o600, "ok"), (0o640, "ok"), (None, "ok"), (0o644, "warning"), (0o604, "warning")]
)
def test_a_key_that_everybody_may_read_is_told(mode: int | None, status: str) -> None:
    assert key_check("credentials", KeySeen(ACCOUNT, "/key.json", mode)).status == status


def test_who_may_not_edit_is_told_whom_to_share_with() -> None:
    check = access_check("access", ACCOUNT, Sharing(False, owners=("owner@example.org",)))
    assert check.status == "failed"
    assert ACCOUNT in check.hint
    assert "owner@example.org" in check.message


def test_a_drive_that_does_not_tell_is_no_failure() -> None:
    check = access_check("access", ACCOUNT, Sharing(None, "the Drive API is not enabled"))
    assert check.status == "warning"
    assert "does not tell" in check.message
    assert "the Drive API is not enabled" in check.message


def test_who_may_edit_is_named() -> None:
    check = access_check("access", ACCOUNT, Sharing(True, owners=("owner@example.org",), others=2))
    assert check == ok("access", f"{ACCOUNT} may edit (owner: owner@example.org; 2 other editors)")


# --- tabs -------------------------------------------------------------------------------------------------


def seen(*header: CurrentCell, empty: bool = False) -> TabSeen:
    return TabSeen(TAB, header, empty)


def check_tab(
    tab: TabSeen | None,
    *protections: Protection,
    extent: Extent | None = EXTENT,
    known: KnownTab | None = None,
) -> Check:
    return tab_check(DATASET, extent, tab, protections, known, ACCOUNT)


@pytest.mark.parametrize(
    ("tab", "words"),
    [
        (None, "makes it"),
        (seen(empty=True), "is empty"),
        (seen("score", None, "id", "name", "their notes"), "all 3 columns"),
        (seen("name", "score"), "lacks 1 of 3 headers in row 1 (id); a sync adds the column"),
    ],
)
def test_a_tab_that_a_sync_can_work_with(tab: TabSeen | None, words: str) -> None:
    check = check_tab(tab)
    assert check.status == "ok"
    assert words in check.message


@pytest.mark.parametrize("tab", [seen("name", "name", "id", "score"), seen("something", "else"), seen()])
def test_a_header_that_a_sync_would_refuse_fails_with_the_same_remedy(tab: TabSeen) -> None:
    check = check_tab(tab)
    assert check.status == "failed"
    assert check.hint


def test_a_header_that_was_there_before_is_missed() -> None:
    check = check_tab(seen("id", "name"), known=KNOWN)
    assert check.status == "warning"
    assert "score" in check.message


def test_a_header_row_that_is_gone_is_a_warning() -> None:
    assert check_tab(seen("1", "Ada", "2"), known=KNOWN).status == "warning"


def test_without_its_query_a_tab_is_only_known_to_exist() -> None:
    check = check_tab(seen("id"), extent=None)
    assert check.status == "skipped"
    assert "exists" in check.message


def test_a_chart_is_no_tab_for_rows() -> None:
    assert check_tab(TabSeen(TabInfo(7, "People", 0, 0), (), empty=True)).status == "failed"


def protection(columns: tuple[int, int | None], *, may_edit: bool = False, excepted: bool = False) -> Protection:
    return Protection(7, (0, None), columns, may_edit, excepted)


WHOLE = seen("id", "name", "score", None, "notes")


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (protection((0, None)), "failed"),
        (protection((2, 3)), "failed"),
        (protection((0, None), excepted=True), "warning"),
        (protection((4, 5)), "warning"),
        (protection((0, None), may_edit=True), "ok"),
        (replace(protection((0, None)), sheet_id=8), "ok"),
    ],
)
def test_protected_ranges_over_our_columns_stop_a_sync(found: Protection, status: str) -> None:
    check = check_tab(WHOLE, found)
    assert check.status == status
    assert (ACCOUNT in check.hint) == (status != "ok")


def test_an_empty_tab_that_is_protected_cannot_be_filled() -> None:
    assert check_tab(seen(empty=True), protection((3, 4))).status == "failed"


def test_a_tab_is_followed_by_its_id_then_by_its_title() -> None:
    other = TabInfo(9, "People", 10, 3)
    renamed = replace(TAB, title="Everybody")
    wanted = Wanted(DATASET.name, DATASET.tab, KNOWN)
    assert find_tab(wanted, [other, renamed]) == renamed
    assert find_tab(replace(wanted, known=None), [other, renamed]) == other
    assert find_tab(replace(wanted, known=None, title=DATASET.tab.upper()), [other]) == other
    assert find_tab(wanted, [replace(other, title="x")]) is None


def test_a_tab_that_an_unfinished_write_made_goes_first_once_it_is_whole() -> None:
    titled, known = TabInfo(5, DATASET.tab, 10, 4), TabInfo(KNOWN.sheet_id, "Renamed", 10, 4)
    made = TabInfo(11, "Renamed, too", 10, 4)
    wanted = Wanted(DATASET.name, DATASET.tab, KNOWN, (12, 11))
    assert find_tab(wanted, [titled, known, made]) == made
    filling = replace(made, title=f"{STAGING_PREFIX}11", hidden=True)
    assert find_tab(wanted, [titled, known, filling]) == known
    assert find_tab(wanted, [titled, filling]) == titled
    assert find_tab(wanted, [filling]) is None


def test_another_accounts_mark_is_told() -> None:
    tabs = [TAB, TabInfo(3, FENCE_TAB, 1, 1, hidden=True)]
    foreign = Protection(3, (0, None), (0, None), may_edit=False)
    check = mark_check("access", tabs, [foreign], ACCOUNT)
    assert check is not None
    assert check.status == "warning"
    assert mark_check("access", tabs, [replace(foreign, may_edit=True)], ACCOUNT) is None
    assert mark_check("access", [TAB], [foreign], ACCOUNT) is None


# --- cells ------------------------------------------------------------------------------------------------


def test_cells_that_a_sync_needs() -> None:
    assert needed_cells(EXTENT, None) == 102 * 3
    assert needed_cells(EXTENT, TAB) == 0
    assert needed_cells(EXTENT, TabInfo(7, "People", 51, 2)) == 50 * 3 + 51
    assert needed_cells(Extent(SHAPE), None) is None


def test_the_leftovers_of_a_sync_do_not_count() -> None:
    assert used_cells([TAB, TabInfo(8, "_mmsync_staging_8", 1000, 10, hidden=True)]) == 26_000


@pytest.mark.parametrize(
    ("used", "needed", "status"),
    [
        (800, [0], "ok"),
        (801, [0], "warning"),
        (700, [101], "warning"),
        (900, [100], "warning"),
        (900, [101], "failed"),
    ],
)
def test_room_is_warned_of_from_four_fifths_and_refused_beyond_the_limit(
    used: int, needed: list[int | None], status: str
) -> None:
    assert cells_check("cells", used, needed, 1000).status == status


def test_a_dataset_that_could_not_be_read_is_left_out_and_said() -> None:
    assert "not counting 1 dataset" in cells_check("cells", 1, [None, 5], 1000).message


# --- this machine -----------------------------------------------------------------------------------------

THERE = StateSeen(PLACE, exists=True, version=1)


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (THERE, "ok"),
        (StateSeen(PLACE, exists=False), "ok"),
        (replace(THERE, version=0), "ok"),
        (replace(THERE, version=2), "failed"),
        (replace(THERE, ours=False), "failed"),
        (replace(THERE, writable=False), "failed"),
        (replace(THERE, problem="is not a file"), "failed"),
        (StateSeen(replace(PLACE, writable=False), exists=False), "failed"),
        (StateSeen(replace(PLACE, is_directory=False), exists=False), "failed"),
        (replace(THERE, place=replace(PLACE, free_bytes=None)), "ok"),
        (replace(THERE, place=replace(PLACE, free_bytes=100_000_000)), "warning"),
        (replace(THERE, place=replace(PLACE, free_bytes=1_000_000)), "failed"),
    ],
)
def test_the_state_file(found: StateSeen, status: str) -> None:
    check = state_check(found, newest=1)
    assert check.status == status
    assert bool(check.hint) == (status != "ok")


HERE = SocketSeen(Place(Path("/run/mmsync/control.sock"), Path("/run/mmsync"), True, True))


@pytest.mark.parametrize(
    ("found", "status"),
    [
        (HERE, "ok"),
        (replace(HERE, occupant="socket"), "ok"),
        (replace(HERE, occupant="socket", place=replace(HERE.place, owned=False)), "ok"),
        (replace(HERE, occupant="file"), "failed"),
        (replace(HERE, place=replace(HERE.place, path=Path("/" + "x" * 106))), "ok"),
        (replace(HERE, place=replace(HERE.place, path=Path("/" + "x" * 107))), "failed"),
        (replace(HERE, place=replace(HERE.place, writable=False)), "failed"),
        (replace(HERE, place=replace(HERE.place, owned=False)), "failed"),
        (replace(HERE, place=replace(HERE.place, owned=False, nearest=Path("/run"))), "ok"),
    ],
)
def test_the_socket(found: SocketSeen, status: str) -> None:
    assert socket_check(found).status == status


@pytest.mark.parametrize(
    ("skew", "status"),
    [(0.4, "ok"), (-60, "ok"), (61, "warning"), (-300, "warning"), (301, "failed"), (None, "skipped")],
)
def test_the_clock(skew: float | None, status: str) -> None:
    check = clock_check(skew)
    assert check.status == status
    assert ("behind" in check.message) == (skew is not None and skew < 0)


def test_the_lock() -> None:
    assert lock_check("lock", None).status == "ok"
    held = lock_check("lock", "mmsync run (process 12)")
    assert held.status == "warning"
    assert "mmsync run (process 12)" in held.message


def test_a_skipped_check_has_its_reason() -> None:
    assert skipped("a", "because").message == "because"


# --- metrics ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("seen", "status", "message"),
    [
        (PortSeen("127.0.0.1:9464"), "ok", "is free"),
        (PortSeen("127.0.0.1:9464", "Address already in use", ours=True), "ok", "a daemon has it"),
        (PortSeen("127.0.0.1:9464", "Address already in use"), "failed", "Address already in use"),
        (PortSeen("127.0.0.1:80", "Permission denied"), "failed", "Permission denied"),
    ],
)
def test_the_port_for_metrics_is_free_or_ours(seen: PortSeen, status: str, message: str) -> None:
    check = port_check(seen)
    assert (check.status, message in check.message) == (status, True)
    assert bool(check.hint) is (status != "ok")


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({}, "ok", "can be written"),
        ({"nearest": Path("/")}, "warning", "there is no directory /state"),
        ({"writable": False}, "warning", "is not writable for this user"),
        ({"is_directory": False}, "warning", "is not a directory"),
    ],
)
def test_a_textfile_that_cannot_be_written_stops_no_sync(change: dict[str, Any], status: str, message: str) -> None:
    check = textfile_check(replace(PLACE, **change))
    assert (check.status, message in check.message) == (status, True)
    assert ("ReadWritePaths" in check.hint) is (status != "ok")


# --- backups ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("is_directory", "writable", "free", "status", "words"),
    [
        (True, True, 5_000_000_000, "ok", "they go to /b; 5 GB free on its disk"),
        (True, True, None, "ok", "they go to /b"),
        (True, True, 100_000_000, "warning", "100 MB free"),
        (True, False, 5_000_000_000, "failed", "not writable for this user"),
        (False, True, 5_000_000_000, "failed", "not a directory"),
    ],
)
def test_the_directory_of_backups(
    is_directory: bool, writable: bool, free: int | None, status: str, words: str
) -> None:
    place = Place(Path("/b/backup.xlsx"), Path("/b"), is_directory, writable, free_bytes=free, owned=True)
    found = backup_check(place)
    assert (found.name, found.status) == ("backups", status)
    assert words in found.message
    assert not found.hint if status == "ok" else found.hint
