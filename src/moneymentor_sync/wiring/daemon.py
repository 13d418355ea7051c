"""The daemon and its edges: state file, socket, clockwork, log, signals, systemd."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import dataclass

from moneymentor_sync import __version__
from moneymentor_sync.adapters.database import DatabaseSource
from moneymentor_sync.adapters.lock_file import only_daemon
from moneymentor_sync.adapters.memory import give_back, no_full_collection
from moneymentor_sync.adapters.prometheus_text import Metrics
from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.adapters.state_ledger import Ledger
from moneymentor_sync.adapters.systemd_notify import Notifier, watchdog_seconds
from moneymentor_sync.adapters.textfile import Textfile
from moneymentor_sync.adapters.ticks import Ticks
from moneymentor_sync.control.channel import Channels, ControlChannel, Part
from moneymentor_sync.control.metrics_port import MetricsPort
from moneymentor_sync.core.daemon_ports import Witness
from moneymentor_sync.core.events import Emit
from moneymentor_sync.core.ports import RunResult
from moneymentor_sync.core.settings import Config, Dataset
from moneymentor_sync.core.sheet_status import Ending
from moneymentor_sync.daemon.daemon import Daemon
from moneymentor_sync.daemon.engines import Runs
from moneymentor_sync.daemon.life import CONTROL, Life, Surface
from moneymentor_sync.daemon.parts import EngineNeeds, Identity, Parts
from moneymentor_sync.daemon.signals import caught
from moneymentor_sync.sync import Surroundings

from .alerts import alerting, open_addresses
from .cluster import Shared, joined
from .engine import open_engine, real_surroundings
from .kept_backups import KeptBackups
from .quota import Quotas
from .watch import watches

HOLDER = "mmsync run"


def usable(config: Config) -> Config:
    """The same, if a daemon can be started with it. Raises ConfigError where its database URL opens nothing, or an
    address of `[alerts]` cannot be used."""
    DatabaseSource(config.database)  # opens no connection
    open_addresses(config.alerts)  # nor does this
    return config


@dataclass(frozen=True, slots=True)
class Opened:
    """A daemon that has its state file to itself, and the clockwork that it is to be started with."""

    daemon: Daemon
    ticker: Ticks
    around: Surroundings


@contextmanager
def open_daemon(
    config: Config,
    *,
    load_config: Callable[[], Config],
    emit: Emit,
    holder: str,
    gentle: bool = False,
) -> Iterator[Opened]:
    """A daemon with its state file, without a socket and without signals: who opens it leads its life.

    `load_config` reads the configuration again when it is to be reloaded; `holder` is what others are told who
    want the lock; one that is `gentle` shares its interpreter with others.
    Raises DaemonRunsError where another daemon has the state file, StateError, ClusterError and ConfigError.
    """
    usable(config)
    around, pid = real_surroundings(), os.getpid()
    with only_daemon(config.state_path, pid), ExitStack() as held:
        StateFile(config.state_path).close()  # made, or brought to this version, before anybody else reads it
        alone = config.cluster.url is None
        shared = None if alone else held.enter_context(joined(config, clock=around.clock))
        alive = None if shared is None else lambda: shared.tenure.alive
        quotas = held.enter_context(closing(Quotas(around.monotonic, alive)))
        local = Ledger(config.state_path)
        alerts = alerting(config, around, emit)
        held.callback(alerts.close)
        ticker = Ticks(around.rng)
        metrics = Metrics(lambda: daemon.config, around.clock)
        rest = _nothing if gentle else give_back
        parts = Parts(
            ledger=local if shared is None else shared.ledger(local),
            ticker=ticker,
            open_engine=_engines(around, emit, holder, shared, quotas, gentle=gentle),
            load_config=lambda: usable(load_config()),
            render_metrics=metrics.text,
            rest=rest,
            emit=emit,
            open_watch=watches(around, emit),
            fleet=None if shared is None else shared.edges(quotas.document),
            backups=KeptBackups(around, shared, quotas, rest),
            witnesses=(alerts, *_witnesses(config, metrics, emit, around)),
            alerts=lambda: alerts.seen,
        )
        daemon = Daemon(config, parts, around, Identity(__version__, pid))
        alerts.follow(lambda: daemon.config)
        yield Opened(daemon, ticker, around)


def _witnesses(config: Config, metrics: Metrics, emit: Emit, around: Surroundings) -> list[Witness]:
    found: list[Witness] = [metrics.counts]
    if config.metrics.textfile is not None:
        file = config.metrics.textfile
        found.append(Textfile(file, metrics.in_file, metrics.at_the_end, emit, around.monotonic))
    return found


@contextmanager
def open_life(
    config: Config,
    *,
    load_config: Callable[[], Config],
    emit: Emit,
    environ: Mapping[str, str],
    holder: str = HOLDER,
) -> Iterator[Life]:
    """A daemon that has its state file and its socket, ready to live; in the main thread, whose signals it takes.

    Raises what `open_daemon` does, DaemonRunsError also where another has the socket, ControlError, and ConfigError
    where the port for metrics cannot be had.
    """
    with ExitStack() as held:
        opened = held.enter_context(open_daemon(config, load_config=load_config, emit=emit, holder=holder))
        daemon, around = opened.daemon, opened.around
        control = ControlChannel(
            config.socket_path,
            daemon.operations,
            config.control,
            emit,
            holder=holder,
            beat=lambda: daemon.heart.beat(CONTROL),
        )
        held.callback(control.stop)
        channels: list[Part] = [control, *metrics_ports(daemon, emit)]
        channel = Channels(channels)
        held.callback(channel.stop)
        notifier = Notifier(environ)
        held.callback(notifier.close)
        surface = Surface(
            channel=channel,
            ticker=opened.ticker,
            supervisor=notifier,
            watchdog_seconds=watchdog_seconds(environ, os.getpid()),
            signals=held.enter_context(caught()),
            clock=around.clock,
            monotonic=around.monotonic,
            boottime=lambda: time.clock_gettime(time.CLOCK_BOOTTIME),
            emit=emit,
        )
        yield Life(daemon, surface)


def metrics_ports(daemon: Daemon, emit: Emit) -> list[MetricsPort]:
    """The port for metrics, where one is configured; it is taken at once. Raises ConfigError."""
    address = daemon.config.metrics.listen
    return [] if address is None else [MetricsPort(address, daemon.operations.metrics, emit)]


def _engines(
    around: Surroundings, emit: Emit, holder: str, shared: Shared | None, quotas: Quotas, *, gentle: bool
) -> Callable[[Config, EngineNeeds], AbstractContextManager[Runs]]:
    @contextmanager
    def open_one(config: Config, needs: EngineNeeds) -> Iterator[Runs]:
        surroundings = Surroundings(around.clock, around.monotonic, needs.sleep, around.rng)
        with open_engine(
            config,
            holder=holder,
            tick=needs.tick,
            emit=emit,
            gate=needs.gate,
            surroundings=surroundings,
            gentle=gentle,
            shared=shared,
            quotas=quotas,
            outlook=needs.outlook,
        ) as engine:
            yield _Gentle(engine) if gentle else engine

    return open_one


class _Gentle:
    """An engine whose runs no full garbage collection stops, and with them everybody in the process."""

    def __init__(self, engine: Runs) -> None:
        self._engine = engine

    def run(
        self, datasets: Sequence[Dataset], *, trigger: str, allow_deletes: Collection[str], run_id: str
    ) -> RunResult:
        with no_full_collection():
            return self._engine.run(datasets, trigger=trigger, allow_deletes=allow_deletes, run_id=run_id)

    def tell(self, ended: Ending | None = None, only: Collection[str] | None = None) -> None:
        self._engine.tell(ended, only)


def _nothing() -> None:
    """Collecting another program's garbage would stop its event loop for as long as that takes."""
