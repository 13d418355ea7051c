"""The textfile of metrics after a sync that was made by hand, or by cron, where no daemon keeps it up to date."""

from __future__ import annotations

from collections.abc import Callable

from moneymentor_sync import __version__
from moneymentor_sync.adapters.last_state import last_status
from moneymentor_sync.adapters.lock_file import daemon_holder
from moneymentor_sync.adapters.prometheus_text import Metrics
from moneymentor_sync.adapters.textfile import write
from moneymentor_sync.core.settings import Config


def note_sync(config: Config, clock: Callable[[], float]) -> None:
    """Writes what the state file knows, where a textfile is configured; `clock` is UNIX seconds.

    A daemon that runs writes its own, and what a fleet knows is not in this machine's state file: then nothing is
    written. Raises MetricsFileError, StateError.
    """
    path = config.metrics.textfile
    if path is None or config.cluster.url is not None or daemon_holder(config.state_path):
        return
    status = last_status(config.state_path, clock())
    if status is None:
        return
    enabled = {one.name: one.enabled for one in config.datasets}
    datasets = [
        one | {"enabled": one["enabled"] and enabled[one["name"]]}
        for one in status["datasets"]
        if one["name"] in enabled
    ]
    known = status | {"version": __version__, "datasets": datasets}
    write(path, Metrics(lambda: config, clock).by_hand(known))
