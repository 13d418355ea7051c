"""What was measured, against what it should be; as a table for people and as JSON for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table

Kind = Literal["count", "bytes", "time", "memory"]
FIXED: frozenset[Kind] = frozenset({"count", "bytes"})
"""What is the same on every machine and at every hour; only these decide the exit code of the quick form."""
_LIBRARIES = ("moneymentor-sync", "pygsheets", "gspread", "sqlalchemy", "msgspec")


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value. `target` is the most it may be, or with `exactly` what it must be; None is no target.

    Values of kind `bytes` and `memory` are bytes, of kind `time` seconds unless `unit` is `x`.
    """

    name: str
    what: str
    value: float
    kind: Kind
    unit: str = ""
    target: float | None = None
    exactly: bool = False

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value == self.target if self.exactly else self.value <= self.target

    @property
    def fails(self) -> bool:
        """Whether it misses a target that does not depend on the machine."""
        return self.met is False and self.kind in FIXED


def count(name: str, what: str, value: float, target: float | None = None, *, exactly: bool = False) -> Figure:
    return Figure(name, what, value, "count", "", target, exactly)


def size(name: str, what: str, value: float, target: float | None = None) -> Figure:
    return Figure(name, what, value, "bytes", "B", target)


def seconds(name: str, what: str, value: float) -> Figure:
    """Never has a target: it says more about the machine than about the program."""
    return Figure(name, what, value, "time", "s")


def ratio(name: str, what: str, value: float, target: float | None = None) -> Figure:
    """A time divided by another of the same run."""
    return Figure(name, what, value, "time", "x", target)


def percent(name: str, what: str, value: float, target: float | None = None) -> Figure:
    """A share of a time, or of what was counted."""
    return Figure(name, what, value, "time", "%", target)


def memory(name: str, what: str, value: float, target: float | None = None) -> Figure:
    return Figure(name, what, value, "memory", "B", target)


# --- for people -------------------------------------------------------------------------------------------


def shown(value: float, unit: str) -> str:
    """A value with its unit, rounded to what can be trusted."""
    if unit == "B":
        return f"{value / 1e6:,.1f} MB" if value >= 1e6 else f"{value:,.0f} B"
    if unit == "s":
        if 0 < value < 0.001:
            return f"{value * 1e6:.0f} µs"
        return f"{value:.2f} s" if value >= 0.1 or not value else f"{value * 1000:.1f} ms"
    if unit == "%":
        return f"{value:.2f} %"
    if unit == "x":
        return f"{value:.2f} x"
    return f"{value:,.0f}"


def show(console: Console, title: str, figures: Sequence[Figure]) -> None:
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    table.add_column("name", no_wrap=True)
    table.add_column("measured", justify="right", no_wrap=True)
    table.add_column("target", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("what")
    for one in figures:
        sign = "" if one.target is None else ("= " if one.exactly else "≤ ") + shown(one.target, one.unit)
        verdict = {True: "[green]met[/]", False: "[bold red]MISSED[/]", None: ""}[one.met]
        table.add_row(one.name, shown(one.value, one.unit), sign, verdict, one.what)
    console.print(table)
    console.print()


# --- for programs -----------------------------------------------------------------------------------------


def document(figures: Sequence[Figure], *, rows: int, quick: bool, notes: Sequence[str]) -> dict[str, Any]:
    """Everything of one run."""
    return {
        "rows": rows,
        "quick": quick,
        "machine": {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()},
        "versions": {name: version(name) for name in _LIBRARIES},
        "notes": list(notes),
        "figures": [asdict(one) | {"met": one.met} for one in figures],
    }


def write(path: Path, content: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
