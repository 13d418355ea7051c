"""The watch on the database that the daemon keeps: opened for a configuration, and opened anew for another one."""

from __future__ import annotations

import threading
from collections.abc import Callable

from moneymentor_sync.core.daemon_ports import Changed, Watch
from moneymentor_sync.core.realtime import NOT_HEARING, Hearing
from moneymentor_sync.core.settings import Config

from .notice_queue import NoticeQueue

OpenWatch = Callable[[Config, Changed], Watch | None]
"""A watch that is not started yet; None where changes are not to be heard, or cannot be."""


def no_watch(_config: Config, _changed: Changed) -> None:
    """Nothing is heard but what somebody notifies of."""


class Listening:
    """What the watch hears becomes notices. `follow` and `stop` may be called from any thread.

    `reached` is called when the database can be listened to, again or for the first time.
    """

    def __init__(self, open_watch: OpenWatch, notices: NoticeQueue, reached: Callable[[], None]) -> None:
        self._open_watch = open_watch
        self._notices = notices
        self._reached = reached
        self._lock = threading.Lock()
        self._watch: Watch | None = None
        self._on: object = None
        self._ended = False
        self._everything: frozenset[str] = frozenset()

    @property
    def hearing(self) -> Hearing:
        watch = self._watch
        return NOT_HEARING if watch is None else watch.hearing

    def follow(self, config: Config) -> None:
        """Watches what this configuration reads; one that reads the same leaves the watch as it is.

        What the watch raises is passed on; the next call tries again. After `stop` nothing is watched.
        """
        with self._lock:
            self._everything = frozenset(one.name for one in config.datasets)
            wanted = _what_is_read(config)
            if self._ended or wanted == self._on:
                return
            self._end()
            self._watch = self._open_watch(config, self._changed)
            if self._watch is not None:
                self._watch.start()
            self._on = wanted

    def stop(self) -> None:
        """Hears nothing any more, for good."""
        with self._lock:
            self._ended = True
            self._end()

    def _end(self) -> None:
        watch, self._watch, self._on = self._watch, None, None
        if watch is not None:
            watch.stop()

    def _changed(self, datasets: frozenset[str] | None) -> None:
        if datasets is not None:
            self._notices.notice(datasets)
            return
        self._reached()
        self._notices.notice(self._everything)


def _what_is_read(config: Config) -> object:
    """All that a watch depends on."""
    datasets = tuple(
        (one.name, one.enabled, one.query, one.table, one.builtin, one.tables) for one in config.datasets
    )
    return config.database, datasets
