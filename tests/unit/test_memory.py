"""No full garbage collection while a sync shares its process."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from moneymentor_sync.adapters.memory import no_full_collection


@pytest.fixture(autouse=True)
def thresholds() -> Iterator[tuple[int, int, int]]:
    before = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield before
    gc.set_threshold(*before)


def test_only_the_oldest_generation_is_put_off_and_only_for_so_long() -> None:
    with no_full_collection():
        assert gc.get_threshold() == (700, 10, 1_000_000_000)
    assert gc.get_threshold() == (700, 10, 10)


def test_also_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), no_full_collection():
        raise ZeroDivisionError
    assert gc.get_threshold() == (700, 10, 10)


@pytest.mark.parametrize("first_out", [0, 1])
def test_two_at_the_same_time_leave_it_as_it_was(first_out: int) -> None:
    both = [no_full_collection(), no_full_collection()]
    for one in both:
        one.__enter__()
    both[first_out].__exit__(None, None, None)
    both[1 - first_out].__exit__(None, None, None)
    assert gc.get_threshold() == (700, 10, 10)


def test_what_somebody_else_set_meanwhile_stays() -> None:
    with no_full_collection():
        gc.set_threshold(900, 5, 5)
    assert gc.get_threshold() == (900, 5, 5)
