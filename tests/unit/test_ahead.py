"""One thing ahead: in order, never two, and an error where the thing it belongs to would have come."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import closing

import pytest

from moneymentor_sync.adapters.ahead import one_ahead

SECONDS = 10
"""Until a test that waits for a thread gives up; none is ever waited for so long."""


class Making:
    """Makes 0, 1, 2, …; says what was begun, and lets the test wait for it."""

    def __init__(self, count: int, fail_at: int | None = None) -> None:
        self.begun: list[int] = []
        self._count = count
        self._fail_at = fail_at
        self._changed = threading.Condition()

    def __iter__(self) -> Iterator[int]:
        for number in range(self._count):
            with self._changed:
                self.begun.append(number)
                self._changed.notify_all()
            if number == self._fail_at:
                raise ValueError(f"no {number}")
            yield number

    def wait_until(self, condition: Callable[[], bool]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, SECONDS)


def test_everything_comes_in_order() -> None:
    assert list(one_ahead(range(100))) == list(range(100))
    assert list(one_ahead([])) == []
    assert list(one_ahead([None, None])) == [None, None]


def test_the_next_one_is_made_while_this_one_is_used_and_no_more() -> None:
    making = Making(4)
    with closing(one_ahead(making)) as items:
        for number in items:
            expected = min(number + 2, 4)
            making.wait_until(lambda n=expected: len(making.begun) >= n)  # type: ignore[misc]  # a lambda's default
            assert making.begun == [*range(expected)]


def test_an_error_comes_after_all_that_went_before_it() -> None:
    used = []
    with pytest.raises(ValueError, match="no 2"):
        for number in one_ahead(Making(5, fail_at=2)):
            used.append(number)  # noqa: PERF402 - what was used before the error is the question
    assert used == [0, 1]


def test_after_an_early_end_nothing_more_is_begun_and_no_thread_is_left() -> None:
    making = Making(5)
    before = threading.active_count()
    with pytest.raises(OSError, match="the connection broke"), closing(one_ahead(making)) as items:
        for number in items:
            if number == 1:
                raise OSError("the connection broke")
    assert making.begun == [0, 1, 2]
    assert threading.active_count() == before
    with pytest.raises(StopIteration):
        next(items)


def test_an_error_ahead_of_an_early_end_is_not_raised() -> None:
    making = Making(5, fail_at=1)
    with closing(one_ahead(making)) as items:
        assert next(items) == 0
    assert making.begun == [0, 1]
