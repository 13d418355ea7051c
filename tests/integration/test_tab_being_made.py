"""A tab that a sync has just made and whose end was never recorded: followed by its id all the same.

A person sees the tab as soon as Google has it, and may rename it and write beside our rows before mmsync learns
that it is there: the process was killed, or the answer was lost.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from moneymentor_sync.core.fence import STAGING_PREFIX
from moneymentor_sync.sandbox.faults import Fault, FaultKind

from .rig import Rig
from .workbench import TAB, Workbench, body

ROWS = [(i, f"p{i}", i * 10) for i in range(1, 31)]
NOTES = [[f"note {i}"] for i in range(1, 31)]
RENAMED = "Our people"
STAGED = 700
"""A body of so many bytes holds a part of the rows only, so that they go through a hidden tab."""
LOST: list[FaultKind] = ["reset_after", "truncate", "html"]


@pytest.fixture(params=[None, STAGED], ids=["in one batch", "staged"])
def batches(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many batches a first sync takes."""
    if request.param is None:
        return 1
    monkeypatch.setattr("moneymentor_sync.adapters.google_sheets.BODY_BYTES", request.param)
    monkeypatch.setattr("moneymentor_sync.adapters.google_staging.BODY_BYTES", request.param)
    return 2


@pytest.fixture
def rig(bench: Workbench) -> Iterator[Rig]:
    bench.people(*ROWS)
    rig = Rig(bench)
    yield rig
    rig.close()


def rename(bench: Workbench) -> None:
    """Somebody gives the tab another name, and writes beside the rows."""
    bench.person.type_rows(TAB, 0, 4, [["notes"], *NOTES])
    bench.person.rename_tab(TAB, RENAMED)


def is_followed(bench: Workbench) -> None:
    assert list(bench.everything()) == ["Sheet1", RENAMED], "no second tab"
    assert [row[:3] for row in bench.rows(RENAMED)] == body(ROWS)
    assert [row[4:] for row in bench.rows(RENAMED)] == NOTES, "each note beside its row"
    assert not [tab for tab in bench.box.tabs(bench.spreadsheet) if tab.startswith(STAGING_PREFIX)]


def test_killed_anywhere_before_its_id_was_recorded(bench: Workbench, rig: Rig, batches: int) -> None:
    start = rig.moment()
    places: list[str] = []
    for crash_at in range(1, 100):
        rig.go_back(start)
        if rig.run(crash_at=crash_at) is not None:
            break
        assert rig.steps.crashed is not None
        if TAB not in bench.everything():
            continue
        places.append(rig.steps.crashed)
        rename(bench)
        result = rig.run()
        assert result is not None and result.ok, crash_at
        is_followed(bench)
    assert places[0] == "after request" and "before finish" in places


@pytest.mark.parametrize("kind", LOST)
def test_the_answer_was_lost_and_a_person_came_before_the_next_sync(
    bench: Workbench, rig: Rig, batches: int, kind: FaultKind
) -> None:
    bench.settings = replace(bench.settings, max_retries=0)
    fault = bench.box.faults.add(Fault(kind, on=":batchUpdate", nth=batches))
    assert not bench.run().ok
    assert fault.fired == 1 and TAB in bench.everything()
    rename(bench)
    bench.sync()
    is_followed(bench)


def test_the_answer_was_lost_and_a_person_came_before_the_next_try(
    bench: Workbench, rig: Rig, batches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sleep(seconds: float) -> None:
        bench.clock.now += seconds
        if TAB in bench.everything():
            rename(bench)

    monkeypatch.setattr(bench.clock, "sleep", sleep)
    fault = bench.box.faults.add(Fault("reset_after", on=":batchUpdate", nth=batches))
    bench.sync()
    assert fault.fired == 1
    is_followed(bench)


def test_a_request_that_arrives_only_after_the_next_try_had_begun(bench: Workbench, rig: Rig) -> None:
    start = rig.moment()
    assert rig.run() is not None
    sent = max(n for n, name in enumerate(rig.steps.passed, 1) if name == "before request")
    rig.go_back(start)
    assert rig.run(crash_at=sent + 1) is None
    late = rig.moment()
    for _ in range(2):  # killed right before each sends its own
        rig.go_back(replace(rig.moment(), document=start.document))
        assert rig.run(crash_at=sent) is None
        assert TAB not in bench.everything()
    rig.go_back(replace(rig.moment(), document=late.document))
    rename(bench)
    last = rig.run()
    assert last is not None and last.ok
    is_followed(bench)


def test_a_tab_whose_deletion_a_person_takes_back_is_followed_though_another_was_to_be_made(
    bench: Workbench, rig: Rig
) -> None:
    bench.sync()
    rename(bench)
    bench.sync()
    there = rig.document
    bench.person.delete_tab(RENAMED)
    bench.settings = replace(bench.settings, max_retries=0)
    fault = bench.box.faults.add(Fault("status", on=":batchUpdate"))
    assert not bench.run().ok
    assert fault.fired == 1 and list(bench.everything()) == ["Sheet1"]
    library = bench.box.library
    with library.lock:
        library.documents = library.documents | {bench.spreadsheet: there}
    bench.sync()
    is_followed(bench)
