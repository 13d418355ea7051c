"""BackgroundSyncService: a daemon without a socket, in a thread of somebody else's process."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moneymentor_sync.adapters.environment import load_config
from moneymentor_sync.adapters.log_standard import standard_emit
from moneymentor_sync.control.async_client import Answer, UnansweredError
from moneymentor_sync.core.errors import NotRunningError, ShuttingDownError
from moneymentor_sync.core.settings import Config

from .settings import SyncConfig
from .stopped import stopped_status
from .thread import LifeThread

if TYPE_CHECKING:
    from moneymentor_sync.daemon.operations import Operations

    from .answers import Answers

Document = dict[str, Any]
LOGGER = "moneymentor_sync"
PAUSE_SECONDS = 60.0
"""How long a pause lasts by itself."""
_OWN_HOLDER = "in-process"


class BackgroundSyncService:
    """Keeps the spreadsheet in step while the program runs: start it and stop it in the application's lifespan.

        service = BackgroundSyncService(SyncConfig(interval_seconds=60))
        await service.start_background_sync()
        ...
        await service.stop_background_sync()

    Database, spreadsheet, credentials and state file come from `file`, `sync.toml`, `.env` and the environment, as
    for `mmsync run`; `settings` come before all of them (`{"google.spreadsheet_id": "…"}`). Its events go to the
    logger `moneymentor_sync`. Of several processes with one state file one syncs, and the others stand by.
    """

    def __init__(
        self,
        config: SyncConfig | None = None,
        *,
        file: Path | str | None = None,
        settings: Mapping[str, object] | None = None,
    ) -> None:
        self._file = None if file is None else Path(file)
        self._overrides = {**(config.overrides() if config else {}), **(settings or {})}
        self._emit = standard_emit(logging.getLogger(LOGGER))
        self._thread: LifeThread | None = None
        self._answers: tuple[asyncio.AbstractEventLoop, Operations, Answers] | None = None
        self._pausing = 0

    # --- its life -------------------------------------------------------------------------------------------

    async def start_background_sync(self) -> None:
        """Returns when it syncs, or stands by for another process that does. Once started it stays so.

        Raises ConfigError, StateError: what would keep it from ever working.
        """
        if self._thread is not None and not self._thread.ended.done():
            return
        thread = self._thread = LifeThread(self._load(), self._load, self._emit)
        thread.start()
        await asyncio.wrap_future(thread.standing)

    async def stop_background_sync(self) -> None:
        """Lets the sync under way end at its next batch, for at most `stop_timeout_seconds`; then nothing runs."""
        thread, self._thread = self._thread, None
        if thread is None:
            return
        thread.stop()
        if self._answers is not None:
            self._answers[2].close()
            self._answers = None
        await asyncio.wrap_future(thread.ended)

    # --- what it is asked -----------------------------------------------------------------------------------

    def get_sync_status(self) -> Document:
        """The status document, as `GET /sync/status` has it; waits for nothing while it syncs.

        Where it does not, it is read from the state file. Raises ConfigError and StateError then.
        """
        operations = self._operations()
        if operations is not None:
            return operations.status()
        return stopped_status(self._config(), time.time(), stands_by=self._stands_by())

    async def force_sync_now(
        self, datasets: Sequence[str] | None = None, *, allow_deletes: bool = False
    ) -> Document:
        """Syncs now and waits for the result: `{"run_id", "ok", "seconds", "error", "datasets"}`.

        Raises NotRunningError, UnknownDatasetError, NothingToSyncError, and ShuttingDownError where it is stopped
        before the sync has ended.
        """
        accepted = self._running().force(datasets, allow_deletes=allow_deletes, by=None)
        try:
            return await asyncio.wrap_future(accepted.done)
        except asyncio.CancelledError:
            if accepted.done.cancelled() and self._operations() is None:
                raise ShuttingDownError("the service was stopped before the sync had ended") from None
            raise

    def enable_sync(self, datasets: Sequence[str] | None = None) -> Document:
        """`{"sync_enabled", "datasets"}`; survives a restart. Raises NotRunningError and StateError."""
        return self._running().enable(datasets, reason=None, for_seconds=None, by=None)

    def disable_sync(
        self, datasets: Sequence[str] | None = None, *, reason: str | None = None, for_seconds: float | None = None
    ) -> Document:
        """As `enable_sync`; with `for_seconds` it ends by itself."""
        return self._running().disable(datasets, reason=reason, for_seconds=for_seconds, by=None)

    def pause_for_requests(self) -> None:
        """The sync stands back until `resume_after_requests` has been called as often, or for a minute."""
        self._pausing += 1
        operations = self._operations()
        if operations is not None:
            operations.pause(_OWN_HOLDER, PAUSE_SECONDS, by=None)

    def resume_after_requests(self) -> None:
        """One of those who paused it has done."""
        self._pausing = max(self._pausing - 1, 0)
        operations = self._operations()
        if operations is not None and not self._pausing:
            operations.resume(_OWN_HOLDER, by=None)

    async def answer(self, method: str, path: str, body: bytes, *, timeout: float | None) -> Answer:
        """What the daemon would answer over its socket: for `moneymentor_sync.asgi`. Raises UnansweredError."""
        operations = self._operations()
        if operations is None:
            raise UnansweredError("the service does not run in this process")
        loop = asyncio.get_running_loop()
        if self._answers is None or self._answers[0] is not loop or self._answers[1] is not operations:
            from .answers import Answers

            self._answers = (loop, operations, Answers(operations, self._emit))
        return await self._answers[2].ask(method, path, body, timeout=timeout)

    # --- within ---------------------------------------------------------------------------------------------

    def _load(self) -> Config:
        return load_config(self._file, overrides=self._overrides)

    def _config(self) -> Config:
        return self._load() if self._thread is None else self._thread.config

    def _stands_by(self) -> bool:
        return self._thread is not None and not self._thread.ended.done()

    def _operations(self) -> Operations | None:
        daemon = self._thread.daemon if self._thread is not None else None
        return None if daemon is None else daemon.operations

    def _running(self) -> Operations:
        operations = self._operations()
        if operations is None:
            raise NotRunningError(
                "the service does not sync in this process",
                hint="Start it with `await service.start_background_sync()`; of several processes only one syncs.",
            )
        return operations
