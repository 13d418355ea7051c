"""Takes everything that points at a tab's rows or columns through an insertion, deletion or move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..a1 import Area, Box
from ..cells import Formula
from ..document import Document
from ..formula import follow
from ..grid import Group, Ranged, Sheet
from ..moves import Edit


def follow_edit(document: Document, sheet: Sheet, edit: Edit) -> None:
    """Call after the rows or columns themselves were changed."""
    _extras(sheet, edit)
    _named(document, edit)
    _metadata(document, edit)
    rewrite_formulas(document, lambda formula, where: follow.follow(formula, edit, where is sheet, sheet.title))


def follow_cut(document: Document, source: Sheet, cut: Box, target: Sheet, goal: Box) -> None:
    """Call after the cells `cut` of one tab were pasted to `goal`: what lies wholly in them goes along."""
    rows, columns = goal.row - cut.row, goal.column - cut.column

    def moved(area: Area) -> Area | None:
        box = area.clipped(source.row_count, source.column_count)
        if None in (area.end_row, area.end_column) or not cut.contains(box):
            return None
        there = box.shifted(rows, columns)
        return Area(there.row, there.end_row, there.column, there.end_column)

    for key, item in document.named.items():
        if item.sheet_id == source.sheet_id and item.area is not None and (area := moved(item.area)):
            document.named[key] = replace(item, sheet_id=target.sheet_id, area=area)
    title = None if target is source else target.title
    rewrite_formulas(
        document, lambda formula, where: follow.taken_along(formula, moved, where is source, source.title, title)
    )


def rewrite_formulas(document: Document, change: Callable[[Formula, Sheet], Formula]) -> None:
    """Puts every formula of the document through `change(formula, its tab)`."""
    for sheet in document.sheets:
        if not sheet.has_formulas:
            continue
        for index in range(sheet.row_count):
            row = sheet.rows[index]
            if row is None or Formula not in map(type, row.cells):
                continue
            for column, value in enumerate(row.cells):
                if type(value) is Formula:
                    new = change(value, sheet)
                    if new is not value:
                        sheet.own(index).cells[column] = new


def _extras(sheet: Sheet, edit: Edit) -> None:
    extras = sheet.extras
    extras.merges = [box for item in extras.merges if (box := _box(item, edit)) and box.height * box.width > 1]
    if extras.basic_filter is not None:
        extras.basic_filter = _ranged(extras.basic_filter, edit)
    for kept in (extras.filter_views, extras.protected, extras.banded):
        for key, item in list(kept.items()):
            moved = _ranged(item, edit)
            if moved is None:
                del kept[key]
            else:
                kept[key] = moved
    extras.conditional = [
        replace(rule, areas=areas)
        for rule in extras.conditional
        if (areas := tuple(area for item in rule.areas if (area := edit.area(item)) is not None))
    ]
    if edit.by_rows:
        extras.row_groups = _groups(extras.row_groups, edit)
    else:
        extras.column_groups = _groups(extras.column_groups, edit)


def _box(box: Box, edit: Edit) -> Box | None:
    area = edit.area(Area(box.row, box.end_row, box.column, box.end_column))
    return None if area is None else area.clipped(1 << 40, 1 << 40)


def _ranged(item: Ranged, edit: Edit) -> Ranged | None:
    area = edit.area(item.area)
    return None if area is None else replace(item, area=area)


def _groups(groups: list[Group], edit: Edit) -> list[Group]:
    found: list[Group] = []
    for group in groups:
        span = edit.change.span(group.start, group.end)
        if span is not None:
            found.append(replace(group, start=span[0], end=span[1]))
    return found


def _named(document: Document, edit: Edit) -> None:
    for key, item in document.named.items():
        if item.sheet_id == edit.sheet_id and item.area is not None:
            document.named[key] = replace(item, area=edit.area(item.area))


def _metadata(document: Document, edit: Edit) -> None:
    dimension = "ROWS" if edit.by_rows else "COLUMNS"
    for key, item in list(document.metadata.items()):
        if (item.sheet_id, item.dimension) != (edit.sheet_id, dimension) or item.index is None:
            continue
        span = edit.change.span(item.index, item.index + 1)
        if span is None:
            del document.metadata[key]
        else:
            document.metadata[key] = replace(item, index=span[0])
