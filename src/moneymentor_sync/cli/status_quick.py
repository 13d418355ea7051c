"""`mmsync status` without Typer, which takes longer to load than everything that the command does.

Monitoring and shell prompts ask it every few seconds. Only plain spellings are understood; whatever else is
written goes to `status_command`, which has the same options, the help, and the words for a wrong one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

_FLAGS = {"--cluster": "cluster", "--json": "as_json", "--watch": "watch", "-v": "verbose", "--verbose": "verbose"}


class Asked(NamedTuple):
    """The options of `mmsync status`; `flags` by the names that `show_status` has for them."""

    config: Path | None
    flags: frozenset[str]


def status_at_once(arguments: list[str]) -> None:
    """Runs the command and ends in SystemExit; comes back where Typer is to parse the arguments."""
    asked = parse(arguments)
    if asked is None:
        return
    from .status_screen import show_status

    as_json, watch, cluster, verbose = (name in asked.flags for name in ("as_json", "watch", "cluster", "verbose"))
    sys.exit(show_status(asked.config, as_json=as_json, watch=watch, cluster=cluster, verbose=verbose))


def parse(arguments: list[str]) -> Asked | None:
    """The options, or None where it is another command or not written plainly."""
    if arguments[:1] != ["status"]:
        return None
    config: Path | None = None
    flags: set[str] = set()
    words = iter(arguments[1:])
    for word in words:
        if word in _FLAGS:
            flags.add(_FLAGS[word])
            continue
        file = next(words, "") if word in ("-c", "--config") else ""
        if not file or file.startswith("-"):
            return None
        config = Path(file)
    return Asked(config, frozenset(flags))
