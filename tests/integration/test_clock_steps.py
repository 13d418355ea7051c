"""The machine's clock set by hours: the real engine, its token, and marks that lie in the future."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import time_machine

from moneymentor_sync.adapters.state_ledger import Ledger
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sync import Surroundings
from moneymentor_sync.wiring import open_engine

from .workbench import Workbench, body

HOURS = 3600.0
ROWS = [(i, f"p{i}", i) for i in range(1, 7)]


@pytest.fixture
def away(tmp_path: Path) -> Iterator[Workbench]:
    """A workbench whose Google has a clock of its own, which is right and stands still."""
    now = time.time()
    with Sandbox(tmp_path / "sheets", quota=None, clock=lambda: now) as box:
        yield Workbench(box, tmp_path)


@pytest.mark.parametrize("hours", [-30.0, -6.0, 6.0, 30.0])
@pytest.mark.parametrize("verify", ["auto", 3600.0])
def test_a_step_costs_no_change_and_puts_off_no_comparison(
    bench: Workbench, hours: float, verify: float | str
) -> None:
    bench.datasets = [bench.dataset(verify=verify)]
    bench.people(*ROWS)
    bench.sync()
    bench.clock.now += hours * HOURS
    bench.person.type("People", 1, 1, "typed over")
    assert bench.sync().put_back == 1, "a mark from the future, or from long ago, says nothing of now"
    bench.people(*ROWS, (7, "p7", 7))
    bench.sync()
    bench.clock.now -= hours * HOURS
    bench.people(*ROWS[1:], (7, "p7", 70))
    bench.sync()
    assert bench.rows() == body([*ROWS[1:], (7, "p7", 70)])
    assert bench.sync().result == "unchanged"


def test_runs_from_the_future_hide_none_of_now(bench: Workbench) -> None:
    bench.people(*ROWS)
    bench.clock.now += 6 * HOURS
    bench.sync()
    bench.clock.now -= 6 * HOURS
    bench.people(*ROWS[:4])
    bench.sync()
    totals = Ledger(bench.state).totals()
    assert (totals.successful, totals.failed) == (2, 0)
    assert totals.last_success is not None and totals.last_success < bench.clock.now + HOURS


@pytest.mark.parametrize(("hours", "token_is_good"), [(6.0, False), (-6.0, True)], ids=["forward", "back"])
def test_a_machine_that_is_hours_off_is_told_and_nothing_is_half_done(
    away: Workbench, hours: float, token_is_good: bool
) -> None:
    """Google gives no token to a clock that is hours off; one from before is good while it seems so."""
    around = Surroundings(away.clock, away.clock, away.clock.sleep, away.chance)
    away.people(*ROWS)
    with open_engine(away.config, holder="test", surroundings=around) as engine:
        assert engine.run(away.config.datasets).ok
        away.people(*ROWS[1:], (7, "p7", 7))
        before = away.everything()
        with time_machine.travel(time.time() + hours * HOURS, tick=True):
            run = engine.run(away.config.datasets)
        assert run.ok is token_is_good
        if not run.ok:
            (failed,) = run.datasets
            assert failed.error_code == "credentials" and "clock" in str(failed.hint)
            assert away.everything() == before
        away.people(*ROWS[2:], (7, "p7", 70))
        assert engine.run(away.config.datasets).ok, "the clock is right again"
    assert away.rows() == body([*ROWS[2:], (7, "p7", 70)])


def test_started_on_a_clock_that_is_hours_back_it_says_so(away: Workbench) -> None:
    away.people(*ROWS)
    with time_machine.travel(time.time() - 6 * HOURS, tick=True):
        run = away.run()
    assert [one.error_code for one in run.datasets] == ["credentials"]
    assert "clock" in str(run.datasets[0].hint)
    away.sync()
    assert away.rows() == body(ROWS)
