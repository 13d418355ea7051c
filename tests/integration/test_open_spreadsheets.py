"""Spreadsheets that are kept open: few, those that were used last, and none is used after it was closed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moneymentor_sync.wiring import Spreadsheets, engine

from .workbench import Workbench


def test_the_one_that_was_not_used_for_longest_is_closed_for_another(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "MOST_OPEN", 2)
    spreadsheets = Spreadsheets(bench.config.google, bench.chance)
    a, b = spreadsheets("a" * 44), spreadsheets("b" * 44)
    assert spreadsheets("a" * 44) is a
    closed: list[str] = []
    monkeypatch.setattr(b, "close", lambda: closed.append("b"))
    spreadsheets("c" * 44)
    assert closed == ["b"]
    assert spreadsheets("a" * 44) is a
    assert spreadsheets("b" * 44) is not b
    spreadsheets.close()


def test_more_datasets_than_are_kept_open_are_all_synced(bench: Workbench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "MOST_OPEN", 2)
    bench.people((1, "a", 1))
    ids = [bench.box.new_spreadsheet(f"{number}") for number in range(5)]
    bench.datasets = [
        replace(bench.dataset(), name=f"d{number}", spreadsheet_id=one) for number, one in enumerate(ids)
    ]
    assert [one.result for one in bench.run().datasets] == ["synced"] * 5
    bench.people((1, "b", 2))
    assert [(one.result, one.reads, one.writes) for one in bench.run().datasets] == [("synced", 1, 1)] * 5
