"""Every state that a spreadsheet goes through, and which of them somebody may see."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.cells import Value
from moneymentor_sync.sandbox.document import Document
from moneymentor_sync.sandbox.grid import Sheet

Row = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """What is seen of a tab: its cells by row, blank ends cut, and the notes on cells by the row's first cell."""

    rows: tuple[Row, ...]
    notes: frozenset[tuple[Value, int, str]] = frozenset()

    def by_key(self, key: str = "id") -> dict[Value, Row]:
        at = self.rows[0].index(key)
        return {row[at]: row for row in self.rows[1:] if len(row) > at}


Seen = Mapping[str, Picture]
"""The tabs that people see, by title."""


def picture(sheet: Sheet) -> Picture:
    filled = sheet.rows[: sheet.last_filled_row() + 1]
    rows = tuple(tuple(row.cells) if row is not None else () for row in filled)
    notes = {
        (row.cells[0] if row.cells else None, column, text)
        for row in filled
        if row is not None
        for column, text in (row.notes or {}).items()
    }
    return Picture(rows, frozenset(notes))


def seen(document: Document) -> Seen:
    return {sheet.title: picture(sheet) for sheet in document.sheets if not sheet.hidden}


@dataclass
class Recorder:
    """Keeps each state of one spreadsheet; a state is a document, which never changes once it is there."""

    box: Sandbox
    spreadsheet: str
    documents: list[Document] = field(default_factory=list)

    def start(self) -> Recorder:
        self.documents = [self.box.document(self.spreadsheet)]
        self.box.hooks.on_change(self._keep)
        return self

    def _keep(self, *_change: object) -> None:
        document = self.box.library.documents.get(self.spreadsheet)
        if document is not None and document is not self.documents[-1]:
            self.documents.append(document)

    @property
    def states(self) -> list[Seen]:
        return [seen(document) for document in self.documents]


Rule = Callable[[Picture | None], bool]


def one_of(*legal: Picture | None) -> Rule:
    """The tab is exactly one of those; None is that it is not there (or that nobody sees it)."""
    return lambda found: found in legal


def either(*rules: Rule) -> Rule:
    return lambda found: any(rule(found) for rule in rules)


def rows_old_or_new(old: Picture, new: Picture) -> Rule:
    """The header stands, no key is there twice, and each row is the old one or the new one, whole."""
    before, after = old.by_key(), new.by_key()

    def legal(found: Picture | None) -> bool:
        if found is None or not found.rows or found.rows[0] != old.rows[0]:
            return False
        now = found.by_key()
        return (
            len(now) == len(found.rows) - 1
            and before.keys() & after.keys() <= now.keys() <= before.keys() | after.keys()
            and all(row in (before.get(key), after.get(key)) for key, row in now.items())
        )

    return legal


def illegal(states: Iterable[Seen], rules: Mapping[str, Rule], others: Sequence[str] = ("Sheet1",)) -> list[str]:
    """What is wrong with those states, in words; a tab without a rule must not be seen at all."""
    found: list[str] = []
    for number, state in enumerate(states):
        found += [f"state {number}: tab {title!r} is seen" for title in state if title not in (*rules, *others)]
        found += [
            f"state {number}: tab {title!r} is {state.get(title)}"
            for title, rule in rules.items()
            if not rule(state.get(title))
        ]
    return found
