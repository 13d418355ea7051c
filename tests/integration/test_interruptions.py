"""A sync that is held up or ended between two batches: at any of them, and nothing is half-written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from moneymentor_sync.core.errors import StoppedError
from moneymentor_sync.core.ports import RunResult
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

    def __call__(self) -> None:
        self.passed += 1
        if self.passed == self.number:
            raise StoppedError("the daemon is being stopped")


def run_with(bench: Workbench, gate: Callable[[], None]) -> RunResult:
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

    def end_after_the_write() -> None:
        gate()
        if happened:
            raise StoppedError("the daemon is being stopped")

    run = run_with(bench, end_after_the_write)
    assert happened
    header, *rows = bench.grid()
    at = header.index("notes")
    assert [row[at] for row in rows] == [f"note {i}" for i in range(1, 7)], "people's cells were given back"
    assert run.outcome in ("ok", "stopped")


@pytest.mark.parametrize("when", ["reading", "writing"])
def test_a_sync_that_was_held_up_goes_on_where_it_was(bench: Workbench, when: str) -> None:
    bench.people(*MANY)
    held: list[str] = []
    progress: list[str] = []

    def tick(dataset: str, phase: str, done: int, total: int | None) -> None:
        progress.append(phase)

    def gate() -> None:
        if progress and progress[-1] == when and not held:
            held.append(when)
            bench.clock.sleep(60.0)  # a person's requests take their time

    around = Surroundings(bench.clock, bench.clock, bench.clock.sleep, bench.chance)
    with open_engine(bench.config, holder="test", tick=tick, gate=gate, surroundings=around) as engine:
        run = engine.run(bench.config.datasets)
    assert held == [when]
    assert run.ok
    assert bench.rows() == body(MANY)
