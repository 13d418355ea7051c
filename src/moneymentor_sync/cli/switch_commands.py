"""`mmsync enable` and `mmsync disable`: switches that survive a restart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from .app import ClientVerboseOption, ConfigOption, command, named_datasets

if TYPE_CHECKING:
    from .daemon_access import Document

SwitchedArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="DATASET",
        help="Only these datasets; else syncing as a whole.",
        show_default=False,
        autocompletion=named_datasets,
    ),
]


def _seconds(text: str | None) -> float | None:
    """A duration of the command line; exit code 2 where it is none."""
    from moneymentor_sync.core.config_values import InvalidValueError, parse_duration

    if text is None:
        return None
    try:
        return parse_duration(text)
    except InvalidValueError as error:
        raise typer.BadParameter(str(error), param_hint="--for") from None


@command("enable")
def enable(
    datasets: SwitchedArgument = None, config: ConfigOption = None, verbose: ClientVerboseOption = False
) -> None:
    """Have the daemon sync again what is disabled.

    Without a name that is what `mmsync disable` without a name turned off; a dataset that is named is enabled
    also where the configuration disables it. Survives a restart of the daemon.

    Exit code 3 when the daemon is not running.
    """
    from .daemon_access import find_places, open_client

    named = list(dict.fromkeys(datasets or []))
    client = open_client(find_places(config, verbose=verbose))
    for line in said(client.enable(named or None), named):
        typer.echo(line)


@command("disable")
def disable(
    datasets: SwitchedArgument = None,
    reason: Annotated[
        str | None,
        typer.Option("--reason", metavar="TEXT", help="Shown by `mmsync status` and logged.", show_default=False),
    ] = None,
    duration: Annotated[
        str | None,
        typer.Option(
            "--for", metavar="TIME", help="Ends by itself after 90s, 15m, 2h, 1h30m or 3d.", show_default=False
        ),
    ] = None,
    config: ConfigOption = None,
    verbose: ClientVerboseOption = False,
) -> None:
    """Have the daemon sync nothing, or not these datasets.

    Holds until `mmsync enable`, or until the time of --for is over; survives a restart of the daemon.
    `mmsync force` syncs all the same.

    Exit code 3 when the daemon is not running.
    """
    from .daemon_access import find_places, open_client

    seconds = _seconds(duration)
    named = list(dict.fromkeys(datasets or []))
    client = open_client(find_places(config, verbose=verbose))
    answer = client.disable(named or None, reason=reason, for_seconds=seconds)
    for line in said(answer, named, for_seconds=seconds):
        typer.echo(line)


def said(answer: Document, named: list[str], *, for_seconds: float | None = None) -> list[str]:
    """What is now the case, a line each: of the datasets that were `named`, else of syncing as a whole."""
    from .words import plain, span

    end = "" if for_seconds is None else f"for {span(for_seconds)}"
    everything = "syncing is enabled" if answer["sync_enabled"] else "syncing is disabled"
    datasets = answer.get("datasets") or {}
    if not named:
        off = [plain(name) for name, enabled in datasets.items() if not enabled]
        if not answer["sync_enabled"]:
            return [f"{everything} {end or 'until `mmsync enable`'}"]
        return [everything + (f", but not of {', '.join(off)}" if off else "")]
    lines = []
    for name in named:
        enabled = datasets.get(name, answer["sync_enabled"])
        shown = plain(name)
        until = end or f"until `mmsync enable {shown}`"
        lines.append(f"{shown} is enabled" if enabled else f"{shown} is disabled {until}")
    return lines if answer["sync_enabled"] else [*lines, f"{everything} as a whole: `mmsync enable` turns it on"]
