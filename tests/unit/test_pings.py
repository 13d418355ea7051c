"""A dead man's switch: which runs it is told of, and by which address."""

from __future__ import annotations

import pytest

from moneymentor_sync.core.pings import Ping, Pings, address_of, at_begin, at_end


def told(*runs: tuple[float, float, str]) -> list[Ping]:
    """What it is told of runs as (begin, end, outcome)."""
    pings, heard = Pings(), []
    for begun, _, outcome in runs:
        pings, first = at_begin(pings, begun)
        pings, last = at_end(pings, outcome)
        heard += [one for one in (first, last) if one is not None]
    return heard


def test_start_success_and_failure_are_told() -> None:
    assert told((0, 1, "ok"), (300, 301, "failed"), (600, 601, "ok")) == [
        "start", "success", "start", "fail", "start", "success",
    ]  # fmt: skip


def test_of_many_runs_some_are_told_but_each_change() -> None:
    assert told(*((float(second), 0, "ok") for second in range(90))) == ["start", "success"] * 3
    assert told((0, 0, "ok"), (1, 0, "failed"), (2, 0, "failed"), (3, 0, "ok")) == [
        "start", "success", "fail", "success",
    ]  # fmt: skip


def test_a_run_that_was_stopped_says_nothing() -> None:
    assert told((0, 1, "stopped")) == ["start"]


@pytest.mark.parametrize(
    ("url", "start", "fail"),
    [
        ("https://hc-ping.com/0000", "https://hc-ping.com/0000/start", "https://hc-ping.com/0000/fail"),
        ("https://h.example/p/?key=a%2Fb&x=1", "https://h.example/p/start?key=a%2Fb&x=1",
         "https://h.example/p/fail?key=a%2Fb&x=1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/start", "http://127.0.0.1:8000/fail"),
    ],
)  # fmt: skip
def test_the_word_goes_behind_the_path_and_before_the_query(url: str, start: str, fail: str) -> None:
    assert (address_of(url, "start"), address_of(url, "success"), address_of(url, "fail")) == (start, url, fail)
