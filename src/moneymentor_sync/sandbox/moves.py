"""How places change when rows or columns are inserted, deleted or moved.

One value, `Edit`, says what happens to one dimension of one tab; ranges, merged cells, metadata and the
references in formulas are all taken through it.
"""

from __future__ import annotations

from dataclasses import dataclass

from .a1 import Area


@dataclass(frozen=True, slots=True)
class Insertion:
    at: int
    count: int

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Where `[start, end)` is afterwards."""
        if self.at <= start:
            return start + self.count, end + self.count
        if self.at < end:
            return start, end + self.count
        return start, end


@dataclass(frozen=True, slots=True)
class Deletion:
    start: int
    end: int

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """Where `[start, end)` is afterwards; None where nothing is left of it."""
        new_start, new_end = self._place(start), self._place(end)
        return (new_start, new_end) if new_start < new_end or start == end else None

    def _place(self, index: int) -> int:
        return index - max(0, min(index, self.end) - self.start) if index > self.start else index


@dataclass(frozen=True, slots=True)
class Move:
    """`[start, end)` goes to before `to`, an index counted before the move (outside of it)."""

    start: int
    end: int
    to: int

    def span(self, start: int, end: int) -> tuple[int, int] | None:
        """What lies wholly in the moved part goes along; what spans source and goal stays; else it closes up
        behind the moved part and opens for it."""
        if self.start <= start and end <= self.end:
            delta = self._target - self.start
            return start + delta, end + delta
        left = Deletion(self.start, self.end).span(start, end)
        return None if left is None else Insertion(self._target, self.end - self.start).span(*left)

    @property
    def _target(self) -> int:
        return self.to if self.to <= self.start else self.to - (self.end - self.start)


Change = Insertion | Deletion | Move


@dataclass(frozen=True, slots=True)
class Edit:
    """One change of one tab's rows or columns."""

    sheet_id: int
    by_rows: bool
    change: Change

    def area(self, area: Area) -> Area | None:
        """Where the area is afterwards; None where it is gone. Open sides stay open."""
        if self.by_rows:
            sides = self._sides(area.row, area.end_row)
            return sides and Area(sides[0], sides[1], area.column, area.end_column)
        sides = self._sides(area.column, area.end_column)
        return sides and Area(area.row, area.end_row, sides[0], sides[1])

    def _sides(self, start: int | None, end: int | None) -> tuple[int | None, int | None] | None:
        if start is None and end is None:
            return None, None
        far = 1 << 40
        found = self.change.span(-1 if start is None else start, far if end is None else end)
        if found is None:
            return None
        return (None if start is None else found[0]), (None if end is None else found[1])
