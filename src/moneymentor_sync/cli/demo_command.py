"""`mmsync demo`: everything embedded, with the real engine and the real client between its two ends."""

from __future__ import annotations

import signal
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .app import ConfigOption, VerboseOption, command
from .console import out
from .progress import progress
from .sandbox_command import explained

if TYPE_CHECKING:
    from types import FrameType

    from moneymentor_sync.core.ports import RunResult
    from moneymentor_sync.core.settings import Config
    from moneymentor_sync.sandbox import Sandbox

_CONFIG = """\
# The demo's configuration; the same as for Google, but for `api_endpoint`.
[database]
url = "sqlite:///moneymentor.db"

[google]
spreadsheet_id = "{spreadsheet_id}"
credentials_file = "{credentials_file}"
api_endpoint = "{url}"

[sync]
interval_seconds = {interval}

[state]
path = "state.db"
"""


@command("demo")
def demo(
    once: Annotated[bool, typer.Option("--once", help="One sync, show the result, and exit.")] = False,
    users: Annotated[
        int, typer.Option("--users", min=1, max=1_000_000, help="Users in the sample database.")
    ] = 3000,
    interval: Annotated[int, typer.Option("--interval", min=1, max=3600, help="Seconds between changes.")] = 5,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port of the page; 0 picks one.")] = 0,
    directory: Annotated[
        Path | None, typer.Option("--dir", metavar="DIR", help="Keep the demo's files here; else they are removed.")
    ] = None,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """See it work, with no account and no file to write.

    Makes a sample database, starts a local stand-in of Google Sheets, and syncs one into the other. Prints the
    address of a page that shows the spreadsheet, then keeps changing the database so that you see syncs happen.
    Ctrl-C stops it.
    """
    del config  # the demo brings its own; the option is there since every command has it
    with _place(directory) as place, _sandbox(place, port) as box:
        settings = _prepare(place, box, users, interval)
        _first_sync(settings, box, verbose=verbose)
        if once:
            return
        _keep_changing(settings, place / "moneymentor.db", interval)


@contextmanager
def _place(directory: Path | None) -> Iterator[Path]:
    if directory is not None:
        with explained(directory, 0):
            directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        yield directory.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="mmsync-demo-") as made:
        yield Path(made)


@contextmanager
def _sandbox(place: Path, port: int) -> Iterator[Sandbox]:
    from moneymentor_sync.sandbox import Sandbox

    with explained(place / "sandbox", port):
        box = Sandbox(place / "sandbox", port)
        box.start()
    try:
        yield box
    finally:
        box.stop()


def _prepare(place: Path, box: Sandbox, users: int, interval: int) -> Config:
    from moneymentor_sync.adapters.environment import load_config
    from moneymentor_sync.demo.database import create_sample

    database = place / "moneymentor.db"
    if not database.exists():
        out().print(f"Making a MoneyMentor database with {users:,} users …")
        create_sample(database, users=users)
    file = place / "sync.toml"
    file.write_text(
        _CONFIG.format(
            spreadsheet_id=box.spreadsheet_id, credentials_file=box.credentials_file, url=box.url, interval=interval
        ),
        encoding="utf-8",
    )
    return load_config(file, environ={"HOME": str(place)}, cwd=place)


def _first_sync(settings: Config, box: Sandbox, *, verbose: bool) -> None:
    from moneymentor_sync.wiring import choose, open_engine

    from .run_display import show_run
    from .sync_command import events

    emit = events(settings.log) if verbose else None
    with (
        progress(wanted=not verbose) as tick,
        open_engine(settings, holder="mmsync demo", tick=tick, emit=emit) as engine,
    ):
        run = engine.run(choose(settings, []), trigger="demo")
    show_run(run)
    out().print(f"\nThe spreadsheet, in a browser: [link={box.url}/]{box.url}/[/link]")
    if not run.ok:
        raise typer.Exit(1)


def _keep_changing(settings: Config, database: Path, interval: int) -> None:
    """Changes the database and syncs, again and again, until a signal says stop."""
    from moneymentor_sync.demo.database import mutate
    from moneymentor_sync.wiring import choose, open_engine

    stop = threading.Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, ask_to_stop)
    out().print(f"The database changes every {interval} s, and the spreadsheet follows. Ctrl-C stops.\n")
    step = 0
    with open_engine(settings, holder="mmsync demo") as engine:
        while not stop.wait(interval):
            step += 1
            for change in mutate(database, step=step):
                out().print(f"[dim]database:[/dim]    {change.text}", highlight=False)
            _show_short(engine.run(choose(settings, []), trigger="demo"))
    out().print("Stopped.")


def _show_short(run: RunResult) -> None:
    for one in run.datasets:
        if one.result == "failed":
            out().print(f"[red]failed:[/red]      {one.dataset}: {one.error}", highlight=False)
        elif one.result == "synced":
            words = f"{one.inserted} inserted, {one.updated} updated, {one.deleted} deleted"
            cost = f"{one.cells} cells in {one.writes} write{'' if one.writes == 1 else 's'}, {one.seconds:.1f} s"
            out().print(f"[green]spreadsheet:[/green] {one.tab}: {words} ({cost})", highlight=False)
