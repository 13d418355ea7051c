"""The thread that leads the life of a daemon inside another program's process, or stands by for one elsewhere."""

from __future__ import annotations

import queue
import signal
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future

from moneymentor_sync.adapters.systemd_notify import Notifier
from moneymentor_sync.control.channel import Channels, ControlChannel, Part
from moneymentor_sync.core.errors import DaemonRunsError, MmsyncError
from moneymentor_sync.core.events import Emit
from moneymentor_sync.core.settings import Config
from moneymentor_sync.daemon.daemon import Daemon
from moneymentor_sync.daemon.life import CONTROL, Life, Surface
from moneymentor_sync.wiring.daemon import Opened, metrics_ports, open_daemon

HOLDER = "BackgroundSyncService"
STAND_BY_SECONDS = 5.0
"""How often a process that stands by looks whether the other one is still there."""


class LifeThread:
    """Runs from `start` to `stop`. `daemon` is None until it has started, and while another process has the state
    file.

    One process syncs where several workers of a backend each start a service; the others stand by, and one of
    them takes over when it ends. `standing` ends with what kept it from starting, if anything did. Both futures
    belong to the thread: nobody else may end or cancel them.
    """

    def __init__(
        self,
        config: Config,
        load_config: Callable[[], Config],
        emit: Emit,
        *,
        stand_by_seconds: float = STAND_BY_SECONDS,
    ) -> None:
        self.config = config
        self._load_config = load_config
        self._emit = emit
        self._stand_by_seconds = stand_by_seconds
        self._told = _Told()
        self.told_to_end = False
        self.daemon: Daemon | None = None
        self.standing: Future[None] = Future()
        self.ended: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name="mmsync", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """Lets the sync under way end at its next batch; `ended` is done when it has, or took too long."""
        if not self.told_to_end:  # a second time would mean that nothing is to be waited for
            self.told_to_end = True
            self._told.end()

    def join(self) -> None:
        """Returns when nothing of the thread is left; after `ended` that is at once."""
        self._thread.join()

    def _run(self) -> None:
        try:
            while not self._live_or_find_another():
                self._stand()
                if self._told.wait(self._stand_by_seconds):
                    break
        except BaseException as error:  # noqa: BLE001 - no thread may end in silence
            self._fell(error)
        finally:
            self._stand()
            self.ended.set_result(None)

    def _live_or_find_another(self) -> bool:
        """Whether it has lived to its end; False where another process has the state file."""
        try:
            with open_daemon(
                self.config, load_config=self._load_config, emit=self._emit, holder=HOLDER, gentle=True
            ) as opened:
                try:
                    self._life(opened).live()
                finally:
                    self.daemon = None
        except DaemonRunsError as error:
            if not self.standing.done():
                self._emit("service.standing_by", reason=str(error))
            return False
        return True

    def _life(self, opened: Opened) -> Life:
        around = opened.around
        beat = opened.daemon.heart.beat

        def started() -> None:
            self.daemon = opened.daemon
            self._stand()

        surface = Surface(
            channel=_Channel(self._openings(opened.daemon), lambda: beat(CONTROL), started, self._emit),
            ticker=opened.ticker,
            supervisor=Notifier({}),
            watchdog_seconds=None,
            signals=self._told,
            clock=around.clock,
            monotonic=around.monotonic,
            boottime=lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
            emit=self._emit,
        )
        return Life(opened.daemon, surface)

    def _openings(self, daemon: Daemon) -> list[Callable[[], Part]]:
        config = self.config

        def control() -> ControlChannel:
            return ControlChannel(
                config.socket_path, daemon.operations, config.control, self._emit, holder=HOLDER, beat=lambda: None
            )

        def metrics() -> Channels:
            return Channels(metrics_ports(daemon, self._emit))

        return [control, metrics]

    def _stand(self) -> None:
        if not self.standing.done():
            self.standing.set_result(None)

    def _fell(self, error: BaseException) -> None:
        known = {"message": str(error), "hint": error.hint} if isinstance(error, MmsyncError) else {}
        self._emit("service.failed", error=type(error).__name__, **known, exc_info=error)
        if not self.standing.done():
            self.standing.set_exception(error)


class _Told:
    """What a service is told, in the place of signals: to end."""

    def __init__(self) -> None:
        self._numbers: queue.SimpleQueue[int] = queue.SimpleQueue()

    def end(self) -> None:
        self._numbers.put(signal.SIGTERM)

    def wait(self, seconds: float) -> Sequence[int]:
        try:
            return [self._numbers.get(timeout=max(seconds, 0.0))]
        except queue.Empty:
            return []


class _Channel:
    """The control channel, for operators and for the processes that stand by, and the port for metrics. What cannot
    be had is told the log: whoever is in this process needs none."""

    def __init__(
        self,
        openings: Sequence[Callable[[], Part]],
        beat: Callable[[], None],
        started: Callable[[], None],
        emit: Emit,
    ) -> None:
        self._openings = openings
        self._beat = beat
        self._started = started
        self._emit = emit
        self._open: list[Part] = []

    def start(self) -> None:
        for opening in self._openings:
            try:
                self._open.append(opening())
                self._open[-1].start()
            except MmsyncError as error:
                self._emit("service.unreachable", error=error.code, message=str(error), hint=error.hint)
        self._started()

    def look(self) -> bool:
        self._beat()
        return Channels(self._open).look()

    def stop(self, timeout: float) -> None:
        Channels(self._open).stop(timeout)
