"""The desired table: which columns a dataset manages, and its rows as typed cells with their identity.

Rows are given and taken one by one, never as a whole, so that a million of them cost a few bytes each.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any

from .cells import (
    DEFAULT_FORMATS,
    MAX_TEXT,
    NOT_IN_CELLS,
    Cell,
    CellRules,
    Converter,
    Kind,
    unpack_row,
    utf16_units,
)
from .columns import convert_column
from .errors import DeniedColumnError, KeyNotUniqueError, QueryError, clipped, some_names
from .ports import SourceColumn
from .privacy import Veil, denied_among, veil_of
from .rows import Fingerprint, Hasher, sum_hashes
from .settings import CellType, Column, Dataset

MAX_OFFENDERS = 5
_TOGETHER = 1_000
"""Rows that are converted at once."""
MAX_COLUMNS = 18_278
"""Columns a tab may have (Google Sheets limit)."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A dataset's managed columns in order, and where its key and its `match_on` stand among them.

    `picks[i]` is the position of managed column i in the source's rows; `types` says what its values are.
    """

    dataset: str
    columns: tuple[Column, ...]
    picks: tuple[int, ...]
    key: tuple[int, ...]
    match_on: tuple[int, ...] = ()

    @property
    def headers(self) -> tuple[str, ...]:
        return tuple(column.header for column in self.columns)

    def key_of(self, cells: Sequence[Cell]) -> tuple[Cell, ...]:
        return tuple([cells[i] for i in self.key])

    def text(self) -> str:
        """A text that differs when the same rows would have to be written differently."""
        return repr((self.columns, self.picks, self.key))


def resolve_shape(dataset: Dataset, source: Sequence[SourceColumn]) -> Shape:
    """Joins the configured columns with those that the query gave. Raises QueryError where they do not fit."""
    names = [column.name for column in source]
    denied = denied_among(names, dataset.deny)
    if denied:
        raise DeniedColumnError(f"dataset {dataset.name!r} gives the column {denied[0]!r}, which is never synced")
    configured = dataset.columns or tuple(Column(name=name, header=name) for name in names)
    wanted = _with_keys(dataset, configured)
    missing = [name for name in [c.name for c in wanted] + list(dataset.match_on) if name not in names]
    if missing:
        raise QueryError(
            f"dataset {dataset.name!r} has no column {missing[0]!r}; its query gives {some_names(names) or 'none'}",
            hint="Correct `key`, `columns` or `match_on` of the dataset, or its query.",
        )
    if not source or len(wanted) > MAX_COLUMNS:
        raise QueryError(
            f"dataset {dataset.name!r} gives {len(wanted)} columns; a tab has 1 to {MAX_COLUMNS:,}",
            hint="Name the columns you want in `columns`.",
        )
    blank = [c.name for c in wanted if not c.header.strip()]
    if blank:
        raise QueryError(
            f"dataset {dataset.name!r}: column {clipped(blank[0])} has no header",
            hint="Name the column in the query with AS, or give it a `header` in `columns`.",
        )
    _check_headers(dataset.name, wanted)
    position = {name: i for i, name in enumerate(names)}
    at = {column.name: i for i, column in enumerate(wanted)}
    unseen = [name for name in dataset.match_on if name not in at]
    if unseen:
        raise QueryError(f"dataset {dataset.name!r}: match_on column {unseen[0]!r} is not among its columns")
    types = {column.name: column.type for column in source}
    return Shape(
        dataset=dataset.name,
        columns=tuple(_typed(column, types[column.name]) for column in wanted),
        picks=tuple(position[column.name] for column in wanted),
        key=tuple(at[name] for name in dataset.key),
        match_on=tuple(at[name] for name in dataset.match_on),
    )


def _check_headers(dataset: str, columns: Sequence[Column]) -> None:
    """Raises QueryError for a header that no cell can hold to the letter, and for one that stands twice."""
    hint = "Give each of its `columns` a header of its own."
    for column in columns:
        if NOT_IN_CELLS.search(column.header) or utf16_units(column.header) > MAX_TEXT:
            raise QueryError(
                f"dataset {dataset!r}: the header {clipped(column.header)} is longer than a cell holds, or has "
                "characters that none can hold",
                hint=hint,
            )
    counts = Counter(column.header.strip() for column in columns)
    double = next((header for header, count in counts.items() if count > 1), None)
    if double is not None:
        raise QueryError(f"dataset {dataset!r} has the header {clipped(double)} twice", hint=hint)


def _with_keys(dataset: Dataset, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    """Key columns that were not named are managed too, last and hidden."""
    named = {column.name for column in columns}
    extra = tuple(Column(name=k, header=k, hidden=True) for k in dataset.key if k not in named)
    return columns + extra


def _typed(column: Column, declared: object) -> Column:
    if column.type is not None or declared is None:
        return column
    return replace(column, type=declared)  # type: ignore[arg-type]  # a CellType


DesiredRow = tuple[bytes, tuple[Cell, ...]]
"""A row as it must stand in the tab: the hash of its key, and its cells."""


@dataclass(frozen=True, slots=True)
class DesiredTable:
    """What is known of the desired rows once they have been read: everything but the rows themselves.

    `index` maps each key's hash to its row's hash, in the source's order. `formats` has a number format for
    each managed column that needs one. `cut` and `replaced` count texts that a cell could not hold whole, `unlike`
    the values of a column, named with its type, that were not what that says.
    """

    shape: Shape
    index: dict[bytes, bytes]
    formats: tuple[str | None, ...]
    cut: int = 0
    replaced: int = 0
    unlike: tuple[tuple[str, CellType, int], ...] = ()

    @property
    def fingerprint(self) -> Fingerprint:
        return sum_hashes(self.index.values())


@dataclass(slots=True)
class TableBuilder:
    """Turns packed source rows into desired rows, checking each key; `finish` gives the table.

    Raises KeyNotUniqueError when all rows have been seen and some had NULL or another's key,
    UnsupportedValueError at the first value that no cell can hold.
    """

    shape: Shape
    rules: CellRules
    hasher: Hasher
    _index: dict[bytes, bytes] = field(default_factory=dict)
    _null: list[int] = field(default_factory=list)
    _repeated: list[int] = field(default_factory=list)
    _bad: int = 0
    _nulls: int = 0
    _converters: list[Converter] = field(default_factory=list)
    _veils: list[tuple[int, Veil]] = field(default_factory=list)

    def __post_init__(self) -> None:
        columns = self.shape.columns
        # What is masked or hashed is its text, as the database has it, whatever it would be as a cell.
        self._converters = [Converter(c.name, "text" if c.is_veiled else c.type, self.rules) for c in columns]
        veils = [(i, veil_of(column, self.rules.hash_key)) for i, column in enumerate(columns)]
        self._veils = [(i, veil) for i, veil in veils if veil is not None]

    def chunks(self, packed: Iterable[bytes]) -> Iterator[list[DesiredRow]]:
        """The desired rows, some at once, never an empty list; those without a key of their own are left out."""
        rest, seen = iter(packed), 0
        while chunk := [*map(unpack_row, islice(rest, _TOGETHER))]:
            rows = self._converted(chunk)
            keys = [tuple([cells[i] for i in self.shape.key]) for cells in rows]
            good = self._indexed(keys, rows, seen)
            seen += len(chunk)
            if good:
                yield good

    def _converted(self, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Cell, ...]]:
        """The rows' cells, made column by column: its values are mostly of one kind."""
        source = [*zip(*rows, strict=True)]
        managed = zip(self._converters, self.shape.picks, strict=True)
        cells = [convert_column(one, source[pick]) for one, pick in managed]
        for i, veil in self._veils:
            cells[i] = [*map(veil, cells[i])]
        return [*zip(*cells, strict=True)]

    def _indexed(self, keys: list[tuple[Cell, ...]], rows: list[tuple[Cell, ...]], seen: int) -> list[DesiredRow]:
        """Takes rows into the index, but for those whose key is not theirs alone; `seen` rows came before."""
        index = self._index
        identities, hashes = self.hasher.keys(keys), self.hasher.rows(rows)
        good: list[DesiredRow] = []
        for number, key in enumerate(keys):
            identity = identities[number]
            if None in key or identity in index:
                self._refuse(seen + number + 1, key)
                continue
            index[identity] = hashes[number]
            good.append((identity, rows[number]))
        return good

    def _refuse(self, number: int, key: tuple[Cell, ...]) -> None:
        self._bad += 1
        if None in key:
            self._nulls += 1
            self._null.append(number)
            del self._null[MAX_OFFENDERS:]
        elif len(self._repeated) < MAX_OFFENDERS:
            self._repeated.append(number)

    def finish(self) -> DesiredTable:
        if self._bad:
            raise self._key_error()
        kinds: list[Kind] = [converter.kind for converter in self._converters]
        formats = tuple(
            column.format or (None if column.is_veiled else DEFAULT_FORMATS.get(kind))
            for column, kind in zip(self.shape.columns, kinds, strict=True)
        )
        cut = sum(converter.cut for converter in self._converters)
        replaced = sum(converter.replaced for converter in self._converters)
        named = zip(self.shape.columns, self._converters, strict=True)
        unlike = tuple((c.name, c.type, one.unlike) for c, one in named if c.type is not None and one.unlike)
        return DesiredTable(self.shape, self._index, formats, cut, replaced, unlike)

    def _key_error(self) -> KeyNotUniqueError:
        names = ", ".join(self.shape.columns[i].name for i in self.shape.key)
        offenders = [f"row {number} of the result: NULL" for number in self._null]
        offenders += [f"row {number} of the result: as an earlier row" for number in self._repeated]
        nulls, doubles = self._nulls, self._bad - self._nulls
        counts = [f"{nulls:,} row(s) with NULL" if nulls else "", f"{doubles:,} that repeat it" if doubles else ""]
        what = " and ".join(count for count in counts if count)
        return KeyNotUniqueError(
            f"dataset {self.shape.dataset!r}: its key ({names}) has {what}; the tab was left as it is",
            hint="A key must be unique and not null (nor an empty text, which is an empty cell). To see the rows: "
            f"SELECT {names}, count(*) … GROUP BY {names} HAVING count(*) > 1. Name more columns in `key`, or mend "
            "the query.",
            offenders=tuple(offenders[:MAX_OFFENDERS]),
        )
