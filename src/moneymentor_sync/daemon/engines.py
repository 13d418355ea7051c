"""The engine of the worker: opened when it is first needed, kept, and opened anew for another configuration."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Protocol

from moneymentor_sync.core.ports import RunResult
from moneymentor_sync.core.settings import Config, Dataset
from moneymentor_sync.core.sheet_status import Ending, left_behind


class Runs(Protocol):
    """What the worker needs of an engine; see `sync.Engine`."""

    def run(
        self,
        datasets: Sequence[Dataset],
        *,
        trigger: str,
        allow_deletes: Collection[str],
        run_id: str,
    ) -> RunResult: ...

    def tell(self, ended: Ending | None = None, only: Collection[str] | None = None) -> None: ...


OpenEngine = Callable[[Config], AbstractContextManager[Runs]]


class Engines:
    """For one thread: what is behind an engine (SQLite, HTTP) may not change threads."""

    def __init__(self, open_engine: OpenEngine) -> None:
        self._open_engine = open_engine
        self._config: Config | None = None
        self._held: AbstractContextManager[Runs] | None = None
        self._engine: Runs | None = None

    def get(self, config: Config) -> Runs:
        """Raises StateError."""
        if self._engine is None or self._config is not config:
            if self._engine is not None and self._config is not None:
                left = left_behind(self._config, config)
                if left:
                    self._engine.tell("no longer updated", left)
            self.close()
            held = self._open_engine(config)
            self._engine = held.__enter__()
            self._held, self._config = held, config
        return self._engine

    def tell(self, ended: Ending | None = None) -> None:
        """Lets the one that is open tell the spreadsheets' readers how it went; with `ended` for the last time."""
        if self._engine is not None:
            self._engine.tell(ended)

    def close(self) -> None:
        """Closes it; the next `get` opens another. What fails while closing is past mending."""
        held, self._held, self._engine = self._held, None, None
        if held is not None:
            with suppress(Exception):
                held.__exit__(None, None, None)
