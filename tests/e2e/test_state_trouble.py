"""The real command and a state file that cannot be used, or whose disk is full."""

from __future__ import annotations

import resource
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from moneymentor_sync.control.client import ControlClient
from moneymentor_sync.core.errors import MmsyncError
from moneymentor_sync.sandbox import Sandbox
from tests.fork_server import ForkServer
from tests.integration.spreadsheet_states import Recorder, seen
from tests.soak.kills import BIG, PEOPLE, SMALL_BODY, START, Judge, Scene, differences

NEXT = {
    PEOPLE: {key: (name, score + (key % 2)) for key, (name, score) in START[PEOPLE].items() if key != 5},
    BIG: START[BIG],
}
PATIENCE = 60.0


@pytest.fixture(scope="module")
def server() -> Iterator[ForkServer]:
    with ForkServer(body_bytes=SMALL_BODY) as server:
        yield server


@pytest.fixture
def scene(server: ForkServer, tmp_path: Path) -> Iterator[Scene]:
    with Sandbox(tmp_path / "sheets", quota=None) as box:
        made = Scene(tmp_path, box, server)
        made.fill(START)
        made.sync()
        made.write_notes()
        made.sync()
        made.fill(NEXT)
        yield made


# --- a file that cannot be used ---------------------------------------------------------------------------


def of_a_newer_version(state: Path) -> None:
    with closing(sqlite3.connect(state)) as connection:
        connection.execute("PRAGMA user_version = 99")


def another_database(state: Path) -> None:
    state.unlink()
    with closing(sqlite3.connect(state)) as connection:
        connection.execute("CREATE TABLE customers (id INTEGER)")


def a_directory(state: Path) -> None:
    state.unlink()
    state.mkdir()


def text(state: Path) -> None:
    state.write_text("# my settings\n" * 1000)


def half_of_it(state: Path) -> None:
    state.write_bytes(state.read_bytes()[: state.stat().st_size // 2])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (of_a_newer_version, "is of version 99"),
        (another_database, "not a state file of mmsync"),
        (a_directory, "state.db"),
        (text, "not a database"),
        (half_of_it, "malformed"),
    ],
)
def test_it_is_refused_with_words_and_the_spreadsheet_is_left(
    scene: Scene, make: Callable[[Path], None], says: str
) -> None:
    make(scene.state)
    before = seen(scene.box.document())
    scene.box.log.reset()
    for command in ("sync", "run"):
        log = scene.folder / f"{command}.log"
        assert scene.server.run([command, "-c", str(scene.config)], log) == 1
        said = log.read_text()
        assert says in said and str(scene.state) in said and "Traceback" not in said
    assert scene.box.log.count("write") == 0
    assert seen(scene.box.document()) == before


# --- the disk is full -------------------------------------------------------------------------------------


class Disk:
    """A small disk of its own, with the state file on it; `fill` leaves not a byte."""

    def __init__(self, place: Path, state: Path) -> None:
        self.place, self.state = place, state

    def fill(self) -> None:
        with closing(sqlite3.connect(self.state)) as connection:
            busy, *_ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        assert not busy, "SQLite has no room left over in its journal"
        with (self.place / "filler").open("wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(bytes(4096))
            except OSError:
                assert shutil.disk_usage(self.place).free == 0

    def free(self) -> None:
        (self.place / "filler").unlink()


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    place = tmp_path / "disk"
    place.mkdir()
    options = ["-t", "tmpfs", "-o", "size=8m,mode=0700", "tmpfs", str(place)]
    if subprocess.run(["/usr/bin/env", "mount", *options], capture_output=True, check=False).returncode:
        pytest.skip("nobody but root may mount a disk of its own")
    yield Disk(place, place / "state.db")
    subprocess.run(["/usr/bin/env", "umount", "-l", str(place)], check=True)


def wait_for(condition: Callable[[], object], what: str) -> None:
    pause = threading.Event()
    for _ in range(int(PATIENCE / 0.02)):
        if condition():
            return
        pause.wait(0.02)
    raise AssertionError(what)


def has_synced(client: ControlClient) -> bool:
    """The sync with which the daemon starts is over; the state file counts earlier ones, too."""
    try:
        status = client.status()
    except MmsyncError:
        return False
    return (status["last_sync_time"] or "") >= status["started_at"] and not status["sync_in_progress"]


@pytest.mark.parametrize("moment", [0, 1, 2, 3])
def test_on_a_full_disk_it_goes_on_and_writes_nothing_that_it_cannot_account_for(
    server: ForkServer, disk: Disk, tmp_path: Path, moment: int
) -> None:
    """Full before the sync (0), or from the n-th write to Google on; then there is space again."""
    with Sandbox(tmp_path / "sheets", quota=None) as box:
        scene = Scene(tmp_path, box, server, state=disk.state)
        scene.fill(START)
        scene.sync()
        scene.write_notes()
        scene.sync()
        recorder = Recorder(box, box.spreadsheet_id).start()
        pid = scene.start()
        client = ControlClient(scene.folder / "control.sock")
        wait_for(lambda: has_synced(client), "the first sync ends")
        writes: list[int] = []

        def arrives(_request: object) -> None:
            writes.append(len(writes) + 1)
            if len(writes) == moment:
                disk.fill()

        box.hooks.before_write(arrives)
        bigger = {key: ("w" * 60, score + 1) for key, (_, score) in START[BIG].items()}
        if moment == 0:
            disk.fill()
        scene.fill(NEXT | {BIG: bigger | {1000 + i: ("v" * 60, i) for i in range(400)}})
        result = client.force(wait=True)
        assert not result["ok"] and {one["error_code"] for one in result["datasets"]} >= {"state"}, result
        assert moment or not writes, "what it cannot note it does not write"
        status = client.status()
        assert status["is_running"] and "full" in str(status["statistics"]["last_error"])
        disk.free()
        assert client.force(wait=True)["ok"]
        scene.kill(pid)
        judge = Judge({tab: [START[tab], rows] for tab, rows in scene.tables.items()})
        judge.look([dict(state) for state in recorder.states])
        assert judge.wrong == [] and differences(scene) == []


def test_where_no_file_may_grow_any_more_not_even_the_log_it_goes_on(scene: Scene) -> None:
    pid = scene.start()
    client = ControlClient(scene.folder / "control.sock")
    wait_for(lambda: has_synced(client), "the first sync ends")
    recorder = Recorder(scene.box, scene.box.spreadsheet_id).start()
    with closing(sqlite3.connect(scene.state)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    none, (_, most) = 0, resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (none, most))
    last = {PEOPLE: {key: (name, -score) for key, (name, score) in NEXT[PEOPLE].items()}, BIG: START[BIG]}
    scene.fill(last)
    refused = client.force(wait=True)
    assert not refused["ok"] and {one["error_code"] for one in refused["datasets"]} == {"state"}
    assert recorder.states[1:] == []
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
    assert client.force(wait=True)["ok"]
    assert differences(scene) == []
    scene.kill(pid)


@pytest.mark.parametrize("what", ["file", "directory"])
def test_deleted_under_a_daemon_it_is_noticed_before_it_writes_and_made_anew(
    server: ForkServer, tmp_path: Path, what: str
) -> None:
    with Sandbox(tmp_path / "sheets", quota=None) as box:
        scene = Scene(tmp_path, box, server, state=tmp_path / "state" / "state.db")
        scene.fill(START)
        scene.sync()
        scene.write_notes()
        scene.sync()
        pid = scene.start()
        client = ControlClient(scene.folder / "control.sock")
        wait_for(lambda: has_synced(client), "the first sync ends")
        recorder = Recorder(box, box.spreadsheet_id).start()
        client.disable(reason="so that only what is forced is synced")
        box.log.reset()
        if what == "file":
            for path in scene.state.parent.glob("state.db*"):
                path.unlink()
        else:
            shutil.rmtree(scene.state.parent)
        scene.fill({PEOPLE: NEXT[PEOPLE] | {5: ("p5", 55)}, BIG: NEXT[BIG]})
        refused = client.force(wait=True)
        assert not refused["ok"] and "removed or replaced" in str(refused["datasets"]), refused
        assert recorder.states[1:] == [] and box.log.count("write") == 0
        assert client.force(wait=True)["ok"], "rows that are in the database are ours again"
        scene.kill(pid)
        judge = Judge({tab: [START[tab], rows] for tab, rows in scene.tables.items()})
        judge.look([dict(state) for state in recorder.states])
        assert judge.wrong == [] and differences(scene) == []
