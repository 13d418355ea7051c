"""The soak's own checks: what is wrong in a spreadsheet, or done wrongly to it, is found."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.cells import Value
from moneymentor_sync.sandbox.faults import Fault, Faults
from moneymentor_sync.sandbox.grid import Row, Sheet
from moneymentor_sync.sandbox.messages import Request
from tests.soak.checks import compare, judge, whole
from tests.soak.ending import scan_log
from tests.soak.faults import all_kinds
from tests.soak.figures import Figures
from tests.soak.ledger import Ledger
from tests.soak.person import Person
from tests.soak.tables import CANARY, LABELS
from tests.soak.view import words
from tests.soak.watch import REPAIRS, Watch

Rows = dict[int, list[Value]]


def label(key: str, revision: int = 1, *beside: Value) -> list[Value]:
    return [key, revision, f"{key}/{revision}", None if revision % 2 else True, *beside]


def rows() -> Rows:
    """Three labels, with a person's words beside two of them, and a line of a person's own."""
    return {
        0: ["code", "revision", "value", "flag", "Notes"],
        1: label("a", 1, words("a", 1)),
        2: label("b", 2, words("b", 2)),
        3: label("c"),
        4: [None, None, None, None, words("", 3)],
    }


WANTED = {key: label(key, revision)[:4] for key, revision in (("a", 1), ("b", 2), ("c", 1))}
BESIDE = [words("a", 1), words("b", 2), words("", 3)]


def tab(cells: Rows, like: Sheet | None = None) -> Sheet:
    """A tab; rows that are the same in the tab `like` are the same objects, as in the sandbox."""
    made = Sheet.blank(7, "Labels", 10, 8)
    for index, row in cells.items():
        same = like is not None and (found := like.rows[index]) is not None and found.cells == row
        made.rows[index] = like.rows[index] if same and like is not None else Row(list(row))
    return made


def change(act: Callable[[Rows], object]) -> Rows:
    changed = rows()
    act(changed)
    return changed


def swap_words(cells: Rows) -> None:
    cells[1][4], cells[2][4] = cells[2][4], cells[1][4]


def cut_off(cells: Rows) -> None:
    del cells[3][2:]


WRONG: dict[str, tuple[Callable[[Rows], object], str]] = {
    "a header is lost": (lambda cells: cells[0].__setitem__(2, None), "header 'value' stands 0 times"),
    "a header is doubled": (lambda cells: cells[0].append("value"), "header 'value' stands 2 times"),
    "a key is doubled": (lambda cells: cells.__setitem__(5, label("a")), "key 'a' stands 2 times"),
    "a row is half new": (lambda cells: cells[2].__setitem__(1, 4), "the row of 'b' is not whole"),
    "a row is cut off": (cut_off, "the row of 'c' is not whole"),
    "a key is gone": (lambda cells: cells[3].__setitem__(0, None), "1 row(s) without a key"),
    "words are lost": (lambda cells: cells[1].__setitem__(4, None), "'~a~1~' no longer stands beside 'a'"),
    "words are swapped": (swap_words, "'~a~1~' no longer stands beside 'a'"),
}


@pytest.mark.parametrize(("act", "trouble"), WRONG.values(), ids=WRONG)
def test_what_a_change_makes_worse_is_found(act: Callable[[Rows], object], trouble: str) -> None:
    before = tab(rows())
    found = judge(before, tab(change(act), before), LABELS).troubles
    assert any(one.startswith(trouble) for one in found), found


@pytest.mark.parametrize("act", [act for act, _ in WRONG.values()], ids=WRONG)
def test_what_was_wrong_before_a_person_had_done(act: Callable[[Rows], object]) -> None:
    damaged = tab(change(act))
    again = tab(change(act))  # every row written once more, each as it was
    assert judge(damaged, again, LABELS).troubles == ()


def test_a_line_of_a_persons_that_goes_is_told_also_where_headers_are_damaged() -> None:
    def damage(cells: Rows) -> None:
        cells[0][1] = "renamed"

    for damaged in (rows(), change(damage)):
        before = tab(damaged)
        after = dict(damaged)
        after[4] = [None]
        assert judge(before, tab(after, before), LABELS).lost == (words("", 3),)


def test_whole_updates_insertions_and_deletions_are_no_trouble() -> None:
    before = tab(rows())

    def act(cells: Rows) -> None:
        cells[1] = label("a", 5, words("a", 1))
        cells[5] = label("e")
        del cells[2]

    step = judge(before, tab(change(act), before), LABELS)
    assert step.troubles == ()
    assert step.removed == {"b"}


def test_a_row_that_was_moved_is_not_removed() -> None:
    before = tab(rows())

    def act(cells: Rows) -> None:
        cells[1], cells[3] = cells[3], cells[1]

    assert judge(before, tab(change(act), before), LABELS) == judge(before, before, LABELS)


def test_a_tab_that_vanishes_or_appears_in_part_is_found() -> None:
    assert judge(tab(rows()), None, LABELS).troubles == ("the tab is gone",)
    assert judge(None, tab({}), LABELS).troubles == ("a header is missing or doubled",)
    assert whole(tab(change(cut_off)), LABELS) == ["row 4 is not whole", "row 5 is not whole"]


def test_equal_is_equal_and_is_counted() -> None:
    found = compare(tab(rows()), LABELS, WANTED, BESIDE)
    assert found.differences == []
    assert (found.cells, found.notes) == (12, 3)


DIFFERENT: dict[str, tuple[Callable[[Rows], object], str]] = {
    "a value": (lambda cells: cells[1].__setitem__(2, "secret"), "'value' of 'a' is another value"),
    "a number as text": (lambda cells: cells[1].__setitem__(1, "1"), "'revision' of 'a' is another value"),
    "true for 1": (lambda cells: cells[1].__setitem__(1, True), "'revision' of 'a' is another value"),
    "a row too many": (lambda cells: cells.__setitem__(5, label("x")), "'x', which is not in the database"),
    "a row twice": (lambda cells: cells.__setitem__(5, label("a")), "key 'a' stands 2 times"),
    "a row too few": (lambda cells: cells.__delitem__(3), "the row of 'c' is missing"),
    "no header": (lambda cells: cells[0].clear(), "headers missing or doubled"),
    "words beside another row": (swap_words, "key 'a', has '~b~2~' beside it"),
    "lost words": (lambda cells: cells[2].__setitem__(4, None), "'~b~2~' is lost"),
    "a lost line": (lambda cells: cells.__delitem__(4), "'~~3~' is lost"),
}


@pytest.mark.parametrize(("act", "difference"), DIFFERENT.values(), ids=DIFFERENT)
def test_a_difference_at_the_end_is_found(act: Callable[[Rows], object], difference: str) -> None:
    found = compare(tab(change(act)), LABELS, WANTED, BESIDE).differences
    assert any(difference in one for one in found), found
    assert all(CANARY not in one and "secret" not in one for one in found), "keys, no values"


def test_no_tab_is_a_difference() -> None:
    assert compare(None, LABELS, WANTED, []).differences == ["Labels: there is no such tab"]


# --- the log ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    ["Traceback (most recent call last)", f"x {CANARY}7 y", '{"event": "sync.crashed"}', "Bearer x", "KEYLINE" * 4],
)
def test_what_may_not_be_in_the_log_is_found(tmp_path: Path, line: str) -> None:
    credentials = tmp_path / "key.json"
    credentials.write_text('{"private_key": "-----BEGIN-----\\nKEYLINEKEYLINEKEYLINEKEYLINE\\n"}')
    log = tmp_path / "daemon.log"
    figures = Figures(tmp_path / "soak.log")
    log.write_text('{"event": "sync.finished"}\n')
    scan_log(log, credentials, figures)
    assert figures.differences == []
    log.write_text(f'{{"event": "sync.finished"}}\n{line}\n')
    scan_log(log, credentials, figures)
    assert len(figures.differences) == 1
    assert figures.differences[0].startswith("line 2 ")
    assert line not in figures.differences[0]


# --- who looks on -------------------------------------------------------------------------------------------


class Known:
    """A database of which the soak knows which rows were away, and how many rows there may be."""

    away: frozenset[str] = frozenset()

    def was_away(self, dataset: str, key: str) -> bool:
        return key in self.away

    def may_count(self, dataset: str, rows: int) -> bool:
        return rows == 3


class Desk:
    """A sandbox without a socket, where mmsync looks and writes and a person edits, in the order of a test."""

    def __init__(self, box: Sandbox, folder: Path) -> None:
        self.box, self.known, self.ledger = box, Known(), Ledger()
        self.figures = Figures(folder / "soak.log")
        self.watch = Watch(box, self.known, self.ledger, self.figures)
        box.hooks.on_arrival(self.watch.arrived)
        box.hooks.on_change(self.watch.changed)
        self.person = box.person()
        self.sheet_id = self.person.add_tab("Other")

    def look(self) -> None:
        self.watch.arrived(Request.of("GET", "/v4/spreadsheets/x?fields=sheets(userEnteredValue)", {}, b""))

    def write(self, *requests: object) -> None:
        """As mmsync, by whatever it saw when it looked last."""
        import msgspec

        target = f"/v4/spreadsheets/{self.box.spreadsheet_id}:batchUpdate"
        request = Request.of("POST", target, {}, msgspec.json.encode({"requests": requests}))
        self.watch.arrived(request)
        self.box._service.perform(request, self.box.client_email)

    def delete_row(self, index: int) -> None:
        sheet_id = self.watch.tabs["labels"]
        span = {"sheetId": sheet_id, "dimension": "ROWS", "startIndex": index, "endIndex": index + 1}
        self.write({"deleteDimension": {"range": span}})

    def write_a_cell(self, row: int, column: int, text: str) -> None:
        start = {"sheetId": self.watch.tabs["labels"], "rowIndex": row, "columnIndex": column}
        cells = [{"values": [{"userEnteredValue": {"stringValue": text}}]}]
        self.write({"updateCells": {"start": start, "rows": cells, "fields": "userEnteredValue"}})


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    with Sandbox(tmp_path / "sheets", quota=None) as box:
        made = Desk(box, tmp_path)
        made.person.add_tab("Labels")
        made.person.type_rows(
            "Labels", 0, 0, [[f"'{c}" if isinstance(c, str) else c for c in r] for r in rows().values()]
        )
        made.ledger.wrote("labels", words("b", 2))
        yield made


def test_a_row_that_was_deleted_in_the_database_may_go_and_its_words_with_it(desk: Desk) -> None:
    desk.known.away = frozenset("b")
    desk.look()
    desk.delete_row(2)
    assert desk.figures.differences == []
    assert desk.ledger.expected("labels") == []


def test_a_person_empties_the_rows_that_a_refusal_names_also_where_a_header_is_gone(desk: Desk) -> None:
    person = Person(desk.box, desk.watch, desk.ledger, desk.figures, random.Random(1))
    desk.person.type_rows("Labels", 0, 3, [[""]])
    desk.person.type_rows("Labels", 2, 0, [[""]])
    person.read_a_refusal()
    left = desk.box.grid(desk.box.spreadsheet_id, "Labels")
    assert left[2] == [None, None, None, True, words("b", 2)], "what stands under no header may be anybody's"
    assert left[1][:4] == WANTED["a"], "and no other row was touched"


def test_a_row_that_was_not_is_a_difference(desk: Desk) -> None:
    desk.look()
    desk.delete_row(2)
    assert desk.figures.differences == [
        "visible for a time in Labels: the row of 'b' is gone",
        "visible for a time in Labels: '~b~2~' is lost",
    ]


def test_unless_a_persons_edit_overtook_the_deletion_which_is_counted(desk: Desk) -> None:
    desk.look()
    desk.person.sort("Labels", 0, descending=True)
    desk.delete_row(2)
    assert desk.figures.differences == []
    assert desk.figures.counts["deletions overtaken by a person"]["writes"] == 1


def test_only_the_writes_right_after_it_count_as_its_repair(desk: Desk) -> None:
    desk.look()
    desk.person.sort("Labels", 0, descending=True)
    desk.delete_row(2)
    desk.look()
    for _ in range(REPAIRS):
        desk.write_a_cell(1, 5, "x")
    assert desk.figures.differences == []
    desk.delete_row(1)
    assert desk.figures.differences == ["visible for a time in Labels: the row of 'c' is gone"]


def test_an_edit_before_the_look_overtakes_nothing(desk: Desk) -> None:
    desk.person.sort("Labels", 0, descending=True)
    desk.look()
    desk.delete_row(2)
    assert "visible for a time in Labels: the row of 'b' is gone" in desk.figures.differences


def test_a_tab_made_with_too_few_rows_is_a_difference(desk: Desk) -> None:
    desk.person.delete_tab("Labels")
    desk.look()
    cells = [
        {"values": [{"userEnteredValue": {"stringValue": text}} for text in ("code", "revision", "value", "flag")]}
    ]
    desk.write(
        {"addSheet": {"properties": {"sheetId": 99, "title": "Labels"}}},
        {"appendCells": {"sheetId": 99, "rows": cells, "fields": "userEnteredValue"}},
    )
    assert desk.figures.differences == [
        "visible for a time in Labels: a new tab shows 0 rows, which the table never had"
    ]


def test_a_second_tab_in_the_place_of_a_renamed_one_is_a_difference(desk: Desk) -> None:
    desk.look()
    desk.person.rename_tab("Labels", "Renamed")
    desk.look()
    desk.write({"addSheet": {"properties": {"title": "Labels"}}})
    assert desk.figures.differences == ["Labels was made again though it is there under another title"]


# --- faults by chance ---------------------------------------------------------------------------------------


def drawn(seed: int, rate: float, *, count: int = 1000) -> tuple[list[str | None], Faults]:
    faults = Faults()
    kinds = all_kinds(1.0)
    faults.by_chance(rate, list(kinds.values()), random.Random(seed))
    names = {id(fault): name for name, fault in kinds.items()}
    found = [faults.next("write", "POST /x") for _ in range(count)]
    return [names[id(fault)] if fault is not None else None for fault in found], faults


def test_faults_by_chance_come_at_their_rate_of_every_kind_and_the_same_with_the_same_seed() -> None:
    found, _ = drawn(1, 0.5)
    assert found == drawn(1, 0.5)[0]
    assert found != drawn(2, 0.5)[0]
    assert 400 < 1000 - found.count(None) < 600
    assert set(found) == {None, *all_kinds(1.0)}
    assert set(drawn(1, 0.0)[0]) == {None}


def test_cleared_no_fault_comes_by_chance_and_one_that_was_asked_for_goes_first() -> None:
    _, faults = drawn(1, 1.0, count=1)
    asked = faults.add(Fault("html", on="read"))
    assert faults.next("read", "GET /x") is asked
    assert faults.next("read", "GET /x") is not None
    faults.clear()
    assert faults.next("read", "GET /x") is None
    faults.by_chance(1.0, [Fault("html", on="read")], random.Random(1))
    assert faults.next("write", "POST /x") is None
