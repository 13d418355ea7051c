"""The status tab of each spreadsheet: its rows come along with a dataset's write, or by a write of its own.

It is a managed tab like any other, filled by a dataset that no configuration names. Nothing of it may hold up a
dataset of somebody's: whatever goes wrong with it is logged, and tried again after its usual time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo

from moneymentor_sync.core.cells import CurrentCell
from moneymentor_sync.core.errors import MmsyncError, OvertakenError, StoppedError
from moneymentor_sync.core.events import Emit, way_of
from moneymentor_sync.core.layout import heading
from moneymentor_sync.core.marks import Marks
from moneymentor_sync.core.plan import Plan
from moneymentor_sync.core.ports import (
    DatasetResult,
    DatasetState,
    Landing,
    Reading,
    Rider,
    Row,
    SourceColumn,
    Store,
    TabInfo,
    TabView,
    Wanted,
)
from moneymentor_sync.core.rows import is_blank
from moneymentor_sync.core.settings import Dataset, SheetSettings
from moneymentor_sync.core.sheet_status import (
    DRESSING,
    NOTHING,
    SOURCE,
    Ending,
    Fact,
    Outlooks,
    Picture,
    StatusRow,
    Told,
    fact_after,
    is_due,
    is_status_header,
    newest,
    not_ours,
    status_dataset,
    told_of,
    unreachable,
    zone_of,
)

from .decide import Between, Decider, Decision, current_state
from .gather import Gathered, Kept, gather
from .memory import known_tab, memory_of


@dataclass(frozen=True, slots=True)
class Unsettled:
    """A write of which it is not yet known where it landed, or whose repair is still to be made."""

    landing: Landing
    plan: Plan
    before: TabView
    counted: bool


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
        self.unsettled: dict[str, Unsettled] = {}
        """By spreadsheet: where a rider's landing has still to be looked after, by a write of its own."""
        self.missing: set[str] = set()
        """Spreadsheets whose tab is known, and was not there."""
        self._datasets = tuple(datasets)
        self._emit = emit
        self._reachable: dict[str, bool] = {}
        self._ran: set[str] = set()
        self._rests: dict[str, float] = {}

    def datasets(self, spreadsheet_id: str) -> list[Dataset]:
        return [one for one in self._datasets if one.spreadsheet_id == spreadsheet_id]

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

    def rests(self, spreadsheet_id: str) -> bool:
        """Whether its last try failed a short while ago."""
        until = self._rests.get(spreadsheet_id, 0.0)
        return self.clock() < until <= self.clock() + self.sheet.status_every_seconds

    def begin(self, spreadsheet_id: str) -> None:
        """A run begins: where an earlier one's rider landed cannot be told any more."""
        self.unsettled.pop(spreadsheet_id, None)

    def failed(self, spreadsheet_id: str, error: Exception) -> None:
        """Says so, and leaves the tab alone for its usual time."""
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
        self._rests[spreadsheet_id] = self.clock() + self.sheet.status_every_seconds
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


class StatusDecider(Decider):
    """Decides about a status tab: never takes over what a person made, and dresses what is new."""

    @classmethod
    def like(cls, other: Decider) -> StatusDecider:
        return cls(other.cell_rules, other.hasher, other.written, Kept)

    def decide(
        self,
        gathered: Gathered,
        tab: TabView | None,
        state: DatasetState | None,
        *,
        allow_deletes: bool,
        between: Between,
        remove_unmatched: bool = False,
    ) -> Decision:
        if tab is not None and (state is None or state.known is None):
            _refuse_what_is_not_ours(tab)
        found = Decider.decide(
            self,
            gathered,
            tab,
            state,
            allow_deletes=allow_deletes,
            between=between,
            remove_unmatched=remove_unmatched,
        )
        return replace(found, plan=replace(found.plan, dressing=DRESSING))


def _refuse_what_is_not_ours(tab: TabView) -> None:
    """A tab that we know nothing of, with anything else in it than one of ours has, is a person's."""
    empty = is_blank(tab.header) and all(is_blank(row) for _, row in tab.rows())
    if not empty and not is_status_header({heading(cell) for cell in tab.header}):
        raise not_ours(tab.info.title)


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
    _riding: _Riding | None = None

    def __post_init__(self) -> None:
        self.dataset = status_dataset(self.spreadsheet_id, self.keeper.sheet.status_tab)
        kept = self.store.dataset(self.dataset.name)
        self._state = current_state(self.dataset, kept)
        self.told = told_of(kept.cursor if kept is not None else None)
        self.keeper.facts = newest(self.told.facts, self.keeper.facts, self.keeper.clock())

    @property
    def unsettled(self) -> Unsettled | None:
        return self.keeper.unsettled.get(self.spreadsheet_id)

    def settled(self) -> None:
        """Whatever it hit was given back, or cannot be any more."""
        self.keeper.unsettled.pop(self.spreadsheet_id, None)

    def picture(self, ended: Ending | None) -> Picture:
        return Picture(self.keeper.facts, self.keeper.outlook, ended)

    def is_due(self, ended: Ending | None) -> bool:
        """Whether a write of its own is to be made now."""
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
            _Rows(picture.rows(datasets, sheet.status_every_seconds, there)),
            self.dataset,
            since=None,
            rules=rules,
            hasher=self.decider.hasher,
            new_records=Kept,
            tick=_unseen,
            between=_at_once,
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
        if self._banned or self.unsettled is not None or tab is None:
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
            found = self.decider.decide(one, _Aside(tab), state, allow_deletes=False, between=_at_once)
        except _NotNowError:
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
        self._failed(error)
        return True

    def _look_after(self, riding: _Riding, landing: Landing) -> None:
        self.keeper.unsettled[self.spreadsheet_id] = Unsettled(
            landing, riding.decision.plan, riding.tab, counted=True
        )

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


# --- rows that come from no database ------------------------------------------------------------------------


class _Rows:
    """A snapshot and a stream of rows that are there already."""

    def __init__(self, rows: Sequence[StatusRow]) -> None:
        self._rows = rows

    @property
    def columns(self) -> Sequence[SourceColumn]:
        return SOURCE

    def read(self, dataset: Dataset, *, since: object = None) -> _Rows:
        del dataset, since
        return self

    def chunks(self) -> Iterator[Sequence[Row]]:
        yield self._rows


class _NotNowError(OvertakenError):
    """It would take a call of its own."""


class _Aside:
    """A tab of which nothing more is read than what came along."""

    def __init__(self, tab: TabView) -> None:
        self._tab = tab

    @property
    def info(self) -> TabInfo:
        return self._tab.info

    @property
    def header(self) -> Sequence[CurrentCell]:
        return self._tab.header

    @property
    def whole(self) -> bool:
        return self._tab.whole

    def rows(self) -> Iterator[tuple[int, Sequence[CurrentCell]]]:
        if not self._tab.whole:
            raise _NotNowError("the tab did not come in one answer")
        yield from self._tab.rows()

    def marks(self) -> Marks:
        raise _NotNowError("what stands beside values did not come along")


def _unseen(dataset: str, phase: str, done: int, total: int | None) -> None:
    """What is going on with this tab is nobody's progress."""


def _at_once() -> None:
    """Few rows: nobody waits for them."""
