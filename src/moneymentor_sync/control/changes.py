"""What changes something, as a table: the path's last word, the body it takes, and what is asked of the daemon.

`force` is not here: it may wait for the sync's end, which is the application's business.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from msgspec import Struct

from .asks import Ask, Notify, Pause, Reload, Resume, Switch
from .operator import Document, Operator, Peer


@dataclass(frozen=True, slots=True)
class Change:
    """One path that changes something. `act` may take some milliseconds, with `at_once` none; `status` is that of
    success."""

    asked: type[Struct]
    act: Callable[[Operator, Any, Peer], Document]
    status: HTTPStatus = HTTPStatus.OK
    at_once: bool = False


def _change(
    asked: type[Ask], act: Callable[[Operator, Ask, Peer], Document], status: HTTPStatus = HTTPStatus.OK
) -> Change:
    """Ties a body's type to the function that takes it, for the type checker."""
    return Change(asked, act, status)


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
    "enable": _change(Switch, _enable),
    "disable": _change(Switch, _disable),
    "pause": replace(_change(Pause, _pause), at_once=True),
    "resume": replace(_change(Resume, _resume), at_once=True),
    "notify": _change(Notify, _notify, HTTPStatus.ACCEPTED),
    "reload": _change(Reload, _reload),
}


def said(asked: Struct) -> dict[str, Any]:
    """What the log says of a request: the datasets (None is all) and the reason, and nothing else that was sent."""
    named = getattr(asked, "datasets", None) or getattr(asked, "dataset", None)
    return {
        "datasets": [named] if isinstance(named, str) else named,
        "reason": getattr(asked, "reason", None),
    }
