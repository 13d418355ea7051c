"""`mmsync alerts …`: whether those who are to be told of trouble can be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from .app import ConfigOption, JsonOption, VerboseOption, command, group

if TYPE_CHECKING:
    from collections.abc import Callable

    from moneymentor_sync.core.alert_messages import Message
    from moneymentor_sync.core.alert_ports import Addresses

alerts = group("alerts", "Try whether those whom `[alerts]` names are reached")


@dataclass(frozen=True, slots=True)
class _Try:
    """How a test of one address went; `name` is its kind and host, never the whole of it."""

    name: str
    error: str | None = None
    hint: str = ""


@command("test", of=alerts)
def test(as_json: JsonOption = False, config: ConfigOption = None, verbose: VerboseOption = False) -> None:
    """Send a test to every address of `[alerts]` now.

    Says of each how that went.
    A webhook gets JSON with `"event": "test"`. A dead man's switch is told of a success: it has no other word that
    raises no alarm. No daemon is needed, and one that runs notices nothing of it.

    Exit code 1 if an address could not be told, 2 if there is none, 78 when the configuration is wrong.
    """
    del verbose
    import time

    from moneymentor_sync.adapters.environment import load_config
    from moneymentor_sync.core.alert_messages import check_message
    from moneymentor_sync.core.errors import UsageError
    from moneymentor_sync.wiring.alerts import instance_of, open_addresses

    settings = load_config(config)
    if not settings.alerts.any:
        raise UsageError(
            "nobody is to be told of trouble: no alert is configured",
            hint="Set `webhook`, `ping` or `urls` in `[alerts]`, or MMSYNC_ALERT_WEBHOOK, MMSYNC_ALERT_PING, "
            "MMSYNC_ALERT_URLS.",
        )
    message = check_message(instance_of(settings), time.time())
    tries = []
    for name, send in _sends(open_addresses(settings.alerts), message):
        tries.append(_tried(name, send))
        if not as_json:
            _show(tries[-1])
    if as_json:
        from .console import print_json

        each = [{"to": one.name, "ok": one.error is None, "error": one.error, "hint": one.hint} for one in tries]
        print_json({"ok": not any(one.error for one in tries), "addresses": each})
    if any(one.error for one in tries):
        raise typer.Exit(1)


def _sends(addresses: Addresses, message: Message) -> list[tuple[str, Callable[[], None]]]:
    from functools import partial

    sends: list[tuple[str, Callable[[], None]]] = [(one.name, partial(one.send, message)) for one in addresses.told]
    if addresses.switch is not None:
        sends.append((addresses.switch.name, partial(addresses.switch.ping, "success")))
    return sends


def _tried(name: str, send: Callable[[], None]) -> _Try:
    from moneymentor_sync.core.errors import AlertError

    try:
        send()
    except AlertError as error:
        return _Try(name, str(error).removeprefix(f"{name}: "), error.hint)
    return _Try(name)


def _show(one: _Try) -> None:
    from .words import shown

    if one.error is None:
        typer.echo(shown(f"✓ {one.name}: told"))
        return
    typer.echo(shown(f"✗ {one.name}: {one.error}"))
    if one.hint:
        typer.echo(shown(f"  → {one.hint}"))
