"""What a tab has beside values, as far as it counts when rows are taken over: notes, colours, text formats."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field

Span = tuple[int, int | None]
"""Rows from the first up to but without the second; None is the end of the grid."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a tab has beside values: rows (0-based) with a note, or with a colour of their own, and in each
    column the rows whose cells are formatted as text, from top to bottom: whatever is typed into them is text."""

    notes: frozenset[int] = frozenset()
    colours: frozenset[int] = frozenset()
    as_text: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)

    def is_text(self, row: int, column: int | None) -> bool:
        spans = self.as_text.get(column, ()) if column is not None else ()
        place = bisect_right(spans, row, key=_start) - 1
        if place < 0:
            return False
        end = spans[place][1]
        return end is None or row < end


def _start(span: Span) -> int:
    return span[0]
