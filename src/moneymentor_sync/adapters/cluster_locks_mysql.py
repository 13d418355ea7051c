"""Locks of a fleet on MariaDB or MySQL: user-level ones (GET_LOCK), of one session that has its own connection.

The server gives them back when the session ends, for whatever reason, and ends a session that has been silent for
the lease (`wait_timeout`). They are one server's, whatever database a session is in: their names have the database
and the fleet in them, as a hash, since MySQL takes 64 characters. They can be asked for one by one only, so that a
look goes by the members and shards that the tables know.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from hashlib import blake2b
from itertools import islice
from secrets import token_hex
from typing import Any

from sqlalchemy import Connection, Executable, inspect, select, text

from moneymentor_sync.core.cluster_ports import Seen
from moneymentor_sync.core.errors import ClusterError

from .cluster_database import open_lock_database
from .cluster_dialect import add_or_bump, check_mysql, server_now
from .cluster_errors import cluster_errors
from .cluster_locks import STATEMENT_SECONDS
from .cluster_schema import shard as shard_table

_AT_ONCE = 256
"""Locks in one statement."""
_LOOK = text(
    "SELECT 'me' AS what, 0 AS number, CONNECTION_ID() AS session "
    "UNION ALL SELECT 'member', id, IS_USED_LOCK(CONCAT(:members, id)) FROM mmsync_member WHERE fleet = :fleet "
    "UNION ALL SELECT 'shard', shard, IS_USED_LOCK(CONCAT(:shards, shard)) FROM mmsync_shard WHERE fleet = :fleet"
)
_OWNS = text("SELECT IS_USED_LOCK(:name) = CONNECTION_ID()")


class MysqlLocks:
    """LockEngine on MariaDB or MySQL; the tables of `cluster_schema` have to be there for more than a look.

    `url` is a SQLAlchemy URL, `silence` the seconds without a word after which its server ends the session; the
    server counts whole ones.
    """

    def __init__(self, url: str, fleet: str, silence: float) -> None:
        self._engine = open_lock_database(url, silence=silence, answer=STATEMENT_SECONDS)
        self._fleet = fleet
        of = f"{self._engine.url.database}\0{fleet}"
        digest = blake2b(of.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
        self._members, self._shards, self._probe = (f"mmsync.{digest}.{kind}." for kind in "msp")
        self._member: int | None = None
        self._session: Connection | None = None
        self._is_made = False

    def open(self, member: int | None) -> None:
        self.close()
        try:
            with cluster_errors(self._engine):
                self._session = self._engine.connect()
                check_mysql(self._session)
                self._refuse_shared_session(self._session)
                self._is_made = inspect(self._session).has_table(shard_table.name)
            if member is not None and member not in self._called("GET_LOCK('{}', 0)", self._members, [member]):
                raise ClusterError(f"another process takes part as member {member}")
        except BaseException:
            self.close()
            raise
        self._member = member

    def look(self) -> Seen:
        if not self._is_made:
            self._rows(text("SELECT 1"))  # that there is a session
            return Seen()
        rows = self._rows(_LOOK, fleet=self._fleet, members=self._members, shards=self._shards)
        members: dict[int, int] = {}
        held: dict[int, set[int]] = defaultdict(set)
        me = next(int(session) for what, _, session in rows if what == "me")
        for what, number, session in rows:
            if what == "member" and session is not None:
                members[int(session)] = int(number)
            elif what == "shard" and session is not None:
                held[int(session)].add(int(number))
        if self._member is not None and members.get(me) != self._member:
            self.close()
            raise ClusterError("the session that held this member's locks is no longer the same")
        return Seen(
            frozenset(held.get(me, ())),
            {number: frozenset(held.get(session, ())) for session, number in members.items() if session != me},
            frozenset().union(*(some for one, some in held.items() if one != me and one not in members)),
        )

    def owns(self, shard: int) -> bool:
        return bool(self._rows(_OWNS, name=f"{self._shards}{shard}")[0][0])

    def take(self, shards: Sequence[int]) -> dict[int, int]:
        taken = self._called("GET_LOCK('{}', 0)", self._shards, shards)
        if not taken:
            return {}
        now = self._rows(select(server_now()))[0][0]
        row = {"fleet": self._fleet, "epoch": 1, "member": self._member or 0, "since": now}
        self._do(shard_table, [{**row, "shard": number} for number in sorted(taken)])
        mine = shard_table.c.fleet == self._fleet, shard_table.c.shard.in_(taken)
        epochs = self._rows(select(shard_table.c.shard, shard_table.c.epoch).where(*mine))
        return {int(number): int(epoch) for number, epoch in epochs}

    def give(self, shards: Iterable[int]) -> None:
        self._called("RELEASE_LOCK('{}')", self._shards, sorted(shards))

    def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            with suppress(Exception):
                session.close()

    def _called(self, function: str, prefix: str, numbers: Iterable[int]) -> list[int]:
        """Calls a function for each lock, many in a statement; gives those for which it said yes."""
        found: list[int] = []
        for some in _batches(numbers):
            calls = ", ".join(function.format(f"{prefix}{number:d}") for number in some)
            found += [
                number for number, got in zip(some, self._rows(text(f"SELECT {calls}"))[0], strict=True) if got
            ]
        return found

    def _rows(self, statement: Executable, **given: Any) -> Sequence[Any]:
        session = self._opened()
        try:
            with cluster_errors(self._engine):
                return session.execute(statement, given).all()
        except BaseException:
            self.close()
            raise

    def _do(self, table: Any, rows: Sequence[dict[str, Any]]) -> None:
        """Their epochs grow: nobody else has them, so that what is read then is what was written."""
        session = self._opened()
        try:
            with cluster_errors(self._engine):
                session.execute(add_or_bump(session, table, "epoch"), rows)
        except BaseException:
            self.close()
            raise

    def _opened(self) -> Connection:
        if self._session is None:
            raise ClusterError("there is no session with the cluster's database")
        return self._session

    def _refuse_shared_session(self, session: Connection) -> None:
        """Raises ClusterError where a lock would not be one."""
        probe = (
            f"{self._probe}{token_hex(8)}"  # of this opening's own: others may be trying theirs at the same moment
        )
        with self._engine.connect() as other:
            if _both_get(probe, session, other) or _both_get(probe, other, session):
                raise ClusterError(
                    "connections to the cluster's database share a session: a proxy lends it by the transaction",
                    hint="Give `[cluster] url` the server's own port.",
                )


def _both_get(name: str, first: Connection, second: Connection) -> bool:
    """Whether a lock of one connection is the other's as well."""
    lock, free = text("SELECT GET_LOCK(:name, 0)"), text("SELECT RELEASE_LOCK(:name)")
    got = [one.scalar(lock, {"name": name}) == 1 for one in (first, second)]
    for one, has in zip((first, second), got, strict=True):
        if has:
            one.execute(free, {"name": name})
    return got != [True, False]


def _batches(numbers: Iterable[int]) -> Iterator[list[int]]:
    rest = iter(numbers)
    while some := list(islice(rest, _AT_ONCE)):
        yield some
