"""Merged cells: mergeCells, unmergeCells, and what other requests need of them."""

from __future__ import annotations

from ..a1 import Box
from ..errors import invalid
from ..grid import Json, Sheet
from . import inputs
from .context import Context, handles


def merge(sheet: Sheet, box: Box) -> None:
    """Merges a block; only its first cell keeps its value."""
    if box.height * box.width < 2:
        return
    sheet.extras.merges = [item for item in sheet.extras.merges if not box.contains(item)] + [box]
    for index, row in list(sheet.filled_rows(box)):
        for column in range(box.column, min(box.end_column, len(row.cells))):
            if (index, column) != (box.row, box.column) and row.cells[column] is not None:
                sheet.set_value(index, column, None)


def unmerge(sheet: Sheet, box: Box) -> None:
    """Takes every merge that meets the box apart."""
    sheet.extras.merges = [item for item in sheet.extras.merges if not item.meets(box)]


def overlapping(sheet: Sheet, box: Box) -> list[Box]:
    return [item for item in sheet.extras.merges if item.meets(box)]


@handles("mergeCells")
def merge_cells(context: Context, body: Json) -> None:
    sheet, box = inputs.box(context.document, inputs.part(body, "range"))
    context.guard(sheet, box)
    if any(not box.contains(item) for item in overlapping(sheet, box)):
        raise invalid("You must select all cells in a merged range to merge or unmerge them.")
    for part in _parts(box, body.get("mergeType") or "MERGE_ALL"):
        merge(sheet, part)


def _parts(box: Box, kind: str) -> list[Box]:
    if kind == "MERGE_ALL":
        return [box]
    if kind == "MERGE_COLUMNS":
        return [Box(box.row, box.end_row, column, column + 1) for column in range(box.column, box.end_column)]
    if kind == "MERGE_ROWS":
        return [Box(row, row + 1, box.column, box.end_column) for row in range(box.row, box.end_row)]
    raise invalid(f"Invalid mergeType: {kind}")


@handles("unmergeCells")
def unmerge_cells(context: Context, body: Json) -> None:
    sheet, box = inputs.box(context.document, inputs.part(body, "range"))
    context.guard(sheet, box)
    if any(not box.contains(item) for item in overlapping(sheet, box)):
        raise invalid("You must select all cells in a merged range to merge or unmerge them.")
    unmerge(sheet, box)
