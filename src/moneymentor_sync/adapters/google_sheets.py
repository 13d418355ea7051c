"""The Destination: one Google spreadsheet, read and written so that nobody ever sees a half-written tab.

What fits one request is one atomic batch. A larger first sync fills a tab that is still hidden and shows it
when it is whole; a larger addition to a tab is staged in a hidden one and copied over in one step; larger
updates go in steps of whole rows. Staging is filled through values.update, which cannot carry the fence, and
need not: nobody looks at it until a fenced batch shows or copies it.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Sequence

import msgspec

from moneymentor_sync.core.cells import Cell, CurrentCell
from moneymentor_sync.core.errors import CellLimitError
from moneymentor_sync.core.fence import STAGING_PREFIX, FenceSeen
from moneymentor_sync.core.layout import column_letter
from moneymentor_sync.core.plan import Plan
from moneymentor_sync.core.ports import Landing, Placed, Reading, TabInfo, TabView, Tick, Traffic, Wanted

from . import google_requests as make
from .google_batch import MAX_BODY_BYTES, Batcher
from .google_client import GoogleClient
from .google_landing import LandingCheck
from .google_reader import Reader, quoted
from .google_requests import Frame, Request

ENVELOPE_BYTES = 8_000
"""Kept free in each body for the fence, the header and the ranges to be given back."""
BODY_BYTES = MAX_BODY_BYTES - ENVELOPE_BYTES
ASK_BEFORE_GROWING = 10_000
"""From so many new cells on the spreadsheet's size is looked up first; below, Google's own refusal, which is
as atomic as the batch, will do."""
USUAL_ROWS, USUAL_COLUMNS = 1_000, 26
"""The grid of a tab that a person makes; ours has the same where it costs little, for what people add."""
SPARE_CELLS = 260_000


class GoogleSheets:
    """Destination for one spreadsheet; not to be shared between threads."""

    def __init__(self, client: GoogleClient, *, max_cells: int, rng: random.Random) -> None:
        self._client = client
        self._reader = Reader(client)
        self._batches = Batcher(client, rng)
        self._max_cells = max_cells

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

    def write(
        self, plan: Plan, tab: TabView | None, fence: FenceSeen, *, intend: Callable[[str], None], tick: Tick
    ) -> Landing:
        self._batches.seen(fence)
        if tab is None:
            return self._create(plan, intend, tick)
        return self._change(plan, tab.info, intend, tick)

    def put_back(
        self,
        sheet_id: int,
        cells: Sequence[tuple[int, int, CurrentCell]],
        fence: FenceSeen,
        *,
        intend: Callable[[str], None],
    ) -> None:
        self._batches.seen(fence)
        for part in _bodies(make.update_cells(sheet_id, row, column, [cell]) for row, column, cell in cells):
            self._batches.send(part, intend=intend)

    # --- a tab that does not exist yet ----------------------------------------------------------------------

    def _create(self, plan: Plan, intend: Callable[[str], None], tick: Tick) -> Landing:
        count, width = len(plan.inserts), len(plan.shape.columns)
        self._make_room(math.prod(_roomy(count + 1, width)))
        rows_made, columns_made = _roomy(count + 1, width)
        info = TabInfo(self._batches.new_sheet_id(), plan.tab, rows_made, columns_made, frozen_rows=1)
        where = make.frame(plan, info)
        rows = _rows_request(info.sheet_id, plan.inserts)
        if rows is not None:
            show = make.add_tab(info.sheet_id, plan.tab, info.rows, info.columns, hidden=False)
            self._batches.send([show, *where.requests, *rows], intend=intend)
        else:
            hidden = STAGING_PREFIX + str(info.sheet_id)
            add = make.add_tab(info.sheet_id, hidden, info.rows, info.columns, hidden=True)
            self._batches.send([*self._leftovers(), add, *where.requests], intend=intend)
            self._fill(hidden, plan, plan.inserts, first_row=2, tick=tick)
            self._batches.send([make.reveal_tab(info.sheet_id, plan.tab)], intend=intend)
        tick(plan.dataset, "writing", count, count)
        return Landing(True, self._batches.token, info.sheet_id, where.positions, info.columns)

    # --- a tab that exists ----------------------------------------------------------------------------------

    def _change(self, plan: Plan, info: TabInfo, intend: Callable[[str], None], tick: Tick) -> Landing:
        where = make.frame(plan, info)
        grow = self._grow(plan, info, where)
        updates = list(make.update_requests(plan, where))
        rows = _append_request(plan.inserts, where, BODY_BYTES)
        last = [*make.blank_requests(plan, where), *make.delete_requests(plan, where)]
        size = sum(len(request) + 1 for request, _ in updates) + sum(len(r) + 1 for r in last)
        if rows is not None and size + len(rows[0] if rows else b"") < BODY_BYTES:
            requests = [*grow, *where.requests, *(request for request, _ in updates), *last, *rows]
            return self._send_checked(
                plan, info, where, requests, updates, intend, inserts=plan.inserts, deletes=True
            )
        return self._change_in_parts(plan, info, where, updates, last, rows, grow, intend, tick)

    def _change_in_parts(
        self,
        plan: Plan,
        info: TabInfo,
        where: Frame,
        updates: list[tuple[Request, list[Placed]]],
        last: list[Request],
        rows: list[Request] | None,
        grow: list[Request],
        intend: Callable[[str], None],
        tick: Tick,
    ) -> Landing:
        """Updates in steps of whole rows, then everything else in one step, staged where it is large."""
        staged = self._stage(plan, info, where, intend, tick) if rows is None else None
        landing = Landing(True, self._batches.token, info.sheet_id, where.positions, info.columns)
        head = [*(grow if staged is None else []), *where.requests]
        for part in _parts(updates):
            requests = [*head, *(request for request, _ in part)]
            head = []
            landing = self._send_checked(plan, info, where, requests, part, intend)
            if not landing.as_planned:
                return landing
            tick(plan.dataset, "writing", 0, None)
        tail = [*head, *(staged or ()), *last, *(rows or ())]
        if tail:
            shown = plan.inserts if staged is None else ()
            landing = self._send_checked(plan, info, where, tail, [], intend, inserts=shown, deletes=True)
        tick(plan.dataset, "writing", len(plan.inserts), len(plan.inserts))
        return landing

    def _send_checked(
        self,
        plan: Plan,
        info: TabInfo,
        where: Frame,
        requests: Sequence[Request],
        updates: Sequence[tuple[Request, list[Placed]]],
        intend: Callable[[str], None],
        *,
        inserts: Sequence[Sequence[Cell]] = (),
        deletes: bool = False,
    ) -> Landing:
        touched = {placed[0][0] - where.shift for _, placed in updates}
        rows = [update.row for update in plan.updates if update.row in touched]
        check = LandingCheck(plan, where, info.title, rows, inserts, deletes=deletes)
        answer = self._batches.send(requests, intend=intend, ranges=check.ranges())
        passed = check.passed(answer)
        written = () if passed else tuple(cell for _, placed in updates for cell in placed)
        appended = () if passed or not deletes else _rows_sent(plan, where)
        width = max(info.columns, *(position + 1 for position in where.positions))
        return Landing(passed, self._batches.token, info.sheet_id, where.positions, width, written, appended)

    def _grow(self, plan: Plan, info: TabInfo, where: Frame) -> list[Request]:
        """New rows at the grid's end, only as many as blank ones are lacking, formatted as the last row is.

        They come first of all, so that the formats of new columns reach them, too.
        """
        lacking = len(plan.inserts) - (info.rows - plan.last_row - 1)
        if not plan.inserts and _deletes_everything(plan, info):
            lacking = 1  # Google does not delete a tab's last row below the frozen ones
        width = max(info.columns, *(p + 1 for p in where.positions))
        self._make_room(max(0, lacking) * width + (width - info.columns) * info.rows)
        if lacking <= 0:
            return []
        return [make.insert_dimension(info.sheet_id, "ROWS", info.rows, lacking, inherit=True)]

    # --- staging --------------------------------------------------------------------------------------------

    def _stage(
        self, plan: Plan, info: TabInfo, where: Frame, intend: Callable[[str], None], tick: Tick
    ) -> list[Request]:
        """Puts the new rows into a hidden tab of their own; gives the requests that move them over.

        They are copied only to rows that the same batch inserts, since in a blank row a person may be typing.
        Blank rows at the grid's end are filled by appendCells first, as far as that fits.
        """
        blank = max(0, info.rows - plan.last_row - 1)
        appended = _append_request(plan.inserts[:blank], where, BODY_BYTES // 2)
        start, at = (blank, info.rows) if appended is not None else (0, plan.last_row + 1)
        staged = plan.inserts[start:]
        width = len(plan.shape.columns)
        self._make_room(len(staged) * (width + max(info.columns, width)))
        sheet_id = self._batches.new_sheet_id()
        title = STAGING_PREFIX + str(sheet_id)
        add = make.add_tab(sheet_id, title, len(staged), width, hidden=True, frozen=0)
        self._batches.send([*self._leftovers(), add], intend=intend)
        self._fill(title, plan, staged, first_row=1, tick=tick)
        first = where.row(at)
        inherit = at > 1  # not the header's looks
        return [
            *(appended or ()),
            make.insert_dimension(info.sheet_id, "ROWS", first, len(staged), inherit=inherit or blank == 0),
            *_copies(len(staged), where, sheet_id, first),
            make.delete_tab(sheet_id),
        ]

    def _fill(self, title: str, plan: Plan, rows: Sequence[Sequence[Cell]], *, first_row: int, tick: Tick) -> None:
        """Writes the new rows into a hidden tab in bodies of 2 MB; sending one of them again does no harm."""
        last = column_letter(len(plan.shape.columns) - 1)
        total = len(rows)
        done = 0
        for part in _value_bodies(rows):
            start = first_row + done
            target = f"{quoted(title)}!A{start}:{last}{start + len(part) - 1}"
            envelope = make.encode({"range": target, "majorDimension": "ROWS"})
            body = envelope[:-1] + b',"values":[' + b",".join(part) + b"]}"
            request = (
                self._client.spreadsheets()
                .values()
                .update(
                    spreadsheetId=self._client.spreadsheet_id,
                    range=target,
                    valueInputOption="RAW",
                    body={},
                    fields="updatedRows",
                    prettyPrint=False,
                )
            )
            self._client.call(request, body)
            done += len(part)
            tick(plan.dataset, "writing", done, total)

    def _leftovers(self) -> list[Request]:
        """Removes what an interrupted sync left hidden."""
        tabs = self._reader.tabs()
        return [make.delete_tab(t.sheet_id) for t in tabs if t.hidden and t.title.startswith(STAGING_PREFIX)]

    def _make_room(self, cells: int) -> None:
        """Refuses what would exceed the spreadsheet's limit, before anything is written."""
        if cells < ASK_BEFORE_GROWING:
            return
        present = sum(
            tab.rows * tab.columns for tab in self._reader.tabs() if not tab.title.startswith(STAGING_PREFIX)
        )
        if present + cells > self._max_cells:
            raise CellLimitError(
                f"the spreadsheet has {present:,} cells and would need {cells:,} more, over the limit of "
                f"{self._max_cells:,}; nothing was written",
                hint="Delete blank rows, columns or tabs, or give the dataset a spreadsheet of its own.",
            )


# --- pieces -----------------------------------------------------------------------------------------------


def _roomy(rows: int, columns: int) -> tuple[int, int]:
    """The grid of a new tab: a usual one while that is small, else just what is needed (at least one row
    below the header, since Google freezes no tab whole)."""
    usual = max(rows, USUAL_ROWS), max(columns, USUAL_COLUMNS)
    return usual if math.prod(usual) <= SPARE_CELLS else (max(2, rows), columns)


def _rows_request(sheet_id: int, rows: Sequence[Sequence[Cell]]) -> list[Request] | None:
    """All rows of a new tab in one request, or None where that is too large."""
    encoded: list[bytes] = []
    size = 0
    for row in rows:
        encoded.append(make.encode({"values": [make.typed(cell) for cell in row]}))
        size += len(encoded[-1]) + 1
        if size > BODY_BYTES:
            return None
    if not encoded:
        return []
    start = make.encode({"start": {"sheetId": sheet_id, "rowIndex": 1, "columnIndex": 0}, "fields": make.VALUE})
    return [b'{"updateCells":' + start[:-1] + b',"rows":[' + b",".join(encoded) + b"]}}"]


def _append_request(rows: Sequence[Sequence[Cell]], where: Frame, limit: int) -> list[Request] | None:
    """New rows as one appendCells, or None where that is larger than `limit` bytes."""
    encoded: list[bytes] = []
    size = 0
    for row in rows:
        cells = make.whole_row(row, where.positions)
        encoded.append(make.encode({"values": [make.typed(cell) for cell in cells]}))
        size += len(encoded[-1]) + 1
        if size > limit:
            return None
    if not encoded:
        return []
    start = make.encode({"sheetId": where.sheet_id, "fields": make.VALUE})
    return [b'{"appendCells":' + start[:-1] + b',"rows":[' + b",".join(encoded) + b"]}}"]


def _rows_sent(plan: Plan, where: Frame) -> tuple[tuple[Cell, ...], ...]:
    return tuple(tuple(make.whole_row(row, where.positions)) for row in plan.inserts)


def _copies(count: int, where: Frame, staged: int, first: int) -> list[Request]:
    """Copies the staged rows to row `first` on, managed columns that stand side by side in one go."""
    requests: list[Request] = []
    start = 0
    for i in range(1, len(where.positions) + 1):
        if i < len(where.positions) and where.positions[i] == where.positions[i - 1] + 1:
            continue
        source = make.grid_range(staged, (0, count), (start, i))
        target = (where.positions[start], where.positions[i - 1] + 1)
        requests.append(make.copy_values(source, make.grid_range(where.sheet_id, (first, first + count), target)))
        start = i
    return requests


def _deletes_everything(plan: Plan, info: TabInfo) -> bool:
    return len(plan.deletes) >= info.rows - max(1, info.frozen_rows)


def _parts(
    updates: Iterable[tuple[Request, list[Placed]]],
) -> Iterable[list[tuple[Request, list[Placed]]]]:
    """Updates cut into bodies, never between two requests of one row."""
    part: list[tuple[Request, list[Placed]]] = []
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


def _bodies(requests: Iterable[Request]) -> Iterable[list[Request]]:
    part: list[Request] = []
    size = 0
    for request in requests:
        if part and size + len(request) > BODY_BYTES:
            yield part
            part, size = [], 0
        part.append(request)
        size += len(request) + 1
    if part:
        yield part


def _value_bodies(rows: Iterable[Sequence[Cell]]) -> Iterable[list[bytes]]:
    """Rows as JSON arrays, cut into bodies of at most 2 MB."""
    part: list[bytes] = []
    size = 0
    for row in rows:
        encoded = msgspec.json.encode(row)
        if part and size + len(encoded) > BODY_BYTES:
            yield part
            part, size = [], 0
        part.append(encoded)
        size += len(encoded) + 1
    if part:
        yield part
