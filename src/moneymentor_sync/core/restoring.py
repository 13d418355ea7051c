"""What a restore would do, as a value: for each tab where it goes, and what would be different there. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .backups import Backup, SavedRow, SavedTab, current_cells
from .errors import BackupError, some_names
from .layout import heading
from .ports import TabInfo

Json = Mapping[str, Any]
Action = Literal["made", "replaced", "same"]


@dataclass(frozen=True, slots=True)
class Differences:
    """What a tab has otherwise than it had: `cells` that have another value in rows that are there still, rows
    that are there `more` and `fewer`, rows `moved` elsewhere, and `looks`, rows with other formats or notes.
    `around` says that its size, or what lies over its cells, is another."""

    cells: int = 0
    more: int = 0
    fewer: int = 0
    moved: int = 0
    looks: int = 0
    around: bool = False

    @property
    def any(self) -> bool:
        return self != Differences()


@dataclass(frozen=True, slots=True)
class TabRestore:
    """One tab of the backup: what is done, to which tab (`sheet_id`, called `title`), and what stays undone."""

    saved: SavedTab
    action: Action
    sheet_id: int
    title: str
    differences: Differences = Differences()
    not_restored: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RestorePlan:
    spreadsheet_id: str
    made_at: float
    tabs: tuple[TabRestore, ...] = field(default=())

    @property
    def changes(self) -> tuple[TabRestore, ...]:
        """Those in which something is to be done: tabs that are made again first, for others may refer to them."""
        made = [one for one in self.tabs if one.action == "made"]
        return (*made, *(one for one in self.tabs if one.action == "replaced"))


# --- which tabs -------------------------------------------------------------------------------------------


def chosen_tabs(backup: Backup, wanted: str | None, now: Iterable[TabInfo]) -> list[SavedTab]:
    """The tabs of a backup that are meant: all, or the one that was, or is now, called so. Raises BackupError."""
    if wanted is None:
        return list(backup.tabs)
    folded = wanted.casefold()
    called_now = {tab.sheet_id for tab in now if tab.title.casefold() == folded}
    for fits in (lambda tab: tab.title.casefold() == folded, lambda tab: tab.sheet_id in called_now):
        found = [tab for tab in backup.tabs if fits(tab)]
        if found:
            return found
    raise BackupError(
        f"the backup has no tab {wanted!r}",
        hint=f"It has: {some_names([tab.title for tab in backup.tabs]) or 'none'}.",
    )


def target_of(
    saved: SavedTab, now: Sequence[TabInfo], of_dataset: int | None, others: Collection[int]
) -> TabInfo | None:
    """The tab that a saved one goes over: the one with its id, else that of its dataset, else that of its title,
    unless it is one of the `others` that were saved. None where it has to be made again."""
    free = {tab.sheet_id: tab for tab in now if tab.sheet_id == saved.sheet_id or tab.sheet_id not in others}
    for sheet_id in (saved.sheet_id, of_dataset):
        if sheet_id is not None and sheet_id in free:
            return free[sheet_id]
    folded = saved.title.casefold()
    return next((tab for tab in free.values() if tab.title.casefold() == folded), None)


_STAY = {
    "charts": ("chart", "charts"),
    "protectedRanges": ("protected range", "protected ranges"),
    "slicers": ("slicer", "slicers"),
    "rowGroups": ("group of rows", "groups of rows"),
    "columnGroups": ("group of columns", "groups of columns"),
    "developerMetadata": ("piece of developer metadata", "pieces of developer metadata"),
}
"""What goes with its tab, and stays with one that a backup is put over."""


def not_restored(saved: SavedTab, named: Sequence[Json]) -> tuple[str, ...]:
    """What a tab had that is made again without it, in words; `named` are the spreadsheet's named ranges then."""
    counts = {name: len(saved.about.get(name, ())) for name in _STAY}
    found = [
        f"{counts[name]:,} {many if counts[name] > 1 else one}"
        for name, (one, many) in _STAY.items()
        if counts[name]
    ]
    lost = [str(one["name"]) for one in named if (one.get("range") or {}).get("sheetId", 0) == saved.sheet_id]
    if lost:
        found.append(f"the named range{'s' if len(lost) > 1 else ''} {some_names(lost)}")
    return tuple(found)


# --- what is different ------------------------------------------------------------------------------------


Rows = Callable[[list[Json]], Iterable[SavedRow]]
"""Goes through a tab's rows, in order; the list fills with the styles that they refer to."""


def compare_tabs(saved: Rows, now: Rows, key: Sequence[int]) -> Differences:
    """Rows that read the same are the same, wherever they stand; of the others those with the same cells in the
    columns of the `key` are, or where there is none, those of the same number."""
    styles: list[Json] = []
    places: dict[str, list[tuple[int, int]]] = {}
    blank: dict[int, int] = {}
    for row in saved(styles):
        words = _words(row)
        if words:
            places.setdefault(words, []).append((row.index, _looks(row, styles)))
        else:
            blank[row.index] = _looks(row, styles)
    looks = 0
    others: dict[object, list[SavedRow]] = {}
    offset = _Offsets()
    styles = []
    for row in now(styles):
        words = _words(row)
        if not words:
            looks += blank.pop(row.index, None) != _looks(row, styles)
        elif there := places.get(words):
            index, looked = there.pop(0)
            offset.met(index, row.index)
            looks += looked != _looks(row, styles)
        else:
            others.setdefault(_identity(row, key), []).append(row)
    looks += len(blank)
    cells = fewer = 0
    left = {words: [index for index, _ in there] for words, there in places.items() if there}
    for row in saved([]) if left else ():
        if row.index not in left.get(_words(row), ()):
            continue
        if there_now := others.get(_identity(row, key)):
            other = there_now.pop(0)
            offset.met(row.index, other.index)
            cells += _differing(row, other)
        else:
            fewer += 1
    return Differences(cells, sum(map(len, others.values())), fewer, offset.moved(), looks)


class _Offsets:
    """How many rows stand in another order than before: rows that came or went above others move nothing."""

    def __init__(self) -> None:
        self._now: dict[int, int] = {}

    def met(self, before: int, now: int) -> None:
        self._now[before] = now

    def moved(self) -> int:
        """All but the longest run of rows that are still in order."""
        tails: list[int] = []
        for _, now in sorted(self._now.items()):
            at = bisect_left(tails, now)
            tails[at : at + 1] = [now]
        return len(self._now) - len(tails)


def _words(row: SavedRow) -> str:
    """What was entered in a row, as a text that tells it from every other; empty for none."""
    cells = current_cells(row)
    return repr((cells, row.extras)) if cells or row.extras else ""


def _looks(row: SavedRow, styles: Sequence[Json]) -> int:
    """Formats, validation rules and notes, as a number."""
    given = [styles[number] if number >= 0 else None for number in row.styles]
    return hash(repr((given, sorted(row.notes.items()))))


def _identity(row: SavedRow, key: Sequence[int]) -> object:
    cells = current_cells(row)
    found = tuple(repr(cells[i]) if i < len(cells) else "" for i in key)
    return found if any(found) else row.index


def _differing(old: SavedRow, new: SavedRow) -> int:
    before, after = current_cells(old), current_cells(new)
    width = max(len(before), len(after), *(i + 1 for i in (*old.extras, *new.extras)))
    return sum(
        repr(before[i : i + 1]) != repr(after[i : i + 1]) or old.extras.get(i) != new.extras.get(i)
        for i in range(width)
    )


def key_columns(saved: SavedTab, rows: Rows) -> tuple[int, ...]:
    """Where the key of the tab's dataset stood; empty where it has none."""
    if saved.ours is None:
        return ()
    header = next((current_cells(row) for row in rows([]) if row.index == 0), [])
    found = [heading(cell) for cell in header]
    wanted = [text.strip() for text in saved.ours.key]
    return tuple(map(found.index, wanted)) if all(text in found for text in wanted) else ()


_OVER = ("merges", "conditionalFormats", "basicFilter", "filterViews", "bandedRanges")
_GRID = ("rowCount", "columnCount", "frozenRowCount", "frozenColumnCount", "hideGridlines")


def around_differs(saved: SavedTab, now: SavedTab) -> bool:
    """Whether the size, the rows' heights and the like, or what lies over the cells is another than it was."""
    if (saved.columns, saved.rows) != (now.columns, now.rows):
        return True
    old, new = (one.about["properties"]["gridProperties"] for one in (saved, now))
    if any(old.get(name) != new.get(name) for name in _GRID):
        return True
    old, new = (on_tab(one.about, 0) for one in (saved, now))
    return any(old.get(name) != new.get(name) for name in _OVER)


def on_tab(value: Any, sheet_id: int) -> Any:
    """Google's JSON of what lies over cells, with every range on the tab of that id."""
    if isinstance(value, list):
        return [on_tab(one, sheet_id) for one in value]
    if not isinstance(value, Mapping):
        return value
    found = {name: on_tab(one, sheet_id) for name, one in value.items()}
    if found.keys() & {"startRowIndex", "endRowIndex", "startColumnIndex", "endColumnIndex", "sheetId"}:
        found["sheetId"] = sheet_id
    return found
