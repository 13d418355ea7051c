"""The status tab of one spreadsheet in one run: its rows come along with a dataset's write, or by one of its own.

It is a managed tab like any other, filled by a dataset that no configuration names. What goes wrong is its own:
the write that it was to come along with is made without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from typing import TYPE_CHECKING

from moneymentor_sync.core.errors import MmsyncError, StoppedError
from moneymentor_sync.core.ports import (
    DatasetResult,
    DatasetState,
    Landing,
    Reading,
    Rider,
    Store,
    TabView,
    Wanted,
)
from moneymentor_sync.core.settings import Dataset
from moneymentor_sync.core.sheet_status import (
    Ending,
    Fact,
    Picture,
    Told,
    is_due,
    newest,
    status_dataset,
    told_of,
    zone_of,
)

from .decide import Decision, current_state
from .fencing import at_once
from .gather import Gathered, Kept, gather
from .memory import known_tab, memory_of
from .settling import Unsettled
from .status_rows import Aside, NotNowError, StatusDecider, StatusRows, unseen

if TYPE_CHECKING:  # who makes it
    from .sheet_status import SheetStatus


@dataclass(slots=True)
class _Riding:
    """A rider that was made ready: what it takes to note its end."""

    gathered: Gathered
    decision: Decision
    tab: TabView
    state: DatasetState


@dataclass(slots=True)
class StatusTab:
    """One spreadsheet's status tab in one run. Nothing here raises, but what ends the process, and `gathered`."""

    keeper: SheetStatus
    spreadsheet_id: str
    store: Store
    decider: StatusDecider
    dataset: Dataset = field(init=False)
    told: Told = field(init=False)
    _state: DatasetState | None = field(init=False)
    """As it is kept; changed here alone."""
    _banned: bool = False
    _in_vain: bool = False
    """Whether people could not be given back what is theirs, in this run."""
    _suspect: MmsyncError | None = None
    """What was refused with a rider aboard, until it is known whose the reason was."""
    _riding: _Riding | None = None

    def __post_init__(self) -> None:
        self.dataset = status_dataset(self.spreadsheet_id, self.keeper.sheet.status_tab)
        kept = self.store.dataset(self.dataset.name)
        self._state = current_state(self.dataset, kept)
        self.told = told_of(kept.cursor if kept is not None else None)
        self.keeper.facts = newest(self.told.facts, self.keeper.facts, self.keeper.clock())

    @property
    def unsettled(self) -> Unsettled | None:
        """Where a write to it landed is still to be looked at, or what that hit to be given back."""
        return self.keeper.owed(self.spreadsheet_id)

    def to_settle(self) -> Unsettled | None:
        """The same where it is to be tried in the midst of a run: once, since somebody waits for what that does."""
        return None if self._in_vain else self.unsettled

    def settled(self) -> None:
        self.keeper.owes(self.spreadsheet_id, None)

    def settles_later(self, what: Unsettled) -> None:
        self.keeper.owes(self.spreadsheet_id, what)

    def settled_in_vain(self, error: MmsyncError) -> None:
        """It is left for the end of the run, or the next look."""
        self._in_vain = True
        self._failed(error)

    def took(self, result: DatasetResult) -> None:
        """Takes in how a dataset's sync ended: also whether a refusal was meant for what rode along."""
        self.keeper.took(result)
        suspect, self._suspect = self._suspect, None
        if suspect is not None and result.result in ("synced", "unchanged"):  # without it all went well
            self._failed(suspect)

    def picture(self, ended: Ending | None) -> Picture:
        return Picture(self.keeper.facts, self.keeper.outlook, ended)

    def is_due(self, ended: Ending | None) -> bool:
        """Whether a write of its own is to be made now."""
        if self.unsettled is not None:
            return True
        state = self._state
        words = self.picture(ended).words(self.keeper.datasets(self.spreadsheet_id))
        if ended is not None:  # to say good-bye no tab is made
            return state is not None and state.known is not None and words != self.told.words
        doubt = state is None or state.dirty or self.spreadsheet_id in self.keeper.missing
        written = None if doubt or state is None else state.verified_at
        return is_due(self.keeper.sheet, self.told, words, written_at=written, now=self.keeper.clock())

    def gathered(self, picture: Picture, zone: str | None, *, alone: bool) -> Gathered:
        """The rows of a moment, as a dataset's; with what is to be kept of it in the place of a cursor."""
        datasets = self.keeper.datasets(self.spreadsheet_id)
        rules, sheet = self.decider.cell_rules, self.keeper.sheet
        there: tzinfo = zone_of(zone, rules.timezone)
        made = gather(
            StatusRows(picture.rows(datasets, sheet.status_every_seconds, there)),
            self.dataset,
            since=None,
            rules=rules,
            hasher=self.decider.hasher,
            new_records=Kept,
            tick=unseen,
            between=at_once,
        )
        facts = {one.name: picture.facts[one.name] for one in datasets if one.name in picture.facts}
        alone_at = self.keeper.clock() if alone else self.told.alone_at
        made.cursor = Told(facts, picture.words(datasets), alone_at).text()
        return made

    # --- along with a dataset -------------------------------------------------------------------------------

    def wanted(self, others: Sequence[Wanted]) -> Wanted | None:
        """The tab as one more to read, where that costs no call or somebody's cells in it are to be given back."""
        state = self._state
        if state is None or state.known is None:
            return None
        if self.unsettled is None:
            if self._banned or state.coming or self.spreadsheet_id in self.keeper.missing:
                return None
            if any(one.known is None or one.coming for one in others):
                return None  # then each is looked up, with calls of its own
        return Wanted(self.dataset.name, self.dataset.tab, state.known, state.coming)

    def saw(self, reading: Reading) -> None:
        """The tab was asked for in this reading: people rename tabs, and delete them."""
        tab, state = reading.tabs.get(self.dataset.name), self._state
        if tab is None:
            self.keeper.missing.add(self.spreadsheet_id)
            return
        if state is None or state.dirty or state.known is None:
            return
        info = tab.info
        known = replace(state.known, title=info.title, width=info.columns, height=info.rows)
        try:
            if known != state.known:
                self._keep(replace(state, known=known))
        except MmsyncError as error:
            self._failed(error)

    def board(self, view: Reading, dataset: Dataset, rows: int, seconds: float) -> Rider | None:
        """What the batch that ends a dataset's write is to take along: the tab as it is right when that has landed.
        None where there is nothing, or it has to wait for a write of its own."""
        self._riding = None
        tab = view.tabs.get(self.dataset.name)
        if self._banned or tab is None:
            return None
        try:
            return self._board(view, tab, dataset.name, rows, seconds)
        except Exception as error:  # noqa: BLE001 - see the module's docstring
            self._failed(error)
            return None

    def _board(self, view: Reading, tab: TabView, name: str, rows: int, seconds: float) -> Rider | None:
        state, now = self._state, self.keeper.clock()
        if state is None or state.known is None or state.known.sheet_id != tab.info.sheet_id:
            return None
        facts = {**self.keeper.facts, name: Fact(rows, now, now, seconds, at=now)}
        one = self.gathered(Picture(facts, self.keeper.outlook), view.zone, alone=False)
        try:
            found = self.decider.decide(one, Aside(tab), state, allow_deletes=False, between=at_once)
        except NotNowError:
            return None
        if found.plan.is_empty:
            return None
        index = found.table.index
        begun = replace(state, cursor=one.cursor)
        self.store.begin_write(self.dataset.name, begun, {key: index[key] for key in found.needed})
        self._state = replace(begun, dirty=True)
        self._riding = _Riding(one, found, tab, state)
        return Rider(found.plan, tab)

    def rode(self, landing: Landing | None, *, foreign: bool) -> None:
        """The write has come to its end, if not to a good one: `landing` is the rider's, or what it set if it was
        applied; None where it did not come along, or was refused with all the rest."""
        riding, self._riding = self._riding, None
        if riding is None:
            return
        try:
            if landing is None:
                self._as_before(riding)
            elif landing.as_planned:
                self._finish(riding, landing, foreign=foreign)
            else:
                self._look_after(riding, landing)
        except MmsyncError as error:
            self._failed(error)

    def put_off(self, error: MmsyncError) -> bool:
        """After a refusal with a rider aboard: whether the write is to be tried once more without any."""
        if self._riding is None:
            return False
        self.rode(None, foreign=False)
        self._banned, self._suspect = True, error
        return True

    def _look_after(self, riding: _Riding, landing: Landing) -> None:
        what = Unsettled(landing, riding.decision.plan, riding.tab, counted=True)
        self.settles_later(what)

    def _as_before(self, riding: _Riding) -> None:
        """It was not sent: nothing is in doubt that was not before."""
        if not riding.state.dirty:
            self._keep(riding.state)

    def _finish(self, riding: _Riding, landing: Landing, *, foreign: bool) -> None:
        known = known_tab(riding.decision, riding.tab, landing, self.decider.hasher)
        now = self.keeper.clock()
        memory = memory_of(riding.gathered, riding.decision, known, riding.state, now, foreign=foreign)
        self.store.finish(self.dataset.name, memory.state, memory.rows, memory.forget)
        self._state, self.told = memory.state, told_of(memory.state.cursor)

    # --- inside ---------------------------------------------------------------------------------------------

    def _keep(self, state: DatasetState) -> None:
        self.store.finish(self.dataset.name, state, {}, forget=())
        self._state = state

    def _failed(self, error: Exception) -> None:
        self._banned = True
        if not isinstance(error, StoppedError):
            self.keeper.failed(self.spreadsheet_id, error)
