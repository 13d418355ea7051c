"""Log lines as events, by structlog: a dotted name and fields; never a secret, never the value of a cell.

One event is one line, whatever is in its fields. What may be in a line is decided in `log_fields`.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import stat
import sys
import threading
from collections.abc import Callable, Mapping, MutableMapping
from typing import Any, Literal, TextIO, cast

import structlog
from structlog.typing import FilteringBoundLogger

from moneymentor_sync.core.settings import LogSettings

from .log_fields import exception_fields, in_order, on_one_line, plain

PATIENCE_SECONDS = 1.0
"""How long one line waits for a reader; after that lines are lost until somebody reads again."""
Event = MutableMapping[str, Any]
Shape = Literal["console", "json", "journal"]
_PRIORITIES = {"debug": 7, "info": 6, "warning": 4, "error": 3, "critical": 2}
"""syslog(3); read from the front of a line, sd-daemon(3)."""


def event_log(
    settings: LogSettings,
    *,
    stream: TextIO | None = None,
    verbose: bool = False,
    environ: Mapping[str, str] | None = None,
) -> FilteringBoundLogger:
    """A logger on `stream` (stderr): `.info("sync.finished", dataset=…)`, and `.bind(run=…)` for more of a run.

    Readable on a terminal; for journald JSON without a time and with the priority that it reads; else one JSON
    object a line. `verbose` means level "debug", the only one with the places of a traceback. A line that cannot
    be written is lost, and nothing else.
    """
    out = sys.stderr if stream is None else stream
    environ = os.environ if environ is None else environ
    shape = _shape(settings, out, environ)
    level = logging.DEBUG if verbose else getattr(logging, settings.level.upper())
    processors: list[Any] = [structlog.processors.add_log_level, _cleaner(with_traceback=level == logging.DEBUG)]
    if shape != "journal":
        processors.append(structlog.processors.TimeStamper(fmt="iso", utc=True))
    if shape == "console":
        colours = out.isatty() and not environ.get("NO_COLOR")
        processors += [_readable, structlog.dev.ConsoleRenderer(colors=colours)]
    else:
        processors.append(_json_for_journal if shape == "journal" else _json)
    logger = structlog.wrap_logger(
        _Lines(out),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
    return cast(FilteringBoundLogger, logger.bind())


def _shape(settings: LogSettings, out: TextIO, environ: Mapping[str, str]) -> Shape:
    if settings.format != "auto":
        return settings.format
    if out.isatty():
        return "console"
    return "journal" if _is_journal(out, environ) else "json"


def _is_journal(out: TextIO, environ: Mapping[str, str]) -> bool:
    """systemd.exec(5): `JOURNAL_STREAM` is device:inode of the stream, which tells it from one put in its place."""
    try:
        found = os.fstat(out.fileno())
    except (OSError, ValueError):  # a stream without a file, or a closed one
        return False
    return environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


def _pipe_of(out: TextIO) -> int | None:
    """The descriptor of a pipe or socket, which a reader may leave full; None for files and terminals."""
    try:
        descriptor = out.fileno()
        mode = os.fstat(descriptor).st_mode
    except (OSError, ValueError):
        return None
    return descriptor if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else None


class _Lines:
    """The end of structlog's chain: whole lines to a stream, from any thread."""

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._lock = threading.Lock()
        self._pipe = _pipe_of(out)
        self._read = True

    def msg(self, line: str) -> None:
        encoding = self._out.encoding or "utf-8"
        # A full disk or a reader that is gone must not stop a sync.
        with self._lock, contextlib.suppress(OSError, ValueError):
            data = line.encode(encoding, "backslashreplace") + b"\n"
            if self._pipe is None:
                self._out.write(data.decode(encoding))
                self._out.flush()
            else:
                self._into_the_pipe(self._pipe, data)

    def _into_the_pipe(self, pipe: int, data: bytes) -> None:
        """Whoever does not read the log must not stop the daemon: what a full pipe does not take is lost.

        pipe(7): so many bytes at a time are taken whole, without waiting, by a pipe that is ready for some.
        """
        for start in range(0, len(data), select.PIPE_BUF):
            patience = PATIENCE_SECONDS if self._read else 0.0
            self._read = bool(select.select([], [pipe], [], patience)[1])
            if not self._read:
                return
            os.write(pipe, data[start : start + select.PIPE_BUF])

    debug = info = warning = error = critical = msg


# --- structlog's processors: logger, method and event in, event (or the line) out ---------------------------


def _cleaner(*, with_traceback: bool) -> Callable[[Any, str, Event], Event]:
    def clean(_logger: Any, _method: str, event: Event) -> Event:
        error = _error_of(event.pop("exc_info", None))
        event.pop("stack_info", None)
        more = {} if error is None else exception_fields(error, with_traceback=with_traceback)
        return cast(Event, plain({**event, **more}))

    return clean


def _error_of(exc_info: object) -> BaseException | None:
    """The exception that `exc_info` means: itself, the triple of `sys.exc_info()`, or True for the one handled."""
    if isinstance(exc_info, tuple):
        exc_info = exc_info[1]
    elif exc_info and not isinstance(exc_info, BaseException):
        exc_info = sys.exception()
    return exc_info if isinstance(exc_info, BaseException) else None


def _readable(_logger: Any, _method: str, event: Event) -> Event:
    # Fields of these names structlog would print below the line.
    renamed = {f"{name}_" if name in ("exception", "stack") else name: value for name, value in event.items()}
    return cast(Event, on_one_line(renamed))


def _json(_logger: Any, _method: str, event: Event) -> str:
    return json.dumps(in_order(event))


def _json_for_journal(_logger: Any, _method: str, event: Event) -> str:
    return f"<{_PRIORITIES[event['level']]}>{json.dumps(in_order(event))}"
