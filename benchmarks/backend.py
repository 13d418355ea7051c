"""The FastAPI backend on PostgreSQL: what its users wait with no sync, with the daemon, with the old sync inside.

Everything is a process of its own: PostgreSQL, the backend, who asks it, the daemon, and the stand-in of Google,
which runs only when nothing else wants the processor, since Google's machines are not ours.
"""

from __future__ import annotations

import itertools
import json
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any

from tests.databases import started_postgresql
from tests.moneymentor import SCHEMA, fill_sql

from .daemon import Running
from .figures import Figure, count, ratio, seconds
from .scene import HERE, without_settings
from .setting import Setting

RATE = 200
TURN_SECONDS, GAP_SECONDS = 5, 2.5
ROOT = HERE.parent
_CONFIG = """
[database]
url = {url}
[google]
spreadsheet_id = "{spreadsheet_id}"
credentials_file = "{credentials_file}"
api_endpoint = "{api}"
[sync]
interval_seconds = 2
enable_course_stats = false
max_pause_seconds = {max_pause_seconds}
[state]
path = "{directory}/state.db"
[control]
socket = "{directory}/control.sock"
"""


def load(setting: Setting) -> Iterator[Figure]:
    """The same requests, in turns of some seconds, at backends over the same tables."""
    users, turns = setting.rows, (1 if setting.quick else 12)
    waits: dict[str, list[float]] = {}
    syncs: dict[str, int] = {}
    with town(users) as place:
        place.configure()
        with place.backend("none") as bare, place.backend("daemon") as ours:
            with place.daemon() as running:
                _in_turns(place, running, (bare, ours), users, turns, (waits, syncs))
            place.configure(max_pause_seconds=1)
            with place.daemon() as running:
                before = _syncs(running)
                waits["through"] = place.ask(ours, turns * TURN_SECONDS, users)
                syncs["through"] = _syncs(running) - before
            with place.counting():
                waits["counting"] = place.ask(bare, turns * TURN_SECONDS, users)
        with place.old_backend() as old:
            waits["old"] = place.ask(old, turns * TURN_SECONDS, users)
    yield from _figures(waits, syncs, users, turns)


def _in_turns(
    place: Town,
    running: Running,
    ports: tuple[int, int],
    users: int,
    turns: int,
    found: tuple[dict[str, list[float]], dict[str, int]],
) -> None:
    """No sync at all and the daemon with its middleware, one after the other; between requests it may sync."""
    (bare, ours), (waits, syncs) = ports, found
    for port in ports:
        place.ask(port, 2, users)
    waits["none"], waits["daemon"], syncs["daemon"] = [], [], 0
    for _ in range(turns):
        running.client.disable()
        _until_quiet(running)
        waits["none"] += place.ask(bare, TURN_SECONDS, users)
        running.client.enable()
        before = _syncs(running)
        running.wait(GAP_SECONDS)
        waits["daemon"] += place.ask(ours, TURN_SECONDS, users)
        running.wait(GAP_SECONDS)
        syncs["daemon"] += _syncs(running) - before


def _figures(
    waits: Mapping[str, list[float]], syncs: Mapping[str, int], users: int, turns: int
) -> Iterator[Figure]:
    words = {
        "none": "no sync at all",
        "daemon": f"the daemon and its middleware, {users:,} rows",
        "through": "the same, but it is to go through after a second",
        "counting": "no sync, and a process as nice as the daemon that does nothing but count",
        "old": "the old sync in the process, 1,000 rows",
    }
    yield count("load.requests", f"requests to each, {RATE} a second", len(waits["none"]))
    yield count(
        "load.daemon.syncs", f"syncs of {users:,} rows in {turns} turns, begun before the requests", syncs["daemon"]
    )
    yield count("load.through.syncs", "syncs against the requests' will", syncs["through"])
    for name, what in words.items():
        yield seconds(f"load.{name}.p50", f"what a request takes, median: {what}", median(waits[name]))
        yield seconds(f"load.{name}.p99", "99th percentile", _p99(waits[name]))
    for name in ("daemon", "through", "counting", "old"):
        share = _p99(waits[name]) / _p99(waits["none"])
        target = 1.1 if name == "daemon" else None
        yield ratio(f"load.{name}.share", "its 99th percentile against no sync's", share, target)


def _p99(waits: Sequence[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.99)]


def _syncs(running: Running) -> int:
    return int(running.client.status()["statistics"]["total_syncs"])


def _until_quiet(running: Running) -> None:
    while running.client.status()["sync_in_progress"]:
        running.wait(0.1)


class Town:
    """A PostgreSQL with MoneyMentor's tables, a stand-in of Google, and backends over them."""

    def __init__(self, directory: Path, url: str, google: Mapping[str, str]) -> None:
        self.directory = directory
        self.url = url
        self.google = google
        self.config = directory / "sync.toml"
        self.socket = directory / "control.sock"
        self._seeds = itertools.count(1)

    def configure(self, max_pause_seconds: float = 300) -> None:
        """Writes the daemon's configuration."""
        others = {name: value for name, value in self.google.items() if name != "url"}
        text = _CONFIG.format(
            url=json.dumps(self.url),
            api=self.google["url"],
            directory=self.directory,
            max_pause_seconds=max_pause_seconds,
            **others,
        )
        self.config.write_text(text, encoding="utf-8")

    @contextmanager
    def backend(self, sync: str) -> Iterator[int]:
        """The port of a backend; `sync` as in `tests/backend.py`."""
        given = {"database_url": self.url, "sync": sync, "socket": str(self.socket), "config": str(self.config)}
        with self._process([sys.executable, "-m", "tests.backend", json.dumps(given)]) as first_line:
            yield first_line["port"]

    @contextmanager
    def old_backend(self) -> Iterator[int]:
        given = {"database_url": self.url}
        command = [sys.executable, str(HERE / "old_service.py"), json.dumps(given), json.dumps(dict(self.google))]
        with self._process(command) as first_line:
            yield first_line["port"]

    @contextmanager
    def daemon(self) -> Iterator[Running]:
        """`mmsync run`, as nice as systemd's unit makes it, after its first sync."""
        command = [*_nicely(), "-m", "moneymentor_sync", "run", "-c", str(self.config)]
        with (self.directory / "daemon.log").open("wb") as log:
            process = subprocess.Popen(command, stderr=log, env=without_settings())
        try:
            running = Running(process, self.socket)
            running.synced()
            yield running
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        finally:
            process.kill()
            process.wait()

    @contextmanager
    def counting(self) -> Iterator[None]:
        """What any other process on the machine would cost."""
        with subprocess.Popen([*_nicely(), "-c", "while True: sum(range(1000))"]) as process:
            try:
                yield
            finally:
                process.kill()

    def ask(self, port: int, length: float, users: int) -> list[float]:
        """Seconds that each request took. Raises RuntimeError where one failed."""
        command = [
            sys.executable,
            str(HERE / "backend_load.py"),
            str(port),
            str(RATE),
            str(length),
            str(users),
            str(next(self._seeds)),
        ]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        if found["failed"]:
            raise RuntimeError(f"requests failed: {found['failed'][:5]}")
        return [float(one) for one in found["seconds"]]

    @contextmanager
    def _process(self, command: Sequence[str]) -> Iterator[dict[str, Any]]:
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=without_settings()
        ) as process:
            try:
                assert process.stdout is not None
                yield json.loads(process.stdout.readline())
            finally:
                process.terminate()


def _nicely() -> list[str]:
    """Python as nice as systemd's unit makes the daemon."""
    nice = re.search(r"^Nice=(\d+)$", (ROOT / "systemd" / "mmsync.service").read_text(), re.MULTILINE)
    return ["nice", "-n", nice[1] if nice else "0", sys.executable]


@contextmanager
def town(users: int) -> Iterator[Town]:
    """Everything but the backends; gone at the end."""
    with ExitStack() as held:
        directory = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="mmsync-bench-")))
        server = held.enter_context(started_postgresql(sync_to_disk=True))
        database = server.new_database()
        database.run(*SCHEMA, *fill_sql(users, 0), "ANALYZE")
        command = ["chrt", "--idle", "0", sys.executable, str(HERE / "stand_in.py"), str(directory / "sheets")]
        stand_in = held.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        held.callback(stand_in.terminate)
        assert stand_in.stdout is not None
        yield Town(directory, database.url, json.loads(stand_in.stdout.readline()))
