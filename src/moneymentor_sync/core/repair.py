"""After a write that did not land where it was planned: what each cell that it hit held, to be put back.

Nothing locks a spreadsheet, so a person can move, insert or rename a column, or sort and insert rows, between
our last read and our write. The two readings, before the write and after it, tell how: columns are told by
their headings, else by what is in them, and rows by their keys, else by the cells that we did not write. Pure.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from .cells import CurrentCell
from .layout import heading
from .ports import Landing, TabView

Rows = Mapping[int, Sequence[CurrentCell]]
"""Rows by index, each its cells from column A on; row 0 is the header."""
Exact = tuple[str, CurrentCell]


def repairs(
    landing: Landing, headers: Sequence[str], key: Sequence[int], before: TabView, now: TabView
) -> list[tuple[int, int, CurrentCell]]:
    """The cells to write, as (row, column, value), so that people have again what they had.

    `headers` are the managed ones, and `key` says which of them are the key. Managed cells in rows whose key
    stands are left to the next plan.
    """
    managed = [header.strip() for header in headers]
    old, new = _rows(before), _rows(now)
    if landing.header_row:  # as if it had been there, blank but for ours where they were last
        at = dict(zip(landing.positions, managed, strict=True))
        old = {0: [at.get(i) for i in range(max(at) + 1)]} | {index + 1: row for index, row in old.items()}
    grown = now.info.columns - before.info.columns
    undo = _Undo(old, new, landing, managed, [managed[i] for i in key], grown)
    cells = undo.cells()
    if not all(undo.stands(name, place) for name, place in zip(managed, landing.positions, strict=True)):
        cells += rows_to_empty(landing.appended, {index: row for index, row in new.items() if index})
    return cells


def _rows(tab: TabView) -> dict[int, Sequence[CurrentCell]]:
    return {0: tab.header} | dict(tab.rows())


def _at(row: Sequence[CurrentCell], column: int | None) -> CurrentCell:
    return row[column] if column is not None and column < len(row) else None


def _exactly(cell: CurrentCell) -> Exact:
    return type(cell).__name__, cell


class _Undo:
    """Which old column and row each cell that was written stands in now."""

    def __init__(
        self,
        old: Rows,
        new: Rows,
        landing: Landing,
        managed: Sequence[str],
        keys: Sequence[str],
        grown: int,
    ) -> None:
        self.old, self.new, self.written = old, new, landing.cells
        self.removed, self.made, self.header_row = landing.removed, landing.made, landing.header_row
        self.places = {(row, column) for row, column, _ in self.written}
        self.old_names = [heading(cell) for cell in old[0]]
        self.new_names = [
            heading(cell) if (0, column) not in self.places else "" for column, cell in enumerate(new[0])
        ]
        self.columns = self._columns(grown)
        self.managed_names = frozenset(managed)
        self.managed = {i for i, name in enumerate(self.old_names) if name in managed}
        self.old_keys = [self.old_names.index(name) if name in self.old_names else None for name in keys]
        back = {was: column for column, was in self.columns.items()}
        self.new_keys = [back.get(column) if column is not None else None for column in self.old_keys]
        self.rows = self._rows_by_key()
        self.by_place: Collection[int] = ()

    def cells(self) -> list[tuple[int, int, CurrentCell]]:
        lost = self._rows_by_content({row for row, _, _ in self.written if row not in self.rows})
        result: list[tuple[int, int, CurrentCell]] = []
        for row, column, _ in self.written:
            was = self.columns.get(column)
            ours = was in self.managed and was not in self.old_keys and (row or not self.header_row)
            if ours and self.rows.get(row):  # the header row, wherever it was moved to, is no row of ours to mend
                continue
            former = self.rows.get(row, lost.get(row))
            if self._is_as_meant(row, column, former, was):
                continue
            value = _at(self.old[former], was) if former is not None and was is not None else None
            if _exactly(value) != _exactly(_at(self.new.get(row, ()), column)):
                result.append((row, column, value))
        return result + (self._headers() if self.header_row else [])

    def _headers(self) -> list[tuple[int, int, CurrentCell]]:
        """The headers of our columns that were moved to where none was written, while the header row was made."""
        return [
            (0, column, self.old_names[was])
            for column, was in self.columns.items()
            if was in self.managed and (0, column) not in self.places and not heading(_at(self.new[0], column))
        ]

    def stands(self, name: str, column: int) -> bool:
        """Whether a managed header is over its column where the plan thought; written by us it proves nothing."""
        if heading(_at(self.new[0], column)) != name:
            return False
        return (0, column) not in self.places or self._is_as_meant(0, column, 0, self.columns.get(column))

    def _is_as_meant(self, row: int, column: int, former: int | None, was: int | None) -> bool:
        """Whether the cell that was written is the one that was to be: then nobody loses anything by it. A header
        or a key that a person had damaged, and the cells of a column that was made, stay as they are now."""
        if former is None or former in self.removed or row in self.by_place or self._place(former) != row:
            return False  # by place it was only assumed to be there; one that was to go was not to be written to
        if column in self.made:
            return self.new_names[column] in self.managed_names
        return was == column - bisect_left(self.made, column)

    def _place(self, former: int) -> int:
        """Where an old row is now if nobody but us moved anything."""
        return former - bisect_left(self.removed, former)

    # --- columns --------------------------------------------------------------------------------------------

    def _columns(self, grown: int) -> dict[int, int]:
        """New column -> old column; a column that was just inserted has none."""
        width = max([len(row) for row in (*self.old.values(), *self.new.values())], default=0)
        once_old, once_new = Counter(self.old_names), Counter(self.new_names)
        found = {
            column: self.old_names.index(name)
            for column, name in enumerate(self.new_names)
            if name and once_new[name] == once_old[name] == 1
        }
        left_new = [i for i in range(width) if i not in found]
        left_old = [i for i in range(width) if i not in found.values()]
        for column, was in self._alike(left_new, left_old):
            if column not in found and was not in found.values():
                found[column] = was
        left_new = [i for i in left_new if i not in found]
        left_old = [i for i in left_old if i not in found.values()]
        # What is left has nothing of its own: as many as the grid grew by are new, the others keep their order.
        blank = [i for i in left_new if not self._own(i)][: max(0, grown)]
        found.update(zip([i for i in left_new if i not in blank], left_old, strict=False))
        return found

    def _alike(self, new: Sequence[int], old: Sequence[int]) -> list[tuple[int, int]]:
        """Pairs of columns that share cells, those that share most first."""
        counts = {was: Counter(_exactly(_at(row, was)) for row in self.old.values()) for was in old}
        pairs = []
        for column in new:
            own = Counter(
                _exactly(_at(row, column)) for index, row in self.new.items() if (index, column) not in self.places
            )
            for was in old:
                shared = own & counts[was]
                score = sum(shared.values()) - shared[_exactly(None)]
                if score:
                    pairs.append((score, column, was))
        return [(column, was) for _, column, was in sorted(pairs, reverse=True)]

    def _own(self, column: int) -> bool:
        return any(
            _at(row, column) is not None and (index, column) not in self.places for index, row in self.new.items()
        )

    # --- rows -----------------------------------------------------------------------------------------------

    def _rows_by_key(self) -> dict[int, int]:
        """New row -> old row, for rows whose key we did not write over."""
        by_key: dict[tuple[Exact, ...], list[int]] = defaultdict(list)
        for index, row in self.old.items():
            by_key[tuple([_exactly(_at(row, c)) for c in self.old_keys])].append(index)
        found = {0: 0}
        for index, row in self.new.items():
            if not index or any((index, c) in self.places for c in self.new_keys):
                continue
            key = tuple([_exactly(_at(row, c)) for c in self.new_keys])
            if len(by_key.get(key, ())) == 1 and ("NoneType", None) not in key:
                found[index] = by_key[key][0]
        return found

    def _rows_by_content(self, wanted: Iterable[int]) -> dict[int, int]:
        """The same for rows without a key of their own, by the cells that we did not write (a key that was
        emptied meanwhile says nothing); else by their place between rows that are known."""
        taken = set(self.rows.values())
        free = [index for index in self.old if index not in taken]
        groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
        for row in wanted:
            keyless = all(_at(self.new.get(row, ()), c) is None for c in self.new_keys)
            telling = self.columns.keys() - set(self.new_keys if keyless else ())
            groups[tuple(c for c in sorted(telling) if (row, c) not in self.places)].append(row)
        found: dict[int, int] = {}
        for columns, rows in groups.items():
            former: dict[tuple[Exact, ...], list[int]] = defaultdict(list)
            for index in free:
                former[tuple([_exactly(_at(self.old[index], self.columns[c])) for c in columns])].append(index)
            same: dict[tuple[Exact, ...], list[int]] = defaultdict(list)
            for row in rows:
                same[tuple([_exactly(_at(self.new.get(row, ()), c)) for c in columns])].append(row)
            for content, members in same.items():
                places = former.get(content, [])
                if len(places) == len(members) and any(cell is not None for _, cell in content):
                    found.update(zip(sorted(members), places, strict=True))
        told = self._rows_by_place([row for row in wanted if row not in found], taken | set(found.values()))
        self.by_place = told.keys()
        return found | told

    def _rows_by_place(self, wanted: Iterable[int], taken: set[int]) -> dict[int, int]:
        if any(index != self._place(was) for index, was in self.rows.items()):
            return {}  # rows were moved: a place proves nothing
        stood = {self._place(was): was for was in self.old if was not in self.removed}
        return {row: stood[row] for row in wanted if row in stood and stood[row] not in taken}


def rows_to_empty(appended: Sequence[Sequence[CurrentCell]], now: Rows) -> list[tuple[int, int, CurrentCell]]:
    """The cells of new rows that came to stand under wrong headings, each to be emptied.

    Such a row holds just what was sent, in the columns it was sent to; with anything else in it it is left.
    """
    sent = {_trimmed(row) for row in appended}
    return [
        (index, column, None)
        for index, row in now.items()
        if _trimmed(row) in sent
        for column, cell in enumerate(row)
        if cell is not None
    ]


def _trimmed(row: Sequence[CurrentCell]) -> tuple[Exact, ...]:
    cells = list(row)
    while cells and cells[-1] is None:
        cells.pop()
    return tuple(_exactly(cell) for cell in cells)
