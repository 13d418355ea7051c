"""The status screen as an operator sees it, in terminals of 80 and 60 columns."""

from __future__ import annotations

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from moneymentor_sync.cli.status_view import status_view
from moneymentor_sync.cli.status_watch import fitted, gone
from moneymentor_sync.core.alert_ports import AlertsSeen
from moneymentor_sync.core.errors import MmsyncError, NotRunningError
from moneymentor_sync.core.health import Health
from moneymentor_sync.core.holds import Hold
from moneymentor_sync.core.record import DatasetRecord, Totals
from moneymentor_sync.core.status import BackupSeen, DatasetSeen, ErrorSeen, Progress
from moneymentor_sync.core.switches import Switch

from .screens import IDLE, NOW, OPEN, PROFILES, UP, VIEW, lines, status

UNREACHABLE = "Google could not be reached: sheets.googleapis.com: the name could not be looked up"
PASSES = "Usually passes by itself; see https://www.google.com/appsstatus if it lasts."
NO_COLUMN = 'the query failed: no such column "total_chat" in line 3 (did you mean "total_chats"?)'
CORRECT = "Correct `query` of the dataset in sync.toml, then run `mmsync check` and `mmsync reload`."

FACTS = [
    "last success  2 min ago (11:57:58)",
    "now           idle",
    "next sync     in 2 min 58 s (12:02:58)",
    "syncs         12,345 (45 failed, 99.64 % good), took 1.2 s, on average 0.9 s",
    "daemon        up for 3 days 4 h, version 0.1.0, process 4242",
]
TABLE = [
    "                                       last",
    "dataset           tab                  success   result      rows changed",
    "user_profiles     UserProfiles      on 2 min ago synced    12,345 +3 ~12 -1",
    "course_statistics course_statistics on 2 min ago unchanged  6,789",
]


def screen(document: dict[str, Any], width: int = 80) -> list[str]:
    return lines(status_view(document, VIEW, width=width), width)


def test_healthy_and_idle() -> None:
    assert screen(status()) == ["✓ healthy: every dataset is in step with the database", "", *FACTS, "", *TABLE]


def test_syncing_with_progress() -> None:
    progress = Progress("r1", "force", NOW - 12, "course_statistics", "writing", 12_000, 100_000)
    assert screen(status(progress=progress))[2:6] == [
        "last success  2 min ago (11:57:58)",
        "now           course_statistics: writing 12,000 of 100,000 (12 %)",
        "              ██▍░░░░░░░░░░░░░░░░░  forced, for 12 s",
        "next sync     in 2 min 58 s (12:02:58)",
    ]


@pytest.mark.parametrize(
    ("progress", "shown"),
    [
        (Progress("r", "start", NOW - 61), ["syncing (at the start, for 1 min 1 s)"]),
        (
            Progress("r", "schedule", NOW, "x", "reading", 12_000),
            ["x: reading 12,000", "scheduled, for 0 s"],
        ),
        (Progress("r", "retry", NOW, "x", "comparing"), ["x: planning", "a retry, for 0 s"]),
        (
            Progress("r", "notify", NOW, "x", "writing", 5, 10, "requests"),
            [
                "x: writing 5 of 10 (50 %)",
                "██████████░░░░░░░░░░  notified, for 0 s",
                "standing back for users' requests",
            ],
        ),
    ],
)
def test_what_runs_as_far_as_it_is_known(progress: Progress, shown: list[str]) -> None:
    found = screen(status(progress=progress))[3 : 3 + len(shown)]
    assert [line.removeprefix("now").strip() for line in found] == shown


def test_disabled_with_reason_and_end() -> None:
    switches = {
        "": Switch("", False, NOW - 1200, "migration of the users table", NOW + 6000),
        "course_statistics": Switch("course_statistics", False, NOW - 86_400, "it is being rewritten"),
    }
    shown = screen(status(switches=switches))
    assert shown[:3] == [
        "! healthy, but syncing is disabled since 11:40:00, until 13:40:00 (in 1 h 40",
        "  min): migration of the users table",
        "  → `mmsync enable` turns it on again; `mmsync force` syncs once all the same.",
    ]
    assert "next sync     none while it is disabled" in shown
    assert "course_statistics course_statistics off 2 min ago unchanged  6,789" in shown
    assert shown[-3:] == [
        "held up",
        "course_statistics: disabled since 2026-03-13 12:00: it is being rewritten",
        "  → `mmsync enable course_statistics`",
    ]


def test_disabled_while_something_is_wrong_says_both() -> None:
    switches = {"": Switch("", False, NOW - 1200)}
    assert screen(status(switches=switches, health=Health("warning", "dataset x: broken", "Mend it.")))[:4] == [
        "! warning: dataset x: broken",
        "  → Mend it.",
        "  syncing is disabled since 11:40:00",
        "  → `mmsync enable` turns it on again; `mmsync force` syncs once all the same.",
    ]


def test_degraded_with_breaker_and_errors() -> None:
    shown = screen(
        status(
            health=Health(
                "degraded", f"5 times failed in a row, waiting before the next try: {UNREACHABLE}", PASSES
            ),
            breaker=OPEN,
            totals=replace(IDLE.totals, failures=5),
            errors=(
                *(ErrorSeen(NOW - ago, "", UNREACHABLE, PASSES) for ago in (900, 600, 300)),
                ErrorSeen(NOW - 100, "user_profiles", NO_COLUMN, CORRECT),
            ),
        )
    )
    assert shown[:3] == [
        "✗ degraded: 5 times failed in a row, waiting before the next try: Google could",
        "  not be reached: sheets.googleapis.com: the name could not be looked up",
        f"  → {PASSES}",
    ]
    assert "next sync     in 4 min 5 s (12:04:05)" in shown
    assert "              the last 5 failed" in shown
    assert shown[shown.index("held up") :] == [
        "held up",
        "every dataset: breaker open, next try 12:04:05 (in 4 min 5 s)",
        "  → `mmsync force` tries at once",
        "",
        "recent errors",
        '1 min ago     user_profiles: the query failed: no such column "total_chat" in',
        '              line 3 (did you mean "total_chats"?)',
        "              → Correct `query` of the dataset in sync.toml, then run `mmsync",
        "              check` and `mmsync reload`.",
        "5 min ago     Google could not be reached: sheets.googleapis.com: the name could",
        "              not be looked up (3 times)",
    ]  # the remedy of the last was told in the verdict


def test_a_dataset_whose_own_breaker_is_open() -> None:
    shown = screen(status(breakers={"user_profiles": replace(OPEN, state="half_open"), "course_statistics": OPEN}))
    assert shown[-4:] == [
        "held up",
        "user_profiles: breaker half-open, one try is being made",
        "course_statistics: breaker open, next try 12:04:05 (in 4 min 5 s)",
        "  → `mmsync force course_statistics` tries at once",
    ]


def test_unhealthy_at_the_start() -> None:
    shown = screen(
        status(
            totals=Totals(failed=2, failures=2, seconds=4, last_seconds=2),
            records={},
            health=Health("unhealthy", f"nothing could be synced since the start: {UNREACHABLE}", PASSES),
            started_mono=UP - 40,
            next_mono=UP + 20,
        )
    )
    assert shown[0].startswith("✗ unhealthy: nothing could be synced since the start: Google")
    assert shown[4:10] == [
        "last success  never",
        "now           idle",
        "next sync     in 20 s (12:00:20)",
        "syncs         2 (2 failed, 0 % good), took 2.0 s, on average 2.0 s",
        "              the last 2 failed",
        "daemon        up for 40 s, version 0.1.0, process 4242",
    ]
    assert "user_profiles      UserProfiles       on  never    –          –" in shown


def test_stopped_says_what_was_and_nothing_of_what_runs() -> None:
    health = Health("stopped", "no daemon runs; this is the last known state", "Start it with `mmsync run`.")
    shown = screen(status(is_running=False, pid=None, health=health))
    assert shown == [
        "■ stopped: no daemon runs; this is the last known state",
        "  → Start it with `mmsync run`.",
        "",
        FACTS[0],
        FACTS[3],
        "",
        *TABLE,
    ]


def test_a_warning_for_one_dataset_that_fails() -> None:
    failing = DatasetRecord(
        "user_profiles", NOW - 7300, "failed", 12_345, 3, 12, 1, 3, NO_COLUMN, CORRECT, NOW - 100
    )
    shown = screen(
        status(
            health=Health("warning", f"dataset user_profiles: {NO_COLUMN}", CORRECT),
            records={**IDLE.records, "user_profiles": failing},
            errors=(ErrorSeen(NOW - 100, "user_profiles", NO_COLUMN, CORRECT),),
        )
    )
    assert shown[0] == '! warning: dataset user_profiles: the query failed: no such column "total_chat"'
    assert "user_profiles      UserProfiles       on  2 h ago    failed ×3  12,345" in shown
    assert shown[-3:] == [
        "recent errors",
        '1 min ago     user_profiles: the query failed: no such column "total_chat" in',
        '              line 3 (did you mean "total_chats"?)',
    ]


def test_holds_and_how_many_more() -> None:
    holds = {f"web-{number}": Hold(f"web-{number}", UP - 3, UP + 27) for number in range(8)}
    shown = screen(status(holds=holds))
    assert "now           standing back for users' requests" in shown
    assert shown[-6] == "web-0 asks it to stand back: for 3 s now, 27 s more at most"
    assert shown[-1] == "… and 3 more holders"


def test_sixty_columns_lose_nothing() -> None:
    progress = Progress("r1", "force", NOW - 12, "course_statistics", "writing", 12_000, 100_000)
    shown = screen(status(progress=progress), 60)
    assert shown[3:6] == [
        "now           course_statistics: writing 12,000 of 100,000",
        "              (12 %)",
        "              ██▍░░░░░░░░░░░░░░░░░  forced, for 12 s",
    ]
    assert shown[-5:] == [
        "dataset              last",
        "→ tab                success   result      rows changed",
        "user_profiles     on 2 min ago synced    12,345 +3 ~12 -1",
        "→ UserProfiles",
        "course_statistics on 2 min ago unchanged  6,789",
    ]


# --- many, and long ---------------------------------------------------------------------------------------

THIRTY = replace(
    IDLE,
    datasets=tuple(DatasetSeen(f"dataset_{i}", f"Tab {i}", i != 12) for i in range(30)),
    records={
        f"dataset_{i}": DatasetRecord(f"dataset_{i}", NOW - 90 * i, "synced", i**4, i, i * 100) for i in range(29)
    },
)


def test_thirty_datasets_are_a_line_each() -> None:
    shown = screen(status(THIRTY))
    rows = [line for line in shown if line.startswith("dataset_")]
    assert len(rows) == 30
    assert rows[12] == "dataset_12  Tab 12  off  18 min ago  synced   20,736  +12 ~1,200"
    assert rows[28] == "dataset_28  Tab 28  on   42 min ago  synced  614,656  +28 ~2,800"
    assert rows[29] == "dataset_29  Tab 29  on   never       –             –"


def console(height: int) -> Console:
    return Console(file=io.StringIO(), width=80, height=height, color_system=None)


def test_in_a_low_terminal_those_in_trouble_stay() -> None:
    shown = lines(fitted(status(THIRTY), VIEW, console(24)))
    assert len(shown) <= 22
    rows = [line for line in shown if line.startswith("dataset_")]
    assert len(rows) > 8
    assert any("off" in row for row in rows)
    assert shown[-1] == f"… and {30 - len(rows)} more, all in step"


def test_one_dataset_stays_however_low_the_terminal_is() -> None:
    shown = lines(fitted(status(THIRTY), VIEW, console(5)))
    assert [line for line in shown if line.startswith("dataset_")] == [
        "dataset_12  Tab 12  off  18 min ago  synced     20,736  +12 ~1,200"
    ]
    assert shown[-1] == "… and 29 more, all in step"


def test_what_fits_is_whole() -> None:
    assert lines(fitted(status(THIRTY), VIEW, console(60))) == lines(
        status_view(status(THIRTY), VIEW, width=80, watched=True)
    )


def watched(document: dict[str, Any], width: int = 80) -> list[str]:
    return lines(status_view(document, VIEW, width=width, watched=True), width)


def test_what_is_watched_stays_where_it_is_while_words_change() -> None:
    """An idle moment and one in a sync: as many lines, and columns that begin where they began."""
    progress = Progress("r1", "force", NOW - 12, "course_statistics", "writing", 12_000, 100_000)
    later = {**THIRTY.records, "dataset_1": DatasetRecord("dataset_1", NOW - 3000, "unchanged", 1, 0, 0, 0)}
    idle, syncing = watched(status(THIRTY)), watched(status(replace(THIRTY, records=later), progress=progress))
    assert len(idle) == len(syncing)
    [heading] = [line for line in idle if line.startswith("dataset ")]
    assert heading in syncing
    assert any(line.startswith("next sync") for line in idle)
    assert not any(line.startswith("next sync") for line in syncing)


def test_the_last_runs_are_bars_the_newest_on_the_right() -> None:
    runs = [
        {"seconds": seconds, "outcome": outcome}
        for seconds, outcome in [(8.0, "ok"), (1.0, "failed"), (4.0, "ok"), (9.0, "stopped"), (1.0, "ok")]
    ]
    shown = lines(status_view(status(), VIEW, width=80, watched=True, runs=runs))
    assert "last runs     ▁·▄×█  1.0 s to 8.0 s  1 of 5 failed" in shown
    only_failed = status_view(status(), VIEW, width=80, runs=runs[1:2])
    assert "last runs     ×  1 of 1 failed" in lines(only_failed)


def test_more_runs_than_there_is_room_for() -> None:
    runs = [{"seconds": float(number), "outcome": "ok"} for number in range(1, 100)]
    widths = {width: lines(status_view(status(), VIEW, width=width, runs=runs), width) for width in (40, 80, 160)}
    bars = {width: next(line for line in shown if "last runs" in line) for width, shown in widths.items()}
    assert {width: len(shown.split()[2]) for width, shown in bars.items()} == {40: 8, 80: 32, 160: 40}


def test_one_long_name_among_many_is_broken_and_the_others_keep_their_line() -> None:
    name = "answers_to_all_quiz_questions_of_the_summer_of_2026"
    datasets = (*THIRTY.datasets[:9], DatasetSeen(name, "Answers to all quiz questions", True))
    shown = screen(status(THIRTY, datasets=datasets))
    rows = [line for line in shown if line.startswith("dataset_")]
    assert len(rows) == 9
    assert all("Tab" in line for line in rows)
    at = next(number for number, line in enumerate(shown) if line.startswith("answers_to"))
    assert "".join(line.split()[0] for line in shown[at:] if line.split()).startswith(name)


def test_in_a_terminal_hardly_wider_than_a_name_everything_stands_below_it() -> None:
    assert (
        screen(status(), 40)[-4:]
        == [
            "user_profiles → UserProfiles",
            "  on, 2 min ago, synced, 12,345, +3 ~12",
            "  -1",
            "course_statistics",
            "  on, 2 min ago, unchanged, 6,789",
        ][-4:]
    )


def test_a_dataset_is_named_once_where_its_error_names_it_too() -> None:
    told = "dataset 'user_profiles': no such column: x"
    shown = screen(
        status(
            health=Health("degraded", f"dataset user_profiles failed 5 times in a row: {told} (and 1 more)"),
            errors=(ErrorSeen(NOW - 5, "user_profiles", told, ""),),
        )
    )
    assert shown[0] == "✗ degraded: dataset user_profiles failed 5 times in a row: no such column: x"
    assert shown[-1] == "5 s ago       user_profiles: no such column: x"


def test_in_trouble_a_low_terminal_shows_what_is_wrong_and_leaves_out_the_rest() -> None:
    switches = {f"dataset_{i}": Switch(f"dataset_{i}", False, NOW - 60) for i in (3, 4, 5, 6)}
    errors = tuple(ErrorSeen(NOW - 5, f"dataset_{i}", "x", "Mend it.") for i in range(4))
    document = status(THIRTY, switches=switches, errors=errors, breaker=OPEN)
    low, high = (lines(fitted(document, VIEW, console(height))) for height in (24, 80))
    assert len(low) <= 22
    assert "every dataset: breaker open, next try 12:04:05 (in 4 min 5 s)" in low
    assert "… and 2 more" in low
    assert not [line for line in low if line.startswith("  →") or "recent errors" in line]
    assert {"recent errors", "  → `mmsync force` tries at once", "  → `mmsync enable dataset_6`"} <= set(high)


def test_long_names_and_errors_are_broken_and_not_cut() -> None:
    name = "a_dataset_whose_name_says_everything_that_there_is_to_say_about_it"
    tab = "Answers to all quiz questions of the summer of 2026 (enrolled only)"
    shown = screen(
        status(
            datasets=(DatasetSeen(name, tab, True), PROFILES),
            errors=(ErrorSeen(NOW - 5, "user_profiles", "x" * 100 + " and\n\x1b[31mmore", "Do this."),),
        )
    )
    assert shown[8:] == [
        "dataset                                     last",
        "→ tab                                       success    result    rows  changed",
        "a_dataset_whose_name_says_everything_t  on  never      –            –",
        "hat_there_is_to_say_about_it",
        "→ Answers to all quiz questions of the",
        "summer of 2026 (enrolled only)",
        "user_profiles                           on  2 min ago  synced  12,345  +3 ~12 -1",
        "→ UserProfiles",
        "",
        "recent errors",
        "5 s ago       user_profiles:",
        "              " + "x" * 66,
        "              " + "x" * 34 + " and �[31mmore",
        "              → Do this.",
    ]


def test_brackets_in_names_are_no_markup() -> None:
    shown = screen(status(datasets=(DatasetSeen("[red]x", "[bold]T[/bold]", True),)))
    assert any(line.startswith("[red]x   [bold]T[/bold]") for line in shown)


@pytest.mark.parametrize(
    ("seen", "shown"),
    [
        (BackupSeen(True, NOW - 7_200, None, NOW + 3_600), "2 h ago (10:00:00); next 13:00:00 (in 1 h)"),
        (BackupSeen(True, None, "the disk is full", None), "never; it failed: the disk is full"),
        (BackupSeen(), None),
    ],
)
def test_how_the_backups_go(seen: BackupSeen, shown: str | None) -> None:
    found = [line for line in screen(status(backup=seen)) if line.startswith("backup")]
    assert found == ([] if shown is None else [f"backup        {shown}"])


def test_no_dataset_at_all() -> None:
    assert screen(status(datasets=()))[-1] == "no dataset is configured"


def test_a_daemon_that_tells_only_what_the_contract_has() -> None:
    document = status(breaker=OPEN)
    for more in ("health", "pid", "switch", "holds", "current", "recent_errors", "started_at"):
        del document[more]
    for one in document["datasets"]:
        for more in ("hint", "circuit", "switch", "interval_seconds", "last_error_time"):
            del one[more]
    shown = screen(document)
    assert shown[0] == "✓ healthy: no reason is given"
    assert shown[-2] == "every dataset: breaker open, next try 12:04:05 (in 4 min 5 s)"


def test_what_is_watched_while_it_is_gone() -> None:
    assert lines(gone(NotRunningError("no daemon is running"))) == [
        "■ no daemon is running",
        "→ Start it with `mmsync run`.",
    ]
    assert lines(gone(MmsyncError("x"))) == ["■ x"]


def test_an_alert_that_could_not_be_sent_is_shown_and_one_that_was_is_not() -> None:
    unsent = AlertsSeen(("webhook h",), (), NOW - 900, "webhook h: it answers 500", NOW - 60)
    shown = "\n".join(lines(lambda width: status_view(status(alerts=unsent), VIEW, width=width)))
    assert "could not be sent 1 min ago: webhook h: it answers 500" in shown
    assert "`mmsync alerts test` tries every address" in shown
    sent = AlertsSeen(("webhook h",), (), NOW - 900)
    assert "alerts" not in "\n".join(lines(lambda width: status_view(status(alerts=sent), VIEW, width=width)))
