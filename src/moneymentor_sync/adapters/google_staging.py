"""Large changes in one step: rows are put into a hidden tab first, then copied over by a single fenced batch.

The hidden tab is filled through values.update, a fifth of the bytes of typed cells; that cannot carry the fence
and need not: the tab is this sync's own, sending a body twice changes nothing, and nobody looks at it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass

import msgspec

from moneymentor_sync.core.cells import Cell, Formula
from moneymentor_sync.core.errors import CellLimitError
from moneymentor_sync.core.fence import STAGING_PREFIX
from moneymentor_sync.core.layout import column_letter
from moneymentor_sync.core.plan import Plan
from moneymentor_sync.core.ports import Placed, TabInfo, TabView, Tick

from . import google_requests as make
from .ahead import one_ahead
from .google_batch import MAX_BODY_BYTES, Batcher, bodies
from .google_client import GoogleClient
from .google_reader import Reader, decode_answer, quoted
from .google_requests import Frame, Request

ENVELOPE_BYTES = 8_000
"""Kept free in each body for the fence, the header and the ranges to be given back."""
BODY_BYTES = MAX_BODY_BYTES - ENVELOPE_BYTES
ASK_BEFORE_GROWING = 10_000
"""From so many new cells on the spreadsheet's size is looked up first; below, Google's own refusal, which is
as atomic as the batch, will do."""


class Capacity:
    """The spreadsheet's limit of cells, looked at before anything is written."""

    def __init__(self, reader: Reader, max_cells: int) -> None:
        self._reader = reader
        self._max_cells = max_cells

    def free(self) -> int:
        """Cells that may still be added; an interrupted sync's hidden tabs, about to be removed, do not count."""
        tabs = [tab for tab in self._reader.tabs() if not tab.title.startswith(STAGING_PREFIX)]
        return self._max_cells - sum(tab.rows * tab.columns for tab in tabs)

    def make_room(self, cells: int) -> None:
        """Raises CellLimitError where so many more cells would be too many."""
        if cells < ASK_BEFORE_GROWING or cells <= (free := self.free()):
            return
        raise CellLimitError(
            f"the spreadsheet would need {cells:,} more cells and has room for {max(0, free):,} of "
            f"{self._max_cells:,}; nothing was written",
            hint="Delete blank rows, columns or tabs, or give the dataset a spreadsheet of its own.",
        )


@dataclass(frozen=True, slots=True)
class Staged:
    """What moves staged rows over: the requests, and which existing cells they set (made only if wanted)."""

    requests: list[Request]
    cells: Callable[[], tuple[Placed, ...]] = tuple


@dataclass(frozen=True, slots=True)
class _ValuesBody:
    """A body of values.update, how many rows it has, and the A1 range they go to."""

    target: str
    rows: int
    body: bytes


def values_bodies(title: str, rows: Iterable[Sequence[Cell]], width: int, first_row: int) -> Iterator[_ValuesBody]:
    last, start = column_letter(width - 1), first_row
    for part in bodies(map(msgspec.json.encode, rows), BODY_BYTES):
        target = f"{quoted(title)}!A{start}:{last}{start + len(part) - 1}"
        envelope = make.encode({"range": target, "majorDimension": "ROWS"})
        yield _ValuesBody(target, len(part), envelope[:-1] + b',"values":[' + b",".join(part) + b"]}")
        start += len(part)


class Staging:
    """Hidden tabs of one spreadsheet, each with a random id and a title that tells it is ours."""

    def __init__(self, client: GoogleClient, reader: Reader, batches: Batcher, capacity: Capacity) -> None:
        self._client = client
        self._reader = reader
        self._batches = batches
        self._capacity = capacity

    def leftovers(self) -> list[Request]:
        """Removes what an interrupted sync left hidden."""
        tabs = self._reader.tabs()
        return [make.delete_tab(t.sheet_id) for t in tabs if t.hidden and t.title.startswith(STAGING_PREFIX)]

    def inserts(self, plan: Plan, info: TabInfo, where: Frame, intend: Callable[[str], None], tick: Tick) -> Staged:
        """Stages the new rows.

        They are copied only to rows that the same batch inserts, since in a blank row a person may be typing.
        Blank rows at the grid's end are filled by appendCells first, as far as that fits.
        """
        blank = max(0, info.rows - plan.last_row - 1)
        appended = append_request(plan.inserts[:blank], where, BODY_BYTES // 2)
        start, at = (blank, info.rows) if appended is not None else (0, plan.last_row + 1)
        rows = plan.inserts[start:]
        width = len(plan.shape.columns)
        self._capacity.make_room(len(rows) * (width + max(info.columns, width)))
        staged = self._open(rows, width, plan.dataset, intend, tick)
        first = where.row(at)
        inherit = at > 1 or blank == 0  # not the header's looks, if there are others to take
        return Staged(
            [
                *(appended or ()),
                make.insert_dimension(info.sheet_id, "ROWS", first, len(rows), inherit=inherit),
                *_copies(staged, where.sheet_id, where.positions, first, len(rows)),
                make.delete_tab(staged),
            ]
        )

    def updates(
        self, plan: Plan, tab: TabView, where: Frame, intend: Callable[[str], None], tick: Tick
    ) -> Staged | None:
        """Stages the changed columns over the whole span of changed rows, the unchanged cells between as they
        are; None where the spreadsheet has no room for that. Key cells that need repair are written singly, but
        for those of a column that is only made now: nothing in it can be another row's."""
        key = {i for i in plan.shape.key if plan.layout.positions[i] is not None}
        changed = {i for update in plan.updates for i in update.changed() if i not in key}
        columns = sorted(changed, key=lambda i: where.positions[i])
        first, last = plan.updates[0].row, plan.updates[-1].row
        cells = (last - first + 1) * len(columns)
        if cells > self._capacity.free() - ASK_BEFORE_GROWING:
            return None
        singles = [
            make.update_cells(where.sheet_id, where.row(update.row), where.positions[i], [update.new[i]])
            for update in plan.updates
            if update.repairs_key
            for i in key.intersection(update.changed())
        ]
        if not columns:
            return Staged(singles)
        rows = _span(plan, tab, columns, first, last)
        staged = self._open(rows, len(columns), plan.dataset, intend, tick)
        positions = [where.positions[i] for i in columns]
        copies = _copies(staged, where.sheet_id, positions, where.row(first), len(rows))

        def placed() -> tuple[Placed, ...]:
            start = where.row(first)
            return tuple(
                (start + n, p, c) for n, row in enumerate(rows) for p, c in zip(positions, row, strict=True)
            )

        return Staged([*singles, *copies, make.delete_tab(staged)], placed)

    def _open(
        self, rows: Sequence[Sequence[Cell]], width: int, dataset: str, intend: Callable[[str], None], tick: Tick
    ) -> int:
        sheet_id = self._batches.new_sheet_id()
        title = STAGING_PREFIX + str(sheet_id)
        add = make.add_tab(sheet_id, title, len(rows), width, hidden=True, frozen=0)
        self._batches.send([*self.leftovers(), add], intend=intend)
        self._reader.forget_leftovers()
        self.fill(title, rows, width, dataset, first_row=1, tick=tick)
        return sheet_id

    def fill(
        self, title: str, rows: Sequence[Sequence[Cell]], width: int, dataset: str, *, first_row: int, tick: Tick
    ) -> None:
        """Writes rows into a hidden tab in bodies of 2 MB; sending one of them again does no harm.

        The next body is made while Google works on this one. All are sent from the caller's thread, one after
        the other, so that none follows one that failed.
        """
        done = 0
        with closing(one_ahead(values_bodies(title, rows, width, first_row))) as parts:
            for part in parts:
                request = self._client.values.update(
                    spreadsheetId=self._client.spreadsheet_id,
                    range=part.target,
                    valueInputOption="RAW",
                    body={},
                    fields="updatedRows",
                    prettyPrint=False,
                )
                answer = self._client.call(request, part.body)
                decode_answer(answer)  # a proxy's page is no word that the rows are there
                done += part.rows
                tick(dataset, "writing", done, len(rows))


def append_request(rows: Sequence[Sequence[Cell]], where: Frame, limit: int) -> list[Request] | None:
    """New rows as one appendCells, or None where that is larger than `limit` bytes."""
    whole = (make.whole_row(row, where.positions) for row in rows)
    encoded = encoded_rows(whole, limit)
    if not encoded:
        return None if encoded is None else []
    start = make.encode({"sheetId": where.sheet_id, "fields": make.VALUE})
    return [b'{"appendCells":' + start[:-1] + b',"rows":[' + b",".join(encoded) + b"]}}"]


def encoded_rows(rows: Iterable[Sequence[Cell]], limit: int) -> list[bytes] | None:
    """Rows as Google's RowData, each JSON; None as soon as they are larger than `limit` bytes."""
    encoded: list[bytes] = []
    size = 0
    for row in rows:
        encoded.append(make.encode({"values": [make.typed(cell) for cell in row]}))
        size += len(encoded[-1]) + 1
        if size > limit:
            return None
    return encoded


def _span(plan: Plan, tab: TabView, columns: Sequence[int], first: int, last: int) -> list[list[Cell]]:
    """The cells of some managed columns from row to row: new where they change, else as they stand."""
    new = {update.row: update.new for update in plan.updates}
    places = [plan.layout.positions[i] for i in columns]
    rows: list[list[Cell]] = [[None] * len(columns) for _ in range(last - first + 1)]
    for index, whole in tab.rows():
        if not first <= index <= last:
            continue
        if index in new:
            rows[index - first] = [new[index][i] for i in columns]
        else:
            rows[index - first] = [
                _standing(whole[p]) if p is not None and p < len(whole) else None for p in places
            ]
    return rows


def _standing(cell: Cell | Formula) -> Cell:
    # A row that does not change equals the database's, so it has no formula; a row of a person's is blank here.
    return None if isinstance(cell, Formula) else cell


def _copies(staged: int, sheet_id: int, positions: Sequence[int], first: int, count: int) -> list[Request]:
    """Copies staged rows to row `first` on, columns that stand side by side in one go."""
    requests: list[Request] = []
    start = 0
    for i in range(1, len(positions) + 1):
        if i < len(positions) and positions[i] == positions[i - 1] + 1:
            continue
        source = make.grid_range(staged, (0, count), (start, i))
        target = make.grid_range(sheet_id, (first, first + count), (positions[start], positions[i - 1] + 1))
        requests.append(make.copy_values(source, target))
        start = i
    return requests
