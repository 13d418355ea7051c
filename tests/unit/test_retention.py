"""Which backups stay, and when the next one is due."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.backups import BackupName, Reason, file_name, parse_name, tag_of
from moneymentor_sync.core.daily import due_at, last_daily, next_daily
from moneymentor_sync.core.retention import expired

BERLIN, ZULU = ZoneInfo("Europe/Berlin"), ZoneInfo("UTC")


def at(text: str, zone: ZoneInfo = ZULU) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def made(moment: str, reason: Reason = "daily", spreadsheet: str = "s") -> BackupName:
    found = parse_name(file_name(spreadsheet, at(moment), reason))
    assert found is not None
    return found


def stay(backups: list[BackupName], *, daily: int = 2, weekly: int = 2, zone: ZoneInfo = ZULU) -> list[BackupName]:
    gone = expired(backups, daily=daily, weekly=weekly, zone=zone)
    return [one for one in backups if one.name not in gone]


# --- names ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["hand", "daily", "deletion"])
@pytest.mark.parametrize("number", [1, 2, 17])
def test_a_name_says_when_and_why_and_not_what(reason: Reason, number: int) -> None:
    name = file_name("1nf59i4kyqU", at("2026-11-26T03:30:00"), reason, number)
    assert "2026-11-26T033000Z" in name and "1nf59" not in name
    assert parse_name(name) == BackupName(name, tag_of("1nf59i4kyqU"), at("2026-11-26T03:30:00"), reason)


@pytest.mark.parametrize(
    "name",
    ["notes.xlsx", "mmsync-zz-2026-11-26T033000Z.xlsx", "mmsync-0123456789-2026-13-26T033000Z.xlsx",
     "mmsync-0123456789-2026-11-26T033000Z.xlsx.bak", "mmsync-0123456789-2026-11-26T033000Z-other.xlsx"],
)  # fmt: skip
def test_other_files_are_nobody_s_backups(name: str) -> None:
    assert parse_name(name) is None


# --- retention --------------------------------------------------------------------------------------------


def test_the_last_of_each_day_and_week() -> None:
    days = [made(f"2026-11-{day:02}T03:30:00") for day in range(1, 27)]  # the 1st is a Sunday, the 26th a Thursday
    assert [one.name[18:28] for one in stay(days)] == ["2026-11-22", "2026-11-25", "2026-11-26"]


def test_of_one_day_the_last_and_what_was_there_before_the_first_deletion() -> None:
    names = [
        made("2026-11-26T03:30:00"),
        made("2026-11-26T10:00:00", "deletion"),
        made("2026-11-26T11:00:00", "deletion"),
        made("2026-11-26T12:00:00", "deletion"),
    ]
    assert stay(names) == [names[1], names[3]]


def test_what_somebody_made_stays_and_counts_for_nothing() -> None:
    hand = made("2020-01-01T00:00:00", "hand")
    names = [hand, made("2026-11-25T03:30:00"), made("2026-11-26T03:30:00"), made("2026-11-26T20:00:00", "hand")]
    assert stay(names) == names


def test_nothing_goes_only_because_time_passes() -> None:
    """For half a year nothing was made: the old ones are all that there is."""
    names = [made("2026-01-05T03:30:00"), made("2026-01-06T03:30:00")]
    assert stay(names) == names


def test_each_spreadsheet_for_itself() -> None:
    names = [made(f"2026-11-{day}T03:30:00", spreadsheet=one) for day in (10, 24, 25, 26) for one in "ab"]
    assert len(stay(names, daily=1, weekly=1)) == 2


def test_a_day_is_that_of_the_time_zone() -> None:
    names = [made("2026-11-25T23:30:00"), made("2026-11-26T02:30:00")]  # both are the 26th in Berlin
    assert len(stay(names)) == 2
    assert stay(names, zone=BERLIN) == names[1:]


@given(
    st.lists(st.tuples(st.integers(0, 400 * 24), st.sampled_from(["hand", "daily", "deletion"])), max_size=60),
    st.integers(1, 9),
    st.integers(0, 9),
)
def test_never_the_only_one_and_never_too_many(given: list[tuple[int, Reason]], daily: int, weekly: int) -> None:
    begin = datetime(2026, 1, 1, tzinfo=UTC)
    names = [made((begin + timedelta(hours=hours)).isoformat()[:19], reason) for hours, reason in given]
    names = list({one.name: one for one in names}.values())
    left = stay(names, daily=daily, weekly=weekly)
    scheduled = [one for one in left if one.reason != "hand"]
    assert [one for one in names if one.reason == "hand"] == [one for one in left if one.reason == "hand"]
    assert len(scheduled) <= 2 * daily + weekly
    newest = max(
        (one for one in names if one.reason != "hand"), key=lambda one: (one.made_at, one.name), default=None
    )
    assert newest is None or newest in left
    assert stay(left, daily=daily, weekly=weekly) == left  # once is as good as twice


# --- when -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("now", "following"),
    [
        ("2026-11-26T03:29:59", "2026-11-26T03:30:00"),
        ("2026-11-26T03:30:00", "2026-11-27T03:30:00"),
        ("2026-12-31T23:00:00", "2027-01-01T03:30:00"),
    ],
)
def test_the_next_one(now: str, following: str) -> None:
    assert next_daily(at(now, BERLIN), "03:30", BERLIN) == at(following, BERLIN)


def test_the_clocks_go_forward_over_it() -> None:
    """02:30 does not come on 28 March 2027: it is half past three by the new time, an hour after half past one."""
    now = at("2027-03-28T01:30:00", BERLIN)
    assert next_daily(now, "02:30", BERLIN) == now + 3_600
    assert next_daily(now + 3_600, "02:30", BERLIN) == at("2027-03-29T02:30:00", BERLIN)


def test_the_clocks_go_back_over_it() -> None:
    """02:30 comes twice on 25 October 2026: once is enough."""
    first = next_daily(at("2026-10-25T01:00:00", BERLIN), "02:30", BERLIN)
    assert datetime.fromtimestamp(first, UTC).hour == 0
    assert next_daily(first, "02:30", BERLIN) == at("2026-10-26T02:30:00", BERLIN)


@given(st.integers(1_750_000_000, 1_900_000_000), st.integers(0, 23), st.integers(0, 59))
def test_one_comes_after_the_other_a_day_apart(now: int, hour: int, minute: int) -> None:
    word = f"{hour:02}:{minute:02}"
    before, after = last_daily(now, word, BERLIN), next_daily(now, word, BERLIN)
    assert before <= now < after
    assert 22 * 3_600 <= after - before <= 26 * 3_600
    assert next_daily(before, word, BERLIN) == after


@pytest.mark.parametrize(
    ("last", "due"),
    [
        (None, "now"),
        ("2026-11-25T03:30:05", "now"),  # what was due at half past three was missed
        ("2026-11-26T03:30:05", "2026-11-27T03:30:00"),
        ("2026-11-26T10:00:00", "2026-11-27T03:30:00"),  # one before a deletion will do
        ("2026-12-24T03:30:00", "now"),  # made when the clock was wrong
    ],
)
def test_when_one_is_due(last: str | None, due: str) -> None:
    now = at("2026-11-26T12:00:00", BERLIN)
    found = due_at(now, None if last is None else at(last, BERLIN), "03:30", BERLIN)
    assert found == (now if due == "now" else at(due, BERLIN))
