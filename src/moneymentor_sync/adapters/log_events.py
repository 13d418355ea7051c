"""Log lines as events, by structlog: a dotted name and fields; never a secret, never the value of a cell."""

from __future__ import annotations

import logging
import sys
from typing import Any, TextIO

import structlog

from moneymentor_sync.core.settings import LogSettings


def event_log(settings: LogSettings, *, stream: TextIO | None = None, verbose: bool = False) -> Any:
    """A structlog logger on `stream` (stderr): readable on a terminal, one JSON object a line elsewhere."""
    out = stream if stream is not None else sys.stderr
    readable = settings.format == "console" or (settings.format == "auto" and out.isatty())
    level = logging.DEBUG if verbose else getattr(logging, settings.level.upper())
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.dev.ConsoleRenderer(colors=out.isatty()) if readable else structlog.processors.JSONRenderer(),
    ]
    return structlog.wrap_logger(
        structlog.PrintLogger(out),
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(level),
    )
