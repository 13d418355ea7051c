"""Taking over rows that have no key yet: which row of the database each is, by `match_on`, and which are copies.

The operator's `match_on` says that rows with the same values there are the same row. Of several such rows one is
kept; each other one is removed only on proof that nothing a person wrote goes with it: it reads the same as
another, or, at the take-over itself, it came from a program that wrote numbers as text (a person who types 3 makes
a number of it) and holds no other text of its own. Later, when others may write in the same way, that proves
nothing. What people have beside a row, or in a note on it, is never removed with a copy, nor is the only colour.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from .cells import Cell, CurrentCell, Formula
from .compare import TabRow
from .marks import Marks
from .table import DesiredRow, Shape

Reason = Literal["unmatched", "several", "differs", "beside", "unknown"]
"""Why a row cannot be told: no row of the database matches; several do; it differs from another row that matches
the same one, and a person may have typed it; it is a copy, but people have something with it (cells beside it,
a note, a colour) that the row that stays has not; nothing tells what it is."""

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?", re.ASCII)
_WHOLE = re.compile(r"0|[1-9][0-9]{0,14}", re.ASCII)
_TRUTH = ("true", "false")


@dataclass(slots=True)
class Told:
    """`adopted` maps a row's index to the key of the row that it is; `copies` go; `puzzles` cannot be told."""

    adopted: dict[int, bytes] = field(default_factory=dict)
    copies: list[TabRow] = field(default_factory=list)
    puzzles: dict[int, Reason] = field(default_factory=dict)


def match_text(cell: CurrentCell) -> str:
    """A cell as `match_on` sees it: a number and its digits are the same, and so is an e-mail address in
    capitals; blanks around do not count."""
    text = plain_text(cell).strip()
    return text.lower() if "@" in text else text


def plain_text(cell: CurrentCell) -> str:
    """A cell as text that is the same for a value and for that value written as text."""
    if cell is None or isinstance(cell, Formula):
        return ""
    if isinstance(cell, bool):
        return str(cell).lower()
    if isinstance(cell, str):
        if not _NUMBER.fullmatch(cell):
            return cell.lower() if cell.lower() in _TRUTH else cell
        cell = float(cell) if len(cell) <= 15 else cell
    return format(cell, ".15g") if isinstance(cell, float) else cell


def claimed_keys(shape: Shape, loose: Iterable[TabRow], rows: Iterable[DesiredRow]) -> set[bytes]:
    """The keys of the desired rows that rows without a key may be, by `match_on`."""
    tokens = {_token(shape, row.cells) for row in loose} if shape.match_on else set()
    if not tokens:
        return set()
    return {key for key, cells in rows if _token(shape, cells) in tokens}


def by_match_on(
    shape: Shape,
    loose: Sequence[TabRow],
    missing: Mapping[bytes, Sequence[Cell]],
    present: Mapping[bytes, Sequence[Cell]],
    positions: Sequence[int | None],
    marks: Marks,
    *,
    first: bool,
) -> Told:
    """Tells rows with no key at all by `match_on`.

    `missing` are desired rows that stand nowhere in the tab, `present` those that do, under their key; of those
    all that `loose` may match have to be among them. `positions` are the managed columns' in the tab; `first` says
    that nothing in it is this installation's yet.
    """
    told = Told()
    if not shape.match_on:
        return told
    wanted: dict[tuple[str, ...], list[bytes]] = defaultdict(list)
    desired = {**present, **missing}
    for key, cells in desired.items():
        wanted[_token(shape, cells)].append(key)
    proof = _Proof(shape, positions, marks, first)
    for token, group in _groups(shape, loose).items():
        keys = wanted.get(token, [])
        for rows, one in _one_to_one(shape, group, keys, desired):
            if one is None:
                told.puzzles |= {row.index: "several" if keys else "unmatched" for row in rows}
            else:
                proof.tell(told, rows, one, desired[one], adopt=one in missing)
    return told


def _groups(shape: Shape, loose: Sequence[TabRow]) -> dict[tuple[str, ...], list[TabRow]]:
    """Rows without any cell of a key of their own, and whole in `match_on`, by what they match on."""
    groups: dict[tuple[str, ...], list[TabRow]] = defaultdict(list)
    for row in loose:
        token = _token(shape, row.cells)
        if "" not in token and all(row.cells[i] is None for i in shape.key if i not in shape.match_on):
            groups[token].append(row)
    return groups


def _token(shape: Shape, cells: Sequence[CurrentCell]) -> tuple[str, ...]:
    return tuple([match_text(cells[i]) for i in shape.match_on])


def _one_to_one(
    shape: Shape, group: list[TabRow], keys: list[bytes], desired: Mapping[bytes, Sequence[Cell]]
) -> Iterable[tuple[list[TabRow], bytes | None]]:
    """The rows of a group with the one desired row that they are, or None. Where several desired rows match
    since capitals do not count, they have to match to the letter."""
    if len(keys) < 2:
        return [(group, keys[0] if keys else None)]
    by_letter: dict[tuple[CurrentCell, ...], list[bytes]] = defaultdict(list)
    for key in keys:
        by_letter[tuple([desired[key][i] for i in shape.match_on])].append(key)
    rows: dict[bytes | None, list[TabRow]] = defaultdict(list)
    for row in group:
        same = by_letter.get(tuple([row.cells[i] for i in shape.match_on]), [])
        rows[same[0] if len(same) == 1 else None].append(row)
    return [(found, key) for key, found in rows.items()]


@dataclass(frozen=True, slots=True)
class _Proof:
    """Which of the rows that match one desired row is kept, and which of the others may go."""

    shape: Shape
    positions: Sequence[int | None]
    marks: Marks
    first: bool

    def tell(self, told: Told, rows: list[TabRow], key: bytes, desired: Sequence[Cell], *, adopt: bool) -> None:
        """`adopt` says that the desired row stands nowhere yet; else it does, and all of `rows` are others."""
        sure = {row.index for row in rows if self.first and self._of_a_program(row, desired)}
        stays: Sequence[CurrentCell] = desired
        coloured = False
        if adopt:
            kept = self._kept(rows, sure)
            told.adopted[kept.index] = key
            stays, coloured = kept.cells, kept.index in self.marks.colours
            rows = [row for row in rows if row is not kept]
        reading = self._reading(stays)
        for row in rows:
            if row.beside or row.index in self.marks.notes or (row.index in self.marks.colours and not coloured):
                told.puzzles[row.index] = "beside"
            elif self._reading(row.cells) == reading or (
                row.index in sure and self._says_no_more(row, stays, desired)
            ):
                told.copies.append(row)
            else:
                told.puzzles[row.index] = "differs"

    def _says_no_more(self, row: TabRow, stays: Sequence[CurrentCell], desired: Sequence[Cell]) -> bool:
        """Whether a program's row has no text but those of the row that stays, of the database, or such as the
        program composes; an older number, boolean or time is no loss."""
        return all(
            cell is None
            or i in self.shape.match_on
            or plain_text(cell) in (plain_text(stays[i]), plain_text(desired[i]))
            or (not isinstance(desired[i], str) and isinstance(cell, str) and _is_programs(cell))
            or self._is_composed(i, cell, (stays[i], desired[i]))
            for i, cell in enumerate(row.cells)
        )

    def _is_composed(self, column: int, cell: CurrentCell, known: Sequence[CurrentCell]) -> bool:
        """Whether all of a text that does not vary, where the program puts it together, is known."""
        varies = self.shape.columns[column].varies
        if varies is None or not isinstance(cell, str):
            return False
        pieces = {piece for one in known if isinstance(one, str) for piece in re.split(varies, one)}
        return pieces | {""} >= set(re.split(varies, cell))

    def _kept(self, rows: Sequence[TabRow], sure: Set[int]) -> TabRow:
        """What people have with it counts first, then what they may have typed; else it is the first one, since
        any of them would be given the same cells."""
        marks = self.marks
        return max(
            rows,
            key=lambda row: (
                row.beside + (row.index in marks.notes),
                row.index not in sure,
                row.index in marks.colours,
                -row.index,
            ),
        )

    def _reading(self, cells: Sequence[CurrentCell]) -> tuple[str, ...]:
        """How the row reads, key aside; a formula reads like nothing else."""
        shape = self.shape
        return tuple(
            [
                match_text(cell)
                if i in shape.match_on
                else cell.text
                if isinstance(cell, Formula)
                else plain_text(cell)
                for i, cell in enumerate(cells)
                if i in shape.match_on or i not in shape.key
            ]
        )

    def _of_a_program(self, row: TabRow, desired: Sequence[Cell]) -> bool:
        """Whether a number, boolean or time of the database stands in the row as text, and nothing in it is one:
        so programs write it that send text as it is. What is typed is text only in cells with that format."""
        if any(isinstance(cell, bool | float | Formula) for cell in row.cells):
            return False
        return any(
            isinstance(wanted, bool | float)
            and isinstance(cell, str)
            and _is_value(cell)
            and not self.marks.is_text(row.index, self.positions[i])
            for i, (cell, wanted) in enumerate(zip(row.cells, desired, strict=True))
        )


def _is_value(text: str) -> bool:
    """Whether a text is one that a sheet in any language makes a value of where it is typed. Decimals and moments
    are not: a comma may be the sheet's decimal mark, and with a zone or in a short form a moment stays text."""
    return bool(_WHOLE.fullmatch(text)) or text.lower() in _TRUTH


def _is_programs(text: str) -> bool:
    """Whether a text is a number, boolean or moment as a program writes it, in a row that is known to be one's."""
    if _NUMBER.fullmatch(text) or text.lower() in _TRUTH:
        return True
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
