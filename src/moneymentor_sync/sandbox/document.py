"""A spreadsheet: its tabs, named ranges and developer metadata, and who may do what with it.

A committed spreadsheet is never changed; `draft` gives a copy to work on, which replaces it when everything
went well.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from . import a1
from .a1 import Area, Box
from .errors import invalid
from .grid import Json, Sheet

GOOGLE_SHEET = "application/vnd.google-apps.spreadsheet"


@dataclass(frozen=True, slots=True)
class NamedRange:
    """`area` is None once what it named has been deleted (`#REF!`): not listed then, but the name is taken."""

    range_id: str
    name: str
    sheet_id: int
    area: Area | None


@dataclass(frozen=True, slots=True)
class Metadata:
    """Developer metadata. At a row or column `dimension` and `index` are set, at a tab `sheet_id` alone."""

    metadata_id: int
    key: str
    value: str
    visibility: str
    sheet_id: int | None = None
    dimension: str | None = None
    index: int | None = None


@dataclass(frozen=True, slots=True)
class Permission:
    """One entry of a file's sharing settings."""

    permission_id: str
    type: str
    role: str
    email: str = ""
    domain: str = ""


@dataclass(frozen=True, slots=True)
class Located:
    """A range that was looked up: the tab and the area on it, as given (open sides left open)."""

    sheet: Sheet
    area: Area
    text: str = ""

    @property
    def box(self) -> Box:
        return self.area.clipped(self.sheet.row_count, self.sheet.column_count)


@dataclass(slots=True)
class Document:
    """One spreadsheet with its Drive side. Times are seconds since 1970."""

    document_id: str
    title: str
    created: float
    modified: float
    permissions: tuple[Permission, ...]
    sheets: list[Sheet]
    locale: str = "en_US"
    time_zone: str = "Etc/GMT"
    auto_recalc: str = "ON_CHANGE"
    settings: Json = field(default_factory=dict)  # iterativeCalculationSettings and the like, as given
    named: dict[str, NamedRange] = field(default_factory=dict)
    metadata: dict[int, Metadata] = field(default_factory=dict)
    version: int = 1
    ids_given: int = 0
    folder: str | None = None
    description: str | None = None
    caches: dict[str, Any] = field(default_factory=dict)  # of this version: evaluated formulas

    def draft(self) -> Document:
        """A copy to change: tabs share their rows with this one until they are written to."""
        stamp = object()
        twin = copy.copy(self)
        twin.sheets = [sheet.draft(stamp) for sheet in self.sheets]
        twin.named = dict(self.named)
        twin.metadata = dict(self.metadata)
        twin.caches = {}
        twin.version = self.version + 1
        return twin

    # --- who ---------------------------------------------------------------------------------------------

    def role(self, email: str) -> str | None:
        """`owner`, `writer`, `commenter`, `reader`, or None where it is not shared with that address."""
        public = None
        for permission in self.permissions:
            if permission.email == email:
                return permission.role
            if permission.type == "anyone":
                public = permission.role
        return public

    @property
    def owner(self) -> str:
        return next(item.email for item in self.permissions if item.role == "owner")

    @property
    def editors(self) -> list[str]:
        """The addresses that may edit, the owner among them."""
        return [item.email for item in self.permissions if item.role in ("owner", "writer") and item.email]

    # --- what --------------------------------------------------------------------------------------------

    @property
    def cell_count(self) -> int:
        return sum(sheet.cell_count for sheet in self.sheets)

    def sheet(self, sheet_id: int) -> Sheet:
        """The tab of that id. Raises Google's refusal."""
        for sheet in self.sheets:
            if sheet.sheet_id == sheet_id:
                return sheet
        raise invalid(f"No grid with id: {sheet_id}")

    def titled(self, title: str) -> Sheet | None:
        """The tab of that title; titles differ by more than case, as in Google Sheets."""
        folded = title.casefold()
        return next((sheet for sheet in self.sheets if sheet.title.casefold() == folded), None)

    def new_id(self, taken: Sequence[int] | set[int] = ()) -> int:
        """A fresh positive 31-bit number: the same for the same history, so that a replay gives it again."""
        while True:
            self.ids_given += 1
            seed = f"{self.document_id}:{self.ids_given}".encode()
            number = int.from_bytes(hashlib.blake2b(seed, digest_size=4).digest(), "big") & 0x7FFFFFFF
            if number and number not in taken:
                return number

    def locate(self, text: str) -> Located:
        """Looks an A1 text, a tab's title or a named range up. Raises Google's refusal."""
        found = self._located(text)
        if found is None:
            raise invalid(f"Unable to parse range: {text}")
        return replace(found, text=text)

    def locate_in_grid(self, text: str) -> Located:
        """Like `locate`, and refuses what starts outside the grid."""
        found = self.locate(text)
        sheet, area = found.sheet, found.area
        if (area.row or 0) >= sheet.row_count or (area.column or 0) >= sheet.column_count:
            raise invalid(
                f"Range ({a1.area_name(sheet.title, area)}) exceeds grid limits. "
                f"Max rows: {sheet.row_count}, max columns: {sheet.column_count}"
            )
        return found

    def _located(self, text: str) -> Located | None:
        try:
            title, rest = a1.split_title(text)
        except ValueError:
            return None
        if title is not None:
            return self._on_tab(title, rest)
        area = a1.parse_area(rest)
        if area is not None:
            return Located(self.sheets[0], area)
        named = self._named(text)
        if named is not None:
            return named
        sheet = self.titled(text)
        return Located(sheet, Area()) if sheet is not None else None

    def _on_tab(self, title: str, rest: str) -> Located | None:
        """A range, or a named range, of the tab called that; the whole tab where no more is said."""
        sheet = self.titled(title)
        if sheet is None:
            return None
        area = a1.parse_area(rest) if rest else Area()
        if area is not None:
            return Located(sheet, area)
        named = self._named(rest)
        return named if named is not None and named.sheet is sheet else None

    def _named(self, name: str) -> Located | None:
        for item in self.named.values():
            if item.name.casefold() == name.casefold() and item.area is not None:
                return Located(self.sheet(item.sheet_id), item.area)
        return None
