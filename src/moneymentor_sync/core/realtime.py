"""How the daemon hears of changes in the database as they happen, as a value for its status."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Source = Literal["listen", "data_version"]
"""PostgreSQL's LISTEN, or the version that SQLite gives each content of a file."""
State = Literal["off", "connecting", "listening", "lost", "deaf"]
"""`lost`: it tries to connect again; `deaf`: it may connect, but nothing is delivered to it."""


@dataclass(frozen=True, slots=True)
class Hearing:
    """`since` is when the state began and `last_change` when a change was last heard of, in UNIX seconds.

    `error` says why nothing is heard, without a secret. `untold` are tables that datasets read and no trigger
    tells of; `unheard` are datasets of which it cannot be known, or not be told, that they changed.
    """

    source: Source | None = None
    state: State = "off"
    since: float | None = None
    last_change: float | None = None
    error: str | None = None
    untold: tuple[str, ...] = ()
    unheard: tuple[str, ...] = ()


NOT_HEARING = Hearing()
