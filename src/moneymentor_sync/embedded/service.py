"""BackgroundSyncService: a daemon without a socket, in a thread of somebody else's process."""

from __future__ import annotations

import asyncio
import itertools
import logging
import time
from collections import deque
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from moneymentor_sync.adapters.environment import load_config
from moneymentor_sync.adapters.log_standard import standard_emit
from moneymentor_sync.control.async_client import Answer, UnansweredError, exchange
from moneymentor_sync.core.errors import MmsyncError, NotRunningError, ShuttingDownError
from moneymentor_sync.core.holds import MAX_HOLDERS
from moneymentor_sync.core.settings import Config

from .settings import SyncConfig
from .stopped import stopped_status
from .thread import STAND_BY_SECONDS, LifeThread

if TYPE_CHECKING:
    from moneymentor_sync.daemon.operations import Operations

    from .answers import Answers

Document = dict[str, Any]
LOGGER = "moneymentor_sync"
PAUSE_SECONDS = 60.0
"""How long a pause lasts by itself."""


class BackgroundSyncService:
    """Keeps the spreadsheet in step while the program runs: start it and stop it in the application's lifespan.

        service = BackgroundSyncService(SyncConfig(interval_seconds=60))
        await service.start_background_sync()
        ...
        await service.stop_background_sync()

    Database, spreadsheet, credentials and state file come from `file`, `sync.toml`, `.env` and the environment, as
    for `mmsync run`; `settings` come before all of them (`{"google.spreadsheet_id": "…"}`). Its events go to the
    logger `moneymentor_sync`. Of several processes with one state file one syncs, and the others stand by: every
    `stand_by_seconds` they look whether it is still there.
    """

    def __init__(
        self,
        config: SyncConfig | None = None,
        *,
        file: Path | str | None = None,
        settings: Mapping[str, object] | None = None,
        stand_by_seconds: float = STAND_BY_SECONDS,
    ) -> None:
        self._file = None if file is None else Path(file)
        self._overrides = {**(config.overrides() if config else {}), **(settings or {})}
        self._emit = standard_emit(logging.getLogger(LOGGER))
        self._thread: LifeThread | None = None
        self._stand_by_seconds = stand_by_seconds
        self._answers: tuple[asyncio.AbstractEventLoop, Operations, Answers] | None = None
        self._pauses: deque[str] = deque(maxlen=MAX_HOLDERS)
        self._numbers = itertools.count(1)

    # --- its life -------------------------------------------------------------------------------------------

    async def start_background_sync(self) -> None:
        """Returns when it syncs, or stands by for another process that does. Once started it stays so.

        Raises ConfigError, StateError: what would keep it from ever working. Where it is given up (a time-out, a
        cancelled lifespan) nothing was started.
        """
        before = self._thread
        if before is not None and before.told_to_end:
            await _of_thread(before.ended)
        if self._thread is None or self._thread.ended.done():
            await self._start_anew()
        else:
            await _of_thread(self._thread.standing)

    async def _start_anew(self) -> None:
        thread = self._thread = LifeThread(
            self._load(), self._load, self._emit, stand_by_seconds=self._stand_by_seconds
        )
        thread.start()
        try:
            await _of_thread(thread.standing)
        except asyncio.CancelledError:
            thread.stop()
            raise

    async def stop_background_sync(self) -> None:
        """Lets the sync under way end at its next batch, for at most `stop_timeout_seconds`; then nothing runs."""
        thread = self._thread
        if thread is None:
            return
        thread.stop()
        self._forget_answers()
        await _of_thread(thread.ended)
        thread.join()
        self._forget_answers()
        if self._thread is thread:
            self._thread = None

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
        result = asyncio.wrap_future(accepted.done)
        await asyncio.wait((result,))  # who gives up waiting cancels nothing but the waiting
        if result.cancelled():
            raise ShuttingDownError("the service was stopped before the sync had ended")
        return result.result()

    def enable_sync(self, datasets: Sequence[str] | None = None) -> Document:
        """`{"sync_enabled", "datasets"}`; survives a restart. Raises NotRunningError and StateError."""
        return self._running().enable(datasets, reason=None, for_seconds=None, by=None)

    def disable_sync(
        self, datasets: Sequence[str] | None = None, *, reason: str | None = None, for_seconds: float | None = None
    ) -> Document:
        """As `enable_sync`; with `for_seconds` it ends by itself."""
        return self._running().disable(datasets, reason=reason, for_seconds=for_seconds, by=None)

    def pause_for_requests(self) -> None:
        """The sync stands back until `resume_after_requests` has been called as often; each pause ends by itself
        after a minute. Never raises: a service that does not sync stands back already."""
        # A holder for each: one whose resume never comes holds no longer than its minute.
        holder = f"in-process:{next(self._numbers)}"
        operations = self._operations()
        if operations is not None:
            with suppress(MmsyncError):
                operations.pause(holder, PAUSE_SECONDS, by=None)
                self._pauses.append(holder)

    def resume_after_requests(self) -> None:
        """One of those who paused it has done."""
        operations = self._operations()
        while self._pauses:
            holder = self._pauses.popleft()  # the one that is left last is the youngest, and lasts longest
            if operations is None or operations.is_held_by(holder):
                break  # else its minute is over, and it was another one's
        else:
            return
        if operations is not None:
            with suppress(MmsyncError):
                operations.resume(holder, by=None)

    async def answer(self, method: str, path: str, body: bytes, *, timeout: float | None) -> Answer:
        """What the daemon would answer over its socket: for `moneymentor_sync.asgi`. Raises UnansweredError.

        Where this process stands by, the one that syncs is asked, over its socket.
        """
        operations, thread = self._operations(), self._thread
        if operations is not None:
            return await self._answers_of(operations).ask(method, path, body, timeout=timeout)
        if thread is None or thread.ended.done():
            raise UnansweredError("the service does not run in this process")
        return await exchange(thread.config.socket_path, method, path, body, timeout=timeout)

    # --- within ---------------------------------------------------------------------------------------------

    def _load(self) -> Config:
        return load_config(self._file, overrides=self._overrides)

    def _answers_of(self, operations: Operations) -> Answers:
        loop = asyncio.get_running_loop()
        if self._answers is None or self._answers[0] is not loop or self._answers[1] is not operations:
            from .answers import Answers

            self._forget_answers()
            self._answers = (loop, operations, Answers(operations, self._emit))
        return self._answers[2]

    def _forget_answers(self) -> None:
        """Whoever waits for an answer of the service's gets its last one."""
        known, self._answers = self._answers, None
        if known is not None:
            with suppress(RuntimeError):  # its loop was closed: nobody waits
                known[0].call_soon_threadsafe(known[2].close)

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


async def _of_thread(future: Future[None]) -> None:
    """Waits for something of the thread's; who gives up waiting does not cancel it."""
    await asyncio.shield(asyncio.wrap_future(future))
