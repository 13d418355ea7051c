"""Restores a backup: finds out what would be different, and puts it back under the lock that a sync takes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from moneymentor_sync.adapters.lock_file import LockFiles
from moneymentor_sync.core.backups import SavedTab
from moneymentor_sync.core.errors import BackupError, DestinationError, OvertakenError, RequestRefusedError
from moneymentor_sync.core.ports import DatasetState, Store, TabInfo, Tick, Wanted
from moneymentor_sync.core.restoring import (
    Differences,
    RestorePlan,
    TabRestore,
    around_differs,
    chosen_tabs,
    compare_tabs,
    key_columns,
    not_restored,
    target_of,
)
from moneymentor_sync.core.rights import Lease
from moneymentor_sync.core.rows import Hasher
from moneymentor_sync.core.settings import Config, Dataset
from moneymentor_sync.core.tabs import find_tab
from moneymentor_sync.sync import Surroundings
from moneymentor_sync.sync.decide import current_state
from moneymentor_sync.sync.fencing import Fencing, at_once
from moneymentor_sync.sync.memory import MOST_COMING
from moneymentor_sync.sync.ownership import rows_of

from .backup import BackupEdges, directory_of, spreadsheets_of, write_backup
from .cluster import Guest
from .engine import opened_fleet, real_surroundings, state_file
from .quota import Quotas

if TYPE_CHECKING:
    from moneymentor_sync.adapters.backup_package import BackupFile
    from moneymentor_sync.adapters.google_backup import Structure
    from moneymentor_sync.adapters.google_restore import Restorer

MOST_TRIES = 6


@dataclass(frozen=True, slots=True)
class Restore:
    """A backup that is open, and what a restore of it would do to the spreadsheet as it is.

    `before` is a backup of the spreadsheet as it was when the plan was made, not kept yet.
    """

    edges: BackupEdges
    right: Right
    file: BackupFile
    now: BackupFile
    before: Path
    plan: RestorePlan
    wanted: Sequence[SavedTab]
    structure: Structure


class Right:
    """The right to write to the spreadsheet, which can be given back while somebody thinks."""

    def __init__(self, lease: Lease, spreadsheet_id: str) -> None:
        self._lease, self._id = lease, spreadsheet_id
        self._held = ExitStack()
        self.was_given_back = False
        self.begin()

    def begin(self) -> None:
        """Raises LockHeldError."""
        with ExitStack() as held:
            held.enter_context(self._lease.hold(self._id))
            held.enter_context(self._lease.work(self._id))
            self._held = held.pop_all()

    def end(self) -> None:
        self._held.close()

    def prove(self, spreadsheet_id: str) -> None:
        self._lease.prove(spreadsheet_id)

    @contextmanager
    def given_back(self) -> Iterator[None]:
        """Others may sync the spreadsheet meanwhile. Raises LockHeldError at the end, where one still does."""
        self.was_given_back = True
        self.end()
        yield
        self.begin()


@contextmanager
def open_restore(
    config: Config,
    path: Path,
    tab: str | None,
    *,
    holder: str,
    surroundings: Surroundings | None = None,
    tick: Tick | None = None,
) -> Iterator[Restore]:
    """Opens a backup and compares it with the spreadsheet; writes nothing to that.

    Raises BackupFileError, BackupError, LockHeldError, StateError, ClusterError, DestinationError.
    """
    from moneymentor_sync.adapters.backup_files import scratch
    from moneymentor_sync.adapters.backup_package import open_backup

    around = surroundings or real_surroundings()
    with ExitStack() as held:
        file = held.enter_context(open_backup(path))
        spreadsheet_id = _configured(config, file)
        edges, lease = held.enter_context(_edges(config, around, holder))
        right = Right(lease, spreadsheet_id)
        held.callback(right.end)
        place = held.enter_context(scratch(None))
        before, _ = write_backup(edges, spreadsheet_id, place, "hand", tick=tick)
        now = held.enter_context(open_backup(before))
        structure = _look(edges, spreadsheet_id)
        wanted = chosen_tabs(file.backup, tab, structure.all_tabs)
        tabs = tuple(_with_differences(one, file, now) for one in _targets(edges, file, wanted, structure))
        plan = RestorePlan(spreadsheet_id, file.backup.made_at, tabs)
        yield Restore(edges, right, file, now, before, plan, wanted, structure)


@contextmanager
def _edges(config: Config, around: Surroundings, holder: str) -> Iterator[tuple[BackupEdges, Lease]]:
    with ExitStack() as held:
        local = held.enter_context(state_file(config.state_path, only_plan=False, as_first=False))
        there = held.enter_context(opened_fleet(config, None, only_plan=False))
        lease: Lease = LockFiles(config.state_path, holder) if there is None else Guest(there)
        store: Store = local if there is None else there.store(local)
        quotas = held.enter_context(closing(Quotas(around.monotonic)))
        yield BackupEdges(config, around, store, partial(quotas.budget, config, around.sleep)), lease


def _configured(config: Config, file: BackupFile) -> str:
    """The spreadsheet of the backup. Raises BackupError where it is not one of those that are configured."""
    spreadsheet_id = file.backup.spreadsheet_id
    if spreadsheet_id not in spreadsheets_of(config):
        raise BackupError(
            f"{file.path} is a backup of another spreadsheet ({spreadsheet_id}) than those that are configured",
            hint="Restore it with the configuration of that one, or name it as `[google] spreadsheet_id`; to look "
            "at what is in it, open the file with any program that opens .xlsx.",
        )
    return spreadsheet_id


def _look(edges: BackupEdges, spreadsheet_id: str) -> Structure:
    from moneymentor_sync.adapters.google_backup import BackupReader

    with closing(edges.client(spreadsheet_id)) as client:
        return BackupReader(client, edges.patience().reading).structure()


# --- what is to be done -----------------------------------------------------------------------------------


def _targets(
    edges: BackupEdges, file: BackupFile, wanted: Sequence[SavedTab], structure: Structure
) -> list[TabRestore]:
    from moneymentor_sync.adapters.google_backup import is_ours

    found: list[TabRestore] = []
    others = {tab.sheet_id for tab in file.backup.tabs}
    there = [tab for tab in structure.all_tabs if not is_ours(tab.title)]
    has_cells = {int(one["properties"].get("sheetId", 0)) for one in structure.tabs}
    for saved in wanted:
        dataset = _dataset(edges.config, saved)
        current = None if dataset is None else _tab_of(edges, dataset, there)
        cells = [tab for tab in there if tab.sheet_id in has_cells]
        target = target_of(saved, cells, current.sheet_id if current else None, others)
        if target is None:
            if any(saved.sheet_id == tab.sheet_id or saved.title == tab.title for tab in there):
                raise BackupError(
                    f"tab {saved.title!r} cannot be made again: another one without cells has its place",
                    hint="Rename or remove that one, and restore again.",
                )
            lost = not_restored(saved, file.backup.named)
            found.append(TabRestore(saved, "made", saved.sheet_id, saved.title, not_restored=lost))
        else:
            found.append(TabRestore(saved, "replaced", target.sheet_id, target.title))
    return found


def _dataset(config: Config, saved: SavedTab) -> Dataset | None:
    if saved.ours is None:
        return None
    return next((one for one in config.datasets if one.name == saved.ours.dataset), None)


def _tab_of(edges: BackupEdges, dataset: Dataset, tabs: Sequence[TabInfo]) -> TabInfo | None:
    """The tab that the next sync would take for the dataset's."""
    state = current_state(dataset, edges.store.dataset(dataset.name))
    known, coming = (state.known, state.coming) if state is not None else (None, ())
    return find_tab(Wanted(dataset.name, dataset.tab, known, coming), tabs)


def _with_differences(one: TabRestore, file: BackupFile, now: BackupFile) -> TabRestore:
    there = next((tab for tab in now.backup.tabs if tab.sheet_id == one.sheet_id), None)
    if one.action == "made" or there is None:
        return one
    if there.checked == one.saved.checked:
        found = Differences()
    else:
        saved, current = partial(file.rows, one.saved), partial(now.rows, there)
        found = compare_tabs(saved, current, key_columns(one.saved, saved))
    found = replace(found, around=around_differs(one.saved, there))
    return replace(one, differences=found, action="replaced" if found.any else "same")


# --- doing it ---------------------------------------------------------------------------------------------


def carry_out(restore: Restore, *, tick: Tick | None = None) -> str | None:
    """Restores what the plan says; gives where what was there before is kept. Without a change nothing is done.

    Raises DestinationError, GuardError, LeaseLostError, StateError; then nobody has seen a half of it.
    """
    from moneymentor_sync.adapters.backup_files import keep

    edges, spreadsheet_id = restore.edges, restore.plan.spreadsheet_id
    if _look(edges, spreadsheet_id).fence != restore.structure.fence:
        raise OvertakenError("a sync has written to the spreadsheet since the plan was shown; nothing was restored")
    if not restore.plan.changes:
        return None
    with ExitStack() as held:
        if restore.right.was_given_back:
            restore = held.enter_context(_saved_again(restore, tick))
        kept = keep(restore.before, directory_of(edges.config), spreadsheet_id, restore.now.backup.made_at, "hand")
        _Carrying(restore, tick or _unseen).run()
    return str(kept)


@contextmanager
def _saved_again(restore: Restore, tick: Tick | None) -> Iterator[Restore]:
    """The same with the spreadsheet as it is now: people may have typed for as long as nobody answered, and a lock
    of ours does not keep them from it."""
    from moneymentor_sync.adapters.backup_package import open_backup

    place = restore.before.parent / "again"
    place.mkdir()
    before, _ = write_backup(restore.edges, restore.plan.spreadsheet_id, place, "hand", tick=tick)
    with open_backup(before) as now:
        yield replace(restore, before=before, now=now)


class _Carrying:
    """The tries of one restore: an unclear answer is never sent again, but looked at first."""

    def __init__(self, restore: Restore, tick: Tick) -> None:
        self._restore = restore
        self._edges = restore.edges
        self._tick = tick
        self._id = restore.plan.spreadsheet_id
        self._patience = restore.edges.patience()
        self._fencing = Fencing(restore.edges.store, self._id, restore.right.prove)
        self._last = ""
        """The fence of the batch that was to show the last of what is restored."""

    def run(self) -> None:
        from moneymentor_sync.adapters.google_backup import BackupReader
        from moneymentor_sync.adapters.google_restore import Restorer

        config = self._edges.config
        with closing(self._edges.client(self._id, prove=partial(self._restore.right.prove, self._id))) as client:
            reader = BackupReader(client, self._patience.reading)
            restorer = Restorer(
                client,
                self._edges.around.rng,
                self._patience.reading,
                max_cells=config.google.max_cells,
                rows=self._restore.file.rows,
                tick=self._tick,
            )
            refusals = 0
            for _ in range(MOST_TRIES):
                structure = reader.structure()
                self._fencing.saw(structure.fence)
                if structure.fence.token == self._last:  # its answer got lost, and it came
                    return
                try:
                    self._once(restorer, structure)
                except (OvertakenError, RequestRefusedError):
                    refusals += 1
                    if refusals > 2:
                        raise
                except DestinationError as error:
                    if not self._patience.wait(error):
                        raise
                else:
                    return
        raise OvertakenError("the spreadsheet kept changing while it was being restored")

    def _once(self, restorer: Restorer, structure: Structure) -> None:
        from moneymentor_sync.adapters.google_restore import Over

        planned = {one.saved.part for one in self._restore.plan.changes}
        tabs = [
            one
            for one in _targets(self._edges, self._restore.file, self._restore.wanted, structure)
            if one.saved.part in planned
        ]
        tabs.sort(key=lambda one: one.action != "made")
        self._remember(tabs)
        self._remember([one for one in self._restore.plan.tabs if one.action == "same"], only_lost=True)
        now = {tab.sheet_id: tab for tab in self._restore.now.backup.tabs}
        intend = self._fencing.intend(structure.fence, at_once)
        restorer.run(tabs, Over(structure, now), intend=intend, last=self._note)
        self._fencing.landed(restorer.token)

    def _note(self, token: str) -> None:
        self._last = token

    def _remember(self, tabs: Sequence[TabRestore], *, only_lost: bool = False) -> None:
        """Tells the next sync that the tabs are its own, with the rows in them that mmsync had written, and that
        nothing else of what is known of them holds. With `only_lost` those of which nothing is known any more."""
        store, hasher = self._edges.store, Hasher(self._edges.store.secret())
        for one in tabs:
            dataset = _dataset(self._edges.config, one.saved)
            if dataset is None or dataset.spreadsheet_id != self._id or one.saved.ours is None:
                continue
            state = current_state(dataset, store.dataset(dataset.name))
            if only_lost and state is not None:
                continue
            if state is None and any(column.hash and column.name in dataset.key for column in dataset.columns):
                continue  # by which pseudonyms its rows would be told is known to no state
            state = state or DatasetState(dataset.spreadsheet_id, dataset.tab, None)
            coming = tuple(dict.fromkeys((one.sheet_id, *state.coming)))[:MOST_COMING]
            rows = rows_of(one.saved.ours, self._restore.file.rows(one.saved, []), hasher)
            store.begin_write(dataset.name, replace(state, coming=coming), rows)


def _unseen(dataset: str, phase: str, done: int, total: int | None) -> None:
    """No progress is shown where nobody looks."""
