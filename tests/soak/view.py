"""A tab as a person sees it: the managed columns, which row has which key, what people wrote beside it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from moneymentor_sync.sandbox.cells import Formula, Value
from moneymentor_sync.sandbox.document import Document
from moneymentor_sync.sandbox.grid import Row, Sheet

from .tables import Cells, Table

_WORDS = re.compile(r"~([^~]*)~(\d+)~")
HIDDEN = "_mmsync"


def words(key: str, number: int) -> str:
    """What a person writes beside the row of `key` (beside none where it is empty); tells where it belongs."""
    return f"~{key}~{number}~"


def key_in(text: str) -> str:
    """The key of the row that the words were written beside."""
    found = _WORDS.search(text)
    return found.group(1) if found else ""


def name_of(value: Value) -> str:
    """A key as text; empty where there is none."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def words_in(row: Row) -> Counter[str]:
    """All that people wrote in a row: in cells, in formulas, as notes."""
    texts = [cell.text if isinstance(cell, Formula) else cell for cell in row.cells]
    found = [text for text in (*texts, *(row.notes or {}).values()) if isinstance(text, str) and "~" in text]
    return Counter(match.group() for text in found for match in _WORDS.finditer(text))


def tab_of(document: Document, table: Table, known: int | None) -> Sheet | None:
    """The tab of a dataset: the one that is known by its id, else by its title; None where nobody sees one."""
    if known is not None:
        found = next((sheet for sheet in document.sheets if sheet.sheet_id == known), None)
        if found is not None:
            return found
    found = document.titled(table.tab)
    return found if found is not None and not found.hidden else None


@dataclass(frozen=True)
class View:
    """A tab and the places of its managed columns; `places` has the header's columns, however many."""

    sheet: Sheet
    table: Table
    places: dict[str, tuple[int, ...]]

    @classmethod
    def of(cls, sheet: Sheet, table: Table) -> View:
        header = sheet.rows[0].cells if sheet.rows and sheet.rows[0] is not None else []
        texts = [str(cell).strip() if isinstance(cell, str) else "" for cell in header]
        return cls(sheet, table, {h: tuple(i for i, t in enumerate(texts) if t == h) for h in table.headers})

    @property
    def clear(self) -> bool:
        """Every header stands just once."""
        return all(len(at) == 1 for at in self.places.values())

    @property
    def standing(self) -> dict[str, int]:
        """The columns whose header stands just once."""
        return {header: at[0] for header, at in self.places.items() if len(at) == 1}

    def key(self, row: Row) -> str:
        """The row's key as text; only where the key's header stands once."""
        return name_of(_at(row, self.places[self.table.key][0]))

    def cells(self, row: Row) -> Cells:
        return {header: _at(row, at[0]) for header, at in self.places.items()}

    def is_ours(self, row: Row) -> bool:
        """Something stands in the managed columns, as far as these stand."""
        return any(_at(row, at) is not None for at in self.standing.values())

    def rows(self) -> Iterator[tuple[int, Row]]:
        """The rows below the header that have anything in them, or a note."""
        for index, row in enumerate(self.sheet.rows):
            if index and row is not None and (row.cells or row.notes):
                yield index, row


def _at(row: Row, column: int) -> Value:
    return row.cells[column] if column < len(row.cells) else None
