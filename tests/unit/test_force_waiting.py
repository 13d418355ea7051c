"""Waiting for a sync of the daemon's: progress, its end, the time that is up, Ctrl-C."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from moneymentor_sync.cli import force_waiting
from moneymentor_sync.cli.failures import InterruptedCommand
from moneymentor_sync.cli.force_command import with_remedies
from moneymentor_sync.cli.force_waiting import Follower, StillSyncingError, wait_for
from moneymentor_sync.core.errors import ControlError, NotRunningError, ShrinkRefusedError

Ticked = list[tuple[str, str, int, int | None]]


def current(dataset: str | None, phase: str | None, done: int, total: int | None) -> dict[str, Any]:
    return {"dataset": dataset, "phase": phase, "done": done, "total": total, "trigger": "force"}


def ticked(*seen: dict[str, Any] | None) -> Ticked:
    ticks: Ticked = []
    follower = Follower(lambda *tick: ticks.append(tick))
    for one in seen:
        follower.see(one)
    return ticks


def test_what_is_seen_now_and_then_becomes_bars() -> None:
    assert ticked(
        None,
        current(None, None, 0, None),
        current("a", "reading", 7, None),
        current("a", "writing", 5, 10),
        current("b", "reading", 0, None),
        current("b", None, 3, None),
    ) == [
        ("a", "reading", 7, None),
        ("a", "writing", 5, 10),
        ("a", "writing", 10, 10),  # left behind: it is complete
        ("b", "reading", 0, None),
        ("b", "", 3, None),
    ]


def test_a_dataset_that_went_by_unseen_is_complete_as_well() -> None:
    assert ticked(current("a", "reading", 0, None), current("b", "reading", 1, None))[1] == ("a", "reading", 1, 1)


@pytest.fixture
def ticks(monkeypatch: pytest.MonkeyPatch) -> Ticked:
    """As on a terminal, with the ticks kept."""
    kept: Ticked = []

    @contextmanager
    def progress() -> Iterator[Any]:
        yield lambda *tick: kept.append(tick)

    monkeypatch.setattr(force_waiting, "progress", progress)
    monkeypatch.setattr(force_waiting, "LOOK_EVERY_SECONDS", 0.001)
    return kept


def test_progress_is_shown_until_the_answer_is_there(ticks: Ticked) -> None:
    seen = threading.Event()

    def ask() -> dict[str, Any]:
        assert seen.wait(10)
        return {"ok": True}

    def status() -> dict[str, Any]:
        if len(ticks) >= 2:
            seen.set()
        return {"current": current("a", "writing", len(ticks), 2)}

    assert wait_for(ask, status, timeout=None) == {"ok": True}
    assert ticks[:2] == [("a", "writing", 0, 2), ("a", "writing", 1, 2)]


def test_a_status_that_fails_does_not_end_the_waiting(ticks: Ticked) -> None:
    asked = threading.Event()

    def ask() -> dict[str, Any]:
        assert asked.wait(10)
        return {"ok": True}

    def status() -> dict[str, Any]:
        asked.set()
        raise ControlError("busy")

    assert wait_for(ask, status, timeout=60) == {"ok": True}
    assert ticks == []


def test_what_the_answer_is_in_is_raised() -> None:
    def ask() -> dict[str, Any]:
        raise NotRunningError("nobody")

    with pytest.raises(NotRunningError, match="nobody"):
        wait_for(ask, dict, timeout=None)


@pytest.fixture
def unanswered() -> Iterator[Any]:
    end = threading.Event()

    def ask() -> dict[str, Any]:
        end.wait(30)
        return {}

    yield ask
    end.set()


def test_the_time_is_up(unanswered: Any) -> None:
    with pytest.raises(StillSyncingError, match=r"not ended after 0\.01 s; the sync goes on in the daemon"):
        wait_for(unanswered, dict, timeout=0.01)


def test_ctrl_c_ends_the_waiting_and_says_that_the_sync_goes_on(unanswered: Any, ticks: Ticked) -> None:
    def status() -> dict[str, Any]:
        raise KeyboardInterrupt

    with pytest.raises(InterruptedCommand, match="the sync goes on in the daemon"):
        wait_for(unanswered, status, timeout=None)


def test_no_bar_where_nobody_watches(unanswered: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    with pytest.raises(StillSyncingError):
        wait_for(unanswered, lambda: pytest.fail("asked for the status"), timeout=0.01)


def test_a_refused_shrink_is_allowed_by_what_works_while_a_daemon_runs() -> None:
    refused = {"name": "people", "error": "empty", "hint": ShrinkRefusedError.default_hint}
    answer = with_remedies({"ok": False, "datasets": [refused, {"name": "x", "hint": None}]})
    assert answer["datasets"][0]["hint"] == (
        "See what would go with `mmsync plan --force`; if that is right, run `mmsync force people --allow-deletes`."
    )
    assert answer["datasets"][1] == {"name": "x", "hint": None}
