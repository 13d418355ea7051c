"""Those who are told how it goes: alerts, metrics. A witness that fails is logged, and holds up nobody."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from moneymentor_sync.core.daemon_ports import Witness
from moneymentor_sync.core.events import Emit, way_of
from moneymentor_sync.core.ports import RunResult

Document = dict[str, Any]


class Witnesses:
    """`status` gives the status document of this moment; it waits for nothing."""

    def __init__(self, witnesses: Sequence[Witness], status: Callable[[], Document], emit: Emit) -> None:
        self._witnesses = witnesses
        self._status = status
        self._emit = emit

    def began(self, run_id: str, trigger: str) -> None:
        self._each(lambda one: one.began(run_id, trigger))

    def ended(self, run: RunResult) -> None:
        self._each(lambda one: one.ended(run))

    def look(self) -> None:
        """Something may have changed: every witness gets the status."""
        self._with_status(lambda one, status: one.looked(status))

    def stopped(self) -> None:
        self._with_status(lambda one, status: one.stopped(status))

    def _with_status(self, tell: Callable[[Witness, Document], None]) -> None:
        if self._witnesses:
            status = self._status()
            self._each(lambda one: tell(one, status))

    def _each(self, tell: Callable[[Witness], None]) -> None:
        for one in self._witnesses:
            try:
                tell(one)
            except Exception as error:  # noqa: BLE001 - who only watches must not end what is watched
                who = type(one).__name__
                self._emit("witness.failed", witness=who, error=type(error).__name__, where=way_of(error))
