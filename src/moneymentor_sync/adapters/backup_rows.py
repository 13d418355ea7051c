"""A tab's rows as they are kept in a backup: JSON lines, compressed, with nothing of Google's answer lost.

A line is a row with anything in it, or a style before the first row that has it. Cells are a text, a number, a
truth, null, or an object where there is more to say: `{"f": formula, "v": its last value}`, `{"v": value}` for
what a formula elsewhere put there, `{"x": ...}` for what only Google understands.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

import msgspec

from moneymentor_sync.core.backups import Entered, Plain, SavedCell, SavedRow

from .google_errors import bad_answer

Json = dict[str, Any]
_ERRORS = {
    "ERROR": "#ERROR!",
    "NULL_VALUE": "#NULL!",
    "DIVIDE_BY_ZERO": "#DIV/0!",
    "VALUE": "#VALUE!",
    "REF": "#REF!",
    "NAME": "#NAME?",
    "NUM": "#NUM!",
    "N_A": "#N/A",
}


class _Value(msgspec.Struct):
    stringValue: str | None = None  # noqa: N815 - Google's names
    numberValue: int | float | None = None  # noqa: N815
    boolValue: bool | None = None  # noqa: N815
    formulaValue: str | None = None  # noqa: N815
    errorValue: dict[str, Any] | None = None  # noqa: N815


_NOTHING = msgspec.Raw()
"""What a cell has that was not there in the answer: always this object, which is quicker to see than to compare."""


class _Cell(msgspec.Struct):
    userEnteredValue: _Value | None = None  # noqa: N815
    effectiveValue: _Value | None = None  # noqa: N815
    userEnteredFormat: msgspec.Raw = _NOTHING  # noqa: N815
    dataValidation: msgspec.Raw = _NOTHING  # noqa: N815
    note: str | None = None
    textFormatRuns: msgspec.Raw = _NOTHING  # noqa: N815
    pivotTable: msgspec.Raw = _NOTHING  # noqa: N815


class _Row(msgspec.Struct):
    values: list[_Cell] = []


_row = msgspec.json.Decoder(_Row)
_encode = msgspec.json.Encoder().encode


def _plain(value: _Value | None) -> Plain:
    if value is None:
        return None
    if value.stringValue is not None:
        return value.stringValue or None
    if value.numberValue is not None:
        return value.numberValue
    if value.boolValue is not None:
        return value.boolValue
    return None


def _saved(cell: _Cell) -> SavedCell:
    entered, effective = cell.userEnteredValue, cell.effectiveValue
    if entered is not None and entered.formulaValue is None:
        return _plain(entered)
    error = effective.errorValue if effective is not None else None
    shown: Plain = _plain(effective) if error is None else _ERRORS.get(str(error.get("type")), "#ERROR!")
    if entered is not None:
        return Entered(entered.formulaValue, shown, error is not None)
    return None if shown is None else Entered(None, shown, error is not None)


class Styles:
    """The styles of a tab, each with a number: what a cell has beside its value and shares with many."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[bytes, bytes], int] = {}
        self.new: list[Json] = []
        """Those met since somebody emptied this."""

    def number(self, cell: _Cell) -> int:
        if cell.userEnteredFormat is _NOTHING and cell.dataValidation is _NOTHING:
            return -1
        key = (bytes(cell.userEnteredFormat), bytes(cell.dataValidation))
        found = self._numbers.get(key)
        if found is None:
            found = self._numbers[key] = len(self._numbers)
            names = zip(("userEnteredFormat", "dataValidation"), key, strict=True)
            self.new.append({name: msgspec.json.decode(raw) for name, raw in names if raw})
        return found


def decode_saved(index: int, raw: msgspec.Raw, styles: Styles) -> SavedRow | None:
    """One row of Google's answer; None where there is nothing in it. Raises UnavailableError."""
    try:
        cells = _row.decode(raw).values
    except msgspec.MsgspecError as error:
        raise bad_answer() from error
    row = SavedRow(index, [_saved(cell) for cell in cells], [styles.number(cell) for cell in cells])
    for column, cell in enumerate(cells):
        if cell.note:
            row.notes[column] = cell.note
        if cell.textFormatRuns is not _NOTHING or cell.pivotTable is not _NOTHING:
            extra = {"textFormatRuns": cell.textFormatRuns, "pivotTable": cell.pivotTable}
            row.extras[column] = {name: msgspec.json.decode(raw) for name, raw in extra.items() if bytes(raw)}
    _trim(row.cells)
    while row.styles and row.styles[-1] == -1:
        row.styles.pop()
    return row if row.cells or row.styles or row.notes or row.extras else None


def _trim(cells: list[SavedCell]) -> None:
    while cells and cells[-1] is None:
        cells.pop()


# --- lines ------------------------------------------------------------------------------------------------


class RowsWriter:
    """Writes the rows of one tab into a file, which must not exist; `rows` and `cells` are those with anything in
    them."""

    def __init__(self, path: Path) -> None:
        self._raw: IO[bytes] = path.open("xb")
        self._zip = gzip.GzipFile(fileobj=self._raw, mode="wb", filename="", mtime=0, compresslevel=5)
        self.styles = Styles()
        self.rows = self.cells = 0
        self._last: list[int] = []

    def put(self, row: SavedRow) -> None:
        lines = [_encode({"style": style}) for style in self.styles.new]
        self.styles.new.clear()
        kept: Json = {"r": row.index, "c": [_kept(cell) for cell in row.cells]}
        if row.styles != self._last:
            kept["s"] = _runs(row.styles)
            self._last = row.styles
        if row.notes:
            kept["n"] = list(row.notes.items())
        if row.extras:
            kept["x"] = list(row.extras.items())
        lines.append(_encode(kept))
        self._zip.write(b"\n".join(lines) + b"\n")
        cells = len(row.cells) - row.cells.count(None)
        self.rows += bool(cells or row.notes)  # a format reaches far below what is in a column
        self.cells += cells

    def close(self) -> None:
        self._zip.close()
        self._raw.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _kept(cell: SavedCell) -> Any:
    if not isinstance(cell, Entered):
        return cell
    kept: Json = {"v": cell.shown}
    if cell.formula is not None:
        kept["f"] = cell.formula
    return kept | ({"e": True} if cell.is_error else {})


def _runs(styles: list[int]) -> list[list[int]]:
    runs: list[list[int]] = []
    for number in styles:
        if runs and runs[-1][0] == number:
            runs[-1][1] += 1
        else:
            runs.append([number, 1])
    return runs


class _Line(msgspec.Struct):
    style: Json | None = None
    r: int = -1
    c: list[Any] = []
    s: list[tuple[int, int]] | None = None
    n: list[tuple[int, str]] = []
    x: list[tuple[int, Json]] = []


_line = msgspec.json.Decoder(_Line)


def read_rows(stream: IO[bytes], styles: list[Json]) -> Iterator[SavedRow]:
    """The rows again, in order; `styles` fills with the styles that they refer to by number.

    Raises OSError, EOFError and msgspec.MsgspecError where it is not what `RowsWriter` wrote.
    """
    last: list[int] = []
    with gzip.GzipFile(fileobj=stream, mode="rb") as lines:
        for raw in lines:
            line = _line.decode(raw)
            if line.style is not None:
                styles.append(line.style)
                continue
            if line.s is not None:
                last = [number for number, count in line.s for _ in range(count)]
            yield SavedRow(line.r, [_cell(one) for one in line.c], last, dict(line.n), dict(line.x))


def _cell(kept: Any) -> SavedCell:
    if type(kept) is dict:
        return Entered(kept.get("f"), kept.get("v"), bool(kept.get("e")))
    cell: Plain = kept
    return cell


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
