"""Writes whose answer says nothing of what became of them: counted once, and people's cells are given back only
where something was taken."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moneymentor_sync.sandbox.faults import Fault

from .fault_kinds import PASSING, Kind
from .workbench import TAB, Workbench, body

SOME = [(number, f"name {number}", number) for number in range(1, 9)]


def plug_in_again(bench: Workbench) -> None:
    """As soon as somebody waits."""
    waits = bench.clock.sleep

    def meanwhile(seconds: float) -> None:
        waits(seconds)
        bench.box.plug_in()

    bench.clock.sleep = meanwhile  # type: ignore[method-assign]


@pytest.mark.parametrize("kind", PASSING, ids=lambda kind: kind.name)
def test_each_row_is_counted_once(bench: Workbench, kind: Kind) -> None:
    bench.people(*SOME)
    bench.sync()
    bench.people(*SOME[3:-1], (8, "other", 8), (9, "new", 9))
    fault = bench.box.faults.add(replace(kind.at(1), on="write"))
    if kind.kind == "refuse":
        plug_in_again(bench)
    result = bench.sync()
    assert fault.fired
    assert (result.inserted, result.updated, result.deleted) == (1, 1, 3)
    assert bench.rows() == body([*SOME[3:-1], (8, "other", 8), (9, "new", 9)])


def test_what_a_person_adds_where_a_write_would_have_gone_that_never_came_about_is_theirs(bench: Workbench) -> None:
    """While it is waited for another try, a column comes to stand where the write was to go."""
    bench.people(*SOME)
    bench.sync()
    bench.people(*SOME[:-1], (8, "name 8", 80))
    bench.box.faults.add(Fault("status", on="write", status=503))
    person, waits = bench.person, bench.clock.sleep

    def meanwhile(seconds: float) -> None:
        waits(seconds)
        person.insert_columns(TAB, 2, 1)
        person.type(TAB, 0, 2, "mine")
        person.type(TAB, 8, 2, "to be kept")

    bench.clock.sleep = meanwhile  # type: ignore[method-assign]
    bench.sync()
    assert bench.grid()[0] == ["id", "name", "mine", "score"]
    assert bench.grid()[8] == [8.0, "name 8", "to be kept", 80.0]


def test_a_write_that_is_refused_since_its_fence_was_taken_away_counts_for_nothing(bench: Workbench) -> None:
    bench.people(*SOME)
    bench.sync()
    bench.people(*SOME[3:])
    happened = bench.before_write(lambda: bench.person.delete_tab("_mmsync"))
    refused = bench.run().datasets[0]
    assert happened
    assert (refused.error_code, refused.deleted) == ("overtaken", 0)
    assert bench.sync().deleted == 3
    assert bench.rows() == body(SOME[3:])
