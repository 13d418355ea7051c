"""The sandbox as a process: its first line, its end, and a kill that loses nothing that was answered."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.sandbox import Sandbox
from tests.contract.sandbox_http import Wire


@dataclass(frozen=True, slots=True)
class Running:
    """What the HTTP helper needs to know of a sandbox in another process."""

    process: subprocess.Popen[str]
    url: str
    credentials_file: Path
    spreadsheet_id: str


@contextmanager
def running(directory: Path) -> Iterator[Running]:
    command = [sys.executable, "-m", "moneymentor_sync.sandbox", "--dir", str(directory), "--no-quota"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        yield Running(process, first["url"], Path(first["credentials_file"]), first["spreadsheet_id"])
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()


def wire_to(there: Running) -> Wire:
    found: Any = there
    return Wire(found)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_stops_cleanly(tmp_path: Path, number: int) -> None:
    with running(tmp_path / "box") as there:
        assert there.url.startswith("http://127.0.0.1:")
        assert there.credentials_file.stat().st_mode & 0o777 == 0o600
        assert wire_to(there).put("A1", [["x"]]).status == 200
        there.process.send_signal(number)
        assert there.process.wait(timeout=30) == 0
    assert (tmp_path / "box" / "sheets.journal").stat().st_size == 0
    with Sandbox(tmp_path / "box") as box:
        assert box.grid(there.spreadsheet_id, "Sheet1") == [["x"]]


def test_a_kill_loses_nothing_that_was_answered(tmp_path: Path) -> None:
    """Four writers at full speed, a kill in the midst, and every answered row is there; twice over."""
    answered: list[int] = []
    for attempt in range(2):
        with running(tmp_path / "box") as there:
            _write_until_killed(there, attempt * 10_000, answered)
    with Sandbox(tmp_path / "box") as box:
        kept = {row[0] for row in box.grid(there.spreadsheet_id, "Sheet1") if row}
    assert len(answered) > 20
    assert set(answered) <= kept
    assert len(kept) <= len(answered) + 8  # at most the one request of each writer that nobody was answered


def _write_until_killed(there: Running, first: int, answered: list[int]) -> None:
    enough = threading.Event()
    lock = threading.Lock()
    bearer = wire_to(there).bearer

    def write(start: int) -> None:
        wire = Wire(there, bearer)  # type: ignore[arg-type]
        for number in range(start, start + 2000):
            cells = [{"values": [{"userEnteredValue": {"numberValue": number}}]}]
            append = {"appendCells": {"sheetId": 0, "rows": cells, "fields": "userEnteredValue"}}
            try:
                answer = wire.send("POST", ":batchUpdate", {"requests": [append]})
            except OSError:
                return
            if answer.status == 200:
                with lock:
                    answered.append(number)
                    if len(answered) % 30 == 0:
                        enough.set()

    threads = [threading.Thread(target=write, args=(first + 2000 * index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    assert enough.wait(timeout=30)
    os.kill(there.process.pid, signal.SIGKILL)
    for thread in threads:
        thread.join(timeout=30)


def test_what_was_cut_short_is_dropped_and_the_rest_kept(tmp_path: Path) -> None:
    with running(tmp_path / "box") as there:
        wire = wire_to(there)
        wire.put("A1", [["first"]])
        wire.put("A2", [["second"]])
        os.kill(there.process.pid, signal.SIGKILL)
        there.process.wait(timeout=30)
    journal = tmp_path / "box" / "sheets.journal"
    journal.write_bytes(journal.read_bytes()[:-5])
    with Sandbox(tmp_path / "box") as box:
        assert box.grid(there.spreadsheet_id, "Sheet1") == [["first"]]
        assert Wire(box).put("A3", [["third"]]).status == 200
    with Sandbox(tmp_path / "box") as box:
        assert box.grid(there.spreadsheet_id, "Sheet1") == [["first"], [], ["third"]]
