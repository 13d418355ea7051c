"""Makes backups: reads a spreadsheet into a file that stands in its directory whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from zoneinfo import ZoneInfo

from moneymentor_sync import __version__
from moneymentor_sync.core.backups import Backup, Made, Reason, SavedTab
from moneymentor_sync.core.errors import (
    BackupFirstError,
    MmsyncError,
    OvertakenError,
    QuotaExhaustedError,
    StoppedError,
)
from moneymentor_sync.core.plan import Plan
from moneymentor_sync.core.ports import Store, Tick, Wanted
from moneymentor_sync.core.resilience import RetryRules
from moneymentor_sync.core.retention import before_tomorrow, expired
from moneymentor_sync.core.rights import Budget
from moneymentor_sync.core.rows import Hasher
from moneymentor_sync.core.settings import Config, Dataset
from moneymentor_sync.core.sheet_status import is_status
from moneymentor_sync.core.tabs import find_tab
from moneymentor_sync.sync import Surroundings
from moneymentor_sync.sync.decide import current_state
from moneymentor_sync.sync.ownership import ours_in, with_rows
from moneymentor_sync.sync.patience import Patience

if TYPE_CHECKING:
    from moneymentor_sync.adapters.google_backup import BackupReader, Structure
    from moneymentor_sync.adapters.google_client import GoogleClient

T = TypeVar("T")
ROWS_IN_A_GO = 2_000
WHO = "backup"
"""What stands in the place of a dataset where progress is shown."""


@dataclass(frozen=True, slots=True)
class BackupEdges:
    """What making a backup needs: the configuration, clocks, what is known of our rows, and the quota."""

    config: Config
    around: Surroundings
    store: Store
    budget: Callable[[], Budget | None]

    def client(self, spreadsheet_id: str, prove: Callable[[], None] | None = None) -> GoogleClient:
        """A client of its own, for one thread and one spreadsheet. Raises CredentialsError."""
        from moneymentor_sync.adapters.google_client import GoogleClient

        return GoogleClient(self.config.google, spreadsheet_id, budget=self.budget(), prove=prove)

    def patience(self) -> Patience:
        rules = RetryRules(self.config.sync.max_retries, self.config.sync.retry_delay_seconds)
        return Patience(rules, self.around.sleep, self.around.rng.random)


def spreadsheets_of(config: Config) -> list[str]:
    """Every spreadsheet that is configured, in order."""
    named = [config.google.spreadsheet_id, *(one.spreadsheet_id for one in config.datasets)]
    return list(dict.fromkeys(one for one in named if one))


def directory_of(config: Config) -> Path:
    """Where backups go that nobody sends elsewhere."""
    return config.backup.directory or config.state_path.parent / "backups"


def make_backup(
    edges: BackupEdges,
    spreadsheet_id: str,
    directory: Path,
    reason: Reason,
    *,
    tick: Tick | None = None,
) -> Made:
    """One spreadsheet into one file. Raises DestinationError and BackupError; then there is no new file."""
    from moneymentor_sync.adapters.backup_files import keep, scratch

    with scratch(directory) as place:
        made_at = edges.around.clock()
        file, made = write_backup(edges, spreadsheet_id, place, reason, tick=tick)
        path = keep(file, directory, spreadsheet_id, made_at, reason)
    return replace(made, path=str(path))


def write_backup(
    edges: BackupEdges, spreadsheet_id: str, place: Path, reason: Reason, *, tick: Tick | None = None
) -> tuple[Path, Made]:
    """The same into a file in the directory `place`, which is the caller's to keep or to throw away."""
    from moneymentor_sync.adapters.backup_files import disk_errors
    from moneymentor_sync.adapters.google_backup import BackupReader

    begun, made_at = edges.around.monotonic(), edges.around.clock()
    patience, pace = edges.patience(), _Pace(tick)
    with disk_errors(place), closing(edges.client(spreadsheet_id)) as client:
        reader = BackupReader(client, lambda read: pace.after(patience.reading(read)))
        structure, tabs = _read(reader, place, pace)
        tabs = [replace(tab, ours=_ours(edges, spreadsheet_id, structure, tab)) for tab in tabs]
        unsteady = tuple(tab.title for tab in tabs if not tab.steady)
        backup = Backup(
            spreadsheet_id,
            structure.title,
            made_at,
            reason,
            __version__,
            tuple(tabs),
            structure.named,
            structure.left_out,
            unsteady,
        )
        file = place / "backup.xlsx"
        notes = _write_file(edges, backup, place, file, pace)
        size = file.stat().st_size
    rows, seconds = sum(tab.filled for tab in tabs), edges.around.monotonic() - begun
    return file, Made(
        str(file), spreadsheet_id, len(tabs), rows, size, seconds, client.traffic.reads, _notes(backup) + notes
    )


class _Pace:
    """Signs of life: after each answer, and now and then while rows are gone through."""

    def __init__(self, tick: Tick | None) -> None:
        self._tick = tick
        self._now = ("reading", 0, 0)

    def at(self, phase: str, done: int, total: int) -> None:
        self._now = (phase, done, total)
        self._say()

    def after(self, answer: T) -> T:
        self._say()
        return answer

    def along(self, rows: Iterable[T]) -> Iterator[T]:
        for number, row in enumerate(rows, 1):
            if number % ROWS_IN_A_GO == 0:
                self._say()
            yield row

    def _say(self) -> None:
        if self._tick is not None:
            self._tick(WHO, *self._now)


def _read(reader: BackupReader, place: Path, pace: _Pace) -> tuple[Structure, list[SavedTab]]:
    """All tabs' rows into files of their own. A tab that goes or grows meanwhile makes it begin again."""
    from moneymentor_sync.adapters.backup_rows import checksum

    for last in (False, False, True):
        structure = reader.structure()
        tabs: list[SavedTab] = []
        try:
            for number, about in enumerate(structure.tabs, 1):
                pace.at("reading", number - 1, len(structure.tabs))
                path = place / f"tab-{number}.gz"
                saved = reader.save(about, path)
                tabs.append(
                    SavedTab(
                        path.name,
                        about,
                        saved.columns,
                        saved.rows,
                        saved.filled,
                        saved.cells,
                        checked=checksum(path),
                        steady=saved.steady,
                    )
                )
        except OvertakenError:
            if last:
                raise
            continue
        return structure, tabs
    raise AssertionError("the last try returns or raises")


def _ours(edges: BackupEdges, spreadsheet_id: str, structure: Structure, tab: SavedTab) -> Any:
    """What mmsync has in the tab, without its rows; None where it has nothing."""
    for dataset in edges.config.datasets:
        if dataset.spreadsheet_id != spreadsheet_id:
            continue
        state = current_state(dataset, edges.store.dataset(dataset.name))
        known, coming = (state.known, state.coming) if state is not None else (None, ())
        found = find_tab(Wanted(dataset.name, dataset.tab, known, coming), structure.all_tabs)
        if found is not None and found.sheet_id == tab.sheet_id:
            return ours_in(dataset, state)
    return None


def _write_file(edges: BackupEdges, backup: Backup, place: Path, file: Path, pace: _Pace) -> tuple[str, ...]:
    """The .xlsx; gives what its visible part had to leave out."""
    from moneymentor_sync.adapters.backup_book import Book
    from moneymentor_sync.adapters.backup_package import BackupWorkbook, write_parts
    from moneymentor_sync.adapters.backup_rows import read_rows

    parts: dict[str, Path] = {}
    workbook = BackupWorkbook(file, place, parts)
    book = Book(workbook, backup.tabs)
    hasher = Hasher(edges.store.secret())
    tabs: list[SavedTab] = []
    for number, tab in enumerate(backup.tabs):
        pace.at("saving", number, len(backup.tabs))
        with (place / tab.part).open("rb") as stream:
            book.add(tab, lambda styles, rows=stream: pace.along(read_rows(rows, styles)))  # type: ignore[misc]
        if tab.ours is not None:
            with (place / tab.part).open("rb") as stream:
                tab = replace(tab, ours=with_rows(tab.ours, read_rows(stream, []), edges.store, hasher))
        tabs.append(tab)
    backup = replace(backup, tabs=tuple(tabs))
    parts.update(write_parts(place, backup, [place / tab.part for tab in tabs]))
    workbook.close()
    return book.cut.notes()


def _notes(backup: Backup) -> tuple[str, ...]:
    found = [f"tab {title!r} has no cells (a chart or the like) and is not in it" for title in backup.left_out]
    found += [
        f"tab {title!r} kept changing while it was read: rows may be in it twice, or not at all"
        for title in backup.unsteady
    ]
    return tuple(found)


@dataclass(frozen=True, slots=True)
class BackupFirst:
    """`ports.Safeguard`: what deletes many rows is saved first, whoever has allowed it."""

    edges: BackupEdges
    tick: Tick | None = None

    def before(self, dataset: Dataset, plan: Plan) -> bool:
        """Raises BackupFirstError, saying how many rows would have gone, and what kept the backup."""
        settings = self.edges.config.backup
        if not settings.enabled or is_status(dataset.name) or not plan.deletes_more_than(settings.before_deleting):
            return False
        directory = directory_of(self.edges.config)
        try:
            make_backup(self.edges, dataset.spreadsheet_id, directory, "deletion", tick=self.tick)
            prune(self.edges.config, self.edges.around.clock())
        except (StoppedError, QuotaExhaustedError):
            raise
        except MmsyncError as error:
            count = len(plan.deletes) + len(plan.blanks)
            raise BackupFirstError(
                f"tab {plan.tab!r}: {count:,} of {plan.rows_before:,} rows would be deleted, and the backup that "
                f"goes before that failed: {error}; nothing was written",
                hint=f"{error.hint} {BackupFirstError.default_hint}".strip(),
            ) from error
        return True


def prune(config: Config, now: float) -> list[str]:
    """Lets go of backups that nobody asked for and that have been kept long enough. Raises BackupError."""
    from moneymentor_sync.adapters.backup_files import backups_in, remove

    directory, settings = directory_of(config), config.backup
    gone = expired(
        before_tomorrow(backups_in(directory), now),
        daily=settings.keep_daily,
        weekly=settings.keep_weekly,
        zone=ZoneInfo(config.sync.timezone),
    )
    for name in gone:
        remove(directory, name)
    return gone
