"""`mmsync run` as a process: what it costs while it waits, and how it answers while it works."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from moneymentor_sync.control.client import ControlClient
from moneymentor_sync.core.errors import MmsyncError

from . import people
from .figures import Figure, count, memory, percent, ratio, seconds
from .scene import HERE, Scene, run, scene, without_settings
from .setting import Setting

ASKERS = 4
"""Processes' threads that ask for the status at the same time."""
_PATIENCE = 600.0


def idle(setting: Setting) -> Iterator[Figure]:
    """After its first sync, until the next one is due."""
    window = 20 if setting.quick else 120
    with scene(setting.database(1_000)) as place, daemon(place) as running:
        running.synced()
        begin = running.cpu_seconds()
        running.wait(window)
        used = running.cpu_seconds() - begin
        yield memory("daemon.idle.memory", "memory of a daemon that waits (RSS)", running.memory(), 120_000_000)
        yield seconds("daemon.idle.cpu", f"CPU time it uses in {window} s", used)
        yield percent("daemon.idle.share", "of one core", 100 * used / window, 0.2)
        for name, options in (("status", []), ("status_json", ["--json"])):
            asked = [_ask(place, running, options) for _ in range(setting.rounds)]
            yield seconds(
                f"daemon.{name}.time", f"`mmsync status {' '.join(options)}`, whole process", median(asked)
            )
            yield ratio(f"daemon.{name}.share", "that against 250 ms", median(asked) / 0.25, 1.0)


def _ask(place: Scene, running: Running, options: list[str]) -> float:
    """Seconds that a person waits for the status."""
    command = [sys.executable, "-m", "moneymentor_sync", "status", *options]
    return run(command, place.directory, {"MMSYNC_SOCKET": str(running.socket)}).seconds


def answers(setting: Setting) -> Iterator[Figure]:
    """Status requests while syncs of the whole table go on, each of a tenth of its rows."""
    requests = 2_000 if setting.quick else 10_000
    with scene(setting.own_database("answers")) as place, daemon(place) as running:
        running.synced()
        with changing(place, running):
            command = [sys.executable, str(HERE / "askers.py"), str(running.socket), str(requests), str(ASKERS)]
            found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        what = f"{requests:,} status requests while {setting.rows:,} rows are synced"
        yield count("daemon.status.failed", f"of {what}: failed", found["failed"], 0, exactly=True)
        share = 100 * found["during_sync"] / requests
        yield percent("daemon.status.during", "of them answered in the middle of a sync", share)
        yield seconds("daemon.status.p50", "median", found["p50"])
        yield seconds("daemon.status.p99", "99th percentile", found["p99"])
        yield ratio("daemon.status.p99_share", "99th percentile against 100 ms", found["p99"] / 0.1, 1.0)
        yield seconds("daemon.status.most", "the slowest", found["most"])


def holds(setting: Setting) -> Iterator[Figure]:
    """How soon a sync of the whole table stands back when requests come, at moments spread over it."""
    wanted = 20 if setting.quick else 60
    with scene(setting.own_database("holds")) as place:
        text = place.config.read_text(encoding="utf-8")  # notices without a pause would be synced each half minute
        place.config.write_text(text.replace("[sync]", "[sync]\nmax_delay_seconds = 1", 1), encoding="utf-8")
        yield from _holds(place, wanted)


def _holds(place: Scene, wanted: int) -> Iterator[Figure]:
    with daemon(place) as running:
        running.synced()
        with changing(place, running, forced=False):
            taken = sorted(_stood_back(running, number) for number in range(wanted))
        yield seconds(
            "daemon.hold.median", f"from a hold to the sync standing back, median of {wanted}", median(taken)
        )
        yield seconds("daemon.hold.most", "the longest: one held up five times goes through first", taken[-1])


def _stood_back(running: Running, number: int) -> float:
    """Seconds from a hold to a sync that waits for it."""
    while not (running.status() or {}).get("sync_in_progress"):
        running.wait(0.01)
    running.wait(0.013 * (number % 40))  # somewhere in the sync
    begin = perf_counter()
    running.client.pause("bench", 30.0)
    while True:
        status = running.client.status()
        took = perf_counter() - begin
        if not status["sync_in_progress"]:  # it ended meanwhile; the next one stands back at its start
            running.client.pause("bench", 30.0)  # held on until then, however long that takes
            begin = perf_counter()
        elif status["current"]["waiting_for"]:
            running.client.resume("bench")
            return took
        running.wait(0.001)


def day(setting: Setting) -> Iterator[Figure]:
    """A simulated day of a sync each second, with faults: what the process has at its end more than early on."""
    hours = 1 if setting.quick else 24
    command = [sys.executable, str(HERE / "simulated_day.py"), str(hours)]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    grown = {name: found["last"][name] - found["first"][name] for name in found["first"]}
    numbers = found["status"]["statistics"]
    what = f"in {hours} simulated hours of a sync each second"
    yield count("daemon.day.syncs", f"syncs {what}", numbers["total_syncs"])
    yield count("daemon.day.failed", "of them failed, as they were made to", numbers["failed_syncs"])
    since = "in the last hour than in the second" if hours > 10 else "in the last tenth than in the second"
    yield memory("daemon.day.memory", f"more memory {since}", grown["memory"], 5_000_000)
    yield count("daemon.day.objects", f"more Python objects {since}", grown["objects"], 2_000)
    yield count("daemon.day.threads", f"more threads {since}", grown["threads"], 0)
    yield count("daemon.day.files", f"more open files {since}", grown["files"], 0)


@contextmanager
def changing(place: Scene, running: Running, *, forced: bool = True) -> Iterator[None]:
    """Rows change and syncs are asked for, one after the other; holds do not stop those that are forced."""
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            people.change(place.database, ["points", "score"], every=10)
            try:
                if forced:
                    running.client.force(wait=True)
                else:
                    running.client.notify("people")
                    stop.wait(0.5)
            except MmsyncError:
                return  # it is being stopped

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join(_PATIENCE)


class Running:
    """A daemon that runs; `memory` and `cpu_seconds` are the kernel's words (proc(5))."""

    def __init__(self, process: subprocess.Popen[bytes], socket: Path) -> None:
        self.process = process
        self.socket = socket
        self.client = ControlClient(socket)

    def wait(self, seconds_: float) -> None:
        """Lets time pass; ends at once if the daemon does."""
        descriptor = os.pidfd_open(self.process.pid)
        try:
            if select.select([descriptor], [], [], seconds_)[0]:
                raise RuntimeError("the daemon ended by itself")
        finally:
            os.close(descriptor)

    def status(self) -> dict[str, Any] | None:
        try:
            return self.client.status()
        except MmsyncError:
            return None

    def synced(self) -> None:
        """Waits for the first sync's end."""
        for _ in range(int(_PATIENCE * 5)):
            status = self.status()
            if status is not None and status["statistics"]["total_syncs"]:
                if status["statistics"]["failed_syncs"]:
                    raise RuntimeError(status["statistics"]["last_error"])
                self.wait(7.0)  # when it has had nothing to do for five seconds, it tidies up
                return
            self.wait(0.2)
        raise RuntimeError("no first sync within ten minutes")

    def memory(self) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmRSS")

    def cpu_seconds(self) -> float:
        tasks = Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


@contextmanager
def daemon(place: Scene) -> Iterator[Running]:
    """`mmsync run` with the scene's configuration; it must end with 0 when it is told to."""
    socket = place.directory / "control.sock"
    command = [sys.executable, "-m", "moneymentor_sync", "run", "-c", str(place.config)]
    with (place.directory / "daemon.log").open("wb") as log:
        process = subprocess.Popen(command, stderr=log, env={**without_settings(), "MMSYNC_SOCKET": str(socket)})
    try:
        yield Running(process, socket)
        process.send_signal(signal.SIGTERM)
        if process.wait(60) != 0:
            raise RuntimeError(f"the daemon ended with {process.returncode}")
    finally:
        process.kill()
        process.wait()
