"""What a tab has beside values, as far as it counts when rows are taken over: notes, colours, text formats."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

Span = tuple[int, int | None]
"""Rows from the first up to but without the second; None is the end of the grid."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a tab has beside values: rows (0-based) with a note, or with a colour of their own, and in each
    column the rows whose cells are formatted as text, so that whatever is typed into them is text."""

    notes: frozenset[int] = frozenset()
    colours: frozenset[int] = frozenset()
    as_text: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)

    def is_text(self, row: int, column: int | None) -> bool:
        spans = self.as_text.get(column, ()) if column is not None else ()
        return any(start <= row and (end is None or row < end) for start, end in spans)
