"""The Destination: one Google spreadsheet, read and written so that nobody ever sees a half-written tab.

What fits one request is one atomic batch. A larger first sync fills a tab that is still hidden and shows it
when it is whole; a larger change of a tab is staged and becomes visible in one step (`google_staging`). Only
where a person's columns stand beside ours are larger updates written in steps, of whole rows.
"""

from __future__ import annotations

import random
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from moneymentor_sync.core.cells import CurrentCell
from moneymentor_sync.core.fence import STAGING_PREFIX, FenceSeen
from moneymentor_sync.core.layout import new_grid
from moneymentor_sync.core.plan import Plan
from moneymentor_sync.core.ports import Landing, Placed, Reading, Rider, TabInfo, TabView, Tick, Traffic, Wanted

from . import google_requests as make
from .google_batch import Batcher, bodies
from .google_client import GoogleClient
from .google_landing import LandingCheck, Witness, find_witnesses
from .google_notes import GoogleNotes
from .google_reader import Answer, Reader, ReadSizes
from .google_requests import Frame, Request
from .google_staging import BODY_BYTES, Capacity, Staging, append_request, encoded_rows

CHECKED_INSERTS = 40_000
"""Up to so many new rows their keys are asked for in the answer; staged ones land only in rows of their own."""

RIDER_BYTES = 40_000
"""What a rider may add to a body: with it that is still below the 2 MB that Google recommends."""

Update = tuple[Request, list[Placed]]


@dataclass(frozen=True, slots=True)
class _Writing:
    """What every part of one write needs."""

    plan: Plan
    tab: TabView
    where: Frame
    intend: Callable[[str], None]
    tick: Tick

    @property
    def info(self) -> TabInfo:
        return self.tab.info


@dataclass(frozen=True, slots=True)
class _Part:
    """What one plan adds to a batch: its requests, what to look at in the answer, and how it landed if that is not
    as it should be."""

    requests: Sequence[Request]
    check: LandingCheck
    failed: Landing

    def landing(self, answer: Answer) -> Landing:
        if not self.check.passed(answer):
            return self.failed
        return Landing(True, self.failed.token, self.failed.sheet_id, self.failed.positions, self.failed.width)


class GoogleSheets:
    """Destination for one spreadsheet; not to be shared between threads."""

    def __init__(
        self, client: GoogleClient, *, max_cells: int, rng: random.Random, reads: ReadSizes | None = None
    ) -> None:
        self._client = client
        self._reader = Reader(client, reads)
        self._batches = Batcher(client, rng)
        self._capacity = Capacity(self._reader, max_cells)
        self._staging = Staging(client, self._reader, self._batches, self._capacity)
        self.header_notes = GoogleNotes(self._reader, self._batches)
        self.unsettled: Landing | None = None
        self.rider_landing: Landing | None = None
        self._rider: Rider | None = None

    @property
    def traffic(self) -> Traffic:
        return self._client.traffic

    @property
    def account(self) -> str:
        """The service account's e-mail address."""
        return self._client.whom.account

    def close(self) -> None:
        self._client.close()

    def read(self, wanted: Sequence[Wanted]) -> Reading:
        return self._reader.read(wanted)

    def new_tab_id(self) -> int:
        taken = {tab.sheet_id for tab in self._reader.tabs()}
        return next(one for one in iter(self._batches.new_sheet_id, None) if one not in taken)

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
        self.unsettled = self.rider_landing = None
        self._rider = rider
        if tidy:
            self.tidy(fence, intend=intend, renew=False)
        else:
            self._batches.seen(fence)
        if isinstance(tab, int):
            return self._create(plan, tab, intend, tick)
        return self._change(_Writing(plan, tab, make.frame(plan, tab.info), intend, tick))

    def tidy(self, fence: FenceSeen, *, intend: Callable[[str], None], renew: bool) -> None:
        self._batches.seen(fence)
        leftovers = self._staging.leftovers()
        if leftovers or renew:
            self._batches.send(leftovers, intend=intend)
            self._reader.forget_leftovers()

    def put_back(
        self,
        sheet_id: int,
        cells: Sequence[tuple[int, int, CurrentCell]],
        fence: FenceSeen,
        *,
        intend: Callable[[str], None],
    ) -> None:
        self._batches.seen(fence)
        requests = (make.update_cells(sheet_id, row, column, [cell]) for row, column, cell in cells)
        for part in bodies(requests, BODY_BYTES):
            self._batches.send(part, intend=intend)

    # --- a tab that does not exist yet ----------------------------------------------------------------------

    def _create(self, plan: Plan, sheet_id: int, intend: Callable[[str], None], tick: Tick) -> Landing:
        count, width = len(plan.inserts), len(plan.shape.columns)
        rows, columns = new_grid(count + 1, width)
        if rows * columns > self._capacity.free():  # no room for what people may add: just what is needed
            rows, columns = max(2, count + 1), width
        self._capacity.make_room(rows * columns)
        info = TabInfo(sheet_id, plan.tab, rows, columns, frozen_rows=1)
        where = make.frame(plan, info)
        encoded = encoded_rows(plan.inserts, BODY_BYTES)
        if encoded is not None:
            show = make.add_tab(info.sheet_id, plan.tab, rows, columns, hidden=False)
            data = [_rows_request(info.sheet_id, encoded)] if encoded else []
            self._send_last([show, *where.requests, *data], intend)
        else:
            hidden = STAGING_PREFIX + str(info.sheet_id)
            add = make.add_tab(info.sheet_id, hidden, rows, columns, hidden=True)
            self._batches.send([*self._staging.leftovers(), add, *where.requests], intend=intend)
            self._staging.fill(hidden, plan.inserts, width, plan.dataset, first_row=2, tick=tick)
            self._send_last([make.reveal_tab(info.sheet_id, plan.tab)], intend)
        tick(plan.dataset, "writing", count, count)
        return Landing(True, self._batches.token, info.sheet_id, where.positions, columns)

    # --- a tab that exists ----------------------------------------------------------------------------------

    def _change(self, job: _Writing) -> Landing:
        plan, where = job.plan, job.where
        updates = list(make.update_requests(plan, where))
        rows = append_request(plan.inserts, where, BODY_BYTES)
        deletes = make.delete_requests(plan, where)
        last = [*make.blank_requests(plan, where), *deletes]
        grow = self._grow(job) if rows is not None else []
        size = _size(request for request, _ in updates) + _size(last)
        if rows is not None and size + _size(rows) < BODY_BYTES:
            requests = [*grow, *where.requests, *(request for request, _ in updates), *last, *rows]
            landing = self._send(job, requests, _cells_of(updates), whole=True, header=True)
        else:
            landing = self._change_in_parts(job, grow, updates, rows)
        job.tick(plan.dataset, "writing", len(plan.inserts), len(plan.inserts))
        return landing

    def _change_in_parts(
        self, job: _Writing, grow: list[Request], updates: list[Update], rows: list[Request] | None
    ) -> Landing:
        """Stages what is large; what then remains is one batch, or steps of whole rows where it has to be.

        Deletions that do not fit go last, from the bottom up, in batches of their own.
        """
        plan, where = job.plan, job.where
        head, tail = [*grow, *where.requests], list[Request]()
        cells: Callable[[], tuple[Placed, ...]] = tuple
        staged = None
        if _size(request for request, _ in updates) > BODY_BYTES // 2 and not plan.people_beside:
            staged = self._staging.updates(plan, job.tab, where, job.intend, job.tick)
        if staged is not None:
            tail, cells, updates = staged.requests, staged.cells, []
        if rows is None:
            tail += self._staging.inserts(plan, job.info, where, job.intend, job.tick).requests
        for part in _parts(updates):
            landing = self._send(
                job, [*head, *(request for request, _ in part)], _cells_of(part), header=bool(head)
            )
            head = []
            if not landing.as_planned:
                return landing
        blanks, deletes = list(make.blank_requests(plan, where)), make.delete_requests(plan, where)
        fits = _size(tail) + _size(rows or ()) + _size(blanks) + _size(deletes) < BODY_BYTES
        now = [*head, *tail, *blanks, *(deletes if fits else ()), *(rows or ())]
        landing = self._send(job, now, cells, whole=True, header=bool(head), deletes=fits)
        if not landing.as_planned:
            return landing  # what it hit is given back first; by these rows nothing may be deleted
        for group in () if fits else bodies(deletes, BODY_BYTES):
            self._batches.send(group, intend=job.intend)
        return replace(landing, token=self._batches.token)

    def _send(
        self,
        job: _Writing,
        requests: Sequence[Request],
        cells: Callable[[], tuple[Placed, ...]],
        *,
        whole: bool = False,
        header: bool = False,
        deletes: bool | None = None,
    ) -> Landing:
        """Sends a batch and looks where it landed; with the new rows (`whole`) a rider comes along. The rest is as
        for `_part`."""
        part = self._part(job, requests, cells, whole=whole, header=header, deletes=deletes)
        rider = self._aboard() if whole else None
        self.unsettled = part.failed
        self.rider_landing = None if rider is None else rider.failed
        along = () if rider is None else rider.requests
        ranges = part.check.ranges() + ([] if rider is None else rider.check.ranges())
        answer = self._batches.send([*requests, *along], intend=job.intend, ranges=ranges)
        self.unsettled = None
        self.rider_landing = None if rider is None else rider.landing(answer)
        return part.landing(answer)

    def _send_last(self, requests: Sequence[Request], intend: Callable[[str], None]) -> None:
        """Sends the batch that shows a new tab; a rider comes along."""
        rider = self._aboard()
        if rider is None:
            self._batches.send(requests, intend=intend)
            return
        self.rider_landing = rider.failed
        answer = self._batches.send([*requests, *rider.requests], intend=intend, ranges=rider.check.ranges())
        self.rider_landing = rider.landing(answer)

    def _aboard(self) -> _Part | None:
        """The rider's part of the batch; None where there is none, or it is too large, or needs more than cells."""
        if self._rider is None:
            return None
        plan, tab = self._rider.plan, self._rider.tab
        layout = plan.layout
        if layout.missing or layout.insert_header or len(plan.inserts) > tab.info.rows - plan.last_row - 1:
            return None
        job = _Writing(plan, tab, make.frame(plan, tab.info), _nothing, _silent)
        updates = list(make.update_requests(plan, job.where))
        rows = append_request(plan.inserts, job.where, RIDER_BYTES) or []
        ends = [*make.blank_requests(plan, job.where), *make.delete_requests(plan, job.where)]
        requests = [*job.where.requests, *(request for request, _ in updates), *ends, *rows]
        if _size(requests) > RIDER_BYTES or (plan.inserts and not rows):
            return None
        return self._part(job, requests, _cells_of(updates), whole=True, header=True)

    def _part(
        self,
        job: _Writing,
        requests: Sequence[Request],
        cells: Callable[[], tuple[Placed, ...]],
        *,
        whole: bool = False,
        header: bool = False,
        deletes: bool | None = None,
    ) -> _Part:
        """`whole` says that the batch has the new rows, `deletes` (if not given, the same) the deletions, `header`
        the header cells."""
        plan, where, info = job.plan, job.where, job.info
        touched = {row - where.shift for row, _, _ in cells()}
        rows = [update.row for update in plan.updates if update.row in touched]
        inserts = plan.inserts if whole and len(plan.inserts) <= CHECKED_INSERTS else ()
        deletes = whole if deletes is None else deletes
        gone = tuple(where.row(index) for index in plan.deletes) if deletes else ()
        placed = (*(where.headers if header else ()), *cells(), *(make.blanked(plan, where) if whole else ()))
        placed = tuple((row - bisect_left(gone, row), column, cell) for row, column, cell in placed)
        witnesses: Sequence[Witness] | None = ()
        if header and job.tab.whole:
            witnesses = find_witnesses(job.tab, where, gone, {(row, column) for row, column, _ in placed})
        between = _keys(job.tab, plan, touched.difference(rows, plan.deletes, plan.blanks))
        check = LandingCheck(plan, where, info.title, rows, inserts, between, deletes=deletes, witnesses=witnesses)
        width = max(info.columns, *(position + 1 for position in where.positions))
        sent = tuple(tuple(make.whole_row(row, where.positions)) for row in plan.inserts) if whole else ()
        if plan.layout.fresh and header:
            sent += (tuple(make.whole_row(plan.shape.headers, where.positions)),)
        made = tuple(sorted(where.positions[i] for i in plan.layout.missing)) if header else ()
        token = self._batches.following
        new_row = plan.layout.insert_header and header
        failed = Landing(False, token, info.sheet_id, where.positions, width, placed, sent, gone, made, new_row)
        return _Part(requests, check, failed)

    def _grow(self, job: _Writing) -> list[Request]:
        """New rows at the grid's end, only as many as blank ones are lacking, formatted as the last row is.

        They come first of all, so that the formats of new columns reach them, too.
        """
        plan, info = job.plan, job.info
        lacking = len(plan.inserts) - (info.rows - plan.last_row - 1)
        if not plan.inserts and len(plan.deletes) >= info.rows - max(1, info.frozen_rows):
            lacking = 1  # Google does not delete a tab's last row below the frozen ones
        width = max(info.columns, *(p + 1 for p in job.where.positions))
        self._capacity.make_room(max(0, lacking) * width + (width - info.columns) * info.rows)
        if lacking <= 0:
            return []
        return [make.insert_dimension(info.sheet_id, "ROWS", info.rows, lacking, inherit=True)]


def _nothing(_token: str) -> None:
    """A rider's batch is another's, who notes what is to be noted."""


def _silent(dataset: str, phase: str, done: int, total: int | None) -> None:
    """Nor is it told how far a rider has come."""


def _rows_request(sheet_id: int, encoded: Sequence[bytes]) -> Request:
    """All rows of a new tab in one request."""
    start = make.encode({"start": {"sheetId": sheet_id, "rowIndex": 1, "columnIndex": 0}, "fields": make.VALUE})
    return b'{"updateCells":' + start[:-1] + b',"rows":[' + b",".join(encoded) + b"]}}"


def _size(requests: Iterable[Request]) -> int:
    return sum(len(request) + 1 for request in requests)


def _cells_of(updates: Sequence[Update]) -> Callable[[], tuple[Placed, ...]]:
    return lambda: tuple(cell for _, placed in updates for cell in placed)


def _keys(tab: TabView, plan: Plan, wanted: set[int]) -> dict[int, tuple[CurrentCell, ...]]:
    """The key cells of rows that a write goes over although nothing changes in them, by their index."""
    places = [plan.layout.positions[i] for i in plan.shape.key]
    if not wanted or None in places:
        return {}
    return {
        index: tuple([row[p] if p is not None and p < len(row) else None for p in places])
        for index, row in tab.rows()
        if index in wanted
    }


def _parts(updates: Iterable[Update]) -> Iterator[list[Update]]:
    """Updates cut into bodies, never between two requests of one row."""
    part: list[Update] = []
    size = 0
    for request, placed in updates:
        new_row = not part or part[-1][1][0][0] != placed[0][0]
        if part and new_row and size + len(request) > BODY_BYTES - 200_000:
            yield part
            part, size = [], 0
        part.append((request, placed))
        size += len(request) + 1
    if part:
        yield part
