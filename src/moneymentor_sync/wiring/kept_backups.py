"""Backups for whoever asks for them by themselves: a command, and the daemon's schedule."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial

from moneymentor_sync.core.backups import Made, tag_of
from moneymentor_sync.core.errors import StoppedError
from moneymentor_sync.core.ports import Store
from moneymentor_sync.core.retention import before_tomorrow
from moneymentor_sync.core.settings import Config
from moneymentor_sync.sync import Surroundings

from .backup import BackupEdges, directory_of, make_backup, prune
from .cluster import Shared
from .engine import opened_fleet, real_surroundings, state_file
from .quota import Quotas, alone


@contextmanager
def open_backups(
    config: Config,
    *,
    surroundings: Surroundings | None = None,
    shared: Shared | None = None,
    quotas: Quotas | None = None,
) -> Iterator[BackupEdges]:
    """For one thread. `shared` is a daemon's part in its fleet; without it a fleet is looked at for the time being.
    Raises StateError, ClusterError."""
    around = surroundings or real_surroundings()
    with ExitStack() as held:
        local = held.enter_context(state_file(config.state_path, only_plan=True, as_first=False))
        there = held.enter_context(opened_fleet(config, shared, only_plan=True))
        begun = there is not None and there.begun
        store: Store = there.store(local) if there is not None and begun else local
        if quotas is None:
            quotas = held.enter_context(closing(Quotas(around.monotonic)))
        budget = partial(quotas.budget, config if begun or there is None else alone(config), around.sleep)
        yield BackupEdges(config, around, store, budget)


@dataclass(frozen=True, slots=True)
class KeptBackups:
    """`daemon_ports.BackupKeeper`, in the directory that is configured; what there is, is what the files say."""

    around: Surroundings
    shared: Shared | None
    quotas: Quotas
    rest: Callable[[], None]
    """Gives back what a backup needed."""

    def last(self, config: Config, spreadsheet_id: str) -> float | None:
        from moneymentor_sync.adapters.backup_files import backups_in

        tag = tag_of(spreadsheet_id)
        there = before_tomorrow(backups_in(directory_of(config)), self.around.clock())
        return max((one.made_at for one in there if one.tag == tag and one.reason != "hand"), default=None)

    def make(self, config: Config, spreadsheet_id: str, stopping: Callable[[], bool]) -> Made:
        def go_on() -> None:
            if stopping():
                raise StoppedError("the daemon stops")

        def sleep(seconds: float) -> None:
            go_on()
            self.around.sleep(seconds)
            go_on()

        def tick(dataset: str, phase: str, done: int, total: int | None) -> None:
            del dataset, phase, done, total  # nobody looks
            go_on()

        around = replace(self.around, sleep=sleep)
        with open_backups(config, surroundings=around, shared=self.shared, quotas=self.quotas) as edges:
            made = make_backup(edges, spreadsheet_id, directory_of(config), "daily", tick=tick)
        prune(config, self.around.clock())
        self.rest()
        return made
