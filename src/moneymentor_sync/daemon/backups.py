"""The daily backups: a thread of their own, so that they never delay a sync, nor a sync them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from zoneinfo import ZoneInfo

from moneymentor_sync.core.daemon_ports import BackupKeeper
from moneymentor_sync.core.daily import due_at
from moneymentor_sync.core.errors import MmsyncError, StoppedError
from moneymentor_sync.core.events import Emit, way_of
from moneymentor_sync.core.settings import Config, Dataset
from moneymentor_sync.core.status import BackupSeen

RETRY_SECONDS = 900.0
"""After a backup that failed; it is tried until it is made."""
LOOK_SECONDS = 30.0
"""How often the wall clock is looked at, which may be set, and the configuration, which may be reloaded."""


class Backups:
    """Makes what is due of the spreadsheets that are this daemon's. Without a keeper, or where they are switched
    off, nothing is ever due.

    `config` gives the configuration of this moment, `mine` says whether a dataset's spreadsheet is this member's.
    """

    def __init__(
        self,
        keeper: BackupKeeper | None,
        config: Callable[[], Config],
        mine: Callable[[Dataset], bool],
        clock: Callable[[], float],
        emit: Emit,
    ) -> None:
        self._keeper = keeper
        self._config = config
        self._mine = mine
        self._clock = clock
        self._emit = emit
        self._ended = threading.Event()
        self._again: dict[str, float] = {}
        """When what failed is tried again, by spreadsheet."""
        self._errors: dict[str, str] = {}
        self._thread = threading.Thread(target=self._run, name="backups", daemon=True)
        self.seen = BackupSeen()
        """How it goes; replaced whole, so that a status waits for nothing."""

    def start(self) -> None:
        if self._keeper is not None:
            self._thread.start()

    def stop(self) -> None:
        """A backup under way ends soon; does not wait for it."""
        self._ended.set()

    def join(self, seconds: float) -> None:
        """Waits for so long at most until what a backup under way had begun is tidied up."""
        if self._thread.ident is not None:
            self._thread.join(seconds)

    def _run(self) -> None:
        while not self._ended.is_set():
            try:
                self.turn()
            except Exception as error:  # noqa: BLE001 - a bug in here must not end the backups for good
                self._emit("backup.failed", error=type(error).__name__, where=way_of(error))
            self._ended.wait(LOOK_SECONDS)

    def turn(self) -> None:
        """One look: makes what is due now."""
        config, keeper = self._config(), self._keeper
        if keeper is None or not config.backup.enabled:
            self.seen = BackupSeen()
            return
        mine = list(dict.fromkeys(one.spreadsheet_id for one in config.datasets if self._mine(one)))
        self._errors = {one: error for one, error in self._errors.items() if one in mine}
        lasts: list[float | None] = []
        dues: list[float] = []
        for spreadsheet_id in mine:
            last, due = self._kept(keeper, config, spreadsheet_id)
            lasts.append(last)
            dues.append(due)
        known = [one for one in lasts if one is not None]
        oldest = min(known) if known and len(known) == len(lasts) else None
        error = next(iter(self._errors.values()), None)
        self.seen = BackupSeen(True, oldest, error, min(dues, default=None))

    def _kept(self, keeper: BackupKeeper, config: Config, spreadsheet_id: str) -> tuple[float | None, float]:
        """When the spreadsheet was saved last, and when it will be; saves it now if it is time."""
        last: float | None = None
        try:
            last = keeper.last(config, spreadsheet_id)
            if self._due(config, spreadsheet_id, last) > self._clock():
                return last, self._due(config, spreadsheet_id, last)
            made = keeper.make(config, spreadsheet_id, self._ended.is_set)
            self._emit(
                "backup.made", file=made.path, tabs=made.tabs, rows=made.rows, size=made.bytes, took=made.seconds
            )
            for note in made.notes:
                self._emit("backup.noted", file=made.path, note=note)
            self._errors.pop(spreadsheet_id, None)
            self._again.pop(spreadsheet_id, None)
            last = keeper.last(config, spreadsheet_id)
        except StoppedError:
            pass
        except MmsyncError as error:
            self._emit(
                "backup.failed",
                spreadsheet=spreadsheet_id,
                error=error.code,
                message=str(error),
                hint=error.hint,
                retry=RETRY_SECONDS,
            )
            self._errors[spreadsheet_id] = str(error)
            self._again[spreadsheet_id] = self._clock() + RETRY_SECONDS
        return last, self._due(config, spreadsheet_id, last)

    def _due(self, config: Config, spreadsheet_id: str, last: float | None) -> float:
        now = self._clock()
        due = due_at(now, last, config.backup.daily_at, ZoneInfo(config.sync.timezone))
        again = self._again.get(spreadsheet_id, now)
        return max(due, again) if again - now <= RETRY_SECONDS else due  # the clock was set back
