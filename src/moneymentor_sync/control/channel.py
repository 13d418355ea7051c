"""The channel as a daemon has it: the socket at its path and the server behind it, for as long as it lives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from moneymentor_sync.core.errors import MmsyncError
from moneymentor_sync.core.events import Emit
from moneymentor_sync.core.settings import ControlSettings

from .operator import Operator
from .server import ControlServer
from .socket_file import SocketFile


class ControlChannel:
    """Takes the path when it is made, and raises what SocketFile and ControlServer do; `beat` says it is alive."""

    def __init__(
        self,
        path: Path,
        operator: Operator,
        settings: ControlSettings,
        emit: Emit,
        *,
        holder: str,
        beat: Callable[[], None],
    ) -> None:
        self._path = path
        self._operator = operator
        self._settings = settings
        self._emit = emit
        self._holder = holder
        self._beat = beat
        self._told = ""
        self._file = SocketFile(path, holder)
        self._server = self._new_server()

    def _new_server(self) -> ControlServer:
        return ControlServer(self._operator, self._file.socket, self._settings, self._emit, beat=self._beat)

    def start(self) -> None:
        """Returns when it answers."""
        self._server.start()

    def look(self) -> bool:
        """Makes the socket again where somebody removed it (a tidy-up of /tmp or /run); whether that was needed.

        Whoever waits for an answer at that moment gets none. A path that cannot be had is tried again next time.
        """
        if self._file.stands:
            return False
        try:
            self._server.stop()
            self._file.close()
            self._file = SocketFile(self._path, self._holder)
            self._server = self._new_server()
            self._server.start()
        except MmsyncError as error:
            self._file.close()  # so that the next look tries again
            self._beat()  # unreachable, but alive: the syncs go on
            if str(error) != self._told:
                self._told = str(error)
                self._emit("control.failed", error=error.code, message=str(error))
            return False
        self._told = ""
        return True

    def stop(self, timeout: float = 2.0) -> None:
        """Takes no more requests, and removes the socket."""
        self._server.stop(timeout)
        self._file.close()


class Part(Protocol):
    """One of several channels, as a daemon's life has them."""

    def start(self) -> None: ...

    def look(self) -> bool: ...

    def stop(self, timeout: float = 2.0) -> object: ...


class Channels:
    """Several channels as one: they start in their order, and end in it."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self._parts = parts

    def start(self) -> None:
        for one in self._parts:
            one.start()

    def look(self) -> bool:
        made = [one.look() for one in self._parts]  # each of them, also after one that had to be made
        return any(made)

    def stop(self, timeout: float = 2.0) -> None:
        for one in self._parts:
            one.stop(timeout)
