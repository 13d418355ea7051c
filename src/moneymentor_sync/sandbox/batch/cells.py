"""Requests that write cells: updateCells, appendCells, repeatCell, setDataValidation, updateBorders."""

from __future__ import annotations

from typing import Any

from .. import styles
from ..a1 import Box
from ..cells import Formula
from ..errors import invalid
from ..formula import follow
from ..grid import Json, Style
from . import inputs
from .cellinput import CellChange, entered, place_values, write_rows
from .context import Context, handles


@handles("updateCells")
def update_cells(context: Context, body: Json) -> None:
    change = CellChange(inputs.mask(body))
    rows = inputs.items(body, "rows")
    if body.get("start") is not None:
        sheet, row, column = inputs.coordinate(context.document, body["start"])
        box = _written(rows, row, column)
        _inside(sheet.row_count, sheet.column_count, box)
        context.guard(sheet, box)
        write_rows(sheet, row, column, rows, change, width=sheet.column_count - column)
        return
    sheet, box = inputs.box(context.document, inputs.part(body, "range"))
    context.guard(sheet, box)
    if len(rows) > box.height:
        raise invalid(
            f"Attempting to write row: {box.end_row}, beyond the last requested row of: {box.end_row - 1}"
        )
    write_rows(sheet, box.row, box.column, rows, change, width=box.width)
    _clear_rest(sheet, box, rows, change)


def _written(rows: list[Any], row: int, column: int) -> Box:
    width = max((len((given or {}).get("values") or []) for given in rows), default=0)
    return Box(row, row + len(rows), column, column + width)


def _inside(rows: int, columns: int, box: Box) -> None:
    if box.end_column > columns:
        raise invalid(f"Attempting to write column: {columns}, beyond the last requested column of: {columns - 1}")
    if box.end_row > rows:
        raise invalid(f"Attempting to write row: {rows}, beyond the last requested row of: {rows - 1}")


def _clear_rest(sheet: Any, box: Box, rows: list[Any], change: CellChange) -> None:
    """With `range`, the masked fields of its cells beyond the given data are cleared."""
    for offset in range(box.height):
        given = (rows[offset] or {}).get("values") or [] if offset < len(rows) else []
        if len(given) >= box.width or sheet.rows[box.row + offset] is None:
            continue
        for column in range(box.column + len(given), box.end_column):
            change.put(sheet, box.row + offset, column, {})


@handles("appendCells")
def append_cells(context: Context, body: Json) -> None:
    sheet = inputs.sheet_of(context.document, body)
    change = CellChange(inputs.mask(body))
    rows = inputs.items(body, "rows")
    row = sheet.last_filled_row() + 1
    box = _written(rows, row, 0)
    if box.end_column > sheet.column_count:
        _inside(box.end_row, sheet.column_count, box)
    context.guard(sheet, box)
    context.grow(sheet, box.end_row, sheet.column_count)
    write_rows(sheet, row, 0, rows, change, width=sheet.column_count)


@handles("repeatCell")
def repeat_cell(context: Context, body: Json) -> None:
    sheet, box = inputs.box(context.document, inputs.part(body, "range"))
    change = CellChange(inputs.mask(body))
    cell = body.get("cell") or {}
    context.guard(sheet, box)
    if change.only_style:
        styles.restyle(sheet, box, lambda old, _: change.style(old, cell))
        return
    if change.only_value:
        _repeat_value(context, sheet, box, cell)
        return
    for row in range(box.row, box.end_row):
        for column in range(box.column, box.end_column):
            change.put(sheet, row, column, cell)


def _repeat_value(context: Context, sheet: Any, box: Box, cell: Json) -> None:
    value = entered(cell.get("userEnteredValue"))
    for row in range(box.row, box.end_row):
        if type(value) is Formula:
            values: list[Any] = [follow.offset(value, row - box.row, column) for column in range(box.width)]
        else:
            values = [value] * box.width
        place_values(sheet, row, box.column, values)


@handles("setDataValidation")
def set_data_validation(context: Context, body: Json) -> None:
    sheet, box = inputs.box(context.document, inputs.part(body, "range"))
    rule = body.get("rule")
    if rule is not None:
        _check_rule(rule)
    context.guard(sheet, box)
    styles.restyle(sheet, box, lambda old, _: styles.with_validation(old, rule))


_VALUES_OF = {
    "NUMBER_BETWEEN": 2,
    "NUMBER_NOT_BETWEEN": 2,
    "NUMBER_GREATER": 1,
    "NUMBER_GREATER_THAN_EQ": 1,
    "NUMBER_LESS": 1,
    "NUMBER_LESS_THAN_EQ": 1,
    "NUMBER_EQ": 1,
    "NUMBER_NOT_EQ": 1,
    "TEXT_CONTAINS": 1,
    "TEXT_NOT_CONTAINS": 1,
    "DATE_BETWEEN": 2,
    "CUSTOM_FORMULA": 1,
    "ONE_OF_RANGE": 1,
}


def _check_rule(rule: Json) -> None:
    condition = rule.get("condition") or {}
    kind = condition.get("type")
    if not kind:
        raise invalid("dataValidation.condition.type must be specified.")
    given = len(condition.get("values") or [])
    wanted = _VALUES_OF.get(kind)
    if wanted is not None and given != wanted:
        raise invalid(f"ConditionValue count for {kind} must be {wanted}, but got {given}.")


_SIDES = ("top", "bottom", "left", "right")


@handles("updateBorders")
def update_borders(context: Context, body: Json) -> None:
    sheet, box = inputs.box(context.document, inputs.part(body, "range"))
    context.guard(sheet, box)
    for row in range(box.row, box.end_row):
        for column in range(box.column, box.end_column):
            given = {side: body[name] for side, name in _borders_of(box, row, column).items() if name in body}
            if given:
                styles.set_style(sheet, row, column, _bordered(sheet.style(row, column), given))


def _borders_of(box: Box, row: int, column: int) -> dict[str, str]:
    """Which of the request's borders each side of a cell takes."""
    return {
        "top": "top" if row == box.row else "innerHorizontal",
        "bottom": "bottom" if row == box.end_row - 1 else "innerHorizontal",
        "left": "left" if column == box.column else "innerVertical",
        "right": "right" if column == box.end_column - 1 else "innerVertical",
    }


def _bordered(style: Style | None, given: Json) -> Style | None:
    format_ = dict((style.format if style else None) or {})
    lines = dict(styles.borders(format_))
    for side in _SIDES:
        if side not in given:
            continue
        lines.pop(side, None)
        if given[side] and given[side].get("style") not in (None, "NONE"):
            lines[side] = given[side]
    format_.pop("borders", None)
    return styles.with_format(style, format_ | ({"borders": lines} if lines else {}))
