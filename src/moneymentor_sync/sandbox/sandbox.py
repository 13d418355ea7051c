"""The sandbox as a thing to start and stop: files, key, server, and what tests and demos ask of it."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

import msgspec

from .accounts import OWNER, PROJECT, Accounts
from .batch.context import MAX_CELLS
from .cells import Value
from .control import Control
from .document import Document
from .faults import Faults
from .grid import Json, Sheet
from .hooks import Hooks
from .http import Server, serve_in_thread
from .journal import Journal
from .library import Library, permission_id
from .log import Log
from .messages import Request, Response
from .person import Person
from .quota import Meter, Quota
from .service import TOKEN_PATH, Service

ACCOUNT = "mmsync"
TITLE = "MoneyMentor"
GOOGLES = Quota()
"""The limits that Google sets without being asked."""


class Sandbox:
    """A local stand-in of Google's Sheets, Drive and token endpoints.

    `directory` keeps its spreadsheets and keys. `port` 0 takes a free one. `clock` gives seconds since 1970,
    `pause` waits (for delays on request). `quota=None` turns the quota off.
    """

    def __init__(
        self,
        directory: Path,
        port: int = 0,
        *,
        clock: Callable[[], float] = time.time,
        quota: Quota | None = GOOGLES,
        max_cells: int = MAX_CELLS,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._directory, self._port = Path(directory), port
        self._clock, self._pause = clock, pause
        self._quota, self._max_cells = quota, max_cells
        self._server: Server | None = None
        self._url = ""
        self._credentials = self._directory / f"{ACCOUNT}.json"
        self._first = ""

    # --- life --------------------------------------------------------------------------------------------

    def start(self) -> Sandbox:
        """Reads the directory and begins to answer. Raises DirectoryInUseError, OSError (port taken)."""
        self._journal = Journal(self._directory)
        try:
            self._load()
            self._server = Server(self._port, self._control.handle)
        except BaseException:
            self._journal.close()
            raise
        self._url = self._server.url
        self._credentials = self.accounts.file(ACCOUNT, self._url + TOKEN_PATH)
        self._first = self._first_spreadsheet()
        self._thread = serve_in_thread(self._server)
        return self

    def _load(self) -> None:
        self.library = Library()
        self.accounts = Accounts(self._directory, self._clock)
        self._service = Service(
            self.library,
            self.accounts,
            Meter(self._quota, self._clock),
            clock=self._clock,
            pause=self._pause,
            max_cells=self._max_cells,
            journal=self._journal,
        )
        self._control = Control(self._service, self.person)
        for change in self._journal.load(self.library):
            self._service.replay(change)

    def _first_spreadsheet(self) -> str:
        """The spreadsheet that everything starts with; made by a person and shared with the account."""
        mine = [item for item in self.library.documents.values() if item.owner == OWNER]
        if mine:
            return min(mine, key=lambda item: item.created).document_id
        return self.new_spreadsheet(TITLE)

    def stop(self) -> None:
        """Ends the server and writes everything down. Harmless when it is not running."""
        if self._server is None:
            return
        self._server.stop()
        self._thread.join()
        self._server = None
        with self.library.lock:
            self._journal.compact(self.library)
            self._journal.close()

    def unplug(self) -> None:
        """From now on connections are refused, as those to a host that is down; those that are open end."""
        if self._server is not None:
            self._server.unplug()

    def plug_in(self) -> None:
        """Answers again at the same address, after `unplug` or a fault of the kind `refuse`."""
        if self._server is not None:
            self._server.plug_in()

    def __enter__(self) -> Sandbox:
        return self.start() if self._server is None else self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # --- where -------------------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """`http://127.0.0.1:PORT`: the root that replaces Google's."""
        return self._url

    @property
    def credentials_file(self) -> Path:
        """The service account's key file; its token endpoint is this sandbox."""
        return self._credentials

    @property
    def spreadsheet_id(self) -> str:
        """A spreadsheet that is shared with the service account."""
        return self._first

    @property
    def client_email(self) -> str:
        """The service account's address."""
        return self.email(ACCOUNT)

    def email(self, name: str) -> str:
        """The address of an account that `account` gives the key of, to share spreadsheets with."""
        return f"{name}@{PROJECT}.iam.gserviceaccount.com"

    def account(self, name: str) -> Path:
        """The key file of another service account, made when it is missing. Nothing is shared with it."""
        return self.accounts.file(name, self._url + TOKEN_PATH)

    # --- what goes wrong, what happened ------------------------------------------------------------------

    @property
    def faults(self) -> Faults:
        return self._service.faults

    @property
    def log(self) -> Log:
        return self._service.log

    @property
    def hooks(self) -> Hooks:
        return self._service.hooks

    @property
    def quota(self) -> Quota | None:
        """The quota in force; assign to change it, None turns it off."""
        return self._service.meter.quota

    @quota.setter
    def quota(self, quota: Quota | None) -> None:
        self._service.meter.quota = quota

    # --- spreadsheets ------------------------------------------------------------------------------------

    def new_spreadsheet(self, title: str, *, share_with: tuple[str, ...] | None = None) -> str:
        """Makes a spreadsheet owned by a person and shared with the service account (or those named)."""
        shares = (self.client_email,) if share_with is None else share_with
        made = self._as_owner("POST", "/drive/v3/files", {"name": title})
        document_id = str(made["id"])
        for email in shares:
            self.share(document_id, email)
        return document_id

    def share(self, spreadsheet_id: str, email: str, role: str = "writer") -> None:
        """Shares a spreadsheet, as its owner would in the browser."""
        body = {"role": role, "type": "user", "emailAddress": email}
        self._as_owner("POST", f"/drive/v3/files/{spreadsheet_id}/permissions", body)

    def unshare(self, spreadsheet_id: str, email: str) -> None:
        """Takes somebody's permission away, as the owner would in the browser."""
        self._as_owner("DELETE", f"/drive/v3/files/{spreadsheet_id}/permissions/{permission_id(email)}")

    def delete(self, spreadsheet_id: str) -> None:
        """Deletes a spreadsheet for good, as its owner would."""
        self._as_owner("DELETE", f"/drive/v3/files/{spreadsheet_id}")

    def _as_owner(self, method: str, target: str, body: Json | None = None) -> Json:
        request = Request.of(method, target, {}, msgspec.json.encode(body) if body is not None else b"")
        response: Response = self._service.perform(request, OWNER)
        found: Json = msgspec.json.decode(response.body) if response.body else {}
        return found

    def person(self, spreadsheet_id: str | None = None) -> Person:
        """The hand of a person who owns the spreadsheet and edits it in the browser."""
        return Person(self._service, spreadsheet_id or self._first)

    # --- looking in --------------------------------------------------------------------------------------

    def document(self, spreadsheet_id: str | None = None) -> Document:
        """The spreadsheet as it is now; it never changes."""
        return self.library.documents[spreadsheet_id or self._first]

    def _sheet(self, spreadsheet_id: str, title: str) -> Sheet:
        sheet = self.document(spreadsheet_id).titled(title)
        if sheet is None:
            raise KeyError(f"no tab {title!r}")
        return sheet

    def tabs(self, spreadsheet_id: str) -> list[str]:
        """The tabs' titles in order."""
        return [sheet.title for sheet in self.document(spreadsheet_id).sheets]

    def grid(self, spreadsheet_id: str, title: str) -> list[list[Value]]:
        """The tab's values as Python's: str, int, float, bool, Formula; None for blank; blank ends are cut."""
        sheet = self._sheet(spreadsheet_id, title)
        return [list(row.cells) if row is not None else [] for row in sheet.rows[: sheet.last_filled_row() + 1]]

    def notes(self, spreadsheet_id: str, title: str) -> dict[tuple[int, int], str]:
        """The notes by row and column, counted from 0."""
        sheet = self._sheet(spreadsheet_id, title)
        return {
            (index, column): text
            for index, row in sheet.filled_rows(sheet.box)
            for column, text in (row.notes or {}).items()
        }

    def formats(self, spreadsheet_id: str, title: str) -> dict[tuple[int, int], Json]:
        """The formats as entered, by row and column, counted from 0."""
        sheet = self._sheet(spreadsheet_id, title)
        return {
            (index, column): style.format
            for index, row in sheet.filled_rows(sheet.box)
            for column, style in enumerate(row.styles)
            if style is not None and style.format is not None
        }
