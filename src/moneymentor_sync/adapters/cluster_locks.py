"""Locks of a fleet on PostgreSQL: advisory ones, of one session that has a connection of its own.

PostgreSQL gives them back when the session ends, for whatever reason, and ends a session that has been silent for
the lease (`idle_session_timeout`, since 14). A session of a pooler that lends connections by the transaction is no
session: locks of one client are another's there, which is tried when one is opened.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from hashlib import blake2b
from typing import Any

from sqlalchemy import Connection, text

from moneymentor_sync.core.cluster_ports import Seen
from moneymentor_sync.core.errors import ClusterError

from .cluster_database import open_lock_database
from .cluster_errors import cluster_errors
from .cluster_transaction import cut, limited
from .deadline import Deadline

STATEMENT_SECONDS = 2.0
"""How long the engine may take for an answer before this session counts as lost."""
OPEN_SECONDS = 15.0

_LOOK = text(
    "SELECT classid::bigint, objid::bigint, pid, pid = pg_backend_pid() FROM pg_locks "
    "WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid IN (:members, :shards) "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_OWNS = text(
    "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND classid = :shards "
    "AND objid = :shard AND pid = pg_backend_pid() "
    "AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
)
_TRY = text("SELECT shard, pg_try_advisory_lock(:key, shard) FROM unnest(CAST(:wanted AS int[])) AS shard")
_GIVE = text("SELECT pg_advisory_unlock(:key, shard) FROM unnest(CAST(:given AS int[])) AS shard")
_EPOCH = text(
    "WITH there AS (SELECT shard FROM mmsync_shard WHERE fleet = :fleet AND shard = ANY(CAST(:taken AS int[]))), "
    "free AS (SELECT shard FROM mmsync_shard WHERE fleet = :fleet AND shard = ANY(CAST(:taken AS int[])) "
    "FOR UPDATE SKIP LOCKED), "
    "bumped AS (UPDATE mmsync_shard AS old SET epoch = old.epoch + 1, member = :member, "
    "since = extract(epoch FROM clock_timestamp()) FROM free WHERE old.fleet = :fleet AND old.shard = free.shard "
    "RETURNING old.shard, old.epoch), "
    "made AS (INSERT INTO mmsync_shard (fleet, shard, epoch, member, since) "
    "SELECT :fleet, shard, 1, :member, extract(epoch FROM clock_timestamp()) "
    "FROM unnest(CAST(:taken AS int[])) AS shard WHERE shard NOT IN (SELECT shard FROM there) "
    "ON CONFLICT (fleet, shard) DO NOTHING RETURNING shard, epoch) "
    "SELECT shard, epoch FROM bumped UNION ALL SELECT shard, epoch FROM made"
)
"""Leaves out the rows that a transaction of a former owner still holds on to, instead of waiting for it."""


class PostgresqlLocks:
    """LockEngine on PostgreSQL; the tables of `cluster_schema` have to be there.

    `url` is a SQLAlchemy URL, `silence` the seconds without a word after which its server ends the session, `probe`
    gives the first number of a lock that nobody else tries.
    """

    def __init__(
        self, url: str, fleet: str, silence: float, *, probe: Callable[[], int] = lambda: secrets.randbits(31)
    ) -> None:
        self._engine = open_lock_database(url, silence=silence, answer=STATEMENT_SECONDS)
        self._fleet, self._probe = fleet, probe
        self._members, self._shards = _key(fleet, "members"), _key(fleet, "shards")
        self._member: int | None = None
        self._session: Connection | None = None

    def open(self, member: int | None) -> None:
        self.close()
        try:
            with cluster_errors(self._engine), limited(OPEN_SECONDS):
                self._session = self._engine.connect()
                self._refuse_pooler(self._session)
            if member is not None and member not in self._locked(self._members, [member]):
                raise ClusterError(f"another process takes part as member {member}")
        except BaseException:
            self.close()
            raise
        self._member = member

    def look(self) -> Seen:
        rows = self._rows(_LOOK, members=_unsigned(self._members), shards=_unsigned(self._shards))
        members: dict[int, int] = {}
        held: dict[int, set[int]] = defaultdict(set)
        me: int | None = None
        for key, number, pid, is_mine in rows:
            if is_mine:
                me = pid
            if key == _unsigned(self._members):
                members[pid] = number
            else:
                held[pid].add(number)
        if self._member is not None and (me is None or members.get(me) != self._member):
            self.close()
            raise ClusterError("the session that held this member's locks is no longer the same")
        return Seen(
            frozenset(held.get(me, ())) if me is not None else frozenset(),
            {number: frozenset(held.get(pid, ())) for pid, number in members.items() if pid != me},
            frozenset().union(*(shards for pid, shards in held.items() if pid != me and pid not in members)),
        )

    def owns(self, shard: int) -> bool:
        return bool(self._rows(_OWNS, shards=_unsigned(self._shards), shard=shard)[0][0])

    def take(self, shards: Sequence[int]) -> dict[int, int]:
        taken = self._locked(self._shards, shards)
        if not taken:
            return {}
        rows = self._rows(_EPOCH, fleet=self._fleet, member=self._member or 0, taken=taken)
        epochs = {int(shard): int(epoch) for shard, epoch in rows}
        self.give(set(taken) - epochs.keys())  # their former owner is still writing: they are tried again
        return epochs

    def give(self, shards: Iterable[int]) -> None:
        given = sorted(shards)
        if given:
            self._rows(_GIVE, key=self._shards, given=given)

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(Exception), Deadline(STATEMENT_SECONDS, lambda: _cut(session)):
                session.close()

    def _locked(self, key: int, wanted: Sequence[int]) -> list[int]:
        rows = self._rows(_TRY, key=key, wanted=list(wanted))
        return [int(number) for number, got in rows if got]

    def _rows(self, statement: Any, **given: Any) -> Sequence[Any]:
        session = self._session
        if session is None:
            raise ClusterError("there is no session with the cluster's database")
        try:
            # The socket's own time-outs do not end a wait for a server that is frozen: its kernel still answers.
            with cluster_errors(self._engine), Deadline(STATEMENT_SECONDS, lambda: _cut(session)):
                return session.execute(statement, given).all()
        except BaseException:
            self.close()
            raise

    def _refuse_pooler(self, session: Connection) -> None:
        """Raises ClusterError where a lock would not be one."""
        probe = self._probe()  # of this opening's own: others may be trying theirs at the same moment
        with self._engine.connect() as other:
            if _both_get(probe, session, other) or _both_get(probe, other, session):
                raise ClusterError(
                    "connections to the cluster's database share a session: a pooler lends it by the transaction",
                    hint="Give `[cluster] url` PostgreSQL's own port, or a pool in session mode.",
                )


def _both_get(key: int, first: Connection, second: Connection) -> bool:
    """Whether a lock of one connection is the other's as well."""
    got = [bool(one.exec_driver_sql(f"SELECT pg_try_advisory_lock({key}, 0)").scalar()) for one in (first, second)]
    for one, has in zip((first, second), got, strict=True):
        if has:
            one.exec_driver_sql(f"SELECT pg_advisory_unlock({key}, 0)")
    return got != [True, False]


def _key(fleet: str, kind: str) -> int:
    """The first of a lock's two numbers, signed as PostgreSQL wants it."""
    digest = blake2b(f"mmsync\0{fleet}\0{kind}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, signed=True)


def _unsigned(key: int) -> int:
    """The same as `pg_locks` shows it."""
    return key % (1 << 32)


def _cut(session: Connection) -> None:
    with suppress(Exception):
        cut(session.connection.driver_connection)
