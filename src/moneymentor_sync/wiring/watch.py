"""The watch that fits a database: PostgreSQL's notifications, SQLite's data version, or none."""

from __future__ import annotations

from sqlalchemy.engine import make_url

from moneymentor_sync.core.daemon_ports import Changed, Watch
from moneymentor_sync.core.events import Emit
from moneymentor_sync.core.settings import Config
from moneymentor_sync.daemon.listening import OpenWatch
from moneymentor_sync.sync import Surroundings


def watches(around: Surroundings, emit: Emit) -> OpenWatch:
    """Opens the watch of a configuration; None where it wants none, or its database has no way to tell."""

    def open_watch(config: Config, changed: Changed) -> Watch | None:
        url = make_url(config.database.url)
        if not config.database.listen:
            return None
        if url.get_backend_name() == "sqlite":
            from moneymentor_sync.adapters.database_access import sqlite_path
            from moneymentor_sync.adapters.database_version import FileWatch

            names = (one.name for one in config.datasets)
            return FileWatch(sqlite_path(url), names, changed, emit, around.clock)
        if url.get_backend_name() == "postgresql":
            return _listener(config, changed, around, emit)
        return None

    return open_watch


def _listener(config: Config, changed: Changed, around: Surroundings, emit: Emit) -> Watch | None:
    from moneymentor_sync.adapters.database_listen import Chances, DatabaseListener
    from moneymentor_sync.adapters.listen_link import DRIVERS

    if make_url(config.database.url).get_driver_name() not in DRIVERS:
        return None
    chances = Chances(around.clock, around.monotonic, around.rng.random)
    return DatabaseListener(config.database, config.datasets, changed, emit, chances)
