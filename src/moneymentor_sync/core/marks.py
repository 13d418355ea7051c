"""What a tab has beside values, as far as it counts when rows are taken over: notes, colours, text formats."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

Span = tuple[int, int | None]
"""Rows from the first up to but without the second; None is the end of the grid."""

MOST_SPANS = 100
"""In how many pieces a column's cells are given another format at most: each is a request."""


@dataclass(frozen=True, slots=True)
class Marks:
    """What a tab has beside values: rows (0-based) with a note, or with a colour of their own, and in each
    column the rows whose cells are formatted as text, so that whatever is typed into them is text. Those spans
    are in order, and none reaches into the next."""

    notes: frozenset[int] = frozenset()
    colours: frozenset[int] = frozenset()
    as_text: Mapping[int, tuple[Span, ...]] = field(default_factory=dict)

    def is_text(self, row: int, column: int | None) -> bool:
        spans = self.as_text.get(column, ()) if column is not None else ()
        at = bisect_right(spans, row, key=lambda span: span[0]) - 1
        if at < 0:
            return False
        end = spans[at][1]
        return end is None or row < end


def joined(spans: Sequence[Span], most: int = MOST_SPANS) -> list[Span]:
    """The spans in order; of more than `most` those are joined that have the fewest rows between them."""
    gaps = [(start - (end or start), number) for number, ((_, end), (start, _)) in enumerate(pairwise(spans), 1)]
    widest = sorted(gap for gap in gaps if gap[0] > 0)[::-1][: most - 1]
    cuts = [0, *sorted(number for _, number in widest), len(spans)]
    return [(spans[first][0], spans[after - 1][1]) for first, after in pairwise(cuts)] if spans else []
