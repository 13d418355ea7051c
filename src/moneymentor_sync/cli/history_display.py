"""Past runs as a list: a line for each dataset of a run, and below it what went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from moneymentor_sync.core.remedies import for_daemon

from .run_display import RESULT_COLOURS
from .signs import changed
from .words import Viewpoint, plain, took

OUTCOMES = {"ok": ("✓", "green"), "failed": ("✗", "bold red"), "stopped": ("■", "yellow")}
_RUN = ("  when", "trigger", "took")
_DATASET = ("dataset", "result", "rows", "changed")
_RIGHT = {"took", "rows"}
_GAP = 2
_INDENT = 4


@dataclass(frozen=True, slots=True)
class _Run:
    """The cells of a run, and those of its datasets with what went wrong, each as it is shown."""

    cells: list[Text]
    datasets: list[tuple[list[Text], Text | None]]


def listing(runs: list[dict[str, Any]], view: Viewpoint, *, width: int) -> RenderableType:
    """The runs in the order given; in a narrow terminal the datasets stand below their run."""
    shown = [_run(run, view) for run in runs]
    widths = [
        *_widths(_RUN, [run.cells for run in shown]),
        *_widths(_DATASET, [cells for run in shown for cells, _ in run.datasets]),
    ]
    wide = sum(widths) + _GAP * (len(widths) - 1) <= width
    return Group(*(_wide(shown, widths) if wide else _narrow(shown, widths, width)))


def _run(run: dict[str, Any], view: Viewpoint) -> _Run:
    mark, style = OUTCOMES.get(run["outcome"], ("?", ""))
    when = Text.assemble((mark, style), " ", view.clock(run["started_at"]))
    cells = [when, Text(plain(run["trigger"])), Text(took(run["seconds"]))]
    datasets = [(_dataset(one), _trouble(one)) for one in run["datasets"]]
    nothing = [Text("–"), Text(plain(run["outcome"]), style=style), Text(), Text()]
    return _Run(cells, datasets or [(nothing, None)])


def _dataset(one: dict[str, Any]) -> list[Text]:
    result = one["result"]
    known = result in ("synced", "unchanged")
    return [
        Text(plain(one["dataset"])),
        Text(plain(result), style=RESULT_COLOURS.get(result, "")),
        Text(f"{one['rows']:,}" if known else ""),
        changed(one["inserted"], one["updated"], one["deleted"]),
    ]


def _trouble(one: dict[str, Any]) -> Text | None:
    if not one.get("error"):
        return None
    text = Text(plain(one["error"]), style="red")
    if one.get("hint"):
        text.append(f"\n→ {plain(for_daemon(one['hint'], one['dataset']))}", style="cyan")
    return text


def _widths(headings: tuple[str, ...], lines: list[list[Text]]) -> list[int]:
    return [
        max(cell_len(heading), *(cell_len(str(cells[column])) for cells in lines))
        for column, heading in enumerate(headings)
    ]


def _wide(runs: list[_Run], widths: list[int]) -> list[RenderableType]:
    """What is of the whole run is said in its first line."""
    parts: list[RenderableType] = [_row(_bold(_RUN + _DATASET), widths, _RUN + _DATASET)]
    for run in runs:
        cells = run.cells
        for dataset, trouble in run.datasets:
            parts += [_row([*cells, *dataset], widths, _RUN + _DATASET), *_below(trouble)]
            cells = [Text() for _ in _RUN]
    return parts


def _narrow(runs: list[_Run], widths: list[int], width: int) -> list[RenderableType]:
    """Names, then changes, are given less where even that is too wide; nothing is cut."""
    own, rest = widths[: len(_RUN)], widths[len(_RUN) :]
    for column, least in ((0, 12), (3, 8)):
        excess = _INDENT + sum(rest) + _GAP * (len(rest) - 1) - width
        rest[column] = max(min(rest[column], least), rest[column] - max(excess, 0))
    parts: list[RenderableType] = [
        _row(_bold(_RUN), own, _RUN),
        Padding(_row(_bold(_DATASET), rest, _DATASET), (0, 0, 0, _INDENT)),
    ]
    for run in runs:
        parts.append(_row(run.cells, own, _RUN))
        for cells, trouble in run.datasets:
            parts += [Padding(_row(cells, rest, _DATASET), (0, 0, 0, _INDENT)), *_below(trouble, _INDENT + 2)]
    return parts


def _bold(headings: tuple[str, ...]) -> list[Text]:
    return [Text(one, style="bold") for one in headings]


def _row(cells: list[Text], widths: list[int], headings: tuple[str, ...]) -> Table:
    row = Table.grid(padding=(0, _GAP, 0, 0))
    for heading, width in zip(headings, widths, strict=True):
        row.add_column(width=width, justify="right" if heading in _RIGHT else "left", overflow="fold")
    row.add_row(*cells)
    return row


def _below(trouble: Text | None, indent: int = _INDENT) -> list[RenderableType]:
    return [] if trouble is None else [Padding(trouble, (0, 0, 0, indent))]
