"""The status tabs of an engine's spreadsheets: what they are to say, which of them are to be looked at, which rest.

Nothing of them may hold up a dataset of somebody's: whatever goes wrong is logged, and tried again after its time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from moneymentor_sync.core.errors import MmsyncError
from moneymentor_sync.core.events import Emit, way_of
from moneymentor_sync.core.ports import DatasetResult, Store
from moneymentor_sync.core.settings import Dataset, SheetSettings
from moneymentor_sync.core.sheet_status import NOTHING, Fact, Outlooks, fact_after, unreachable

from .decide import Decider
from .settling import Unsettled
from .status_rows import StatusDecider
from .status_tab import StatusTab

REST_SECONDS = 300.0
"""How long a tab is left alone after a failure, at most: its own time may be a day."""
OWED_SECONDS = 600.0
"""How long people are still to be given back what was hit: later it may be what they have changed since."""


class SheetStatus:
    """What one engine knows for the status tabs of all its spreadsheets. `clock` is UNIX seconds."""

    def __init__(
        self,
        sheet: SheetSettings,
        datasets: Sequence[Dataset],
        outlook: Outlooks,
        clock: Callable[[], float],
        emit: Emit,
    ) -> None:
        self.sheet = sheet
        self.outlook = outlook
        self.clock = clock
        self.facts: dict[str, Fact] = {}
        self.missing: set[str] = set()
        """Spreadsheets whose tab is known, and was not there."""
        self._datasets = tuple(datasets)
        self._emit = emit
        self._reachable: dict[str, bool] = {}
        self._ran: set[str] = set()
        self._rests: dict[str, float] = {}
        self._owed: dict[str, tuple[Unsettled, float]] = {}

    def datasets(self, spreadsheet_id: str) -> list[Dataset]:
        """Those with a row: not one that the configuration has turned off and that nobody ever synced."""
        here = [one for one in self._datasets if one.spreadsheet_id == spreadsheet_id]
        return [one for one in here if one.enabled or one.name in self.facts]

    def took(self, result: DatasetResult) -> None:
        """Takes in how a dataset's sync ended."""
        self.facts[result.dataset] = fact_after(self.facts.get(result.dataset, NOTHING), result, self.clock())

    def ran(self, spreadsheet_id: str, results: Sequence[DatasetResult]) -> None:
        """The spreadsheet's part of a run has ended; where it was to end early, there is another word to come."""
        self._reachable[spreadsheet_id] = not unreachable([one.error_code for one in results])
        if not any(one.result == "stopped" for one in results):
            self._ran.add(spreadsheet_id)

    def to_look_at(self, *, ended: bool) -> list[str]:
        """Spreadsheets that can be written and had a part in the run since this was asked last; at the end, and
        where there was no run, those of all runs."""
        ran, self._ran = self._ran, set()
        return [
            one
            for one, reachable in self._reachable.items()
            if reachable and (ended or not ran or one in ran) and not self.rests(one)
        ]

    def owed(self, spreadsheet_id: str) -> Unsettled | None:
        """A write to the tab of which it is still to be looked at where it landed, or what it hit to be given back;
        it outlives a run, and goes with the process."""
        found, since = self._owed.get(spreadsheet_id, (None, 0.0))
        return found if since <= self.clock() < since + OWED_SECONDS else None

    def owes(self, spreadsheet_id: str, what: Unsettled | None) -> None:
        """Notes that; with None that it is done."""
        if what is None:
            self._owed.pop(spreadsheet_id, None)
        else:
            self._owed[spreadsheet_id] = what, self.clock()

    def rests(self, spreadsheet_id: str) -> bool:
        """Whether its last try failed a short while ago, and people are owed nothing."""
        if self.owed(spreadsheet_id) is not None:
            return False
        until = self._rests.get(spreadsheet_id, 0.0)
        return self.clock() < until <= self.clock() + REST_SECONDS

    def failed(self, spreadsheet_id: str, error: Exception) -> None:
        """Says so, and leaves the tab alone for a while."""
        if isinstance(error, MmsyncError):
            self._rest(spreadsheet_id, error=error.code, message=str(error), hint=error.hint or None)
        else:
            self._rest(spreadsheet_id, error=type(error).__name__, where=way_of(error))

    def written(self, spreadsheet_id: str) -> None:
        """The tab is there, as it is to be."""
        self.missing.discard(spreadsheet_id)

    def not_written(self, spreadsheet_id: str, result: DatasetResult) -> None:
        """The same for a write of its own."""
        self._rest(spreadsheet_id, error=result.error_code, message=result.error, hint=result.hint)

    def _rest(self, spreadsheet_id: str, **fields: object) -> None:
        self._rests[spreadsheet_id] = self.clock() + min(self.sheet.status_every_seconds, REST_SECONDS)
        self._emit("sheet_status.failed", spreadsheet=spreadsheet_id, **fields)

    def tab(self, spreadsheet_id: str, store: Store, decider: Decider) -> StatusTab | None:
        """The tab of a spreadsheet, for one run or one write of its own; None where it is to be left alone."""
        if self.rests(spreadsheet_id):
            return None
        try:
            return StatusTab(self, spreadsheet_id, store, StatusDecider.like(decider))
        except Exception as error:  # noqa: BLE001 - see the module's docstring
            self.failed(spreadsheet_id, error)
            return None
