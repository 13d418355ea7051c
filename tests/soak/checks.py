"""What must hold: of every change that mmsync makes, judged by the tab before and after it; and at the end.

Pure. Before and after are the sandbox's own tabs, which never change; a row that is the same object in both was
not touched, so that a change of one row in thousands costs next to nothing to judge.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from moneymentor_sync.sandbox.cells import Formula, Value
from moneymentor_sync.sandbox.grid import Row, Sheet

from .tables import Table
from .view import View, key_in, words_in


@dataclass(frozen=True)
class Step:
    """A change, judged: what it made worse, the keys whose rows it removed, and people's words that went."""

    troubles: tuple[str, ...] = ()
    removed: frozenset[str] = frozenset()
    lost: tuple[str, ...] = ()


def judge(before: Sheet | None, after: Sheet | None, table: Table) -> Step:
    """One change by mmsync to a visible tab. What was wrong before it, a person had done."""
    if after is None:
        return Step(("the tab is gone",) if before is not None else ())
    if before is None:
        return Step(tuple(whole(after, table)))
    was, now = View.of(before, table), View.of(after, table)
    troubles = [
        f"header {header!r} stands {len(at)} times"
        for header, at in now.places.items()
        if len(at) != 1 and len(was.places[header]) == 1
    ]
    lost = _lost(before, after)
    if not (was.clear and now.clear):
        return Step(tuple(troubles), lost=lost)
    rows = _Rows(was, now)
    return Step((*troubles, *rows.troubles()), rows.removed(), lost)


def _lost(before: Sheet, after: Sheet) -> tuple[str, ...]:
    """People's words that stand nowhere in the tab any more."""
    old = {id(row) for row in before.rows if row is not None}
    new = {id(row) for row in after.rows if row is not None}
    gone = [text for row in before.rows if row is not None and id(row) not in new for text in words_in(row)]
    come = {text for row in after.rows if row is not None and id(row) not in old for text in words_in(row)}
    return tuple(text for text in gone if text not in come)


def whole(sheet: Sheet, table: Table) -> list[str]:
    """What is wrong with a tab in which no person has done anything yet."""
    view = View.of(sheet, table)
    if not view.clear:
        return ["a header is missing or doubled"]
    keys: Counter[str] = Counter()
    troubles = []
    for index, row in view.rows():
        keys[view.key(row)] += 1
        if not table.whole(view.cells(row)):
            troubles.append(f"row {index + 1} is not whole")
    return troubles + [f"key {key!r} stands {times} times" for key, times in keys.items() if times > 1]


class _Rows:
    """The rows that a change touched."""

    def __init__(self, was: View, now: View) -> None:
        self.was, self.now = was, now
        moved = was.places != now.places
        old = {id(row) for row in was.sheet.rows if row is not None}
        new = {id(row) for row in now.sheet.rows if row is not None}
        self.gone = [row for _, row in was.rows() if moved or id(row) not in new]
        self.come = [row for _, row in now.rows() if moved or id(row) not in old]
        self.gone_keys = Counter(was.key(row) for row in self.gone if was.is_ours(row))
        self.come_keys = Counter(now.key(row) for row in self.come if now.is_ours(row))
        same = [row for _, row in was.rows() if not moved and id(row) in new]
        self.same_keys = (
            Counter(was.key(row) for row in same if was.is_ours(row)) if self.come or self.gone else Counter()
        )

    def removed(self) -> frozenset[str]:
        return frozenset(k for k in self.gone_keys if k and not self.come_keys[k] and not self.same_keys[k])

    def troubles(self) -> list[str]:
        return [*self._doubled(), *self._halved(), *self._parted()]

    def _doubled(self) -> Iterable[str]:
        for key, times in self.come_keys.items():
            total = times + self.same_keys[key]
            before = self.gone_keys[key] + self.same_keys[key]
            if key and total > 1 and total > before:
                yield f"key {key!r} stands {total} times"
            if not key and times > self.gone_keys[key]:
                yield f"{times - self.gone_keys[key]} row(s) without a key"

    def _halved(self) -> Iterable[str]:
        broken = {self.was.key(row) for row in self.gone if not self._is_whole(self.was, row)}
        for row in self.come:
            key = self.now.key(row)
            if key and key not in broken and not self._is_whole(self.now, row):
                yield f"the row of {key!r} is not whole"

    @staticmethod
    def _is_whole(view: View, row: Row) -> bool:
        return not view.is_ours(row) or view.table.whole(view.cells(row))

    def _parted(self) -> Iterable[str]:
        """People's words that no longer stand beside their row, though the row is there."""
        removed = self.removed()
        old, new = self._beside(self.was, self.gone), self._beside(self.now, self.come)
        for (key, text), times in old.items():
            if key and key not in removed and new[key, text] < times:
                yield f"{text!r} no longer stands beside {key!r}"

    @staticmethod
    def _beside(view: View, rows: Iterable[Row]) -> Counter[tuple[str, str]]:
        found: Counter[tuple[str, str]] = Counter()
        for row in rows:
            for text, times in words_in(row).items():
                found[view.key(row), text] += times
        return found


@dataclass
class Comparison:
    """Sheet against database at the end. `differences` name keys of the generated data, never a value."""

    cells: int = 0
    notes: int = 0
    differences: list[str] = field(default_factory=list)


def compare(
    sheet: Sheet | None,
    table: Table,
    wanted: Mapping[str, Sequence[Value]],
    beside: Iterable[str],
) -> Comparison:
    """`wanted` are the rows by key, cells in the order of the headers; `beside` is all that people wrote in the tab
    and that must still stand there, each beside the row that it names."""
    found = Comparison()
    if sheet is None:
        found.differences.append(f"{table.tab}: there is no such tab")
        return found
    view = View.of(sheet, table)
    if not view.clear:
        lost = [header for header, at in view.places.items() if len(at) != 1]
        found.differences.append(f"{table.tab}: headers missing or doubled: {lost}")
        return found
    _compare_cells(view, wanted, found)
    _compare_words(view, beside, found)
    return found


def _compare_cells(view: View, wanted: Mapping[str, Sequence[Value]], found: Comparison) -> None:
    tab = view.table.tab
    seen: Counter[str] = Counter()
    for index, row in view.rows():
        if not view.is_ours(row):
            continue
        key = view.key(row)
        seen[key] += 1
        desired = wanted.get(key)
        if desired is None:
            found.differences.append(f"{tab}: row {index + 1} has the key {key!r}, which is not in the database")
            continue
        for header, value in zip(view.table.headers, desired, strict=True):
            found.cells += 1
            if not same(view.cells(row)[header], value):
                found.differences.append(f"{tab}: {header!r} of {key!r} is another value")
    found.differences += [f"{tab}: key {key!r} stands {times} times" for key, times in seen.items() if times > 1]
    found.differences += [f"{tab}: the row of {key!r} is missing" for key in wanted if not seen[key]]


def _compare_words(view: View, beside: Iterable[str], found: Comparison) -> None:
    tab = view.table.tab
    stands: Counter[str] = Counter()
    for index, row in view.rows():
        key = view.key(row) if view.is_ours(row) else ""
        for text, times in words_in(row).items():
            found.notes += times
            stands[text] += times
            if key_in(text) != key:
                found.differences.append(f"{tab}: row {index + 1}, key {key!r}, has {text!r} beside it")
    found.differences += [f"{tab}: {text!r} is lost" for text in beside if not stands[text]]


def same(cell: Value, value: Value) -> bool:
    """Equal and of one type; whole numbers are numbers."""
    if isinstance(cell, Formula) or isinstance(cell, bool) != isinstance(value, bool):
        return False
    return cell == value
