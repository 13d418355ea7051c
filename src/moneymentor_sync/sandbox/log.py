"""What was asked of the sandbox: one entry a request, and counts by kind."""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import asdict, dataclass

from .grid import Json

KINDS = ("read", "write", "drive", "token")
_KEPT = 20_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One request. `bytes_in` and `bytes_out` are of bodies, `applied` says that it changed something, `account` is
    whose token it had, if any."""

    time: float
    method: str
    path: str
    kind: str
    bytes_in: int
    bytes_out: int
    status: int
    applied: bool
    fault: str | None = None
    account: str = ""


class Log:
    """The last requests in order; counters since the last reset."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._counts: Counter[str] = Counter()

    def add(self, entry: Entry) -> None:
        with self._lock:
            self._entries.append(entry)
            self._counts[entry.kind] += 1

    @property
    def entries(self) -> list[Entry]:
        with self._lock:
            return list(self._entries)

    def of(self, kind: str) -> list[Entry]:
        """The entries of one kind: `read`, `write`, `drive` or `token`."""
        return [entry for entry in self.entries if entry.kind == kind]

    def count(self, kind: str) -> int:
        with self._lock:
            return self._counts[kind]

    def reset(self) -> None:
        with self._lock:
            self._entries.clear()
            self._counts.clear()

    def json(self) -> Json:
        return {
            "counts": {kind: self.count(kind) for kind in KINDS},
            "entries": [asdict(entry) for entry in self.entries],
        }
