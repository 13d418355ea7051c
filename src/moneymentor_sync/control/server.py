"""The channel's server: its application on its socket, with the few threads that it needs."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from starlette.types import ASGIApp

from moneymentor_sync.core.events import Emit
from moneymentor_sync.core.settings import ControlSettings

from .app import Channel
from .http_server import HttpServer
from .limits import Limits
from .operator import Operator
from .peers import access_of

THREADS = 4
"""For what may wait for the disk. More would only wait for each other."""


class ControlServer(HttpServer):
    """Serves the channel from `start` to `stop`.

    `listening` is a Unix socket that listens (SocketFile.socket); `stop` closes it. `emit(event, **fields)` gets
    `control.changed`, `control.refused`, `control.failed` and `control.died`; it is called from several threads.
    `beat` is called from inside the event loop every `beat_seconds`: where it is not called, nobody is answered.
    Raises ConfigError where the settings name a user or group that this machine does not have; looking them up
    may wait for a directory service.
    """

    def __init__(
        self,
        operator: Operator,
        listening: socket.socket,
        settings: ControlSettings,
        emit: Emit,
        *,
        beat: Callable[[], None] = lambda: None,
        beat_seconds: float = 1.0,
        limits: Limits | None = None,
    ) -> None:
        access = access_of(settings, os.geteuid())

        @contextmanager
        def application(stopping: asyncio.Event) -> Iterator[ASGIApp]:
            pool = ThreadPoolExecutor(THREADS, thread_name_prefix="control")
            renderer = ThreadPoolExecutor(1, thread_name_prefix="control-metrics")
            try:
                yield Channel(operator, access, emit, pool, stopping, renderer).app()
            finally:
                for one in (pool, renderer):
                    one.shutdown(wait=False, cancel_futures=True)

        super().__init__(
            "control", listening, application, emit, beat=beat, beat_seconds=beat_seconds, limits=limits
        )
