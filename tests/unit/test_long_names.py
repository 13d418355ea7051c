"""Names of any length in terminals of any width: they are broken, and nothing is cut."""

from __future__ import annotations

import io

import pytest
from rich.console import Console, RenderableType

from moneymentor_sync.checks import Check
from moneymentor_sync.cli.check_display import listing
from moneymentor_sync.cli.console import out
from moneymentor_sync.cli.run_display import run_table
from moneymentor_sync.core.ports import DatasetResult, RunResult


def lines(shown: RenderableType, width: int) -> list[str]:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(shown)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [60, 80, 120])
@pytest.mark.parametrize("length", [60, 100])
def test_a_long_name_is_broken_and_leaves_room_for_the_rest(width: int, length: int) -> None:
    name = "N" * length
    long = DatasetResult(name, name, "synced", rows=1_234_567, inserted=1_234_567)
    short = DatasetResult("short", "Short", "unchanged", rows=5)
    run = RunResult("x", 0.0, 1.0, "sync", (long, short))
    shown = lines(run_table(run), width)
    assert "".join(shown).count("N") == 2 * length
    assert shown[1].split()[-5:] == ["synced", "1,234,567", "1,234,567", "0", "0"]
    assert shown[-1].split() == ["short", "Short", "unchanged", "5", "0", "0", "0"]
    shown = lines(
        listing([Check(f"tab: {name}", "ok", f"{name} is there"), Check("x", "failed", name)], width), width
    )
    assert "".join(shown).count("N") == 3 * length
    assert "…" not in "".join(shown)


def test_what_is_in_brackets_is_text_and_what_a_terminal_would_obey_is_not_shown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whatever is printed through the commands' consoles: strings, tables with strings, joined and styled text."""
    screen = io.StringIO()
    monkeypatch.setattr("sys.stdout", screen)
    out.cache_clear()
    try:
        name = "[/red][link=x]\x1b[7m\x9b\u202e\x08y"
        out().print(f"a {name}\nb", style="red")
        out().print(run_table(RunResult("x", 0.0, 1.0, "sync", (DatasetResult(name, name, "synced"),))))
    finally:
        out.cache_clear()
    assert screen.getvalue().replace("\n", "").isprintable()
    assert screen.getvalue().startswith("a [/red][link=x]�[7m��y\nb\n")
