"""Looks on at every change of the spreadsheet: what mmsync does is judged at once, before anybody else can act."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Protocol

from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.document import Document
from moneymentor_sync.sandbox.grid import Sheet
from moneymentor_sync.sandbox.messages import Request

from .checks import judge
from .figures import Figures
from .ledger import Ledger
from .tables import TABLES, Table
from .view import View, key_in, tab_of

REPAIRS = 3
"""Writes after one that was overtaken that may be part of its repair, and so find a tab that is not right."""


class Rows(Protocol):
    """What is known of the database's rows."""

    def was_away(self, dataset: str, key: str) -> bool:
        """Whether the row is not there, or was not a moment ago."""

    def may_count(self, dataset: str, rows: int) -> bool:
        """Whether the table had so many rows within the last minutes."""


class Watch:
    """Hears of each request's arrival and of each change.

    A write was overtaken where a person changed the tab after the look that the write is from: the last whole
    look (a read of the grid) that had arrived when the write did, since a client that gave up on a write may have
    looked again before it is applied.
    """

    def __init__(self, box: Sandbox, database: Rows, ledger: Ledger, figures: Figures) -> None:
        self._box, self._database, self._ledger, self._figures = box, database, ledger, figures
        self._lock = threading.Lock()
        self._moment = 0
        self._looked = 0
        self._looks: dict[int, int] = {}
        self._edited: dict[str, int] = {}
        self._in_repair: dict[str, int] = {}
        self.tabs: dict[str, int] = {}
        """The tabs' ids by dataset, as far as they are there."""

    def arrived(self, request: Request) -> None:
        with self._lock:
            if request.method == "GET" and "userEnteredValue" in (request.parameter("fields") or ""):
                self._looked = self._moment
            elif request.method == "PUT":
                self._figures.count("requests of staged writes", "values")
            if request.method != "GET":
                self._looks[id(request)] = self._looked

    def changed(self, request: Request, caller: str, before: Mapping[str, Document]) -> None:
        document = self._box.document()
        old = before.get(document.document_id)
        if old is None or document is old:
            return
        with self._lock:
            self._moment += 1
            looked = self._looks.pop(id(request), self._looked)
        ours = caller == self._box.client_email
        for table in TABLES:
            was, now = (tab_of(one, table, self.tabs.get(table.dataset)) for one in (old, document))
            if ours:
                self._look_for_a_second_tab(table, old, document)
                self._judge(table, was, now, looked, deletes=b"deleteDimension" in request.body)
            elif _differ(was, now):
                self._edited[table.dataset] = self._moment
            self._remember(table, now)
        if ours:
            self._figures.count("states checked", "after a write of mmsync")

    def _look_for_a_second_tab(self, table: Table, old: Document, document: Document) -> None:
        """A tab is followed by its id from the moment on that it is there, whatever it is called."""
        made = document.titled(table.tab)
        known = self.tabs.get(table.dataset)
        if made is None or made.hidden or known in (None, made.sheet_id) or old.titled(table.tab) is not None:
            return
        if any(sheet.sheet_id == known for sheet in document.sheets):
            self._figures.differs(f"{table.tab} was made again though it is there under another title")

    def _remember(self, table: Table, now: Sheet | None) -> None:
        if now is None:
            self.tabs.pop(table.dataset, None)
        else:
            self.tabs[table.dataset] = now.sheet_id

    def _judge(self, table: Table, was: Sheet | None, now: Sheet | None, looked: int, *, deletes: bool) -> None:
        if not _differ(was, now):
            return
        step = judge(was, now, table)
        wrong = sorted(key for key in step.removed if not self._database.was_away(table.dataset, key))
        if step.removed or step.lost:
            self._figures.say("watch", f"{table.tab}: removed {sorted(step.removed)[:50]}, lost {step.lost[:50]}")
        if self._edited.get(table.dataset, 0) > looked:
            self._overtaken(table, wrong, step.lost, deletes=deletes)
            return
        troubles = list(step.troubles)
        if was is None and now is not None and not self._database.may_count(table.dataset, _rows(now, table)):
            troubles.append(f"a new tab shows {_rows(now, table)} rows, which the table never had")
        troubles += [f"the row of {key!r} is gone" for key in wrong]
        gone = [text for text in step.lost if key_in(text) and self._database.was_away(table.dataset, key_in(text))]
        self._ledger.took(table.dataset, gone)
        if self._in_repair.get(table.dataset, 0) > 0:
            self._in_repair[table.dataset] -= 1
            return
        troubles += [f"{text!r} is lost" for text in step.lost if text not in gone]
        for one in troubles:
            self._figures.differs(f"visible for a time in {table.tab}: {one}")

    def _overtaken(self, table: Table, wrong: list[str], lost: tuple[str, ...], *, deletes: bool) -> None:
        """A person changed the tab between the look and this write: what it hit is given back by the next ones; a
        row that it deleted is written again, but what stood beside that is gone: the one exception of the contract.
        """
        self._in_repair[table.dataset] = REPAIRS
        self._figures.count("writes overtaken by a person", table.dataset)
        if deletes and (wrong or lost):
            self._ledger.took(table.dataset, lost)
            self._figures.count("deletions overtaken by a person", "writes")
            self._figures.count("notes lost to deletions that were overtaken", table.dataset, len(lost))
            self._figures.say("watch", f"{table.tab}: a deletion that was overtaken took {wrong}, with {lost}")


def _differ(was: Sheet | None, now: Sheet | None) -> bool:
    if was is None or now is None:
        return was is not now
    return was.rows is not now.rows or was.title != now.title or was.column_count != now.column_count


def _rows(sheet: Sheet, table: Table) -> int:
    view = View.of(sheet, table)
    return sum(view.is_ours(row) for _, row in view.rows()) if view.clear else 0
