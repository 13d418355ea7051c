"""The engine and its edges, for a command or for the daemon's worker."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from moneymentor_sync.adapters.database import DatabaseSource
from moneymentor_sync.adapters.lock_file import LockFiles
from moneymentor_sync.adapters.spool import Spool
from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.core.cells import CellRules
from moneymentor_sync.core.errors import UnknownDatasetError
from moneymentor_sync.core.events import Emit, unheard
from moneymentor_sync.core.ports import Gate, Source, Store, Tick, unsaved
from moneymentor_sync.core.rights import Budget, Lease
from moneymentor_sync.core.settings import Config, Dataset, GoogleSettings
from moneymentor_sync.core.sheet_status import Outlooks, no_outlook
from moneymentor_sync.sync import Edges, Engine, Surroundings
from moneymentor_sync.sync.sheet_status import SheetStatus

from .backup import BackupEdges, BackupFirst
from .cluster import Guest, Shared, joined, visited
from .quota import Quotas, alone

if TYPE_CHECKING:
    from google.oauth2.service_account import Credentials

    from moneymentor_sync.adapters.google_sheets import GoogleSheets


MOST_OPEN = 16
"""Spreadsheets that are kept open: each takes a megabyte and a connection, and opens again in ten milliseconds."""


@dataclass(slots=True)
class Spreadsheets:
    """Opens spreadsheets, all with the same credentials, and keeps those used last; `close` ends their connections.

    `prove` is asked right before each write to a spreadsheet, `budget` is who says when a call may be made,
    and `clock` (monotonic) how long that was waited for.
    """

    settings: GoogleSettings
    rng: random.Random
    gentle: bool = False
    prove: Callable[[str], None] | None = None
    budget: Callable[[], Budget | None] | None = None
    clock: Callable[[], float] = time.monotonic
    _open: dict[str, GoogleSheets] = field(default_factory=dict)
    _credentials: Sequence[Credentials] = ()

    def __call__(self, spreadsheet_id: str) -> GoogleSheets:
        """Raises CredentialsError."""
        from moneymentor_sync.adapters.google_client import GoogleClient
        from moneymentor_sync.adapters.google_reader import SMALL_READS
        from moneymentor_sync.adapters.google_sheets import GoogleSheets

        # Imported only here: a sync that finds nothing changed never speaks to Google.
        if spreadsheet_id in self._open:
            self._open[spreadsheet_id] = self._open.pop(spreadsheet_id)  # the last one used stands last
        else:
            while len(self._open) >= MOST_OPEN:
                self._open.pop(next(iter(self._open))).close()
            client = GoogleClient(
                self.settings,
                spreadsheet_id,
                self._keys(),
                budget=None if self.budget is None else self.budget(),
                prove=None if self.prove is None else partial(self.prove, spreadsheet_id),
                clock=self.clock,
            )
            self._open[spreadsheet_id] = GoogleSheets(
                client,
                max_cells=self.settings.max_cells,
                rng=self.rng,
                reads=SMALL_READS if self.gentle else None,
            )
        return self._open[spreadsheet_id]

    def _keys(self) -> Sequence[Credentials]:
        """One set for all spreadsheets: a token serves an account for an hour, wherever it is used."""
        from moneymentor_sync.adapters.google_client import load_credentials

        if not self._credentials:
            endpoint = self.settings.api_endpoint
            self._credentials = [load_credentials(one, endpoint=endpoint) for one in self.settings.accounts]
        return self._credentials

    def close(self) -> None:
        for spreadsheet in self._open.values():
            spreadsheet.close()
        self._open.clear()
        self._credentials = ()


def real_surroundings() -> Surroundings:
    """The machine's clocks, sleep and randomness."""
    return Surroundings(time.time, time.monotonic, time.sleep, random.SystemRandom())


@contextmanager
def open_engine(
    config: Config,
    *,
    holder: str,
    tick: Tick | None = None,
    emit: Emit | None = None,
    gate: Gate | None = None,
    surroundings: Surroundings | None = None,
    only_plan: bool = False,
    as_first: bool = False,
    gentle: bool = False,
    shared: Shared | None = None,
    quotas: Quotas | None = None,
    outlook: Outlooks = no_outlook,
) -> Iterator[Engine]:
    """An engine with everything it needs, closed at the end. `holder` is what a second one is told.

    One that is opened `only_plan` leaves no state file where there was none; `as_first` it plans as though there
    were none, and does not touch it. One that is `gentle` shares its interpreter with others, and reads large
    tabs in smaller parts for it. `shared` is a daemon's part in its fleet; without it a fleet is visited for
    the time being. `quotas` are those of a process that opens one engine after another, `outlook` says what is
    planned for a dataset, where anything is.
    Raises StateError, ClusterError.
    """
    around = surroundings or real_surroundings()
    with ExitStack() as held:
        local = held.enter_context(state_file(config.state_path, only_plan=only_plan, as_first=as_first))
        there = held.enter_context(opened_fleet(config, shared, only_plan=only_plan))
        lease: Lease = LockFiles(config.state_path, holder)
        store: Store = local
        if there is not None and not as_first:
            lease = there.tenure if shared else Guest(there)
            if there.begun:  # else what this machine knows alone is what the first member brings along
                store = there.store(local)
        if quotas is None:
            quotas = held.enter_context(closing(Quotas(around.monotonic)))
        with_whom = config if there is None or there.begun else alone(config)
        budget = partial(quotas.budget, with_whom, around.sleep)
        spreadsheets = held.enter_context(
            closing(Spreadsheets(config.google, around.rng, gentle, lease.prove, budget, around.monotonic))
        )
        first = BackupFirst(BackupEdges(config, around, store, budget), tick)
        guard = first.before if config.backup.enabled else unsaved
        edges = Edges(_source(config), spreadsheets, store, lease, Spool, guard)
        status = None
        if config.sheet.status and not only_plan:
            status = SheetStatus(config.sheet, config.datasets, outlook, around.clock, emit or unheard)
        yield Engine(
            config.sync,
            CellRules.of(config),
            edges,
            around,
            tick=tick,
            emit=emit,
            gate=gate,
            header_notes=config.sheet.header_notes,
            status=status,
        )


def _source(config: Config) -> Source:
    """The database, asked whose its columns are where readers of the sheet are to be told."""
    return DatabaseSource(config.database, origins=config.sheet.header_notes)


@contextmanager
def state_file(path: Path, *, only_plan: bool, as_first: bool) -> Iterator[StateFile]:
    """This machine's own; one that is gone at the end where nothing is to be left behind."""
    with ExitStack() as held:
        if only_plan and (as_first or not path.exists()):
            path = Path(held.enter_context(TemporaryDirectory(prefix="mmsync-"))) / path.name
        yield held.enter_context(closing(StateFile(path)))


@contextmanager
def opened_fleet(config: Config, shared: Shared | None, *, only_plan: bool) -> Iterator[Shared | None]:
    """The fleet that the process takes part in already, or visits for the time being; None where there is none."""
    if shared is not None or config.cluster.url is None:
        yield shared
        return
    with visited(config) if only_plan else joined(config) as there:
        yield there


def choose(config: Config, names: Sequence[str]) -> list[Dataset]:
    """The datasets named, or all that are enabled. Raises UnknownDatasetError, naming those there are."""
    if not names:
        return [dataset for dataset in config.datasets if dataset.enabled]
    by_name = {dataset.name: dataset for dataset in config.datasets}
    for name in names:
        if name not in by_name:
            raise UnknownDatasetError(
                f"there is no dataset {name!r}",
                hint=f"Configured are: {', '.join(by_name) or 'none'}.",
            )
    return [by_name[name] for name in dict.fromkeys(names)]
