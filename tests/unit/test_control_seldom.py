"""Events that somebody else can cause as often as they like."""

from __future__ import annotations

import pytest

from moneymentor_sync.control.limits import Limits, accepted_at_once
from moneymentor_sync.control.seldom import MOST, Seldom


def test_the_first_is_told_then_one_a_minute_with_how_many_were_not() -> None:
    seldom = Seldom(60.0)
    assert seldom.passed_over("a", 5.0) == 0
    assert [seldom.passed_over("a", 5.0 + tenth / 10) for tenth in range(599)] == [None] * 599
    assert seldom.passed_over("b", 6.0) == 0, "another kind has its own"
    assert seldom.passed_over("a", 65.0) == 599
    assert seldom.passed_over("a", 125.0) == 0


def test_however_many_kinds_there_are_few_are_kept() -> None:
    seldom = Seldom(60.0)
    for number in range(10 * MOST):
        assert seldom.passed_over(number, 0.0) == 0
    assert len(vars(seldom)["_of_kind"]) == MOST
    assert seldom.passed_over(10 * MOST - 1, 1.0) is None


def test_a_quarter_of_the_places_is_for_root_and_the_daemons_user() -> None:
    limits = Limits(connections=64)
    assert (limits.places(trusted=True), limits.places(trusted=False)) == (64, 48)
    assert (limits.places_with_refused(trusted=True), limits.places_with_refused(trusted=False)) == (256, 192)
    assert Limits(connections=1).places(trusted=False) == 1


@pytest.mark.parametrize(
    ("files", "connections", "at_once"),
    [(1024, 64, 256), (4096, 64, 256), (256, 16, 64), (100, 6, 25), (10, 4, 4), (2**63, 64, 256)],
)
def test_with_few_descriptors_there_are_few_places(files: int, connections: int, at_once: int) -> None:
    limits = Limits().within(files)
    assert (limits.connections, accepted_at_once(files)) == (connections, at_once)
    assert Limits(connections=2).within(files).connections == 2
    if files >= 100:
        assert limits.places_with_refused(trusted=True) + accepted_at_once(files) <= files // 2
