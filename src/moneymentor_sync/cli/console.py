"""The two streams: what was asked for goes to stdout, everything else to stderr; colour on terminals only."""

from __future__ import annotations

import json
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, TextIO

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 200
"""Columns where the output is not a terminal, so that nothing is cut for a reader that is a program."""


@cache
def out() -> Console:
    """Rich console on stdout; NO_COLOR is honoured by Rich itself."""
    return _console(sys.stdout)


@cache
def err() -> Console:
    """Rich console on stderr."""
    return _console(sys.stderr)


def _console(stream: TextIO) -> Console:
    """No escape at all where it is not a terminal or NO_COLOR is set, whatever other variables say."""
    from rich.console import Console

    terminal = stream.isatty()
    plain = not terminal or bool(os.environ.get("NO_COLOR"))
    return Console(
        file=stream,
        width=None if terminal else WIDE,
        highlight=False,
        force_terminal=terminal,
        color_system=None if plain else "auto",
        no_color=plain,
    )


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")
    sys.stdout.flush()
