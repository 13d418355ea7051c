"""Past runs as bars over time: how long they took, and how many rows each dataset had. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from .bars import column
from .words import Viewpoint, counted, plain, took

DURATION_LINES, ROWS_LINES = 7, 4
FEW_DATASETS = 4
"""Up to so many get charts of some lines, more of them one line each."""
_WIDEST_BAR = 3
_FAILED = "bold red"
_AXIS = "dim"


@dataclass(frozen=True, slots=True)
class Bar:
    """One or more runs that stand in one place; `value` is their greatest, None where there was none."""

    value: float | None
    failed: bool


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


def plots(runs: Sequence[dict[str, Any]], view: Viewpoint, *, width: int) -> RenderableType:
    """Charts of runs that are given newest first; the oldest is on the left, `width` columns in all."""
    ordered = list(reversed(runs))
    durations = [Bar(run["seconds"], run["outcome"] == "failed") for run in ordered]
    names = dict.fromkeys(one["dataset"] for run in ordered for one in run["datasets"])
    rows = {name: [_rows(run, name) for run in ordered] for name in names}
    tops = [took(_top(durations)), *(f"{_top(bars):,.0f}" for bars in rows.values())]
    frame = _frame(len(ordered), max(map(len, tops)), width)
    parts: list[RenderableType] = [
        _title("duration", _summary(durations, frame)),
        _chart(durations, frame, lines=DURATION_LINES, style="cyan", top=tops[0]),
        _foot(durations, frame, "0 s"),
        _time(ordered, view, frame),
    ]
    few = len(rows) <= FEW_DATASETS
    for (name, bars), top in zip(rows.items(), tops[1:], strict=True):
        parts += [Text(), _title(f"rows of {plain(name)}", _extent(bars))]
        parts.append(_chart(bars, frame, lines=ROWS_LINES if few else 1, style="green", top=top))
        if few:
            parts += [_foot(bars, frame, "0"), _time(ordered, view, frame)]
    return Group(*parts)


def _summary(durations: Sequence[Bar], frame: _Frame) -> str:
    seconds = [bar.value or 0.0 for bar in durations]
    runs = counted(len(durations), "run")
    each = f", {frame.runs:,} to a bar" if frame.runs > 1 else ""
    failed = sum(bar.failed for bar in durations)
    return f"{runs}{each}, {failed:,} failed; took {took(sum(seconds) / len(seconds))} on average"


def _extent(bars: Sequence[Bar]) -> str:
    known = [bar.value for bar in bars if bar.value is not None]
    if not known:
        return "not known: it did not succeed in these runs"
    return f"{min(known):,.0f} to {max(known):,.0f}, last {known[-1]:,.0f}"


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
    groups = [bars[start : start + frame.runs] for start in range(0, len(bars), frame.runs)]
    return [
        Bar(
            max((bar.value for bar in group if bar.value is not None), default=None),
            any(bar.failed for bar in group),
        )
        for group in groups
    ]


# --- what is drawn ----------------------------------------------------------------------------------------


def _title(what: str, numbers: str) -> Text:
    return Text.assemble((what, "bold"), (f"  {numbers}", _AXIS))


def _chart(bars: Sequence[Bar], frame: _Frame, *, lines: int, style: str, top: str) -> Text:
    """The bars, with the greatest value at the top of the scale; an × stands for what failed without a value."""
    greatest = _top(bars)
    drawn = [
        (column((bar.value or 0.0) / greatest if greatest else 0.0, lines), bar) for bar in _gathered(bars, frame)
    ]
    text = Text(no_wrap=True)
    for line in reversed(range(lines)):
        label = top if line == lines - 1 else ""
        text.append(f"{label:>{frame.label}} {'┤' if label else '│'}", style=_AXIS)
        for cells, bar in drawn:
            cell = "×" if bar.failed and bar.value is None and not line else cells[line]
            text.append((cell * frame.bar).ljust(frame.step), style=_FAILED if bar.failed else style)
        text.append("\n" if line else "")
    return text


def _foot(bars: Sequence[Bar], frame: _Frame, label: str) -> Text:
    """The time axis; an × below each bar with a run that failed, for whom red is no colour."""
    text = Text(f"{label:>{frame.label}} └{'─' * frame.width}", style=_AXIS, no_wrap=True)
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
    between = frame.width - len(first) - len(last)
    words = f"{first}{' ' * between}{last}" if between > 1 else f"{first} … {last}"
    return Text(f"{'':{frame.label + 2}}{words if len(ordered) > 1 else first}", style=_AXIS)
