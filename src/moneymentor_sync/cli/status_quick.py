"""`mmsync status` without Typer, which takes longer to load than everything that the command does.

Monitoring and shell prompts ask it every few seconds. Only plain spellings are understood; whatever else is
written goes to `status_command`, which has the same options, the help, and the words for a wrong one.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

_FLAGS = {"--json": "as_json", "--watch": "watch", "-v": "verbose", "--verbose": "verbose"}


class Asked(NamedTuple):
    """The options of `mmsync status`."""

    config: Path | None = None
    as_json: bool = False
    watch: bool = False
    verbose: bool = False


def status_at_once(arguments: list[str]) -> None:
    """Runs the command and ends in SystemExit; comes back where Typer is to parse the arguments."""
    asked = parse(arguments)
    if asked is not None:
        from .status_screen import show_status

        sys.exit(
            show_status(asked.config, as_json=asked.as_json, watch=asked.watch, verbose=asked.verbose),
        )


def parse(arguments: list[str]) -> Asked | None:
    """The options, or None where it is another command or not written plainly."""
    if arguments[:1] != ["status"]:
        return None
    asked = Asked()
    words = iter(arguments[1:])
    for word in words:
        if word in ("-c", "--config"):
            file = next(words, "")
            if not file or file.startswith("-"):
                return None
            asked = asked._replace(config=Path(file))
        elif word in _FLAGS:
            asked = asked._replace(**{_FLAGS[word]: True})
        else:
            return None
    return asked
