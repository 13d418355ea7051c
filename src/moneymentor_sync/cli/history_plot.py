"""Past runs as bars over time: how long they took, what they changed, how many rows each dataset had. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from .bars import between, column
from .signs import COLOURS
from .signs import changed as signs
from .words import Viewpoint, counted, plain, took

DURATION_LINES, CHANGED_LINES = 6, 4
TALL = 40
"""Lines of a terminal from which on the charts are half as high again."""
_WIDEST_BAR = 3
_FAILED = "bold red"
_AXIS = "dim"
_PARTS = tuple((kind, COLOURS[kind]) for kind in ("deleted", "updated", "inserted"))
"""What a bar of changes is made of, from its foot up."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One or more runs that stand in one place; `value` is their greatest, None where there was none.

    `parts` are the shares of the value that have colours of their own, from the foot up."""

    value: float | None
    failed: bool
    parts: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class _Frame:
    """How all charts are laid out: columns for the labels of the scale, for a bar, and from bar to bar."""

    runs: int
    label: int
    bar: int
    step: int
    bars: int

    @property
    def width(self) -> int:
        return self.bars * self.step


def plots(
    runs: Sequence[dict[str, Any]], view: Viewpoint, *, width: int, height: int | None = None
) -> RenderableType:
    """Charts of runs that are given newest first; the oldest is on the left, `width` columns in all."""
    ordered = list(reversed(runs))
    durations = [Bar(run["seconds"], run["outcome"] == "failed") for run in ordered]
    changed = [_changed(run) for run in ordered]
    names = dict.fromkeys(one["dataset"] for run in ordered for one in run["datasets"])
    tops = took(_top(durations)), f"{_top(changed):,.0f}"
    frame = _frame(len(ordered), max(map(len, tops)), width)
    stretch = 3 if height is not None and height >= TALL else 2
    parts: list[RenderableType] = [
        _title("duration", _summary(durations, frame)),
        _chart(durations, frame, lines=DURATION_LINES * stretch // 2, styles=("cyan",), top=tops[0]),
        _foot(durations, frame, "0 s"),
        _time(ordered, view, frame),
    ]
    if any(bar.value for bar in changed):
        styles = tuple(style for _, style in _PARTS)
        parts += [
            Text(),
            _title("rows changed", _sum(ordered)),
            _chart(changed, frame, lines=CHANGED_LINES * stretch // 2, styles=styles, top=tops[1]),
            _foot([], frame, "0"),
            _time(ordered, view, frame),
        ]
    for name in names:
        bars = [_rows(run, name) for run in ordered]
        parts += [Text(), _title(f"rows of {plain(name)}", _extent(bars)), _line(bars, frame)]
    return Group(*parts)


def _summary(durations: Sequence[Bar], frame: _Frame) -> str:
    seconds = [bar.value or 0.0 for bar in durations]
    runs = counted(len(durations), "run")
    each = f", {frame.runs:,} to a bar" if frame.runs > 1 else ""
    failed = sum(bar.failed for bar in durations)
    return f"{runs}{each}, {failed:,} failed; took {took(sum(seconds) / len(seconds))} on average"


def _sum(runs: Sequence[dict[str, Any]]) -> Text:
    """The sum, in the colours of the bars' parts: their legend."""
    sums = {kind: sum(one[kind] for run in runs for one in run["datasets"]) for kind in COLOURS}
    return signs(**sums).append(" in all: + inserted, ~ updated, - deleted", style=_AXIS)


def _extent(bars: Sequence[Bar]) -> str:
    known = [bar.value for bar in bars if bar.value is not None]
    if not known:
        return "not known: it did not succeed in these runs"
    least, most, last = (f"{value:,.0f}" for value in (min(known), max(known), known[-1]))
    return f"always {last}" if least == most else f"{least} to {most}, last {last}"


def _changed(run: dict[str, Any]) -> Bar:
    counts = [sum(one[kind] for one in run["datasets"]) for kind, _ in _PARTS]
    total = sum(counts)
    return Bar(total, False, tuple(count / total for count in counts) if total else ())


def _rows(run: dict[str, Any], name: str) -> Bar:
    for one in run["datasets"]:
        if one["dataset"] == name:
            return Bar(one["rows"] if one["result"] in ("synced", "unchanged") else None, one["result"] == "failed")
    return Bar(None, False)


def _top(bars: Sequence[Bar]) -> float:
    return max((bar.value for bar in bars if bar.value is not None), default=0.0)


def _frame(runs: int, label: int, width: int) -> _Frame:
    room = max(width - label - 2, 10)
    each = -(-runs // room)
    bars = -(-runs // each)
    step = min(room // bars, _WIDEST_BAR + 1)
    return _Frame(each, label, max(step - 1, 1), step, bars)


def _gathered(bars: Sequence[Bar], frame: _Frame) -> list[Bar]:
    groups = (bars[start : start + frame.runs] for start in range(0, len(bars), frame.runs))
    return [_greatest(group) for group in groups]


def _greatest(bars: Sequence[Bar]) -> Bar:
    known = [bar for bar in bars if bar.value is not None]
    failed = any(bar.failed for bar in bars)
    if not known:
        return Bar(None, failed)
    one = max(known, key=lambda bar: bar.value or 0.0)
    return Bar(one.value, failed, one.parts)


# --- what is drawn ----------------------------------------------------------------------------------------


def _title(what: str, numbers: str | Text) -> Text:
    return Text.assemble((what, "bold"), "  ", numbers if isinstance(numbers, Text) else (numbers, _AXIS))


def _chart(bars: Sequence[Bar], frame: _Frame, *, lines: int, styles: tuple[str, ...], top: str) -> Text:
    """The bars, with the greatest value at the top of the scale; `styles` are those of a bar's parts."""
    greatest = _top(bars)
    drawn = [(bar, (bar.value or 0.0) / greatest if greatest else 0.0) for bar in _gathered(bars, frame)]
    text = Text(no_wrap=True)
    for line in reversed(range(lines)):
        label = top if line == lines - 1 else ""
        text.append(f"{label:>{frame.label}} {'┤' if label else '│'}", style=_AXIS)
        for bar, share in drawn:
            middle = (line + 0.5) / lines / share if share else 0.0
            style = _FAILED if bar.failed else styles[_part(bar.parts, middle)]
            text.append((column(share, lines)[line] * frame.bar).ljust(frame.step), style=style)
        text.append("\n" if line else "")
    return text


def _part(parts: Iterable[float], place: float) -> int:
    """In which of the parts a place is, from 0 at the foot of a bar to 1 at its top; above it in the last one."""
    last, foot = 0, 0.0
    for number, share in enumerate(parts):
        if share:
            last, foot = number, foot + share
            if place < foot:
                break
    return last


def _line(bars: Sequence[Bar], frame: _Frame) -> Text:
    """One line, from the least to the greatest: a table of a million rows does not look as if nothing happened."""
    known = [bar.value for bar in bars if bar.value is not None]
    text = Text(" " * (frame.label + 2), no_wrap=True)
    for bar in _gathered(bars, frame):
        missing = "×" if bar.failed else " "
        cell = missing if bar.value is None else between(bar.value, min(known), max(known))
        text.append((cell * frame.bar).ljust(frame.step), style=_FAILED if bar.failed else "green")
    return text


def _foot(bars: Sequence[Bar], frame: _Frame, label: str) -> Text:
    """The time axis; an × below each bar with a run that failed, for whom red is no colour."""
    text = Text(no_wrap=True).append(f"{label:>{frame.label}} └{'─' * frame.width}", style=_AXIS)
    gathered = _gathered(bars, frame)
    if any(bar.failed for bar in gathered):
        marks = "".join(
            ("×" if bar.failed else " ") * frame.bar + " " * (frame.step - frame.bar) for bar in gathered
        )
        text.append(f"\n{'':{frame.label + 2}}").append(marks.rstrip(), style=_FAILED)
    return text


def _time(ordered: Sequence[dict[str, Any]], view: Viewpoint, frame: _Frame) -> Text:
    """When the first and the last of the runs began, at the two ends of the axis; below it where it is short."""
    first, last = (view.clock(ordered[place]["started_at"]) for place in (0, -1))
    between_them = frame.width - len(first) - len(last)
    words = f"{first}{' ' * between_them}{last}" if between_them > 1 else f"{first} … {last}"
    return Text(f"{'':{frame.label + 2}}{words if len(ordered) > 1 else first}", style=_AXIS)
