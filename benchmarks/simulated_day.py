"""A day of syncs every second in minutes: the daemon, APScheduler, engine, state file and client are the real ones,
the clock is not.

    python simulated_day.py HOURS

Faults come by the clock: Google fails, the quota is used up, the database is away, the wall clock is set, people
hold syncs up, operators force, disable and reload. Prints JSON: the most that the process had in the second hour
(or tenth, if that is less), and in the last.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sqlite3
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import time_machine
from apscheduler.schedulers.base import BaseScheduler

from moneymentor_sync.adapters.memory import give_back
from moneymentor_sync.adapters.prometheus_text import Metrics
from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.adapters.state_ledger import Ledger
from moneymentor_sync.adapters.ticks import Ticks
from moneymentor_sync.core.settings import (
    Config,
    DatabaseSettings,
    Dataset,
    GoogleSettings,
    LogSettings,
    ServiceAccount,
    SyncSettings,
)
from moneymentor_sync.daemon.clock_watch import ClockWatch
from moneymentor_sync.daemon.daemon import Daemon
from moneymentor_sync.daemon.parts import EngineNeeds, Identity, Parts
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.faults import Fault
from moneymentor_sync.sync import Surroundings
from moneymentor_sync.wiring import open_engine

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # as a script it sees its own directory alone

from benchmarks.by_hand import Deferred, Manual

START = 1_800_000_000
HOUR = 3_600
SAMPLE = 30
"""Seconds from one look at what the process holds to the next."""
MEMORY = Path("/dev/shm")
"""Where a file costs no disk: a day of a commit a second would be one of waiting for it."""


class Day:
    """The simulated world around one daemon. Monotonic time is `mono`, the wall clock time_machine's."""

    def __init__(self, directory: Path, box: Sandbox, traveller: Any) -> None:
        self.directory = directory
        self.box = box
        self.traveller = traveller
        self.mono = 0.0
        self.wall = float(START)
        self.database = directory / "app.db"
        self.events: Counter[str] = Counter()
        self.spreadsheet = box.new_spreadsheet("Day", share_with=(box.client_email,))
        self._sql("CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, score INTEGER)")
        for number in range(50):
            self._sql(f"INSERT INTO people VALUES ({number}, 'p{number}', 0)")
        self.config = self._config()
        StateFile(self.config.state_path).close()
        self.executor = Deferred()
        self.scheduler: Any = None
        ticker = Ticks(random.Random(5), lambda: self.mono, self._scheduler, lambda: self.executor)
        ticker.start()
        metrics = Metrics(lambda: self.config, lambda: self.wall)
        parts = Parts(
            ledger=Ledger(self.config.state_path),
            ticker=ticker,
            open_engine=self._engine,
            load_config=lambda: self.config,
            render_metrics=metrics.text,
            rest=give_back,
            emit=self._emit,
            witnesses=[metrics.counts],
        )
        around = Surroundings(lambda: self.wall, lambda: self.mono, self.pass_time, random.Random(7))
        self.ticker = ticker
        self.daemon = Daemon(self.config, parts, around, Identity("day", os.getpid()), wait=self._wait)
        self.watch = ClockWatch(lambda: self.wall, lambda: self.mono)
        self.daemon.prepare()

    def _scheduler(self, **given: Any) -> BaseScheduler:
        self.scheduler = Manual(**given)
        return self.scheduler

    def _emit(self, event: str, **fields: object) -> None:
        self.events[f"{event} {fields['error']}" if event == "dataset.failed" else event] += 1

    def _engine(self, config: Config, needs: EngineNeeds) -> Any:
        around = Surroundings(lambda: self.wall, lambda: self.mono, needs.sleep, random.Random(3))
        return open_engine(
            config, holder="day", tick=needs.tick, gate=needs.gate, emit=self._emit, surroundings=around
        )

    def _wait(self, _condition: threading.Condition, seconds: float) -> None:
        self.pass_time(seconds)

    def _config(self) -> Config:
        dataset = Dataset(
            "people", "People", ("id",), self.spreadsheet, query="SELECT * FROM people", interval_seconds=1.0,
            verify=60.0,
        )  # fmt: skip
        return Config(
            database=DatabaseSettings(f"sqlite:///{self.database}"),
            google=GoogleSettings(
                self.spreadsheet, ServiceAccount(file=self.box.credentials_file), api_endpoint=self.box.url
            ),
            sync=SyncSettings(interval_seconds=1.0, max_retries=1, retry_delay_seconds=1.0),
            state_path=self.directory / "state" / "state.db",
            socket_path=self.directory / "control.sock",
            log=LogSettings(),
            datasets=(dataset,),
        )

    def _sql(self, statement: str) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement)

    # --- time -----------------------------------------------------------------------------------------------

    def pass_time(self, seconds: float) -> None:
        self.mono += seconds
        self.set_clock(seconds)

    def set_clock(self, seconds: float) -> None:
        self.wall += seconds
        self.traveller.shift(seconds)

    def second(self, number: int) -> None:
        """One second of the daemon's life: what is due, and what the main thread and the channel do meanwhile."""
        self.pass_time(1.0)
        for every, later, act in FAULTS:
            if number >= every and number % every == later:
                act(self)
        step = self.watch.look()
        if step:
            self.ticker.clock_stepped()
            self.daemon.clock_was_set(step)
        self.scheduler._process_jobs()
        self.executor.work()
        while self.daemon.serve_next():
            pass
        self.daemon.operations.status()
        if number % 60 == 0:
            self.daemon.check_health()
            self.daemon.operations.metrics()
            self.box.log.reset()

    # --- what happens ---------------------------------------------------------------------------------------

    def change(self) -> None:
        if self.database.exists():
            self._sql("UPDATE people SET score = score + 1 WHERE id % 10 = 3")

    def google_fails(self) -> None:
        self.box.faults.clear()  # those of the last time, if nobody asked meanwhile
        self.box.faults.add(Fault("status", on="read", status=503, count=2))

    def quota_is_used_up(self) -> None:
        self.box.faults.add(Fault("status", on="write", status=429, count=3))

    def database_goes(self) -> None:
        if self.database.exists():
            self.database.rename(self.database.with_suffix(".away"))

    def database_returns(self) -> None:
        away = self.database.with_suffix(".away")
        if away.exists():
            away.rename(self.database)

    def clock_is_set(self) -> None:
        self.set_clock(random.Random(int(self.mono)).choice([-HOUR, HOUR, -7.0, 7.0]))

    def requests_come(self) -> None:
        self.daemon.operations.pause(f"web-{int(self.mono)}", 2.0, by=None)

    def operator_acts(self) -> None:
        operations = self.daemon.operations
        operations.disable(None, reason="maintenance", for_seconds=30.0, by=None)
        operations.force(None, allow_deletes=False, by=None)
        operations.notify("people", reason="day", by=None)

    def operator_reloads(self) -> None:
        retries = 3 - self.config.sync.max_retries
        self.config = replace(self.config, sync=replace(self.config.sync, max_retries=retries))
        self.daemon.operations.reload(by=None)


FAULTS: tuple[tuple[int, int, Callable[[Day], None]], ...] = (
    (60, 0, Day.change),
    (450, 0, Day.requests_come),
    (607, 0, Day.google_fails),
    (1_201, 0, Day.quota_is_used_up),
    (2_203, 0, Day.database_goes),
    (2_203, 3, Day.database_returns),
    (3_001, 0, Day.operator_acts),
    (5_003, 0, Day.operator_reloads),
    (7_907, 0, Day.clock_is_set),
    (21_611, 0, Day.database_goes),
    (21_611, 400, Day.database_returns),
)
"""Every so many seconds, and so many later, what happens then."""


def held() -> dict[str, int]:
    """What the process has: bytes of memory, threads, open files, Python objects."""
    give_back()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "memory": pages * os.sysconf("SC_PAGE_SIZE"),
        "threads": threading.active_count(),
        "files": len(os.listdir("/proc/self/fd")),  # noqa: PTH208 - as the kernel has it
        "objects": len(gc.get_objects()),
    }


class Most:
    """The most of each that was held in a window: a connection may just be open or not."""

    def __init__(self) -> None:
        self.seen: dict[str, int] = {}

    def take(self, found: dict[str, int]) -> None:
        self.seen = {name: max(value, self.seen.get(name, 0)) for name, value in found.items()}


def main() -> None:
    hours = float(sys.argv[1])
    with (
        tempfile.TemporaryDirectory(prefix="mmsync-day-", dir=MEMORY if MEMORY.is_dir() else None) as name,
        time_machine.travel(START, tick=False) as traveller,
    ):
        directory = Path(name)
        box = Sandbox(directory / "sheets", 0)
        box.start()
        try:
            day = Day(directory, box, traveller)
            total = int(hours * HOUR)
            window = min(HOUR, total // 10)
            first, last = Most(), Most()
            for number in range(total):
                day.second(number)
                if number % SAMPLE == SAMPLE - 1 and number // window in (1, total // window - 1):
                    (first if number // window == 1 else last).take(held())
            status = day.daemon.operations.status()
            print(json.dumps({"first": first.seen, "last": last.seen, "status": status, "events": day.events}))
        finally:
            box.stop()


if __name__ == "__main__":
    main()
