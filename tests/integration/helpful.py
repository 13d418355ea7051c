"""A person who does what a refusal tells them to: puts headers and keys back, or deletes the rows in question."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from moneymentor_sync.core.ports import DatasetResult
from moneymentor_sync.sandbox.grid import Sheet
from moneymentor_sync.sandbox.person import Person

from .sheet_views import View

Row = tuple[Any, ...]


class Helpful:
    """`desired` are the database's rows by key, `beside` whose row each text is."""

    def __init__(self, person: Person, view: View, desired: Mapping[Any, Row], beside: Mapping[str, Any]) -> None:
        self.person, self.view, self.desired, self.beside = person, view, desired, beside
        self.tab = view.sheet.title

    def follow(self, refusal: DatasetResult) -> None:
        """Does what the refusal asks for. Raises KeyError for one that no person can do anything about."""
        remedies: dict[str, Callable[[], None]] = {
            "protected": self._unprotect,
            "header_damaged": self._mend_header,
            "key_damaged": self._mend_rows,
            "duplicate_key": self._mend_rows,
            "unknown_rows": self._mend_rows,
        }
        remedies[str(refusal.error_code)]()

    def _unprotect(self) -> None:
        for protection in self.view.sheet.extras.protected:
            self.person.unprotect(protection)

    # --- headers ------------------------------------------------------------------------------------------

    def _mend_header(self) -> None:
        view = self.view
        for index, row in view.rows:
            if set(view.managed) <= {str(cell).strip() for cell in row.cells}:
                self.person.move_rows(self.tab, index, index + 1, 0)
                return
        likeness = {name: self._likeness(number) for number, name in enumerate(view.managed)}
        if not view.headers_here and any(row for row in self._keys_in(0)):
            self.person.insert_rows(self.tab, 0)
        taken: set[int] = set()
        for name in view.managed:
            at = [column for column, cell in enumerate(view.header) if cell == name]
            best = [column for column, _ in likeness[name].most_common() if column not in taken]
            keep = next((column for column in best if column in at or len(at) == 0), at[0] if at else None)
            for column in at:
                if column != keep:
                    self.person.type(self.tab, 0, column, "")
            if keep is None:  # nothing of it is left to go by: an empty column under that heading will do
                keep = max([len(row.cells) for _, row in view.rows] + [len(view.header)] + [at + 1 for at in taken])
            taken.add(keep)
            self.person.type(self.tab, 0, keep, name)

    def _keys_in(self, index: int) -> list[Any]:
        row = self.view.sheet.rows[index]
        return [cell for cell in row.cells if cell in self.desired] if row is not None else []

    def _likeness(self, number: int) -> Counter[int]:
        """How many cells of each column are such as the database has in that column."""
        known = Counter((type(row[number]).__name__, row[number]) for row in self.desired.values())
        found: Counter[int] = Counter()
        for _, row in self.view.rows:
            for column, cell in enumerate(row.cells):
                kind = type(cell).__name__
                if cell is not None and ((kind, cell) in known or ("int", cell) in known):
                    found[column] += 1
        return found

    # --- rows ---------------------------------------------------------------------------------------------

    def _mend_rows(self) -> None:
        """Types the key back where they know whose row it is, and deletes what is nobody's."""
        sheet, at = self.view.sheet, self.view.at(self.view.key)
        if at is None:  # the whole column is gone
            self.person.insert_columns(self.tab, 0)
            self.person.type(self.tab, 0, 0, self.view.key)
            return
        places = [column for name in self.view.managed if (column := self.view.at(name)) is not None]
        seen = Counter(self.view.key_of(row) for _, row in self.view.rows)
        bad: list[int] = []
        for index, row in self.view.rows:
            ours = [row.cells[column] for column in places if column < len(row.cells)]
            key = self.view.key_of(row)
            if any(cell is not None for cell in ours) and (key not in self.desired or seen[key] > 1):
                bad.append(index)
        for index in reversed(bad):
            owner = self._owner(sheet, index)
            if owner is not None and not seen[owner]:
                seen[owner] += 1
                self.person.type(self.tab, index, at, str(owner))
            elif owner is None or self.view.key_of(sheet.rows[index]) != owner:  # type: ignore[arg-type]  # it is there
                self.person.delete_rows(self.tab, index)

    def _owner(self, sheet: Sheet, index: int) -> Any:
        row = sheet.rows[index]
        texts = [*row.cells, *(row.notes or {}).values()] if row is not None else []
        return next((self.beside[text] for text in texts if isinstance(text, str) and text in self.beside), None)
