"""From a commit in PostgreSQL to the cell, and what a stream of commits costs; daemon and stand-in are processes.

The commit is made by another session; the cell is what the stand-in answers when it is asked for the tab.
"""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from statistics import median
from time import perf_counter
from typing import Any

import psycopg
from google.auth.transport.requests import AuthorizedSession
from google.oauth2.service_account import Credentials
from sqlalchemy.engine import make_url
from tests.databases import started_postgresql

from moneymentor_sync.core.notices import Pace, most_syncs
from moneymentor_sync.core.settings import SyncSettings

from .cells import SCOPES
from .daemon import Running, daemon
from .figures import Figure, count, ratio, seconds
from .scene import Scene, scene
from .setting import Setting

TARGET_SECONDS = 3.0
_PATIENCE = 60.0
_LOOK = 0.02
"""Seconds between two looks at the cell."""
_ROWS = 1_000
_TABLE = f"""
CREATE TABLE people (id int PRIMARY KEY, name text, points int);
INSERT INTO people SELECT n, 'person ' || n, 0 FROM generate_series(1, {_ROWS}) AS n;
"""
_DATASET = """
[[datasets]]
name = "people"
tab = "People"
query = "SELECT id, name, points FROM people"
key = ["id"]
"""


def realtime(setting: Setting) -> Iterator[Figure]:
    """Single commits, each when the one before has arrived; then as many as the database takes."""
    commits, streamed = (5, 10.0) if setting.quick else (20, 60.0)
    with postgresql() as (url, source), scene(setting.database(10)) as place:
        configure(place, url)
        source.execute(printed_triggers(place))
        with daemon(place) as running, closing(Cell(place)) as cell:
            listens(running)
            waits = [_arrives(cell, source, number) for number in range(1, commits + 1)]
            yield seconds("realtime.median", f"from a commit to the cell, median of {commits}", median(waits))
            yield ratio("realtime.share", f"that against {TARGET_SECONDS:g} s", median(waits) / TARGET_SECONDS, 1.0)
            yield seconds("realtime.most", "the longest", max(waits))
            yield from _stream(place, cell, source, streamed)


def _arrives(cell: Cell, source: psycopg.Connection[Any], number: int) -> float:
    """Seconds from the commit's return to the cell that shows it."""
    source.execute("UPDATE people SET points = %s WHERE id = %s", (number, number))
    begin = perf_counter()
    until(lambda: cell.points(number) == number)
    return perf_counter() - begin


def _stream(place: Scene, cell: Cell, source: psycopg.Connection[Any], streamed: float) -> Iterator[Figure]:
    """Commits without a pause, of one table: the syncs of it are counted by the clock."""
    place.forget_requests()
    begin, commits = perf_counter(), 0
    while perf_counter() - begin < streamed:
        source.execute("UPDATE people SET points = points + 1 WHERE id = 1")
        commits += 1
    sync = SyncSettings()
    pace = Pace(sync.debounce_seconds, sync.max_delay_seconds)
    took = perf_counter() - begin
    (wanted,) = source.execute("SELECT points FROM people WHERE id = 1").fetchone() or (None,)
    until(lambda: cell.points(1) == wanted)
    late = perf_counter() - begin - took
    writes = place.requests().writes
    what = f"in {took:.0f} s of {commits:,} commits"
    yield count("realtime.stream.commits", what, commits)
    bound = most_syncs(took + late, pace)
    yield count("realtime.stream.writes", f"writes {what}; by the clock at most {bound}", len(writes), bound)
    yield seconds("realtime.stream.last", "from the last of them to its cell", late)


# --- what it takes ------------------------------------------------------------------------------------------


@contextmanager
def postgresql() -> Iterator[tuple[str, psycopg.Connection[Any]]]:
    """A real server with the table, its URL, and a session that commits each statement."""
    with started_postgresql(sync_to_disk=True) as server:
        database = server.new_database()
        with psycopg.connect(make_url(database.url).set(drivername="postgresql").render_as_string(False)) as source:
            source.autocommit = True
            source.execute(_TABLE)
            yield database.url, source


def configure(place: Scene, url: str) -> None:
    """The scene's configuration with this database, an hour's interval, and the one dataset."""
    place.configure(tabs=())
    text = place.config.read_text(encoding="utf-8")
    text = text.replace(f"sqlite:///{place.database}", url).replace("[sync]", "[sync]\ninterval_seconds = 3600", 1)
    place.config.write_text(text + _DATASET, encoding="utf-8")


def printed_triggers(place: Scene) -> bytes:
    """What an operator would run."""
    command = [sys.executable, "-m", "moneymentor_sync", "triggers", "-c", str(place.config)]
    return subprocess.run(command, check=True, capture_output=True).stdout


def listens(running: Running) -> None:
    """Waits until it listens, and has synced what came before."""

    def ready() -> bool:
        status = running.status()
        if status is None or status["realtime"]["state"] != "listening" or status["sync_in_progress"]:
            return False
        return int(status["statistics"]["total_syncs"]) >= 2

    until(ready)


class Cell:
    """A look at single cells through the API, with the key that everybody here has."""

    def __init__(self, place: Scene) -> None:
        credentials = Credentials.from_service_account_file(str(place.credentials_file), scopes=SCOPES)
        self._session = AuthorizedSession(credentials)
        self._values = f"{place.url}/v4/spreadsheets/{place.spreadsheet_id}/values"

    def points(self, person: int) -> Any:
        """The points of a person, as the tab shows them now; rows are in the order of their ids."""
        cell = f"{self._values}/People!C{person + 1}?valueRenderOption=UNFORMATTED_VALUE"
        answer = self._session.get(cell, timeout=_PATIENCE)
        answer.raise_for_status()
        ((value,),) = answer.json()["values"]
        return value

    def close(self) -> None:
        self._session.close()


def until(condition: Callable[[], bool]) -> None:
    """Waits; RuntimeError where it does not come true."""
    end, pause = perf_counter() + _PATIENCE, threading.Event()
    while not condition():
        if perf_counter() > end:
            raise RuntimeError("it did not arrive within a minute")
        pause.wait(_LOOK)
