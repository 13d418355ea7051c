"""Looks at a spreadsheet through the real client: tabs, protections, headers, who may edit. Reads only."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from moneymentor_sync.adapters.google_client import GoogleClient
from moneymentor_sync.adapters.google_errors import bad_answer
from moneymentor_sync.adapters.google_reader import GRID_FIELDS, Reader, decode_answer, decode_row, quoted
from moneymentor_sync.core.errors import (
    DestinationError,
    PermissionDeniedError,
    SpreadsheetNotFoundError,
)
from moneymentor_sync.core.ports import TabInfo, Wanted
from moneymentor_sync.core.rows import is_blank

from .facts import Protection, Sharing, Spreadsheet, TabSeen

METADATA_SCOPE = "https://www.googleapis.com/auth/drive.metadata.readonly"
"""Beside the scopes of a sync: with those alone Drive knows only files that the account made itself."""

_FIELDS = (
    "properties(title),sheets(properties(sheetId,title,hidden,gridProperties(rowCount,columnCount)),"
    "protectedRanges(range,warningOnly,requestingUserCanEdit,unprotectedRanges))"
)
_SHARING_FIELDS = "capabilities(canEdit),owners(emailAddress),permissions(emailAddress,role,type)"
_EDITING_ROLES = ("writer", "fileOrganizer", "organizer")


class _Answer(msgspec.Struct, rename="camel"):
    """A part of Google's answer; fields are named as Google does, in snake case."""


class _Range(_Answer):
    start_row_index: int = 0
    end_row_index: int | None = None
    start_column_index: int = 0
    end_column_index: int | None = None


class _ProtectedRange(_Answer):
    range: _Range = msgspec.field(default_factory=_Range)
    warning_only: bool = False
    requesting_user_can_edit: bool = False
    unprotected_ranges: list[_Range] = []


class _Grid(_Answer):
    row_count: int = 0
    column_count: int = 0


class _Properties(_Answer):
    sheet_id: int = 0
    title: str = ""
    hidden: bool = False
    grid_properties: _Grid = msgspec.field(default_factory=_Grid)


class _Sheet(_Answer):
    properties: _Properties
    protected_ranges: list[_ProtectedRange] = []


class _Title(_Answer):
    title: str = ""


class _Spreadsheet(_Answer):
    properties: _Title = msgspec.field(default_factory=_Title)
    sheets: list[_Sheet] = []


class _Capabilities(_Answer):
    can_edit: bool | None = None


class _Person(_Answer):
    email_address: str = ""
    role: str = ""


class _File(_Answer):
    capabilities: _Capabilities = msgspec.field(default_factory=_Capabilities)
    owners: list[_Person] = []
    permissions: list[_Person] | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """One spreadsheet, looked at through one client."""

    client: GoogleClient

    def spreadsheet(self) -> Spreadsheet:
        """Its tabs and protections: one read. Raises DestinationError."""
        request = self.client.spreadsheets.get(
            spreadsheetId=self.client.spreadsheet_id, fields=_FIELDS, prettyPrint=False
        )
        try:
            answer = msgspec.json.decode(self.client.call(request), type=_Spreadsheet)
        except msgspec.MsgspecError as error:
            raise bad_answer() from error
        protections = (_protection(sheet, one) for sheet in answer.sheets for one in sheet.protected_ranges)
        return Spreadsheet(answer.properties.title, tuple(map(_info, answer.sheets)), tuple(protections))

    def tabs(self, infos: Iterable[TabInfo]) -> dict[int, TabSeen]:
        """The tabs' first rows, by sheet id: one read, and one more of each whole tab whose first row is blank.

        Raises DestinationError.
        """
        wanted = {info.sheet_id: info for info in infos if info.rows}
        if not wanted:
            return {}
        request = self.client.spreadsheets.get(
            spreadsheetId=self.client.spreadsheet_id,
            fields=GRID_FIELDS,
            ranges=[f"{quoted(info.title)}!1:1" for info in wanted.values()],
            prettyPrint=False,
        )
        seen: dict[int, TabSeen] = {}
        for sheet in decode_answer(self.client.call(request)).sheets:
            info = wanted.get(sheet.properties.sheetId)
            if info is not None:
                rows = sheet.data[0].rowData if sheet.data else []
                header = tuple(decode_row(rows[0])) if rows else ()
                seen[info.sheet_id] = TabSeen(info, header, is_blank(header) and self._is_empty(info))
        return seen

    def _is_empty(self, info: TabInfo) -> bool:
        tab = Reader(self.client).read([Wanted(info.title, info.title)]).tabs.get(info.title)
        return tab is None or all(is_blank(row) for _, row in tab.rows())

    def sharing(self) -> Sharing:
        """Who may edit, as Drive tells it; a Drive that does not tell is an answer, too."""
        request = self.client.files().get(
            fileId=self.client.spreadsheet_id, fields=_SHARING_FIELDS, supportsAllDrives=True, prettyPrint=False
        )
        try:
            file = msgspec.json.decode(self.client.call(request), type=_File)
        except DestinationError as error:
            return Sharing(None, _why_not(error))
        except msgspec.MsgspecError:
            return Sharing(None, "its answer could not be read")
        owners = tuple(person.email_address for person in file.owners if person.email_address)
        reason = "" if file.capabilities.can_edit is not None else "its answer leaves that out"
        return Sharing(file.capabilities.can_edit, reason, owners, self._others(file))

    def _others(self, file: _File) -> int | None:
        if file.permissions is None:
            return None
        editors = (person for person in file.permissions if person.role in _EDITING_ROLES)
        return sum(person.email_address != self.client.whom.account for person in editors)


def _why_not(error: DestinationError) -> str:
    if isinstance(error, PermissionDeniedError):
        return "the Drive API is not enabled in the key's project, or refuses the question"
    if isinstance(error, SpreadsheetNotFoundError):
        return "it does not know the file"
    return str(error)


def _info(sheet: _Sheet) -> TabInfo:
    properties, grid = sheet.properties, sheet.properties.grid_properties
    return TabInfo(
        properties.sheet_id, properties.title, grid.row_count, grid.column_count, hidden=properties.hidden
    )


def _protection(sheet: _Sheet, one: _ProtectedRange) -> Protection:
    """A range without bounds is the whole tab; a warning stops people only, and only until they confirm it."""
    return Protection(
        sheet.properties.sheet_id,
        (one.range.start_row_index, one.range.end_row_index),
        (one.range.start_column_index, one.range.end_column_index),
        one.requesting_user_can_edit or one.warning_only,
        excepted=bool(one.unprotected_ranges),
    )
