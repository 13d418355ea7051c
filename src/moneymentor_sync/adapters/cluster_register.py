"""Who is who in a fleet, who has what, and errands between members: tables in the cluster's database."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine, delete, insert, select, update

from moneymentor_sync.core.cluster_ports import Errand, MemberSeen, ShardSeen
from moneymentor_sync.core.errors import ClusterError

from .cluster_dialect import server_now
from .cluster_errors import cluster_errors
from .cluster_schema import errand, member, shard
from .cluster_transaction import transaction

FORGET_SECONDS = 86_400.0
"""After so long the register forgets a member that ended without a word, and errands that nobody came back for."""


class ClusterRegister:
    """Register on the tables of `cluster_schema`."""

    def __init__(self, engine: Engine, fleet: str) -> None:
        self._engine = engine
        self._fleet = fleet

    def now(self) -> float:
        with self._transaction() as db:
            return float(db.execute(select(server_now())).scalar_one())

    def join(self, name: str, pid: int, version: str) -> int:
        with self._transaction() as db:
            db.execute(
                delete(member).where(
                    member.c.fleet == self._fleet, member.c.seen_at < server_now() - FORGET_SECONDS
                )
            )
            db.execute(
                delete(errand).where(
                    errand.c.fleet == self._fleet, errand.c.asked_at < server_now() - FORGET_SECONDS
                )
            )
            made = db.execute(
                insert(member)
                .values(
                    fleet=self._fleet, name=name, pid=pid, version=version, started_at=server_now(),
                    seen_at=server_now(), health="", document="null",
                )
                .returning(member.c.id)
            )  # fmt: skip
            return int(made.scalar_one())

    def leave(self, number: int) -> None:
        with self._transaction() as db:
            db.execute(delete(member).where(member.c.id == number))
            db.execute(delete(errand).where(errand.c.member == number))

    def publish(self, number: int, health: str, document: Mapping[str, Any] | None) -> None:
        said: dict[str, Any] = {"seen_at": server_now(), "health": health}
        if document is not None:
            said["document"] = json.dumps(document, separators=(",", ":"))
        with self._transaction() as db:
            db.execute(update(member).where(member.c.id == number).values(said))

    def members(self) -> list[MemberSeen]:
        columns = [member.c[name] for name in ("id", "name", "pid", "version", "started_at", "seen_at", "health")]
        with self._transaction() as db:
            rows = db.execute(select(*columns).where(member.c.fleet == self._fleet).order_by(member.c.id)).all()
        return [MemberSeen(*row) for row in rows]

    def documents(self) -> dict[int, dict[str, Any]]:
        with self._transaction() as db:
            rows = db.execute(select(member.c.id, member.c.document).where(member.c.fleet == self._fleet)).all()
        return _readable(rows)

    def shards(self) -> dict[int, ShardSeen]:
        with self._transaction() as db:
            rows = db.execute(
                select(shard.c.shard, shard.c.member, shard.c.since).where(shard.c.fleet == self._fleet)
            ).all()
        return {number: ShardSeen(owner, since) for number, owner, since in rows}

    # --- errands --------------------------------------------------------------------------------------------

    def ask(self, number: int, ask: Mapping[str, Any]) -> int:
        with self._transaction() as db:
            made = db.execute(
                insert(errand)
                .values(fleet=self._fleet, member=number, ask=json.dumps(ask), asked_at=server_now())
                .returning(errand.c.id)
            )
            return int(made.scalar_one())

    def errands(self, number: int) -> list[Errand]:
        """One that cannot be read is withdrawn: whoever asked finds that out, and asks in another way."""
        with self._transaction() as db:
            rows = db.execute(
                select(errand.c.id, errand.c.ask)
                .where(errand.c.member == number, errand.c.answer.is_(None))
                .order_by(errand.c.id)
            ).all()
        found = _readable(rows)
        self.withdraw([number for number, _ in rows if number not in found])
        return [Errand(number, ask) for number, ask in found.items()]

    def answer(self, number: int, answer: Mapping[str, Any]) -> None:
        with self._transaction() as db:
            db.execute(update(errand).where(errand.c.id == number).values(answer=json.dumps(answer)))

    def answers(self, errands: Sequence[int]) -> dict[int, dict[str, Any]]:
        with self._transaction() as db:
            rows = db.execute(
                select(errand.c.id, errand.c.answer).where(errand.c.id.in_(errands), errand.c.answer.is_not(None))
            ).all()
        return _readable(rows)

    def withdraw(self, errands: Sequence[int]) -> None:
        if not errands:
            return
        with self._transaction() as db:
            db.execute(delete(errand).where(errand.c.id.in_(errands)))

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        with cluster_errors(self._engine):
            try:
                with transaction(self._engine) as db:
                    yield db
            except (ValueError, TypeError) as error:  # what another version wrote
                raise ClusterError("the cluster's database has something in it that cannot be read") from error


def _readable(rows: Iterable[Any]) -> dict[int, dict[str, Any]]:
    """Those of the texts by number that are JSON objects: another version, or somebody's hand, may have written
    others, and they are no reason not to see the rest."""
    found: dict[int, dict[str, Any]] = {}
    for number, text in rows:
        with suppress(ValueError):
            read = json.loads(text)
            if isinstance(read, dict):
                found[number] = read
    return found
