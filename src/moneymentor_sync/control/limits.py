"""How much a client may ask of the channel, and how long it may take. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The defaults are the contract's; tests shorten the times.

    `receive_seconds` is for a whole request, head and body: from the connection's start, and on one that is kept
    open from the first byte of the next request. `idle_seconds` is how long it may be kept open without one.
    `stall_seconds` is how long a client may take nothing of an answer that waits for it. `linger_seconds` is how
    long a client that was refused may take to read why. `head_bytes` counts the request line and the header
    fields, `body_bytes` the body. `connections` are served at a time; up to four times as many are told that
    there is no room, any more are just closed.
    """

    receive_seconds: float = 5.0
    idle_seconds: float = 5.0
    stall_seconds: float = 5.0
    linger_seconds: float = 1.0
    head_bytes: int = 16 * 1024
    body_bytes: int = 64 * 1024
    connections: int = 64

    @property
    def connections_with_refused(self) -> int:
        return 4 * self.connections
