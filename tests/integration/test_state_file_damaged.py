"""A state file with a piece missing or changed: the sync is right all the same, or is refused before it writes."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable

import pytest

from moneymentor_sync.core.errors import StateError

from .workbench import Workbench, body

BEFORE = [(i, f"p{i}", i) for i in range(1, 40)]
AFTER = [(i, f"p{i}", i * 2) for i in range(3, 42)]
PAGE = 4_096


def some_bytes(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data))
    data[at : at + 16] = chance.randbytes(len(data[at : at + 16]))


def a_page(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) // PAGE) * PAGE
    data[at : at + PAGE] = chance.randbytes(PAGE)


def zeros(data: bytearray, chance: random.Random) -> None:
    at = chance.randrange(len(data) // PAGE) * PAGE
    data[at : at + PAGE] = bytes(PAGE)


def the_end_is_missing(data: bytearray, chance: random.Random) -> None:
    del data[chance.randrange(1, len(data)) :]


def a_bit_of_what_it_says(data: bytearray, chance: random.Random) -> None:
    at = data.find(b'"sheet_id"') + chance.randrange(-300, 300)
    data[at] ^= 1 << chance.randrange(8)


DAMAGES: list[Callable[[bytearray, random.Random], None]] = [
    some_bytes,
    a_page,
    zeros,
    the_end_is_missing,
    a_bit_of_what_it_says,
]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_is_noticed_before_anything_is_written(
    bench: Workbench, damage: Callable[[bytearray, random.Random], None]
) -> None:
    bench.people(*BEFORE)
    bench.sync()
    bench.sync()
    bench.people(*AFTER)
    document, kept = bench.box.document(bench.spreadsheet), bench.state.read_bytes()
    outcomes: Counter[str] = Counter()
    for seed in range(12):
        with bench.box.library.lock:
            bench.box.library.documents[bench.spreadsheet] = document
        bench.forget()
        data = bytearray(kept)
        damage(data, random.Random(seed))
        assert data != kept
        bench.state.write_bytes(data)
        outcomes[outcome(bench)] += 1
    assert outcomes["right"] + outcomes["refused"] == 12, outcomes
    assert outcomes["refused"] or damage is some_bytes, outcomes


def outcome(bench: Workbench) -> str:
    before = bench.everything()
    try:
        run = bench.run()
    except StateError as error:
        assert "state.db" in str(error) and error.hint
        assert bench.everything() == before
        return "refused"
    if run.ok:
        return "right" if sorted(bench.rows()) == body(AFTER) else "wrong"
    (failed,) = run.datasets
    assert failed.error_code in ("state", "unknown_rows") and failed.hint
    return "refused" if bench.everything() == before else "written to"


def test_moved_away_as_the_advice_is_the_next_sync_compares_every_row(bench: Workbench) -> None:
    bench.people(*BEFORE)
    bench.sync()
    bench.state.write_bytes(b"not a database, and long enough to be seen for what it is" * 100)
    with pytest.raises(StateError) as refused:
        bench.run()
    assert "Move the file away" in str(refused.value.hint)
    bench.state.rename(bench.directory / "away.db")
    bench.people(*BEFORE, *AFTER[-2:])
    bench.sync()
    assert bench.rows() == body([*BEFORE, *AFTER[-2:]])
