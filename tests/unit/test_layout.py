"""Columns by header; vanished headers by proof alone."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from moneymentor_sync.core.cells import CurrentCell, Formula
from moneymentor_sync.core.errors import HeaderDamagedError
from moneymentor_sync.core.layout import (
    KnownTab,
    Layout,
    candidates,
    column_letter,
    find_layout,
    header_row_is_gone,
    heading,
    refuse_header_elsewhere,
    resolve_missing,
)

from .grids import HASHER, Grid, desired, shape

OURS = shape("id", "name", "score")
ROWS = [(1, "Ann", 5), (2, "Bob", 6), (3, "Cyd", 7)]
BODY: Grid = [[1.0, "Ann", 5.0], [2.0, "Bob", 6.0], [3.0, "Cyd", 7.0]]


def known(*headings: str) -> KnownTab:
    return KnownTab(1, "T", frozenset(HASHER.text(h) for h in headings), (0, 1, 2), OURS.headers)


def resolve(header: list[CurrentCell], body: Sequence[Sequence[CurrentCell]], memory: KnownTab | None) -> Layout:
    table, _ = desired(OURS, ROWS)
    layout = find_layout(OURS, header, empty=False, known=memory, where="tab 'T'")
    possible = candidates(layout, header, max(len(header), 3), memory, HASHER)
    return resolve_missing(
        OURS, layout, possible, lambda: body, lambda key, row: table.index.get(key) == row, HASHER, "tab 'T'"
    )


def test_columns_are_found_wherever_they_were_moved() -> None:
    layout = find_layout(OURS, ["notes", "score", "id", None, "name"], empty=False, known=None, where="")
    assert layout.positions == (2, 4, 1)
    assert layout.headers == ()


def test_a_header_with_stray_blanks_is_ours_and_is_put_right() -> None:
    layout = find_layout(OURS, ["id", " name ", "score"], empty=False, known=None, where="")
    assert layout.headers == ((1, "name"),)


def test_a_header_row_that_was_sorted_down_is_named_by_its_row() -> None:
    with pytest.raises(HeaderDamagedError, match="stand in row 3") as caught:
        refuse_header_elsewhere(OURS, [(1, BODY[0]), (2, ["notes", "score", "id", "name"])], "tab 'T'")
    assert caught.value.rows == (3,) and "row 3" in caught.value.hint


def test_a_value_that_reads_as_the_only_header_is_no_header_row() -> None:
    refuse_header_elsewhere(shape("name"), [(1, ["Ann"]), (2, ["name"])], "tab 'T'")


def test_a_renamed_header_is_put_back_where_the_rows_prove_it() -> None:
    layout = resolve(["id", "NAME!", "score"], BODY, known("id", "name", "score"))
    assert (layout.positions, layout.headers) == ((0, 1, 2), ((1, "name"),))


def test_an_emptied_header_is_put_back() -> None:
    layout = resolve([None, "name", "score"], BODY, known("id", "name", "score"))
    assert layout.headers == ((0, "id"),)


def test_two_renamed_headers_are_put_back() -> None:
    layout = resolve(["id", "x", "y"], BODY, known("id", "name", "score"))
    assert layout.positions == (0, 1, 2)
    assert set(layout.headers) == {(1, "name"), (2, "score")}


def test_a_column_of_a_persons_with_the_same_values_is_not_taken_from_them() -> None:
    body = [[row[0], row[2], row[1]] for row in BODY]
    layout = resolve(["id", "score", "my names"], body, known("id", "name", "score", "my names"))
    assert layout.missing == (1,)


def test_a_deleted_column_is_made_again() -> None:
    layout = resolve(["id", "score", "mine"], [[1.0, 5.0, "x"]], known("id", "name", "score"))
    assert layout.missing == (1,)
    assert layout.headers == ()


def test_a_column_that_fits_only_partly_is_refused() -> None:
    body: Grid = [[1.0, "Ann", 5.0], [2.0, "?", 6.0], [3.0, "?", 7.0]]
    with pytest.raises(HeaderDamagedError, match="may be it or may not"):
        resolve(["id", "other", "score"], body, known("id", "name", "score"))


def test_nothing_is_proven_without_a_memory_of_the_tab() -> None:
    assert resolve(["id", "NAME!", "score"], BODY, None).missing == (1,)


def test_a_deleted_header_row_is_noticed_by_its_keys() -> None:
    table, _ = desired(OURS, ROWS)
    layout = find_layout(OURS, BODY[0], empty=False, known=known("id", "name", "score"), where="")
    assert layout.insert_header

    def is_row(key: bytes, row: bytes) -> bool:
        return table.index.get(key) == row

    assert header_row_is_gone(OURS, layout, BODY, is_row, HASHER)
    assert not header_row_is_gone(OURS, layout, [["title", None], *BODY[:1], [9.0, "x", 1.0]], is_row, HASHER)
    moved = [[row[0], f"note {row[0]}", *row[1:]] for row in BODY]
    assert not header_row_is_gone(OURS, layout, moved, is_row, HASHER)


@pytest.mark.parametrize(
    ("cell", "text"), [(None, ""), (" a ", "a"), (7.0, "7"), (1.5, "1.5"), (True, "True"), (Formula("=A1"), "=A1")]
)
def test_heading(cell: CurrentCell, text: str) -> None:
    assert heading(cell) == text


@pytest.mark.parametrize(("index", "letters"), [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA")])
def test_column_letter(index: int, letters: str) -> None:
    assert column_letter(index) == letters
