"""What every Store promises, on the state file and in a cluster's database alike."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fleets import Fleet

from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.core.layout import KnownTab
from moneymentor_sync.core.ports import DatasetState, FenceState, Store

SHEET = "sheet"
KNOWN = KnownTab(7, "People", frozenset({"a", "b"}), (0, 2), ("id", "näme"), 30, noted=(("näme", "3fa9c2"),))
STATE = DatasetState(SHEET, "People", KNOWN, "shape", "1:00", "1:01", ("yyyy", None), 3, 12.5, '"x"')


class Place(Protocol):
    """Where a store keeps what it keeps."""

    def open(self) -> Store:
        """The store, opened anew."""
        ...

    def another(self) -> Store:
        """A store in a place of its own."""
        ...


class OnFile:
    def __init__(self, directory: Path, held: ExitStack) -> None:
        self._directory, self._held = directory, held

    def open(self) -> Store:
        return self._opened("state.db")

    def another(self) -> Store:
        return self._opened("another.db")

    def _opened(self, name: str) -> Store:
        store = StateFile(self._directory / name)
        self._held.callback(store.close)
        return store


class OnServer:
    """Each opening is another member, which has taken the spreadsheet over."""

    def __init__(self, fleet: Fleet, other: Fleet) -> None:
        self._fleet, self._other = fleet, other

    def open(self) -> Store:
        return self._fleet.member(SHEET).store

    def another(self) -> Store:
        return self._other.member(SHEET).store


@pytest.fixture(params=["state file", "postgresql", "mariadb"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with ExitStack() as held:
        if request.param == "state file":
            yield OnFile(tmp_path, held)
            return
        database = request.getfixturevalue(f"{request.param}_server").new_database()
        fleets = [Fleet(database, tmp_path / name, name) for name in ("one", "other")]
        for fleet in fleets:
            held.callback(fleet.close)
        yield OnServer(*fleets)


@pytest.fixture
def store(place: Place) -> Store:
    return place.open()


def key(number: int) -> bytes:
    """A hash: 16 bytes, spread over all parts."""
    return blake2b(str(number).encode(), digest_size=16).digest()


def test_a_dataset_comes_back_as_it_was(place: Place) -> None:
    store = place.open()
    assert store.dataset("d") is None
    store.finish("d", STATE, {}, ())
    assert place.open().dataset("d") == STATE
    assert place.another().dataset("d") is None


def test_a_dataset_of_which_hardly_anything_is_known_comes_back_as_well(store: Store) -> None:
    bare = DatasetState(SHEET, 'Tab "ü" 𝄞', None)
    store.finish("d", bare, {}, ())
    store.finish("e", STATE, {}, ())
    assert (store.dataset("d"), store.dataset("e")) == (bare, STATE)


def test_a_write_that_was_begun_leaves_the_dataset_dirty(store: Store) -> None:
    store.begin_write("d", STATE, {key(1): key(9)})
    assert store.dataset("d") == replace(STATE, dirty=True)
    assert store.written("d", [key(1), key(2)]) == {key(1): key(9)}
    store.begin_write("d", STATE, {key(1): key(8), key(2): key(7)})
    assert store.written("d", [key(1), key(2)]) == {key(1): key(9), key(2): key(7)}
    store.finish("d", STATE, {}, ())
    assert store.dataset("d") == STATE


def test_the_ids_of_a_tab_that_is_being_made_are_kept_until_its_end_is_recorded(store: Store) -> None:
    store.begin_write("d", replace(STATE, coming=(9, 8)), {})
    assert store.dataset("d") == replace(STATE, dirty=True, coming=(9, 8))
    store.finish("d", STATE, {}, ())
    assert store.dataset("d") == STATE


def test_rows_are_remembered_and_forgotten(place: Place) -> None:
    store = place.open()
    keys = [key(i) for i in range(9)]
    store.finish("d", STATE, dict.fromkeys(keys, key(100)), None)
    store.finish("d", STATE, {key(50): key(1)}, [keys[0], key(77)])
    assert set(store.written("d", [*keys, key(50)])) == {*keys[1:], key(50)}
    store = place.open()
    store.finish("d", STATE, {keys[3]: key(101)}, None)
    assert store.written("d", [*keys, key(50)]) == {keys[3]: key(101)}
    assert store.written("another", keys) == place.another().written("d", keys) == {}


hashes = st.binary(min_size=16, max_size=16)
steps = st.lists(st.tuples(st.dictionaries(hashes, hashes, max_size=6), st.booleans()), max_size=6)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(steps, st.data())
def test_what_was_written_is_known_as_by_a_dictionary(
    store: Store, history: list[tuple[dict[bytes, bytes], bool]], data: st.DataObject
) -> None:
    known: dict[bytes, bytes] = {}
    store.finish("d", STATE, {}, None)
    for rows, exactly in history:
        gone = data.draw(st.lists(st.sampled_from(sorted(known)), unique=True)) if known and not exactly else []
        gone = [one for one in gone if one not in rows]
        store.finish("d", STATE, rows, None if exactly else gone)
        known = dict(rows) if exactly else {k: h for k, h in (known | rows).items() if k not in gone}
    assert store.written("d", {*known, *(k for rows, _ in history for k in rows)}) == known


def test_many_keys(store: Store) -> None:
    rows = {key(number): key(-number) for number in range(2_500)}
    store.begin_write("d", STATE, rows)
    assert store.written("d", rows) == rows
    store.finish("d", STATE, {}, list(rows)[:2_000])
    assert store.written("d", rows) == dict(list(rows.items())[2_000:])
    store.finish("d", STATE, rows, None)
    assert store.written("d", rows) == rows


def test_the_fence_is_kept_with_what_was_sent(place: Place) -> None:
    store = place.open()
    assert store.fence(SHEET) == FenceState()
    store.save_fence(SHEET, FenceState("one", "two"))
    assert place.open().fence(SHEET) == FenceState("one", "two")
    store = place.open()
    store.save_fence(SHEET, FenceState("two"))
    assert store.fence(SHEET) == FenceState("two")
    assert store.fence("another") == place.another().fence(SHEET) == FenceState()


def test_the_secret_stays_the_same_and_is_another_for_each_place(place: Place) -> None:
    first, again, other = place.open().secret(), place.open().secret(), place.another().secret()
    assert first == again != other
    assert len(first) == 32
