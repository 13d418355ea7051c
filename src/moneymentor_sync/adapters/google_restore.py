"""Puts saved tabs back so that nobody ever sees a half of one: staged where they are large, then one fenced batch.

What fills a staging tab is not fenced and need not be: nobody sees it, and sending a part twice changes nothing.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from moneymentor_sync.core.backups import Entered, Plain, SavedRow, SavedTab
from moneymentor_sync.core.errors import CellLimitError
from moneymentor_sync.core.fence import STAGING_PREFIX
from moneymentor_sync.core.ports import TabInfo, Tick
from moneymentor_sync.core.restoring import TabRestore

from . import google_requests as make
from . import restore_requests as put
from .google_backup import Structure
from .google_batch import Batcher, bodies
from .google_client import GoogleClient
from .google_reader import decode_answer
from .google_requests import Request
from .google_staging import BODY_BYTES, values_bodies

DIRECT_CELLS = 20_000
"""Tabs of up to so many cells go into the one batch as they are, if they fit."""
DIRECT_BYTES = BODY_BYTES // 4

Rows = Callable[[SavedTab, list[dict[str, Any]]], Iterable[SavedRow]]
"""A saved tab's rows; the list fills with their styles."""


@dataclass(frozen=True, slots=True)
class Over:
    """What a restore goes over: the spreadsheet as it is, and of each tab that is there what was read of it."""

    structure: Structure
    tabs: Mapping[int, SavedTab]


class Restorer:
    """Writes to one spreadsheet through a client. `attempt` sends what may be sent twice as often as it takes."""

    def __init__(
        self,
        client: GoogleClient,
        rng: random.Random,
        attempt: Callable[[Callable[[], bytes]], bytes],
        *,
        max_cells: int,
        rows: Rows,
        tick: Tick,
    ) -> None:
        self._client = client
        self._batches = Batcher(client, rng)
        self._attempt = attempt
        self._max_cells = max_cells
        self._rows = rows
        self._tick = tick

    @property
    def token(self) -> str:
        """The fence after the last batch that was answered."""
        return self._batches.token

    def run(
        self,
        tabs: Sequence[TabRestore],
        over: Over,
        *,
        intend: Callable[[str], None],
        last: Callable[[str], None],
    ) -> None:
        """Restores the tabs. `last(token)` is called before the batch with which all is done, with the fence that
        it puts up.

        Raises CellLimitError before anything is written, and what a batch raises.
        """
        self._batches.seen(over.structure.fence)
        leftovers = [tab for tab in over.structure.all_tabs if tab.hidden and tab.title.startswith(STAGING_PREFIX)]
        first = [make.delete_tab(tab.sheet_id) for tab in leftovers]
        direct = {one.sheet_id: self._direct(one) for one in tabs}
        self._check_room(tabs, over, leftovers, direct)
        requests: list[list[Request]] = []
        for one in tabs:
            given = direct[one.sheet_id]
            if given is None:
                requests.append(self._staged(one, over, first, intend))
                first = []
            else:
                requests.append(self._whole(one, over, given))
        batches = list(_batches_of(first, requests))
        for number, batch in enumerate(batches, 1):
            if number == len(batches):
                last(self._batches.following)
            self._batches.send(batch, intend=intend)

    def _check_room(
        self,
        tabs: Sequence[TabRestore],
        over: Over,
        leftovers: Sequence[TabInfo],
        direct: Mapping[int, list[Request] | None],
    ) -> None:
        """Raises CellLimitError where the tabs, and what is staged meanwhile, would be more than Google allows."""
        there = {tab.sheet_id: tab.rows * tab.columns for tab in over.structure.all_tabs if tab not in leftovers}
        now, staged = sum(there.values()), 0
        for one in tabs:
            size = one.saved.size[0] * one.saved.size[1]
            staged += size if direct[one.sheet_id] is None and one.action != "made" else 0
            there[one.sheet_id] = size
        needed = max(now + staged, sum(there.values()))
        if needed > self._max_cells:
            raise CellLimitError(
                f"the spreadsheet would need {needed:,} cells for a moment and may have {self._max_cells:,}; "
                "nothing was written",
                hint="Restore one tab at a time with `--tab`, or delete blank rows, columns or tabs.",
            )

    # --- one tab --------------------------------------------------------------------------------------------

    def _direct(self, one: TabRestore) -> list[Request] | None:
        """Its content, where that is small; None where it has to be staged."""
        if one.saved.cells > DIRECT_CELLS:
            return None
        styles: list[dict[str, Any]] = []
        found: list[Request] = []
        size = 0
        for request in put.content(self._rows(one.saved, styles), styles, one.sheet_id, values=True):
            found.append(request)
            size += len(request) + 1
            if size > DIRECT_BYTES:
                return None
        return found

    def _whole(self, one: TabRestore, over: Over, given: Sequence[Request]) -> list[Request]:
        if one.action == "made":
            return [_add_tab(one, one.title, over), *given, *self._around(one, over)]
        now = self._now(one, over)
        return [
            *put.take_off(now, one.sheet_id),
            *put.resize(one.saved, one.sheet_id),
            *put.clear(one.sheet_id),
            *given,
            *self._around(one, over),
        ]

    def _staged(
        self, one: TabRestore, over: Over, first: Sequence[Request], intend: Callable[[str], None]
    ) -> list[Request]:
        """Fills a hidden tab; gives the requests that show what is in it."""
        made = one.action == "made"
        sheet_id = one.sheet_id if made else self._batches.new_sheet_id()
        title = f"{STAGING_PREFIX}{sheet_id}"
        rows, columns = one.saved.size
        self._batches.send(
            [*first, make.add_tab(sheet_id, title, rows, columns, hidden=True, frozen=0)], intend=intend
        )
        self._fill(one, sheet_id, title)
        if made:
            return [_reveal(one), *self._around(one, over)]
        return [
            *put.take_off(self._now(one, over), one.sheet_id),
            *put.resize(one.saved, one.sheet_id),
            *put.clear(one.sheet_id),
            put.copy_over(sheet_id, one.sheet_id, one.saved.size),
            make.delete_tab(sheet_id),
            *self._around(one, over),
        ]

    def _around(self, one: TabRestore, over: Over) -> list[Request]:
        pivots = put.pivots(self._rows(one.saved, []), one.sheet_id)
        return [*pivots, *put.put_on(one.saved, one.sheet_id, over.tabs.get(one.sheet_id))]

    @staticmethod
    def _now(one: TabRestore, over: Over) -> Mapping[str, Any]:
        tabs = over.structure.tabs
        return next(tab for tab in tabs if tab["properties"].get("sheetId", 0) == one.sheet_id)

    def _fill(self, one: TabRestore, sheet_id: int, title: str) -> None:
        """Values first, the short way; then formulas, formats and notes."""
        saved, done = one.saved, 0
        width = saved.size[1]
        styles: list[dict[str, Any]] = []
        for body in values_bodies(title, _value_rows(self._rows(saved, styles)), width, 1):
            request = self._client.values.update(
                spreadsheetId=self._client.spreadsheet_id,
                range=body.target,
                valueInputOption="RAW",
                body={},
                fields="updatedRows",
                prettyPrint=False,
            )
            self._send(request, body.body)
            done += body.rows
            self._tick(one.title, "writing", min(done, saved.filled), saved.filled)
        styles = []
        requests = put.content(self._rows(saved, styles), styles, sheet_id, values=False)
        for part in bodies(requests, BODY_BYTES):
            request = self._client.spreadsheets.batchUpdate(
                spreadsheetId=self._client.spreadsheet_id, body={}, fields="spreadsheetId", prettyPrint=False
            )
            self._send(request, b'{"requests":[' + b",".join(part) + b"]}")

    def _send(self, request: Any, body: bytes) -> None:
        def send() -> bytes:
            answer = self._client.call(request, body)
            decode_answer(answer)  # a proxy's page is no word that it is there
            return answer

        self._attempt(send)


def _value_rows(rows: Iterable[SavedRow]) -> Iterator[list[Plain]]:
    """From the first row on, without a gap; null leaves a cell as it is, which is blank."""
    following = 0
    for row in rows:
        for _ in range(row.index - following):
            yield []
        following = row.index + 1
        yield [None if isinstance(cell, Entered) else cell for cell in row.cells]


def _properties(one: TabRestore, title: str, *, hidden: bool) -> dict[str, Any]:
    given = one.saved.about["properties"]
    found: dict[str, Any] = {"sheetId": one.sheet_id, "title": title, "hidden": hidden}
    return found | {name: given[name] for name in ("tabColorStyle", "rightToLeft") if name in given}


def _add_tab(one: TabRestore, title: str, over: Over) -> Request:
    given = one.saved.about["properties"]
    rows, columns = one.saved.size
    found = _properties(one, title, hidden=bool(given.get("hidden")))
    found["gridProperties"] = {"rowCount": rows, "columnCount": columns}
    found["index"] = min(int(given.get("index", 0)), len(over.structure.all_tabs))
    return make.encode({"addSheet": {"properties": found}})


def _reveal(one: TabRestore) -> Request:
    found = _properties(one, one.title, hidden=bool(one.saved.about["properties"].get("hidden")))
    fields = ",".join(name for name in found if name != "sheetId")
    return make.encode({"updateSheetProperties": {"properties": found, "fields": fields}})


def _batches_of(first: Sequence[Request], tabs: Sequence[list[Request]]) -> Iterator[list[Request]]:
    """One batch for all tabs if they fit; else no tab is cut in two."""
    batch, size = list(first), sum(map(len, first))
    for requests in tabs:
        more = sum(len(request) + 1 for request in requests)
        if batch and size + more > BODY_BYTES:
            yield batch
            batch, size = [], 0
        batch += requests
        size += more
    if batch:
        yield batch
