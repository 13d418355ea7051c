"""Notes on headers: what they say, which are ours, and what is to be written, without any spreadsheet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from moneymentor_sync.core.builtin_sql import BUILTIN_COLUMNS
from moneymentor_sync.core.builtin_words import BUILTIN_WORDS
from moneymentor_sync.core.header_notes import (
    HeaderCell,
    carried,
    is_due,
    is_ours,
    made_with_notes,
    note_texts,
    seen_to,
    to_put_back,
    to_write,
)
from moneymentor_sync.core.layout import Layout
from moneymentor_sync.core.plan import Plan
from moneymentor_sync.core.settings import Column, Dataset
from moneymentor_sync.core.table import Shape

COLUMNS = (Column("id", "id", hidden=True), Column("name", " Name "), Column("score", "Score"))
SHAPE = Shape("people", COLUMNS, (0, 1, 2), (0,), ())
THEIRS = "ask Ana first"


def dataset(**given: Any) -> Dataset:
    base = Dataset("people", "People", ("id",), "sheet", query="SELECT * FROM people")
    return replace(base, **given)


def texts(**given: Any) -> dict[str, str]:
    return note_texts(dataset(**given), SHAPE, {})


NOTES = texts()
OLD = texts(query=None, table="persons")


# --- what they say ----------------------------------------------------------------------------------------


def test_a_note_says_where_its_column_is_from_and_what_becomes_of_changes() -> None:
    said, kept, mark = NOTES["Score"].split("\n")
    assert said == "Column score of the query (dataset people)."
    assert kept == "Kept equal to the database by mmsync: changes here are put back."
    assert mark.startswith("— mmsync ")
    assert list(NOTES) == ["id", "Name", "Score"]


@pytest.mark.parametrize(
    ("given", "line", "words"),
    [
        ({"query": None, "table": "crm.people"}, 0, "Column score of table crm.people (dataset people)."),
        ({"mode": "upsert"}, 1, "Kept up to date from the database by mmsync: changes here are put back."),
        ({"mode": "append"}, 1, "Written by mmsync when a row is added; it does not touch it afterwards."),
    ],
)
def test_what_the_dataset_says(given: Any, line: int, words: str) -> None:
    assert texts(**given)["Score"].split("\n")[line] == words


def test_the_database_s_word_on_whose_a_query_s_column_is() -> None:
    notes = note_texts(dataset(), SHAPE, {"score": ("sales.games", "points"), "elsewhere": ("x", "y")})
    assert notes["Score"].startswith("Column points of table sales.games (dataset people).")
    assert notes["Name"] == NOTES["Name"]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"mask": "email"}, "only its first letter and its domain"),
        ({"mask": "initial"}, "only the first letter"),
        ({"mask": "last4"}, "only the last four characters"),
        ({"mask": "all"}, "whether there is a value"),
        ({"hash": True}, "pseudonym"),
    ],
)
def test_a_veiled_column_says_so(given: Any, words: str) -> None:
    shape = replace(SHAPE, columns=(*COLUMNS[:2], replace(COLUMNS[2], **given)))
    assert words in note_texts(dataset(), shape, {})["Score"].split("\n")[1]


def test_what_mmsync_writes_of_its_own_is_from_no_column() -> None:
    assert note_texts(dataset(query=""), SHAPE, {}) == {}


def test_a_key_says_that_it_is_one() -> None:
    assert "It tells which row is which." in NOTES["id"]
    assert "which row" not in NOTES["Score"]


@pytest.mark.parametrize("name", ["user_profiles", "course_statistics"])
def test_each_column_of_the_built_in_datasets_has_a_word_of_its_own(name: Any) -> None:
    names = [column.name for column in BUILTIN_COLUMNS[name]]
    assert set(BUILTIN_WORDS[name]) == set(names)
    shape = Shape(name, tuple(Column(one, one.title()) for one in names), tuple(range(len(names))), (0,), ())
    notes = note_texts(dataset(name=name, query=None, builtin=name), shape, {})
    assert all("of the query" not in note and is_ours(note) for note in notes.values())
    assert len({note.split("\n")[0] for note in notes.values()}) == len(names)


# --- whose it is ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("note", [*NOTES.values(), *OLD.values()])
def test_a_note_of_ours_is_known_by_itself(note: str) -> None:
    assert is_ours(note)
    for theirs in (note + "\n", note + " !", "P.S. " + note, note.replace("mmsync", "me", 1), note.upper()):
        assert not is_ours(theirs)


@pytest.mark.parametrize("note", ["", THEIRS, "— mmsync 123456", "x\n— mmsync 123456", "x\n— mmsync"])
def test_anything_else_is_a_persons(note: str) -> None:
    assert not is_ours(note)


# --- what to do -------------------------------------------------------------------------------------------


def row(*cells: HeaderCell) -> tuple[HeaderCell, ...]:
    return cells


@pytest.mark.parametrize(
    ("cell", "wanted", "written"),
    [
        (("Score", ""), True, NOTES["Score"]),
        (("Score", OLD["Score"]), True, NOTES["Score"]),
        (("Score", NOTES["Name"]), True, NOTES["Score"]),
        (("Score", NOTES["Score"]), True, None),
        (("Score", THEIRS), True, None),
        (("Score", NOTES["Score"] + "!"), True, None),
        (("Score", NOTES["Score"]), False, ""),
        (("Score", THEIRS), False, None),
        (("Score", ""), False, None),
        (("Theirs", ""), True, None),
        (("Theirs", THEIRS), True, None),
        (("Theirs", NOTES["Score"]), True, ""),
    ],
)
def test_what_becomes_of_a_note(cell: HeaderCell, wanted: bool, written: str | None) -> None:
    found = to_write(row(("", ""), cell), NOTES if wanted else {})
    assert found == ({} if written is None else {1: written})


def test_a_heading_that_stands_twice_gets_none() -> None:
    assert to_write(row(("Score", ""), ("Score", THEIRS)), NOTES) == {}


def test_it_is_due_until_it_was_seen_to_and_again_when_it_says_something_else() -> None:
    assert is_due(NOTES, ())
    assert not is_due(NOTES, seen_to(NOTES))
    assert is_due(OLD, seen_to(NOTES))
    assert is_due({}, seen_to(NOTES))
    assert is_due(NOTES, seen_to(NOTES)[1:])
    assert not is_due({}, ())
    assert not is_due(NOTES, seen_to(NOTES)[::-1])


def test_what_a_write_hit_by_mistake_is_given_back() -> None:
    before = row(("Score", ""), ("Theirs", THEIRS), ("Other", "more"), ("Name", OLD["Name"]))
    written = to_write(before, NOTES)
    assert set(written) == {0, 3}
    swapped = row(("Theirs", written[0]), ("Score", ""), ("Other", "more"), ("Name", written[3]))
    assert to_put_back(written, before, swapped) == {0: THEIRS}
    stood = row(("Score", written[0]), *before[1:3], ("Name", written[3]))
    assert to_put_back(written, before, stood) == {}
    new = row(("New", written[0]), ("Score", ""), ("Theirs", THEIRS), ("Other", written[3]), ("Name", ""))
    assert to_put_back(written, before, new) == {0: "", 3: "more"}
    assert to_put_back(written, before, row(("Score", written[0]))) == {}
    unwritten = row(("Theirs", THEIRS), ("Score", ""), ("Other", "more"), ("Name", OLD["Name"]))
    assert to_put_back(written, before, unwritten) == {}, "it never arrived"


def test_of_columns_without_a_heading_only_what_is_certain_is_given_back() -> None:
    written = {0: NOTES["Score"]}
    before = row(("Score", ""), ("", "left"), ("", "right"))
    one_is_there = row(("", written[0]), ("Score", ""), ("", "right"))
    assert to_put_back(written, before, one_is_there) == {0: "left"}
    none_is_there = row(("", written[0]), ("Score", ""), ("", ""))
    assert to_put_back(written, before, none_is_there) == {0: ""}


# --- along with a plan ------------------------------------------------------------------------------------


def plan(*positions: int | None, notes: bool = True, create: bool = False, **layout: Any) -> Plan:
    return Plan(
        dataset="people",
        tab="People",
        shape=SHAPE,
        layout=Layout(positions, **layout),
        formats=(None,) * 3,
        create_tab=create,
        notes=tuple(NOTES.values()) if notes else (),
    )


NEW = plan(None, None, None, fresh=True, create=True)


@pytest.mark.parametrize(
    ("made", "columns"),
    [
        (NEW, (0, 1, 2)),
        (plan(None, None, None, fresh=True, create=True, notes=False), ()),
        (plan(None, None, None, fresh=True), ()),  # row 1 is there, and somebody may have a note on it
        (plan(0, None, 1), (1,)),
        (plan(0, 1, 2), ()),
        (plan(0, 1, 2, insert_header=True), (0, 1, 2)),
    ],
)
def test_notes_come_along_where_the_header_cell_is_new(made: Plan, columns: tuple[int, ...]) -> None:
    assert made_with_notes(made) == columns


def test_what_is_known_of_notes_after_a_plan() -> None:
    all_seen_to = seen_to(NOTES)
    assert dict(carried((), NEW)) == dict(all_seen_to)
    assert carried(all_seen_to, plan(0, 1, 2)) == all_seen_to
    assert dict(carried(all_seen_to[:1], plan(0, None, 1))) == dict(all_seen_to[:2])
    assert carried((*all_seen_to, ("gone", "x")), plan(0, 1, 2))[-1] == ("gone", "x")
    mended = plan(0, 1, 2, headers=((2, "Score"),))
    assert carried(all_seen_to, mended) == all_seen_to[:2]
    for blank in (plan(None, None, None, fresh=True), plan(0, 1, 2, notes=False, insert_header=True)):
        assert carried(all_seen_to, blank) == ()
