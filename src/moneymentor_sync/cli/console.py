"""The two streams: what was asked for goes to stdout, everything else to stderr; colour on terminals only."""

from __future__ import annotations

import json
import sys
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

WIDE = 200
"""Columns where the output is not a terminal, so that nothing is cut for a reader that is a program."""


@cache
def out() -> Console:
    """Rich console on stdout; NO_COLOR is honoured by Rich itself."""
    from rich.console import Console

    return Console(width=None if sys.stdout.isatty() else WIDE, highlight=False)


@cache
def err() -> Console:
    """Rich console on stderr."""
    from rich.console import Console

    return Console(stderr=True, width=None if sys.stderr.isatty() else WIDE, highlight=False)


def print_json(value: Any) -> None:
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2, default=str) + "\n")
    sys.stdout.flush()
