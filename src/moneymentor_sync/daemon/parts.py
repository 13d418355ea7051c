"""What a daemon is given, and what its inner parts share."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from moneymentor_sync.core.alert_ports import AlertsSeen
from moneymentor_sync.core.cluster_ports import Register
from moneymentor_sync.core.daemon_ports import BackupKeeper, Ledger, Ticker, Witness
from moneymentor_sync.core.events import Emit
from moneymentor_sync.core.ports import Gate, Tick
from moneymentor_sync.core.settings import ClusterSettings, Config
from moneymentor_sync.core.sheet_status import Outlooks, no_outlook
from moneymentor_sync.sync.tenure import Tenure

from .backups import Backups
from .board import Board
from .desk import Desk
from .engines import Runs
from .fleet import Fleet
from .heart import Heart
from .interruptions import Interruptions
from .listening import Listening, OpenWatch, no_watch
from .notice_queue import NoticeQueue
from .schedule import Schedule
from .standing import Standing

Document = dict[str, Any]
"""A JSON object, as the control channel gives it."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What the daemon is, for its status."""

    version: str
    pid: int


@dataclass(frozen=True, slots=True)
class EngineNeeds:
    """What an engine gets of the daemon: progress, the gate between batches, sleep that can be ended, and what is
    planned for a dataset."""

    tick: Tick
    gate: Gate
    sleep: Callable[[float], None]
    outlook: Outlooks = no_outlook


@dataclass(frozen=True, slots=True)
class FleetEdges:
    """A member's way to the others of its fleet. `name` is its own, for people; `quota` gives what was asked of
    Google in the last minute, for the status."""

    settings: ClusterSettings
    name: str
    tenure: Tenure
    register: Register
    quota: Callable[[Config], Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class Parts:
    """The daemon's edges, as ports. `open_engine` is entered and left in the worker's thread; `load_config` reads
    the configuration again; `rest` gives back what a sync needed; `open_watch` hears of changes in the database,
    `witnesses` are told how it goes, `alerts` is how alerting goes, for the status, without a wait, and `backups`
    makes those that are due; None for a daemon that makes none."""

    ledger: Ledger
    ticker: Ticker
    open_engine: Callable[[Config, EngineNeeds], AbstractContextManager[Runs]]
    load_config: Callable[[], Config]
    render_metrics: Callable[[Document], str]
    rest: Callable[[], None]
    emit: Emit
    open_watch: OpenWatch = no_watch
    fleet: FleetEdges | None = None
    witnesses: Sequence[Witness] = ()
    backups: BackupKeeper | None = None
    alerts: Callable[[], AlertsSeen | None] = lambda: None


@dataclass(frozen=True, slots=True)
class Works:
    """The inner parts that the worker and whoever asks share."""

    standing: Standing
    desk: Desk
    interruptions: Interruptions
    schedule: Schedule
    notices: NoticeQueue
    listening: Listening
    board: Board
    heart: Heart
    fleet: Fleet
    backups: Backups
