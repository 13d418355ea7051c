"""What a sandbox saw of a fleet's members, each by its own account; and traps that one of them falls into."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.document import Document
from moneymentor_sync.sandbox.messages import Request

from .fleet import PATIENCE, Member, email_of

Place = Literal["before_read", "after_read", "before_write"]
"""Where a trap is: a request to read has come, is answered but for the sending, a request to write has come."""


@dataclass(frozen=True, slots=True)
class Batch:
    """A change to a spreadsheet that Google took; `time` is UNIX seconds."""

    time: float
    member: str
    spreadsheet_id: str


class Batches:
    """Every batch that was applied, in order, from when it was made on."""

    def __init__(self, box: Sandbox) -> None:
        self.all: list[Batch] = []
        box.hooks.on_change(self._changed)

    def _changed(self, request: Request, caller: str, _before: Mapping[str, Document]) -> None:
        self.all.append(Batch(time.time(), caller.partition("@")[0], spreadsheet_of(request)))

    def of(self, member: Member | None = None, sheet: str | None = None, *, since: float = 0.0) -> list[Batch]:
        return [
            one
            for one in self.all
            if (member is None or one.member == member.name)
            and (sheet is None or one.spreadsheet_id == sheet)
            and one.time >= since
        ]

    def turns(self, sheet: str) -> list[str]:
        """Who wrote to a spreadsheet, each once for all that one wrote before somebody else did."""
        return [name for name, _ in groupby(one.member for one in self.of(sheet=sheet))]


class Trap:
    """`spring` is called once, in the first request of a member that comes to a place, for one of its spreadsheets
    or any; with `hold` the request then waits until it is let go."""

    def __init__(
        self,
        box: Sandbox,
        place: Place,
        member: Member,
        spring: Callable[[], object],
        *,
        sheet: str = "",
        nth: int = 1,
        hold: bool = False,
    ) -> None:
        self._box, self._email, self._sheet = box, email_of(member.name), sheet
        self._spring, self._hold, self._left = spring, hold, nth
        self._lock = threading.Lock()
        self._free = threading.Event()
        self.sprung = False
        self.caught = ""
        """The spreadsheet of the request."""
        getattr(box.hooks, place)(self._meet)

    def _meet(self, request: Request) -> None:
        with self._lock:
            if self.sprung or not self._is_meant(request):
                return
            self._left -= 1
            if self._left:
                return
            self.caught = spreadsheet_of(request)
            self._spring()
            self.sprung = True
        if self._hold:
            self._free.wait(PATIENCE)

    def _is_meant(self, request: Request) -> bool:
        caller = self._box.accounts.caller(request.headers.get("authorization"))
        return caller == self._email and self._sheet in request.path

    def let_go(self) -> None:
        self._free.set()


def spreadsheet_of(request: Request) -> str:
    return request.path.removeprefix("/v4/spreadsheets/").partition("/")[0].partition(":")[0]
