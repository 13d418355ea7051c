"""`mmsync sync`: one sync in the foreground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from .app import ConfigOption, DatasetsArgument, JsonOption, VerboseOption, command
from .console import err, out, print_json
from .progress import progress

if TYPE_CHECKING:
    from rich.table import Table

    from moneymentor_sync.core.events import Emit
    from moneymentor_sync.core.ports import DatasetResult, RunResult
    from moneymentor_sync.core.settings import LogSettings

_COLOURS = {"synced": "green", "unchanged": "dim", "failed": "bold red"}


@command("sync")
def sync(
    datasets: DatasetsArgument = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also when the result is empty or many rows would be deleted."),
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Bring the spreadsheet up to date once, without a daemon.

    Reads the database, compares it with what the tabs hold, and writes the cells that differ. Nothing changed
    means nothing written. A dataset that is disabled is synced only when it is named.

    Exit code 0 when every dataset succeeded, 1 when one failed, 78 when the configuration is wrong.
    """
    from moneymentor_sync.adapters.environment import load_config
    from moneymentor_sync.wiring import choose, open_engine

    settings = load_config(config)
    chosen = choose(settings, datasets or [])
    emit = events(settings.log) if verbose else None
    with (
        progress(wanted=not verbose) as tick,
        open_engine(settings, holder="mmsync sync", tick=tick, emit=emit) as engine,
    ):
        run = engine.run(chosen, trigger="sync", allow_deletes=force)
    if as_json:
        print_json(run_as_json(run))
    else:
        show_run(run)
    if not run.ok:
        raise typer.Exit(1)


def events(settings: LogSettings) -> Emit:
    """Where the engine's events go with -v: to stderr, as log lines."""
    from moneymentor_sync.adapters.log_events import event_log

    emit: Emit = event_log(settings, verbose=True).info
    return emit


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
    table.add_column("result")
    for heading in ("rows", "inserted", "updated", "deleted"):
        table.add_column(heading, justify="right")
    for one in run.datasets:
        table.add_row(
            one.dataset,
            one.tab,
            Text(one.result, style=_COLOURS.get(one.result, "")),
            "" if one.result == "failed" else f"{one.rows:,}",
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
    calls = f"{_count(writes, 'write')} and {_count(reads, 'read')}"
    return f"{_count(cells, 'cell')} in {calls} of the spreadsheet, {size(sent)} sent, {run.seconds:.1f} s"


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if number == 1 else 's'}"


def size(count: int) -> str:
    """Bytes for people: 999 B, 12.3 kB, 1.9 MB."""
    if count < 1_000:
        return f"{count} B"
    return f"{count / 1_000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def _explain(one: DatasetResult) -> None:
    from rich.text import Text

    console = err()
    if one.error:
        console.print(Text(f"{one.dataset}: {one.error}", style="red"))
        for detail in one.details:
            console.print(Text(f"  - {detail}"))
        if one.hint:
            console.print(Text(f"  → {one.hint}"))
    for note in one.notes:
        console.print(Text(f"{one.dataset}: {note}", style="yellow"))
    if one.put_back:
        console.print(Text(f"{one.dataset}: {one.put_back:,} cells that people had changed were put back"))
    if one.repaired:
        console.print(Text(f"{one.dataset}: somebody moved rows or columns during the sync; that was put right"))
