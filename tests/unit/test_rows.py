"""Fingerprints: equal just where the rows are, in any order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from moneymentor_sync.core.cells import Formula, pack_row
from moneymentor_sync.core.rows import Fingerprint, Hasher, add, sum_hashes

HASHER = Hasher(b"one")
rows = st.lists(st.tuples(st.integers(), st.text(max_size=3)), max_size=8)


@given(rows, st.randoms(use_true_random=False))
def test_order_does_not_matter(table: list[tuple[int, str]], chance: object) -> None:
    shuffled = list(table)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]  # a Random
    assert HASHER.fingerprint(map(pack_row, table)) == HASHER.fingerprint(map(pack_row, shuffled))


@given(rows, rows)
def test_different_rows_differ(left: list[tuple[int, str]], right: list[tuple[int, str]]) -> None:
    same = sorted(left) == sorted(right)
    assert (HASHER.fingerprint(map(pack_row, left)) == HASHER.fingerprint(map(pack_row, right))) is same


@given(rows, rows)
def test_parts_add_up(left: list[tuple[int, str]], right: list[tuple[int, str]]) -> None:
    whole = HASHER.fingerprint(map(pack_row, left + right))
    assert add(HASHER.fingerprint(map(pack_row, left)), HASHER.fingerprint(map(pack_row, right))) == whole


def test_a_fingerprint_survives_as_text() -> None:
    found = HASHER.fingerprint([b"a", b"b"])
    assert Fingerprint.from_text(found.to_text()) == found


def test_keys_of_different_types_are_different_keys() -> None:
    assert len({HASHER.key((value,)) for value in (7.0, "7", True, "True", None, Formula("7"))}) == 6


def test_a_formula_equals_no_value() -> None:
    assert HASHER.row((Formula("=1"),)) not in {HASHER.row((1.0,)), HASHER.row(("=1",))}


def test_another_secret_gives_other_hashes() -> None:
    assert Hasher(b"two").row((1.0,)) != HASHER.row((1.0,))
    assert sum_hashes([]) == Fingerprint(0, 0)
