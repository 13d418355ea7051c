"""What a tab of the stand-in holds, cell by cell, and whether two tabs hold the same.

What was entered is compared, a number with a number and a text with a text; how a number is shown is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import zip_longest
from math import isclose
from urllib.parse import quote

import msgspec
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.service_account import Credentials

from .scene import Scene

SCOPES = ("https://www.googleapis.com/auth/spreadsheets",)
FIELDS = "sheets(data(rowData(values(userEnteredValue))))"
SAME = 1e-14
"""Relative: a date-time typed in full and one rounded to the ten microseconds that a cell can show are the same."""

Cell = tuple[str, str | int | float | bool] | None
Rows = Sequence[msgspec.Raw]
"""A tab's rows as JSON: equal rows are mostly equal bytes, and a million cells are not a million objects."""


class _Cell(msgspec.Struct):
    userEnteredValue: dict[str, str | int | float | bool] | None = None  # noqa: N815 - Google's name


class _Row(msgspec.Struct):
    values: list[_Cell] = []


class _Data(msgspec.Struct):
    rowData: list[msgspec.Raw] = []  # noqa: N815 - Google's name


class _Sheet(msgspec.Struct):
    data: list[_Data] = []


class _Spreadsheet(msgspec.Struct):
    sheets: list[_Sheet] = []


_row = msgspec.json.Decoder(_Row)


def rows_of(place: Scene, tab: str) -> Rows:
    """All rows of a tab, through the API and with the key that everybody here has."""
    credentials = Credentials.from_service_account_file(str(place.credentials_file), scopes=SCOPES)
    query = f"ranges={quote(tab)}&fields={FIELDS}&prettyPrint=false"
    with AuthorizedSession(credentials) as session:
        answer = session.get(f"{place.url}/v4/spreadsheets/{place.spreadsheet_id}?{query}", timeout=600)
    answer.raise_for_status()
    (sheet,) = msgspec.json.decode(answer.content, type=_Spreadsheet).sheets
    return sheet.data[0].rowData


def difference(theirs: Rows, ours: Rows) -> str | None:
    """The first cell in which two tabs differ, in words; None where they hold the same."""
    for number, (left, right) in enumerate(zip_longest(theirs, ours, fillvalue=msgspec.Raw(b"{}")), start=1):
        if bytes(left) == bytes(right):
            continue
        for column, (their, our) in enumerate(zip_longest(_cells(left), _cells(right)), start=1):
            if not _same(their, our):
                return f"row {number:,}, column {column}: {_shown(their)}, not {_shown(our)}"
    return None


def _cells(row: msgspec.Raw) -> list[Cell]:
    entered = (cell.userEnteredValue for cell in _row.decode(row).values)
    return [next(iter(value.items())) if value else None for value in entered]


def _same(left: Cell, right: Cell) -> bool:
    if left is None or right is None or left[0] != right[0]:
        return left is right
    if left[0] == "numberValue":
        return isclose(float(left[1]), float(right[1]), rel_tol=SAME)
    return left[1] == right[1]


def _shown(cell: Cell) -> str:
    return "blank" if cell is None else f"{cell[0]} {cell[1]!r}"
