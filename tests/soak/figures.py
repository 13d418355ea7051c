"""What happened, counted: from all threads, and printed at the end."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SHOWN = 40
"""Differences that are printed; the log has all of them."""


@dataclass
class Figures:
    """Counts by group and name, the differences, and a log of every act with its moment in seconds."""

    log: Path
    counts: dict[str, Counter[str]] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _begin: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self._begin

    def count(self, group: str, name: str, times: int = 1) -> None:
        with self._lock:
            self.counts.setdefault(group, Counter())[name] += times

    def largest(self, group: str, name: str, value: int) -> None:
        with self._lock:
            counts = self.counts.setdefault(group, Counter())
            counts[name] = max(counts[name], value)

    def say(self, who: str, text: str) -> None:
        """A line for the log in the work directory."""
        with self._lock, self.log.open("a", encoding="utf-8") as out:
            out.write(f"{self.elapsed:9.3f} {who}: {text}\n")

    def differs(self, what: str) -> None:
        """Something is not as it must be: the run fails."""
        self.say("DIFFERENCE", what)
        with self._lock:
            self.differences.append(what)

    def total(self, group: str) -> int:
        return sum(self.counts.get(group, Counter()).values())

    def json(self) -> dict[str, Any]:
        with self._lock:
            groups = {group: dict(sorted(counts.items())) for group, counts in sorted(self.counts.items())}
            return {"seconds": round(self.elapsed, 1), **groups, "differences": list(self.differences)}

    def lines(self) -> list[str]:
        """For people: a line a group, then what differs."""
        found = []
        for group, counts in sorted(self.counts.items()):
            parts = ", ".join(f"{name} {value:,}" for name, value in sorted(counts.items()))
            found.append(f"{group}: {sum(counts.values()):,} ({parts})" if len(counts) > 1 else f"{group}: {parts}")
        found.append(f"differences: {len(self.differences)}")
        return found + [f"  {one}" for one in self.differences[:SHOWN]]
