"""What is in a tab of ours, as tests ask for it: our rows, and people's things by the row that they are beside."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from moneymentor_sync.sandbox.a1 import Area
from moneymentor_sync.sandbox.document import Document
from moneymentor_sync.sandbox.grid import Row, Sheet

MARK = "note "
"""How every text that a person writes beside a row begins."""


@dataclass(frozen=True)
class View:
    """One tab at one moment; `managed` are our headers, the key first."""

    sheet: Sheet
    managed: tuple[str, ...]
    key: str = "id"

    @classmethod
    def of(cls, document: Document, sheet_id: int | None, title: str, managed: Iterable[str]) -> View | None:
        """The tab by its id, else by its title; None where there is none."""
        sheet = next((one for one in document.sheets if one.sheet_id == sheet_id), None) or document.titled(title)
        return None if sheet is None else cls(sheet, tuple(managed))

    # --- our rows -------------------------------------------------------------------------------------------

    @cached_property
    def header(self) -> list[Any]:
        return self._cells(0)

    def _cells(self, index: int) -> list[Any]:
        row = self.sheet.rows[index] if index < len(self.sheet.rows) else None
        return list(row.cells) if row is not None else []

    def at(self, header: str) -> int | None:
        return self.header.index(header) if header in self.header else None

    @cached_property
    def is_blank(self) -> bool:
        return self.sheet.last_filled_row() < 0

    @cached_property
    def headers_here(self) -> set[str]:
        return {name for name in self.managed if name in self.header}

    @cached_property
    def rows(self) -> list[tuple[int, Row]]:
        """The rows below the header that have anything, with their index."""
        return [(index, row) for index, row in self.sheet.filled_rows(self.sheet.box) if index]

    def key_of(self, row: Row) -> Any:
        return _get(row.cells, self.at(self.key))

    @cached_property
    def ours(self) -> list[tuple[Any, ...]]:
        """The managed cells of rows that are not blank in them, sorted by what they are."""
        places = [self.at(name) for name in self.managed]
        found = [tuple([_get(row.cells, place) for place in places]) for _, row in self.rows]
        return sorted((row for row in found if any(cell is not None for cell in row)), key=repr)

    @cached_property
    def keys(self) -> list[Any]:
        """The key of every row that has one."""
        return [key for _, row in self.rows if (key := self.key_of(row)) is not None]

    @cached_property
    def doubled(self) -> set[Any]:
        """Keys that more than one row has."""
        return {key for key, count in Counter(self.keys).items() if count > 1}

    # --- people's things ------------------------------------------------------------------------------------

    @cached_property
    def texts(self) -> dict[str, set[Any]]:
        """Texts that people wrote into cells of their own, each with the keys of the rows that it stands in."""
        found: dict[str, set[Any]] = {}
        for _, row in self.rows:
            for cell in row.cells:
                if isinstance(cell, str) and cell.startswith(MARK):
                    found.setdefault(cell, set()).add(self.key_of(row))
        return found

    @cached_property
    def notes(self) -> dict[str, set[Any]]:
        """Notes on cells, likewise."""
        found: dict[str, set[Any]] = {}
        for _, row in self.rows:
            for text in (row.notes or {}).values():
                found.setdefault(text, set()).add(self.key_of(row))
        return found

    def rows_of(self, text: str) -> list[Row]:
        """The rows that a text of people's stands in, or is noted on."""
        return [row for _, row in self.rows if text in row.cells or text in (row.notes or {}).values()]

    def is_blank_in_ours(self, row: Row) -> bool:
        """Whether nothing of ours is in the row; where a header is gone, whether nothing but people's texts is."""
        places = [self.at(name) for name in self.managed]
        if None not in places:
            return all(_get(row.cells, place) is None for place in places)
        return all(cell is None or str(cell).startswith(MARK) for cell in row.cells)

    @cached_property
    def coloured(self) -> set[Any]:
        return {
            self.key_of(row)
            for _, row in self.rows
            if any(style and (style.format or {}).get("backgroundColor") for style in row.styles)
        } - {None}

    @cached_property
    def ruled(self) -> set[Any]:
        """The keys of rows with a cell that a person may fill from a list only."""
        found = {
            self.key_of(row) for _, row in self.rows if any(style and style.validation for style in row.styles)
        }
        return found - {None}

    @cached_property
    def theirs(self) -> int | None:
        """The column that people write in: by what is in it, since its heading may be gone."""
        counts = Counter(
            column
            for _, row in self.rows
            for column, cell in enumerate(row.cells)
            if isinstance(cell, str) and cell.startswith(MARK)
        )
        return counts.most_common(1)[0][0] if counts else None

    def layers(self) -> dict[str, Any]:
        """What people laid over the tab, with each column as what it is to them: their own, or another."""
        extras = self.sheet.extras

        def place(area: Area) -> str:
            return "theirs" if area.column is not None and area.column == self.theirs else "all"

        return {
            "conditional": [(rule.body, [place(area) for area in rule.areas]) for rule in extras.conditional],
            "views": {key: item.body for key, item in extras.filter_views.items()},
            "protected": {key: (item.body, place(item.area)) for key, item in extras.protected.items()},
            "filter": extras.basic_filter is not None,
        }


def _get(cells: list[Any], place: int | None) -> Any:
    return cells[place] if place is not None and place < len(cells) else None


def plain(rows: Iterable[Iterable[Any]]) -> list[tuple[Any, ...]]:
    """Rows of the database as `View.ours` gives them."""
    return sorted((tuple(row) for row in rows), key=repr)
