"""A tab as a plain grid, and a plan carried out on it: what the laws of the plan are tried on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC
from itertools import chain

from moneymentor_sync.core.adoption import claimed_keys
from moneymentor_sync.core.cells import Cell, CellRules, CurrentCell, pack_row
from moneymentor_sync.core.compare import compare
from moneymentor_sync.core.layout import KnownTab, Layout, find_layout, heading
from moneymentor_sync.core.marks import Marks
from moneymentor_sync.core.plan import Plan, Rules, make_plan, needed_keys
from moneymentor_sync.core.rows import Hasher, is_blank
from moneymentor_sync.core.settings import Column
from moneymentor_sync.core.table import DesiredTable, Shape, TableBuilder

HASHER = Hasher(b"secret of the tests")
Grid = list[list[CurrentCell]]


def shape(*headers: str, key: Sequence[int] = (0,), match_on: Sequence[int] = ()) -> Shape:
    columns = tuple(Column(name=h, header=h) for h in headers)
    return Shape("d", columns, tuple(range(len(headers))), tuple(key), tuple(match_on))


def desired(of: Shape, rows: Iterable[Sequence[object]]) -> tuple[DesiredTable, dict[bytes, tuple[Cell, ...]]]:
    """The desired table and all its cells by key."""
    builder = TableBuilder(of, CellRules(UTC), HASHER)
    cells = dict(chain.from_iterable(builder.chunks(pack_row(tuple(row)) for row in rows)))
    return builder.finish(), cells


def plan_for(
    of: Shape,
    rows: Iterable[Sequence[object]],
    grid: Grid,
    *,
    written: Mapping[bytes, bytes] | None = None,
    rules: Rules | None = None,
    known: KnownTab | None = None,
    marks: Marks | None = None,
) -> Plan:
    """The plan for a grid whose first row is the header; by default every row in it is one that we wrote."""
    table, cells = desired(of, rows)
    header = grid[0] if grid else []
    empty = all(is_blank(row) for row in grid)
    layout = find_layout(of, header, empty=empty, known=known, where="tab 'T'")
    comparison = compare(of, layout, list(enumerate(grid))[1:], table.index, HASHER)
    ours = written_rows(of, layout, grid) if written is None else written
    needed = needed_keys(comparison, table)
    return make_plan(
        tab="T",
        table=table,
        layout=layout,
        comparison=comparison,
        cells={key: cells[key] for key in needed | claimed_keys(of, comparison.keyless, cells.items())},
        written=ours,
        rules=rules or Rules(),
        hasher=HASHER,
        styled=table.formats,
        marks=marks or Marks(),
    )


def written_rows(of: Shape, layout: Layout, grid: Grid) -> dict[bytes, bytes]:
    """Every row of the grid as if we had written it just so."""
    found = {}
    for row in grid[1:]:
        cells = tuple(row[p] if p is not None and p < len(row) else None for p in layout.positions)
        found[HASHER.key(tuple(cells[i] for i in of.key))] = HASHER.row(cells)
    return found


def carried_out(plan: Plan, grid: Grid) -> Grid:
    """The grid after the plan, done as a spreadsheet would."""
    result = [list(row) for row in grid] or [[]]
    positions = list(plan.layout.positions)
    if plan.layout.fresh:
        positions = list(range(len(positions)))
        result[0] = list(plan.shape.headers)
    for i in plan.layout.missing if not plan.layout.fresh else ():
        before = [p for p in positions[:i] if p is not None]
        at = max(before) + 1 if before else 0
        for row in result:
            row.extend([None] * (at - len(row)))
            row.insert(at, None)
        positions = [p + 1 if p is not None and p >= at else p for p in positions]
        positions[i] = at
        result[0][at] = plan.shape.headers[i]
    places = [p for p in positions if p is not None]
    for update in plan.updates:
        for i in update.changed():
            _set(result[update.row], places[i], update.new[i])
    for index in plan.blanks:
        for place in places:
            _set(result[index], place, None)
    for index in reversed(plan.deletes):
        del result[index]
    while len(result) > 1 and is_blank(result[-1]):
        result.pop()
    for inserted in plan.inserts:
        new: list[CurrentCell] = []
        for i, cell in enumerate(inserted):
            _set(new, places[i], cell)
        result.append(new)
    return result


def _set(row: list[CurrentCell], at: int, cell: CurrentCell) -> None:
    row.extend([None] * (at + 1 - len(row)))
    row[at] = cell


def column(grid: Grid, header: str) -> int:
    return [heading(cell) for cell in grid[0]].index(header)
