"""A server that is frozen, though its kernel still answers for it: whoever asks it something gets an end."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from tests.fleets import PATIENCE, Fleet

from moneymentor_sync.adapters import cluster_transaction
from moneymentor_sync.adapters.cluster_budget import ClusterBuckets
from moneymentor_sync.adapters.cluster_ledger import ClusterLedger
from moneymentor_sync.adapters.cluster_register import ClusterRegister
from moneymentor_sync.adapters.cluster_transaction import LARGE_SECONDS, SMALL_SECONDS, transaction
from moneymentor_sync.adapters.deadline import Deadline
from moneymentor_sync.adapters.state_ledger import Ledger
from moneymentor_sync.core.budget import Account, Pool
from moneymentor_sync.core.ports import DatasetState, FenceState
from moneymentor_sync.core.switches import Switch

pytestmark = pytest.mark.parametrize("fleet", ["postgresql"], indirect=True)  # MariaDB has its own ways

SHEET = "sheet"
STATE = DatasetState(SHEET, "People", None, "shape", "1:00", "1:01")
POOL = Pool((Account("a@p", "p"),))
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"


class Frozen:
    """The server's processes that serve this database, each stopped in the middle of whatever it does."""

    def __init__(self, fleet: Fleet) -> None:
        self._fleet = fleet
        self.pids: list[int] = []

    def __call__(self) -> None:
        self.pids += [pid for (pid,) in self._fleet.database.rows(BACKENDS)]
        assert self.pids, "there is a connection to be frozen"
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)

    def still(self) -> bool:
        states = [Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] for pid in self.pids]
        return set(states) == {"T"}


@pytest.fixture
def freeze(fleet: Fleet) -> Iterator[Frozen]:
    frozen = Frozen(fleet)
    yield frozen
    for pid in frozen.pids:
        os.kill(pid, signal.SIGCONT)


class Deadlines:
    """Those that were set from now on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.limits: list[float] = []
        self.cuts: list[Callable[[], None]] = []
        monkeypatch.setattr(cluster_transaction, "Deadline", self._set)

    def _set(self, seconds: float, cut: Callable[[], None]) -> Deadline:
        self.limits.append(seconds)
        self.cuts.append(cut)
        return Deadline(seconds, cut)


def here(engine: Engine, seconds: float) -> int:
    with transaction(engine, seconds) as db:
        return int(db.exec_driver_sql("SELECT pg_backend_pid()").scalar_one())


def test_a_connection_that_was_cut_is_not_used_again(fleet: Fleet, freeze: Frozen) -> None:
    before = here(fleet.engine, PATIENCE)
    assert here(fleet.engine, PATIENCE) == before, "it is kept"
    with pytest.raises(OperationalError), transaction(fleet.engine, 0.3) as db:
        freeze()
        db.exec_driver_sql("SELECT 1")
    assert freeze.still()
    assert here(fleet.engine, PATIENCE) != before


def test_trying_a_connection_of_the_pool_ends_as_well(fleet: Fleet, freeze: Frozen) -> None:
    before = here(fleet.engine, PATIENCE)
    freeze()
    assert here(fleet.engine, 0.3) != before, "another one is made in its place"
    assert freeze.still()


def test_a_cut_that_comes_too_late_hits_nobody_else(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    deadlines = Deadlines(monkeypatch)
    given_back = here(fleet.engine, PATIENCE)
    deadlines.cuts[0]()
    assert here(fleet.engine, PATIENCE) == given_back


def test_whatever_is_asked_of_the_clusters_database_has_an_end(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits = Deadlines(monkeypatch).limits
    store, register = fleet.member(SHEET).store, ClusterRegister(fleet.engine, fleet.name)
    ledger = ClusterLedger(Ledger(fleet.directory / "none.db"), fleet.engine, fleet.name)
    buckets = ClusterBuckets(fleet.database.url, fleet.name, POOL)
    small: list[Callable[[], object]] = [
        register.members,
        lambda: register.publish(1, "ok", {}),
        lambda: register.errands(1),
        ledger.switches,
        lambda: ledger.save_switches(Switch("a", False, 1.0, None, None)),
        store.secret,
        lambda: store.dataset("d"),
        lambda: store.save_fence(SHEET, FenceState("one")),
        lambda: buckets.ask("read", SHEET, None),
        buckets.used,
    ]
    large: list[Callable[[], object]] = [
        lambda: store.written("d", [b"k" * 16]),
        lambda: store.begin_write("d", STATE, {}),
        lambda: store.finish("d", STATE, {}, None),
    ]
    for seconds, deeds in ((SMALL_SECONDS, small), (LARGE_SECONDS, large)):
        del limits[:]
        for deed in deeds:
            deed()
        assert limits == [seconds] * len(deeds)
    buckets.close()
