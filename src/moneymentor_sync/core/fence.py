"""The fence in the spreadsheet: a named range whose id is taken away and put back, new, by every write.

A batch that takes away an id which is no longer there is refused whole by Google, so that a lost answer, a
resent request or a second writer can do no harm (spreadsheets.batchUpdate is atomic and applies its requests
in order). The id is never used again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FENCE_TAB = "_mmsync"
FENCE_NAMES = ("_mmsync_fence", "_mmsync_fence_2")
"""The second name is for a spreadsheet whose first one was orphaned with its tab and cannot be had again."""
STAGING_PREFIX = "_mmsync_staging_"

_REFUSED = re.compile(r"requests\[(\d+)\]\.?(deleteNamedRange|addNamedRange)?")


@dataclass(frozen=True, slots=True)
class FenceSeen:
    """The fence as a read found it: token and name, or None where there is none; its tab's id if it stands."""

    token: str | None
    name: str | None
    tab_id: int | None


def next_token(epoch: str, sequence: int) -> str:
    """A token never used before: the epoch is random for each process, the sequence counts its writes."""
    return f"mmsync.{epoch}.{sequence}"


def is_stale(reason: str) -> bool:
    """Whether Google's words mean that the fence was not the one that the batch expected."""
    found = _REFUSED.search(reason)
    return bool(found and found.group(2) is not None)
