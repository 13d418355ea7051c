"""What becomes of rows without a key, as a value and in words: for a plan, for a refusal, and for `mmsync check`.

Row numbers here are as people see them, from 1. No value of a cell is ever in these words.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .adoption import Reason
from .compare import TabRow
from .identity import Identified
from .table import Shape

MAX_NAMED_ROWS = 10
REMOVABLE: frozenset[Reason] = frozenset(("unmatched", "differs", "beside"))
"""What `--remove-unmatched` settles; anything else is a person's line, or a `match_on` that is not unique."""


@dataclass(frozen=True, slots=True)
class TakeOver:
    """`by` are the headers matched on, `key` those of the key. `adopted` rows are somebody's, `copies` go;
    `puzzles` cannot be told, but for those that go since the operator said so (`removed`, or `emptied` where
    people have something with them). `retyped` counts cells whose text becomes a number, boolean or time.
    Where the dataset's mode never removes a row (`removes`), copies stay, and no word lets puzzles go."""

    dataset: str
    key: tuple[str, ...]
    by: tuple[str, ...]
    adopted: tuple[int, ...] = ()
    copies: tuple[int, ...] = ()
    puzzles: Mapping[Reason, tuple[int, ...]] = field(default_factory=dict)
    removed: tuple[int, ...] = ()
    emptied: tuple[int, ...] = ()
    retyped: int = 0
    removes: bool = True

    @property
    def rows(self) -> int:
        puzzling = sum(map(len, self.puzzles.values()))
        return len(self.adopted) + len(self.copies) + len(self.removed) + len(self.emptied) + puzzling


def take_over(
    shape: Shape,
    found: Identified,
    puzzles: Mapping[Reason, Iterable[TabRow]],
    noted: Iterable[int],
    *,
    remove: bool,
    removes: bool,
) -> TakeOver:
    """What becomes of the rows; `noted` are indexes of rows with a note, `remove` is the operator's word,
    `removes` whether the dataset's mode lets rows go."""
    left = {reason: rows for reason, rows in puzzles.items() if not (remove and reason in REMOVABLE)}
    gone = [row for reason, rows in puzzles.items() if reason not in left for row in rows]
    kept = {row.index for row in gone if row.beside} | {row.index for row in gone} & set(noted)
    return TakeOver(
        shape.dataset,
        tuple(shape.headers[i] for i in shape.key),
        tuple(shape.headers[i] for i in shape.match_on),
        _numbers(found.by_match_on),
        _numbers(row.index for row in found.copies),
        {reason: _numbers(row.index for row in rows) for reason, rows in left.items()},
        _numbers(row.index for row in gone if row.index not in kept),
        _numbers(kept),
        removes=removes,
    )


def by_reason(rows: Iterable[TabRow], puzzles: Mapping[int, Reason]) -> dict[Reason, list[TabRow]]:
    """Rows that cannot be told, by why not."""
    found: dict[Reason, list[TabRow]] = defaultdict(list)
    for row in rows:
        found[puzzles.get(row.index, "unknown")].append(row)
    return dict(found)


def _numbers(indexes: Iterable[int]) -> tuple[int, ...]:
    return tuple(sorted(index + 1 for index in indexes))


# --- in words ---------------------------------------------------------------------------------------------


def named_rows(numbers: Sequence[int]) -> str:
    """`3, 7 and 12 more`."""
    shown = ", ".join(map(str, sorted(numbers)[:MAX_NAMED_ROWS]))
    return shown + (f" and {len(numbers) - MAX_NAMED_ROWS:,} more" if len(numbers) > MAX_NAMED_ROWS else "")


def _counted(numbers: Sequence[int]) -> str:
    return f"{len(numbers):,} (row{'' if len(numbers) == 1 else 's'} {named_rows(numbers)})"


def in_words(found: TakeOver) -> list[str]:
    """What becomes of the rows: first how many there are, then a line for each kind."""
    by = " and ".join(found.by)
    lines = [f"rows that have no key ({', '.join(found.key)}) yet: {found.rows:,}"]
    if found.adopted:
        lines.append(f"taken over by {by}, with what stands beside them: {len(found.adopted):,}")
    if found.copies:
        fate = "removed" if found.removes else "left where they are, since this mode never deletes"
        lines.append(f"copies of those, {fate}: {_counted(found.copies)}")
    if found.removed:
        lines.append(f"removed, since you say so: {_counted(found.removed)}")
    if found.emptied:
        lines.append(
            f"emptied in our columns, since you say so; what people have there stays: {_counted(found.emptied)}"
        )
    lines += puzzles_in_words(found)
    if found.retyped:
        lines.append(f"cells whose text becomes a number, boolean or time: {found.retyped:,}")
    return lines


def puzzles_in_words(found: TakeOver) -> list[str]:
    by = " and ".join(found.by)
    words: dict[Reason, str] = {
        "unmatched": f"match nothing in the database by {by}",
        "several": f"match several rows of the database by {by}, which has to be unique",
        "differs": f"match by {by} what another row does, but differ from it, and a person may have typed them",
        "beside": f"match by {by} what another row does, but people have cells beside, or notes or colours on them",
        "unknown": f"cannot be matched by {by}, which is blank, or have a part of a key"
        if by
        else "cannot be matched",
    }
    return [f"{words[reason]}: {_counted(rows)}" for reason, rows in found.puzzles.items()]


def explained(found: TakeOver) -> str:
    """Why the puzzles are puzzles, and what to do about them."""
    if not found.by:
        return remedy(found)
    return f"They {'; they '.join(puzzles_in_words(found))}. {remedy(found)}"


def remedy(found: TakeOver) -> str:
    """What to do about the puzzles."""
    if not found.by:
        return (
            "Put the key back, or empty our columns in those rows, or delete the rows; "
            "`match_on` adopts rows by another column."
        )
    parts = []
    if "beside" in found.puzzles:
        parts.append("Move what people have there to the row that stays.")
    if "several" in found.puzzles:
        parts.append("Choose a `match_on` that is unique.")
    parts.append("Delete those rows, or empty our columns in them, or put their key back.")
    if found.puzzles.keys() & REMOVABLE and found.removes:
        command = f"{found.dataset} --remove-unmatched"
        parts.append(f"Or see with `mmsync plan {command}` what would go, and let `mmsync sync {command}` do it.")
    if not found.removes:
        parts.append("`--remove-unmatched` is not for this dataset: its mode never deletes.")
    return " ".join(parts)
