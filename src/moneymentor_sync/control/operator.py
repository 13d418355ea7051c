"""What the control channel asks of a daemon: an interface that belongs to the channel; the daemon fits it.

Every method is called from a thread of the channel's: those that change something and `history` may take some
milliseconds (the state file); `status` and `healthy` are called on its event loop and, as `metrics`, wait
for nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from moneymentor_sync.core.daemon_ports import Accepted

__all__ = ["Accepted", "Document", "Operator", "Peer"]

Document = dict[str, Any]
"""A JSON object, ready to be sent."""


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end of the socket, as the kernel says it (SO_PEERCRED, SO_PEERGROUPS)."""

    pid: int
    uid: int
    groups: frozenset[int]


class Operator(Protocol):
    """A daemon, as the control channel sees it.

    Everything that names datasets raises UnknownDatasetError; everything but `status`, `metrics`, `healthy` and
    `history` raises ShuttingDownError once the daemon stops.
    """

    def status(self) -> Document: ...

    def healthy(self) -> tuple[bool, Document]:
        """Whether `GET /healthz` is 200 rather than 503, and its body: `{"status", "reason"}`."""
        ...

    def metrics(self) -> str:
        """Prometheus text exposition, version 0.0.4."""
        ...

    def history(self, dataset: str | None, limit: int) -> Document:
        """`{"runs": […]}`, newest first. Raises StateError."""
        ...

    def cluster(self) -> Document:
        """The status' `cluster`, with what each member has told of itself. Raises AloneError, ClusterError."""
        ...

    def force(self, datasets: Sequence[str] | None, *, allow_deletes: bool, by: Peer | None) -> Accepted:
        """Raises NothingToSyncError where none is named and every dataset is disabled, ClusterError where another
        member would have to do it and cannot be reached."""
        ...

    def enable(
        self, datasets: Sequence[str] | None, *, reason: str | None, for_seconds: float | None, by: Peer | None
    ) -> Document:
        """`{"sync_enabled": bool, "datasets": {name: enabled}}`. Raises StateError.

        With `for_seconds` it ends by itself: then the configuration decides again.
        """
        ...

    def disable(
        self, datasets: Sequence[str] | None, *, reason: str | None, for_seconds: float | None, by: Peer | None
    ) -> Document:
        """As `enable`."""
        ...

    def pause(self, holder: str, ttl_seconds: float, *, by: Peer | None) -> Document:
        """`{"paused_for_requests": true, "expires_in_seconds": …}`."""
        ...

    def resume(self, holder: str, *, by: Peer | None) -> Document:
        """`{"paused_for_requests": bool}`: whether somebody else still holds."""
        ...

    def notify(self, dataset: str, *, reason: str | None, by: Peer | None) -> Document:
        """`{"accepted": true}`; a sync of it follows soon, one for many."""
        ...

    def reload(self, *, by: Peer | None) -> Document:
        """`{"reloaded": true, "changed": [paths], "needs_restart": [paths]}`. Raises ConfigError."""
        ...
