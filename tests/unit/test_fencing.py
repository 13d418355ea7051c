"""The fence as an installation knows it: nothing is noted, and so nothing sent, by who cannot prove its right."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from moneymentor_sync.core.errors import LeaseLostError, StoppedError
from moneymentor_sync.core.fence import FenceSeen
from moneymentor_sync.core.ports import FenceState
from moneymentor_sync.sync.fencing import Fencing

SEEN = FenceSeen("mmsync.a.1", "_mmsync_fence", 7)


class Notes:
    """A store that keeps fences, and in which order it was asked among others."""

    def __init__(self) -> None:
        self.did: list[object] = []

    def fence(self, spreadsheet_id: str) -> FenceState:
        return FenceState("mmsync.a.1")

    def save_fence(self, spreadsheet_id: str, fence: FenceState) -> None:
        self.did.append(fence)


def fencing(notes: Notes, prove: Callable[[str], None]) -> Fencing:
    return Fencing(notes, "sheet", prove)  # type: ignore[arg-type]  # no more of a store is asked


def test_it_stands_back_proves_its_right_and_only_then_notes_what_it_sends() -> None:
    notes = Notes()
    intend = fencing(notes, notes.did.append).intend(SEEN, lambda: notes.did.append("between"))
    intend("mmsync.a.2")
    intend("mmsync.a.3")
    assert notes.did == [
        *("between", "sheet", FenceState("mmsync.a.1", "mmsync.a.2")),
        *("between", "sheet", FenceState("mmsync.a.2", "mmsync.a.3")),
    ]


@pytest.mark.parametrize("error", [LeaseLostError("lost"), StoppedError("stopped")])
def test_who_cannot_prove_it_notes_nothing(error: StoppedError) -> None:
    notes = Notes()

    def refuse(_spreadsheet_id: str) -> None:
        raise error

    with pytest.raises(type(error)):
        fencing(notes, refuse).intend(SEEN, lambda: None)("mmsync.a.2")
    assert notes.did == []
