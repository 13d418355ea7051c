"""A sync that is held up or ended between two batches: at any of them, and nothing is half-written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from moneymentor_sync.core.errors import StoppedError
from moneymentor_sync.core.ports import Gate, RunResult
from moneymentor_sync.sandbox.faults import Fault
from moneymentor_sync.sync import Surroundings
from moneymentor_sync.wiring import open_engine

from .workbench import TAB, Workbench, body

MANY = [(i, "x" * 200, i) for i in range(1, 12_001)]  # 2.6 MB: more than one body
SOME = [(i, f"p{i}", i * 10) for i in range(1, 7)]


@dataclass
class StopAt:
    """A gate that ends the sync the n-th time that it is passed."""

    number: int
    passed: int = 0

    def __call__(self, *, wait: bool) -> bool:
        self.passed += 1
        if self.passed == self.number:
            raise StoppedError("the daemon is being stopped")
        return False


def run_with(bench: Workbench, gate: Gate) -> RunResult:
    around = Surroundings(bench.clock, bench.clock, bench.clock.sleep, bench.chance)
    bench.box.log.reset()
    with open_engine(bench.config, holder="test", gate=gate, surroundings=around) as engine:
        return engine.run(bench.config.datasets)


def test_a_large_first_sync_passes_the_gate_between_all_its_batches(bench: Workbench) -> None:
    bench.people(*MANY)
    gate = StopAt(0)
    assert run_with(bench, gate).ok
    writes = len(bench.box.log.of("write"))
    assert writes >= 4
    assert gate.passed >= writes + len(bench.box.log.of("read")), "before each request there is a gate"


def test_stopped_at_any_gate_nothing_half_written_is_seen_and_the_next_sync_makes_up_for_it(
    bench: Workbench,
) -> None:
    bench.people(*MANY)
    probe = StopAt(0)
    stopped_at = 0
    while True:
        stopped_at += 1
        gate = StopAt(stopped_at)
        run = run_with(bench, gate)
        if run.ok:
            probe = gate
            break
        assert run.outcome == "stopped"
        assert run.datasets[0].error_code == "stopped"
        assert TAB not in bench.everything(), "a tab that is not whole is not shown"
    assert probe.passed == stopped_at - 1
    assert stopped_at >= 5
    assert bench.rows() == body(MANY)


def test_stopped_between_an_answer_that_missed_and_its_repair_the_repair_is_made_first(bench: Workbench) -> None:
    bench.people(*SOME)
    bench.sync()
    bench.person.insert_columns(TAB, 2)
    bench.person.type_rows(TAB, 0, 2, [["notes"], *[[f"note {i}"] for i in range(1, 7)]])
    bench.people(*[(key, name, score + 1) for key, name, score in SOME])
    happened = bench.before_write(lambda: bench.person.move_columns(TAB, 2, 3, 4))
    gate = StopAt(0)

    def end_after_the_write(*, wait: bool) -> bool:
        if happened:
            raise StoppedError("the daemon is being stopped")
        return gate(wait=wait)

    run = run_with(bench, end_after_the_write)
    assert happened
    header, *rows = bench.grid()
    at = header.index("notes")
    assert [row[at] for row in rows] == [f"note {i}" for i in range(1, 7)], "people's cells were given back"
    assert run.outcome in ("ok", "stopped")


class Held:
    """A gate that somebody holds: from `phase` on, so many times that it is looked at, until it is waited at."""

    def __init__(self, bench: Workbench, phase: str, times: int = 1) -> None:
        self.bench, self.phase, self.times = bench, phase, times
        self.phases: list[str] = [""]
        self.waited: list[str] = []
        self.while_waiting: Callable[[], object] = lambda: None
        self._holds = False

    def tick(self, dataset: str, phase: str, done: int, total: int | None) -> None:
        self.phases.append(phase)

    def __call__(self, *, wait: bool) -> bool:
        if self.phases[-1] == self.phase and self.times > 0:
            self.times -= 1
            self._holds = True
        held = self._holds
        if held and wait:
            self.waited.append(self.phases[-1])
            self.bench.clock.sleep(60.0)  # a person's requests take their time
            self.while_waiting()
            self._holds = False
        return held

    def run(self) -> RunResult:
        bench = self.bench
        around = Surroundings(bench.clock, bench.clock, bench.clock.sleep, bench.chance)
        with open_engine(bench.config, holder="test", tick=self.tick, gate=self, surroundings=around) as engine:
            return engine.run(bench.config.datasets)


@pytest.mark.parametrize("phase", ["", "reading", "comparing", "writing"])
def test_a_sync_that_was_held_up_comes_to_the_same_end(bench: Workbench, phase: str) -> None:
    bench.people(*MANY)
    held = Held(bench, phase)
    assert held.run().ok
    assert held.waited
    assert bench.rows() == body(MANY)


def test_who_holds_has_the_database_for_themselves(bench: Workbench) -> None:
    bench.people(*MANY)
    held = Held(bench, "reading")
    held.while_waiting = lambda: bench.sql("UPDATE people SET name = 'changed meanwhile' WHERE id = 1")
    assert held.run().ok
    assert bench.rows()[0] == [1.0, "changed meanwhile", 1.0], "and the sync reads what they wrote"


@pytest.mark.parametrize("phase", ["comparing", "writing"])
def test_what_a_person_does_while_a_sync_is_held_up_is_looked_at_before_it_deletes(
    bench: Workbench, phase: str
) -> None:
    bench.people(*SOME)
    bench.sync()
    bench.person.type_rows(TAB, 0, 4, [["notes"], *[[f"note {i}"] for i in range(1, 7)]])
    bench.people(*SOME[:1], *SOME[2:])  # 2 is gone
    held = Held(bench, phase)
    if phase == "writing":  # right before the batch is sent: there is no progress between that and the comparison
        held = Held(bench, "comparing", times=3)
    held.while_waiting = lambda: bench.person.sort(TAB, 0, descending=True)
    run = held.run()
    assert run.ok and held.waited
    assert run.datasets[0].deleted == 1
    found = {row[0]: row[4] for row in bench.rows() if row and row[0] is not None}
    assert found == {float(i): f"note {i}" for i in (1, 3, 4, 5, 6)}


def test_constant_traffic_does_not_keep_a_sync_from_its_end(bench: Workbench) -> None:
    bench.people(*SOME)
    bench.sync()
    bench.people(*[(key, name, score + 1) for key, name, score in SOME])
    held = Held(bench, "comparing", times=1000)
    assert held.run().ok
    assert 1 <= len(held.waited) < 20
    assert bench.rows() == body([(key, name, score + 1) for key, name, score in SOME])


LARGE = [(i, f"p{i}", i) for i in range(1, 801)]


def test_what_a_misplaced_write_hit_is_given_back_also_where_more_batches_were_to_follow(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    bench.people(*LARGE)
    bench.sync()
    monkeypatch.setattr("moneymentor_sync.adapters.google_sheets.BODY_BYTES", 12_000)
    bench.people(*[(key, name, score + 1000) for key, name, score in LARGE if key % 3])
    happened = bench.before_write(lambda: bench.person.insert_columns(TAB, 2), skip=2)

    held: list[bool] = []

    def gate(*, wait: bool) -> bool:
        if happened and not held:
            held.append(True)
            return True
        return False

    bench.datasets = [bench.dataset(max_delete_fraction=1.0)]
    assert run_with(bench, gate).ok
    assert happened
    header, *rows = bench.grid()
    theirs = header.index(None) if None in header else 2
    assert [row[theirs] for row in rows if len(row) > theirs and row[theirs] is not None] == []
    kept = sorted(float(str(row[header.index("id")])) for row in rows if row[header.index("id")] is not None)
    assert kept == [float(key) for key, _, _ in LARGE if key % 3]


def test_a_dataset_is_not_decided_on_what_was_read_before_another_one_waited(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch
) -> None:
    twenty = LARGE[:20]
    bench.sql("CREATE TABLE other (id INTEGER PRIMARY KEY, name TEXT, score NUMERIC)")
    bench.people(*[(i, f"n{i}", i) for i in range(1, 3001)])
    bench.sql("INSERT INTO other VALUES (?,?,?)", *twenty)
    query = "SELECT id, name, score FROM other ORDER BY id"
    bench.datasets = [bench.dataset(), bench.dataset(name="other", tab="Other", query=query)]
    monkeypatch.setattr("moneymentor_sync.adapters.google_reader.ReadSizes.__init__.__defaults__", (4_000, 4_000))
    assert bench.run().ok
    bench.person.type_rows("Other", 0, 4, [["notes"], *[[f"note {i}"] for i in range(1, 21)]])
    assert bench.run().ok
    bench.sql("DELETE FROM other WHERE id = 3")
    bench.forget_fingerprints()
    fault = bench.box.faults.add(Fault("status", on="read", nth=4, count=1))
    sorted_at: list[float] = []

    def gate(*, wait: bool) -> bool:
        if wait and fault.fired and not sorted_at:
            sorted_at.append(bench.clock())
            bench.clock.sleep(60.0)
            bench.person.sort("Other", 0, descending=True)
            return True
        return False

    around = Surroundings(bench.clock, bench.clock, bench.clock.sleep, bench.chance)
    with open_engine(bench.config, holder="test", gate=gate, surroundings=around) as engine:
        assert engine.run(bench.config.datasets).ok
    assert sorted_at
    header, *rows = bench.grid("Other")
    at = header.index("notes")
    found = {row[0]: row[at] for row in rows if row and row[0] is not None}
    assert found == {float(i): f"note {i}" for i in range(1, 21) if i != 3}
