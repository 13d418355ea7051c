"""What was seen of the spreadsheet and of this machine, as values: what the deciding functions are given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from moneymentor_sync.core.cells import CurrentCell
from moneymentor_sync.core.layout import KnownTab
from moneymentor_sync.core.ports import TabInfo
from moneymentor_sync.core.table import Shape

Span = tuple[int, int | None]
"""Rows or columns from the first one on, up to but without the second (None: to the end)."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What a dataset's query gives: its managed columns, and its rows once they have been counted."""

    shape: Shape
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class Protection:
    """A protected range, as our account sees it. `excepted` says that parts of it are open to everybody."""

    sheet_id: int
    rows: Span
    columns: Span
    may_edit: bool
    excepted: bool = False


@dataclass(frozen=True, slots=True)
class Spreadsheet:
    """A spreadsheet without its cells."""

    title: str
    tabs: tuple[TabInfo, ...]
    protections: tuple[Protection, ...] = ()


@dataclass(frozen=True, slots=True)
class TabSeen:
    """A tab's first row, and whether there is no cell in it at all."""

    info: TabInfo
    header: tuple[CurrentCell, ...]
    empty: bool


@dataclass(frozen=True, slots=True)
class Sharing:
    """Who may edit a spreadsheet. `can_edit` is None where Drive does not tell, and `reason` says why.

    `owners` and `others` (the number of other people and groups who may edit) are only what the account may see.
    """

    can_edit: bool | None
    reason: str = ""
    owners: tuple[str, ...] = ()
    others: int | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a file is to be: the nearest directory that exists, and what may be done there.

    `nearest` is the file's own directory where that exists. `free_bytes` is None where it cannot be told.
    """

    path: Path
    nearest: Path
    is_directory: bool
    writable: bool
    free_bytes: int | None = None
    owned: bool = True


@dataclass(frozen=True, slots=True)
class StateSeen:
    """The state file. `problem` says why it cannot be read; `version` is None where there is no file yet."""

    place: Place
    exists: bool
    writable: bool = True
    problem: str = ""
    ours: bool = True
    version: int | None = None
    known: Mapping[str, KnownTab] = field(default_factory=dict)
    """By dataset: the tab that it was last written to, where it is still configured so."""
    coming: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """By dataset: ids that its tab may have been made with in a write whose end was not recorded."""


@dataclass(frozen=True, slots=True)
class SocketSeen:
    """Where the control socket is to be; `occupant` is what stands there: nothing (""), "socket" or "file"."""

    place: Place
    occupant: str = ""


@dataclass(frozen=True, slots=True)
class PortSeen:
    """The port for metrics: `problem` says why it cannot be had, and `ours` whether a daemon of ours answers."""

    address: str
    problem: str = ""
    ours: bool = False


@dataclass(frozen=True, slots=True)
class KeySeen:
    """The service account's key: from where, and the file's permission bits (None: it is no file)."""

    account: str
    source: str
    mode: int | None = None
