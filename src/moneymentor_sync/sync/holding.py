"""Where a run stands back for others, and what it does with what it has read by then.

A tab may be edited, and a database wants its locks back, while a run waits. So it waits only where it has
nothing in its hands: before it reads the database, before it reads the spreadsheet, and while it fills a tab that
nobody sees yet. Elsewhere it lets go of what it has read, waits, and reads again.
"""

from __future__ import annotations

from dataclasses import dataclass

from moneymentor_sync.core.ports import Gate

MAX_RESTARTS = 5
"""How often one run lets go of what it has read. After that it holds on to it, and goes through."""


class HeldUpError(Exception):
    """What was read is let go of, to be read again. No error of ours: it never leaves this package."""


@dataclass(slots=True)
class Holding:
    """One run's way through its gate. Both methods raise StoppedError where the run is to end."""

    gate: Gate
    restarts: int = 0

    def wait(self) -> None:
        """Stands back for as long as it takes."""
        self.gate(wait=True)

    def let_go(self) -> None:
        """Raises HeldUpError where somebody holds, unless that happened too often."""
        if self.gate(wait=False) and self.restarts < MAX_RESTARTS:
            self.restarts += 1
            raise HeldUpError

    def pass_by(self) -> None:
        """Only ends where the run is to end."""
        self.gate(wait=False)
