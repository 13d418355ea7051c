"""What `mmsync check` sees of this machine, and that it leaves no trace there."""

from __future__ import annotations

import socket
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from moneymentor_sync.adapters.lock_file import LockFiles
from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.adapters.state_schema import APPLICATION_ID, COMING_SINCE, MIGRATIONS
from moneymentor_sync.checks.places import see_key, see_place, see_socket, see_state
from moneymentor_sync.core.layout import KnownTab
from moneymentor_sync.core.ports import DatasetState
from moneymentor_sync.core.settings import Dataset, ServiceAccount

KNOWN = KnownTab(7, "People", frozenset({"a", "b"}), (0, 2), ("id", "name"), 12)
DATASET = Dataset("people", "People", ("id",), "sheet", query="SELECT 1")


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A state file in which a dataset was synced, in a directory of its own."""
    path = tmp_path / "own" / "state #1.db"  # a name that a URI would not take as it is
    store = StateFile(path)
    store.finish("people", DatasetState("sheet", "People", KNOWN), {}, ())
    store.close()
    yield path


def files(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


def test_a_state_file_is_read_without_a_trace(state: Path) -> None:
    before = files(state.parent)
    seen = see_state(state, [DATASET])
    assert (seen.exists, seen.ours, seen.version, seen.problem) == (True, True, len(MIGRATIONS), "")
    assert seen.known == {"people": KNOWN}
    assert files(state.parent) == before


def test_a_state_file_in_use_is_read_as_well(state: Path) -> None:
    store = StateFile(state)
    store.finish("people", DatasetState("sheet", "People", None), {}, ())
    assert see_state(state, [DATASET]).known == {}
    store.close()


def test_the_ids_of_a_tab_that_is_being_made_are_seen(state: Path) -> None:
    store = StateFile(state)
    store.begin_write("people", DatasetState("sheet", "People", None, coming=(9, 8)), {})
    store.close()
    assert see_state(state, [DATASET]).coming == {"people": (9, 8)}
    moved = Dataset("people", "Elsewhere", ("id",), "sheet", query="SELECT 1")
    assert see_state(state, [moved]).coming == {}


def test_a_file_of_the_version_before_has_no_such_ids(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    connection = sqlite3.connect(path)
    connection.executescript(";".join(MIGRATIONS[: COMING_SINCE - 1]))
    connection.executescript(f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {COMING_SINCE - 1};")
    connection.close()
    seen = see_state(path, [DATASET])
    assert (seen.version, seen.problem, seen.coming) == (COMING_SINCE - 1, "", {})


def test_what_is_known_of_another_tab_or_spreadsheet_is_not_used(state: Path) -> None:
    moved = Dataset("people", "Elsewhere", ("id",), "sheet", query="SELECT 1")
    assert see_state(state, [moved]).known == {}


def test_no_state_file_is_made(tmp_path: Path) -> None:
    seen = see_state(tmp_path / "a" / "b" / "state.db", [])
    assert (seen.exists, seen.place.nearest, seen.place.is_directory) == (False, tmp_path, True)
    assert files(tmp_path) == []


def test_what_is_no_state_file(tmp_path: Path) -> None:
    junk, foreign, empty = tmp_path / "junk", tmp_path / "foreign", tmp_path / "empty"
    junk.write_bytes(b"no database at all" * 100)
    empty.touch()
    connection = sqlite3.connect(foreign)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    assert "cannot be read" in see_state(junk, []).problem
    assert see_state(tmp_path, []).problem == "is not a file"
    assert see_state(foreign, []).ours is False
    assert (see_state(empty, []).problem, see_state(empty, []).version) == ("", 0)


def test_a_file_in_the_way_of_a_directory_is_seen(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    place = see_place(tmp_path / "file" / "state.db")
    assert (place.nearest, place.is_directory) == (tmp_path / "file", False)


def test_what_stands_where_the_socket_is_to_be(tmp_path: Path) -> None:
    path = tmp_path / "s"
    assert see_socket(path).occupant == ""
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert see_socket(path).occupant == "socket"
    path.unlink()
    path.touch()
    assert see_socket(path).occupant == "file"


def test_a_path_too_long_to_ask_for_is_no_error(tmp_path: Path) -> None:
    assert see_socket(tmp_path / ("x" * 5000)).occupant == ""


def test_the_mode_of_a_key_file(tmp_path: Path) -> None:
    path = tmp_path / "key.json"
    path.touch(mode=0o600)
    path.chmod(0o640)
    assert see_key(ServiceAccount(file=path), "a@b").mode == 0o640
    assert see_key(ServiceAccount(client_email="a@b", private_key="x"), "a@b").mode is None


def test_asking_for_the_holder_makes_no_file_and_takes_no_lock(tmp_path: Path) -> None:
    asking = LockFiles(tmp_path / "state.db", "mmsync check")
    assert asking.holder("sheet") is None
    assert files(tmp_path) == []
    with LockFiles(tmp_path / "state.db", "mmsync sync", pid=12).hold("sheet"):
        assert asking.holder("sheet") == "mmsync sync (process 12)"
    assert asking.holder("sheet") is None
    with LockFiles(tmp_path / "state.db", "another").hold("sheet"):
        pass
