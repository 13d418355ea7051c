"""Somebody who has the spreadsheet open all day: edits beside ours, in ours, and now and then over what we need.

Each act looks and edits under the sandbox's lock, as a person types into the row that they see. Damage that
mmsync may refuse (`_Damage`) is taken back after a while, as a person does who has read the error.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.cells import Formula, Value
from moneymentor_sync.sandbox.errors import ApiError
from moneymentor_sync.sandbox.grid import Row, Sheet

from .figures import Figures
from .ledger import Ledger
from .tables import TABLES, Table
from .view import View, name_of, tab_of, words, words_in
from .watch import Watch

NOTES = "Notes of ours"
_WIDEST = 40
_PAUSE = (0.2, 1.6)
_PATIENCE = (4.0, 25.0)


@dataclass
class _Damage:
    """Something load-bearing that a person broke, and how they put it right; by `until` they have read of it."""

    what: str
    until: float
    mend: Callable[[], None]


@dataclass
class Place:
    """A tab that a person looks at."""

    table: Table
    sheet: Sheet
    view: View

    @property
    def title(self) -> str:
        return self.sheet.title

    @property
    def dataset(self) -> str:
        return self.table.dataset

    def column(self, header: str) -> int | None:
        return next((i for i, text in enumerate(self.headings) if text == header), None)

    @property
    def headings(self) -> list[str]:
        first = self.sheet.rows[0]
        return [str(cell).strip() if isinstance(cell, str) else "" for cell in (first.cells if first else [])]

    def keyed_rows(self) -> list[tuple[int, Row]]:
        return [(i, row) for i, row in self.view.rows() if self.view.key(row)] if self.view.clear else []


class Person:
    """One person's acts; `act` may be called from any thread, between any two requests."""

    def __init__(self, box: Sandbox, watch: Watch, ledger: Ledger, figures: Figures, rng: random.Random) -> None:
        self._box, self._watch, self._ledger, self._figures, self._rng = box, watch, ledger, figures, rng
        self._hand = box.person()
        self._number = 0
        self._detail = ""
        self._damages: dict[str, _Damage] = {}
        self.active = True

    def work(self, stop: threading.Event) -> None:
        while not stop.wait(self._rng.uniform(*_PAUSE)):
            self.act("at leisure")

    def act(self, when: str) -> None:
        """One edit of any kind, in any of the tabs that are there."""
        with self._box.library.lock:
            if not self.active:
                return
            self._mend_what_is_due(time.monotonic())
            place = self._look(self._rng.choice(TABLES))
            if place is None:
                return
            broken = place.dataset in self._damages
            acts, weights = zip(
                *(one for one in _ACTS if not (broken and one[0] in _NOT_WHILE_BROKEN)), strict=True
            )
            chosen = self._rng.choices(acts, weights)[0]
            self._do(chosen, place, when)

    def _do(self, chosen: Callable[[Person, Place], bool], place: Place, when: str) -> None:
        self._detail = ""
        try:
            done = chosen(self, place)
        except ApiError as error:
            self._figures.count("edits that Google refused", chosen.__name__)
            self._figures.say("person", f"{chosen.__name__} in {place.title!r} refused: {error}")
            return
        if done:
            self._figures.count("edits", chosen.__name__)
            self._figures.count("edits by moment", when)
            self._figures.say("person", f"{chosen.__name__} in {place.title!r}, {when} {self._detail}")

    def _look(self, table: Table) -> Place | None:
        sheet = tab_of(self._box.document(), table, self._watch.tabs.get(table.dataset))
        return Place(table, sheet, View.of(sheet, table)) if sheet is not None else None

    def _again(self, place: Place) -> Place:
        """The same tab after an edit of one's own."""
        sheet = next(one for one in self._box.document().sheets if one.sheet_id == place.sheet.sheet_id)
        return Place(place.table, sheet, View.of(sheet, place.table))

    # --- beside ours ----------------------------------------------------------------------------------------

    def _words(self, key: str) -> str:
        self._number += 1
        self._detail = words(key, self._number)
        return self._detail

    def _notes_column(self, place: Place) -> tuple[Place, int]:
        """The column of one's own; made where there is none."""
        at = place.column(NOTES)
        if at is not None:
            return place, at
        at = self._rng.randint(0, len(place.headings))
        self._hand.insert_columns(place.title, at)
        self._hand.type(place.title, 0, at, NOTES)
        return self._again(place), at

    def write_beside_a_row(self, place: Place) -> bool:
        if not place.keyed_rows():
            return False
        place, at = self._notes_column(place)
        index, row = self._rng.choice(place.keyed_rows())
        text = self._words(place.view.key(row))
        self._ledger.took(place.dataset, _cell_words(row, at))
        formula = self._rng.random() < 0.2
        self._hand.type(place.title, index, at, f'=LEN("{text}")' if formula else text)
        self._ledger.wrote(place.dataset, text)
        return True

    def note_at_a_row(self, place: Place) -> bool:
        if not place.keyed_rows():
            return False
        index, row = self._rng.choice(place.keyed_rows())
        at = place.view.places[place.table.key][0]
        text = self._words(place.view.key(row))
        self._ledger.took(place.dataset, _note_words(row, at))
        self._hand.note(place.title, index, at, text)
        self._ledger.wrote(place.dataset, text)
        return True

    def write_a_line(self, place: Place) -> bool:
        """A line of one's own, above, between or below our rows."""
        place, at = self._notes_column(place)
        index = self._rng.randint(1, place.sheet.last_filled_row() + 1)
        self._hand.insert_rows(place.title, index)
        text = self._words("")
        self._hand.type(place.title, index, at, text)
        self._ledger.wrote(place.dataset, text)
        return True

    def color_a_cell(self, place: Place) -> bool:
        self._hand.color(place.title, self._row(place), self._rng.randrange(len(place.headings) or 1))
        return True

    # --- rows and columns -----------------------------------------------------------------------------------

    def _row(self, place: Place) -> int:
        return self._rng.randint(1, max(1, place.sheet.last_filled_row()))

    def sort(self, place: Place) -> bool:
        at = self._rng.randrange(len(place.headings) or 1)
        self._hand.sort(place.title, at, descending=self._rng.random() < 0.5)
        return True

    def insert_rows(self, place: Place) -> bool:
        self._hand.insert_rows(place.title, self._row(place), self._rng.randint(1, 3))
        return True

    def move_rows(self, place: Place) -> bool:
        start = self._row(place)
        end = min(start + self._rng.randint(1, 20), place.sheet.row_count)
        to = self._row(place)
        if start <= to <= end:
            return False
        self._hand.move_rows(place.title, start, end, to)
        return True

    def delete_rows(self, place: Place) -> bool:
        index, count = self._row(place), self._rng.randint(1, 2)
        gone = [row for row in place.sheet.rows[index : index + count] if row is not None]
        self._hand.delete_rows(place.title, index, count)
        self._ledger.took(place.dataset, [text for row in gone for text in words_in(row)])
        return True

    def insert_a_column(self, place: Place) -> bool:
        if place.sheet.column_count >= _WIDEST:
            return False
        self._hand.insert_columns(place.title, self._rng.randint(0, len(place.headings)))
        return True

    def move_columns(self, place: Place) -> bool:
        width = len(place.headings)
        start = self._rng.randrange(width or 1)
        end = start + self._rng.randint(1, 2)
        to = self._rng.randint(0, width)
        if start <= to <= end or end > place.sheet.column_count:
            return False
        self._hand.move_columns(place.title, start, end, to)
        return True

    def delete_a_blank_column(self, place: Place) -> bool:
        """One without a heading, and with nothing in it."""
        headings = place.headings
        filled = {
            i for row in place.sheet.rows if row is not None for i, c in enumerate(row.cells) if c is not None
        }
        blank = [i for i in range(len(headings)) if i not in filled]
        if not blank:
            return False
        self._hand.delete_columns(place.title, self._rng.choice(blank))
        return True

    def hide_something(self, place: Place) -> bool:
        if self._rng.random() < 0.5:
            self._hand.hide_rows(place.title, self._row(place), self._row(place) + 3)
        else:
            at = self._rng.randrange(len(place.headings) or 1)
            self._hand.hide_columns(place.title, at, at + 1)
        return True

    def filter(self, place: Place) -> bool:
        self._hand.filter(place.title)
        return True

    # --- ours -----------------------------------------------------------------------------------------------

    def type_over_a_cell(self, place: Place) -> bool:
        others = [h for h in place.table.headers if h != place.table.key]
        if not place.keyed_rows():
            return False
        index, _ = self._rng.choice(place.keyed_rows())
        at = place.view.places[self._rng.choice(others)][0]
        self._hand.type(place.title, index, at, self._rng.choice(["", "mine", "=1+1", 12345, "007", "TRUE", "1/2"]))
        return True

    def delete_a_managed_column(self, place: Place) -> bool:
        if not place.view.clear:
            return False
        at = place.view.places[self._rng.choice([h for h in place.table.headers if h != place.table.key])][0]
        gone = [text for row in place.sheet.rows if row is not None for text in _note_words(row, at)]
        self._hand.delete_columns(place.title, at)
        self._ledger.took(place.dataset, gone)
        return True

    def copy_a_row(self, place: Place) -> bool:
        """Copies our cells of a row to a line of their own: the key stands twice."""
        if not place.keyed_rows():
            return False
        _, row = self._rng.choice(place.keyed_rows())
        index = place.sheet.last_filled_row() + 1
        if index >= place.sheet.row_count:
            return False
        cells = {place.view.places[h][0]: value for h, value in place.view.cells(row).items() if value is not None}
        if any(isinstance(value, Formula) for value in cells.values()):
            return False
        values = [_typed(cells.get(i)) for i in range(max(cells) + 1)]
        self._hand.type_rows(place.title, index, 0, [values])
        return True

    # --- the tab --------------------------------------------------------------------------------------------

    def rename_the_tab(self, place: Place) -> bool:
        self._number += 1
        new = place.table.tab if self._rng.random() < 0.5 else f"{place.table.tab} {self._number}"
        self._hand.rename_tab(place.title, new)
        return True

    def hide_the_tab(self, place: Place) -> bool:
        if sum(not sheet.hidden for sheet in self._box.document().sheets) < 3:
            return False
        self._hand.hide_tab(place.title)
        return True

    def move_the_tab(self, place: Place) -> bool:
        self._hand.move_tab(place.title, 0)
        return True

    def delete_the_tab(self, place: Place) -> bool:
        if sum(not sheet.hidden for sheet in self._box.document().sheets) < 3:
            return False
        self._hand.delete_tab(place.title)
        self._ledger.emptied(place.dataset)
        self._damages.pop(place.dataset, None)
        return True

    # --- what is load-bearing -------------------------------------------------------------------------------

    def _break(self, place: Place, what: str, mend: Callable[[], None]) -> None:
        self._damages[place.dataset] = _Damage(what, time.monotonic() + self._rng.uniform(*_PATIENCE), mend)

    def type_over_a_key(self, place: Place) -> bool:
        rows = place.keyed_rows()
        if not rows:
            return False
        index, row = self._rng.choice(rows)
        at = place.view.places[place.table.key][0]
        old = row.cells[at]
        self._number += 1
        other = self._rng.choice(rows)[1].cells[at]  # perhaps the key of another row: then that stands twice
        token = self._rng.choice(["", "", f"typed over {self._number}", name_of(other)])
        self._hand.type(place.title, index, at, _typed(other) if token == name_of(other) else token)
        self._detail = f"row {index + 1}, {name_of(old)!r} to {token!r}"
        self._break(place, "key", lambda: self._give_key_back(place, token, old))
        return True

    def _give_key_back(self, place: Place, token: str, old: Value) -> None:
        """Types the key into the row again, if that is still without it; where mmsync has already written the row
        anew, the damaged one goes."""
        place = self._again(place)
        if not place.view.clear:
            return
        at = place.view.places[place.table.key][0]
        stands = any(place.view.key(row) == name_of(old) for _, row in place.view.rows())
        for index, row in place.view.rows():
            found = place.view.key(row)
            mine = found == token and place.view.is_ours(row) and not place.table.whole(place.view.cells(row))
            if mine and stands:
                self._hand.delete_rows(place.title, index)
                self._ledger.took(place.dataset, words_in(row))
                self._figures.count("edits", "deleted a row whose key they had damaged")
                return
            if mine:
                self._hand.type(place.title, index, at, _typed(old))
                return

    def type_over_a_header(self, place: Place) -> bool:
        if not place.view.clear:
            return False
        header = self._rng.choice(place.table.headers)
        self._number += 1
        token = "" if self._rng.random() < 0.3 else f"Renamed {self._number}"
        self._hand.type(place.title, 0, place.view.places[header][0], token)
        at = place.view.places[header][0]
        self._detail = f"{header!r} to {token!r}"
        self._break(place, "header", lambda: self._give_header_back(place, token, header, at))
        return True

    def _give_header_back(self, place: Place, token: str, header: str, at: int) -> None:
        place = self._again(place)
        where = place.column(token) if token else at
        if place.view.places[header]:
            if token and where is not None:  # mmsync has made the column anew: the old one goes
                gone = [text for row in place.sheet.rows if row is not None for text in _note_words(row, where)]
                self._hand.delete_columns(place.title, where)
                self._ledger.took(place.dataset, gone)
            return
        if where is not None:
            self._hand.type(place.title, 0, where, header)

    def delete_the_header(self, place: Place) -> bool:
        if not place.view.clear:
            return False
        first = place.sheet.rows[0]
        texts = list(first.cells) if first else []
        gone = list(words_in(first)) if first else []
        self._hand.delete_rows(place.title, 0)
        self._ledger.took(place.dataset, gone)
        self._break(place, "header row", lambda: self._give_header_row_back(place, texts))
        return True

    def _give_header_row_back(self, place: Place, texts: Sequence[object]) -> None:
        place = self._again(place)
        if any(place.view.places.values()):
            return
        self._hand.insert_rows(place.title, 0)
        self._hand.type_rows(place.title, 0, 0, [["" if text is None else text for text in texts]])

    def protect(self, place: Place) -> bool:
        protected = self._hand.protect(place.title)
        self._break(place, "protected", lambda: self._hand.unprotect(protected))
        return True

    def _mend_what_is_due(self, now: float) -> None:
        for dataset, damage in list(self._damages.items()):
            if damage.until <= now:
                del self._damages[dataset]
                try:
                    damage.mend()
                except (ApiError, StopIteration) as error:  # the tab has gone meanwhile
                    self._figures.say("person", f"could not mend {damage.what}: {error}")
                else:
                    self._figures.count("damage taken back", damage.what)
                    self._figures.say("person", f"mended {damage.what} of {dataset}")

    def read_a_refusal(self) -> None:
        """Empties our cells in rows without a key, which mmsync has named: an update that a row inserted meanwhile
        took the place of leaves some, where mmsync is killed before it can give back what it hit."""
        with self._box.library.lock:
            for table in TABLES:
                place = self._look(table)
                if place is None or table.key not in place.view.standing or table.dataset in self._damages:
                    continue
                for index, row in place.view.rows():
                    if place.view.is_ours(row) and not place.view.key(row):
                        for at in place.view.standing.values():
                            self._hand.type(place.title, index, at, "")
                        self._figures.count("rows that a person emptied after a refusal", table.dataset)

    def finish(self) -> None:
        """The last look of the day: everything that is still damaged is put right, and nothing more is edited."""
        with self._box.library.lock:
            self.active = False
            self._mend_what_is_due(float("inf"))


def _typed(value: object) -> object:
    """What a person types so that the cell holds just that value."""
    return f"'{value}" if isinstance(value, str) else value


def _cell_words(row: Row, column: int) -> list[str]:
    """The words in one cell, not in its note."""
    return list(words_in(Row(row.cells[column : column + 1])))


def _note_words(row: Row, column: int) -> list[str]:
    text = (row.notes or {}).get(column)
    return list(words_in(Row([text]))) if text else []


_Act = Callable[[Person, Place], bool]
_ACTS: list[tuple[_Act, float]] = [
    (Person.write_beside_a_row, 14),
    (Person.note_at_a_row, 6),
    (Person.write_a_line, 2),
    (Person.color_a_cell, 3),
    (Person.sort, 7),
    (Person.insert_rows, 4),
    (Person.move_rows, 4),
    (Person.delete_rows, 3),
    (Person.insert_a_column, 2),
    (Person.move_columns, 6),
    (Person.delete_a_blank_column, 1),
    (Person.hide_something, 2),
    (Person.filter, 1),
    (Person.type_over_a_cell, 8),
    (Person.delete_a_managed_column, 0.7),
    (Person.copy_a_row, 1),
    (Person.rename_the_tab, 1.5),
    (Person.hide_the_tab, 0.2),
    (Person.move_the_tab, 0.5),
    (Person.delete_the_tab, 0.3),
    (Person.type_over_a_key, 2),
    (Person.type_over_a_header, 1.5),
    (Person.delete_the_header, 0.5),
    (Person.protect, 0.4),
]
"""What they do, and how often."""
_NOT_WHILE_BROKEN = frozenset(
    (
        Person.type_over_a_key, Person.type_over_a_header, Person.delete_the_header, Person.protect,
        Person.move_columns, Person.insert_a_column, Person.delete_a_blank_column, Person.delete_a_managed_column,
        Person.copy_a_row, Person.write_beside_a_row, Person.write_a_line, Person.note_at_a_row,
    )
)  # fmt: skip
"""One damage to a tab at a time, and while its header may be away nobody writes by it."""
