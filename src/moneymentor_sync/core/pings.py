"""A dead man's switch: which runs it is told of, and by which address. Pure.

Told are start, success and failure as Healthchecks.io has them. Where syncs are many, some stand for all: a service
that is told of thousands an hour refuses to listen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import urlsplit, urlunsplit

Ping = Literal["start", "success", "fail"]
APART_SECONDS = 30.0
"""Between two runs that it is told of; a failure and the first success after it are told at once."""


@dataclass(frozen=True, slots=True)
class Pings:
    """`begun` is when the last run began that it was told of (any clock), `told` whether the run under way is one;
    `last` is what it heard last of how a run ended."""

    begun: float | None = None
    told: bool = False
    last: Ping | None = None


def at_begin(pings: Pings, now: float) -> tuple[Pings, Ping | None]:
    """A run begins."""
    early = pings.begun is not None and 0 <= now - pings.begun < APART_SECONDS
    return (replace(pings, told=False), None) if early else (replace(pings, begun=now, told=True), "start")


def at_end(pings: Pings, outcome: str) -> tuple[Pings, Ping | None]:
    """It has ended; of one that was stopped nobody is told: what follows is the silence, or the next one."""
    ping: Ping | None = "success" if outcome == "ok" else "fail" if outcome == "failed" else None
    if ping is None or (not pings.told and ping == pings.last):
        return replace(pings, told=False), None
    return replace(pings, told=False, last=ping), ping


def address_of(url: str, ping: Ping) -> str:
    """The URL to ask: `/start` and `/fail` go behind its path, before its query."""
    if ping == "success":
        return url
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"{parts.path.rstrip('/')}/{ping}"))
