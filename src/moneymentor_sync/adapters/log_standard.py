"""Events to the standard library's logging, for a sync that lives in somebody else's process and its logs."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from moneymentor_sync.core.events import Emit, level_of

from .log_fields import exception_fields, on_one_line, plain


def standard_emit(logger: logging.Logger) -> Emit:
    """Each event as one line, `sync.finished dataset=user_profiles inserted=3`, at the level it has elsewhere.

    The fields are in the record's `mmsync`, too, for handlers that write JSON. No field holds a secret or a
    person's data, as in the daemon's own log.
    """

    def emit(event: str, **fields: object) -> None:
        level = logging.getLevelName(level_of(event).upper())
        if logger.isEnabledFor(level):
            clean = _cleaned(fields)
            words = "".join(f" {name}={on_one_line(value)}" for name, value in clean.items())
            logger.log(level, "%s%s", event, words, extra={"mmsync": {"event": event, **clean}})

    return emit


def _cleaned(fields: Mapping[str, object]) -> dict[str, Any]:
    error = fields.get("exc_info")
    rest = {name: plain(value) for name, value in fields.items() if name != "exc_info" and value is not None}
    return rest | (exception_fields(error, with_traceback=False) if isinstance(error, BaseException) else {})
