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
from moneymentor_sync.adapters.prometheus_text import render
from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.adapters.state_ledger import Ledger
from moneymentor_sync.adapters.systemd_notify import Notifier, watchdog_seconds
from moneymentor_sync.adapters.ticks import Ticks
from moneymentor_sync.control.channel import ControlChannel
from moneymentor_sync.core.events import Emit
from moneymentor_sync.core.ports import RunResult
from moneymentor_sync.core.settings import Config, Dataset
from moneymentor_sync.daemon.daemon import Daemon
from moneymentor_sync.daemon.engines import Runs
from moneymentor_sync.daemon.life import CONTROL, Life, Surface
from moneymentor_sync.daemon.parts import EngineNeeds, Identity, Parts
from moneymentor_sync.daemon.signals import caught
from moneymentor_sync.sync import Surroundings

from .cluster import Shared, joined
from .engine import open_engine, real_surroundings
from .kept_backups import KeptBackups
from .quota import Quotas
from .watch import watches

HOLDER = "mmsync run"


def usable(config: Config) -> Config:
    """The same, if a daemon can be started with it. Raises ConfigError where its database URL opens nothing."""
    DatabaseSource(config.database)  # opens no connection
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
        ticker = Ticks(around.rng)
        rest = _nothing if gentle else give_back
        parts = Parts(
            ledger=local if shared is None else shared.ledger(local),
            ticker=ticker,
            open_engine=_engines(around, emit, holder, shared, quotas, gentle=gentle),
            load_config=lambda: usable(load_config()),
            render_metrics=render,
            rest=rest,
            emit=emit,
            open_watch=watches(around, emit),
            fleet=None if shared is None else shared.edges(quotas.document),
            backups=KeptBackups(around, shared, quotas, rest),
        )
        yield Opened(Daemon(config, parts, around, Identity(__version__, pid)), ticker, around)


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

    Raises what `open_daemon` does, DaemonRunsError also where another has the socket, and ControlError.
    """
    with ExitStack() as held:
        opened = held.enter_context(open_daemon(config, load_config=load_config, emit=emit, holder=holder))
        daemon, around = opened.daemon, opened.around
        channel = ControlChannel(
            config.socket_path,
            daemon.operations,
            config.control,
            emit,
            holder=holder,
            beat=lambda: daemon.heart.beat(CONTROL),
        )
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


def _nothing() -> None:
    """Collecting another program's garbage would stop its event loop for as long as that takes."""
