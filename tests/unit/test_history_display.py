"""Past runs as a list and as bars, as they stand in a terminal of 80 columns."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from rich.console import Console

from moneymentor_sync.cli.bars import between, column, meter
from moneymentor_sync.cli.history_display import listing
from moneymentor_sync.cli.history_plot import plots

from .screens import MOMENT, VIEW, lines

HINT = "See what would go with `mmsync plan --force`; if that is right, run `mmsync sync --force`."


def result(dataset: str, result: str = "synced", rows: int = 100, **more: Any) -> dict[str, Any]:
    nothing = {"inserted": 0, "updated": 0, "deleted": 0, "error": None, "hint": None}
    return {"dataset": dataset, "tab": dataset, "result": result, "rows": rows, **nothing, **more}


def run(minutes_ago: float, *datasets: dict[str, Any], outcome: str = "ok", seconds: float = 1.0) -> dict[str, Any]:
    started = (MOMENT - timedelta(minutes=minutes_ago)).isoformat()
    return {
        "run_id": str(minutes_ago),
        "started_at": started,
        "seconds": seconds,
        "trigger": "schedule",
        "outcome": outcome,
        "datasets": list(datasets),
    }


RUNS = [
    run(5, result("user_profiles", rows=12_345, inserted=3, updated=12), result("course_statistics", "unchanged")),
    run(
        10,
        result("user_profiles", "failed", 0, error="the query gives no rows, and the tab has 12,342", hint=HINT),
        result("course_statistics", updated=4),
        outcome="failed",
    ),
    run(60 * 24, result("user_profiles", "stopped", 0), outcome="stopped"),
    run(60 * 25, outcome="stopped"),
]


def test_a_line_for_each_dataset_and_errors_below() -> None:
    assert lines(listing(RUNS, VIEW, width=100), 100) == [
        "  when              trigger    took  dataset            result       rows  changed",
        "✓ 11:55:00          schedule  1.0 s  user_profiles      synced     12,345  +3 ~12",
        "                                     course_statistics  unchanged     100",
        "✗ 11:50:00          schedule  1.0 s  user_profiles      failed",
        "    the query gives no rows, and the tab has 12,342",
        "    → See what would go with `mmsync plan --force`; if that is right, run `mmsync force",
        "    user_profiles --allow-deletes`.",
        "                                     course_statistics  synced        100  ~4",
        "■ 2026-03-13 12:00  schedule  1.0 s  user_profiles      stopped",
        "■ 2026-03-13 11:00  schedule  1.0 s  –                  stopped",
    ]


def test_in_a_narrow_terminal_datasets_stand_below_their_run() -> None:
    assert lines(listing(RUNS[:2], VIEW, width=60), 60) == [
        "  when      trigger    took",
        "    dataset            result       rows  changed",
        "✓ 11:55:00  schedule  1.0 s",
        "    user_profiles      synced     12,345  +3 ~12",
        "    course_statistics  unchanged     100",
        "✗ 11:50:00  schedule  1.0 s",
        "    user_profiles      failed",
        "      the query gives no rows, and the tab has 12,342",
        "      → See what would go with `mmsync plan --force`; if",
        "      that is right, run `mmsync force user_profiles",
        "      --allow-deletes`.",
        "    course_statistics  synced        100  ~4",
    ]


def test_long_names_are_broken_and_not_cut() -> None:
    name = "N" * 70
    shown = lines(listing([run(5, result(name, inserted=1_234_567))], VIEW, width=60), 60)
    assert "".join(shown).count("N") == 70
    assert any("+1,234,567" in line for line in shown)


def test_meter_and_column() -> None:
    assert [meter(share, 4) for share in (0, 0.26, 0.5, 1, 2)] == ["░░░░", "█░░░", "██░░", "████", "████"]
    assert meter(0.3, 4) == "█▎░░"
    assert [between(value, 10, 24) for value in (9, 10, 12, 17, 24)] == ["▁", "▁", "▂", "▅", "█"]
    assert between(5, 5, 5) == "▄"
    assert [column(share, 2) for share in (0, 0.001, 0.5, 0.75, 1)] == ["  ", "▁ ", "█ ", "█▄", "██"]


def test_bars_of_duration_and_of_rows_failed_runs_marked() -> None:
    seconds = [4.0, 2.0, 1.0, 8.0]
    runs = [
        run(
            5 * number,
            result("people", "failed" if number == 2 else "synced", 0 if number == 2 else 100 - 25 * number),
            outcome="failed" if number == 2 else "ok",
            seconds=seconds[number],
        )
        for number in range(4)
    ]
    assert lines(plots(runs, VIEW, width=80)) == [
        "duration  4 runs, 1 failed; took 3.8 s on average",
        "8.0 s ┤███",
        "      │███",
        "      │███",
        "      │███         ███",
        "      │███     ▄▄▄ ███",
        "      │███ ▆▆▆ ███ ███",
        "  0 s └────────────────",
        "           ×××",
        "       11:45:00 … 12:00:00",
        "",
        "rows of people  25 to 100, last 100",
        "       ▁▁▁ ××× ▆▆▆ ███",
    ]


def styles(shown: Any, line: int) -> list[str]:
    """The colour of each block character of a line, from the left."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system="standard")
    segments = console.render_lines(shown, console.options)[line]
    return [str(one.style.color.name) for one in segments if one.text.strip(" ") and one.style and one.style.color]


def test_changes_stand_on_one_another_in_the_colours_of_what_became_of_the_rows() -> None:
    runs = [
        run(1, result("people", inserted=6, updated=4, deleted=2)),
        run(2, result("people", updated=3)),
        run(3, result("people", "unchanged")),
    ]
    chart = plots(runs, VIEW, width=80)
    shown = lines(chart)
    at = shown.index("rows changed  +6 ~7 -2 in all: + inserted, ~ updated, - deleted")
    assert shown[at + 1 : at + 6] == [
        "   12 ┤        ███",
        "      │        ███",
        "      │        ███",
        "      │    ███ ███",
        "    0 └────────────",
    ]
    assert [styles(chart, at + line) for line in (1, 2, 3, 4)] == [
        ["green"],
        ["green"],
        ["yellow"],
        ["yellow", "red"],
    ]


def test_a_tall_terminal_gets_taller_charts() -> None:
    runs = [run(1, result("people", inserted=1))]
    tall, usual = (len(lines(plots(runs, VIEW, width=80, height=height))) for height in (50, 24))
    assert (usual, tall) == (20, 25)


def test_more_runs_than_columns_share_bars() -> None:
    runs = [run(number, result("people"), outcome="failed" if not number else "ok") for number in range(300)]
    shown = lines(plots(runs, VIEW, width=80))
    assert shown[0] == "duration  300 runs, 5 to a bar, 1 failed; took 1.0 s on average"
    assert shown[1] == "1.0 s ┤" + "█" * 60
    assert shown[8].strip() == "×"
    assert shown[9].split() == ["07:01:00", "12:00:00"]


def test_many_datasets_are_a_line_each() -> None:
    names = [f"dataset_{number}" for number in range(6)]
    runs = [run(number, *(result(name, rows=1_000) for name in names[: 6 - number])) for number in range(2)]
    shown = lines(plots(runs, VIEW, width=80))
    assert shown[-2:] == ["rows of dataset_5  always 1,000", "           ▄▄▄"]


def test_nothing_but_failures_and_nothing_that_took_time() -> None:
    shown = lines(plots([run(1, result("x", "failed", 0), outcome="failed", seconds=0)], VIEW, width=80))
    assert "rows of x  not known: it did not succeed in these runs" in shown
    assert shown[-1].strip() == "×××"
    assert "11:59:00" in [line.strip() for line in shown]
