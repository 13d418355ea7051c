"""Plans for people: what would change in all, then tab by tab, each cell's old and new value side by side. Pure.

A plan may have a million rows, and with `--all` they are all shown: so lines are made one after the other, and
their columns' widths are known before the first of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from textwrap import wrap
from typing import TYPE_CHECKING

from rich.cells import cell_len
from rich.text import Text

from moneymentor_sync.core.errors import KeyNotUniqueError
from moneymentor_sync.core.take_over import in_words

from .plan_cells import clipped, known_by, old_and_new, rest_of
from .signs import COLOURS
from .words import counted, plain

if TYPE_CHECKING:
    from moneymentor_sync.core.cells import CurrentCell
    from moneymentor_sync.core.errors import MmsyncError
    from moneymentor_sync.core.plan import Plan
    from moneymentor_sync.sync import PlanOutcome

MAX_LINES = 12
"""Lines shown of each kind of change; the rest is counted."""
_MAX_KEY, _MAX_COLUMN, _MAX_OLD = 38, 24, 34
_NARROW = 64
"""Columns below which the cells of a row stand under it."""
_MARK, _GAP, _INDENT = 6, 2, 6
"""Columns: the mark, with gaps and before the row's number; between two columns; before cells under their row."""
_OLD, _NEW, _NOTE = COLOURS["deleted"], COLOURS["inserted"], "cyan"


def summary(outcomes: Sequence[PlanOutcome]) -> Text | None:
    """What would change in all; None where there is but one dataset, whose own line says it."""
    if len(outcomes) < 2:
        return None
    plans = [one.plan for one in outcomes if one.plan is not None]
    busy = [plan for plan in plans if not plan.is_empty]
    refused = sum(one.error is not None for one in outcomes)
    text = Text.assemble(("Plan: ", "bold"))
    if busy:
        kinds = [_kinds(plan) for plan in busy]
        total = {kind: sum(one[kind] for one in kinds) for kind in kinds[0]}
        text.append_text(_counts(total)).append(f" in {len(busy):,} of {counted(len(outcomes), 'tab')}")
        text.append(f", {counted(total['cells'], 'cell')}")
    else:
        text.append("nothing to do", style="green").append(f" in {counted(len(plans), 'tab')}")
    if refused:
        text.append(f"; {counted(refused, 'dataset')} would be refused", style="bold red")
    return text


def refusal(name: str, error: MmsyncError) -> list[Text]:
    """Why a dataset would not be synced, and what to do."""
    lines = [Text.assemble(("✗ ", "bold red"), (plain(name), "bold"), ": ", (str(error), "red"))]
    if isinstance(error, KeyNotUniqueError):
        lines += [Text(f"  - {offender}") for offender in error.offenders]
    return [*lines, Text(f"  → {error.hint}", style=_NOTE)] if error.hint else lines


def plan_lines(plan: Plan, width: int, *, everything: bool, notes: Sequence[str] = ()) -> Iterator[Text]:
    """One tab's plan, line by line; without `everything` only the first changes of each kind, and how many more."""
    yield _headline(plan)
    if not plan.is_empty:
        yield from _wrapped(_numbers(plan), width, "dim")
    for line in _structure(plan):
        yield from _wrapped(line, width, _NOTE)
    for note in notes:
        yield from _wrapped(note, width, "yellow")
    most = None if everything else MAX_LINES
    table = _Lines.fitting(plan, width, most)
    yield from table.updates()
    yield from table.inserts()
    yield from table.deletes()
    hidden = "" if everything else _hidden(plan)
    if hidden:
        yield Text(f"    … {hidden}; --all shows them", style="dim")


def _wrapped(words: str, width: int, style: str) -> Iterator[Text]:
    """Below the headline; a line that does not fit goes on further in."""
    for line in wrap(
        words, max(width - 1, 20), initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
    ):
        yield Text(line, style=style)


# --- in all -----------------------------------------------------------------------------------------------


def _kinds(plan: Plan) -> dict[str, int]:
    return {
        "to insert": len(plan.inserts),
        "to update": len(plan.updates),
        "to delete": len(plan.deletes),
        "to empty": len(plan.blanks),
        "cells": plan.cells_changed,
    }


_COLOURS = {"to insert": "green", "to update": "yellow", "to delete": "red", "to empty": "red"}


def _counts(kinds: dict[str, int]) -> Text:
    words = [(f"{kinds[kind]:,} {kind}", style) for kind, style in _COLOURS.items() if kinds[kind]]
    return Text(", ").join(Text(word, style=style) for word, style in words or [("only the frame changes", "cyan")])


def _headline(plan: Plan) -> Text:
    text = Text.assemble((plain(plan.dataset), "bold"), f" → tab {plain(plan.tab)}: ")
    if plan.is_empty:
        return text.append(f"up to date, {counted(plan.rows_before, 'row')}", style="green")
    return text.append_text(_counts(_kinds(plan)))


def _numbers(plan: Plan) -> str:
    """Rows before and after, and cells that are written; where no row is new, in which columns they are."""
    headers = plan.shape.headers
    words = f"rows: {plan.rows_before:,} → {plan.rows_after:,}; cells: {plan.cells_changed:,}"
    touched = Counter(headers[i] for update in plan.updates for i in update.changed())
    if not touched or plan.inserts:
        return words
    return f"{words} in {', '.join(f'{header} ({count:,})' for header, count in touched.most_common())}"


def _structure(plan: Plan) -> list[str]:
    headers = plan.shape.headers
    lines = ["the tab is made" if plan.create_tab else ""]
    lines.append("a header row is put above row 1" if plan.layout.insert_header else "")
    if plan.layout.missing and not plan.layout.fresh:
        lines.append("new columns: " + ", ".join(headers[i] for i in plan.layout.missing))
    if plan.layout.headers:
        lines.append("headers put right: " + ", ".join(text for _, text in plan.layout.headers))
    if plan.taken_over is not None:
        first, *rest = in_words(plan.taken_over)
        lines += [first, *(f"· {line}" for line in rest)]
    if plan.restyle and not plan.create_tab:
        lines.append(
            "number formats: " + ", ".join(f"{headers[i]} {plan.formats[i] or 'none'}" for i in plan.restyle)
        )
    if plan.put_back:
        lines.append(f"put back, since people changed them: {counted(plan.put_back, 'cell')}")
    return [line for line in lines if line]


def _hidden(plan: Plan) -> str:
    cells = sum(len(update.changed()) for update in plan.updates)
    parts = [
        (cells - MAX_LINES, "changed cell"),
        (len(plan.inserts) - MAX_LINES, "new row"),
        (len(plan.deletes) - MAX_LINES, "deletion"),
        (len(plan.blanks) - MAX_LINES, "emptied row"),
    ]
    return ", ".join(f"{count:,} more {word}{'s' if count > 1 else ''}" for count, word in parts if count > 0)


# --- line by line -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Lines:
    """The lines of a plan in columns of these widths; without `most` all of them, and nothing in them is cut."""

    plan: Plan
    width: int
    most: int | None
    row: int
    key: int
    column: int
    old: int

    @classmethod
    def fitting(cls, plan: Plan, width: int, most: int | None) -> _Lines:
        headers = plan.shape.headers
        cells = list(islice(((one, i) for one in plan.updates for i in one.changed()), most))
        keys = [known_by(plan, one.new, keyless=one.repairs_key) for one, _ in cells]
        keys += [known_by(plan, row) for row in islice((*plan.inserts, *plan.removed), most)]
        widest = max((*plan.deletes, *plan.blanks, *(one.row for one in plan.updates)), default=0) + 1
        row = max(len(f"{widest}"), 3)
        key = min(max(map(cell_len, keys), default=0), _MAX_KEY, max(width // 4, 16))
        column = min(max((cell_len(headers[i]) for _, i in cells), default=0), _MAX_COLUMN, max(width // 5, 12))
        before = _INDENT + column if width < _NARROW else _MARK + row + key + _GAP + column
        old = max((cell_len(old_and_new(plan, *cell)[0]) for cell in cells), default=0)
        half = max((width - before - _GAP - len(" → ")) // 2, 4)  # old and new get the same room
        return cls(plan, width, most, row, key, column, min(old, _MAX_OLD, half))

    def updates(self) -> Iterator[Text]:
        """A line a cell; the row and its key stand in the first."""
        count = 0
        for update in self.plan.updates:
            head = self._head("~", "yellow", f"{update.row + 1}", self._key(update.new, update.repairs_key))
            if self.width < _NARROW:
                yield self._cut(head)
                head = Text(" " * _INDENT)
            for i in update.changed():
                if self.most is not None and count >= self.most:
                    return
                count += 1
                old, new = old_and_new(self.plan, update, i)
                line = head.copy().append(self._sized(self.plan.shape.headers[i], self.column) + "  ")
                line.append(self._sized(old, self.old), style=_OLD).append(" → ", style="dim")
                yield self._cut(line.append(new, style=_NEW))
                head = Text(" " * head.cell_len)

    def inserts(self) -> Iterator[Text]:
        for row in islice(self.plan.inserts, self.most):
            head = self._head("+", "green", "new", self._key(row))
            yield self._cut(head.append(rest_of(self.plan, row), style=_NEW))

    def deletes(self) -> Iterator[Text]:
        plan = self.plan
        for index, cells in islice(zip(plan.deletes, plan.removed, strict=True), self.most):
            key = self._key(cells, any(cells[i] is None for i in plan.shape.key))
            yield self._cut(self._head("-", "red", f"{index + 1}", key).append(rest_of(plan, cells), style=_OLD))
        for index in islice(plan.blanks, self.most):
            yield self._cut(self._head("-", "red", f"{index + 1}", "").append("our cells are emptied", style=_OLD))

    def _key(self, cells: Sequence[CurrentCell], keyless: bool = False) -> str:
        return known_by(self.plan, cells, keyless=keyless, width=None if self.most is None else self.key)

    def _head(self, mark: str, style: str, row: str, key: str) -> Text:
        return Text.assemble(
            "  ", (mark, f"bold {style}"), " ", (f"{row:>{self.row}}", "dim"), "  ", self._sized(key, self.key),
            "  ",
        )  # fmt: skip

    def _sized(self, words: str, width: int) -> str:
        """Filled up to the width; what is longer is cut, but for where all is to be shown."""
        shown = words if self.most is None else clipped(words, width)
        return shown + " " * (width - cell_len(shown))

    def _cut(self, line: Text) -> Text:
        line.rstrip()
        if self.most is not None:
            line.truncate(self.width, overflow="ellipsis")
        return line
