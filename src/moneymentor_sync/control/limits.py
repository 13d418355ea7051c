"""How much a client may ask of the channel, and how long it may take. Values only."""

from __future__ import annotations

from dataclasses import dataclass, replace

_FEWEST = 4
_MOST_AT_ONCE = 256


def accepted_at_once(files: int) -> int:
    """How many connections may be accepted before any of them is looked at, with so many descriptors."""
    return min(_MOST_AT_ONCE, max(_FEWEST, files // 4))


@dataclass(frozen=True, slots=True)
class Limits:
    """The defaults are the contract's; tests shorten the times.

    `receive_seconds` is for a whole request, head and body: from the connection's start, and on one that is kept
    open from the first byte of the next request. `idle_seconds` is how long it may be kept open without one.
    `stall_seconds` is how long a client may take nothing of an answer that waits for it. `linger_seconds` is how
    long a client that was refused may take to read why. `head_bytes` counts the request line and the header
    fields, `body_bytes` the body. `connections` are served at a time; up to four times as many are told that
    there is no room, any more are just closed. Where there is none, one that has been waited for longer than
    `crowded_seconds` makes place: a client in good faith sends its request, and reads the answer, at once. A
    quarter of all places is for root and the daemon's own user, so that no other user can shut the operator out.
    """

    receive_seconds: float = 5.0
    idle_seconds: float = 5.0
    stall_seconds: float = 5.0
    linger_seconds: float = 1.0
    crowded_seconds: float = 0.5
    head_bytes: int = 16 * 1024
    body_bytes: int = 64 * 1024
    connections: int = 64

    def within(self, files: int) -> Limits:
        """With no more connections than leave half of so many descriptors to the syncs.

        A quarter is for connections, served or told; another for those accepted in one go (`accepted_at_once`).
        """
        return replace(self, connections=min(self.connections, max(_FEWEST, files // 16)))

    def places(self, *, trusted: bool) -> int:
        """How many connections there may be for the next one to be served."""
        return self.connections if trusted else self.connections - self.connections // 4

    def places_with_refused(self, *, trusted: bool) -> int:
        """How many for the next one to be told that there is no room."""
        return 4 * self.places(trusted=trusted)
