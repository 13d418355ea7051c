"""The part of a backup that people look at: its tabs as sheets, written by XlsxWriter a row at a time.

What does not fit into an .xlsx is cut here and told; what a restore needs is beside it, and whole.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from moneymentor_sync.core.backups import USUAL_COLUMN, USUAL_ROW, Entered, SavedCell, SavedRow, SavedTab
from moneymentor_sync.core.excel import MAX_COLUMNS, MAX_ROWS, MAX_TEXT, cut_text, excel_formula, sheet_names
from moneymentor_sync.core.excel_formats import colour_of, properties

Json = dict[str, Any]


_WORDS = {
    "text": (
        "1 text is longer than an .xlsx holds and is cut there",
        "{:,} texts are longer than an .xlsx holds and are cut there",
    ),
    "note": (
        "1 note is longer than an .xlsx holds and is cut there",
        "{:,} notes are longer than an .xlsx holds and are cut there",
    ),
    "rows": ("1 row is beyond what an .xlsx holds", "{:,} rows are beyond what an .xlsx holds"),
    "columns": ("1 cell is beyond the columns of an .xlsx", "{:,} cells are beyond the columns of an .xlsx"),
    "formula": (
        "1 formula is Google's own: there it is its last value, with the formula in a note",
        "{:,} formulas are Google's own: there each is its last value, with the formula in a note",
    ),
    "runs": (
        "1 cell is formatted in part: there it is formatted as a whole",
        "{:,} cells are formatted in part: there each is formatted as a whole",
    ),
}
"""What is cut, in words for one and for many; “there” is the sheets that people look at."""


@dataclass
class Cut:
    """What the sheets do not show as Google Sheets does."""

    renamed: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def notes(self) -> tuple[str, ...]:
        """In words; the first few of renamed tabs by name."""
        found = [_WORDS[what][count > 1].format(count) for what, count in sorted(self.counts.items()) if count]
        if self.renamed:
            some = ", ".join(self.renamed[:3]) + (" …" if len(self.renamed) > 3 else "")
            found.append(f"tabs have other names there, as an .xlsx allows them: {some}")
        return tuple(found)


class Book:
    """Sheets for the tabs of a backup; `workbook` is XlsxWriter's, in constant memory."""

    def __init__(self, workbook: Any, tabs: Iterable[SavedTab]) -> None:
        self._workbook = workbook
        self.cut = Cut()
        titles = [tab.title for tab in tabs]
        self._names = dict(zip(titles, sheet_names(titles), strict=True))
        self._same = {title for title, name in self._names.items() if title == name}
        self.cut.renamed = [title for title, name in self._names.items() if title != name]
        self._plain = workbook.add_format()
        self._formats: dict[str, Any] = {}
        self._shown = False

    def add(self, tab: SavedTab, rows: Callable[[list[Json]], Iterable[SavedRow]]) -> None:
        """Writes a tab's sheet; `rows` gives its rows and fills the list of their styles."""
        sheet = self._workbook.add_worksheet(self._names[tab.title])
        self._set_up(sheet, tab)
        for start, end, left, right in _merges(tab.about.get("merges", ())):
            if (end, right) != (start, left) and end < MAX_ROWS and right < MAX_COLUMNS:
                sheet.merge.append([start, left, end, right])
        heights = iter(_heights(tab))
        coming = next(heights, None)
        styles: list[Json] = []
        known: list[Any] = []
        for row in rows(styles):
            while coming is not None and coming[0] < row.index:
                self._row_height(sheet, *coming, blank=True)
                coming = next(heights, None)
            if row.index >= MAX_ROWS:
                self.cut.counts["rows"] += 1
                continue
            if coming is not None and coming[0] == row.index:
                self._row_height(sheet, *coming, blank=False)
                coming = next(heights, None)
            known.extend(map(self._format, styles[len(known) :]))
            self._row(sheet, row, known)
        while coming is not None:
            self._row_height(sheet, *coming, blank=True)
            coming = next(heights, None)

    def _set_up(self, sheet: Any, tab: SavedTab) -> None:
        given = tab.about["properties"]
        grid = given.get("gridProperties", {})
        frozen = int(grid.get("frozenRowCount", 0)), int(grid.get("frozenColumnCount", 0))
        if any(frozen):
            sheet.freeze_panes(min(frozen[0], MAX_ROWS - 1), min(frozen[1], MAX_COLUMNS - 1))
        if given.get("hidden"):
            sheet.hide()
        elif not self._shown:
            sheet.activate()
            sheet.set_first_sheet()
            self._shown = True
        if given.get("rightToLeft"):
            sheet.right_to_left()
        if grid.get("hideGridlines"):
            sheet.hide_gridlines(2)
        if (colour := colour_of(given, "tabColor")) is not None:
            sheet.set_tab_color(colour)
        first = 0
        for pixels, hidden, count in tab.columns:
            last = min(first + count, MAX_COLUMNS) - 1
            if first <= last and (hidden or pixels != USUAL_COLUMN):
                sheet.set_column_pixels(first, last, pixels, None, {"hidden": hidden})
            first += count

    def _row_height(self, sheet: Any, index: int, pixels: int, hidden: bool, *, blank: bool) -> None:
        sheet.set_row_pixels(index, pixels, None, {"hidden": hidden})
        if blank:  # a row without a cell would not be written
            sheet.write_blank(index, 0, None, self._plain)

    def _row(self, sheet: Any, row: SavedRow, formats: list[Any]) -> None:
        width = max(len(row.cells), len(row.styles), max((*row.notes, *row.extras), default=-1) + 1)
        if width > MAX_COLUMNS:
            self.cut.counts["columns"] += width - MAX_COLUMNS
            width = MAX_COLUMNS
        notes = dict(row.notes)
        styles, cells, index = row.styles, row.cells, row.index
        for column in range(width):
            number = styles[column] if column < len(styles) else -1
            format_ = formats[number] if number >= 0 else None
            cell = cells[column] if column < len(cells) else None
            if isinstance(cell, Entered):
                self._entered(sheet, index, column, cell, format_, notes)
            else:
                self._plain_cell(sheet, index, column, cell, format_ or (self._plain if column in notes else None))
        self.cut.counts["runs"] += sum("textFormatRuns" in extra for extra in row.extras.values())
        for column, note in notes.items():
            if column < MAX_COLUMNS:
                sheet.write_comment(index, column, self._cut(note, "note"))

    def _plain_cell(self, sheet: Any, row: int, column: int, cell: SavedCell, format_: Any) -> None:
        if isinstance(cell, bool):
            sheet.write_boolean(row, column, cell, format_)
        elif isinstance(cell, str):
            sheet.write_string(row, column, self._cut(cell, "text"), format_)
        elif isinstance(cell, int | float):
            sheet.write_number(row, column, cell, format_)
        elif format_ is not None:
            sheet.write_blank(row, column, None, format_)

    def _entered(
        self, sheet: Any, row: int, column: int, cell: Entered, format_: Any, notes: dict[int, str]
    ) -> None:
        shown = cell.shown
        formula = None if cell.formula is None else excel_formula(cell.formula, self._same)
        if formula is not None:
            value = "" if shown is None else self._cut(shown, "text") if isinstance(shown, str) else shown
            sheet.write_formula(row, column, formula, format_, value)
            return
        self._plain_cell(sheet, row, column, shown, format_ or self._plain)
        if cell.formula is not None:
            self.cut.counts["formula"] += 1
            said = f"In Google Sheets: {cell.formula}"
            notes[column] = f"{notes[column]}\n\n{said}" if column in notes else said

    def _cut(self, text: str, what: str) -> str:
        if len(text) <= MAX_TEXT // 2:
            return text
        shorter = cut_text(text)
        self.cut.counts[what] += shorter != text
        return shorter

    def _format(self, style: Mapping[str, Any]) -> Any:
        """XlsxWriter's format; styles that look alike share one, for an .xlsx holds 64,000."""
        given = properties(style.get("userEnteredFormat") or {})
        if not given:
            return None
        key = repr(sorted(given.items()))
        if key not in self._formats:
            self._formats[key] = self._workbook.add_format(given)
        return self._formats[key]


def _heights(tab: SavedTab) -> Iterable[tuple[int, int, bool]]:
    """The rows that are not as high as usual, or hidden."""
    first = 0
    for pixels, hidden, count in tab.rows:
        last = min(first + count, MAX_ROWS)
        if hidden or pixels != USUAL_ROW:
            yield from ((index, pixels, hidden) for index in range(first, last))
        first += count


def _merges(given: Iterable[Mapping[str, Any]]) -> Iterable[tuple[int, int, int, int]]:
    for one in given:
        rows = int(one.get("startRowIndex", 0)), int(one["endRowIndex"]) - 1
        yield *rows, int(one.get("startColumnIndex", 0)), int(one["endColumnIndex"]) - 1
