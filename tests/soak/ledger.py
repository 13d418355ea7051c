"""What people wrote into the tabs and did not take away themselves: all of it must be there at the end."""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterable

from .view import key_in


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

    def lost_rows(self, dataset: str, keys: Collection[str]) -> list[str]:
        """The rows of these keys went with all that stood beside them; gives what that was."""
        with self._lock:
            found = [text for text in self._words.get(dataset, ()) if key_in(text) in keys]
            self._words.get(dataset, set()).difference_update(found)
        return found

    def emptied(self, dataset: str) -> None:
        with self._lock:
            self._words[dataset] = set()

    def expected(self, dataset: str) -> list[str]:
        with self._lock:
            return sorted(self._words.get(dataset, ()))
