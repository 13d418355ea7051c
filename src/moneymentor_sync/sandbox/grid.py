"""One tab: its rows, columns and what is attached to them.

Copy on write: a committed tab is never changed. A draft shares its rows until it writes to one, so that a
request which fails half way is undone by forgetting the draft, and readers never wait for writers. The same
holds for every list and dict in here: replace it, never change it in place.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from .a1 import Area, Box
from .cells import Value

Json: TypeAlias = dict[str, Any]
Styles: TypeAlias = "tuple[Style | None, ...]"

DEFAULT_ROW_PIXELS = 21
DEFAULT_COLUMN_PIXELS = 100


@dataclass(frozen=True, slots=True, eq=False)
class Style:
    """What a cell carries beside its value: the format as entered, and its validation rule. Shared."""

    format: Json | None = None
    validation: Json | None = None
    extra: Json | None = None  # textFormatRuns, pivotTable, chipRuns ... kept as given


class Row:
    """One row. `cells` ends with the last filled cell; `styles` and `notes` are empty for most rows.

    They travel with the row when it is moved or sorted; `props` (height, hidden) belongs to the position.
    """

    __slots__ = ("cells", "notes", "props", "stamp", "styles")

    def __init__(
        self,
        cells: list[Value],
        styles: Styles = (),
        notes: dict[int, str] | None = None,
        props: Json | None = None,
        stamp: object = None,
    ) -> None:
        self.cells = cells
        self.styles = styles
        self.notes = notes
        self.props = props
        self.stamp = stamp

    def copied(self, stamp: object) -> Row:
        return Row(self.cells.copy(), self.styles, self.notes, self.props, stamp)

    def trim(self) -> None:
        cells = self.cells
        while cells and cells[-1] is None:
            cells.pop()

    @property
    def is_plain(self) -> bool:
        """True where nothing but values is in it."""
        return not self.styles and not self.notes and not self.props


@dataclass(slots=True)
class Extras:
    """What lies over the cells of a tab, in Google's JSON with every range as an `Area` beside it."""

    merges: list[Box] = field(default_factory=list)
    basic_filter: Ranged | None = None
    filter_views: dict[int, Ranged] = field(default_factory=dict)
    protected: dict[int, Ranged] = field(default_factory=dict)
    banded: dict[int, Ranged] = field(default_factory=dict)
    conditional: list[Conditional] = field(default_factory=list)
    charts: dict[int, Chart] = field(default_factory=dict)
    row_groups: list[Group] = field(default_factory=list)
    column_groups: list[Group] = field(default_factory=list)

    def copied(self) -> Extras:
        return Extras(
            list(self.merges),
            self.basic_filter,
            dict(self.filter_views),
            dict(self.protected),
            dict(self.banded),
            list(self.conditional),
            dict(self.charts),
            list(self.row_groups),
            list(self.column_groups),
        )


@dataclass(frozen=True, slots=True)
class Ranged:
    """Something that lies on one area: `body` is its JSON without the range."""

    area: Area
    body: Json


@dataclass(frozen=True, slots=True)
class Conditional:
    """A conditional format rule: several areas, one rule."""

    areas: tuple[Area, ...]
    body: Json


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart over the cells, anchored at one. `overlay` has its offsets and size in pixels, `spec` is Google's."""

    row: int
    column: int
    overlay: Json
    spec: Json
    border: Json | None = None


@dataclass(frozen=True, slots=True)
class Group:
    """A group of rows or columns that can be folded."""

    start: int
    end: int
    depth: int = 1
    collapsed: bool = False


@dataclass(slots=True)
class Sheet:
    """A tab. `rows[i]` is None where row i is empty; `len(rows)` is the grid's row count."""

    sheet_id: int
    title: str
    rows: list[Row | None]
    column_count: int
    columns: list[Json | None]  # width and hidden, by column; None for the default
    hidden: bool = False
    right_to_left: bool = False
    tab_color: Json | None = None
    frozen_rows: int = 0
    frozen_columns: int = 0
    hide_gridlines: bool = False
    row_group_control_after: bool = False
    column_group_control_after: bool = False
    has_formulas: bool = False  # some formula has been in it: a hint that saves looking through all cells
    extras: Extras = field(default_factory=Extras)
    stamp: object = None
    owns_rows: bool = True

    @classmethod
    def blank(cls, sheet_id: int, title: str, rows: int = 1000, columns: int = 26) -> Sheet:
        return cls(sheet_id, title, [None] * rows, columns, [None] * columns)

    def draft(self, stamp: object) -> Sheet:
        """A copy that shares the rows until `writable` is called."""
        twin = copy.copy(self)
        twin.stamp, twin.owns_rows = stamp, False
        twin.extras = self.extras.copied()
        twin.columns = list(self.columns)
        return twin

    @property
    def row_count(self) -> int:
        return len(self.rows)

    @property
    def cell_count(self) -> int:
        return len(self.rows) * self.column_count

    @property
    def box(self) -> Box:
        return Box(0, len(self.rows), 0, self.column_count)

    def writable(self) -> list[Row | None]:
        """The list of rows, this draft's own."""
        if not self.owns_rows:
            self.rows = list(self.rows)
            self.owns_rows = True
        return self.rows

    def own(self, index: int) -> Row:
        """Row `index`, made or copied so that this draft may change it."""
        rows = self.rows if self.owns_rows else self.writable()
        row = rows[index]
        if row is None:
            row = rows[index] = Row([], stamp=self.stamp)
        elif row.stamp is not self.stamp:
            row = rows[index] = row.copied(self.stamp)
        return row

    def value(self, row: int, column: int) -> Value:
        found = self.rows[row] if 0 <= row < len(self.rows) else None
        return found.cells[column] if found is not None and 0 <= column < len(found.cells) else None

    def style(self, row: int, column: int) -> Style | None:
        found = self.rows[row]
        return found.styles[column] if found is not None and column < len(found.styles) else None

    def note(self, row: int, column: int) -> str | None:
        found = self.rows[row]
        return found.notes.get(column) if found is not None and found.notes else None

    def set_value(self, row: int, column: int, value: Value) -> None:
        cells = self.own(row).cells
        if column < len(cells):
            cells[column] = value
            if value is None and column == len(cells) - 1:
                self.own(row).trim()
        elif value is not None:
            cells.extend([None] * (column - len(cells)))
            cells.append(value)

    def set_note(self, row: int, column: int, note: str | None) -> None:
        target = self.own(row)
        notes = dict(target.notes or {})
        notes.pop(column, None)
        if note:
            notes[column] = note
        target.notes = notes or None

    def filled_rows(self, box: Box) -> Iterator[tuple[int, Row]]:
        """The rows inside the box that exist, with their index."""
        rows = self.rows
        for index in range(box.row, min(box.end_row, len(rows))):
            row = rows[index]
            if row is not None:
                yield index, row

    def last_filled_row(self) -> int:
        """The index of the last row with a value, or -1."""
        rows = self.rows
        for index in range(len(rows) - 1, -1, -1):
            row = rows[index]
            if row is not None and row.cells:
                return index
        return -1


def is_hidden(props: Json | None) -> bool:
    """Whether these are the properties of a row or column that a person or a filter hid."""
    return bool(props and (props.get("hiddenByUser") or props.get("hiddenByFilter")))


class StylePool:
    """Makes equal styles the same object, and equal rows of styles the same tuple: a column of a million
    dates costs one tuple."""

    def __init__(self) -> None:
        self._styles: dict[bytes, Style] = {}
        self._tuples: dict[Styles, Styles] = {}

    def style(self, key: bytes, make: Callable[[], Style]) -> Style:
        """The one style under that key (its canonical JSON)."""
        found = self._styles.get(key)
        if found is None:
            found = self._styles[key] = make()
        return found

    def row(self, styles: list[Style | None]) -> Styles:
        """The shared tuple of these styles, its trailing blanks cut."""
        end = len(styles)
        while end and styles[end - 1] is None:
            end -= 1
        key = tuple(styles[:end])
        return self._tuples.setdefault(key, key)
