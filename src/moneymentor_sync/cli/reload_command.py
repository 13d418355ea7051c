"""`mmsync reload`: the daemon reads its configuration again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from .app import ClientVerboseOption, ConfigOption, command

if TYPE_CHECKING:
    from .daemon_access import Document


@command("reload")
def reload(config: ConfigOption = None, verbose: ClientVerboseOption = False) -> None:
    """Have the daemon read its configuration again.

    Says what changed, and what is used only after a restart. The file is the one that the daemon was started
    with; --config only says where to find the daemon. A configuration that is wrong is refused with all its
    problems, and the daemon goes on with the old one.

    Exit code 78 when the configuration is wrong, 3 when the daemon is not running.
    """
    from moneymentor_sync.core.errors import ConfigError

    from .daemon_access import find_places, open_client

    client = open_client(find_places(config, verbose=verbose))
    try:
        answer = client.reload()
    except ConfigError as error:
        kept = "The daemon goes on with the configuration it had."
        raise ConfigError(error.problems, hint=f"{error.hint} {kept}".strip()) from error
    for line in said(answer):
        typer.echo(line)


def said(answer: Document) -> list[str]:
    """What changed, a setting a line, and what has to wait for a restart."""
    from .words import plain

    restart = answer.get("needs_restart") or []
    changed = [one for one in answer.get("changed") or [] if one not in restart]
    if not changed and not restart:
        return ["the configuration is as it was"]
    lines = ["changed, and in use from now on:" if changed else "nothing that can change at once has changed"]
    lines += [f"  {plain(path)}" for path in changed]
    if restart:
        lines += ["changed, but used only after a restart:", *(f"  {plain(path)}" for path in restart)]
        lines.append("  → `systemctl restart mmsync`")
    return lines
