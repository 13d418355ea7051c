"""A place to measure in: a database, the stand-in of Google in a process of its own, a configuration, mmsync."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from . import people

HERE = Path(__file__).resolve().parent
TAB = "People"
_OURS = ("SYNC_", "MMSYNC_", "GOOGLE_", "DATABASE_URL")
_COMMON = """
[database]
url = "sqlite:///{database}"
[google]
spreadsheet_id = "{spreadsheet_id}"
credentials_file = "{key_file}"
api_endpoint = "{url}"
max_cells = {max_cells}
timeout_seconds = 600
[sync]
enable_course_stats = false
enable_user_profiles = false
[state]
path = "{state}"
"""
_DATASET = """
[[datasets]]
name = "{name}"
tab = "{tab}"
query = "{query}"
key = ["id"]
verify = "{verify}"
columns = [{columns}]
"""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Child:
    """A process that has ended: seconds of wall clock and of CPU, bytes of memory at most, what it printed."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str


@dataclass(frozen=True, slots=True)
class Requests:
    """What the stand-in was asked for: sizes of the bodies of writes, and how many reads."""

    writes: tuple[int, ...]
    reads: int

    @property
    def bytes_sent(self) -> int:
        return sum(self.writes)

    @property
    def largest(self) -> int:
        return max(self.writes, default=0)


@dataclass(frozen=True, slots=True)
class Sync:
    """One `mmsync sync` as a process, what it said and asked for; `server_seconds` is the stand-in's CPU."""

    child: Child
    datasets: tuple[dict[str, Any], ...]
    requests: Requests
    server_seconds: float


def without_settings() -> dict[str, str]:
    """The environment without anything that would lead to somebody's own database or spreadsheet."""
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


def run(command: Sequence[str], directory: Path, environment: Mapping[str, str] | None = None) -> Child:
    """Runs a command through the launcher. Raises RuntimeError with its output where it fails."""
    answer, output, errors = (directory / f"launch.{name}" for name in ("json", "out", "err"))
    inherited = without_settings()
    launcher = [sys.executable, "-I", "-S", str(HERE / "launch.py"), str(answer)]
    with output.open("wb") as out, errors.open("wb") as err:
        subprocess.run(
            [*launcher, *command],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=directory,
            env=inherited | dict(environment or {}),
        )
    found = json.loads(answer.read_text())
    printed = output.read_text()
    if found["exit_code"] != 0:
        raise RuntimeError(f"{' '.join(command)} ended with {found['exit_code']}:\n{printed}{errors.read_text()}")
    return Child(found["seconds"], found["cpu_seconds"], found["peak_bytes"], printed)


@dataclass(slots=True)
class Scene:
    """One stand-in with one spreadsheet, and the source beside it."""

    directory: Path
    database: Path
    process: subprocess.Popen[str]
    url: str
    credentials_file: Path
    spreadsheet_id: str
    max_cells: int
    config: Path = field(init=False)

    def __post_init__(self) -> None:
        self.config = self.directory / "sync.toml"
        self.configure()

    # --- mmsync ---------------------------------------------------------------------------------------------

    def configure(self, tabs: Sequence[str] = (TAB,), *, verify: str = "always") -> None:
        """Writes the configuration: one dataset a tab, each with the whole table."""
        text = _COMMON.format(
            database=self.database,
            spreadsheet_id=self.spreadsheet_id,
            key_file=self.credentials_file,
            url=self.url,
            max_cells=self.max_cells,
            state=self.directory / "state" / "state.db",
        )
        columns = ", ".join(_column(name) for name in people.COLUMNS)
        for tab in tabs:
            text += _DATASET.format(name=tab.lower(), tab=tab, query=people.QUERY, verify=verify, columns=columns)
        self.config.write_text(text, encoding="utf-8")

    @property
    def sync_command(self) -> list[str]:
        return [sys.executable, "-m", "moneymentor_sync", "sync", "--json", "-c", str(self.config)]

    def sync(self) -> Sync:
        """One `mmsync sync` that must succeed."""
        self.forget_requests()
        before = self.server_cpu()
        child = run(self.sync_command, self.directory)
        used = self.server_cpu() - before
        return Sync(child, tuple(json.loads(child.output)["datasets"]), self.requests(), used)

    # --- the stand-in ---------------------------------------------------------------------------------------

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """Asks the stand-in itself, past its API."""
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(f"{self.url}/_sandbox/{path}", data, method=method)
        with urllib.request.urlopen(request) as answer:
            return json.load(answer)

    def edit(self, edit: str, **given: Any) -> None:
        """Does what a person would do in the browser."""
        self.call("POST", "edit", {"edit": edit, "spreadsheet_id": self.spreadsheet_id} | given)

    def filled_rows(self, tab: str) -> int:
        """How many rows the tab has up to the last one with anything in it, the header among them."""
        spreadsheets = self.call("GET", "spreadsheets")
        tabs = next(one["tabs"] for one in spreadsheets if one["id"] == self.spreadsheet_id)
        sheet_id = next(one["sheetId"] for one in tabs if one["title"] == tab)
        layout = self.call("GET", f"spreadsheets/{self.spreadsheet_id}/layout?sheetId={sheet_id}")
        return int(layout["sheet"]["filledRows"])

    def forget_requests(self) -> None:
        self.call("DELETE", "log")

    def requests(self) -> Requests:
        """What was asked since `forget_requests`; a refused request counts as well."""
        entries = self.call("GET", "log")["entries"]
        sizes = tuple(entry["bytes_in"] for entry in entries if entry["kind"] == "write")
        return Requests(sizes, sum(entry["kind"] == "read" for entry in entries))

    def server_cpu(self) -> float:
        """CPU seconds of the stand-in so far; see proc(5) for the fields."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS


def _column(name: str) -> str:
    kind = people.TYPES.get(name)
    return f'{{ name = "{name}", type = "{kind}" }}' if kind else f'"{name}"'


@contextmanager
def scene(database: Path, *, max_cells: int = 10_000_000) -> Iterator[Scene]:
    """A fresh stand-in over a database that is there already; both its process and its files go at the end."""
    with tempfile.TemporaryDirectory(prefix="mmsync-bench-", ignore_cleanup_errors=True) as name:
        directory = Path(name)
        command = [sys.executable, str(HERE / "stand_in.py"), str(directory / "sheets"), f"--max-cells={max_cells}"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None
                where = json.loads(process.stdout.readline())
                yield Scene(
                    directory=directory,
                    database=database,
                    process=process,
                    url=where["url"],
                    credentials_file=Path(where["credentials_file"]),
                    spreadsheet_id=where["spreadsheet_id"],
                    max_cells=max_cells,
                )
            finally:
                process.terminate()
