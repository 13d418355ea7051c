"""Giving memory back: a daemon that waits should not keep what a sync needed."""

from __future__ import annotations

import ctypes
import gc


def give_back() -> None:
    """Collects garbage and has the C library return free pages (malloc_trim(3), glibc; elsewhere only the first).

    Takes some tens of milliseconds. Building Google's API objects alone leaves some 30 MB of garbage that nothing
    else would collect for hours.
    """
    gc.collect()
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
