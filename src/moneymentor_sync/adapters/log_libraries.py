"""What libraries say by the standard library's `logging`, and exceptions that nobody caught, as events of ours.

A library's text may quote a row or a URL with a password, so only those that are known not to are quoted.
"""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from structlog.typing import FilteringBoundLogger

SPEAKING = ("apscheduler", "uvicorn", "asyncio")
"""Their texts name jobs, sockets and tasks."""
TOLD_OTHERWISE = ("googleapiclient.http",)
"""They say of each refused request what the run says, too, with its id."""
APART = "google"
"""google-auth takes its loggers out of the root's hands when it is first used: what they said then, with all that
is in it, would go to stderr as it stands."""


@contextmanager
def library_events(log: FilteringBoundLogger) -> Iterator[None]:
    """While it lasts, warnings and errors of libraries go to `log` as `library.warning` and `library.error`.

    So does what a thread (`thread.failed`) or a finalizer (`finalizer.failed`) raises, of which Python would
    print the message. Changes the process: the root logger's handlers and level, `warnings.showwarning` and
    two hooks; all is put back. Loggers with handlers of their own keep them: give uvicorn `log_config=None`.
    """
    root, apart = logging.getLogger(), logging.getLogger(APART)
    handlers, level = root.handlers[:], root.level
    handlers_apart, propagate = apart.handlers[:], apart.propagate
    hooks = threading.excepthook, sys.unraisablehook
    root.handlers[:] = apart.handlers[:] = [_Router(log)]
    root.setLevel(logging.WARNING)
    apart.propagate = False
    quiet = {name: logging.getLogger(name).level for name in TOLD_OTHERWISE}
    for name in quiet:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    logging.captureWarnings(True)
    threading.excepthook, sys.unraisablehook = _thread_hook(log), _finalizer_hook(log)
    try:
        yield
    finally:
        threading.excepthook, sys.unraisablehook = hooks
        logging.captureWarnings(False)
        root.handlers[:] = handlers
        apart.handlers[:], apart.propagate = handlers_apart, propagate
        for name, before in quiet.items():
            logging.getLogger(name).setLevel(before)
        root.setLevel(level)


class _Router(logging.Handler):
    def __init__(self, log: FilteringBoundLogger) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name}
        if record.name.partition(".")[0] in SPEAKING:
            fields["text"] = _first_line(record)
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        if record.levelno >= logging.ERROR:
            self._log.error("library.error", **fields)
        else:
            self._log.warning("library.warning", **fields)


def _first_line(record: logging.LogRecord) -> str:
    """asyncio goes on, in further lines, with the exception that a task raised, message and all."""
    try:
        text = record.getMessage()
    except Exception:  # noqa: BLE001 - a library's arguments that do not fit its text; then only the text
        text = str(record.msg)
    return text.partition("\n")[0]


def _thread_hook(log: FilteringBoundLogger) -> Any:
    def hook(args: threading.ExceptHookArgs) -> None:
        name = None if args.thread is None else args.thread.name
        log.error("thread.failed", thread=name, exc_info=args.exc_value)

    return hook


def _finalizer_hook(log: FilteringBoundLogger) -> Any:
    def hook(args: sys.UnraisableHookArgs) -> None:
        log.error("finalizer.failed", exc_info=args.exc_value)

    return hook
