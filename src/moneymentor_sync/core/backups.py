"""What a backup is: its file's name, why it was made, and what it says of itself. No I/O, no cells."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Literal

from .cells import CurrentCell, Formula

Reason = Literal["hand", "daily", "deletion"]
"""Asked for by somebody; made every day; made before a sync that deletes many rows."""

_STAMP = "%Y-%m-%dT%H%M%SZ"
_NAME = re.compile(
    r"mmsync-(?P<tag>[0-9a-f]{10})-(?P<stamp>\d{4}-\d\d-\d\dT\d{6}Z)(?:-(?P<reason>daily|deletion))?(?:-\d+)?\.xlsx",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class BackupName:
    """A backup by its file's name. `tag` stands for the spreadsheet, `made_at` is UNIX seconds."""

    name: str
    tag: str
    made_at: float
    reason: Reason


def tag_of(spreadsheet_id: str) -> str:
    """A spreadsheet in file names: its id would open one that is shared by link, so it is not the id."""
    return sha256(spreadsheet_id.encode()).hexdigest()[:10]


def file_name(spreadsheet_id: str, made_at: float, reason: Reason, number: int = 1) -> str:
    """The name of a new backup's file; `number` tells those of one second apart."""
    stamp = datetime.fromtimestamp(int(made_at), UTC).strftime(_STAMP)
    parts = ["mmsync", tag_of(spreadsheet_id), stamp]
    parts += [] if reason == "hand" else [reason]
    parts += [str(number)] if number > 1 else []
    return "-".join(parts) + ".xlsx"


def parse_name(name: str) -> BackupName | None:
    """None where the name is not one that `file_name` gives."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        moment = datetime.strptime(found["stamp"], _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
    reason: Reason = "daily" if found["reason"] == "daily" else "deletion" if found["reason"] else "hand"
    return BackupName(name, found["tag"], moment.timestamp(), reason)


# --- rows -------------------------------------------------------------------------------------------------

Plain = str | float | bool | None


@dataclass(frozen=True, slots=True)
class Entered:
    """A cell that is more than a value: its formula, if it has one, and what it last showed."""

    formula: str | None
    shown: Plain = None
    is_error: bool = False


SavedCell = Plain | Entered


@dataclass(frozen=True, slots=True)
class SavedRow:
    """A row by its 0-based index. `styles` has for each cell the number of its style, -1 for none; `notes` and
    `extras` (Google's JSON of text runs and pivot tables) are by column."""

    index: int
    cells: list[SavedCell]
    styles: list[int] = field(default_factory=list)
    notes: dict[int, str] = field(default_factory=dict)
    extras: dict[int, dict[str, Any]] = field(default_factory=dict)


def current_cells(row: SavedRow) -> list[CurrentCell]:
    """A saved row as a sync would see it."""
    found: list[CurrentCell] = []
    for cell in row.cells:
        if isinstance(cell, Entered):
            found.append(None if cell.formula is None else Formula(cell.formula))
        else:
            found.append(float(cell) if type(cell) is int else cell)
    while found and found[-1] is None:
        found.pop()
    return found


# --- tabs -------------------------------------------------------------------------------------------------

USUAL_ROW, USUAL_COLUMN = 21, 100
"""Pixels that Google gives a row and a column of its own accord."""
Dimension = tuple[int, bool, int]
"""Rows or columns alike: pixels, hidden, how many."""
Spans = tuple[tuple[int, int], ...]
"""Rows from the first up to but without the second, in order."""


@dataclass(frozen=True, slots=True)
class OursIn:
    """What mmsync had in a tab when it was saved: the dataset, its managed columns and those of its key by their
    headers, and the rows (0-based) that it had written itself."""

    dataset: str
    headers: tuple[str, ...]
    key: tuple[str, ...]
    rows: Spans = ()


@dataclass(frozen=True, slots=True)
class SavedTab:
    """A tab in a backup, without its rows.

    `about` is Google's JSON of it (`properties`, `merges` and what else lies over the cells), `columns` and `rows`
    are how wide, high and hidden they are, as (pixels, hidden, how many). `filled` counts rows with anything in
    them. `ours` is None where mmsync fills nothing in it.
    """

    part: str
    about: Mapping[str, Any]
    columns: tuple[Dimension, ...] = ()
    rows: tuple[Dimension, ...] = ()
    filled: int = 0
    cells: int = 0
    ours: OursIn | None = None
    checked: str = ""
    """SHA-256 of the part with its rows."""
    steady: bool = True
    """Whether it stayed the same for as long as it was read."""

    @property
    def sheet_id(self) -> int:
        return int(self.about["properties"].get("sheetId", 0))

    @property
    def title(self) -> str:
        return str(self.about["properties"]["title"])

    @property
    def size(self) -> tuple[int, int]:
        grid = self.about["properties"]["gridProperties"]
        return int(grid["rowCount"]), int(grid["columnCount"])


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup says of itself. `version` is mmsync's, `made_at` UNIX seconds; `left_out` are tabs that have no
    cells; `named` are the spreadsheet's named ranges as Google's JSON."""

    spreadsheet_id: str
    title: str
    made_at: float
    reason: Reason
    version: str
    tabs: tuple[SavedTab, ...]
    named: tuple[Mapping[str, Any], ...] = ()
    left_out: tuple[str, ...] = ()
    unsteady: tuple[str, ...] = ()
    """Tabs that people kept changing while they were read: rows may stand in them twice, or not at all."""


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made: where it is, its size in bytes, and what its visible part had to leave out."""

    path: str
    spreadsheet_id: str
    tabs: int
    rows: int
    bytes: int
    seconds: float
    reads: int
    notes: tuple[str, ...] = field(default=())
