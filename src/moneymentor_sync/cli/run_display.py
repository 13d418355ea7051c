"""A run that has ended, for people (a table, and what went wrong) and for programs (JSON)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .console import err, out
from .words import counted, plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.table import Table

    from moneymentor_sync.core.ports import DatasetResult, RunResult

RESULT_COLOURS = {"synced": "green", "unchanged": "dim", "failed": "bold red", "stopped": "yellow"}


def run_as_json(run: RunResult) -> dict[str, Any]:
    """A run as the control channel gives it, too."""
    from dataclasses import asdict

    failed = [one for one in run.datasets if one.result == "failed"]
    return {
        "run_id": run.run_id,
        "ok": run.ok,
        "seconds": round(run.seconds, 3),
        "error": f"{failed[0].dataset}: {failed[0].error}" if failed else None,
        "datasets": [
            {"name": one.dataset} | {k: v for k, v in asdict(one).items() if k not in ("dataset", "details")}
            for one in run.datasets
        ],
    }


def run_from_json(document: Mapping[str, Any]) -> RunResult:
    """The run of such a document, which another version may have made: what is unknown is left out."""
    from dataclasses import fields

    from moneymentor_sync.core.ports import DatasetResult, RunResult

    known = {field.name for field in fields(DatasetResult)} - {"dataset", "tab", "result", "notes", "details"}
    return RunResult(
        run_id=str(document["run_id"]),
        started_at=0.0,
        seconds=float(document["seconds"]),
        trigger="force",
        datasets=tuple(
            DatasetResult(
                dataset=one["name"],
                tab=one.get("tab") or one["name"],
                result=one["result"],
                notes=tuple(one.get("notes") or ()),
                **{name: value for name, value in one.items() if name in known and value is not None},
            )
            for one in document["datasets"]
        ),
    )


def show_run(run: RunResult) -> None:
    """A run as a table on stdout; errors, remedies and notes on stderr."""
    out().print(run_table(run))
    out().print(run_total(run), style="dim")
    for one in run.datasets:
        _explain(one)


def run_table(run: RunResult) -> Table:
    """One line for each dataset."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold", padding=(0, 1, 0, 0))
    table.add_column("dataset", overflow="fold")
    table.add_column("tab", overflow="fold")
    table.add_column("result", no_wrap=True)  # in a narrow terminal it is the names that are broken
    for heading in ("rows", "inserted", "updated", "deleted"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in run.datasets:
        table.add_row(
            Text(plain(one.dataset)),
            Text(plain(one.tab)),
            Text(one.result, style=RESULT_COLOURS.get(one.result, "")),
            f"{one.rows:,}" if one.result in ("synced", "unchanged") else "",
            f"{one.inserted:,}",
            f"{one.updated:,}",
            f"{one.deleted:,}",
        )
    return table


def run_total(run: RunResult) -> str:
    """What it cost, in one line: cells, calls, bytes and time."""
    cells, reads, writes = (
        sum(getattr(one, name) for one in run.datasets) for name in ("cells", "reads", "writes")
    )
    sent = sum(one.bytes_sent for one in run.datasets)
    calls = f"{counted(writes, 'write')} and {counted(reads, 'read')}"
    return f"{counted(cells, 'cell')} in {calls} of the spreadsheet, {size(sent)} sent, {run.seconds:.1f} s"


def size(count: int) -> str:
    """Bytes for people: 999 B, 12.3 kB, 1.9 MB."""
    if count < 1_000:
        return f"{count} B"
    return f"{count / 1_000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def _explain(one: DatasetResult) -> None:
    from rich.padding import Padding
    from rich.text import Text

    console = err()
    if one.error:
        console.print(Text(f"{one.dataset}: {one.error}", style="red"))
        for detail in one.details:
            console.print(Text(f"  - {detail}"))
        if one.hint:
            console.print(Padding(Text(f"→ {one.hint}"), (0, 0, 0, 2), expand=False))
    for note in one.notes:
        console.print(Text(f"{one.dataset}: {note}", style="yellow"))
    if one.put_back:
        console.print(Text(f"{one.dataset}: {one.put_back:,} cells that people had changed were put back"))
    if one.repaired:
        console.print(Text(f"{one.dataset}: somebody moved rows or columns during the sync; that was put right"))
