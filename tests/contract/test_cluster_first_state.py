"""One machine becomes a fleet: what it knew goes along, once, whole or not at all."""

from __future__ import annotations

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path

import pytest
from tests.fleets import PATIENCE, Fleet

from moneymentor_sync.adapters.cluster_first_state import adopt_local_state
from moneymentor_sync.adapters.cluster_ledger import ClusterLedger
from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.adapters.state_ledger import Ledger
from moneymentor_sync.core.errors import ClusterError
from moneymentor_sync.core.layout import KnownTab
from moneymentor_sync.core.ports import DatasetState, FenceState
from moneymentor_sync.core.switches import Switch

KNOWN = KnownTab(7, "People", frozenset({"a", "b"}), (0, 2), ("id", "näme"), 30, noted=(("näme", "3fa9c2"),))
STATE = DatasetState("s1", "People", KNOWN, "shape", "1:00", "1:01", ("yyyy", None), 3, 12.5, '"x"')
BEGUN = replace(STATE, spreadsheet_id="s2", dirty=True, coming=(5, 4))
FENCES = {"s1": FenceState("one"), "s2": FenceState("two", "three")}
SWITCH = Switch("d", enabled=False, since=1_000_000.0, reason="why", until=1_000_600.0)


def rows(count: int, salt: str = "") -> dict[bytes, bytes]:
    return {blake2b(f"{salt}{n}".encode(), digest_size=16).digest(): bytes([n % 251]) * 16 for n in range(count)}


ROWS = {"d": rows(3_000), "e": rows(5, "e")}


def alone(directory: Path, *, salt: str = "") -> Path:
    """The state file of a machine that has worked alone."""
    path = directory / "state.db"
    with closing(StateFile(path)) as store:
        store.finish("d", STATE, ROWS["d"] | rows(1, salt), None)
        store.begin_write("e", BEGUN, ROWS["e"])
        for spreadsheet, fence in FENCES.items():
            store.save_fence(spreadsheet, fence)
    Ledger(path).save_switches(SWITCH)
    return path


def test_the_fleet_answers_as_the_machine_did(fleet: Fleet, tmp_path: Path) -> None:
    path = alone(tmp_path)
    assert adopt_local_state(fleet.engine, fleet.name, path, clock=lambda: SWITCH.since)
    store = fleet.member().store
    with closing(StateFile(path)) as before:
        assert store.secret() == before.secret()
        for name, keys in ROWS.items():
            assert store.dataset(name) == before.dataset(name) is not None
            assert store.written(name, keys) == before.written(name, keys) == keys
        assert {one: store.fence(one) for one in FENCES} == {one: before.fence(one) for one in FENCES} == FENCES
    ledger = ClusterLedger(Ledger(path), fleet.engine, fleet.name, clock=lambda: SWITCH.since)
    found = ledger.switches()["d"]
    assert (found.enabled, found.reason) == (False, "why")
    assert found.until is not None and found.until - found.since == 600 and abs(found.since - SWITCH.since) < 60


def test_what_the_fleet_knows_already_stays(fleet: Fleet, tmp_path: Path) -> None:
    path = alone(tmp_path)
    secret = fleet.member().store.secret()
    ClusterLedger(Ledger(path), fleet.engine, fleet.name).save_switches(replace(SWITCH, name="e"))
    before = fleet.everything()
    assert not adopt_local_state(fleet.engine, fleet.name, path)
    assert fleet.everything() == before
    assert fleet.member().store.secret() == secret


@pytest.mark.parametrize("first", ["a stand-by", "itself"])
def test_what_was_switched_off_stays_so_whoever_is_started_first(fleet: Fleet, tmp_path: Path, first: str) -> None:
    path = tmp_path / "state.db"
    StateFile(path).close()
    Ledger(path).save_switches(Switch("", enabled=False, since=1.0))
    if first == "a stand-by":
        path = alone(tmp_path)
        fleet.member().store.secret()
    assert not adopt_local_state(fleet.engine, fleet.name, path), "of its state nothing goes along"
    switches = ClusterLedger(Ledger(path), fleet.engine, fleet.name).switches()
    assert {name: one.enabled for name, one in switches.items()} == dict.fromkeys(Ledger(path).switches(), False)
    assert "" in switches


@pytest.mark.parametrize("made", [False, True])
def test_a_machine_that_knows_nothing_has_nothing_to_take_along(fleet: Fleet, tmp_path: Path, made: bool) -> None:
    path = tmp_path / "state.db"
    if made:
        StateFile(path).close()
    before = fleet.everything()
    assert not adopt_local_state(fleet.engine, fleet.name, path)
    assert path.exists() == made
    assert fleet.everything() == before, "so that one which knows something still can"


def test_of_several_that_come_at_once_one_wins_and_nothing_is_mixed(fleet: Fleet, tmp_path: Path) -> None:
    paths = [alone(tmp_path / str(number), salt=f"own {number} ") for number in range(3)]
    together = threading.Barrier(len(paths))

    def join(path: Path) -> bool:
        engine = fleet.new_engine()
        together.wait(PATIENCE)
        return adopt_local_state(engine, fleet.name, path)

    with ThreadPoolExecutor(len(paths)) as threads:
        won = list(threads.map(join, paths))
    assert sorted(won) == [False, False, True]
    winner = won.index(True)
    store = fleet.member().store
    own = [rows(1, f"own {number} ") for number in range(len(paths))]
    assert [bool(store.written("d", one)) for one in own] == won
    with closing(StateFile(paths[winner])) as theirs:
        assert store.secret() == theirs.secret()


def test_a_copy_that_fails_is_none(fleet: Fleet, tmp_path: Path) -> None:
    path = alone(tmp_path)
    fleet.database.run("ALTER TABLE mmsync_switch ADD CONSTRAINT only_on CHECK (enabled)")
    before = fleet.everything()
    with pytest.raises(ClusterError):
        adopt_local_state(fleet.engine, fleet.name, path)
    assert fleet.everything() == before
    fleet.database.run("ALTER TABLE mmsync_switch DROP CONSTRAINT only_on")
    assert adopt_local_state(fleet.engine, fleet.name, path), "and can be made up for"


def test_a_state_file_of_an_older_version_is_taken_along(fleet: Fleet, tmp_path: Path) -> None:
    path = alone(tmp_path)
    with closing(sqlite3.connect(path)) as db:
        db.execute("ALTER TABLE dataset DROP COLUMN coming")
        db.execute("DROP TABLE alert")
        db.execute("DROP TABLE alert_message")
        db.execute("PRAGMA user_version = 2")
        db.commit()
    assert adopt_local_state(fleet.engine, fleet.name, path)
    assert fleet.member().store.dataset("d") == STATE
