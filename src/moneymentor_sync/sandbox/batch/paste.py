"""Requests that copy, move and replace what is in cells: copyPaste, cutPaste, findReplace, trimWhitespace."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from .. import styles
from ..a1 import Box
from ..cells import CellError, Formula, Value
from ..errors import invalid
from ..formula import follow
from ..grid import Json, Row, Sheet, Style, Styles
from ..render import effective, formatted
from ..typed import understand
from . import inputs
from .cellinput import place_values
from .context import Context, handles
from .following import follow_cut
from .merging import merge, overlapping, unmerge

PASTE_TYPES = (
    "PASTE_NORMAL",
    "PASTE_VALUES",
    "PASTE_FORMAT",
    "PASTE_NO_BORDERS",
    "PASTE_FORMULA",
    "PASTE_DATA_VALIDATION",
    "PASTE_CONDITIONAL_FORMATTING",
)
_WITH_CELLS = frozenset(("PASTE_NORMAL", "PASTE_VALUES", "PASTE_NO_BORDERS", "PASTE_FORMULA"))
_WITH_STYLES = frozenset(("PASTE_NORMAL", "PASTE_FORMAT", "PASTE_NO_BORDERS", "PASTE_DATA_VALIDATION"))


@handles("copyPaste")
def copy_paste(context: Context, body: Json) -> None:
    source, from_box = inputs.box(context.document, inputs.part(body, "source"))
    target, to_box = inputs.box(context.document, inputs.part(body, "destination"))
    paste = _paste_type(body)
    transpose = body.get("pasteOrientation") == "TRANSPOSE"
    height, width = (from_box.width, from_box.height) if transpose else (from_box.height, from_box.width)
    if not height or not width:
        return
    down, across = max(1, to_box.height // height), max(1, to_box.width // width)
    whole = Box(to_box.row, to_box.row + height * down, to_box.column, to_box.column + width * across)
    _fits(target, whole)
    context.guard(target, whole)
    block = _Block(context, source, from_box, paste, transpose)
    for tile_row in range(down):
        for tile_column in range(across):
            block.put(target, to_box.row + tile_row * height, to_box.column + tile_column * width)
    if paste == "PASTE_NORMAL" and not transpose and (source.extras.merges or target.extras.merges):
        _copy_merges(source, from_box, target, whole)


def _paste_type(body: Json) -> str:
    paste = body.get("pasteType") or PASTE_TYPES[0]
    if paste not in PASTE_TYPES:
        raise invalid(f"Invalid pasteType: {paste}")
    return str(paste)


def _fits(sheet: Sheet, box: Box) -> None:
    if box.end_row > sheet.row_count or box.end_column > sheet.column_count:
        raise invalid(
            f"Attempting to write outside of the grid: rows {sheet.row_count}, columns {sheet.column_count}."
        )


class _Block:
    """What was copied: taken whole before anything is written, since source and destination may overlap."""

    def __init__(self, context: Context, source: Sheet, box: Box, paste: str, transpose: bool) -> None:
        self._box, self._paste, self._source = box, paste, source
        self._has_formulas = source.has_formulas
        self._cells: list[list[Value]] = []
        self._styles: list[Styles] = []
        self._known: dict[tuple[Styles, Styles, int], Styles] = {}
        self._notes: list[dict[int, str]] = []
        for index in range(box.row, box.end_row):
            row = source.rows[index]
            self._cells.append(self._taken(context, row, index))
            self._styles.append(row.styles[box.column : box.end_column] if row else ())
            self._notes.append(_notes(row, box))
        if transpose:
            self._cells = _turned(self._cells, box, None)
            self._styles = [tuple(row) for row in _turned(self._styles, box, None)]
            self._notes = [{} for _ in self._cells]
        self._width = box.height if transpose else box.width

    def _taken(self, context: Context, row: Row | None, index: int) -> list[Value]:
        if row is None or self._paste not in _WITH_CELLS:
            return []
        cells = row.cells[self._box.column : self._box.end_column]
        if self._paste == "PASTE_VALUES" and self._has_formulas:
            return [
                effective(context.document, self._source, index, self._box.column + place)
                if type(value) is Formula
                else value
                for place, value in enumerate(cells)
            ]
        return cells

    def put(self, target: Sheet, row: int, column: int, *, as_it_is: bool = False) -> None:
        """Writes the block with its corner there; formulas are offset, or stay as they are."""
        rows, columns = row - self._box.row, column - self._box.column
        moved = self._has_formulas and self._paste != "PASTE_VALUES" and not as_it_is
        for offset, cells in enumerate(self._cells):
            if self._paste in _WITH_CELLS:
                if moved:
                    cells = [
                        follow.offset(value, rows, columns) if type(value) is Formula else value for value in cells
                    ]
                place_values(target, row + offset, column, cells + [None] * (self._width - len(cells)))
            if self._paste in _WITH_STYLES:
                self._put_styles(target, row + offset, column, self._styles[offset])
            if self._paste == "PASTE_NORMAL":
                self._put_notes(target, row + offset, column, self._notes[offset])

    def _put_styles(self, target: Sheet, row: int, column: int, given: Styles) -> None:
        found = target.rows[row]
        old = found.styles if found is not None else ()
        if not given and not old:
            return
        new = self._known.get((old, given, column))
        if new is None:
            new = self._known[old, given, column] = self._restyled(old, given, column)
        if new is not old:
            target.own(row).styles = new

    def _restyled(self, old: Styles, given: Styles, column: int) -> Styles:
        """A row's styles after the pasted ones were put over them from `column` on."""
        end = column + self._width
        styled: list[Style | None] = list(old)
        styled.extend([None] * (end - len(styled)))
        over = [*given, *[None] * (self._width - len(given))]
        styled[column:end] = [
            self._styled(before, after) for before, after in zip(styled[column:end], over, strict=True)
        ]
        return styles.POOL.row(styled)

    def _styled(self, under: Style | None, over: Style | None) -> Style | None:
        if self._paste == "PASTE_NORMAL":
            return over
        if self._paste == "PASTE_DATA_VALIDATION":
            return styles.with_validation(under, over.validation if over else None)
        format_ = over.format if over else None
        if self._paste == "PASTE_NO_BORDERS":
            bare = {name: value for name, value in (format_ or {}).items() if name != "borders"}
            kept = styles.borders(under.format if under else None)
            format_ = bare | ({"borders": kept} if kept else {})
        return styles.with_format(under, format_)

    def _put_notes(self, target: Sheet, row: int, column: int, given: dict[int, str]) -> None:
        found = target.rows[row]
        old = found.notes if found is not None else None
        if not given and not old:
            return
        kept = {key: text for key, text in (old or {}).items() if not column <= key < column + self._width}
        kept |= {column + key: text for key, text in given.items()}
        target.own(row).notes = kept or None


def _notes(row: Row | None, box: Box) -> dict[int, str]:
    if row is None or not row.notes:
        return {}
    return {
        column - box.column: text for column, text in row.notes.items() if box.column <= column < box.end_column
    }


def _turned(rows: Sequence[Sequence[Any]], box: Box, blank: Any) -> list[list[Any]]:
    return [[row[column] if column < len(row) else blank for row in rows] for column in range(box.width)]


def _copy_merges(source: Sheet, from_box: Box, target: Sheet, whole: Box) -> None:
    inside = [item for item in source.extras.merges if from_box.contains(item)]
    unmerge(target, whole)
    for top in range(whole.row, whole.end_row, from_box.height):
        for left in range(whole.column, whole.end_column, from_box.width):
            for item in inside:
                merge(target, item.shifted(top - from_box.row, left - from_box.column))


@handles("cutPaste")
def cut_paste(context: Context, body: Json) -> None:
    source, from_box = inputs.box(context.document, inputs.part(body, "source"))
    target, row, column = inputs.coordinate(context.document, inputs.part(body, "destination"))
    to_box = Box(row, row + from_box.height, column, column + from_box.width)
    _fits(target, to_box)
    context.guard(source, from_box)
    context.guard(target, to_box)
    paste = _paste_type(body)
    move_block(context, source, from_box, target, to_box, paste)


def move_block(
    context: Context, source: Sheet, from_box: Box, target: Sheet, to_box: Box, paste: str = "PASTE_NORMAL"
) -> None:
    """Cuts a block out and puts it elsewhere; formulas in it keep their text. References to cells of it follow,
    and names of ranges that lie wholly in it; developer metadata does not."""
    block = _Block(context, source, from_box, paste, transpose=False)
    inside = [item for item in source.extras.merges if from_box.contains(item)]
    clear(source, from_box, paste)
    block.put(target, to_box.row, to_box.column, as_it_is=True)
    target.has_formulas |= source.has_formulas
    unmerge(target, to_box)
    for item in inside:
        merge(target, item.shifted(to_box.row - from_box.row, to_box.column - from_box.column))
    follow_cut(context.document, source, from_box, target, to_box)


def _bare(old: Style | None, column: int) -> None:
    """No style at all."""


def clear(sheet: Sheet, box: Box, paste: str) -> None:
    """Empties a block of what that kind of paste takes along."""
    blank = [None] * box.width
    for index, row in list(sheet.filled_rows(box)):
        if paste in _WITH_CELLS and row.cells:
            place_values(sheet, index, box.column, list(blank))
        if paste == "PASTE_NORMAL" and row.notes:
            kept = {key: text for key, text in row.notes.items() if not box.column <= key < box.end_column}
            sheet.own(index).notes = kept or None
    if paste in ("PASTE_NORMAL", "PASTE_FORMAT"):
        styles.restyle(sheet, box, _bare)
        if overlapping(sheet, box):
            unmerge(sheet, box)


# --- find and replace -------------------------------------------------------------------------------------


@handles("findReplace")
def find_replace(context: Context, body: Json) -> Json:
    find = body.get("find")
    if not find:
        raise invalid("findReplace.find must not be empty.")
    pattern = _pattern(body, str(find))
    replacement = str(body.get("replacement") or "")
    if not body.get("searchByRegex"):
        replacement = replacement.replace("\\", r"\\")
    else:
        replacement = re.sub(r"\$(\d)", r"\\\1", replacement)
    found = _Replaced()
    for sheet, box in _scopes(context, body):
        found.run(
            context, sheet, box, lambda text: pattern.subn(replacement, text), bool(body.get("includeFormulas"))
        )
    return {"findReplace": found.reply()}


def _pattern(body: Json, find: str) -> re.Pattern[str]:
    text = find if body.get("searchByRegex") else re.escape(find)
    if body.get("matchEntireCell"):
        text = rf"\A(?:{text})\Z"
    try:
        return re.compile(text, 0 if body.get("matchCase") else re.IGNORECASE)
    except re.error as error:
        raise invalid(f"Invalid regular expression: {find}") from error


def _scopes(context: Context, body: Json) -> list[tuple[Sheet, Box]]:
    if body.get("range") is not None:
        return [inputs.box(context.document, body["range"])]
    if body.get("sheetId") is not None:
        sheet = inputs.sheet_of(context.document, body)
        return [(sheet, sheet.box)]
    if body.get("allSheets"):
        return [(sheet, sheet.box) for sheet in context.document.sheets]
    raise invalid("One of range, sheetId or allSheets must be specified.")


class _Replaced:
    """Changes texts cell by cell and counts what changed."""

    def __init__(self) -> None:
        self._occurrences = self._values = self._formulas = 0
        self._rows: set[tuple[int, int]] = set()
        self._sheets: set[int] = set()

    def run(
        self,
        context: Context,
        sheet: Sheet,
        box: Box,
        change: Callable[[str], tuple[str, int]],
        in_formulas: bool,
    ) -> None:
        for index, row in list(sheet.filled_rows(box)):
            for column in range(box.column, min(box.end_column, len(row.cells))):
                value = row.cells[column]
                if value is None or isinstance(value, CellError) or (type(value) is Formula and not in_formulas):
                    continue
                shown = value.text if isinstance(value, Formula) else formatted(value, sheet.style(index, column))
                text, count = change(shown)
                if count and text != shown:
                    context.guard(sheet, Box(index, index + 1, column, column + 1))
                    new = understand(text, this_year=context.year).value if not isinstance(value, str) else text
                    sheet.set_value(index, column, new or None if isinstance(new, str) else new)
                    self._count(sheet, index, count, isinstance(value, Formula))

    def _count(self, sheet: Sheet, row: int, occurrences: int, formula: bool) -> None:
        self._occurrences += occurrences
        self._formulas += formula
        self._values += not formula
        self._rows.add((sheet.sheet_id, row))
        self._sheets.add(sheet.sheet_id)

    def reply(self) -> Json:
        counts = {
            "valuesChanged": self._values,
            "formulasChanged": self._formulas,
            "rowsChanged": len(self._rows),
            "sheetsChanged": len(self._sheets),
            "occurrencesChanged": self._occurrences,
        }
        return {name: count for name, count in counts.items() if count}


@handles("trimWhitespace")
def trim_whitespace(context: Context, body: Json) -> Json:
    sheet, box = inputs.box(context.document, inputs.part(body, "range"))
    context.guard(sheet, box)
    changed = 0
    for index, row in list(sheet.filled_rows(box)):
        for column in range(box.column, min(box.end_column, len(row.cells))):
            value = row.cells[column]
            if isinstance(value, str) and (trimmed := " ".join(value.split())) != value:
                sheet.set_value(index, column, trimmed or None)
                changed += 1
    return {"trimWhitespace": {"cellsChangedCount": changed} if changed else {}}
