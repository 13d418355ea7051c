"""What readers of a spreadsheet are told, as values: words, rows, and when they are written."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import cast
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core import errors, sheet_status
from moneymentor_sync.core.events import unheard
from moneymentor_sync.core.plan import Plan
from moneymentor_sync.core.ports import DatasetResult, Landing, TabView
from moneymentor_sync.core.settings import Config, Dataset, SheetSettings
from moneymentor_sync.core.sheet_status import (
    COLUMNS,
    DRESSING,
    ENDINGS,
    GRACE_SECONDS,
    NOTHING,
    NOTHING_TOLD,
    SOON_SECONDS,
    Ending,
    Fact,
    Outlook,
    Picture,
    Told,
    fact_after,
    health_word,
    is_due,
    is_status_header,
    left_behind,
    newest,
    no_outlook,
    reason,
    status_dataset,
    status_name,
    told_of,
    unreachable,
    zone_of,
)
from moneymentor_sync.sync.settling import Unsettled
from moneymentor_sync.sync.sheet_status import OWED_SECONDS, SheetStatus
from tests.daemon_double import config_of

NOW = 1_800_000_000.0
SHEET = SheetSettings(status=True)
DATASET = Dataset("people", "People", ("id",), "sheet", table="people")
FINE = Fact(rows=3, checked=NOW, changed=NOW - 50, seconds=1.256, at=NOW)
HEADERS = [column.header for column in COLUMNS]


def result(what: str, code: str | None = None) -> DatasetResult:
    return DatasetResult("people", "People", what, rows=7, seconds=2.0, error_code=code, error="a secret host")


# --- words --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fact", "outlook", "ended", "word"),
    [
        (FINE, Outlook(), None, "healthy"),
        (NOTHING, Outlook(), None, "not synced yet"),
        (FINE, Outlook(enabled=False), None, "disabled"),
        (replace(FINE, failures=9, code="query"), Outlook(enabled=False), None, "disabled"),
        (
            replace(FINE, failures=1, code="database_unreachable"),
            Outlook(),
            None,
            "warning: the database cannot be reached; it is being tried again",
        ),
        (
            replace(FINE, failures=5, code="query"),
            Outlook(waits=True, code="shrink_refused"),
            None,
            "degraded: refused: too many rows would go",
        ),
        (FINE, Outlook(waits=True, code="unavailable"), None, "degraded: Google cannot be reached"),
        (replace(FINE, failures=1, code="new"), Outlook(), None, "warning: it failed; it is being tried again"),
        (replace(FINE, failures=5, code="query"), Outlook(waits=True), "stopped", "stopped"),
        (FINE, Outlook(enabled=False), "no longer updated", "no longer updated"),
    ],
)
def test_health_in_words(fact: Fact, outlook: Outlook, ended: Ending | None, word: str) -> None:
    assert health_word(fact, outlook, ended) == word


def _all_errors(kind: type[errors.MmsyncError]) -> set[type[errors.MmsyncError]]:
    return {kind}.union(*map(_all_errors, kind.__subclasses__()))


def test_every_failure_of_a_dataset_has_a_reason() -> None:
    roots = (errors.SourceError, errors.DestinationError, errors.GuardError, errors.StateError, errors.ClusterError)
    codes = {one.code for root in roots for one in _all_errors(root)}
    assert {code for code in codes if reason(code) == "it failed"} == set()
    assert {*sheet_status._REASONS} <= codes, "no reason for what there is no longer"


# --- what is known ------------------------------------------------------------------------------------------------


def test_a_fact_after_each_kind_of_result() -> None:
    synced = fact_after(NOTHING, result("synced"), NOW)
    assert synced == Fact(7, NOW, NOW, 2.0, at=NOW)
    later = NOW + 60
    assert fact_after(synced, result("unchanged"), later) == replace(synced, checked=later, at=later)
    assert fact_after(synced, result("stopped", "stopped"), later) is synced
    failed = fact_after(synced, result("failed", "query"), later)
    assert failed == replace(synced, failures=1, code="query", at=later)
    again = fact_after(failed, result("failed", "quota"), later + 1)
    assert (again.failures, again.code, again.checked) == (2, "quota", NOW)
    assert fact_after(again, result("unchanged"), later + 2).failures == 0


FACTS = st.dictionaries(
    st.sampled_from("abc"),
    st.builds(
        Fact,
        rows=st.none() | st.integers(0, 10**7),
        checked=st.none() | st.floats(0, 4e9),
        failures=st.integers(0, 9),
        code=st.sampled_from(["", "query", "quota"]),
        at=st.floats(0, 4e9),
    ),
)


@given(FACTS, FACTS)
def test_the_newest_of_what_two_know(left: dict[str, Fact], right: dict[str, Fact]) -> None:
    found = newest(left, right, 4e9)
    assert found.keys() == left.keys() | right.keys()
    for name, fact in found.items():
        assert fact in (left.get(name), right.get(name))
        assert fact.at == max(one[name].at for one in (left, right) if name in one)


def test_what_is_from_the_future_is_from_before_the_clock_was_set_back() -> None:
    stale, fresh = replace(FINE, at=NOW + 3_600), replace(FINE, at=NOW)
    assert newest({"a": stale}, {"a": fresh}, NOW)["a"] is fresh
    assert newest({"a": stale}, {"a": fresh}, NOW + 3_600)["a"] is stale
    assert newest({"a": stale}, {}, NOW)["a"] is stale, "better than nothing"


@given(FACTS, st.dictionaries(st.sampled_from("abc"), st.text()), st.floats(0, 4e9))
def test_what_is_kept_is_read_back(facts: dict[str, Fact], words: dict[str, str], alone_at: float) -> None:
    told = Told(facts, words, alone_at)
    assert told_of(told.text()) == told


@given(
    st.none() | st.text() | st.sampled_from(["[]", "{}", "1", '{"facts": {"a": 1}, "words": {}, "alone_at": 0}'])
)
def test_what_cannot_be_read_is_nothing(text: str | None) -> None:
    assert told_of(text) == NOTHING_TOLD


# --- rows ---------------------------------------------------------------------------------------------------------


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def test_a_row_by_value() -> None:
    zone = ZoneInfo("America/New_York")
    due = NOW + 299.6
    picture = Picture({"people": FINE}, lambda _dataset: Outlook(due))
    [row] = picture.rows([DATASET], 300, zone)
    late = datetime.fromtimestamp(round(due + 300 + GRACE_SECONDS + 3 * 1.256), zone).replace(tzinfo=None)
    assert row == (
        "people", "People", 3, at(NOW), at(NOW - 50), "healthy", at(NOW + 300), 1.26, late,
    )  # fmt: skip


@pytest.mark.parametrize("ended", ENDINGS)
def test_at_the_end_nothing_is_planned_and_nothing_can_be_late(ended: Ending) -> None:
    [row] = Picture({"people": FINE}, lambda _one: Outlook(NOW), ended).rows([DATASET], 300, UTC)
    assert (row[5], row[6], row[8]) == (ended, None, None)
    assert row[2:5] == (3, at(NOW), at(NOW - 50)), "what was known stays"


@given(st.lists(st.sampled_from("abcdef"), unique=True), FACTS)
def test_each_dataset_has_one_row_and_each_row_all_cells(names: list[str], facts: dict[str, Fact]) -> None:
    datasets = [replace(DATASET, name=name) for name in names]
    rows = Picture(facts, no_outlook).rows(datasets, 300, UTC)
    assert [row[0] for row in rows] == names
    assert {len(row) for row in rows} <= {len(COLUMNS)}
    assert all(row[5] for row in rows)


def test_without_a_daemon_nothing_is_planned() -> None:
    assert no_outlook(DATASET) == Outlook()
    assert no_outlook(replace(DATASET, enabled=False)) == Outlook(enabled=False)


@pytest.mark.parametrize("name", [None, "", "Nowhere/AtAll", "../../etc/passwd", "a\0b"])
def test_a_zone_that_nobody_knows_is_the_configured_one(name: str | None) -> None:
    assert zone_of(name, UTC) is UTC
    assert zone_of("Europe/Berlin", UTC) == ZoneInfo("Europe/Berlin")


# --- when it is written -------------------------------------------------------------------------------------------

WORDS = {"people": "healthy"}


@pytest.mark.parametrize(
    ("words", "alone", "written", "due"),
    [
        (WORDS, 299, 299, False),
        (WORDS, 300, 300, True),
        (WORDS, 1_000, 299, False),  # it rode along since
        (WORDS, 30, None, False),  # a write of its own has just failed to be one
        (WORDS, SOON_SECONDS, None, True),
        ({"people": "disabled"}, SOON_SECONDS - 1, 299, False),
        ({"people": "disabled"}, SOON_SECONDS, 0, True),
        ({**WORDS, "more": "healthy"}, SOON_SECONDS, 0, True),
        ({}, SOON_SECONDS, 0, True),
        (WORDS, -5, -5, True),  # the clock was set back
    ],
)
def test_when_it_has_a_write_of_its_own(
    words: dict[str, str], alone: float, written: float | None, due: bool
) -> None:
    told = Told({}, WORDS, NOW - alone)
    written_at = None if written is None else NOW - written
    assert is_due(SHEET, told, words, written_at=written_at, now=NOW) is due


@pytest.mark.parametrize("ended", ENDINGS)
def test_an_end_that_is_none_any_more_is_taken_back_at_once(ended: Ending) -> None:
    told = Told({}, {"people": ended}, NOW - 1)
    assert is_due(SHEET, told, WORDS, written_at=NOW - 1, now=NOW)


@pytest.mark.parametrize(
    ("before", "now", "left"),
    [
        (SHEET, SHEET, False),
        (SHEET, replace(SHEET, status=False), True),
        (SHEET, replace(SHEET, status_tab="another"), True),
        (SHEET, replace(SHEET, status_tab="Sync_Status"), False),
        (replace(SHEET, status=False), SHEET, False),
        (replace(SHEET, status=False), replace(SHEET, status=False, status_tab="another"), False),
    ],
)
def test_settings_that_leave_a_tab_behind(before: SheetSettings, now: SheetSettings, left: bool) -> None:
    assert left_behind(config(before, "sheet", "other"), config(now, "sheet", "other")) == (
        {"sheet", "other"} if left else frozenset()
    )


def test_a_spreadsheet_without_datasets_is_left_behind() -> None:
    assert left_behind(config(SHEET, "sheet", "other"), config(SHEET, "new", "sheet")) == {"other"}


def config(sheet: SheetSettings, *spreadsheets: str) -> Config:
    datasets = tuple(replace(DATASET, name=one, spreadsheet_id=one) for one in spreadsheets)
    return replace(config_of(), sheet=sheet, datasets=datasets)


def test_failures_after_which_google_is_not_tried() -> None:
    assert unreachable([None, "unavailable"])
    assert not unreachable([None, "database_unreachable", "shrink_refused", "query"])


# --- the tab ------------------------------------------------------------------------------------------------------


def test_the_dataset_of_it_can_be_nobodys() -> None:
    made = status_dataset("abc", "sync_status")
    assert made.name == status_name("abc") == "@status:abc"
    assert [column.hidden for column in made.columns] == [False] * 8 + [True]
    assert len(DRESSING.widths) == len(COLUMNS)
    named = [HEADERS[i] for i in (DRESSING.along, DRESSING.bars, DRESSING.line, DRESSING.late, DRESSING.after)]
    assert named == ["Dataset", "Rows", "Duration (s)", "Next sync", "Overdue from"]


def test_a_tab_of_ours_is_told_by_all_of_its_headers() -> None:
    assert is_status_header([*HEADERS, "my notes"])
    assert not is_status_header(HEADERS[1:])
    assert not is_status_header([])


def test_what_people_are_owed_is_given_back_soon_or_not_at_all() -> None:
    """Later it may be what they have changed since; and while it is owed, the tab does not rest."""
    now = [NOW]
    keeper = SheetStatus(SHEET, (), no_outlook, lambda: now[0], unheard)
    keeper.failed("sheet", OSError())
    owed = Unsettled(cast("Landing", None), cast("Plan", None), cast("TabView", None), counted=True)
    keeper.owes("sheet", owed)
    assert (keeper.owed("sheet"), keeper.owed("other"), keeper.rests("sheet")) == (owed, None, False)
    now[0] += OWED_SECONDS - 1
    assert keeper.owed("sheet") is owed
    now[0] += 1
    assert keeper.owed("sheet") is None
    now[0] = NOW
    keeper.owes("sheet", None)
    assert (keeper.owed("sheet"), keeper.rests("sheet")) == (None, True)
