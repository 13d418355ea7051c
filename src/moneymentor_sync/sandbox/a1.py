"""A1 notation: texts such as `'My tab'!B2:D` to areas and back.

Knows nothing of what a tab holds; titles and names are looked up by whoever calls.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_COLUMNS = 18_278

_CELL = re.compile(r"\$?([A-Za-z]{1,3})?\$?([1-9][0-9]*)?")
_R1C1 = re.compile(r"[Rr]([1-9][0-9]*)[Cc]([1-9][0-9]*)")
_SIMPLE_TITLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_LOOKS_LIKE_A1 = re.compile(r"[A-Za-z]{1,3}[0-9]+|[Rr][0-9]*([Cc][0-9]*)?|[Cc][0-9]*")


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle, half open, zero based; `None` is unbounded on that side."""

    row: int | None = None
    end_row: int | None = None
    column: int | None = None
    end_column: int | None = None

    def clipped(self, rows: int, columns: int) -> Box:
        """The part of it inside a grid of that size."""
        end_row = rows if self.end_row is None else min(self.end_row, rows)
        end_column = columns if self.end_column is None else min(self.end_column, columns)
        return Box(self.row or 0, end_row, self.column or 0, end_column)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle with all four sides, half open, zero based."""

    row: int
    end_row: int
    column: int
    end_column: int

    @property
    def height(self) -> int:
        return max(0, self.end_row - self.row)

    @property
    def width(self) -> int:
        return max(0, self.end_column - self.column)

    @property
    def area(self) -> Area:
        return Area(self.row, self.end_row, self.column, self.end_column)

    def shifted(self, rows: int, columns: int) -> Box:
        return Box(self.row + rows, self.end_row + rows, self.column + columns, self.end_column + columns)

    def meets(self, other: Box) -> bool:
        """True where the two have a cell in common."""
        return (
            self.row < other.end_row
            and other.row < self.end_row
            and self.column < other.end_column
            and other.column < self.end_column
        )

    def contains(self, other: Box) -> bool:
        return (
            self.row <= other.row
            and other.end_row <= self.end_row
            and self.column <= other.column
            and other.end_column <= self.end_column
        )


def letters(column: int) -> str:
    """`0` -> `A`, `26` -> `AA`."""
    text = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        text = chr(65 + rest) + text
    return text


def column_number(text: str) -> int:
    """`A` -> `0`, `AA` -> `26`."""
    number = 0
    for letter in text.upper():
        number = number * 26 + ord(letter) - 64
    return number - 1


def quoted(title: str) -> str:
    """A tab's title as Google writes it before the `!`: quoted wherever it could be taken for more."""
    if _SIMPLE_TITLE.fullmatch(title) and not _LOOKS_LIKE_A1.fullmatch(title):
        return title
    return "'" + title.replace("'", "''") + "'"


def cell_name(row: int, column: int) -> str:
    return f"{letters(column)}{row + 1}"


def box_name(title: str, box: Box) -> str:
    """`Sheet1!A1:B2`; a single cell has no colon."""
    start = cell_name(box.row, box.column)
    end = cell_name(max(box.end_row - 1, box.row), max(box.end_column - 1, box.column))
    return f"{quoted(title)}!{start}" + ("" if start == end else f":{end}")


def area_name(title: str, area: Area) -> str:
    """Like `box_name`, with open sides left open: `Sheet1!A5:B`."""
    start = ("" if area.column is None else letters(area.column)) + ("" if area.row is None else str(area.row + 1))
    end = ("" if area.end_column is None else letters(area.end_column - 1)) + (
        "" if area.end_row is None else str(area.end_row)
    )
    if not start and not end:
        return quoted(title)
    return f"{quoted(title)}!{start}" + ("" if start == end else f":{end}")


def split_title(text: str) -> tuple[str | None, str]:
    """Takes `'It''s'!A1` apart into the title and the rest; the title is None where there is none.

    A wholly quoted text is a title without a range. Raises ValueError where quotes do not match.
    """
    if text.startswith("'"):
        end = 1
        while True:
            end = text.index("'", end)
            if text[end + 1 : end + 2] != "'":
                break
            end += 2
        title, rest = text[1:end].replace("''", "'"), text[end + 1 :]
        if rest and not rest.startswith("!"):
            raise ValueError(text)
        return title, rest[1:]
    title_part, mark, rest = text.rpartition("!")
    return (title_part, rest) if mark else (None, text)


def parse_area(text: str) -> Area | None:
    """`B2:D`, `3:4`, `A:A`, `R1C1:R2C2`; None where the text is no range. Sides are put in order."""
    first, colon, second = text.partition(":")
    start = _corner(first)
    if start is None:
        return None
    if not colon:
        if start[0] is None or start[1] is None:
            return None
        return Area(start[0], start[0] + 1, start[1], start[1] + 1)
    end = _corner(second)
    if end is None:
        return None
    return _ordered(start, end)


def _corner(text: str) -> tuple[int | None, int | None] | None:
    """Row and column of one corner, each None where it is left out."""
    match = _R1C1.fullmatch(text)
    if match:
        return int(match[1]) - 1, int(match[2]) - 1
    match = _CELL.fullmatch(text)
    if not match or not (match[1] or match[2]):
        return None
    row = int(match[2]) - 1 if match[2] else None
    column = column_number(match[1]) if match[1] else None
    return row, column


def _ordered(start: tuple[int | None, int | None], end: tuple[int | None, int | None]) -> Area:
    row, end_row = _side(start[0], end[0])
    column, end_column = _side(start[1], end[1])
    return Area(row, end_row, column, end_column)


def _side(first: int | None, second: int | None) -> tuple[int | None, int | None]:
    if first is not None and second is not None:
        return min(first, second), max(first, second) + 1
    if first is None and second is not None:
        return second, None  # `A:B5` means from row 5 on, as `A5:B` does
    return first, None
