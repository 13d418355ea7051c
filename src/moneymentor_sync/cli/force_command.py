"""`mmsync force`: the daemon syncs now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from moneymentor_sync.core.remedies import for_daemon

from .app import ClientVerboseOption, ConfigOption, DatasetsArgument, JsonOption, command
from .console import err, print_json
from .words import plain

if TYPE_CHECKING:
    from .daemon_access import Document


@command("force")
def force(
    datasets: DatasetsArgument = None,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Wait until the sync has ended.")] = True,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            metavar="S",
            min=0,
            help="Wait so many seconds at most; the sync goes on.",
            show_default=False,
        ),
    ] = None,
    allow_deletes: Annotated[
        bool,
        typer.Option("--allow-deletes", help="Also when the result is empty or many rows would be deleted."),
    ] = False,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    verbose: ClientVerboseOption = False,
) -> None:
    """Have the running daemon sync now.

    Goes through an open breaker, a pause for users' requests, and `mmsync disable`; a dataset that is itself
    disabled is synced only when it is named. A sync that is under way is finished first, and one more follows.
    Ctrl-C ends the waiting, not the sync.

    Exit code 0 when every dataset succeeded (with --no-wait: when the daemon took it on), 1 when one failed or
    the time was up, 3 when the daemon is not running.
    """
    from .daemon_access import find_places, open_client
    from .force_waiting import wait_for

    places = find_places(config, verbose=verbose)
    asked = list(dict.fromkeys(datasets or [])) or None
    if not wait:
        _taken_on(open_client(places).force(asked, allow_deletes=allow_deletes, wait=False, timeout=None), as_json)
        return
    answer = wait_for(
        lambda: open_client(places).force(asked, allow_deletes=allow_deletes, wait=True, timeout=None),
        open_client(places).status,
        timeout=timeout,
    )
    answer = with_remedies(answer)
    if as_json:
        print_json(answer)
    else:
        _show(answer)
    if not answer["ok"]:
        raise typer.Exit(1)


def _taken_on(answer: Document, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        typer.echo(f"The daemon syncs now, as run {plain(answer['run_id'])}. See it with `mmsync status --watch`.")


def with_remedies(answer: dict[str, Any]) -> dict[str, Any]:
    """The result, its remedies such that they work while a daemon runs."""
    return answer | {
        "datasets": [
            one | {"hint": for_daemon(one["hint"], one["name"])} if one.get("hint") else one
            for one in answer["datasets"]
        ]
    }


def _show(answer: dict[str, Any]) -> None:
    from rich.text import Text

    from .run_display import run_from_json, show_run

    show_run(run_from_json(answer))
    if answer.get("error") and not any(one.get("error") for one in answer["datasets"]):
        err().print(Text(plain(answer["error"]), style="red"))
