"""A daemon that is a member of a fleet: what it syncs, what it says of itself, and what it leaves to others."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moneymentor_sync.core.errors import ClusterError, LeaseLostError, UnavailableError
from moneymentor_sync.core.settings import ClusterSettings, Config
from moneymentor_sync.core.sharing import shard_of
from moneymentor_sync.core.switches import EVERYTHING, Switch
from moneymentor_sync.daemon.membership import Membership
from moneymentor_sync.daemon.parts import FleetEdges
from moneymentor_sync.sync.tenure import Tenure
from tests.daemon_double import Bench, Time, config_of

from .fleet_doubles import Engine, Register

SHEETS = {"a": "sheet-a", "b": "sheet-b"}


def configured(**sync: float) -> Config:
    """Each dataset in a spreadsheet of its own."""
    found = config_of("a", "b", **sync)
    return replace(found, datasets=tuple(replace(one, spreadsheet_id=SHEETS[one.name]) for one in found.datasets))


class Member(Bench):
    """`locks` and `register` are the fleet's; `beat` is one of the membership's."""

    def __init__(self, **sync: float) -> None:
        self.locks, self.register = Engine(), Register()
        super().__init__(configured(**sync), fleet=self._edges)

    def _edges(self, time: Time) -> FleetEdges:
        tenure = Tenure(self.locks, 15.0, time.monotonic)
        return FleetEdges(ClusterSettings("x"), "me", tenure, self.register, lambda _config: None)

    def beat(self, times: int = 1) -> None:
        fleet = self.daemon._works.fleet
        assert isinstance(fleet, Membership)
        for _ in range(times):
            self.pass_time(1.0)
            fleet.beat()
            self.settle()

    def loses(self, *names: str) -> None:
        """Another member has these from now on."""
        self.locks.close()
        self.locks.others = {shard_of(SHEETS[name]) for name in names}
        self.locks.alive = 2
        self.beat(2)

    @property
    def level(self) -> str:
        return str(self.status["health"]["level"])


@pytest.fixture
def member() -> Member:
    return Member(interval_seconds=3_600.0)


def test_it_syncs_what_it_gets_and_nothing_before(member: Member) -> None:
    member.start()
    assert member.synced == [] and member.level == "healthy"
    member.beat()
    assert member.synced == [["a", "b"]]
    assert member.engine.runs[0][0] == "takeover"


def test_what_others_have_is_neither_synced_nor_counted_against_it(member: Member) -> None:
    member.engine.fails = {"a": UnavailableError("503"), "b": UnavailableError("503")}
    member.start()
    member.beat()
    assert member.level == "unhealthy"
    member.loses("a", "b")
    assert (member.level, "stands by" in member.status["health"]["reason"]) == ("healthy", True)
    runs = len(member.synced)
    member.pass_time(7_200)
    assert len(member.synced) == runs


def test_a_lease_that_was_lost_for_a_moment_is_made_up_for_soon(member: Member) -> None:
    member.engine.fails = {"a": LeaseLostError("doubt")}
    member.start()
    member.beat()
    member.engine.fails = {}
    member.beat(6)
    assert member.synced[1:] == [["a"]]


def test_while_it_is_apart_nobody_waits_for_what_others_would_have_to_do(member: Member) -> None:
    member.start()
    with pytest.raises(ClusterError):
        member.daemon.operations.force(["a"], allow_deletes=False, by=None)
    member.beat()
    member.locks.broken = True
    member.beat()
    assert member.level == "degraded"
    with pytest.raises(ClusterError, match="takes no part"):
        member.daemon.operations.force(["a"], allow_deletes=False, by=None)


def test_a_member_that_cannot_speak_to_the_others_says_so(member: Member) -> None:
    member.start()
    member.beat()
    member.register.broken = True
    member.beat()
    assert (member.level, "cannot speak" in member.status["health"]["reason"]) == ("warning", True)


def test_somebody_elsewhere_turns_on_what_waits_for_its_breaker(member: Member) -> None:
    member.engine.fails = {"a": UnavailableError("503"), "b": UnavailableError("503")}
    member.start()
    member.beat()
    for _ in range(8):
        member.pass_time(3_700)
        member.beat()
    assert member.status["circuit"]["state"] == "open"
    before = len(member.synced)
    member.engine.fails = {}
    member.ledger.on[EVERYTHING] = Switch(EVERYTHING, enabled=True, since=member.time.clock())
    member.beat()
    assert member.synced[before:] == [["a", "b"]]


def test_a_clock_that_is_set_here_changes_nothing_that_others_switched(member: Member) -> None:
    member.start()
    member.beat()
    member.ledger.on["a"] = Switch("a", enabled=False, since=member.time.clock(), until=member.time.clock() + 600)
    member.beat()
    member.ledger.on["a"] = Switch("a", enabled=True, since=member.time.clock())  # elsewhere, a moment later
    member.daemon.clock_was_set(3_600.0)
    assert member.ledger.on["a"].enabled
