"""All that people do to a tab that we fill, one edit at a time, and how each is taken back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from moneymentor_sync.sandbox.person import Person

from .sheet_views import MARK

THEIRS = "remarks"
"""The heading of the people's column."""


@dataclass
class Hands:
    """A person at one tab: `row` and `other` are the rows (from 0) that the edit is about, `memory` is what they
    have to remember to take it back."""

    person: Person
    tab: str
    row: int = 3
    other: int = 1
    memory: Any = None

    @property
    def sheet(self) -> Any:
        return self.person._tab(self.tab)

    @property
    def height(self) -> int:
        """One more than the last row with anything in it, and at least what the edit is about."""
        return max(int(self.sheet.last_filled_row()) + 1, 2)

    def column(self, header: str, default: int = 0) -> int:
        row = self.sheet.rows[0]
        cells = row.cells if row is not None else []
        return int(cells.index(header)) if header in cells else default

    @property
    def free(self) -> int:
        """The first column that has nothing in it."""
        widths = [len(row.cells) for row in self.sheet.rows if row is not None]
        return max(widths, default=0)

    def value(self, row: int, column: int) -> Any:
        """What stands there as it would be typed."""
        found = self.sheet.value(row, column)
        return "" if found is None else str(found) if not isinstance(found, float) else repr(found)

    def retype(self, row: int, column: int, text: Any) -> None:
        """Types over a cell and remembers what was in it."""
        former = self.value(row, column)
        self.person.type(self.tab, row, column, text)
        self.memory = (row, column, former, self.sheet.value(row, column))

    def type_back(self) -> None:
        """Wherever it is by now: rows and columns may have been put before it."""
        row, column, former, typed = self.memory
        sheet = self.sheet
        if sheet.value(row, column) != typed:
            cells = ((index, at) for index in range(sheet.row_count) for at in range(sheet.column_count))
            row, column = next((place for place in cells if sheet.value(*place) == typed), (row, column))
        self.person.type(self.tab, row, column, former)


Do = Callable[[Hands], Any]


@dataclass(frozen=True)
class Edit:
    """One edit. `back` takes it back, where it may be refused with one of `refused`. `blank`: it can be done to an
    empty tab, too. `hits_header`: it damages our headers. `strays`: it takes people's texts from their rows."""

    name: str
    do: Do
    back: Do | None = None
    refused: tuple[str, ...] = ()
    blank: bool = True
    hits_header: bool = False
    strays: bool = False

    def __str__(self) -> str:
        return self.name


HEADER, KEY = ("header_damaged",), ("key_damaged",)


def _remember(action: Do) -> Do:
    def do(hands: Hands) -> None:
        hands.memory = action(hands)

    return do


def _sort_header_too(hands: Hands) -> None:
    hands.person.sort(hands.tab, hands.column("id"), header_rows=0)


def _header_to_the_top(hands: Hands) -> None:
    sheet = hands.sheet
    for index in range(1, sheet.row_count):
        row = sheet.rows[index]
        if row is not None and "score" in row.cells:
            hands.person.move_rows(hands.tab, index, index + 1, 0)


def _move_row(hands: Hands) -> None:
    top, bottom = sorted((hands.row, hands.other))
    hands.person.move_rows(hands.tab, bottom, bottom + 1, top)


def _cut_row_to_the_end(hands: Hands) -> None:
    width = max(hands.free, 1)
    hands.person.cut(hands.tab, (hands.row, hands.row + 1, 0, width), hands.height, 0)


def _cut_a_name(hands: Hands) -> None:
    at = hands.column("name")
    hands.person.cut(hands.tab, (hands.row, hands.row + 1, at, at + 1), hands.row, hands.free + 1)


def _copy_row_to_the_end(hands: Hands) -> None:
    """Our cells only: a copy of the row."""
    hands.memory = hands.height
    at = hands.column("id")
    score = hands.column("score", 3)
    hands.person.copy(
        hands.tab, (hands.row, hands.row + 1, min(at, score), max(at, score) + 1), hands.height, min(at, score)
    )


def _sort_of(column: str, *, descending: bool = False) -> Do:
    return lambda hands: hands.person.sort(hands.tab, hands.column(column), descending=descending)


def _move_column(header: str, to: Callable[[Hands], int]) -> Do:
    def do(hands: Hands) -> None:
        at = hands.column(header)
        hands.person.move_columns(hands.tab, at, at + 1, to(hands))

    return do


def _protect(*, whole: bool = False, column: str | None = None, header: bool = False) -> Do:
    def do(hands: Hands) -> int:
        if whole:
            return hands.person.protect(hands.tab)
        at = hands.column(column or "score", 3)
        if header:
            return hands.person.protect(hands.tab, 0, 1)
        if column is None:
            return hands.person.protect(hands.tab, hands.other, hands.height, at, at + 1)
        return hands.person.protect(hands.tab, None, None, at, at + 1)

    return _remember(do)


def _unprotect(hands: Hands) -> None:
    hands.person.unprotect(hands.memory)


def _on(column: str, action: Callable[[Person, str, int], Any]) -> Do:
    return lambda hands: action(hands.person, hands.tab, hands.column(column, 1))


def _rename(hands: Hands) -> None:
    hands.person.rename_tab(hands.tab, "Renamed")
    hands.tab = "Renamed"


def _hide_tab(hands: Hands) -> None:
    hands.person.hide_tab(hands.tab)


def _retype(column: str, text: str, *, header: bool = False) -> Do:
    return lambda hands: hands.retype(0 if header else hands.row, hands.column(column), text)


def _type_other_key(hands: Hands) -> None:
    at = hands.column("id")
    hands.retype(hands.row, at, hands.value(hands.other, at) or "5")


def _type_header_twice(hands: Hands) -> None:
    hands.retype(0, hands.free, "name")


def _delete_our_column(name: str) -> Do:
    def do(hands: Hands) -> None:
        hands.person.delete_columns(hands.tab, hands.column(name))

    return do


def _delete_the_keys(hands: Hands) -> None:
    at = hands.column("id")
    hands.memory = at, [[hands.value(index, at)] for index in range(hands.height)]
    hands.person.delete_columns(hands.tab, at)


def _keys_back(hands: Hands) -> None:
    at, keys = hands.memory
    hands.person.insert_columns(hands.tab, at)
    hands.person.type_rows(hands.tab, 0, at, keys)


def _stranger(hands: Hands) -> None:
    """A row of their own, with a key that is in no database."""
    hands.memory = hands.height
    hands.person.type(hands.tab, hands.height, hands.column("id"), "999")


def _delete_remembered_row(hands: Hands) -> None:
    """The row is where it was, or further down: found by what is in it."""
    sheet, at = hands.sheet, hands.column("id")
    for index in range(sheet.row_count - 1, 0, -1):
        if sheet.value(index, at) in (999, 999.0):
            hands.person.delete_rows(hands.tab, index)
            return
    hands.person.delete_rows(hands.tab, hands.memory)


def _line_below(hands: Hands) -> None:
    row, column = hands.memory = (hands.height, hands.column(THEIRS, hands.free))
    hands.person.type(hands.tab, row, column, f"{MARK}of my own")


def _clear_remembered(hands: Hands) -> None:
    sheet, (_, column) = hands.sheet, hands.memory
    for index in range(sheet.row_count):
        if sheet.value(index, column) == f"{MARK}of my own":
            hands.person.type(hands.tab, index, column, "")


def _delete_header_row(hands: Hands) -> None:
    hands.person.delete_rows(hands.tab, 0)


def _merge(rows: int, first: str) -> Do:
    def do(hands: Hands) -> None:
        at = hands.column(first)
        hands.person.merge(hands.tab, hands.row, hands.row + rows, at, at + (2 if rows == 1 else 1))

    return do


def _unmerge(hands: Hands) -> None:
    hands.person.unmerge(hands.tab, 0, hands.sheet.row_count, 0, hands.sheet.column_count)


def _named(hands: Hands) -> None:
    at = hands.column("score", 1)
    hands.person.name_range("our_scores", hands.tab, 1, None, at, at + 1)
    hands.person.type(hands.tab, 0, hands.free + 1, "=SUM(our_scores)")


def _sort_views(hands: Hands) -> None:
    hands.person.filter(hands.tab, hands.column("name", 1), descending=True)


def _validated(hands: Hands) -> None:
    at = hands.column("name", 1)
    hands.person.validate(hands.tab, 1, 500, at, at + 1, values=["nobody"])


def _formatted(hands: Hands) -> None:
    at = hands.column("score", 1)
    hands.person.conditional_format(hands.tab, 1, None, at, at + 1, kind="NUMBER_GREATER", value="5")


def _undo(hands: Hands) -> None:
    """What they typed long ago was put back since; undoing it puts back the value before that."""
    hands.person.undo()


EDITS: Sequence[Edit] = (
    # rows
    Edit("sort descending", _sort_of("id", descending=True), blank=False),
    Edit("sort by their own column", _sort_of(THEIRS, descending=True), blank=False),
    Edit("sort with a filter's menu", _sort_views, blank=False),
    Edit("sort the header, too", _sort_header_too, _header_to_the_top, HEADER, blank=False, hits_header=True),
    Edit("insert a row at the top", lambda h: h.person.insert_rows(h.tab, 1)),
    Edit("insert rows in the middle", lambda h: h.person.insert_rows(h.tab, h.row, 3)),
    Edit("insert a row above the header", lambda h: h.person.insert_rows(h.tab, 0),
         lambda h: h.person.delete_rows(h.tab, 0), HEADER, hits_header=True),
    Edit("insert a row below all", lambda h: h.person.insert_rows(h.tab, h.height)),
    Edit("delete a row", lambda h: h.person.delete_rows(h.tab, h.row)),
    Edit("move a row", _move_row, blank=False),
    Edit("cut a row to the end", _cut_row_to_the_end, blank=False),
    Edit("copy a row to the end", _copy_row_to_the_end, lambda h: h.person.delete_rows(h.tab, h.memory),
         ("duplicate_key",), blank=False),
    Edit("hide rows", lambda h: h.person.hide_rows(h.tab, 1, h.row + 1)),
    Edit("type a line below", _line_below, _clear_remembered, HEADER),
    Edit("type a row with a strange key", _stranger, _delete_remembered_row, ("unknown_rows", *HEADER)),
    # columns
    Edit("insert a column at the left", lambda h: h.person.insert_columns(h.tab, 0)),
    Edit("insert a column between ours", lambda h: h.person.insert_columns(h.tab, h.column("name", 1))),
    Edit("add a column", lambda h: h.person.type(h.tab, 0, h.free, "mine, too"),
         lambda h: h.person.type(h.tab, 0, h.column("mine, too"), ""), HEADER),
    Edit("move our column", _move_column("score", lambda h: 0), blank=False),
    Edit("move the key column", _move_column("id", lambda h: h.free), blank=False),
    Edit("move their column", _move_column(THEIRS, lambda h: 0), blank=False),
    Edit("delete our column", _delete_our_column("name"), blank=False, hits_header=True),
    Edit("delete the key column", _delete_the_keys, _keys_back, KEY, blank=False, hits_header=True),
    Edit("hide columns", lambda h: h.person.hide_columns(h.tab, 0, 2)),
    # headers, keys, values
    Edit("rename our header", _retype("name", "Nom", header=True), Hands.type_back, HEADER, hits_header=True),
    Edit("empty the key's header", _retype("id", "", header=True), Hands.type_back, HEADER, blank=False,
         hits_header=True),
    Edit("delete the header row", _delete_header_row, blank=False, hits_header=True),
    Edit("type our header twice", _type_header_twice, Hands.type_back, HEADER, hits_header=True),
    Edit("edit a key", _retype("id", "77"), Hands.type_back, (*KEY, "unknown_rows", *HEADER)),
    Edit("empty a key", _retype("id", ""), Hands.type_back, KEY, blank=False),
    Edit("type another row's key", _type_other_key, Hands.type_back, ("duplicate_key", *KEY, *HEADER)),
    Edit("edit a value", _retype("score", "4711"), Hands.type_back, HEADER),
    Edit("empty a value", _retype("score", ""), blank=False),
    Edit("put a formula over a value", _retype("score", "=1+1"), Hands.type_back, HEADER),
    Edit("replace in all cells", lambda h: h.person.replace(h.tab, "p", "q"), blank=False),
    Edit("undo", _undo, blank=False),
    Edit("cut a value elsewhere", _cut_a_name, blank=False),
    # layers
    Edit("filter", lambda h: h.person.filter(h.tab)),
    Edit("make a filter view", lambda h: h.person.filter_view(h.tab, "some", 0, ["2"])),
    Edit("validate our column", _validated),
    Edit("format our column by a condition", _formatted),
    Edit("name our cells and sum them", _named, lambda h: h.person.type(h.tab, 0, h.free - 1, ""), HEADER),
    Edit("merge two of our cells", _merge(1, "id"), _unmerge, ("merged",)),
    Edit("merge two keys", _merge(2, "id"), _unmerge, ("merged", *KEY)),
    Edit("protect our cells", _protect(), _unprotect, ("protected",)),
    Edit("protect our header", _protect(header=True), _unprotect, ("protected",)),
    Edit("protect the tab", _protect(whole=True), _unprotect, ("protected",)),
    Edit("protect their own column", _protect(column=THEIRS), _unprotect, ("protected",)),
    Edit("note a cell", lambda h: h.person.note(h.tab, h.row, h.column("name", 1), f"{MARK}on a cell")),
    Edit("colour a cell", lambda h: h.person.color(h.tab, h.row, h.column("name", 1))),
    # tabs
    Edit("rename the tab", _rename),
    Edit("hide the tab", _hide_tab),
    Edit("move the tab", lambda h: h.person.move_tab(h.tab, 0)),
    Edit("duplicate the tab", lambda h: h.person.duplicate_tab(h.tab)),
    Edit("delete the tab", lambda h: h.person.delete_tab(h.tab), hits_header=True),
    Edit("freeze nothing", lambda h: h.person.freeze(h.tab, 0)),
    Edit("freeze more", lambda h: h.person.freeze(h.tab, 3, 1)),
)  # fmt: skip
