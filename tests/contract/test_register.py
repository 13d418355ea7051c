"""The register of a fleet, in a real server: who is who, errands, and what is forgotten."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select, update
from tests.databases import PostgresqlServer

from moneymentor_sync.adapters.cluster_database import open_cluster_database, prepare
from moneymentor_sync.adapters.cluster_dialect import server_now
from moneymentor_sync.adapters.cluster_register import FORGET_SECONDS, ClusterRegister
from moneymentor_sync.adapters.cluster_schema import errand, member
from moneymentor_sync.core.cluster_ports import Errand
from moneymentor_sync.core.errors import ClusterError


@pytest.fixture(params=["postgresql", "mariadb"])
def registers(request: pytest.FixtureRequest) -> Iterator[tuple[ClusterRegister, ClusterRegister]]:
    """Two fleets in one database."""
    engine = open_cluster_database(request.getfixturevalue(f"{request.param}_server").new_database().url)
    prepare(engine, "one")
    prepare(engine, "two")
    yield ClusterRegister(engine, "one"), ClusterRegister(engine, "two")
    engine.dispose()


def test_members_of_a_fleet_see_each_other_and_no_other_fleet(
    registers: tuple[ClusterRegister, ClusterRegister],
) -> None:
    one, two = registers
    a, b, c = one.join("a", 11, "0.1.0"), one.join("b", 12, "0.1.0"), two.join("c", 13, "0.1.0")
    assert len({a, b, c}) == 3
    one.publish(a, "healthy", {"is_running": True})
    assert [(m.id, m.name, m.pid, m.health) for m in one.members()] == [(a, "a", 11, "healthy"), (b, "b", 12, "")]
    assert one.documents() == {a: {"is_running": True}}
    one.publish(a, "warning", None)
    assert one.documents() == {a: {"is_running": True}}, "only what is given is another"
    assert [m.name for m in two.members()] == ["c"]
    assert abs(one.members()[0].seen_at - one.now()) < 60
    one.leave(a)
    assert [m.name for m in one.members()] == ["b"]


def test_errands_are_for_one_member_until_they_are_answered_and_gone_when_it_leaves(
    registers: tuple[ClusterRegister, ClusterRegister],
) -> None:
    one, _ = registers
    a, b = one.join("a", 11, "0.1.0"), one.join("b", 12, "0.1.0")
    first, second = one.ask(b, {"do": "force", "datasets": ["x"]}), one.ask(b, {"do": "notice"})
    assert one.errands(a) == []
    assert one.errands(b) == [Errand(first, {"do": "force", "datasets": ["x"]}), Errand(second, {"do": "notice"})]
    assert one.answers([first, second]) == {}
    one.answer(first, {"ok": True})
    assert [errand.id for errand in one.errands(b)] == [second]
    assert one.answers([first, second]) == {first: {"ok": True}}
    one.withdraw([first])
    assert one.answers([first]) == {}
    one.leave(b)
    assert one.errands(b) == []


@pytest.mark.parametrize("text", ["x", "", "[1]", "null", '{"do": '])
def test_what_cannot_be_read_hides_nothing_else(
    registers: tuple[ClusterRegister, ClusterRegister], text: str
) -> None:
    one, _ = registers
    a, b = one.join("a", 11, "0.1.0"), one.join("b", 12, "0.1.0")
    one.publish(b, "healthy", {"is_running": True})
    damaged, sound, answered = (one.ask(a, {"do": "notice"}) for _ in range(3))
    one.answer(answered, {"ok": True})
    with one._engine.begin() as db:
        assert db.execute(update(errand).where(errand.c.id == damaged).values(ask=text)).rowcount == 1
        assert db.execute(update(member).where(member.c.id == a).values(document=text)).rowcount == 1
    assert one.errands(a) == [Errand(sound, {"do": "notice"})]
    with one._engine.begin() as db:
        assert list(db.scalars(select(errand.c.id))) == [sound, answered], "it does not come each time"
        assert db.execute(update(errand).where(errand.c.id == sound).values(answer=text)).rowcount == 1
    assert one.answers([sound, answered]) == {answered: {"ok": True}}
    assert one.documents() == {b: {"is_running": True}}


def test_who_has_not_been_seen_for_a_day_is_forgotten_when_somebody_joins(
    registers: tuple[ClusterRegister, ClusterRegister],
) -> None:
    one, _ = registers
    gone, here = one.join("gone", 11, "0.1.0"), one.join("here", 12, "0.1.0")
    with one._engine.begin() as db:
        db.execute(update(member).where(member.c.id == gone).values(seen_at=server_now() - FORGET_SECONDS - 1))
    new = one.join("new", 13, "0.1.0")
    assert [m.id for m in one.members()] == [here, new]


def test_without_the_tables_it_says_what_is_wrong(postgresql_server: PostgresqlServer) -> None:
    engine = open_cluster_database(postgresql_server.new_database().url)
    with pytest.raises(ClusterError) as caught:
        ClusterRegister(engine, "one").members()
    assert caught.value.hint
    engine.dispose()
