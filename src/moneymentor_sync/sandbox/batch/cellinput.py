"""Takes cells in Google's JSON (`CellData`) into rows, under a field mask."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .. import masks, styles
from ..cells import MAX_CHARACTERS, TOO_LONG, Formula, Value, finite, number
from ..errors import bad_json, invalid, unknown_field
from ..grid import Json, Sheet
from ..masks import Mask

_EXTRA = ("textFormatRuns", "pivotTable", "dataSourceTable", "dataSourceFormula", "chipRuns")
_KNOWN = frozenset(
    ("userEnteredValue", "userEnteredFormat", "note", "dataValidation", "effectiveValue", "formattedValue")
) | {*_EXTRA, "effectiveFormat", "hyperlink"}


def entered(value: Any) -> Value:
    """An ExtendedValue as a cell keeps it; an absent or empty one clears."""
    if not value:
        return None
    if "stringValue" in value:
        return text(value["stringValue"])
    if "numberValue" in value:
        given = value["numberValue"]
        if isinstance(given, str):
            given = _spelled_number(given)
        if isinstance(given, bool) or not isinstance(given, int | float) or not finite(given):
            raise bad_json(f"Invalid value at 'numberValue' (TYPE_DOUBLE), {given!r}", "numberValue")
        return number(given)
    if "boolValue" in value:
        return bool(value["boolValue"])
    if "formulaValue" in value:
        return _formula(value["formulaValue"])
    if "errorValue" in value:
        raise invalid("Cells with an error value cannot be written.")
    for name in value:
        raise unknown_field("user_entered_value", name)
    return None


def text(given: Any) -> Value:
    """A text as a cell keeps it: an empty one is no value, a too long one is refused."""
    if not isinstance(given, str):
        raise bad_json(f"Invalid value at 'stringValue' (TYPE_STRING), {given!r}", "stringValue")
    if len(given) > MAX_CHARACTERS:
        raise invalid(TOO_LONG)
    return given or None


def _spelled_number(given: str) -> float:
    try:
        return float(given)
    except ValueError as error:
        raise bad_json(f"Invalid value at 'numberValue' (TYPE_DOUBLE), \"{given}\"", "numberValue") from error


def _formula(given: Any) -> Value:
    if not isinstance(given, str):
        raise bad_json(f"Invalid value at 'formulaValue' (TYPE_STRING), {given!r}", "formulaValue")
    if len(given) > MAX_CHARACTERS:
        raise invalid(TOO_LONG)
    return Formula(given if given.startswith("=") else f"={given}")


class CellChange:
    """What a mask changes of a cell, ready to be put on many cells."""

    def __init__(self, mask: Mask) -> None:
        self._mask = mask
        self.value = masks.wants(mask, "userEnteredValue")
        self.note = masks.wants(mask, "note")
        self._styled = not mask or any(
            masks.wants(mask, name) for name in ("userEnteredFormat", "dataValidation", *_EXTRA)
        )
        self.only_value = set(mask) == {"userEnteredValue"}
        self.only_style = bool(mask) and not self.value and not self.note
        for name in mask:
            if name not in _KNOWN:
                raise masks.bad_mask(name)

    def put(self, sheet: Sheet, row: int, column: int, cell: Json) -> None:
        """Changes one cell of a tab."""
        if self.value:
            value = entered(cell.get("userEnteredValue"))
            sheet.has_formulas |= type(value) is Formula
            sheet.set_value(row, column, value)
        if self.note:
            note = cell.get("note")
            if note or sheet.note(row, column):
                sheet.set_note(row, column, note)
        if self._styled:
            self._put_style(sheet, row, column, cell)

    def _put_style(self, sheet: Sheet, row: int, column: int, cell: Json) -> None:
        old = sheet.style(row, column)
        new = self.style(old, cell)
        if new is not old:
            styles.set_style(sheet, row, column, new)

    def style(self, old: styles.Style | None, cell: Json) -> styles.Style | None:
        """The cell's style after the change."""
        format_, validation, extra = (old.format, old.validation, old.extra) if old else (None, None, None)
        if masks.wants(self._mask, "userEnteredFormat"):
            under = masks.below(self._mask, "userEnteredFormat")
            given = styles.normal_format(cell.get("userEnteredFormat") or {})
            format_ = masks.update(format_ or {}, given, _with_twins(under))
            _check_number_format(format_)
        if masks.wants(self._mask, "dataValidation"):
            validation = cell.get("dataValidation")
        for name in _EXTRA:
            if masks.wants(self._mask, name):
                kept = {key: value for key, value in (extra or {}).items() if key != name}
                extra = kept | ({name: cell[name]} if cell.get(name) else {})
        return styles.make_style(format_, validation, extra)


def _with_twins(mask: Mask) -> Mask:
    """A colour and its style are one thing: a mask that names one of them means both."""
    found: Mask = {}
    for name, under in mask.items():
        if name.endswith("Color") and name[0].islower():
            found[name] = {}
            found[f"{name}Style"] = {}
        elif name.endswith("ColorStyle"):
            found[name] = {}
            found[name[: -len("Style")]] = {}
        else:
            found[name] = _with_twins(under)
    return found


def _check_number_format(format_: Json) -> None:
    number_format = format_.get("numberFormat")
    if number_format and not number_format.get("type"):
        raise invalid("userEnteredFormat.numberFormat.type must be specified.")


def write_rows(sheet: Sheet, row: int, column: int, rows: list[Any], change: CellChange, *, width: int) -> None:
    """Puts `RowData`s into the grid from one corner on; cells of a row beyond the data stay."""
    put = _values_row if change.only_value else None
    for offset, given in enumerate(rows):
        cells = (given or {}).get("values") or []
        if len(cells) > width:
            last = column + width - 1
            raise invalid(
                f"Attempting to write column: {column + width}, beyond the last requested column of: {last}"
            )
        if put is not None:
            put(sheet, row + offset, column, cells)
        else:
            for index, cell in enumerate(cells):
                change.put(sheet, row + offset, column + index, cell or {})


def _values_row(sheet: Sheet, row: int, column: int, cells: list[Any]) -> None:
    """The fast way for `fields=userEnteredValue`: one list of values at once."""
    values = [_quick(cell) for cell in cells]
    place_values(sheet, row, column, values)


_get_entered: Callable[[Json], Any] = lambda cell: cell.get("userEnteredValue")  # noqa: E731 - called per cell


def _quick(cell: Any) -> Value:
    given = _get_entered(cell) if cell else None
    if not given:
        return None
    found = given.get("stringValue")
    if type(found) is str and len(found) <= MAX_CHARACTERS and len(given) == 1:
        return found or None
    return entered(given)


def place_values(sheet: Sheet, row: int, column: int, values: list[Value]) -> None:
    """Replaces the cells of one row from `column` on; a None clears its cell."""
    if not sheet.has_formulas and any(type(value) is Formula for value in values):
        sheet.has_formulas = True
    if sheet.rows[row] is None and not any(value is not None for value in values):
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
