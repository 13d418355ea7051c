"""What the shell needs from the outside world, as small interfaces that belong to the inside."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol

from .cells import Cell, CurrentCell
from .fence import FenceSeen
from .marks import Marks
from .settings import CellType, Dataset

if TYPE_CHECKING:  # the layout knows the table, and the table its source's columns
    from .header_notes import HeaderCell
    from .layout import KnownTab
    from .plan import Plan

# --- the database -----------------------------------------------------------------------------------------

Row = tuple[Any, ...]
"""One row as the database driver gives it: Python values, one a column."""


Origin = tuple[str, str]
"""A table, as the database writes its name, and a column of it."""


@dataclass(frozen=True, slots=True)
class SourceColumn:
    """A column of a result: its name, and what its values are where the database declares it.

    `type` is set for `table=` datasets and the built-in ones, from the declared column type (so that SQLite's
    text dates and 0/1 booleans become real ones); None where the values speak for themselves. `origin` is where its
    values stand, if the database says so and was asked.
    """

    name: str
    type: CellType | None = None
    origin: Origin | None = None


class RowStream(Protocol):
    """A result being read: its columns, then chunks of rows; nothing is held but the current chunk."""

    @property
    def columns(self) -> Sequence[SourceColumn]: ...

    def chunks(self) -> Iterator[Sequence[Row]]:
        """Yields lists of up to a few thousand rows. Raises QueryError. May be consumed once."""
        ...


class Snapshot(Protocol):
    """One consistent, read-only view of the database for all datasets of a sync."""

    def read(self, dataset: Dataset, *, since: Any = None) -> RowStream:
        """Starts the dataset's query. With `since`, only rows whose `dataset.cursor` is >= that value.

        Raises QueryError (missing table or column, syntax, time-out), DatabaseUnreachableError.
        """
        ...


class Source(Protocol):
    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """Opens the snapshot. Raises DatabaseUnreachableError."""
        ...


# --- the spreadsheet --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class TabInfo:
    """A tab as the spreadsheet describes it; `rows` and `columns` are the grid, not the data."""

    sheet_id: int
    title: str
    rows: int
    columns: int
    frozen_rows: int = 0
    hidden: bool = False


class TabView(Protocol):
    """A tab as it was read. `rows` may be gone through again; a large tab is then read again."""

    @property
    def info(self) -> TabInfo: ...

    @property
    def header(self) -> Sequence[CurrentCell]: ...

    @property
    def whole(self) -> bool:
        """Whether it came in one answer; otherwise a person may have moved rows between two of its parts."""
        ...

    def rows(self) -> Iterable[tuple[int, Sequence[CurrentCell]]]:
        """All rows below the first with anything in them, as (0-based index, cells from column A on)."""
        ...

    def marks(self) -> Marks:
        """What the tab has beside values: one more read. Raises OvertakenError where the values are others now."""
        ...


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at a spreadsheet: its fence and the tabs asked for, by the name they were asked under.

    A tab that does not exist is missing from `tabs`. `all_tabs` is None where the read did not list them, `zone` is
    the name of the spreadsheet's time zone.
    """

    fence: FenceSeen
    tabs: Mapping[str, TabView]
    all_tabs: tuple[TabInfo, ...] | None = None
    zone: str | None = None


@dataclass(frozen=True, slots=True)
class Wanted:
    """A tab to read: the name of its dataset, its configured title, and what is known of it.

    `coming` are ids that it may have been made with in a write whose end was not recorded; they go first.
    """

    dataset: str
    title: str
    known: KnownTab | None = None
    coming: tuple[int, ...] = ()


Placed = tuple[int, int, Cell]
"""A cell that was written, or is to be: row index, column index, value."""


@dataclass(frozen=True, slots=True)
class Landing:
    """How a write landed. `as_planned` is False where headers or keys were not where the plan thought.

    `cells` are then the existing cells that were written over, each where it should be after the write, `appended`
    the new rows, from column A on, `removed` the rows that were deleted (as they were numbered before that), `made`
    the columns (as they are now) that were made, and `header_row` says that row 1 is a new one: for `repair`.
    `token` is the fence now, `positions` where the managed columns stand, `width` how many columns the grid has.
    """

    as_planned: bool
    token: str
    sheet_id: int
    positions: tuple[int, ...]
    width: int
    cells: tuple[Placed, ...] = ()
    appended: tuple[tuple[Cell, ...], ...] = ()
    removed: tuple[int, ...] = ()
    made: tuple[int, ...] = ()
    header_row: bool = False


@dataclass(frozen=True, slots=True)
class Rider:
    """A small plan for another tab that is there, to be carried out by the last batch of a write, if it fits."""

    plan: Plan
    tab: TabView


@dataclass(slots=True)
class Traffic:
    """What went over the wire: calls by kind, and bytes of bodies sent and received; and the seconds that calls had
    to wait before they were made, since others share the quota."""

    reads: int = 0
    writes: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    waited: float = 0.0

    def since(self, before: Traffic) -> Traffic:
        return Traffic(
            self.reads - before.reads,
            self.writes - before.writes,
            self.bytes_sent - before.bytes_sent,
            self.bytes_received - before.bytes_received,
            self.waited - before.waited,
        )

    def copy(self) -> Traffic:
        return Traffic(self.reads, self.writes, self.bytes_sent, self.bytes_received, self.waited)


class Destination(Protocol):
    """One spreadsheet. Every method may raise DestinationError; nothing in it waits or tries again."""

    @property
    def traffic(self) -> Traffic: ...

    def read(self, wanted: Sequence[Wanted]) -> Reading:
        """Reads the tabs, in one call where what is known of them still holds."""
        ...

    @property
    def header_notes(self) -> HeaderNotes: ...

    @property
    def unsettled(self) -> Landing | None:
        """The last batch of a `write` that raised UnavailableError: what it set, if it was applied."""
        ...

    @property
    def rider_landing(self) -> Landing | None:
        """How the rider of the last `write` landed; what it set, if the write raised UnavailableError and may have
        been applied; None where it did not come along."""
        ...

    def new_tab_id(self) -> int:
        """An id for a tab that is to be made, chosen here so that it can be noted before the tab is there."""
        ...

    def write(
        self,
        plan: Plan,
        tab: TabView | int,
        fence: FenceSeen,
        *,
        intend: Callable[[str], None],
        tick: Tick,
        tidy: bool = False,
        rider: Rider | None = None,
    ) -> Landing:
        """Carries a plan out, atomically for people who look at the tab; `tab` is the id for one that is to be
        made. `intend(token)` is called before each request that changes the fence, so that a crash leaves a
        trace; `tidy` says that there was one. A `rider` costs no call; see `rider_landing`.

        Raises CellLimitError before anything is written; SecondWriterError where the fence was not `fence`;
        UnavailableError where it is unknown whether it happened.
        """
        ...

    def tidy(self, fence: FenceSeen, *, intend: Callable[[str], None], renew: bool) -> None:
        """Removes the hidden tabs that a write which did not come to its end has left. With `renew` the fence is
        another one afterwards in any case: a write that is still on its way is refused when it comes."""
        ...

    def put_back(
        self,
        sheet_id: int,
        cells: Sequence[tuple[int, int, CurrentCell]],
        fence: FenceSeen,
        *,
        intend: Callable[[str], None],
    ) -> None:
        """Writes single cells, people's formulas among them: what a write hit by mistake."""
        ...


@dataclass(frozen=True, slots=True)
class HeaderReading:
    """Row 1 of a tab as it was read for its notes: the fence, where the tab is now, and each cell's heading and
    note, from column A on."""

    fence: FenceSeen
    info: TabInfo
    cells: tuple[HeaderCell, ...]


class HeaderNotes(Protocol):
    """The notes on row 1 of a spreadsheet's tabs. Both methods may raise DestinationError; neither tries again."""

    def read(self, known: KnownTab) -> HeaderReading | None:
        """None where the tab is gone."""
        ...

    def write(
        self, reading: HeaderReading, notes: Mapping[int, str], *, intend: Callable[[str], None]
    ) -> tuple[tuple[HeaderCell, ...], str]:
        """Sets notes by column index, a blank one takes one away. Gives row 1 as it is right after that, which may
        be another one than was read, and the fence then."""
        ...


class Tick(Protocol):
    """Progress, for people: `phase` is `reading`, `comparing` or `writing`; `total` is None where unknown."""

    def __call__(self, dataset: str, phase: str, done: int, total: int | None) -> None: ...


class Gate(Protocol):
    """Passed between two batches of rows, read or written."""

    def __call__(self, *, wait: bool) -> bool:
        """Whether others who go first are at it. With `wait` it takes its time until they no longer are.

        Raises StoppedError where the sync is to end here.
        """
        ...


class Safeguard(Protocol):
    """What goes before a write that takes much away."""

    def __call__(self, dataset: Dataset, plan: Plan) -> bool:
        """Whether it took the time to save the spreadsheet first, so that what was read is old by now.

        Raises BackupFirstError where that failed: then nothing may be written.
        """
        ...


def unsaved(dataset: Dataset, plan: Plan) -> bool:
    """No backup goes before a write."""
    del dataset, plan
    return False


# --- the state --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DatasetState:
    """What the last successful sync of a dataset left. Fingerprints are texts of `rows.Fingerprint`.

    `dirty` says that a write was begun and its end not recorded: nothing here may then be relied on but
    `known`. `coming` are the ids that such writes gave to a tab that they were to make, the last one's first: it
    may be there, whatever a person has called it since. `verified_at` is the UNIX time when the tab was last
    compared with what it should hold.
    """

    spreadsheet_id: str
    tab: str
    known: KnownTab | None
    shape: str = ""
    source: str = ""
    content: str = ""
    formats: tuple[str | None, ...] = ()
    rows: int = 0
    verified_at: float = 0.0
    cursor: str | None = None
    dirty: bool = False
    coming: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class FenceState:
    """The fence as this installation last left it; `pending` was sent, and its answer not yet seen."""

    token: str | None = None
    pending: str | None = None


@dataclass(frozen=True, slots=True)
class DatasetResult:
    """What one sync did to one dataset. `result` is `synced`, `unchanged`, `failed` or `stopped` (it was asked
    to end before this dataset was done).

    `put_back` counts cells that a person had changed, `repaired` writes that did not land where they should.
    `quota_seconds`, of `seconds`, were waited for the quota; not kept in the state file.
    """

    dataset: str
    tab: str
    result: str
    rows: int = 0
    inserted: int = 0
    updated: int = 0
    deleted: int = 0
    cells: int = 0
    reads: int = 0
    writes: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    retries: int = 0
    repaired: int = 0
    put_back: int = 0
    verified: bool = False
    seconds: float = 0.0
    quota_seconds: float = 0.0
    error_code: str | None = None
    error: str | None = None
    hint: str | None = None
    notes: tuple[str, ...] = ()
    """What a person should know though nothing failed; not kept in the state file."""
    details: tuple[str, ...] = ()
    """Offending keys or rows, for the operator's terminal alone: they may be people's data."""


Outcome = Literal["ok", "failed", "stopped"]


@dataclass(frozen=True, slots=True)
class RunResult:
    """One pass over the datasets that were due or asked for; it failed if any of them failed."""

    run_id: str
    started_at: float
    seconds: float
    trigger: str
    datasets: tuple[DatasetResult, ...] = field(default=())

    @property
    def ok(self) -> bool:
        return all(dataset.result in ("synced", "unchanged") for dataset in self.datasets)

    @property
    def outcome(self) -> Outcome:
        """A run that was stopped and had no failure until then is neither a success nor a failure."""
        if any(dataset.result == "failed" for dataset in self.datasets):
            return "failed"
        return "ok" if self.ok else "stopped"


class Store(Protocol):
    """The state file. Every method may raise StateError; a method is one transaction."""

    def secret(self) -> bytes: ...

    def check_place(self) -> None:
        """Raises StateError where the file is no longer the one that was opened."""
        ...

    def dataset(self, name: str) -> DatasetState | None: ...

    def fence(self, spreadsheet_id: str) -> FenceState: ...

    def save_fence(self, spreadsheet_id: str, fence: FenceState) -> None: ...

    def written(self, name: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        """Of these keys those that this installation wrote, with the hash of the row as it last wrote it."""
        ...

    def begin_write(self, name: str, state: DatasetState, rows: Mapping[bytes, bytes]) -> None:
        """Marks the dataset dirty and remembers the keys (-> row's hash) that are about to be written.

        What is remembered of a key already stays until `finish`: it may be what proves which row is which.
        """
        ...

    def finish(
        self, name: str, state: DatasetState, rows: Mapping[bytes, bytes], forget: Iterable[bytes] | None
    ) -> None:
        """Saves the state, clean. Of the rows we wrote, `rows` are remembered and `forget` forgotten; with
        `forget` None all but `rows` are."""
        ...

    def record(self, run: RunResult) -> None: ...
