"""What a tab has beside values (notes, colours, the format “plain text”): read only where rows are taken over."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

from moneymentor_sync.core.cells import CurrentCell
from moneymentor_sync.core.errors import OvertakenError
from moneymentor_sync.core.marks import Marks, Span
from moneymentor_sync.core.ports import TabInfo

from .google_errors import bad_answer

MARKED = "userEnteredValue,note,userEnteredFormat(backgroundColor,numberFormat(type))"
"""What is asked of each cell; the values once more, since marks have to be those of the rows that were read."""

Rows = Iterable[tuple[int, Sequence[CurrentCell]]]
Part = tuple[int, Sequence[msgspec.Raw]]
"""The index of a part's first row, and its rows as Google sent them."""


class _NumberFormat(msgspec.Struct):
    type: str = ""


class _Format(msgspec.Struct):
    backgroundColor: dict[str, object] | None = None  # noqa: N815 - Google's names
    numberFormat: _NumberFormat | None = None  # noqa: N815


class _Cell(msgspec.Struct):
    note: str = ""
    userEnteredFormat: _Format | None = None  # noqa: N815


class _Row(msgspec.Struct):
    values: list[_Cell] = []


_row = msgspec.json.Decoder(_Row)


@dataclass(slots=True)
class _Collected:
    notes: set[int] = field(default_factory=set)
    colours: set[int] = field(default_factory=set)
    as_text: dict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, index: int, cells: Sequence[_Cell]) -> None:
        for column, cell in enumerate(cells):
            if cell.note:
                self.notes.add(index)
            style = cell.userEnteredFormat
            if style is None:
                continue
            if style.backgroundColor is not None:
                self.colours.add(index)
            if style.numberFormat is not None and style.numberFormat.type == "TEXT":
                self._text(column, index)

    def _text(self, column: int, index: int) -> None:
        spans = self.as_text[column]
        if spans and spans[-1][1] == index:
            spans[-1] = (spans[-1][0], index + 1)
        else:
            spans.append((index, index + 1))


def read_marks(
    info: TabInfo, parts: Iterable[Part], before: Rows, decode: Callable[[msgspec.Raw], list[CurrentCell]]
) -> Marks:
    """The marks of a tab out of its `parts`, read now. Raises OvertakenError where `before`, the rows as they were
    read, are no longer there."""
    found = _Collected()
    earlier = _filled(before)
    for index, raw in _below_the_header(parts):
        cells = _trimmed(decode(raw))
        if cells and next(earlier, None) != (index, cells):
            raise _overtaken(info)
        found.add(index, _cells(raw))
    if next(earlier, None) is not None:
        raise _overtaken(info)
    return Marks(
        frozenset(found.notes),
        frozenset(found.colours),
        {column: tuple(_span(one, info.rows) for one in spans) for column, spans in found.as_text.items()},
    )


def _below_the_header(parts: Iterable[Part]) -> Iterator[tuple[int, msgspec.Raw]]:
    for start, rows in parts:
        yield from ((index, raw) for index, raw in enumerate(rows, start) if index)


def _cells(raw: msgspec.Raw) -> list[_Cell]:
    try:
        return _row.decode(raw).values
    except msgspec.MsgspecError as error:
        raise bad_answer() from error


def _filled(rows: Rows) -> Iterator[tuple[int, list[CurrentCell]]]:
    for index, cells in rows:
        if trimmed := _trimmed(cells):
            yield index, trimmed


def _trimmed(cells: Sequence[CurrentCell]) -> list[CurrentCell]:
    """Without the blank cells at the end, of which there are more where formats are asked for, too."""
    end = len(cells)
    while end and cells[end - 1] is None:
        end -= 1
    return list(cells[:end])


def _span(rows: tuple[int, int], height: int) -> Span:
    """Open at the end where it reaches the grid's: rows that are added there look the same."""
    return rows[0], None if rows[1] >= height else rows[1]


def _overtaken(info: TabInfo) -> OvertakenError:
    return OvertakenError(f"tab {info.title!r} was changed while it was being looked at")
