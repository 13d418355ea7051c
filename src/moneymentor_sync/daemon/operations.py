"""What may be asked of a daemon: the control channel's requests, each done here. Fits `control.operator.Operator`.

Called from the channel's threads. `status`, `healthy` and `metrics` read values that are replaced whole, and
wait for nothing; `by` is who asks, whom the channel has let in and logs.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress

from moneymentor_sync.core.agenda import Ask
from moneymentor_sync.core.daemon_ports import Accepted
from moneymentor_sync.core.errors import (
    AloneError,
    ClusterError,
    MmsyncError,
    NothingToSyncError,
    ShuttingDownError,
    TooManyHoldersError,
    UnknownDatasetError,
)
from moneymentor_sync.core.health import Health, in_fleet
from moneymentor_sync.core.holds import MAX_HOLDERS, alive
from moneymentor_sync.core.status import ConfigSeen, DatasetSeen, Snapshot, document
from moneymentor_sync.core.switches import EVERYTHING
from moneymentor_sync.sync import Surroundings
from moneymentor_sync.sync.engine import new_run_id

from .parts import Document, Identity, Parts, Works
from .reload import Reloaded, reloaded
from .results import document_when_done
from .standing import COMMON


class Operations:
    """`reconfigured` is called when the configuration has become another."""

    def __init__(
        self, identity: Identity, works: Works, parts: Parts, around: Surroundings, reconfigured: Callable[[], None]
    ) -> None:
        self._identity = identity
        self._standing = works.standing
        self._desk = works.desk
        self._interruptions = works.interruptions
        self._schedule = works.schedule
        self._notices = works.notices
        self._listening = works.listening
        self._board = works.board
        self._heart = works.heart
        self._fleet = works.fleet
        self._backups = works.backups
        self._parts = parts
        self._emit = parts.emit
        self._clock = around.clock
        self._monotonic = around.monotonic
        self._reconfigured = reconfigured
        self._around = around
        self._reloading = threading.Lock()

    # --- reading --------------------------------------------------------------------------------------------

    def status(self) -> Document:
        progress = self._board.progress
        return document(self.snapshot(), progress, now=self._clock(), mono=self._monotonic())

    def snapshot(self) -> Snapshot:
        standing, config, started = self._standing, self._standing.config, self._board.started
        due = self._schedule.due_in()
        return Snapshot(
            version=self._identity.version,
            config=ConfigSeen.of(config.sync),
            datasets=tuple(map(DatasetSeen.of, config.datasets)),
            health=self.health(),
            is_running=True,
            stopping=not self._desk.open,
            pid=self._identity.pid,
            started_at=started[0] if started else None,
            started_mono=started[1] if started else None,
            next_mono=None if due is None else self._monotonic() + due,
            last_health_check=self._board.last_check,
            totals=standing.totals,
            records=standing.records,
            switches=standing.switches,
            breaker=standing.common,
            breakers=standing.breakers,
            holds=self._interruptions.holds,
            errors=standing.errors,
            hearing=self._listening.hearing,
            cluster=self._fleet.view,
            backup=self._backups.seen,
            alerts=self._parts.alerts(),
        )

    def health(self) -> Health:
        """The verdict at this moment."""
        health = in_fleet(self._standing.health(self._heart.silent(), self._fleet.has), self._fleet.view)
        if self._desk.open:
            return health
        return Health(health.level, "it is stopping: the batch under way is being ended")

    def healthy(self) -> tuple[bool, Document]:
        health = self.health()
        return health.good and self._desk.open, {"status": health.level, "reason": health.reason}

    def metrics(self) -> str:
        return self._parts.render_metrics(self.status())

    def history(self, dataset: str | None, limit: int) -> Document:
        if dataset is not None:
            self._known([dataset])
        return {"runs": self._parts.ledger.runs(dataset, limit)}

    def cluster(self) -> Document:
        """Every member of the fleet with what it last told of itself. Raises ClusterError."""
        found: Document | None = self.status()["cluster"]
        if found is None:
            raise AloneError("this daemon is alone: it has no `[cluster] url`")
        told = self._fleet.documents()
        return found | {"members": [one | {"status": told.get(one["id"])} for one in found["members"]]}

    # --- syncing --------------------------------------------------------------------------------------------

    def force(self, datasets: Sequence[str] | None, *, allow_deletes: bool, by: object) -> Accepted:
        del by
        names = self._known(datasets) if datasets else self._enabled()
        if not names:
            raise NothingToSyncError("every dataset is disabled")
        if not self._has(names):
            self._refuse_if_stopping()
            self._refuse_if_apart()
            run_id = new_run_id(self._clock(), self._around.rng)
            return Accepted(run_id, self._fleet.force(run_id, names, allow_deletes=allow_deletes))
        job = self._desk.ask(Ask(names, "force", allow_deletes))
        self._interruptions.wake()  # a run that stands back for requests makes way for this one
        run_id, done = job.run.run_id, document_when_done(job.done, names)
        return Accepted(run_id, self._fleet.follow(run_id, names, done, allow_deletes=allow_deletes))

    def _has(self, names: Collection[str]) -> bool:
        """Whether all of these datasets are this member's."""
        return all(self._fleet.has(one) for one in self._standing.config.datasets if one.name in names)

    def notify(self, dataset: str, *, reason: str | None, by: object) -> Document:
        del reason, by
        self._refuse_if_stopping()
        self._known([dataset])
        if self._has([dataset]):
            self._notices.notice([dataset])
        else:
            self._fleet.notice([dataset])
        return {"accepted": True}

    def pause(self, holder: str, ttl_seconds: float, *, by: object) -> Document:
        del by
        self._refuse_if_stopping()
        hold = self._interruptions.place(holder, ttl_seconds)
        if hold is None:
            raise TooManyHoldersError(f"{MAX_HOLDERS:,} others hold the sync up already")
        self._emit("pause.placed", seconds=ttl_seconds)
        return {"paused_for_requests": True, "expires_in_seconds": round(hold.expires - self._monotonic(), 3)}

    def resume(self, holder: str, *, by: object) -> Document:
        del by
        self._refuse_if_stopping()
        held = self._interruptions.release(holder)
        self._emit("pause.released", still_held=held)
        return {"paused_for_requests": held}

    def is_held_by(self, holder: str) -> bool:
        """Whether that one's hold has not ended by itself."""
        return holder in alive(self._interruptions.holds, self._monotonic())

    # --- switches -------------------------------------------------------------------------------------------

    def enable(
        self, datasets: Sequence[str] | None, *, reason: str | None, for_seconds: float | None, by: object
    ) -> Document:
        del by
        answer = self._switch(datasets, enabled=True, reason=reason, for_seconds=for_seconds)
        names = self._known(datasets) if datasets else self._enabled()
        self._standing.try_again({COMMON, *names})
        with suppress(ShuttingDownError):  # it is in force, and will be when the daemon has been started again
            self._desk.ask(Ask(names, "enable"))
        return answer

    def disable(
        self, datasets: Sequence[str] | None, *, reason: str | None, for_seconds: float | None, by: object
    ) -> Document:
        del by
        return self._switch(datasets, enabled=False, reason=reason, for_seconds=for_seconds)

    def _switch(
        self,
        datasets: Sequence[str] | None,
        *,
        enabled: bool,
        reason: str | None = None,
        for_seconds: float | None = None,
    ) -> Document:
        self._refuse_if_stopping()
        names = self._known(datasets) if datasets else frozenset({EVERYTHING})
        self._standing.switch(names, enabled=enabled, reason=reason, for_seconds=for_seconds)
        with self._schedule.planning:
            self._schedule.when_switches_end(self._standing.next_switch_end())
        states = {one.name: self._standing.is_enabled(one) for one in self._standing.config.datasets}
        return {"sync_enabled": self._standing.sync_enabled, "datasets": states}

    # --- the configuration ----------------------------------------------------------------------------------

    def reload(self, *, by: object) -> Document:
        """Raises ConfigError; then the old configuration stays."""
        del by
        self._refuse_if_stopping()
        with self._reloading:  # signals and requests come in threads of their own
            new = self._read_again()
        self._emit("reload.done", changed=list(new.changed), needs_restart=list(new.needs_restart))
        return {"reloaded": True, "changed": list(new.changed), "needs_restart": list(new.needs_restart)}

    def _read_again(self) -> Reloaded:
        try:
            new = reloaded(self._standing.config, self._parts.load_config())
        except MmsyncError as error:
            self._emit("reload.refused", error=error.code, message=str(error))
            raise
        self._standing.configure(new.config)  # also where nothing in it changed: a key file may have
        self._reconfigured()
        return new

    # --- questions ------------------------------------------------------------------------------------------

    def _refuse_if_stopping(self) -> None:
        if not self._desk.open:
            raise ShuttingDownError("the daemon is stopping")

    def _refuse_if_apart(self) -> None:
        view = self._fleet.view
        if view is not None and view.me is None:
            raise ClusterError(f"this member takes no part in its fleet: {view.error or 'it is only joining'}")

    def _known(self, names: Iterable[str]) -> frozenset[str]:
        wanted = frozenset(names)
        known = [dataset.name for dataset in self._standing.config.datasets]
        unknown = sorted(wanted - set(known))
        if unknown:
            hint = f"Configured are: {', '.join(known) or 'none'}."
            raise UnknownDatasetError(f"there is no dataset {unknown[0]!r}", hint=hint)
        return wanted

    def _enabled(self) -> frozenset[str]:
        datasets = self._standing.config.datasets
        return frozenset(one.name for one in datasets if self._standing.is_enabled(one))
