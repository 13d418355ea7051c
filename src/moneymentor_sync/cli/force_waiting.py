"""Waits for a sync that the daemon makes, and shows how far it is: the answer comes in a thread of its own."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotYet
from time import monotonic
from typing import TYPE_CHECKING, Any

from moneymentor_sync.core.errors import MmsyncError

from .failures import InterruptedCommand
from .progress import progress

if TYPE_CHECKING:
    from moneymentor_sync.core.ports import Tick

LOOK_EVERY_SECONDS = 0.2
_GOES_ON = "the sync goes on in the daemon; `mmsync status --watch` shows it"


class StillSyncingError(MmsyncError):
    """The time to wait was up before the sync had ended."""

    code = "still_syncing"
    default_hint = "Watch it with `mmsync status --watch`, or see `mmsync history` when it has ended."


def wait_for(
    ask: Callable[[], dict[str, Any]], status: Callable[[], dict[str, Any]], *, timeout: float | None
) -> dict[str, Any]:
    """The answer of `ask`, which may take long; meanwhile what `status` says is shown as progress bars.

    Raises what `ask` raises, StillSyncingError after `timeout` seconds, InterruptedCommand on Ctrl-C.
    """
    answer = _in_a_thread(ask)
    deadline = None if timeout is None else monotonic() + timeout
    try:
        with progress() as tick:
            follower = Follower(tick) if tick is not None else None
            while not _done(answer, deadline):
                if follower is not None:
                    _look(status, follower)
    except KeyboardInterrupt:
        raise InterruptedCommand(f"not waited for: {_GOES_ON}") from None
    if not answer.done():
        raise StillSyncingError(f"not ended after {timeout:g} s; the sync goes on in the daemon")
    return answer.result()


def _in_a_thread(ask: Callable[[], dict[str, Any]]) -> Future[dict[str, Any]]:
    """A thread that the end of the process does not wait for."""
    answer: Future[dict[str, Any]] = Future()

    def work() -> None:
        try:
            answer.set_result(ask())
        except Exception as error:  # noqa: BLE001 - raised again by whoever waits
            answer.set_exception(error)

    threading.Thread(target=work, daemon=True, name="mmsync-force").start()
    return answer


def _done(answer: Future[dict[str, Any]], deadline: float | None) -> bool:
    """Whether the waiting has an end; waits a moment for it."""
    left = LOOK_EVERY_SECONDS if deadline is None else min(deadline - monotonic(), LOOK_EVERY_SECONDS)
    try:
        answer.exception(max(left, 0.0))
    except NotYet:
        return deadline is not None and monotonic() >= deadline
    return True


def _look(status: Callable[[], dict[str, Any]], follower: Follower) -> None:
    try:
        document = status()
    except MmsyncError:
        return  # what has become of the sync is in its own answer
    follower.see(document.get("current"))


class Follower:
    """Turns what a status says now and then into ticks: a dataset that is left behind is complete."""

    def __init__(self, tick: Tick) -> None:
        self._tick = tick
        self._last: tuple[str, str, int] | None = None

    def see(self, current: dict[str, Any] | None) -> None:
        """`current` is the document's; None where nothing runs."""
        if not current or not current.get("dataset"):
            return
        dataset, done = current["dataset"], current.get("done") or 0
        if self._last is not None and self._last[0] != dataset:
            name, phase, most = self._last
            self._tick(name, phase, max(most, 1), max(most, 1))
        total = current.get("total")
        self._last = (dataset, current.get("phase") or "", max(total or 0, done))
        self._tick(dataset, current.get("phase") or "", done, total)
