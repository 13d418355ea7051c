"""Takes cells in Google's JSON (`CellData`) into rows, under a field mask."""

from __future__ import annotations

from typing import Any

import msgspec

from .. import masks, styles
from ..cells import MAX_CHARACTERS, TOO_LONG, Formula, Value, finite, number
from ..errors import bad_json, invalid
from ..grid import Json, Sheet, Style, Styles
from ..masks import Mask

_EXTRA = ("textFormatRuns", "pivotTable", "dataSourceTable", "dataSourceFormula", "chipRuns")
_STYLED = ("userEnteredFormat", "dataValidation", *_EXTRA)
_READ_ONLY = ("effectiveValue", "formattedValue", "effectiveFormat", "hyperlink")
_KNOWN = frozenset(("userEnteredValue", "note", *_STYLED, *_READ_ONLY))


class ExtendedValue(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """A value as it is entered; exactly one field is set."""

    string_value: str | None = None
    number_value: int | float | str | None = None
    bool_value: bool | None = None
    formula_value: str | None = None
    error_value: Any = None


class CellData(msgspec.Struct, rename="camel", forbid_unknown_fields=True, gc=False):
    """A cell as given. Formats stay raw: most cells of a request share a few, which are read once."""

    user_entered_value: ExtendedValue | None = None
    user_entered_format: msgspec.Raw = msgspec.Raw()
    note: str | None = None
    data_validation: msgspec.Raw = msgspec.Raw()
    text_format_runs: msgspec.Raw = msgspec.Raw()
    pivot_table: msgspec.Raw = msgspec.Raw()
    data_source_table: msgspec.Raw = msgspec.Raw()
    data_source_formula: msgspec.Raw = msgspec.Raw()
    chip_runs: msgspec.Raw = msgspec.Raw()
    effective_value: msgspec.Raw = msgspec.Raw()
    formatted_value: msgspec.Raw = msgspec.Raw()
    effective_format: msgspec.Raw = msgspec.Raw()
    hyperlink: msgspec.Raw = msgspec.Raw()

    def raw(self, name: str) -> bytes:
        """The JSON of one of the fields that stay raw, by its name in the API."""
        found = bytes(getattr(self, _ATTRIBUTES[name]))
        return b"" if found == b"null" else found


_ATTRIBUTES = {
    "userEnteredFormat": "user_entered_format",
    "dataValidation": "data_validation",
    "textFormatRuns": "text_format_runs",
    "pivotTable": "pivot_table",
    "dataSourceTable": "data_source_table",
    "dataSourceFormula": "data_source_formula",
    "chipRuns": "chip_runs",
}
_BLANK = CellData()
_EXACT = 2**53  # whole numbers up to this are the same as doubles


class RowData(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    values: list[CellData | None] | None = None


def cells_of(row: RowData | None) -> list[CellData | None]:
    return row.values or [] if row is not None else []


def entered(given: ExtendedValue | None) -> Value:
    """A value as a cell keeps it; an absent or empty one clears."""
    if given is None:
        return None
    if given.string_value is not None:
        return text(given.string_value)
    if given.number_value is not None:
        return _number(given.number_value)
    if given.bool_value is not None:
        return given.bool_value
    if given.formula_value is not None:
        return _formula(given.formula_value)
    if given.error_value is not None:
        raise invalid("Cells with an error value cannot be written.")
    return None


def text(given: str) -> Value:
    """A text as a cell keeps it: an empty one is no value, a too long one is refused."""
    if len(given) > MAX_CHARACTERS:
        raise invalid(TOO_LONG)
    return given or None


def _number(given: int | float | str) -> Value:
    try:
        value = float(given) if isinstance(given, str) else given
    except ValueError as error:
        raise bad_json(f"Invalid value at 'numberValue' (TYPE_DOUBLE), \"{given}\"", "numberValue") from error
    if not finite(value):
        raise bad_json(f"Invalid value at 'numberValue' (TYPE_DOUBLE), {given!r}", "numberValue")
    return number(value)


def _formula(given: str) -> Value:
    if len(given) > MAX_CHARACTERS:
        raise invalid(TOO_LONG)
    return Formula(given if given.startswith("=") else f"={given}")


class CellChange:
    """What a mask changes of a cell, ready to be put on many cells."""

    def __init__(self, mask: Mask) -> None:
        for name in mask:
            if name not in _KNOWN:
                raise masks.bad_mask(name)
        self._mask = mask
        self._value = masks.wants(mask, "userEnteredValue")
        self._note = masks.wants(mask, "note")
        self._styled = [name for name in _STYLED if masks.wants(mask, name)]
        self._known: dict[tuple[Any, ...], Style | None] = {}
        self._rows: dict[tuple[Styles, tuple[bytes, ...], int], Styles] = {}
        self.only_style = not self._value and not self._note

    def put_row(self, sheet: Sheet, row: int, column: int, cells: list[CellData | None]) -> None:
        """Changes neighbouring cells of one row."""
        if self._value:
            place_values(sheet, row, column, [_quick(cell) for cell in cells])
        if self._note:
            _put_notes(sheet, row, column, cells)
        if self._styled:
            self._put_styles(sheet, row, column, cells)

    def _put_styles(self, sheet: Sheet, row: int, column: int, cells: list[CellData | None]) -> None:
        found = sheet.rows[row]
        old = found.styles if found is not None else ()
        given = tuple([cell.raw(name) if cell else b"" for name in self._styled for cell in cells])
        new = self._rows.get((old, given, column))
        if new is None:
            new = self._rows[old, given, column] = self._restyled(old, column, cells)
        if new is not old:
            sheet.own(row).styles = new

    def _restyled(self, old: Styles, column: int, cells: list[CellData | None]) -> Styles:
        """The row's styles with those of the cells put in; rows alike are worked out once."""
        new: list[Style | None] = list(old)
        new.extend([None] * (column + len(cells) - len(new)))
        for place, cell in enumerate(cells, column):
            new[place] = self.style(new[place], cell or _BLANK)
        return styles.POOL.row(new)

    def style(self, old: Style | None, cell: CellData) -> Style | None:
        """The cell's style after the change."""
        given = [cell.raw(name) for name in self._styled]
        key = (old, *given)
        if key not in self._known:
            self._known[key] = self._new_style(old, dict(zip(self._styled, given, strict=True)))
        return self._known[key]

    def _new_style(self, old: Style | None, given: dict[str, bytes]) -> Style | None:
        format_, validation, extra = (old.format, old.validation, old.extra) if old else (None, None, None)
        for name, raw in given.items():
            value = msgspec.json.decode(raw) if raw else None
            if name == "userEnteredFormat":
                under = _with_twins(masks.below(self._mask, name))
                format_ = masks.update(format_ or {}, styles.normal_format(value or {}), under)
                _check_number_format(format_)
            elif name == "dataValidation":
                validation = value
            else:
                kept = {key: item for key, item in (extra or {}).items() if key != name}
                extra = kept | ({name: value} if value else {})
        return styles.make_style(format_, validation, extra)


def _with_twins(mask: Mask) -> Mask:
    """A colour and its style are one thing: a mask that names one of them means both."""
    found: Mask = {}
    for name, under in mask.items():
        if name.endswith("Color"):
            found |= {name: {}, f"{name}Style": {}}
        elif name.endswith("ColorStyle"):
            found |= {name: {}, name.removesuffix("Style"): {}}
        else:
            found[name] = _with_twins(under)
    return found


def _check_number_format(format_: Json) -> None:
    number_format = format_.get("numberFormat")
    if number_format and not number_format.get("type"):
        raise invalid("userEnteredFormat.numberFormat.type must be specified.")


def _put_notes(sheet: Sheet, row: int, column: int, cells: list[CellData | None]) -> None:
    for place, cell in enumerate(cells, column):
        note = cell.note if cell is not None else None
        if note or sheet.note(row, place):
            sheet.set_note(row, place, note)


def write_rows(
    sheet: Sheet, row: int, column: int, rows: list[RowData | None], change: CellChange, *, width: int
) -> None:
    """Puts rows into the grid from one corner on; cells of a row beyond the data stay."""
    for offset, given in enumerate(rows):
        cells = cells_of(given)
        if len(cells) > width:
            raise invalid(
                f"Attempting to write column: {column + width}, beyond the last requested column of: "
                f"{column + width - 1}"
            )
        if cells:
            change.put_row(sheet, row + offset, column, cells)


def _quick(cell: CellData | None) -> Value:
    """`entered`, with the shortest way for what most cells are."""
    if cell is None or cell.user_entered_value is None:
        return None
    given = cell.user_entered_value
    found = given.string_value
    if found is not None and len(found) <= MAX_CHARACTERS:
        return found or None
    value = given.number_value
    if found is None and type(value) is int and -_EXACT <= value <= _EXACT:
        return value
    return entered(given)


def place_values(sheet: Sheet, row: int, column: int, values: list[Value]) -> None:
    """Replaces the cells of one row from `column` on; a None clears its cell."""
    if not sheet.has_formulas and Formula in map(type, values):
        sheet.has_formulas = True
    if sheet.rows[row] is None and values.count(None) == len(values):
        return
    target = sheet.own(row)
    cells = target.cells
    if len(cells) <= column:
        if len(cells) < column:
            cells.extend([None] * (column - len(cells)))
        cells.extend(values)
    else:
        cells[column : column + len(values)] = values
    if cells and cells[-1] is None:
        target.trim()
