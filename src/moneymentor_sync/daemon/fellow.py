"""What this daemon does for its fleet, and tells it of itself."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import Any

from moneymentor_sync.core.agenda import Ask
from moneymentor_sync.core.errors import ShuttingDownError
from moneymentor_sync.core.settings import Config

from .desk import Desk
from .interruptions import Interruptions
from .notice_queue import NoticeQueue
from .results import document_when_done
from .standing import COMMON, Standing

_TOLD = (
    "is_running", "stopping", "sync_in_progress", "sync_enabled", "last_sync_time", "statistics", "version", "pid",
    "started_at", "health", "circuit", "current", "recent_errors",
)  # fmt: skip
"""What of its status a member tells the others, beside its own datasets and last runs."""
LAST_RUNS = 5


class Fellow:
    """Fits `membership.Daemonic`. `plan` plans what follows from the switches, `status` gives the daemon's status
    document, `runs` its last runs."""

    def __init__(
        self,
        standing: Standing,
        desk: Desk,
        notices: NoticeQueue,
        interruptions: Interruptions,
        plan: Callable[[], None],
        status: Callable[[], dict[str, Any]],
        runs: Callable[[int], list[dict[str, Any]]],
    ) -> None:
        self._standing = standing
        self._desk = desk
        self._notices = notices
        self._interruptions = interruptions
        self._plan = plan
        self._status = status
        self._runs = runs

    def config(self) -> Config:
        return self._standing.config

    def gained(self, spreadsheet_ids: Collection[str]) -> None:
        """What has come to this member is synced at once: nobody knows how far the former one got."""
        names = frozenset(one.name for one in self.config().datasets if one.spreadsheet_id in spreadsheet_ids)
        try:
            self._desk.ask(Ask(names, "takeover"))
        except ShuttingDownError:
            return

    def is_open(self) -> bool:
        return self._desk.open

    def refresh(self) -> None:
        names = self._standing.refresh_switches()
        if names is not None:
            self._plan()  # also when one ends by itself, which nobody will say
        if names:
            self._standing.try_again({COMMON, *names})
            try:
                self._desk.ask(Ask(names, "enable"))
            except ShuttingDownError:
                return

    def runs_ended(self) -> int:
        return self._standing.totals.runs

    def report(self) -> tuple[str, dict[str, Any]]:
        status = self._status()
        told = {name: status[name] for name in _TOLD}
        mine = {name for one in status["cluster"]["spreadsheets"] if one["mine"] for name in one["datasets"]}
        told["datasets"] = [one for one in status["datasets"] if one["name"] in mine]
        return status["health"]["level"], told | {"runs": self._runs(LAST_RUNS)}

    # --- what others ask ------------------------------------------------------------------------------------

    def force_here(self, names: Collection[str], *, allow_deletes: bool) -> Future[dict[str, Any]]:
        """Those that this daemon is not configured with are not in the result. Raises ShuttingDownError."""
        known = frozenset(one.name for one in self.config().datasets if one.name in names)
        job = self._desk.ask(Ask(known, "force", allow_deletes))
        self._interruptions.wake()  # as when it is forced here
        return document_when_done(job.done, known)

    def notice_here(self, names: Collection[str]) -> None:
        self._notices.notice([one.name for one in self.config().datasets if one.name in names])
