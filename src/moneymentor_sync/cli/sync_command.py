"""`mmsync sync`: one sync in the foreground."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .app import ConfigOption, DatasetsArgument, JsonOption, RemoveUnmatchedOption, VerboseOption, command
from .console import print_json
from .failures import say
from .progress import progress
from .run_display import run_as_json, show_run

if TYPE_CHECKING:
    from moneymentor_sync.core.events import Emit
    from moneymentor_sync.core.settings import Config, LogSettings


@command("sync")
def sync(
    datasets: DatasetsArgument = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Also when the result is empty or many rows would be deleted."),
    ] = False,
    remove_unmatched: RemoveUnmatchedOption = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    verbose: VerboseOption = False,
) -> None:
    """Bring the spreadsheet up to date once, without a daemon.

    Reads the database, compares it with what the tabs hold, and writes the cells that differ. Nothing changed
    means nothing written. A dataset that is disabled is synced only when it is named. Where no daemon runs,
    `[metrics] textfile` is written afterwards.

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
        run = engine.run(chosen, trigger="sync", allow_deletes=force, remove_unmatched=remove_unmatched)
        engine.tell()
    if as_json:
        print_json(run_as_json(run))
    else:
        show_run(run)
    _note(settings)
    if not run.ok:
        raise typer.Exit(1)


def _note(settings: Config) -> None:
    """Metrics that cannot be written are no reason to call the sync a failure."""
    if settings.metrics.textfile is None:
        return
    import time

    from moneymentor_sync.core.errors import MmsyncError
    from moneymentor_sync.wiring.textfile import note_sync

    try:
        note_sync(settings, time.time)
    except MmsyncError as error:
        say(f"note: {error}")
        say(f"  → {error.hint}")


def events(settings: LogSettings) -> Emit:
    """Where the engine's events go with -v: to stderr, as log lines."""
    from moneymentor_sync.adapters.log_events import event_log

    emit: Emit = event_log(settings, verbose=True).info
    return emit
