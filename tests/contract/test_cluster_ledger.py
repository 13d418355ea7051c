"""Switches that a whole fleet has, by clocks that differ; the rest of the ledger is the member's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from tests.fleets import Fleet

from moneymentor_sync.adapters.cluster_ledger import ClusterLedger
from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.adapters.state_ledger import Ledger
from moneymentor_sync.core.breaker import Breaker
from moneymentor_sync.core.errors import StateError
from moneymentor_sync.core.ports import DatasetResult, RunResult
from moneymentor_sync.core.record import DaemonMark
from moneymentor_sync.core.settings import Retention
from moneymentor_sync.core.switches import EVERYTHING, Switch, shifted


class Machine:
    """A member with a state file and a clock of its own, `ahead` of this machine's."""

    def __init__(self, fleet: Fleet, directory: Path, held: ExitStack) -> None:
        state = StateFile(directory / "state.db")
        held.callback(state.close)
        self.now = 1_000_000.0
        self.own = Ledger(directory / "state.db")
        self.ledger = ClusterLedger(self.own, fleet.engine, fleet.name, clock=lambda: self.now)


@pytest.fixture
def machines(fleet: Fleet, tmp_path: Path) -> Iterator[list[Machine]]:
    with ExitStack() as held:
        yield [Machine(fleet, tmp_path / name, held) for name in ("a", "b")]


OFF = Switch(EVERYTHING, enabled=False, since=1_000_000.0, reason="a pause", until=1_000_600.0)
ON = Switch("d", enabled=True, since=1_000_000.0)


def test_what_one_member_switched_all_find(machines: list[Machine], fleet: Fleet, tmp_path: Path) -> None:
    one, other = machines
    assert one.ledger.switches() == {}
    one.ledger.save_switches()
    one.ledger.save_switches(OFF, ON)
    assert one.ledger.switches() == {EVERYTHING: OFF, "d": ON}
    found = other.ledger.switches()
    assert (found[EVERYTHING].enabled, found[EVERYTHING].reason, found["d"].until) == (False, "a pause", None)
    other.ledger.save_switches(Switch("d", enabled=False, since=other.now))
    assert not one.ledger.switches()["d"].enabled
    assert one.own.switches() == other.own.switches() == {}
    elsewhere = Fleet(fleet.database, tmp_path, "elsewhere")
    assert ClusterLedger(one.own, elsewhere.engine, elsewhere.name).switches() == {}
    elsewhere.close()


def test_a_switch_ends_at_one_moment_however_far_the_clocks_are_apart(machines: list[Machine]) -> None:
    """The clocks stand still; the server's does not, and is known to a second."""
    one, other = machines
    other.now += 7_200
    one.ledger.save_switches(OFF)
    found = other.ledger.switches()[EVERYTHING]
    assert found.until is not None and abs(found.until - other.now - 600) < 60
    assert found.until - found.since == 600


def test_a_clock_that_is_set_on_one_machine_moves_nothing_on_others(machines: list[Machine]) -> None:
    one, other = machines
    one.ledger.save_switches(OFF)
    before = other.ledger.switches()[EVERYTHING]
    one.now += 3_600
    one.ledger.save_switches(*shifted({EVERYTHING: OFF}, 3_600).values())  # as the daemon does when it notices
    after, own = other.ledger.switches()[EVERYTHING], one.ledger.switches()[EVERYTHING]
    assert before.until and after.until and own.until
    assert abs(after.until - before.until) < 60
    assert abs(own.until - one.now - 600) < 60


def test_the_rest_is_the_members_own(machines: list[Machine], fleet: Fleet) -> None:
    one, other = machines
    shared = fleet.everything()
    run = RunResult("r", 1.0, 2.0, "sync", (DatasetResult("d", "T", "synced"),))
    mark, breakers = DaemonMark(42, "1.0", 5.0), {"d": Breaker("open", 5, 600.0, 1234.5)}
    one.ledger.record(run)
    one.ledger.save_mark(mark)
    one.ledger.save_breakers(breakers)
    for ledger in (one.ledger, one.own):
        assert [found["run_id"] for found in ledger.runs("d", 5)] == ["r"]
        assert (ledger.totals().successful, list(ledger.records()), ledger.mark()) == (1, ["d"], mark)
        assert ledger.breakers() == breakers
    assert one.ledger.prune(Retention(days=1), 1e9) == 1
    assert (other.ledger.runs(), other.ledger.mark(), other.ledger.breakers()) == ([], None, {})
    assert fleet.everything() == shared


def test_a_server_that_cannot_be_used_is_a_state_error(machines: list[Machine], fleet: Fleet) -> None:
    fleet.database.run("DROP TABLE mmsync_switch")
    for refused in (machines[0].ledger.switches, lambda: machines[0].ledger.save_switches(ON)):
        with pytest.raises(
            StateError, match=r"the cluster's (PostgreSQL|MySQL) database test_\d+ .*cannot be used"
        ):
            refused()
