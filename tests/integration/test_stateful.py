"""Database, person, faults and crashes together, hundreds of steps: when the dust settles the sheet is the
database, and each thing that a person put beside a row is beside that row.

`TEST_STATEFUL=examples,steps,seed` runs it longer and by chance: `TEST_STATEFUL=400,300,1 pytest -s …`.
"""

from __future__ import annotations

import os
import sqlite3
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, event, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from moneymentor_sync.adapters import google_sheets, google_staging
from moneymentor_sync.core.ports import DatasetResult
from moneymentor_sync.sandbox import ApiError, Fault, Sandbox
from moneymentor_sync.sandbox.messages import Request

from .edits import EDITS, THEIRS, Edit, Hands
from .helpful import Helpful
from .rig import Rig
from .sheet_views import MARK, View, plain
from .test_people_everywhere import overtaken
from .workbench import TAB, Workbench

LONG = os.environ.get("TEST_STATEFUL", "")
EXAMPLES, STEPS, SEED = map(int, LONG.split(",")) if LONG else (12, 100, 0)
LARGE_BODIES, SMALL_BODIES = 1_942_000, 700

ALL_KEYS = frozenset(range(1, 21))
keys = st.integers(1, 20)
texts = st.sampled_from(["Ann", "Bob", "p", "p, too", "=1+1", "007", "TRUE", "x" * 250, "ü\u202e🦊", ""])
numbers = st.one_of(st.none(), st.integers(-5, 5), st.sampled_from([0.5, 10**9]))
edits = st.sampled_from(EDITS)
places = st.integers(1, 9)
ACTIONS = (
    ["sync"] * 8 + ["edit_between_syncs"] * 3 + ["change_the_database"] * 2 + ["write_beside_a_row", "settle"]
    + ["other_circumstances", "crash_over_a_row_that_goes"]
)  # fmt: skip
CHANGES = ["insert_or_update"] * 4 + ["update_many", "null", "delete", "key"] * 2 + ["schema"]
TROUBLES = [(False,) * 3, (True, False, False), (False, True, False), (False, False, True)] + [
    (e, f, c) for e in (True, False) for f in (True, False) for c in (True, False)
]
GUARDS = ("header_damaged", "key_damaged", "duplicate_key", "unknown_rows", "protected")
KINDS = ["reset_before", "reset_after", "close_before", "close_after", "truncate", "not_json", "html"]
STATUS = [401, 403, 404, 429, 500, 502, 503, 504]


@st.composite
def faults(draw: st.DrawFn) -> Fault:
    """One fault of any kind, at any of the first requests, once or for longer than a sync has patience."""
    where: dict[str, Any] = {
        "on": draw(st.sampled_from(["read", "write", "write", "token"])),
        "nth": draw(st.sampled_from([1, 1, 1, 2, 3, 5])),
    }
    count = draw(st.sampled_from([1, 1, 2, None]))
    if draw(st.booleans()):
        return Fault(draw(st.sampled_from(KINDS)), count=count, **where)
    status = draw(st.sampled_from(STATUS))
    retry_after = draw(st.sampled_from([None, 7])) if status in (429, 503) else None
    applied = status >= 500 and draw(st.booleans())
    return Fault("status", status=status, retry_after=retry_after, after_applying=applied, count=count, **where)


def bodies_of(size: int) -> None:
    """Sets how many bytes a body may have; the test puts it back."""
    for module in (google_sheets, google_staging):
        vars(module)["BODY_BYTES"] = size


class Everything(RuleBasedStateMachine):
    """One spreadsheet, its database and the people in it."""

    box: Sandbox
    directory: Path
    seen: Counter[str]

    def __init__(self) -> None:
        super().__init__()
        self.box.faults.clear()
        self.box.hooks.clear()
        bodies_of(LARGE_BODIES)
        self.seen["examples"] += 1
        home = self.directory / str(self.seen["examples"])
        home.mkdir()
        self.bench = Workbench(self.box, home)
        self.rig = Rig(self.bench)
        self.extra = False
        self.beside: dict[str, Any] = {}
        self.story: dict[str, list[Any]] = {}
        self.texts_made = self.syncs = 0
        self.sheet_id: int | None = None
        self.lost_state = False
        self.typed_keys: set[Any] = set()
        self.bench.people(*[(key, f"p{key}", key) for key in range(1, 7)])

    # --- the database -------------------------------------------------------------------------------------

    @property
    def managed(self) -> tuple[str, ...]:
        return ("id", "name", "score", "extra") if self.extra else ("id", "name", "score")

    def desired(self) -> dict[Any, tuple[Any, ...]]:
        return {row[0]: tuple(None if cell == "" else cell for cell in row) for row in self.rig.desired()}

    def changed(self, what: str) -> None:
        self.seen[f"database: {what}"] += 1

    @rule(data=st.data(), action=st.sampled_from(ACTIONS))
    def step(self, data: st.DataObject, action: str) -> None:
        """One rule for all: Hypothesis leaves rules out of some examples, and here none is to be missed."""
        getattr(self, action)(data)

    def change_the_database(self, data: st.DataObject) -> None:
        """One or more changes before the next sync."""
        for _ in range(data.draw(st.integers(1, 4), label="changes")):
            change = data.draw(st.sampled_from(CHANGES), label="change")
            key, other = data.draw(keys, label="key"), data.draw(keys, label="other key")
            getattr(self, f"_{change}")(
                key, other, data.draw(texts, label="name"), data.draw(numbers, label="score")
            )

    def _insert_or_update(self, key: int, other: int, name: str, score: Any) -> None:
        self.changed("update" if key in self.desired() else "insert")
        self.bench.sql(
            "INSERT INTO people (id, name, score) VALUES (?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET name = excluded.name, score = excluded.score",
            (key, name, score),
        )

    def _update_many(self, key: int, other: int, name: str, score: Any) -> None:
        self.changed("update many")
        self.bench.sql("UPDATE people SET name = ?, score = ? WHERE id % ?", (name, score, 2 + other % 3))

    def _null(self, key: int, other: int, name: str, score: Any) -> None:
        self.changed("null")
        self.bench.sql("UPDATE people SET name = NULL WHERE id = ?", (key,))

    def _delete(self, key: int, other: int, name: str, score: Any) -> None:
        self.changed("delete")
        self.bench.sql("DELETE FROM people WHERE id = ?", (key,))
        self.forfeit(key)

    def _key(self, key: int, other: int, name: str, score: Any) -> None:
        if key in (desired := self.desired()) and other not in desired:
            self.changed("key")
            self.bench.sql("UPDATE people SET id = ? WHERE id = ?", (other, key))
            self.forfeit(key)

    def _schema(self, key: int, other: int, name: str, score: Any) -> None:
        """A column more in the query, or less."""
        self.changed("schema")
        if "extra" not in self.columns():
            self.bench.sql("ALTER TABLE people ADD COLUMN extra TEXT")
        self.extra = not self.extra
        query = f"SELECT {', '.join(self.managed)} FROM people ORDER BY id"
        self.bench.datasets = [self.bench.dataset(query=query)]

    def columns(self) -> list[str]:
        connection = sqlite3.connect(self.bench.database)
        found = [row[1] for row in connection.execute("PRAGMA table_info(people)")]
        connection.close()
        return found

    def forfeit(self, key: Any) -> None:
        """Its row may go, with what stands beside it."""
        self.beside = {text: owner for text, owner in self.beside.items() if owner != key}

    # --- people -------------------------------------------------------------------------------------------

    def view(self) -> View | None:
        document = self.rig.document
        found = View.of(document, self.sheet_id, TAB, self.managed)
        by_title = View.of(document, None, TAB, self.managed)
        if by_title is not None and (found is None or not found.headers_here):
            found = by_title
        self.sheet_id = found.sheet.sheet_id if found is not None else None
        return found

    def all_texts(self, view: View | None) -> set[str]:
        return set() if view is None else view.texts.keys() | view.notes.keys()

    def by_hand(self, edit: Edit, row: int, other: int) -> bool:
        """Does an edit; what the person took away by it is no longer looked for. False where it cannot be done."""
        before = self.view()
        if before is None or (self.lost_state and edit.name == "rename the tab"):
            return False
        document = self.rig.document
        try:
            edit.do(Hands(self.bench.person, before.sheet.title, row, other))
        except ApiError:  # such as sorting over merged cells: Google lets nobody do that
            self.seen["edits that Google refused"] += 1
        if self.rig.document is document:
            return False
        self.taken_away(before)
        self.seen[f"edit: {edit}"] += 1
        return True

    def taken_away(self, before: View) -> None:
        """Texts that a person's own edit took out of the tab, or gave to another row, are not looked for."""
        after = self.view()
        gone = self.all_texts(before) - self.all_texts(after)
        if after is not None:
            gone |= {text for text, owner in self.beside.items() if self.given_away(after, text, owner)}
            self.typed_keys |= set(Counter(after.keys) - Counter(before.keys))
        self.beside = {text: key for text, key in self.beside.items() if text not in gone}

    @staticmethod
    def given_away(view: View, text: str, owner: Any) -> bool:
        """A row that is blank in our columns is theirs and stays, whosesoever it was; and a row that they gave the
        key of another one, which has no row now, is that one as soon as it is in the database."""
        rows = view.rows_of(text)
        found = {view.key_of(row) for row in rows} - {None}
        return all(view.is_blank_in_ours(row) for row in rows) or bool(
            found and owner not in found and found <= ALL_KEYS - view.doubled
        )

    def edit_between_syncs(self, data: st.DataObject) -> None:
        edit, row, other = data.draw(edits, label="edit"), data.draw(places, label="row"), data.draw(places)
        self.seen["edits between syncs"] += self.by_hand(edit, row, other)

    def write_beside_a_row(self, data: st.DataObject) -> None:
        self.write_beside(data.draw(places, label="beside"), on_cell=data.draw(st.booleans()))

    def write_beside(self, place: int, *, on_cell: bool) -> None:
        view, person = self.view(), self.bench.person
        if view is None or view.at("id") is None:
            return
        rows = [
            (i, k) for i, row in view.rows if (k := view.key_of(row)) in self.desired() and k not in view.doubled
        ]
        if not rows:
            return
        index, key = rows[place % len(rows)]
        self.texts_made += 1
        text, title = f"{MARK}{self.texts_made}", view.sheet.title
        before = self.all_texts(view)
        if on_cell:
            person.note(title, index, view.at("id") or 0, text)
        else:
            person.type(title, index, self.their_column(view), text)
        for gone in before - self.all_texts(self.view()):
            self.beside.pop(gone, None)
        self.beside[text] = key
        self.seen["texts beside rows"] += 1

    def their_column(self, view: View) -> int:
        at = view.at(THEIRS)
        if at is None:
            at = Hands(self.bench.person, view.sheet.title).free
            self.bench.person.type(view.sheet.title, 0, at, THEIRS)
        return at

    # --- syncs, with all that can go wrong ----------------------------------------------------------------

    def sync(self, data: st.DataObject) -> None:
        """With nothing, one thing or all things that can go wrong."""
        with_edit, with_fault, with_crash = data.draw(st.sampled_from(TROUBLES), label="trouble")
        between = fault = crash_at = None
        if any((with_edit, with_fault, with_crash)):  # then there shall be something to write
            self._update_many(1, data.draw(keys, label="rows"), data.draw(texts), data.draw(numbers))
            self._insert_or_update(data.draw(keys, label="key"), 1, data.draw(texts), data.draw(numbers))
            self.write_beside(data.draw(places, label="beside"), on_cell=data.draw(st.booleans()))
        if with_edit:
            position, edit = data.draw(st.integers(0, 4), label="before request"), data.draw(edits, label="edit")
            between = (position, edit, data.draw(places, label="row"), data.draw(places, label="other row"))
        if with_fault:
            fault = data.draw(faults(), label="fault")
        if with_crash:
            crash_at = data.draw(st.integers(1, 18), label="crash at step")
        result = self.synced(between=between, fault=fault, crash_at=crash_at)
        if result is None:
            return
        if result.result != "failed" and not between:
            self.check_ours()
        if result.error_code in GUARDS and data.draw(st.booleans(), label="do as one is told"):
            self.help(result)

    def other_circumstances(self, data: st.DataObject) -> None:
        """Whether what a sync has to say fits one request, or takes hidden tabs and steps. Rarely the state file is
        lost: then a tab is known by its title only."""
        small, gone = data.draw(st.booleans(), label="small bodies"), data.draw(st.integers(0, 9), label="gone")
        bodies_of(SMALL_BODIES if small else LARGE_BODIES)
        view = self.view()
        if gone == 9 and self.bench.state.exists() and view is not None and view.sheet.title == TAB:
            self.bench.forget()
            self.lost_state = True
            self.seen["state files lost"] += 1

    def synced(
        self,
        *,
        between: tuple[int, Edit, int, int] | None = None,
        fault: Fault | None = None,
        crash_at: int | None = None,
        force: bool = False,
    ) -> DatasetResult | None:
        watch, before = Watch(self, between), self.view()
        self.box.hooks.before_read(watch)
        self.box.hooks.before_write(watch)
        if fault is not None:
            self.box.faults.add(fault)
        try:
            run = self.rig.run(force=force, crash_at=crash_at)
        finally:
            self.box.hooks.clear()
            self.box.faults.clear()
        watch.look()
        assert not watch.wrong, watch.wrong
        self.told(before, between, fault, crash_at, run and run.datasets[0], self.rig.steps.crashed)
        self.seen["syncs"] += 1
        self.syncs += 1
        self.seen["edits between requests"] += watch.happened
        if fault is not None and fault.fired:
            self.seen["faults"] += 1
            self.seen[f"fault: {fault.kind} {fault.status if fault.kind == 'status' else ''}"] += 1
        if run is None:
            self.seen["crashes"] += 1
            self.seen[f"crash: {self.rig.steps.crashed}"] += 1
            return None
        result = run.datasets[0]
        self.seen[f"result: {result.error_code or result.result}"] += 1
        if result.result != "failed":
            self.lost_state = False
            if not watch.happened:
                self.typed_keys.clear()
        else:
            self.check_strangers(result)
            assert result.error and (result.hint or fault), result
        return result

    def check_strangers(self, result: DatasetResult) -> None:
        """What a sync wrote, whole or not, is known to the next one: only people make rows that nobody knows."""
        view = self.view()
        if result.error_code == "unknown_rows" and view is not None and not self.lost_state:
            strange = (set(view.keys) & ALL_KEYS) - self.desired().keys()
            assert not strange or strange & self.typed_keys, (
                f"nobody typed any of the keys {strange}: {result.error}"
            )

    def crash_over_a_row_that_goes(self, data: st.DataObject) -> None:
        """A crash leaves a row that the database has no more when the next sync comes: it is known as ours."""
        key = data.draw(keys, label="key")
        self.settle()
        if key in self.desired():
            return
        self._insert_or_update(key, key, "here and gone", key)
        result = self.synced(crash_at=data.draw(st.integers(1, 18), label="crash at step"))
        self._delete(key, key, "", None)
        view = self.view()
        self.seen["rows that a crash left"] += result is None and view is not None and key in view.keys
        undisturbed = self.synced(force=True)
        assert undisturbed is not None
        assert undisturbed.result != "failed" or not self.desired(), undisturbed

    def told(self, before: View | None, *what: Any) -> None:
        """Keeps of each text the syncs after which it was not where it should be, for whoever looks into it."""
        view = self.view()
        for text, key in self.beside.items():
            keys = view and (view.texts.get(text) or view.notes.get(text))
            if keys and key in keys:
                self.story.pop(text, None)
            else:
                rows = (
                    [
                        (i, r.cells, r.notes)
                        for i, r in before.rows
                        if text in (r.notes or {}).values() or text in r.cells or key in r.cells
                    ]
                    if before
                    else []
                )
                self.story.setdefault(text, []).append((keys, before and before.header, rows, what))

    # --- when the dust settles ----------------------------------------------------------------------------

    def settle(self, _data: st.DataObject | None = None) -> None:
        """Nothing goes wrong any more, and a person does what refusals ask for: then all is as it must be."""
        force = False
        for _ in range(25):
            result = self.synced(force=force)
            assert result is not None
            if result.result == "unchanged" and not result.writes:
                break
            if result.result == "failed":
                force = result.error_code == "shrink_refused"
                self.help(result)
        else:
            raise AssertionError(f"it does not come to rest: {result and (result.error_code, result.error)}")
        self.check_ours()
        view = self.view()
        assert view is not None
        for text, key in self.beside.items():
            keys = view.texts.get(text) or view.notes.get(text)
            assert keys is not None, f"{text!r}, beside {key}, is lost: {self.story.get(text)}"
            assert key in keys, f"{text!r} stands beside {keys} instead of {key}: {self.story.get(text)}"
        self.seen["settled"] += 1
        self.seen["texts compared with their rows"] += len(self.beside)
        self.seen["cells compared"] += len(view.ours) * len(self.managed)

    def help(self, refusal: DatasetResult) -> None:
        if refusal.error_code in ("shrink_refused", "second_writer", "overtaken"):
            return
        before = self.view()
        assert before is not None
        Helpful(self.bench.person, before, self.desired(), self.beside).follow(refusal)
        self.taken_away(before)
        self.seen["refusals followed"] += 1

    def check_ours(self) -> None:
        view = self.view()
        assert view is not None
        assert view.ours == plain(self.desired().values())
        assert [view.header.count(name) for name in self.managed] == [1] * len(self.managed)
        assert view.doubled == set()

    def teardown(self) -> None:
        try:
            self.settle()
            self.seen["most syncs in one example"] = max(self.seen["most syncs in one example"], self.syncs)
        finally:
            self.rig.close()
        event(f"settled with {len(self.beside)} texts" if self.beside else "settled without texts")


class Watch:
    """Before each request: lets the person act when it is their turn, and looks at what is to be seen."""

    def __init__(self, machine: Everything, between: tuple[int, Edit, int, int] | None) -> None:
        self.machine, self.between = machine, between
        self.number = self.happened = 0
        self.wrong: str | None = None
        self.last = machine.view()
        self.rows = len(machine.desired())

    def __call__(self, request: Request) -> None:
        try:
            self.look()
            if self.between is not None and self.number == self.between[0]:
                self.happened += self.machine.by_hand(*self.between[1:])
                self.last = self.machine.view()
            self.number += 1
            if self.happened:
                self.excuse(request)
        except Exception as error:  # noqa: BLE001 - in the server's thread; told where the test sees it
            self.wrong = self.wrong or repr(error)

    def excuse(self, request: Request) -> None:
        """The one exception: what stands in rows that this request deletes in the place of others."""
        view = self.machine.view()
        hit = overtaken(request, view) & self.machine.beside.keys()
        self.machine.seen["deletions overtaken"] += bool(hit)
        for text in hit:
            del self.machine.beside[text]

    def look(self) -> None:
        """Each state that people can see is one that they, the last sync or this one meant."""
        now, last = self.machine.view(), self.last
        self.last = now
        if last is None or now is last:
            if now is not None and last is None and now.headers_here:
                self.claim(len(now.ours) == self.rows, f"a new tab with {len(now.ours)} of {self.rows} rows")
            return
        self.claim(now is not None, "the tab is away")
        assert now is not None
        if last.is_blank:
            self.claim(now.is_blank or len(now.ours) == self.rows, "a first sync is half written")
            return
        self.claim(not now.is_blank, "the tab is blank")
        self.claim(bool(now.headers_here) or not last.headers_here, "the header is away")
        if not self.happened:
            self.claim(last.headers_here <= now.headers_here, "a header is away")
            self.claim(now.doubled <= last.doubled, "a key stands twice")
        self.machine.seen["states looked at"] += 1

    def claim(self, holds: bool, otherwise: str) -> None:
        if not holds:
            self.wrong = self.wrong or otherwise


LEAST = {"syncs": 250, "faults": 40, "crashes": 40, "edits between requests": 40, "edits between syncs": 40,
         "texts beside rows": 30, "texts compared with their rows": 60, "refusals followed": 5,
         "rows that a crash left": 3}  # fmt: skip
"""What must really have happened in the short form; in a longer one more does."""


def test_whatever_happens_the_sheet_is_the_database_and_people_keep_what_is_theirs(
    box: Sandbox, tmp_path: Path
) -> None:
    class Machine(Everything):
        pass

    Machine.box, Machine.directory, Machine.seen = box, tmp_path, Counter()
    with pytest.MonkeyPatch.context() as patch:
        for module in (google_sheets, google_staging):
            patch.setattr(module, "BODY_BYTES", LARGE_BODIES)
        profile = settings(
            max_examples=EXAMPLES,
            stateful_step_count=STEPS,
            derandomize=not LONG,
            database=None,
            deadline=None,
            phases=[Phase.generate] + ([Phase.shrink] if LONG else []),
            suppress_health_check=list(HealthCheck),
            print_blob=False,
            verbosity=Verbosity.normal,
        )
        machine = seed(SEED)(Machine) if LONG else Machine
        try:
            run_state_machine_as_test(machine, settings=profile)
        finally:
            told = "\n".join(f"{count:7} {name}" for name, count in sorted(Machine.seen.items()))
            sys.stdout.write(told + "\n")
    assert {name: Machine.seen[name] for name, least in LEAST.items() if Machine.seen[name] < least} == {}
