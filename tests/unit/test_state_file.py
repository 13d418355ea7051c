"""The state file: its rights, its versions, runs, and what becomes of a damaged one. (What every store keeps is in
`contract/test_store.py`.)"""

from __future__ import annotations

import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from hashlib import blake2b
from pathlib import Path

import pytest

from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.adapters.state_schema import APPLICATION_ID, MIGRATIONS
from moneymentor_sync.core.errors import StateError
from moneymentor_sync.core.layout import KnownTab
from moneymentor_sync.core.ports import DatasetResult, DatasetState, RunResult
from moneymentor_sync.core.settings import Dataset
from moneymentor_sync.sync.memory import MOST_COMING, state_begun

KNOWN = KnownTab(7, "People", frozenset({"a", "b"}), (0, 2), ("id", "näme"), 30)
STATE = DatasetState("sheet", "People", KNOWN, "shape", "1:00", "1:01", ("yyyy", None), 3, 12.5, '"x"')


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "made" / "state.db"


@pytest.fixture
def store(path: Path) -> Iterator[StateFile]:
    store = StateFile(path)
    yield store
    store.close()


def again(path: Path) -> StateFile:
    return StateFile(path)


def test_only_its_owner_may_read_it(store: StateFile, path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_no_more_ids_are_remembered_than_can_still_come() -> None:
    dataset = Dataset("d", "People", ("id",), "sheet", query="SELECT 1")
    state = state_begun(dataset, None, 0)
    assert state == DatasetState("sheet", "People", None, coming=(0,))
    for number in range(1, 100):
        state = state_begun(dataset, state, number)
    assert state.coming == tuple(range(99, 99 - MOST_COMING, -1))


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS)))
def test_a_file_of_an_older_version_opens_with_what_it_has(path: Path, version: int) -> None:
    path.parent.mkdir()
    known = '{"sheet_id":7,"title":"People","headings":["a","b"],"positions":[0,2],"headers":["id","näme"],'
    row = ("d", "sheet", "People", known + '"width":30,"height":1000}', "shape", "1:00", "1:01", '["yyyy",null]')
    with closing(sqlite3.connect(path)) as db:
        db.executescript(";".join(MIGRATIONS[:version]))
        db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        db.execute(f"PRAGMA user_version = {version}")
        columns = (
            "name, spreadsheet_id, tab, known, shape, source, content, formats, rows, verified_at, cursor, dirty"
        )
        db.execute(f"INSERT INTO dataset ({columns}) VALUES (?,?,?,?,?,?,?,?,3,12.5,'\"x\"',0)", row)
        db.commit()
    store = again(path)
    assert store.dataset("d") == STATE
    store.finish("d", STATE, {}, ())
    assert store.dataset("d") == STATE
    store.close()


def key(number: int) -> bytes:
    """A hash: 16 bytes, spread over all parts."""
    return blake2b(str(number).encode(), digest_size=16).digest()


def test_runs_are_recorded_with_what_each_dataset_did(store: StateFile) -> None:
    result = DatasetResult("d", "People", "synced", rows=3, inserted=1, cells=9, writes=1, bytes_sent=700)
    failed = DatasetResult("e", "T", "failed", error_code="query", error="no such table", hint="make it")
    run = RunResult("r1", 100.0, 2.5, "sync", (result, failed))
    store.record(run)
    assert not run.ok
    assert store.runs() == [("r1", 100.0, 2.5, "sync", 0)]
    first, second = store.run_datasets("r1")
    assert (first["dataset"], first["inserted"], first["bytes_sent"]) == ("d", 1, 700)
    assert (second["error_code"], second["hint"]) == ("query", "make it")


def test_a_file_from_a_newer_version_is_refused(store: StateFile, path: Path) -> None:
    store.close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    db.close()
    with pytest.raises(
        StateError, match=f"version {len(MIGRATIONS) + 1}; this mmsync knows up to {len(MIGRATIONS)}"
    ):
        again(path)


def test_somebody_elses_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "theirs.db"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE mine (x)")
    db.close()
    with pytest.raises(StateError, match="not a state file"):
        again(path)
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT name FROM sqlite_master").fetchall() == [("mine",)]
    db.close()


def test_a_damaged_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    path.write_bytes(b"this is no database, but it is long enough to look like one" * 100)
    with pytest.raises(StateError) as caught:
        again(path)
    assert "Move the file away" in caught.value.hint


def test_a_place_that_cannot_be_written_to_is_named(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    with pytest.raises(StateError, match=str(blocker)) as caught:
        StateFile(blocker / "state.db")
    assert "MMSYNC_STATE" in caught.value.hint


def test_a_full_disk_is_an_error_with_a_remedy(store: StateFile, path: Path) -> None:
    store.close()
    with sqlite3.connect(path) as db:
        pages = db.execute("PRAGMA page_count").fetchone()[0]
    db.close()
    small = StateFile(path)
    small._db.execute(f"PRAGMA max_page_count = {pages + 1}")
    with pytest.raises(StateError) as caught:
        small.finish("d", STATE, {key(number): key(0) for number in range(5_000)}, None)
    assert "Free some space" in caught.value.hint
    assert small.dataset("d") is None
    small.close()
