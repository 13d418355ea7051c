"""A key that stands in several rows: which of them is the real one, where that can be proven."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from .cells import Cell
from .compare import Comparison, TabRow
from .errors import DuplicateKeyError
from .identity import Known, may_be_another
from .rows import Hasher
from .table import DesiredTable
from .take_over import named_rows


@dataclass(frozen=True, slots=True)
class Doubles:
    """Sorts the rows of one tab that have a key together."""

    table: DesiredTable
    known: Known
    hasher: Hasher
    tab: str

    def split(
        self, comparison: Comparison, cells: Mapping[bytes, tuple[Cell, ...]]
    ) -> tuple[list[TabRow], list[TabRow]]:
        """Of each key that stands in several rows, the row to keep (after all other rows that differ), and the
        others. Raises DuplicateKeyError where nothing tells which row that is, and it makes a difference."""
        if not comparison.again:
            return comparison.changed, []
        groups: dict[bytes, list[TabRow]] = defaultdict(list)
        for row in comparison.again:
            group = groups[row.key]
            if not group:
                group.append(comparison.first_row(row.key, cells[row.key]))
            group.append(row)
        keepers = {key: self._keeper(key, group) for key, group in groups.items()}
        self._refuse_doubt(groups, keepers)
        doubles = [row for key, group in groups.items() for row in group if row is not keepers[key]]
        others = [row for row in comparison.changed if row.key not in groups]
        return others + list(keepers.values()), doubles

    def refuse_doubt_of_going(self, stale: Sequence[TabRow]) -> None:
        """Raises DuplicateKeyError where several of the rows that are gone from the database have one key, and
        nothing tells whether one of them is another row, which is not gone."""
        several = _several(stale)
        as_written = {key: self._as_written(key, group) for key, group in several.items()}
        self._refuse_doubt(several, {key: row for key, row in as_written.items() if row is not None})

    def refuse_strangers(self, stale: Sequence[TabRow], told: Collection[int]) -> None:
        """Raises DuplicateKeyError where of several rows that go with one key one is not as it was written, is not
        among the `told` ones, and a person has something beside it: it may be another row, its key typed over."""
        for key, group in _several(stale).items():
            for row in group:
                if row.index not in told and self._has_company(row) and not self._is_as_written(key, row):
                    raise self._refusal(group, "one of them is not as it was written")

    def _is_as_written(self, key: bytes, row: TabRow) -> bool:
        return self.hasher.row(row.cells) == self.known.written[key]

    def _as_written(self, key: bytes, group: Sequence[TabRow]) -> TabRow | None:
        return next((row for row in group if self._is_as_written(key, row)), None)

    def _keeper(self, key: bytes, group: Sequence[TabRow]) -> TabRow:
        """The one that is as it was written, or as the database has it; with people's things if possible."""
        hashes = {self.table.index[key], self.known.written.get(key)}
        ours = [row for row in group if self.hasher.row(row.cells) in hashes]
        if not ours:
            raise self._refusal(group, "none is as it was written")
        return next((row for row in ours if self._has_company(row)), ours[0])

    def _refuse_doubt(self, groups: Mapping[bytes, Sequence[TabRow]], keepers: Mapping[bytes, TabRow]) -> None:
        """A row that reads like one whose key stands nowhere now may be that one, its key typed over. If nobody
        has anything beside the rows in question, it is all the same."""
        precious = [key for key in keepers if any(map(self._has_company, groups[key]))]
        doubtful = may_be_another(self.table.shape, [keepers[key] for key in precious], self.known, self.hasher)
        for key in precious:
            if keepers[key].index in doubtful:
                raise self._refusal(groups[key], "nothing tells which of them is another row, whose key is missing")

    def _has_company(self, row: TabRow) -> bool:
        marks = self.known.marks
        return row.beside or row.index in marks.notes or row.index in marks.colours

    def _refusal(self, group: Sequence[TabRow], why: str) -> DuplicateKeyError:
        numbers = [row.index + 1 for row in group]
        return DuplicateKeyError(
            f"tab {self.tab!r}: rows {named_rows(numbers)} have the same key, and {why}; nothing was written",
            hint="Type the right key into the row that is another's, delete the rows that are not the real one, "
            "or empty their key cells and cells beside.",
            rows=numbers,
        )


def _several(rows: Sequence[TabRow]) -> dict[bytes, list[TabRow]]:
    """By key, where more than one row has it."""
    groups: dict[bytes, list[TabRow]] = defaultdict(list)
    for row in rows:
        groups[row.key].append(row)
    return {key: group for key, group in groups.items() if len(group) > 1}
