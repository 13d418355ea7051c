"""`mmsync history`: past runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from .app import ClientVerboseOption, ConfigOption, JsonOption, command, named_datasets
from .console import out, print_json
from .failures import say

if TYPE_CHECKING:
    from moneymentor_sync.core.client_places import ClientPlaces

    from .daemon_access import Document

IN_TABLE = 20
IN_PLOT = 200
MOST = 1_000


@command("history")
def history(
    datasets: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="DATASET",
            help="Only runs of these datasets; else all.",
            show_default=False,
            autocompletion=named_datasets,
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            "-n",
            metavar="N",
            min=1,
            max=MOST,
            help=f"How many runs; else {IN_TABLE}, with --plot {IN_PLOT}.",
            show_default=False,
        ),
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Bars of durations, changes and rows over time.")] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    verbose: ClientVerboseOption = False,
) -> None:
    """Show past runs: when, how long, what changed, what went wrong.

    The newest is the first. Asks the running daemon; where none runs, the state file is read. With --plot the
    oldest is on the left: how long runs took, how many rows they changed, and how many each dataset had, between
    its least and its most. Runs that failed are red, and marked with an ×.
    """
    from .daemon_access import find_places

    named = list(dict.fromkeys(datasets or []))
    limit = count or (IN_PLOT if plot else IN_TABLE)
    document = past_runs(find_places(config, verbose=verbose), named, limit)
    if as_json:
        print_json(document)
    elif not document["runs"]:
        say("no run yet" if not named else f"no run of {', '.join(named)} yet")
    else:
        _show(document, plot=plot)


def _show(document: Document, *, plot: bool) -> None:
    from datetime import UTC, datetime

    from .words import Viewpoint

    view = Viewpoint(datetime.now(UTC))
    console = out()
    if plot:
        from .history_plot import plots

        console.print(plots(document["runs"], view, width=min(console.width, 120), height=console.height))
    else:
        from .history_display import listing

        console.print(listing(document["runs"], view, width=console.width))


def past_runs(places: ClientPlaces, named: Sequence[str], limit: int) -> Document:
    """The daemon's history, or the state file's where none runs (which is said on stderr).

    Raises NotRunningError where there is no state file either.
    """
    from moneymentor_sync.core.errors import NotRunningError

    from .daemon_access import last_runs, open_client

    client = open_client(places)
    asked: list[str | None] = [*named] if named else [None]
    try:
        return joined([client.history(name, limit) for name in asked], limit)
    except NotRunningError:
        found = [last_runs(places, name, limit) for name in asked]
        known = [one for one in found if one is not None]
        if not known:
            raise
        say("note: the daemon is not running; this is what the state file has")
        return joined(known, limit)


def joined(documents: Sequence[Document], limit: int) -> Document:
    """Histories of single datasets as one: a run that is in several has what each says of it."""
    if len(documents) == 1:
        return documents[0]
    runs: dict[str, Document] = {}
    for document in documents:
        for run in document["runs"]:
            before = runs.get(run["run_id"])
            runs[run["run_id"]] = run | {"datasets": [*(before["datasets"] if before else []), *run["datasets"]]}
    newest = sorted(runs.values(), key=lambda run: str(run["started_at"]), reverse=True)
    return {"runs": newest[:limit]}
