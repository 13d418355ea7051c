"""uvicorn on a socket that listens already, in a thread and event loop of its own, with bounds for clients."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from moneymentor_sync.core.errors import ControlError
from moneymentor_sync.core.events import Emit

from .limits import Limits, accepted_at_once
from .protocol import protocol_class
from .seldom import Seldom

_LEAST_BACKLOG = 32
"""Who finds the kernel's queue full is turned away without a word."""
_GRACE_SECONDS = 1  # for answers under way when the daemon stops; a whole number, as uvicorn has it
_LAST_WORDS_SECONDS = 0.3
_START_SECONDS = 10.0

OpenApp = Callable[[asyncio.Event], AbstractContextManager[ASGIApp]]
"""Makes the application, for as long as it is served; the event is set when it is to end. Called in the thread."""


class HttpServer:
    """Serves an application from `start` to `stop`, which closes `listening`.

    `name` is the thread's. `beat` is called from inside the event loop every `beat_seconds`: where it is not
    called, nobody is answered. `emit` gets `control.died`.
    """

    def __init__(
        self,
        name: str,
        listening: socket.socket,
        open_app: OpenApp,
        emit: Emit,
        *,
        beat: Callable[[], None] = lambda: None,
        beat_seconds: float = 1.0,
        limits: Limits | None = None,
    ) -> None:
        self._name = name
        self._listening = listening
        self._open_app = open_app
        self._emit = emit
        self._beat = beat
        self._beat_seconds = beat_seconds
        self._files = _descriptors()
        self._limits = (limits or Limits()).within(self._files)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._serving = threading.Event()
        # A daemon thread: one that hangs must not keep a process alive that was told to end.
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Returns when clients are answered. Raises ControlError where that does not come about."""
        self._thread.start()
        if not self._serving.wait(_START_SECONDS) or self._loop is None:
            raise ControlError(f"the {self._name} channel did not start", hint="The log says why.")

    def stop(self, timeout: float = 2.0) -> bool:
        """Ends it: takes no more connections, answers those who wait for a sync with 503, closes the rest.

        Returns whether it ended within `timeout` seconds. May be called again, and without `start`.
        """
        if self._loop is not None:
            with suppress(RuntimeError):  # it has already ended
                self._loop.call_soon_threadsafe(self._stopping.set)
        if self._thread.ident is not None:
            self._thread.join(timeout)
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001  # uvicorn exits, too; no thread may end in silence
            self._emit("control.died", channel=self._name, error=type(error).__name__, exc_info=error)
        finally:
            self._serving.set()

    async def _serve(self) -> None:
        asyncio.get_running_loop().set_exception_handler(_complain_seldom(Seldom()))
        with self._open_app(self._stopping) as app:
            server = _Server(self._config(app), self._stopping, self._announce)
            beating = asyncio.create_task(self._beat_on())
            try:
                await server.serve(sockets=[self._listening])
            finally:
                beating.cancel()
                await server.leave()

    def _announce(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._serving.set()

    async def _beat_on(self) -> None:
        # Not uvicorn's `callback_notify`: that goes by the wall clock, and falls silent when it is set back.
        while True:
            self._beat()
            await asyncio.sleep(self._beat_seconds)

    def _config(self, app: ASGIApp) -> uvicorn.Config:
        most = self._limits.places_with_refused(trusted=True)
        return uvicorn.Config(
            app,
            http=protocol_class(self._limits),
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            proxy_headers=False,  # nobody stands between, and a peer is who the kernel says
            server_header=False,
            date_header=False,
            log_config=None,
            log_level=logging.CRITICAL + 1,  # what matters is emitted as events
            access_log=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            # asyncio takes so many in one go
            backlog=min(accepted_at_once(self._files), max(_LEAST_BACKLOG, most)),
        )


def _descriptors() -> int:
    """How many descriptors this process may have."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return sys.maxsize if soft == resource.RLIM_INFINITY else soft


def _complain_seldom(seldom: Seldom) -> Callable[[asyncio.AbstractEventLoop, dict[str, Any]], None]:
    """asyncio's own handler, once a minute for each complaint.

    Where no descriptors are left, asyncio complains once for each connection that it could accept, again and again.
    """

    def handle(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        if seldom.passed_over(context.get("message"), loop.time()) is not None:
            loop.default_exception_handler(context)

    return handle


class _Server(uvicorn.Server):
    """uvicorn's server that sleeps until it is stopped, instead of looking ten times a second."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._stopping = stopping
        self._on_started = on_started

    async def main_loop(self) -> None:
        self._on_started()
        await self._stopping.wait()

    async def leave(self) -> None:
        """After the graceful end: what was cancelled says so, and no connection is left."""
        if self.server_state.tasks:
            await asyncio.wait(set(self.server_state.tasks), timeout=_LAST_WORDS_SECONDS)
        for connection in list(self.server_state.connections):
            connection.transport.abort()
        await asyncio.sleep(0)  # lets asyncio carry the aborts out
