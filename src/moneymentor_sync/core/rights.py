"""What a sync may do, as small interfaces of the inside: write to a spreadsheet, and call Google at all."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Literal, Protocol


class Lease(Protocol):
    """The right to write: held for a run, taken up for each spreadsheet of it, proven before each write."""

    def hold(self, spreadsheet_id: str) -> AbstractContextManager[None]:
        """For a whole run. Raises LockHeldError, naming the holder."""
        ...

    def work(self, spreadsheet_id: str) -> AbstractContextManager[None]:
        """While one spreadsheet of the run is synced: it is not given away meanwhile.

        Raises LeaseLostError where it was given away before.
        """
        ...

    def prove(self, spreadsheet_id: str) -> None:
        """Right before a write. Raises LeaseLostError where the right is lost, or cannot be proven."""
        ...


CallKind = Literal["read", "write"]


class Budget(Protocol):
    """What a project and its service accounts may ask of Google in a minute, whoever else is asking."""

    def admit(self, kind: CallKind, spreadsheet_id: str) -> int:
        """Waits for its turn to make one call; gives the account that is to make it, by its place in the pool.

        Raises QuotaExhaustedError where the turn does not come in time, and StoppedError.
        """
        ...
