"""systemd's notification protocol, sd_notify(3): says what the daemon is doing.

Nothing in here raises, or waits long: a service manager that does not listen is no reason to fail.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Mapping

_PATIENCE_SECONDS = 5.0
"""The longest wait for room in the manager's queue. A READY that was not said is said with the next ping."""


class Notifier:
    """Tells the service manager; without `NOTIFY_SOCKET` in the environment nobody is told.

    `sock` is an AF_UNIX datagram socket (None: one is made), `monotonic_ns` reads CLOCK_MONOTONIC. Messages of
    several threads do not mix: each is one datagram.
    """

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        sock: socket.socket | None = None,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self._address = _address(environ.get("NOTIFY_SOCKET", ""))
        self._monotonic_ns = monotonic_ns
        self._ready: str | None = None
        self._sock: socket.socket | None = None
        if self._address is not None:
            self._sock = sock or socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            self._sock.settimeout(_PATIENCE_SECONDS)

    def ready(self, status: str) -> None:
        """Start-up, or a reload, is over: also where the reload was refused, or systemd waits for ever."""
        self._ready = None if self._send("READY=1", _status(status)) else status

    def reloading(self) -> None:
        """To be followed by `ready`. The time is what Type=notify-reload (systemd 253) asks for."""
        self._send("RELOADING=1", f"MONOTONIC_USEC={self._monotonic_ns() // 1000}")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def status(self, text: str) -> None:
        """The line that `systemctl status` shows."""
        self._send(_status(text))

    def watchdog(self) -> None:
        """A sign of life; due more often than `watchdog_seconds`."""
        if self._ready is not None:  # after RELOADING=1 systemd would wait for it for ever
            self.ready(self._ready)
        self._send("WATCHDOG=1")

    def close(self) -> None:
        """Nobody is told any more."""
        self._address = None
        if self._sock is not None:
            self._sock.close()

    def _send(self, *assignments: str) -> bool:
        """Whether it was said, or there is nobody to say it to."""
        if self._sock is None or self._address is None:
            return True
        try:
            self._sock.sendto("\n".join(assignments).encode(errors="replace"), self._address)
        except OSError:
            return False
        return True


def watchdog_seconds(environ: Mapping[str, str], pid: int) -> float | None:
    """How long the service manager waits for a sign of life of this process; None where it waits for none.

    sd_watchdog_enabled(3): `WATCHDOG_PID` names whom it means, where it is set. Ping at half of that time.
    """
    if environ.get("WATCHDOG_PID", str(pid)) != str(pid):
        return None
    text = environ.get("WATCHDOG_USEC", "")
    microseconds = int(text) if text.isascii() and text.isdigit() else 0
    return microseconds / 1_000_000 if microseconds else None


def _address(text: str) -> str | None:
    """A path, or a name in the abstract namespace; other kinds (vsock) are for virtual machines."""
    if text.startswith("@"):
        return "\0" + text[1:]
    return text if text.startswith("/") else None


def _status(text: str) -> str:
    """On one line: after a newline the manager would read the next assignment."""
    return "STATUS=" + " ".join(text.split())
