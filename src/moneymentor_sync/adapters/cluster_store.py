"""Store in a cluster's database: what a sync must know of the last one, whichever member made that.

Whoever writes is still the owner: each writing transaction first looks at the spreadsheet's shard, and holds on to
what it found until its end. A new owner takes the shard before that, and nothing is changed, or after it.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection, Engine, Table, delete, select
from sqlalchemy.sql.elements import ColumnElement

from moneymentor_sync.core.errors import ClusterStateError, LeaseLostError
from moneymentor_sync.core.ports import DatasetState, FenceState, RunResult
from moneymentor_sync.core.sharing import shard_of

from . import state_parts
from .cluster_dialect import add_missing, upsert
from .cluster_errors import errors_in_a_run
from .cluster_schema import dataset as datasets
from .cluster_schema import meta, shard, spreadsheet
from .cluster_schema import written as hashes
from .cluster_transaction import LARGE_SECONDS, SMALL_SECONDS, transaction
from .state_dataset import COLUMNS, state_of, values_of


class Local(Protocol):
    """What stays this member's own: see `ports.Store`."""

    def check_place(self) -> None: ...

    def record(self, run: RunResult) -> None: ...


class ClusterStore:
    """Store of a fleet. Every method may raise LeaseLostError: what is in doubt is lost, and changes nothing; and
    ClusterError, where the server answers and refuses.

    `epoch_of` gives the epoch under which the run that is under way has a spreadsheet, None where it no longer has
    it. The engine's pool connects anew by itself, so that a server that was gone is used again when it is back.
    """

    def __init__(self, engine: Engine, fleet: str, epoch_of: Callable[[str], int | None], local: Local) -> None:
        self._engine, self._fleet, self._local = engine, fleet, local
        self._epoch_of = epoch_of
        self._secret: bytes | None = None

    def secret(self) -> bytes:
        """The fleet's; made by whoever asks first."""
        if self._secret is None:
            with errors_in_a_run(self._engine), transaction(self._engine) as db:
                self._secret = make_secret(db, self._fleet, secrets.token_bytes(32))
        return self._secret

    def check_place(self) -> None:
        self._local.check_place()

    def record(self, run: RunResult) -> None:
        self._local.record(run)

    # --- datasets -------------------------------------------------------------------------------------------

    def dataset(self, name: str) -> DatasetState | None:
        columns = [datasets.c[column] for column in COLUMNS]
        with self._reading() as db:
            row = db.execute(select(*columns).where(self._is(datasets), datasets.c.name == name)).one_or_none()
        if row is None:
            return None
        try:
            return state_of(row)
        except (ValueError, TypeError, KeyError) as error:
            raise ClusterStateError(
                f"what the cluster's database has of dataset {name!r} cannot be read",
                hint=f"Delete its row in {datasets.name}: the next sync then compares every row.",
            ) from error

    def written(self, name: str, keys: Iterable[bytes]) -> dict[bytes, bytes]:
        with self._reading(LARGE_SECONDS) as db:
            return state_parts.look_up(ClusterRows(db, self._fleet, name), keys)

    def begin_write(self, name: str, state: DatasetState, rows: Mapping[bytes, bytes]) -> None:
        with self._writing(state.spreadsheet_id, LARGE_SECONDS) as db:
            self._save(db, name, state, dirty=True)
            state_parts.remember_new(ClusterRows(db, self._fleet, name), rows)

    def finish(
        self, name: str, state: DatasetState, rows: Mapping[bytes, bytes], forget: Iterable[bytes] | None
    ) -> None:
        with self._writing(state.spreadsheet_id, LARGE_SECONDS) as db:
            self._save(db, name, state, dirty=False)
            state_parts.remember(ClusterRows(db, self._fleet, name), rows, forget)

    def _save(self, db: Connection, name: str, state: DatasetState, *, dirty: bool) -> None:
        values = dict(zip(COLUMNS, values_of(state, dirty=dirty), strict=True))
        db.execute(upsert(db, datasets), {"fleet": self._fleet, "name": name, **values})

    # --- the fence ------------------------------------------------------------------------------------------

    def fence(self, spreadsheet_id: str) -> FenceState:
        fence = select(spreadsheet.c.token, spreadsheet.c.pending)
        with self._reading() as db:
            row = db.execute(fence.where(self._is(spreadsheet), spreadsheet.c.id == spreadsheet_id)).one_or_none()
        return FenceState(*row) if row else FenceState()

    def save_fence(self, spreadsheet_id: str, fence: FenceState) -> None:
        values = {"fleet": self._fleet, "id": spreadsheet_id, "token": fence.token, "pending": fence.pending}
        with self._writing(spreadsheet_id) as db:
            db.execute(upsert(db, spreadsheet), values)

    # --- transactions ---------------------------------------------------------------------------------------

    def _is(self, table: Table) -> ColumnElement[bool]:
        return table.c.fleet == self._fleet

    @contextmanager
    def _reading(self, seconds: float = SMALL_SECONDS) -> Iterator[Connection]:
        """All of it sees the same moment."""
        held_still = self._engine.execution_options(isolation_level="REPEATABLE READ")
        with errors_in_a_run(self._engine), transaction(held_still, seconds) as db:
            yield db

    @contextmanager
    def _writing(self, spreadsheet_id: str, seconds: float = SMALL_SECONDS) -> Iterator[Connection]:
        with errors_in_a_run(self._engine), transaction(self._engine, seconds) as db:
            self._prove(db, spreadsheet_id)
            yield db

    def _prove(self, db: Connection, spreadsheet_id: str) -> None:
        """Until the transaction ends nobody else can take the shard."""
        mine = self._epoch_of(spreadsheet_id)
        owned = self._is(shard), shard.c.shard == shard_of(spreadsheet_id)
        epoch = db.scalar(select(shard.c.epoch).where(*owned).with_for_update(read=True))
        if mine is None or mine != epoch:
            raise LeaseLostError(f"another member has taken spreadsheet {spreadsheet_id} over")


@dataclass(frozen=True, slots=True)
class ClusterRows:
    """`state_parts.Parts` in the table of the hashes."""

    db: Connection
    fleet: str
    dataset: str

    def read(self, parts: Sequence[int]) -> Mapping[int, bytes]:
        wanted = select(hashes.c.part, hashes.c.hashes).where(*self._among(parts))
        return {part: bytes(data) for part, data in self.db.execute(wanted)}

    def write(self, parts: Mapping[int, bytes]) -> None:
        mine = {"fleet": self.fleet, "dataset": self.dataset}
        kept = [{**mine, "part": part, "hashes": data} for part, data in parts.items() if data]
        gone = [part for part, data in parts.items() if not data]
        if kept:
            self.db.execute(upsert(self.db, hashes), kept)
        if gone:
            self.db.execute(delete(hashes).where(*self._among(gone)))

    def _among(self, parts: Sequence[int]) -> tuple[ColumnElement[bool], ...]:
        return hashes.c.fleet == self.fleet, hashes.c.dataset == self.dataset, hashes.c.part.in_(parts)


def make_secret(db: Connection, fleet: str, secret: bytes) -> bytes:
    """The fleet's secret: this one where it has none yet. One that others are making is waited for."""
    db.execute(add_missing(db, meta), {"fleet": fleet, "name": "secret", "value": secret})
    return bytes(db.scalars(select(meta.c.value).where(meta.c.fleet == fleet, meta.c.name == "secret")).one())
