"""What a run says of itself while Google takes its time."""

from __future__ import annotations

from moneymentor_sync.sandbox.messages import Request
from moneymentor_sync.sync import Surroundings
from moneymentor_sync.wiring import open_engine

from .workbench import Workbench

ROWS = [(1, "Ann", 5), (2, "Bob", 6)]


def test_it_says_that_it_writes_while_it_does(bench: Workbench) -> None:
    """Not that it still plans, which is what it did before: a small write is one request, and may take a minute."""
    said: list[str] = []
    during: list[str] = []
    around = Surroundings(bench.clock, bench.clock, bench.clock.sleep, bench.chance)

    def tick(dataset: str, phase: str, done: int, total: int | None) -> None:
        said.append(phase)

    def look(request: Request) -> None:
        if b"updateCells" in request.body or b"appendCells" in request.body:
            during.append(said[-1])

    bench.box.hooks.before_write(look)
    for rows in (ROWS, [*ROWS, (3, "Cyd", 7)], [(1, "Anna", 5), *ROWS[1:], (3, "Cyd", 7)]):
        bench.people(*rows)
        said.clear()
        with open_engine(bench.config, holder="test", tick=tick, surroundings=around) as engine:
            assert engine.run(bench.config.datasets).ok
        assert said[-1] == "writing"
    assert during == ["writing"] * 3
