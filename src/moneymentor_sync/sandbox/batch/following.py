"""Takes everything that points at a tab's rows or columns through an insertion, deletion or move."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from ..a1 import Area, Box
from ..cells import Formula
from ..charts import Place, resourced
from ..document import Document
from ..formula import follow
from ..grid import Conditional, Group, Json, Ranged, Sheet
from ..moves import Deletion, Edit


def follow_edit(document: Document, sheet: Sheet, edit: Edit) -> None:
    """Call after the rows or columns themselves were changed."""
    _extras(sheet, edit)
    _anchors(sheet, edit)
    rewrite_charts(document, lambda place: _followed(place, edit))
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
    rewrite_charts(document, lambda place: _cut_along(place, source.sheet_id, target.sheet_id, moved))
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


def rewrite_charts(document: Document, change: Callable[[Place], Place | None]) -> None:
    """Puts every range that a chart of the document is drawn from through `change`."""
    for sheet in document.sheets:
        for key, item in sheet.extras.charts.items():
            sheet.extras.charts[key] = replace(item, spec=resourced(item.spec, change))


def _followed(place: Place, edit: Edit) -> Place | None:
    if place[0] != edit.sheet_id:
        return place
    area = edit.area(place[1])
    return None if area is None else (place[0], area)


def _cut_along(place: Place, source: int, target: int, moved: Callable[[Area], Area | None]) -> Place:
    area = moved(place[1]) if place[0] == source else None
    return place if area is None else (target, area)


def _anchors(sheet: Sheet, edit: Edit) -> None:
    """A chart stays with the cell that it hangs on; where that is deleted, with the one that takes its place."""
    size = sheet.row_count if edit.by_rows else sheet.column_count
    for key, item in sheet.extras.charts.items():
        old = item.row if edit.by_rows else item.column
        span = edit.change.span(old, old + 1)
        gone_at = edit.change.start if isinstance(edit.change, Deletion) else old
        new = min(span[0] if span is not None else gone_at, size - 1)
        moved = replace(item, row=new) if edit.by_rows else replace(item, column=new)
        sheet.extras.charts[key] = moved


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
        Conditional(areas, _rule(rule.body, sheet, edit))
        for rule in extras.conditional
        if (areas := tuple(area for item in rule.areas if (area := edit.area(item)) is not None))
    ]
    if edit.by_rows:
        extras.row_groups = _groups(extras.row_groups, edit)
    else:
        extras.column_groups = _groups(extras.column_groups, edit)


def _rule(body: Json, sheet: Sheet, edit: Edit) -> Json:
    """A rule's formulas follow the cells that they name; one that would be left with none stays as it is."""
    boolean = body.get("booleanRule") or {}
    condition = boolean.get("condition") or {}
    if not condition.get("values"):
        return body
    values = [_rule_value(value, sheet, edit) for value in condition["values"]]
    return body | {"booleanRule": boolean | {"condition": condition | {"values": values}}}


def _rule_value(value: Json, sheet: Sheet, edit: Edit) -> Json:
    text = value.get("userEnteredValue") or ""
    if not text.startswith("="):
        return value
    new = follow.follow(Formula(text), edit, True, sheet.title).text
    return value if "#REF!" in new else value | {"userEnteredValue": new}


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
