"""Asks a running daemon over its socket. The standard library and the errors only: a command must start fast."""

from __future__ import annotations

import http.client
import json
import os
import socket
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from moneymentor_sync.core.errors import ConfigError, ControlError, NotRunningError, UnknownDatasetError
from moneymentor_sync.core.service_unit import how_to_start

Document = dict[str, Any]
"""A JSON object, as the channel sends it."""

TIMEOUT_SECONDS = 5.0
_SHOWN = 200  # characters of an answer that cannot be understood


class ControlClient:
    """The daemon that listens at `path`. Every call opens a connection of its own; threads may share a client.

    Raises NotRunningError where nobody listens, ControlError where the socket may not be used, the daemon does
    not answer within `timeout` seconds, its answer is broken, or it refuses (`answered` is then its code), and
    UnknownDatasetError and ConfigError as the daemon says them.
    """

    def __init__(self, path: Path, *, timeout: float = TIMEOUT_SECONDS) -> None:
        self.path = path
        self._timeout = timeout

    def status(self) -> Document:
        """The status document."""
        return self._ask("GET", "/sync/status")

    def history(self, dataset: str | None = None, limit: int = 20) -> Document:
        """`{"runs": […]}`, newest first; `limit` is 1 to 1,000."""
        query = {"limit": limit} if dataset is None else {"dataset": dataset, "limit": limit}
        return self._ask("GET", f"/sync/history?{urlencode(query)}")

    def cluster(self) -> Document:
        """The fleet, with what each member told of itself. Raises ControlError (`answered`: alone, cluster)."""
        return self._ask("GET", "/sync/cluster")

    def force(
        self,
        datasets: Sequence[str] | None = None,
        *,
        wait: bool = False,
        allow_deletes: bool = False,
        timeout: float | None = None,
    ) -> Document:
        """`{"accepted", "run_id"}`; with `wait` the result, for at most `timeout` seconds (None: however long)."""
        body = _given(datasets=_listed(datasets), wait=wait, allow_deletes=allow_deletes)
        return self._ask_within(timeout if wait else self._timeout, "POST", "/sync/force", body)

    def enable(self, datasets: Sequence[str] | None = None, *, reason: str | None = None) -> Document:
        """`{"sync_enabled", "datasets"}`."""
        return self._ask("POST", "/sync/enable", _given(datasets=_listed(datasets), reason=reason))

    def disable(
        self,
        datasets: Sequence[str] | None = None,
        *,
        reason: str | None = None,
        for_seconds: float | None = None,
    ) -> Document:
        """As `enable`; with `for_seconds` it ends by itself."""
        body = _given(datasets=_listed(datasets), reason=reason, for_seconds=for_seconds)
        return self._ask("POST", "/sync/disable", body)

    def pause(self, holder: str, ttl_seconds: float) -> Document:
        """`{"paused_for_requests", "expires_in_seconds"}`; ends by itself after `ttl_seconds`."""
        return self._ask("POST", "/sync/pause", {"holder": holder, "ttl_seconds": ttl_seconds})

    def resume(self, holder: str) -> Document:
        """`{"paused_for_requests"}`: whether somebody else still holds."""
        return self._ask("POST", "/sync/resume", {"holder": holder})

    def notify(self, dataset: str, *, reason: str | None = None) -> Document:
        """`{"accepted"}`: a sync of it follows soon."""
        return self._ask("POST", "/sync/notify", _given(dataset=dataset, reason=reason))

    def reload(self) -> Document:
        """`{"reloaded", "changed", "needs_restart"}`. Raises ConfigError with the problems."""
        return self._ask("POST", "/sync/reload", {})

    def _ask(self, method: str, target: str, body: Document | None = None) -> Document:
        return self._ask_within(self._timeout, method, target, body)

    def _ask_within(self, seconds: float | None, method: str, target: str, body: Document | None) -> Document:
        with closing(_Connection(self.path, self._timeout)) as connection:
            status, raw = self._exchange(connection, method, target, body, seconds)
        found = self._read(raw)
        if status >= http.client.BAD_REQUEST:
            raise _refusal(status, found)
        return found

    def _exchange(
        self, connection: _Connection, method: str, target: str, body: Document | None, seconds: float | None
    ) -> tuple[int, bytes]:
        raw = None if body is None else json.dumps(body).encode()
        try:
            self._connect(connection)
            connection.wait_at_most(seconds)
            # A daemon that refuses a connection answers and closes before it is asked; the answer is still there.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, target, raw, {"Content-Type": "application/json"} if raw else {})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except TimeoutError as error:
            raise self._too_late(seconds) from error
        except (OSError, http.client.HTTPException) as error:
            raise ControlError(
                f"the daemon at {self.path} closed the connection without a whole answer",
                hint="It may just be stopping; ask again in a moment.",
            ) from error

    def _connect(self, connection: _Connection) -> None:
        try:
            connection.connect()
        except FileNotFoundError as error:
            raise _not_running(f"there is no socket {self.path}") from error
        except (ConnectionRefusedError, NotADirectoryError) as error:
            raise _not_running(f"nobody listens on {self.path}") from error
        except PermissionError as error:
            raise ControlError(
                f"the socket {self.path} may not be used by this user", hint=_how_to_get_in(self.path)
            ) from error
        except BlockingIOError as error:
            raise ControlError(
                f"the daemon at {self.path} takes no connection: too many wait", hint="Ask again in a moment."
            ) from error
        except OSError as error:
            raise ControlError(f"the socket {self.path} cannot be used: {error.strerror or error}") from error

    def _too_late(self, seconds: float | None) -> ControlError:
        return ControlError(
            f"the daemon at {self.path} did not answer within {seconds or 0:g} s",
            hint="What was asked may still be done; `mmsync status` says what it does.",
        )

    def _read(self, raw: bytes) -> Document:
        try:
            found = json.loads(raw)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            shown = ascii(raw[:_SHOWN].decode(errors="replace"))
            raise ControlError(
                f"the answer from {self.path} could not be understood: {shown}",
                hint="Is it `mmsync run` that listens there, and of the same version?",
            )
        return found


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket. `timeout` is for each step: connecting, sending, and each piece of the answer."""

    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))

    def wait_at_most(self, seconds: float | None) -> None:
        self.sock.settimeout(seconds)


def _given(**fields: Any) -> Document:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value is not None}


def _listed(datasets: Sequence[str] | None) -> list[str] | None:
    return list(datasets) if datasets else None


def _refusal(status: int, found: Document) -> Exception:
    """The daemon's error as the exception that it is."""
    error = found.get("error")
    said = error if isinstance(error, dict) else {}
    code = str(said.get("code", ""))
    message = str(said.get("message", f"the daemon answered with status {status}"))
    hint = str(said.get("hint", ""))
    if code == UnknownDatasetError.code:
        return UnknownDatasetError(message, hint=hint)
    if code == ConfigError.code:
        problems = said.get("problems")
        return ConfigError([str(one) for one in problems] if isinstance(problems, list) else [message], hint=hint)
    return ControlError(message, answered=code, hint=hint)


def _not_running(why: str) -> NotRunningError:
    return NotRunningError(f"no daemon is running: {why}", hint=how_to_start(os.path.exists))


def _how_to_get_in(path: Path) -> str:
    group = _first_known((path, path.parent), lambda place: place.group())
    who = "the group that owns the socket" if group is None else f"the group `{group}`, which owns the socket"
    return f"Join {who}, and log in again; or ask as the daemon's user."


def _first_known(places: Sequence[Path], find: Callable[[Path], str]) -> str | None:
    for place in places:
        with suppress(OSError, KeyError):
            return find(place)
    return None
