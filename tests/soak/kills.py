"""`python -m tests.soak.kills --kills 200 --seed 1`: the daemon killed with -9 again and again, while it syncs.

Before each life the database changes; then `mmsync run` is started, and killed at some moment. Every state that the
spreadsheet goes through is kept and judged: each tab is at any time exactly what the database once was, in this
order, and what a person wrote beside a row is beside that row. At the end one sync makes all equal.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from moneymentor_sync.sandbox import Sandbox
from tests.fork_server import ForkServer
from tests.integration.spreadsheet_states import Picture, Recorder, seen
from tests.network import stay_on_this_machine

SMALL_BODY = 5_000
PEOPLE, BIG = "People", "Big"
Rows = dict[int, tuple[str, int]]
START: dict[str, Rows] = {
    PEOPLE: {i: (f"p{i}", i) for i in range(1, 13)},
    BIG: {i: ("x" * 60, i) for i in range(1, 161)},
}


@dataclass
class Scene:
    """A database of two tables, a spreadsheet with a tab for each, and a daemon to be started and killed."""

    folder: Path
    box: Sandbox
    server: ForkServer
    state: Path = None  # type: ignore[assignment]  # beside the configuration, if not elsewhere
    config: Path = field(init=False)
    tables: dict[str, Rows] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.database = self.folder / "app.db"
        self.state = self.state or self.folder / "state.db"
        self.log = self.folder / "daemon.log"
        self.config = self.folder / "sync.toml"
        datasets = "".join(
            f'[[datasets]]\nname = "{tab.lower()}"\ntab = "{tab}"\nkey = ["id"]\n'
            f'query = "SELECT id, name, score FROM {tab.lower()} ORDER BY id"\n'
            for tab in (PEOPLE, BIG)
        )
        self.config.write_text(
            f'[database]\nurl = "sqlite:///{self.database}"\n'
            f'[google]\nspreadsheet_id = "{self.box.spreadsheet_id}"\n'
            f'credentials_file = "{self.box.credentials_file}"\napi_endpoint = "{self.box.url}"\n'
            "[sync]\ninterval_seconds = 3600\nretry_delay_seconds = 0\nenable_course_stats = false\n"
            f'enable_user_profiles = false\n[state]\npath = "{self.state}"\n'
            f'[control]\nsocket = "{self.folder / "control.sock"}"\n{datasets}'
        )
        self.sql(
            *(
                f"CREATE TABLE {tab.lower()} (id INTEGER PRIMARY KEY, name TEXT, score INTEGER)"
                for tab in (PEOPLE, BIG)
            )
        )

    def sql(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            for statement in statements:
                connection.execute(statement)

    def fill(self, tables: dict[str, Rows]) -> None:
        """Makes the database hold just these rows, in one transaction."""
        with closing(sqlite3.connect(self.database)) as connection, connection:
            for tab, rows in tables.items():
                connection.execute(f"DELETE FROM {tab.lower()}")
                values = [(key, *row) for key, row in rows.items()]
                connection.executemany(f"INSERT INTO {tab.lower()} VALUES (?, ?, ?)", values)
        self.tables = {tab: dict(rows) for tab, rows in tables.items()}

    def write_notes(self) -> None:
        """A person's column in the midst of ours, with something beside each row that is there from the start."""
        person = self.box.person()
        person.insert_columns(PEOPLE, 2)
        person.type_rows(PEOPLE, 0, 2, [["mine"], *[[f"about {key}"] for key in START[PEOPLE]]])

    # --- the command --------------------------------------------------------------------------------------

    def start(self) -> int:
        return self.server.start(["run", "-c", str(self.config)], self.log)

    def kill(self, pid: int) -> None:
        os.kill(pid, signal.SIGKILL)
        assert self.server.wait(pid) == -signal.SIGKILL

    def sync(self) -> None:
        """`mmsync sync`, which must succeed."""
        code = self.server.run(["sync", "-c", str(self.config)], self.log)
        assert code == 0, self.log.read_text()[-2000:]

    # --- back to a beginning ------------------------------------------------------------------------------

    def keep(self) -> None:
        """Takes this moment for the beginning; no daemon may run."""
        self._document = self.box.document()
        self._kept = {path.name: path.read_bytes() for path in self._state_files()}

    def rewind(self) -> None:
        """As at the beginning, but for the database."""
        self.box.faults.clear()
        self.box.hooks.clear()
        with self.box.library.lock:
            self.box.library.documents[self._document.document_id] = self._document
        for path in self._state_files():
            path.unlink()
        for name, content in self._kept.items():
            (self.folder / name).write_bytes(content)

    def _state_files(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.name.startswith(self.state.name)]

    # --- what became of it --------------------------------------------------------------------------------

    def noted(self) -> tuple[int, int]:
        """How many runs the state file has recorded, and how many writes of which it does not know what became."""
        if not self.state.exists():
            return 0, 0
        with closing(sqlite3.connect(self.state)) as connection:
            names = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
            if not {"run", "spreadsheet"} <= names:
                return 0, 0
            runs = connection.execute("SELECT count(*) FROM run").fetchone()[0]
            pending = connection.execute("SELECT count(*) FROM spreadsheet WHERE pending IS NOT NULL").fetchone()[0]
        return int(runs), int(pending)


# --- what may be seen -------------------------------------------------------------------------------------------


def ours(found: Picture) -> Rows | None:
    """The managed cells by key; None where the header is not right or a key is there twice."""
    if not found.rows or not {"id", "name", "score"} <= {*found.rows[0]}:
        return None
    at = [found.rows[0].index(name) for name in ("id", "name", "score")]
    rows: Rows = {}
    for row in found.rows[1:]:
        cells: list[Any] = [row[i] if i < len(row) else None for i in at]
        if not isinstance(cells[0], float | int) or int(cells[0]) in rows:
            return None
        rows[int(cells[0])] = (str(cells[1]), int(cells[2]))
    return rows


def notes(found: Picture) -> dict[Any, Any]:
    """What a person wrote beside rows, by key."""
    header = found.rows[0]
    if "mine" not in header:
        return {}
    key, mine = header.index("id"), header.index("mine")
    return {row[key]: row[mine] for row in found.rows[1:] if len(row) > mine and row[mine] is not None}


@dataclass
class Judge:
    """Goes along with the states, one after the other: each tab is what the database was, and never goes back."""

    versions: dict[str, list[Rows]] = field(default_factory=lambda: {PEOPLE: [], BIG: []})
    places: dict[str, int] = field(default_factory=lambda: {PEOPLE: 0, BIG: 0})
    wrong: list[str] = field(default_factory=list)
    states: int = 0
    may_be_gone: set[str] = field(default_factory=set)

    def look(self, pictures: Sequence[dict[str, Picture]]) -> None:
        for state in pictures:
            self.states += 1
            self.wrong += [f"tab {title!r} is seen" for title in state if title not in (PEOPLE, BIG, "Sheet1")]
            for tab, versions in self.versions.items():
                self._tab(tab, versions, state.get(tab))

    def _tab(self, tab: str, versions: list[Rows], found: Picture | None) -> None:
        if found is None:
            if tab not in self.may_be_gone:
                self.wrong.append(f"{tab} is gone")
            return
        rows = ours(found)
        at = next((i for i in range(self.places[tab], len(versions)) if versions[i] == rows), None)
        if at is None:
            self.wrong.append(f"{tab} is no version of the database: {found.rows[:3]}…")
        else:
            self.places[tab] = at
        for key, text in notes(found).items():
            if text != f"about {key:g}":
                self.wrong.append(f"{tab}: beside {key} stands {text!r}")


# --- the command ------------------------------------------------------------------------------------------------


@dataclass
class Figures:
    kills: Counter[str] = field(default_factory=Counter)
    requests: Counter[str] = field(default_factory=Counter)
    states: int = 0
    cells: int = 0
    notes: int = 0
    differences: list[str] = field(default_factory=list)

    @property
    def in_sync(self) -> int:
        return self.kills["in a sync"] + self.kills["in a write"]

    def lines(self) -> list[str]:
        kills = self.kills
        return [
            f"kills: {kills.total()}",
            f"  in a sync: {self.in_sync}, of them with a write under way: {kills['in a write']}",
            f"  before its first request: {kills['before']}; after its end: {kills['idle']}",
            f"requests: {', '.join(f'{number} {kind}' for kind, number in sorted(self.requests.items()))}",
            f"states of the spreadsheet seen: {self.states}",
            f"at the end: {self.cells} cells and {self.notes} notes compared",
            f"differences: {len(self.differences)}",
            *self.differences[:20],
        ]


def changed(tables: dict[str, Rows], chance: random.Random, number: int) -> dict[str, Rows]:
    """The next version: some rows of each table other than before, some new, and one gone."""
    people, big = dict(tables[PEOPLE]), dict(tables[BIG])
    for key in chance.sample(sorted(people), 3):
        people[key] = (people[key][0], number)
    people[1000 + number] = (f"new {number}", number)
    if number % 3 == 0 and len(people) > 10:
        del people[chance.choice(sorted(people)[5:])]
    if number % 2:
        letter = chance.choice("abcdefgh")
        big = {key: (letter * 60, score + 1) for key, (_, score) in big.items()}
        del big[chance.choice(sorted(big))]
        big |= {10_000 + number * 10 + i: ("z" * 60, i) for i in range(2)}
    return {PEOPLE: people, BIG: big}


def kill_again_and_again(folder: Path, kills: int, seed: int) -> Figures:
    chance = random.Random(seed)
    figures = Figures()
    with Sandbox(folder / "sheets", quota=None) as box, ForkServer(body_bytes=SMALL_BODY) as server:
        scene, judge = Scene(folder, box, server), Judge()
        scene.fill(START)
        for tab, rows in scene.tables.items():
            judge.versions[tab].append(rows)
        scene.sync()
        scene.write_notes()
        person = box.person()
        recorder, arrivals = Recorder(box, box.spreadsheet_id).start(), Arrivals(box)
        for number in range(1, kills + 1):
            if number % 9 == 0 and BIG in box.tabs(box.spreadsheet_id):
                judge.may_be_gone.add(BIG)
                person.delete_tab(BIG)
            scene.fill(changed(scene.tables, chance, number))
            for tab, rows in scene.tables.items():
                judge.versions[tab].append(rows)
            figures.kills[_life(scene, arrivals, chance)] += 1
            judge.look([dict(state) for state in recorder.states[1:]])
            recorder.documents = recorder.documents[-1:]
            for kind in ("token", "read", "write"):
                figures.requests[kind] += box.log.count(kind)
        scene.sync()
        judge.look([dict(state) for state in recorder.states[1:]])
        figures.states, figures.differences = judge.states, judge.wrong + differences(scene)
        figures.cells = 3 * sum(map(len, scene.tables.values()))
        figures.notes = len(notes(seen(box.document())[PEOPLE]))
    return figures


class Arrivals:
    """Counts the requests that arrive, and lets somebody wait for the next one."""

    def __init__(self, box: Sandbox) -> None:
        self._next = threading.Semaphore(0)
        self.reset()
        box.hooks.on_arrival(self._arrived)
        box.hooks.before_write(self._written)

    def reset(self) -> None:
        while self._next.acquire(blocking=False):
            pass
        self.requests = self.writes = 0

    def _arrived(self, _request: object) -> None:
        self.requests += 1
        self._next.release()

    def _written(self, _request: object) -> None:
        self.writes += 1

    def wait(self, seconds: float) -> bool:
        return self._next.acquire(timeout=seconds)


def _life(scene: Scene, arrivals: Arrivals, chance: random.Random) -> str:
    """One life of the daemon, and where in it the end came: mostly some milliseconds after one of its requests."""
    recorded, _ = scene.noted()
    scene.box.log.reset()
    arrivals.reset()
    wanted = chance.randrange(0, 12)
    pid = scene.start()
    for number in range(wanted):
        if not arrivals.wait(0.5 if number else 5.0):  # the sync is over
            break
    threading.Event().wait(chance.uniform(0.0, 0.008 if wanted else 0.3))
    scene.kill(pid)
    runs, pending = scene.noted()
    if runs > recorded:
        return "idle"
    if pending and arrivals.writes:
        return "in a write"
    return "in a sync" if arrivals.requests else "before"


def differences(scene: Scene) -> list[str]:
    """What is not as it must be when everything is over: a cell, a note, a hidden tab that was left."""
    found = seen(scene.box.document())
    wrong: list[str] = []
    for tab, rows in scene.tables.items():
        now = ours(found[tab]) or {}
        wrong += [
            f"{tab}: key {key}: {now.get(key)} instead of {rows.get(key)}"
            for key in now.keys() | rows.keys()
            if now.get(key) != rows.get(key)
        ]
    kept = notes(found[PEOPLE])
    if kept:
        noted = START[PEOPLE].keys() & scene.tables[PEOPLE].keys()
        wrong += [f"the note about {key} is gone" for key in noted - kept.keys()]
    staging = [tab for tab in scene.box.tabs(scene.box.spreadsheet_id) if "staging" in tab]
    return wrong + [f"a hidden tab is left: {tab}" for tab in staging]


def main() -> int:
    """Prints figures; 1 where anything differs, or where too few kills hit a sync."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--directory", type=Path, help="where logs, state and sheets are left; else a new one")
    given = parser.parse_args()
    folder = given.directory or Path(tempfile.mkdtemp(prefix="mmsync-kills-"))
    folder.mkdir(parents=True, exist_ok=True)
    stay_on_this_machine()
    begin = time.monotonic()
    figures = kill_again_and_again(folder.resolve(), given.kills, given.seed)
    lines = [*figures.lines(), f"took {time.monotonic() - begin:.0f} s, seed {given.seed}; log in {folder}"]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if figures.differences or figures.in_sync < given.kills // 3 else 0


if __name__ == "__main__":
    sys.exit(main())
