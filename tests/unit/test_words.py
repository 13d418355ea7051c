"""Times, counts and foreign text as an operator reads them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest

from moneymentor_sync.cli.signs import changed
from moneymentor_sync.cli.words import Viewpoint, coarse, counted, plain, span, took
from moneymentor_sync.core.remedies import for_daemon

from .screens import MOMENT, VIEW


@pytest.mark.parametrize(
    ("seconds", "rough", "exact"),
    [
        (0, "0 s", "0 s"),
        (59, "59 s", "59 s"),
        (60, "1 min", "1 min"),
        (178, "2 min", "2 min 58 s"),
        (3_600, "1 h", "1 h"),
        (6_059, "1 h", "1 h 40 min"),
        (86_400, "1 day", "1 day"),
        (273_600, "3 days", "3 days 4 h"),
        (34_560_000, "400 days", "400 days"),
    ],
)
def test_a_duration(seconds: float, rough: str, exact: str) -> None:
    assert (coarse(seconds), span(seconds)) == (rough, exact)


def test_how_long_something_took() -> None:
    assert [took(one) for one in (None, 0.04, 1.25, 59.9, 75, 1e5)] == [
        "–", "0.0 s", "1.2 s", "59.9 s", "1 min 15 s", "1 day 3 h",
    ]  # fmt: skip


def test_a_past_moment() -> None:
    assert VIEW.when("2026-03-14T11:58:00.000Z") == "2 min ago (11:58:00)"
    assert VIEW.when("2026-03-12T11:58:00Z") == "2 days ago (2026-03-12 11:58)"
    assert VIEW.age(None) == "never"


def test_a_clock_that_was_set_back_gives_no_negative_age() -> None:
    assert VIEW.age("2026-03-14T12:00:30Z") == "just now"
    assert VIEW.until("2026-03-14T11:59:00Z") == "11:59:00 (in 0 s)"


def test_a_moment_to_come() -> None:
    assert VIEW.until("2026-03-14T13:40:00Z") == "13:40:00 (in 1 h 40 min)"
    assert VIEW.until("2026-03-15T12:00:00Z") == "2026-03-15 12:00 (in 1 day)"
    assert VIEW.later(178.2) == "in 2 min 58 s (12:02:58)"


def test_local_time_is_that_of_the_moment_shown_not_of_now() -> None:
    def local(moment: datetime) -> datetime:
        """Summer time begins an hour from now."""
        hours = 1 if moment < MOMENT + timedelta(hours=1) else 2
        return moment.astimezone(timezone(timedelta(hours=hours)))

    view = Viewpoint(MOMENT, local)
    assert view.clock("2026-03-14T12:30:00Z") == "13:30:00"
    assert view.clock("2026-03-14T13:30:00Z") == "15:30:00"


def test_the_machines_own_zone_is_the_default() -> None:
    assert Viewpoint(MOMENT).clock("2026-03-14T12:00:00Z") == f"{MOMENT.astimezone():%H:%M:%S}"
    assert Viewpoint(datetime(2026, 1, 1, tzinfo=UTC)).local is datetime.astimezone


def test_counts_and_changes() -> None:
    assert (counted(1, "row"), counted(12_345, "row")) == ("1 row", "12,345 rows")
    assert changed(3, 1_200, 1).plain == "+3 ~1,200 -1"
    assert (changed(0, 4, 0).plain, changed(0, 0, 0).plain) == ("~4", "")


def test_nothing_from_elsewhere_is_obeyed_by_a_terminal() -> None:
    assert plain("a\x1b[31mb\r\n\tc\x9bd\u202e") == "a�[31mb c�d�"
    assert plain("Grüße, 表 ✓") == "Grüße, 表 ✓"


def test_a_remedy_works_while_the_daemon_runs() -> None:
    hint = "See `mmsync plan --force`; if that is right, run `mmsync sync --force`."
    assert for_daemon(hint, "x").endswith("if that is right, run `mmsync force x --allow-deletes`.")
    assert for_daemon(hint).endswith("run `mmsync force --allow-deletes`.")
    assert for_daemon("Wait.") == "Wait."
