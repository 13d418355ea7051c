"""`mmsync demo`: everything embedded, with the real engine and the real client between its two ends."""

from __future__ import annotations

import shlex
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .app import ConfigOption, VerboseOption, command
from .console import out
from .own_command import as_typed
from .progress import progress
from .sandbox_command import explained

if TYPE_CHECKING:
    from rich.text import Text

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

[sheet]
status = true
status_every_seconds = 60

[state]
path = "state.db"

[control]
socket = "control.sock"
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
        _first_sync(settings, verbose=verbose)
        if once:
            return
        from rich.text import Text

        address = f"{box.url}/"
        out().print(Text.assemble("\nThe spreadsheet, in a browser: ", (address, f"link {address}")))
        _follow(settings, place, interval)


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


def _first_sync(settings: Config, *, verbose: bool) -> None:
    from moneymentor_sync.wiring import choose, open_engine

    from .run_display import show_run
    from .sync_command import events

    emit = events(settings.log) if verbose else None
    with (
        progress(wanted=not verbose) as tick,
        open_engine(settings, holder="mmsync demo", tick=tick, emit=emit) as engine,
    ):
        run = engine.run(choose(settings, []), trigger="demo")
        engine.tell()
    show_run(run)
    if not run.ok:
        raise typer.Exit(1)


def _follow(settings: Config, place: Path, interval: int) -> None:
    """The daemon, until a signal ends it, and a database that changes all the time."""
    from moneymentor_sync.adapters.environment import load_config
    from moneymentor_sync.wiring.daemon import open_life

    again = partial(load_config, settings.file, environ={"HOME": str(place)}, cwd=place)
    tabs = {dataset.name: dataset.tab for dataset in settings.datasets}
    with (
        open_life(settings, load_config=again, emit=_Shown(tabs), environ={}, holder="mmsync demo") as life,
        _changing(place / "moneymentor.db", interval),
    ):
        out().print(f"The database changes every {interval} s, and the spreadsheet follows. Ctrl-C stops.")
        watch = f"{as_typed(elsewhere=True)} status --watch -c {shlex.quote(str(place / 'sync.toml'))}"
        out().print(_labelled("In another terminal:", "dim", f" {watch}\n"), soft_wrap=True)
        life.live()
    out().print("Stopped.")


def _labelled(label: str, style: str, text: str) -> Text:
    from rich.text import Text

    return Text.assemble((label, style), text)


@contextmanager
def _changing(database: Path, interval: int) -> Iterator[None]:
    """People use the application: the database changes every so many seconds."""
    from moneymentor_sync.demo.database import mutate

    stop = threading.Event()

    def change() -> None:
        for step in count(1):
            if stop.wait(interval):
                return
            for made in mutate(database, step=step):
                out().print(_labelled("database:", "dim", f"    {made.text}"))

    thread = threading.Thread(target=change, name="people", daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(interval)


class _Shown:
    """The daemon's events as lines for somebody who watches: what was written, and what failed."""

    def __init__(self, tabs: Mapping[str, str]) -> None:
        self._tabs = tabs

    def __call__(self, event: str, **fields: Any) -> None:
        if event == "dataset.failed":
            out().print(_labelled("failed:", "red", f"      {fields['dataset']}: {fields['message']}"))
        elif event == "dataset.synced":
            tab, writes = self._tabs[fields["dataset"]], fields["writes"]
            words = f"{fields['inserted']} inserted, {fields['updated']} updated, {fields['deleted']} deleted"
            cost = f"{writes} write{'' if writes == 1 else 's'}, {fields['took']:.1f} s"
            out().print(_labelled("spreadsheet:", "green", f" {tab}: {words} ({cost})"))
