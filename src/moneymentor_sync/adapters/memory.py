"""Giving memory back: a daemon that waits should not keep what a sync needed."""

from __future__ import annotations

import ctypes
import gc
from collections.abc import Iterator
from contextlib import contextmanager

_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8  # <malloc.h>
_LARGE_BYTES = 128 * 1024
_NEVER = 1_000_000_000


def keep_little() -> None:
    """Has the C library keep less for later (mallopt(3), glibc; elsewhere nothing). For before threads start.

    One arena for all threads, since only one of ours works; and a large buffer, such as a body for Google, goes
    back when it is freed, also after many of them.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        tune(_M_ARENA_MAX, 1)
        tune(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def give_back() -> None:
    """Collects garbage and has the C library return free pages (malloc_trim(3), glibc; elsewhere only the first).

    Takes some tens of milliseconds. Building Google's API objects alone leaves some 30 MB of garbage that nothing
    else would collect for hours.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


@contextmanager
def no_full_collection() -> Iterator[None]:
    """While it lasts, Python looks for garbage among young objects only.

    A full look stops every thread of the process, for 60 ms where a sync holds the changes of 10,000 rows; what
    it would find waits until afterwards.
    """
    before = gc.get_threshold()
    put_off = (before[0], before[1], _NEVER)
    gc.set_threshold(*put_off)
    try:
        yield
    finally:
        if gc.get_threshold() == put_off:  # else somebody else has set it meanwhile
            gc.set_threshold(*before)
