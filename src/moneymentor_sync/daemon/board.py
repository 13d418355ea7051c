"""What is going on now, for everybody who asks: immutable values, replaced whole and read without a lock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from moneymentor_sync.core.agenda import PendingRun
from moneymentor_sync.core.ports import Gate
from moneymentor_sync.core.status import Progress

NewGate = Callable[[str], Gate]
"""Makes the gate of a run, named by its id."""


class Board:
    """The run under way: its progress and its gate, both the worker's. `started` is (UNIX, monotonic) seconds."""

    def __init__(self, clock: Callable[[], float], beat: Callable[[], None], new_gate: NewGate) -> None:
        self._clock = clock
        self._beat = beat
        self._new_gate = new_gate
        self._gate: Gate | None = None
        self.progress: Progress | None = None
        self.forced = False
        """Whether the run under way was forced: then no hold stops it."""
        self.started: tuple[float, float] | None = None
        self.last_check: float | None = None

    def begin(self, run: PendingRun) -> None:
        self.forced = bool(run.forced)
        self._gate = self._new_gate(run.run_id)
        self.progress = Progress(run.run_id, run.trigger, self._clock())

    def end(self) -> None:
        self.progress = None
        self._gate = None
        self.forced = False

    def tick(self, dataset: str, phase: str, done: int, total: int | None) -> None:
        """`ports.Tick`."""
        self._beat()
        if self.progress is not None:
            self.progress = replace(self.progress, dataset=dataset, phase=phase, done=done, total=total)

    def gate(self, *, wait: bool) -> bool:
        """`ports.Gate` of whatever run is under way. Raises StoppedError."""
        self._beat()  # a large tab is compared for minutes without any other sign
        return self._gate is not None and self._gate(wait=wait)

    def waiting(self, waits: bool) -> None:
        """Whether the run stands back for requests."""
        self._wait_for("requests" if waits else "")

    def sleeping(self, sleep: Callable[[float], None]) -> Callable[[float], None]:
        """The sleep before another try, shown as such."""

        def shown(seconds: float) -> None:
            self._wait_for("another try")
            try:
                sleep(seconds)
            finally:
                self._wait_for("")

        return shown

    def _wait_for(self, what: str) -> None:
        if self.progress is not None:
            self.progress = replace(self.progress, waiting_for=what)
