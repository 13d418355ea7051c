"""The list of `mmsync check` as a person sees it."""

from __future__ import annotations

import io

from rich.console import Console

from moneymentor_sync.checks import Check
from moneymentor_sync.cli.check_display import listing, summary

ADDRESS = "moneymentor-sync@moneymentor-prod-123456.iam.gserviceaccount.com"


def shown(*checks: Check, width: int = 80) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(listing(checks, console.width))
    assert isinstance(console.file, io.StringIO)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_what_went_well_is_one_line() -> None:
    lines = shown(Check("database", "ok", "answers"), Check("clock", "ok", "agrees"))
    assert lines == ["✓ ok       database  answers", "✓ ok       clock     agrees"]


def test_a_problem_and_its_remedy_stand_below_the_name() -> None:
    lines = shown(Check("database", "failed", "does not answer\nat all", "Start it."))
    assert lines == [
        "✗ failed   database",
        *(" " * 11 + text for text in ("does not answer", "at all", "→ Start it.")),
    ]


def test_a_status_can_be_told_without_colour() -> None:
    words = [shown(Check("x", status, "…"))[0].split()[:2] for status in ("ok", "warning", "failed", "skipped")]
    assert words == [["✓", "ok"], ["!", "warning"], ["✗", "failed"], ["-", "skipped"]]


def test_one_cause_is_told_once() -> None:
    lines = shown(*(Check(name, "skipped", "not tried, since “token” failed") for name in ("spreadsheet", "cells")))
    assert lines == ["- skipped  spreadsheet, cells", "           not tried, since “token” failed"]


def test_no_address_is_broken_in_two_at_80_columns() -> None:
    lines = shown(
        Check("tab: course_statistics", "ok", "is there"),
        Check("access", "ok", f"{ADDRESS} may edit"),
        Check("spreadsheet", "failed", "not there", f"Share it with {ADDRESS} as an editor."),
    )
    assert sum(ADDRESS in line for line in lines) == 2
    assert max(map(len, lines)) <= 80


def test_the_last_line_counts_and_says_what_is_next() -> None:
    good = [Check("a", "ok", "…"), Check("b", "warning", "…", "…")]
    assert summary(good) == "1 ok, 1 warning. Next: `mmsync plan` shows what a sync would change."
    assert summary([*good, Check("c", "failed", "…")]).startswith("1 ok, 1 warning, 1 failed. Mend")
