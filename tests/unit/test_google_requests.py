"""A plan as requests: which cells are written together, and how a cell is spelled."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.adapters import google_requests as make
from moneymentor_sync.core.cells import CurrentCell, Formula
from moneymentor_sync.core.fence import FENCE_TAB, FenceSeen, is_stale, next_token
from moneymentor_sync.core.layout import Layout
from moneymentor_sync.core.plan import Plan, RowUpdate
from moneymentor_sync.core.ports import TabInfo

from .grids import shape

TAB = TabInfo(5, "T", 10, 10, 1)


def plan(width: int, positions: tuple[int, ...], updates: tuple[RowUpdate, ...]) -> Plan:
    of = shape(*[f"c{i}" for i in range(width)])
    return Plan("d", "T", of, Layout(positions), (None,) * width, False, updates)


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (None, {}),
        (True, {"userEnteredValue": {"boolValue": True}}),
        (7.0, {"userEnteredValue": {"numberValue": 7}}),
        (0.1, {"userEnteredValue": {"numberValue": 0.1}}),
        (1e300, {"userEnteredValue": {"numberValue": 1e300}}),
        ("=1+1", {"userEnteredValue": {"stringValue": "=1+1"}}),
        (Formula("=1+1"), {"userEnteredValue": {"formulaValue": "=1+1"}}),
    ],
)
def test_a_cell_is_always_typed(cell: CurrentCell, expected: object) -> None:
    assert make.typed(cell) == expected


@given(st.data())
def test_each_changed_cell_is_written_and_no_key_and_nothing_of_peoples(data: st.DataObject) -> None:
    width = data.draw(st.integers(2, 7))
    places = data.draw(st.lists(st.integers(0, 12), min_size=width, max_size=width, unique=True))
    old = tuple(float(i) for i in range(width))
    changes = data.draw(st.sets(st.integers(1, width - 1)))
    new = tuple(old[i] + 100 if i in changes else old[i] for i in range(width))
    update = RowUpdate(3, old, new)
    written: dict[int, float] = {}
    requests = make.update_requests(
        plan(width, tuple(places), (update,)), make.frame(plan(width, tuple(places), ()), TAB)
    )
    for request, placed in requests:
        body = msgspec.json.decode(request)["updateCells"]
        start = body["start"]["columnIndex"]
        values = [value["userEnteredValue"]["numberValue"] for value in body["rows"][0]["values"]]
        assert [(row, column) for row, column, _ in placed] == [(3, start + i) for i in range(len(values))]
        written |= {start + i: value for i, value in enumerate(values)}
    by_place = {place: new[i] for i, place in enumerate(places)}
    assert all(by_place[place] == value for place, value in written.items())
    assert {places[i] for i in changes} <= set(written)
    assert places[0] not in written


def test_three_cells_apart_go_in_one_request_with_what_lies_between() -> None:
    old = tuple(float(i) for i in range(8))
    new = tuple(cell + 100 if i in (1, 3, 5) else cell for i, cell in enumerate(old))
    of = plan(8, tuple(range(8)), (RowUpdate(3, old, new),))
    [(request, placed)] = make.update_requests(of, make.frame(of, TAB))
    assert len(placed) == 5
    assert len(request) <= 400


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [("yyyy-mm-dd", "DATE"), ("yyyy-mm-dd hh:mm", "DATE_TIME"), ("[h]:mm:ss", "TIME"), ("0.00", "NUMBER")],
)
def test_a_number_format_has_a_type(pattern: str, kind: str) -> None:
    assert make.number_format(pattern) == {"type": kind, "pattern": pattern}


def test_deletions_go_from_the_bottom_up_in_whole_spans() -> None:
    of = plan(2, (0, 1), ())
    of = Plan("d", "T", of.shape, of.layout, of.formats, False, deletes=(1, 2, 5))
    spans = [
        msgspec.json.decode(request)["deleteDimension"]["range"]
        for request in make.delete_requests(of, make.frame(of, TAB))
    ]
    assert [(span["startIndex"], span["endIndex"]) for span in spans] == [(5, 6), (1, 3)]


def test_the_fence_is_taken_away_and_put_up_anew_first_of_all() -> None:
    first = make.fence_requests(FenceSeen(None, None, None), "mmsync.a.1", 9, ["bot@x", "bot@y"])
    kinds = [next(iter(msgspec.json.decode(request))) for request in first]
    assert kinds == ["addSheet", "updateCells", "addProtectedRange", "addNamedRange"]
    assert msgspec.json.decode(first[0])["addSheet"]["properties"]["title"] == FENCE_TAB
    protected = msgspec.json.decode(first[2])["addProtectedRange"]["protectedRange"]
    assert protected["editors"] == {"users": ["bot@x", "bot@y"]}  # each account of a pool writes the mark
    later = make.fence_requests(
        FenceSeen("mmsync.a.1", "_mmsync_fence", 9), next_token("a", 2), 9, ["bot@x", "bot@y"]
    )
    kinds = [next(iter(msgspec.json.decode(request))) for request in later]
    assert kinds == ["deleteNamedRange", "addNamedRange"]


@pytest.mark.parametrize(
    ("reason", "stale"),
    [
        ("Invalid requests[0].deleteNamedRange: No named range with id: x", True),
        ("Invalid requests[1].addNamedRange: Cannot add named range with name: _mmsync_fence", True),
        ("Invalid requests[2].updateCells: No grid with id: 7", False),
        ("Unable to parse range: X!A1", False),
    ],
)
def test_a_refusal_at_the_fence_is_told_from_others(reason: str, stale: bool) -> None:
    assert is_stale(reason) is stale
