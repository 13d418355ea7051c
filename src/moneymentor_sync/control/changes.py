"""What changes something, as a table: the path's last word, the body it takes, and what is asked of the daemon.

`force` is not here: it may wait for the sync's end, which is the application's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from msgspec import Struct

from moneymentor_sync.core.errors import (
    ConfigError,
    MmsyncError,
    StateError,
    TooManyHoldersError,
    UnknownDatasetError,
)

from . import answers
from .asks import Ask, Notify, Pause, Reload, Resume, Switch
from .operator import Document, Operator, Peer


@dataclass(frozen=True, slots=True)
class Change:
    """One path that changes something. `act` may take some milliseconds, with `at_once` none; `status` is that of
    success, `gives` the shape of its answer, and `raises` are the errors of its own (Operator)."""

    says: str
    asked: type[Struct]
    act: Callable[[Operator, Any, Peer], Document]
    gives: type[Struct]
    raises: tuple[type[MmsyncError], ...]
    status: HTTPStatus = HTTPStatus.OK
    at_once: bool = False


def _change(
    says: str,
    asked: type[Ask],
    act: Callable[[Operator, Ask, Peer], Document],
    gives: type[Struct],
    *raises: type[MmsyncError],
) -> Change:
    """Ties a body's type to the function that takes it, for the type checker."""
    return Change(says, asked, act, gives, raises)


def _enable(operator: Operator, asked: Switch, by: Peer) -> Document:
    return operator.enable(asked.datasets, reason=asked.reason, for_seconds=asked.for_seconds, by=by)


def _disable(operator: Operator, asked: Switch, by: Peer) -> Document:
    return operator.disable(asked.datasets, reason=asked.reason, for_seconds=asked.for_seconds, by=by)


def _pause(operator: Operator, asked: Pause, by: Peer) -> Document:
    return operator.pause(asked.holder, asked.ttl_seconds, by=by)


def _resume(operator: Operator, asked: Resume, by: Peer) -> Document:
    return operator.resume(asked.holder, by=by)


def _notify(operator: Operator, asked: Notify, by: Peer) -> Document:
    return operator.notify(asked.dataset, reason=asked.reason, by=by)


def _reload(operator: Operator, _asked: Reload, by: Peer) -> Document:
    return operator.reload(by=by)


CHANGES: Mapping[str, Change] = {
    "enable": _change(
        "Enables syncing, or the datasets.", Switch, _enable, answers.Switched, UnknownDatasetError, StateError
    ),
    "disable": _change(
        "Disables it, or them, over a restart.", Switch, _disable, answers.Switched, UnknownDatasetError, StateError
    ),
    "pause": replace(
        _change("Holds the sync up, for so long at most.", Pause, _pause, answers.Paused, TooManyHoldersError),
        at_once=True,
    ),
    "resume": replace(_change("Holds it up no longer.", Resume, _resume, answers.Resumed), at_once=True),
    "notify": replace(
        _change("Something changed in a dataset.", Notify, _notify, answers.Noticed, UnknownDatasetError),
        status=HTTPStatus.ACCEPTED,
    ),
    "reload": _change("Reads the configuration again.", Reload, _reload, answers.Reloaded, ConfigError),
}


def said(asked: Struct) -> dict[str, Any]:
    """What the log says of a request: the datasets (None is all) and the reason, and nothing else that was sent."""
    named = getattr(asked, "datasets", None) or getattr(asked, "dataset", None)
    return {
        # A name that is said a thousand times is said once in the log.
        "datasets": [named] if isinstance(named, str) else named and list(dict.fromkeys(named)),
        "reason": getattr(asked, "reason", None),
    }
