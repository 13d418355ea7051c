"""The plan of one sync: a pure value that says cell by cell what will change, and refuses to be unsafe.

`make_plan` decides; nothing here reads or writes anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from .cells import Cell, CurrentCell
from .compare import Comparison, TabRow
from .doubles import Doubles
from .errors import KeyDamagedError, ShrinkRefusedError, UnknownRowsError
from .identity import Identified, Known, identify, key_reading
from .layout import Layout
from .marks import Marks, Span, joined
from .rows import Hasher
from .settings import Mode
from .sheet_status import Dressing
from .table import DesiredTable, Shape
from .take_over import TakeOver, by_reason, explained, named_rows, take_over

NO_MARKS = Marks()


@dataclass(frozen=True, slots=True)
class RowUpdate:
    """A row whose cells change: `old` and `new` are whole managed rows; `repairs_key` also writes key cells."""

    row: int
    old: tuple[CurrentCell, ...]
    new: tuple[Cell, ...]
    repairs_key: bool = False

    def changed(self) -> list[int]:
        """Indexes of the managed columns that differ; 1, "1" and True differ from one another."""
        return [
            i
            for i, (old, new) in enumerate(zip(self.old, self.new, strict=True))
            if old != new or type(old) is not type(new)
        ]


@dataclass(frozen=True, slots=True)
class Plan:
    """What a sync will do to one tab. Row numbers are 0-based indexes of the tab as it was read.

    `inserts` are whole new rows; `deletes` rows that go with all that stands in them; `blanks` rows whose
    managed cells are emptied since people keep something beside them. `layout` tells which columns and
    headers have to be made, `restyle` which managed columns get their number format (None in `formats`: lose it);
    `styled` are the formats that we gave them before. `rows_before` is what
    the tab held, `last_row` the index of the last row with anything in it, `removed` the managed cells of the
    rows in `deletes`, `put_back` how many of the cells to update were changed by a person, not by the database.
    `taken_over` tells of rows that had no key yet; where numbers are to stand in cells that are formatted as
    text, `untext` has the managed column and the span of rows that lose that format. `notes` are what a note on
    each header is to say (empty: none is wanted); a plan writes them only where it makes the header's cell.
    """

    dataset: str
    tab: str
    shape: Shape
    layout: Layout
    formats: tuple[str | None, ...]
    create_tab: bool
    updates: tuple[RowUpdate, ...] = ()
    inserts: tuple[tuple[Cell, ...], ...] = ()
    deletes: tuple[int, ...] = ()
    blanks: tuple[int, ...] = ()
    rows_before: int = 0
    last_row: int = 0
    people_beside: bool = False
    unknown_kept: int = 0
    restyle: tuple[int, ...] = ()
    styled: tuple[str | None, ...] = ()
    removed: tuple[tuple[CurrentCell, ...], ...] = ()
    put_back: int = 0
    taken_over: TakeOver | None = None
    untext: tuple[tuple[int, Span], ...] = ()
    notes: tuple[str, ...] = ()
    dressing: Dressing | None = None
    """What the tab gets besides, where it has nothing at all yet."""

    @property
    def is_empty(self) -> bool:
        layout = self.layout
        return not (
            self.updates or self.inserts or self.deletes or self.blanks or self.create_tab or self.restyle
            or layout.headers or layout.missing or layout.insert_header
        )  # fmt: skip

    @property
    def cells_changed(self) -> int:
        updated = sum(len(update.changed()) for update in self.updates)
        inserted = sum(len(row) - row.count(None) for row in self.inserts)
        return updated + inserted

    def deletes_more_than(self, share: float) -> bool:
        """Whether more than that share of the tab's rows would go, be it that people's own cells in them stay."""
        return len(self.deletes) + len(self.blanks) > share * self.rows_before

    @property
    def rows_after(self) -> int:
        return self.rows_before + len(self.inserts) - len(self.deletes) - len(self.blanks)


@dataclass(frozen=True, slots=True)
class Rules:
    """What a dataset allows: its mode, its share of deletions, and whether the shrink guard is lifted."""

    mode: Mode = "mirror"
    max_delete_fraction: float = 0.5
    allow_deletes: bool = False
    partial: bool = False
    """Only a part of the source was read (a cursor): what is missing from it is not gone."""
    remove_unmatched: bool = False
    """The operator's word: rows without a key that cannot be told, though `match_on` could, are removed."""

    @property
    def removes(self) -> bool:
        """Whether a row may go at all: `upsert` and `append` leave every one where it is."""
        return self.mode == "mirror"

    @property
    def deletes(self) -> bool:
        return self.removes and not self.partial


def needed_keys(comparison: Comparison, table: DesiredTable) -> set[bytes]:
    """The keys whose desired cells `make_plan` needs: of rows that are not equal, or not there."""
    needed = {row.key for row in comparison.changed} | {row.key for row in comparison.again}
    needed.update(table.index.keys() - comparison.matched.keys())
    return needed


def make_plan(
    *,
    tab: str,
    table: DesiredTable,
    layout: Layout,
    comparison: Comparison,
    cells: Mapping[bytes, tuple[Cell, ...]],
    written: Mapping[bytes, bytes],
    rules: Rules,
    hasher: Hasher,
    create_tab: bool = False,
    styled: tuple[str | None, ...] = (),
    marks: Marks = NO_MARKS,
) -> Plan:
    """Decides what to change. `cells` has the rows of `needed_keys` (and of `claimed_keys`, where there are rows
    without a key), `written` our last rows' hashes, `styled` the number formats that the managed columns were
    given before (empty where that is not known), `marks` what the tab has beside values.

    Raises ShrinkRefusedError, UnknownRowsError, KeyDamagedError, DuplicateKeyError: then nothing may be
    written.
    """
    shape = table.shape
    known = Known(
        missing={key: cells[key] for key in table.index if key not in comparison.matched},
        present={key: row for key, row in cells.items() if key in comparison.matched},
        written=written,
        positions=layout.positions,
        marks=marks,
        first=not written and not comparison.matched,
    )
    sorted_out = _sort_out(comparison, table, cells, known, rules, hasher, tab)
    found, surplus, gone = sorted_out.found, sorted_out.surplus, sorted_out.gone if rules.deletes else []
    discarded = sorted_out.discarded
    _guard_shrink(tab, shape, rules, len(gone) + len(discarded), comparison.rows_before, len(table.index))
    surplus = surplus + discarded if rules.removes else []
    kept = {row.index for row in surplus if row.beside or row.index in marks.notes}
    leaving = sorted([*gone, *(row for row in surplus if row.index not in kept)], key=lambda row: row.index)
    differing = [RowUpdate(row.index, row.cells, cells[row.key]) for row in sorted_out.keepers]
    theirs = {row.index for row in sorted_out.keepers if written.get(row.key) == table.index[row.key]}
    adopted = [
        RowUpdate(row.index, row.cells, cells[found.adopted[row.index]], repairs_key=True)
        for row in sorted_out.loose
        if row.index in found.adopted
    ]
    updates = [u for u in adopted + (differing if rules.mode != "append" else []) if u.changed()]
    placed = set(found.adopted.values())
    inserts = tuple(row for key, row in known.missing.items() if key not in placed)
    return Plan(
        dataset=shape.dataset,
        tab=tab,
        shape=shape,
        layout=layout,
        formats=table.formats,
        create_tab=create_tab,
        updates=tuple(sorted(updates, key=lambda update: update.row)),
        inserts=inserts,
        deletes=tuple(row.index for row in leaving),
        removed=tuple(row.cells for row in leaving),
        put_back=sum(len(update.changed()) for update in differing if update.row in theirs),
        blanks=tuple(sorted(kept)),
        rows_before=comparison.rows_before,
        last_row=comparison.last_row,
        people_beside=comparison.people_beside,
        unknown_kept=0 if rules.deletes else len(comparison.absent) + comparison.unkept,
        restyle=_restyle(table.formats, layout, styled, [*inserts, *(update.new for update in updates)]),
        styled=styled,
        taken_over=_with_retyped(sorted_out.taken_over, found, adopted),
        untext=_untext(table.formats, layout, adopted, marks),
    )


def _with_retyped(taken: TakeOver, found: Identified, adopted: Sequence[RowUpdate]) -> TakeOver | None:
    """None where no row was without a key."""
    if not taken.rows:
        return None
    ours = [update for update in adopted if update.row in found.by_match_on]
    return replace(taken, retyped=sum(map(_retyped, ours)))


def _retyped(update: RowUpdate) -> int:
    pairs = zip(update.old, update.new, strict=True)
    return sum(isinstance(old, str) and isinstance(new, bool | float) for old, new in pairs)


def _untext(
    formats: Sequence[str | None], layout: Layout, adopted: Sequence[RowUpdate], marks: Marks
) -> tuple[tuple[int, Span], ...]:
    """Columns of numbers where whoever wrote them had the cells formatted as text. Those with a format of ours
    get that anyway. Where the spans are very many, a number format between two of them goes, too."""
    found: list[tuple[int, Span]] = []
    for i, position in enumerate(layout.positions):
        spans = marks.as_text.get(position, ()) if position is not None and not formats[i] else ()
        if spans and any(isinstance(update.new[i], bool | float) for update in adopted):
            found += [(i, span) for span in joined(spans)]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _SortedOut:
    """The tab's rows by what becomes of them: `keepers` differ from the database, `loose` had no sure identity
    (`found` says which of them got one), `surplus` are copies, `gone` are ours and no longer in the database;
    `discarded` cannot be told and go since the operator said so."""

    keepers: list[TabRow]
    loose: list[TabRow]
    found: Identified
    surplus: list[TabRow]
    gone: list[TabRow]
    discarded: list[TabRow]
    taken_over: TakeOver


def _sort_out(
    comparison: Comparison,
    table: DesiredTable,
    cells: Mapping[bytes, tuple[Cell, ...]],
    known: Known,
    rules: Rules,
    hasher: Hasher,
    tab: str,
) -> _SortedOut:
    """Raises DuplicateKeyError, KeyDamagedError, UnknownRowsError for rows that cannot be told for certain."""
    written = known.written
    told = Doubles(table, known, hasher, tab)
    keepers, doubles = told.split(comparison, cells)
    stale = [row for row in comparison.absent if row.key in written]
    if rules.deletes:
        told.refuse_doubt_of_going(stale)
    strange = [row for row in comparison.absent if row.key not in written]
    loose = comparison.keyless + doubles + (strange if rules.deletes else [])
    if rules.deletes:  # a row that is not as we wrote it may be another's, its key typed over
        loose += [row for row in stale if hasher.row(row.cells) != written[row.key]]
    loose += _retyped_keys(table.shape, comparison.absent, loose, known)
    found = identify(table.shape, loose, known, hasher)
    if rules.deletes:
        told.refuse_strangers(stale, found.adopted)
    unresolved = {row.index for row in loose} - set(found.adopted) - {row.index for row in found.copies}
    puzzles = by_reason((row for row in comparison.keyless if row.index in unresolved), found.puzzles)
    taken = take_over(
        table.shape,
        found,
        puzzles,
        known.marks.notes,
        remove=rules.remove_unmatched and rules.deletes,
        removes=rules.removes,
    )
    _refuse_unresolved(tab, rules, taken, strange, unresolved)
    surplus = [row for row in doubles if row.index in unresolved] + list(found.copies)
    gone = [row for row in stale if row.index not in found.adopted]
    discarded = [row for rows in puzzles.values() for row in rows]
    return _SortedOut(keepers, loose, found, surplus, gone, discarded, taken)


def _retyped_keys(shape: Shape, absent: Sequence[TabRow], loose: Sequence[TabRow], known: Known) -> list[TabRow]:
    """Rows that are not in question yet, but whose key reads as one that stands nowhere."""
    there = {row.index for row in loose}
    readings = {key_reading(shape, cells) for cells in known.missing.values()} - {None} if absent else set()
    return [row for row in absent if row.index not in there and key_reading(shape, row.cells) in readings]


def _restyle(
    formats: Sequence[str | None],
    layout: Layout,
    styled: Sequence[str | None],
    written: Sequence[Sequence[CurrentCell]],
) -> tuple[int, ...]:
    """The columns whose number format is to be set: new ones, those whose format is another than before, and
    those that had one of ours and now get plain numbers (`written` are the rows that are): it is taken off."""
    before = styled if len(styled) == len(formats) else (None,) * len(formats)
    return tuple(
        i
        for i, (new, old) in enumerate(zip(formats, before, strict=True))
        if (new and (new != old or i in layout.missing))
        or (old and not new and any(isinstance(row[i], float) for row in written))
    )


def _refuse_unresolved(
    tab: str,
    rules: Rules,
    taken: TakeOver,
    strange: Sequence[TabRow],
    unresolved: set[int],
) -> None:
    headers = ", ".join(taken.key)
    if taken.puzzles:
        numbers = sorted(number for rows in taken.puzzles.values() for number in rows)
        raise KeyDamagedError(
            f"tab {tab!r}: {len(numbers):,} row(s) have no key ({headers}) and cannot be told for certain: "
            f"{named_rows(numbers)}; nothing was written",
            hint=explained(taken),
            rows=numbers,
            taken_over=taken,
        )
    unknown = [row.index + 1 for row in strange if row.index in unresolved]
    if unknown and rules.deletes:
        raise UnknownRowsError(
            f"tab {tab!r}: {len(unknown):,} row(s) have a key ({headers}) that is not in the database and was not "
            f"written by this installation: {named_rows(unknown)}; nothing was written",
            hint='Delete those rows, or empty our columns in them; or set mode = "upsert" to keep them.',
            rows=unknown,
        )


def _guard_shrink(tab: str, shape: Shape, rules: Rules, deletions: int, before: int, after: int) -> None:
    if not (rules.deletes or deletions) or rules.allow_deletes or not before:
        return
    if after == 0:
        raise ShrinkRefusedError(
            f"dataset {shape.dataset!r}: the query gave no rows at all, while tab {tab!r} has {before:,}; "
            "nothing was written",
            hint=_force(shape.dataset, rules),
        )
    if deletions / before > rules.max_delete_fraction:
        raise ShrinkRefusedError(
            f"dataset {shape.dataset!r} would delete {deletions:,} of {before:,} rows of tab {tab!r}, more than "
            f"max_delete_fraction = {rules.max_delete_fraction:g} allows; nothing was written",
            hint=_force(shape.dataset, rules),
        )


def _force(dataset: str, rules: Rules) -> str:
    options = f"{dataset}{' --remove-unmatched' if rules.remove_unmatched else ''} --force"
    look, do = f"`mmsync plan {options}`", f"`mmsync sync {options}`"
    return f"{look} shows what would go; if that is right, {do} does it."
