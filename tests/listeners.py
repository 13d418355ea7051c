"""Watches on real databases for tests: what they tell of and say is waited for, never slept for."""

from __future__ import annotations

import queue
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from moneymentor_sync.adapters.database_listen import Chances, DatabaseListener, Rhythm
from moneymentor_sync.core.settings import DatabaseSettings, Dataset

PATIENCE = 30.0
QUICK = Rhythm(arrival=10.0, first_wait=0.01, longest_wait=0.05, first_deaf_wait=0.05)


class Told:
    """What a watch told of (None for everything) and said, each in its order."""

    def __init__(self) -> None:
        self.changes: queue.Queue[frozenset[str] | None] = queue.Queue()
        self.events: queue.Queue[tuple[str, dict[str, Any]]] = queue.Queue()

    def emit(self, event: str, **fields: object) -> None:
        self.events.put((event, fields))

    def change(self) -> set[str] | None:
        """The next one that it tells of."""
        found = self.changes.get(timeout=PATIENCE)
        return None if found is None else set(found)

    def until_said(self, event: str) -> dict[str, Any]:
        """The fields of the next event of this name."""
        while True:
            name, fields = self.events.get(timeout=PATIENCE)
            if name == event:
                return fields


def dataset(name: str, query: str | None = None, **given: Any) -> Dataset:
    return Dataset(name, name.title(), ("id",), "sheet", query=query, **given)


@contextmanager
def listening(
    url: str, datasets: Sequence[Dataset], rhythm: Rhythm = QUICK
) -> Iterator[tuple[DatabaseListener, Told]]:
    """A listener that has been started; at the end it must stop at once."""
    told = Told()
    chances = Chances(time.time, time.monotonic, random.Random(1).random)
    listener = DatabaseListener(DatabaseSettings(url), datasets, told.changes.put, told.emit, chances, rhythm)
    listener.start()
    try:
        yield listener, told
    finally:
        assert listener.stop(), "it ends within a second"
