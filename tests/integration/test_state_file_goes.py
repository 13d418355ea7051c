"""The state file removed or replaced under a running engine, and hidden tabs that an interrupted write left."""

from __future__ import annotations

import pytest

from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.core.errors import StateError, StoppedError
from moneymentor_sync.sync import Surroundings
from moneymentor_sync.wiring import open_engine

from .workbench import TAB, Workbench, body

MANY = [(i, "x" * 200, i) for i in range(1, 12_001)]
SOME = [(i, f"p{i}", i * 10) for i in range(1, 7)]


@pytest.mark.parametrize("replaced", [False, True])
def test_a_state_file_that_goes_is_noticed_before_anything_is_written(bench: Workbench, replaced: bool) -> None:
    bench.people(*SOME)
    around = Surroundings(bench.clock, bench.clock, bench.clock.sleep, bench.chance)
    with open_engine(bench.config, holder="test", surroundings=around) as engine:
        assert engine.run(bench.config.datasets).ok
        bench.forget()
        if replaced:
            StateFile(bench.state).close()
        bench.people(*SOME[:3])
        before = bench.everything()
        with pytest.raises(StateError, match="removed or replaced"):
            engine.run(bench.config.datasets)
        assert bench.everything() == before


@pytest.mark.parametrize("note", ["begin_write", "save_fence"])
@pytest.mark.parametrize("first", [True, False], ids=["first_sync", "change"])
def test_nothing_is_written_that_could_not_be_noted_first(
    bench: Workbench, monkeypatch: pytest.MonkeyPatch, note: str, first: bool
) -> None:
    """Each of the two notes alone: there may be no space for the one, and again for the other."""
    bench.people(*SOME)
    if not first:
        bench.sync()
        bench.people(*SOME[:5])
    before, missed = bench.everything(), list[str]()

    def no_space(*_: object) -> None:
        missed.append(note)
        raise StateError("no space is left on its disk")

    with monkeypatch.context() as patch:
        patch.setattr(StateFile, note, no_space)
        run = bench.run()
    assert missed and {one.error_code for one in run.datasets} == {"state"}
    assert bench.everything() == before
    bench.sync()
    assert bench.rows(TAB) == body(SOME if first else SOME[:5])


def test_a_state_file_is_for_its_owner_alone_whoever_made_it(bench: Workbench) -> None:
    bench.state.parent.mkdir(parents=True)
    bench.state.touch(mode=0o644)
    StateFile(bench.state).close()
    assert bench.state.stat().st_mode & 0o777 == 0o600


def test_the_hidden_tab_of_an_interrupted_write_goes_also_when_the_change_is_taken_back(bench: Workbench) -> None:
    bench.people(*SOME)
    bench.sync()
    bench.people(*SOME, *[(key + 100, name, score) for key, name, score in MANY])

    def stop_while_staging(*, wait: bool) -> bool:
        if any("staging" in tab for tab in bench.box.tabs(bench.spreadsheet)):
            raise StoppedError("the daemon is being stopped")
        return False

    around = Surroundings(bench.clock, bench.clock, bench.clock.sleep, bench.chance)
    with open_engine(bench.config, holder="test", gate=stop_while_staging, surroundings=around) as engine:
        assert engine.run(bench.config.datasets).outcome == "stopped"
    assert any("staging" in tab for tab in bench.box.tabs(bench.spreadsheet))
    bench.people(*SOME)
    bench.sync()
    assert not any("staging" in tab for tab in bench.box.tabs(bench.spreadsheet))
    assert bench.rows(TAB) == body(SOME)
