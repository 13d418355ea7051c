"""What people wrote into the tabs and did not take away themselves: all of it must be there at the end."""

from __future__ import annotations

import threading
from collections.abc import Iterable


class Ledger:
    """Words by dataset; each names the row that it stands beside, or none."""

    def __init__(self) -> None:
        self._words: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def wrote(self, dataset: str, text: str) -> None:
        with self._lock:
            self._words.setdefault(dataset, set()).add(text)

    def took(self, dataset: str, texts: Iterable[str]) -> None:
        """These went, and were to go."""
        with self._lock:
            self._words.get(dataset, set()).difference_update(texts)

    def emptied(self, dataset: str) -> None:
        with self._lock:
            self._words[dataset] = set()

    def expected(self, dataset: str) -> list[str]:
        with self._lock:
            return sorted(self._words.get(dataset, ()))
