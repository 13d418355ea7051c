"""Starts the others: gspread and pygsheets from this environment, drt from one that is made for it."""

from __future__ import annotations

import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks import people
from benchmarks.scene import Child, Requests, Scene, run
from benchmarks.setting import Setting

HERE = Path(__file__).resolve().parent
DRT = "drt-core[sheets]==1.2.1"
TO_BEAT = frozenset({"gspread", "pygsheets"})
"""Whom a first sync may not be slower than: who leaves the same cells. The others are only shown beside it."""
UNLIKE = frozenset({"gspread-raw", "pygsheets-raw", "drt"})
"""Who leaves other cells: dates as text, and booleans as 0 and 1."""
SLOW = frozenset({"drt"})
"""Takes many minutes for 100,000 rows, and no target hangs on it: measured once, with a tenth of the rows."""


@dataclass(frozen=True, slots=True)
class Put:
    """What it took to put the table there: seconds of wall clock and CPU, memory, writes and their bytes."""

    seconds: float
    cpu_seconds: float
    server_seconds: float
    peak_bytes: int
    writes: int
    bytes_sent: int

    @classmethod
    def of(cls, child: Child, server_seconds: float, asked: Requests) -> Put:
        return cls(
            child.seconds,
            child.cpu_seconds,
            server_seconds,
            child.peak_bytes,
            len(asked.writes),
            asked.bytes_sent,
        )


PutTable = Callable[[Scene], Put]


def available(setting: Setting) -> Mapping[str, PutTable]:
    """All others that can be run here; drt only in the full form, since it has to be fetched first."""
    found: dict[str, PutTable] = {
        "gspread": lambda place: _script(place, "with_gspread.py"),
        "gspread-raw": lambda place: _script(place, "with_gspread.py", "--raw"),
        "pygsheets": lambda place: _script(place, "with_pygsheets.py"),
    }
    if not setting.quick:
        found["pygsheets-raw"] = lambda place: _script(place, "with_pygsheets.py", "--raw")
        python = _drt_python(setting.rivals_home / "drt")
        found["drt"] = lambda place: _drt(place, python)
    return found


def _put(place: Scene, command: list[str], environment: Mapping[str, str] | None = None) -> Put:
    place.forget_requests()
    before = place.server_cpu()
    child = run(command, place.directory, environment)
    server = place.server_cpu() - before
    return Put.of(child, server, place.requests())


def _script(place: Scene, name: str, *options: str) -> Put:
    where = [place.url, str(place.credentials_file), place.spreadsheet_id, str(place.database)]
    return _put(place, [sys.executable, str(HERE / name), *options, *where])


# --- drt --------------------------------------------------------------------------------------------------


def _drt_python(home: Path) -> Path:
    """The interpreter of an environment that has drt; made on the first call."""
    python = home / "bin" / "python"
    if not (home / DRT).exists():
        venv.create(home, with_pip=True, clear=True)
        command = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check", DRT]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        (home / DRT).touch()
    return python


def _drt(place: Scene, python: Path) -> Put:
    """A project as drt's quick start has it: a profile, a model and a sync, all else left at its defaults."""
    project = place.directory / "drt"
    (project / "syncs").mkdir(parents=True)
    profiles = place.directory / ".drt"
    profiles.mkdir()
    (profiles / "profiles.yml").write_text(f"bench:\n  type: sqlite\n  database: {place.database}\n")
    (project / "drt_project.yml").write_text("name: bench\nversion: '0.1'\nprofile: bench\n")
    (project / "syncs" / "people.yml").write_text(
        f'name: people\nmodel: "{people.QUERY}"\ndestination:\n  type: google_sheets\n'
        f'  spreadsheet_id: "{place.spreadsheet_id}"\n  sheet: Sheet1\n  mode: overwrite\n'
        f'  credentials_path: "{place.credentials_file}"\n'
    )
    environment = {"HOME": str(place.directory), "PYTHONPATH": ""}
    return _put(place, [str(python), str(HERE / "with_drt.py"), place.url, str(project)], environment)
