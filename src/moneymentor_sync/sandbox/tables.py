"""Finds the table that `values.append` goes on with, as Google's guide describes it."""

from __future__ import annotations

from .a1 import Box
from .grid import Sheet


def find_table(sheet: Sheet, box: Box) -> Box | None:
    """The last table that the range touches: filled cells that hang together, taken as a rectangle."""
    seed = _last_filled(sheet, box)
    if seed is None:
        return None
    found = Box(seed[0], seed[0] + 1, seed[1], seed[1] + 1)
    while True:
        grown = _grown(sheet, found)
        if grown == found:
            return found
        found = grown


def _last_filled(sheet: Sheet, box: Box) -> tuple[int, int] | None:
    """The last filled cell of the box: the lowest row, in it the one furthest right."""
    for index in range(box.end_row - 1, box.row - 1, -1):
        row = sheet.rows[index]
        if row is None:
            continue
        for column in range(min(box.end_column, len(row.cells)) - 1, box.column - 1, -1):
            if row.cells[column] is not None:
                return index, column
    return None


def _grown(sheet: Sheet, box: Box) -> Box:
    """The box with every filled neighbour taken in, also those at its corners."""
    left, right = max(box.column - 1, 0), box.end_column + 1
    row, end_row = box.row, box.end_row
    while row > 0 and _filled(sheet, row - 1, left, right):
        row -= 1
    while end_row < sheet.row_count and _filled(sheet, end_row, left, right):
        end_row += 1
    column, end_column = box.column, box.end_column
    if column > 0 and any(_filled(sheet, index, left, column) for index in range(row, end_row)):
        column = left
    if any(_filled(sheet, index, end_column, right) for index in range(row, end_row)):
        end_column = right
    return Box(row, end_row, column, end_column)


def _filled(sheet: Sheet, index: int, start: int, end: int) -> bool:
    row = sheet.rows[index]
    return row is not None and any(value is not None for value in row.cells[start:end])
