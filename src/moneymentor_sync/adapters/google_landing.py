"""Where a batch landed: asks for keys and headers in the batch's own answer and compares them with the plan."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence

from moneymentor_sync.core.cells import Cell, CurrentCell
from moneymentor_sync.core.layout import column_letter, heading
from moneymentor_sync.core.plan import Plan
from moneymentor_sync.core.ports import TabView

from .google_reader import Answer, decode_row, quoted
from .google_requests import Frame

MAX_RANGES = 100
"""Beyond this many runs of rows their whole span is asked for: a little more to read, far less to send."""

Witness = tuple[int, int, CurrentCell]
"""A cell by its row and column."""
WITNESSES = 5
"""Cells by which a column whose header was written anew is told."""


NOTHING: Mapping[int, tuple[CurrentCell, ...]] = {}


class LandingCheck:
    """What to ask for, and whether the answer is what was planned, for one batch of a plan.

    `between` are the keys of rows that a staged write goes over as they are: a row that went from there would
    have its cells written into whatever came to stand in its place.
    """

    def __init__(
        self,
        plan: Plan,
        where: Frame,
        title: str,
        updates: Sequence[int],
        inserts: Sequence[Sequence[Cell]],
        between: Mapping[int, tuple[CurrentCell, ...]] = NOTHING,
        *,
        deletes: bool,
        witnesses: Sequence[Witness] | None = (),
    ) -> None:
        self._plan = plan
        self._where = where
        self._title = title
        self._witnesses = witnesses
        removed = [where.row(index) for index in plan.deletes] if deletes else []
        by_row = {update.row: update for update in plan.updates}
        self._expected: dict[int, tuple[CurrentCell, ...]] = {}
        self._beside: dict[int, dict[int, CurrentCell]] = {}
        for index in updates:
            update, row = by_row[index], where.row(index)
            row -= bisect_left(removed, row)
            self._expected[row] = plan.shape.key_of(update.new)
            if update.repairs_key:  # a key that we wrote ourselves proves nothing: what stands beside it does
                kept = set(range(len(update.old))) - set(update.changed())
                self._beside[row] = {where.positions[i]: update.old[i] for i in kept}
        for index, key in between.items():
            row = where.row(index)
            self._expected[row - bisect_left(removed, row)] = key
        self._inserted = {plan.shape.key_of(row) for row in inserts}
        self._append_from = where.row(plan.last_row) + 1 - len(removed)
        keys = [where.positions[i] for i in plan.shape.key]
        asked = where.positions if self._beside else keys
        self._columns = (min(asked), max(asked))

    def ranges(self) -> list[str]:
        """The A1 ranges to have in the answer: the header row, and the keys of the rows written."""
        title, (first, last) = quoted(self._title), self._columns
        left, right = column_letter(first), column_letter(last)
        spans = _spans(sorted(self._expected))
        if len(spans) > MAX_RANGES:
            spans = [(spans[0][0], spans[-1][1])]
        ranges = [f"{title}!1:1"] + [f"{title}!{left}{start + 1}:{right}{end}" for start, end in spans]
        if self._inserted:
            ranges.append(f"{title}!{left}{self._append_from + 1}:{right}")
        return ranges + [f"{title}!{column_letter(column)}{row + 1}" for row, column, _ in self._witnesses or ()]

    def passed(self, answer: Answer) -> bool:
        sheet = next((s for s in answer.sheets if s.properties.sheetId == self._where.sheet_id), None)
        if sheet is None:
            return False
        rows: dict[int, dict[int, CurrentCell]] = {}
        for block in sheet.data:
            for offset, raw in enumerate(block.rowData):
                cells = rows.setdefault(block.startRow + offset, {})
                cells.update(enumerate(decode_row(raw), start=block.startColumn))
        return self._header_stands(rows.get(0, {})) and self._keys_stand(rows) and self._witnesses_stand(rows)

    def _witnesses_stand(self, rows: dict[int, dict[int, CurrentCell]]) -> bool:
        if self._witnesses is None:
            return False
        return not any(_differ(rows.get(row, {}).get(column), cell) for row, column, cell in self._witnesses)

    def _header_stands(self, header: dict[int, CurrentCell]) -> bool:
        wanted = zip(self._where.positions, self._plan.shape.headers, strict=True)
        return all(heading(header.get(position)) == text.strip() for position, text in wanted)

    def _keys_stand(self, rows: dict[int, dict[int, CurrentCell]]) -> bool:
        if any(self._key(rows.get(row, {})) != key for row, key in self._expected.items()):
            return False
        for row, cells in self._beside.items():
            if any(_differ(rows.get(row, {}).get(place), cell) for place, cell in cells.items()):
                return False
        appended = {self._key(cells) for row, cells in rows.items() if row >= self._append_from}
        return self._inserted <= appended

    def _key(self, cells: dict[int, CurrentCell]) -> tuple[CurrentCell, ...]:
        return tuple([cells.get(self._where.positions[i]) for i in self._plan.shape.key])


def find_witnesses(
    tab: TabView, where: Frame, removed: Sequence[int], written: Collection[tuple[int, int]]
) -> list[Witness] | None:
    """Some cells of each column whose header is written anew, at the places that they have after the batch: a
    header that we wrote ourselves does not prove that it stands over its column, these do. None where a column has
    no such cell, since all of it is written or it is blank.

    `removed` are the rows that the batch deletes, as it numbers them, `written` the cells that it writes.
    """
    found: dict[int, list[Witness]] = {place: [] for _, place in where.mended}
    for index, row in tab.rows() if found else ():
        number = where.row(index)
        at = bisect_left(removed, number)
        if at < len(removed) and removed[at] == number:
            continue
        for was, place in where.mended:
            cell = row[was] if was < len(row) else None
            if cell is not None and len(found[place]) < WITNESSES and (number - at, place) not in written:
                found[place].append((number - at, place, cell))
        if all(len(cells) == WITNESSES for cells in found.values()):
            break
    return [cell for cells in found.values() for cell in cells] if all(found.values()) else None


def _spans(rows: Sequence[int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    for row in rows:
        if spans and spans[-1][1] == row:
            spans[-1] = (spans[-1][0], row + 1)
        else:
            spans.append((row, row + 1))
    return spans


def _differ(left: CurrentCell, right: CurrentCell) -> bool:
    return left != right or type(left) is not type(right)
