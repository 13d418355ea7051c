"""Requests that write cells: updateCells, appendCells, repeatCell, setDataValidation, updateBorders."""

from __future__ import annotations

import msgspec

from .. import styles
from ..a1 import Box
from ..cells import Formula
from ..errors import invalid
from ..formula import follow
from ..grid import Json, Sheet, Style
from . import inputs
from .cellinput import CellChange, CellData, RowData, cells_of, write_rows
from .context import Context, handles


class UpdateCells(msgspec.Struct, forbid_unknown_fields=True):
    rows: list[RowData | None] | None = None
    fields: str | None = None
    start: Json | None = None
    range: Json | None = None


class AppendCells(msgspec.Struct, rename="camel", forbid_unknown_fields=True):
    sheet_id: int | str = 0
    rows: list[RowData | None] | None = None
    fields: str | None = None
    table_id: str | None = None


class RepeatCell(msgspec.Struct, forbid_unknown_fields=True):
    range: Json | None = None
    cell: CellData | None = None
    fields: str | None = None


@handles("updateCells", UpdateCells)
def update_cells(context: Context, body: UpdateCells) -> None:
    change = CellChange(inputs.parsed_mask(body.fields))
    rows = body.rows or []
    if body.start is not None:
        sheet, row, column = inputs.coordinate(context.document, body.start)
        box = _written(rows, row, column)
        _check_inside(sheet, box)
        context.guard(sheet, box)
        write_rows(sheet, row, column, rows, change, width=sheet.column_count - column)
        return
    if body.range is None:
        raise invalid("Must specify one of start or range.")
    sheet, box = inputs.box(context.document, body.range)
    context.guard(sheet, box)
    if len(rows) > box.height:
        raise invalid(
            f"Attempting to write row: {box.end_row}, beyond the last requested row of: {box.end_row - 1}"
        )
    write_rows(sheet, box.row, box.column, rows, change, width=box.width)
    _clear_rest(sheet, box, rows, change)


def _written(rows: list[RowData | None], row: int, column: int) -> Box:
    width = max((len(cells_of(given)) for given in rows), default=0)
    return Box(row, row + len(rows), column, column + width)


def _check_inside(sheet: Sheet, box: Box) -> None:
    if box.end_column > sheet.column_count:
        raise invalid(
            f"Attempting to write column: {sheet.column_count}, beyond the last requested column of: "
            f"{sheet.column_count - 1}"
        )
    if box.end_row > sheet.row_count:
        raise invalid(
            f"Attempting to write row: {sheet.row_count}, beyond the last requested row of: {sheet.row_count - 1}"
        )


def _clear_rest(sheet: Sheet, box: Box, rows: list[RowData | None], change: CellChange) -> None:
    """With `range`, the masked fields of its cells beyond the given data are cleared."""
    for offset in range(box.height):
        given = len(cells_of(rows[offset])) if offset < len(rows) else 0
        if given < box.width and sheet.rows[box.row + offset] is not None:
            change.put_row(sheet, box.row + offset, box.column + given, [None] * (box.width - given))


@handles("appendCells", AppendCells)
def append_cells(context: Context, body: AppendCells) -> None:
    sheet = inputs.sheet_of(context.document, {"sheetId": body.sheet_id})
    change = CellChange(inputs.parsed_mask(body.fields))
    rows = body.rows or []
    row = sheet.last_filled_row() + 1
    box = _written(rows, row, 0)
    if box.end_column > sheet.column_count:
        _check_inside(sheet, box)
    context.guard(sheet, box)
    context.grow(sheet, box.end_row, sheet.column_count)
    write_rows(sheet, row, 0, rows, change, width=sheet.column_count)


@handles("repeatCell", RepeatCell)
def repeat_cell(context: Context, body: RepeatCell) -> None:
    sheet, box = inputs.box(context.document, body.range or {})
    change = CellChange(inputs.parsed_mask(body.fields))
    cell = body.cell or CellData()
    context.guard(sheet, box)
    if change.only_style:
        styles.restyle(sheet, box, lambda old, _: change.style(old, cell))
        return
    formula = cell.user_entered_value.formula_value if cell.user_entered_value else None
    for row in range(box.row, box.end_row):
        change.put_row(sheet, row, box.column, [cell] * box.width)
        if formula:
            _spread(sheet, row, box)


def _spread(sheet: Sheet, row: int, box: Box) -> None:
    """A repeated formula reads in each cell as if copied there from the first one."""
    for column in range(box.column, box.end_column):
        value = sheet.value(row, column)
        if isinstance(value, Formula):
            sheet.set_value(row, column, follow.offset(value, row - box.row, column - box.column))


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
