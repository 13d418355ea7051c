"""The two ways to the one who syncs: a daemon over its socket, or a service in the same process.

Either answers the same requests with the same bodies. Neither blocks the event loop.
"""

from __future__ import annotations

import asyncio
import logging
import os
from functools import cache
from pathlib import Path
from typing import Protocol

from moneymentor_sync.control.async_client import Answer, UnansweredError, exchange
from moneymentor_sync.core.errors import MmsyncError

__all__ = ["Answer", "Line", "Service", "UnansweredError", "line_to"]

log = logging.getLogger("moneymentor_sync.asgi")


class Line(Protocol):
    """Somebody who can be asked what the control channel answers (contract: `POST /sync/force` and so on)."""

    async def ask(self, method: str, path: str, body: bytes, *, timeout: float | None) -> Answer:
        """The answer within so many seconds (None: however long). Raises UnansweredError."""
        ...


class Service(Protocol):
    """A sync in this process that can be asked like a daemon: `moneymentor_sync.BackgroundSyncService`."""

    async def answer(self, method: str, path: str, body: bytes, *, timeout: float | None) -> Answer:
        """As `Line.ask`."""
        ...


def line_to(socket: Path | str | None, service: Service | None = None) -> Line:
    """The service where one is given; else the daemon at `socket`, else where `mmsync status` would look for it."""
    if service is not None:
        return _InProcess(service)
    return _OverSocket((_expanded(socket),) if socket is not None else _found())


def _found() -> tuple[Path, ...]:
    named = os.environ.get("MMSYNC_SOCKET", "").strip()
    if named:
        return (_expanded(named),)
    try:
        return _looked_up()
    except (MmsyncError, OSError) as error:
        # A backend must start whatever is wrong with the daemon's configuration.
        _tell_once(str(error))
        return ()


@cache
def _tell_once(trouble: str) -> None:
    log.warning("the sync daemon's socket is not known, so it is not asked: %s", trouble)


def _expanded(path: Path | str) -> Path:
    """`~/` is the home directory, as in sync.toml; the path as it is where nobody knows that."""
    try:
        return Path(path).expanduser()
    except RuntimeError:
        return Path(path)


@cache
def _looked_up() -> tuple[Path, ...]:
    from moneymentor_sync.adapters.environment import load_socket_paths

    return load_socket_paths()


class _OverSocket:
    """The first of the paths that is there: the daemon may be started after the backend."""

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self._paths = paths

    async def ask(self, method: str, path: str, body: bytes, *, timeout: float | None) -> Answer:
        paths = self._paths or await asyncio.to_thread(_found)  # what was wrong may have been mended
        if not paths:
            raise UnansweredError("where the daemon's socket is, is not known")
        there = next((one for one in paths if os.path.lexists(one)), paths[0])
        return await exchange(there, method, path, body, timeout=timeout)


class _InProcess:
    def __init__(self, service: Service) -> None:
        self._service = service

    async def ask(self, method: str, path: str, body: bytes, *, timeout: float | None) -> Answer:
        return await self._service.answer(method, path, body, timeout=timeout)
