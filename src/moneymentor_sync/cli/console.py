"""The two streams: what was asked for goes to stdout, everything else to stderr; colour on terminals only."""

from __future__ import annotations

import json
import os
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, TextIO

from .plain_signs import shows_all
from .words import unseen_escaped

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

    from .safe_screen import Cleaning

    terminal = stream.isatty()
    plain = not terminal or bool(os.environ.get("NO_COLOR"))
    console = Console(
        file=stream,
        width=None if terminal else WIDE,
        highlight=False,
        force_terminal=terminal,
        color_system=None if plain else "auto",
        no_color=plain,
        markup=False,  # a text in brackets is one that somebody wrote
    )
    console.push_render_hook(Cleaning())
    return console


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    print_json_line(value, indent=2)


def print_json_line(value: Any, *, indent: int | None = None) -> None:
    """One JSON document on stdout, on one line unless it is to be indented."""
    document = json.dumps(value, ensure_ascii=not shows_all(sys.stdout), indent=indent, default=str)
    sys.stdout.write(unseen_escaped(document) + "\n")
    sys.stdout.flush()
