"""Takes the pictures of docs/images, from a real run: `python docs/screenshots.py [--to DIR]`.

A sample database, the local stand-in of Google Sheets over HTTP, the daemon as a process, and the commands on
terminals of their own, half a minute in all. Whoever takes them sets the clock to the sample's own morning, and
everything that is random comes from a seed: two runs differ in how long things took, and in little else.
"""

from __future__ import annotations

import argparse
import contextlib
import html
import io
import re
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

import time_machine  # noqa: E402 - the path is set above
from rich.console import Console  # noqa: E402
from rich.text import Text  # noqa: E402
from tests.terminal import Terminal  # noqa: E402

from moneymentor_sync.control.client import ControlClient  # noqa: E402
from moneymentor_sync.core.errors import MmsyncError  # noqa: E402
from moneymentor_sync.demo.database import create_sample, mutate  # noqa: E402
from moneymentor_sync.sandbox import Sandbox  # noqa: E402
from moneymentor_sync.sandbox.faults import Fault  # noqa: E402

IMAGES = ROOT / "docs" / "images"
MORNING = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
COLUMNS = 100
CHARACTER = 12.2
"""Width of a character in Rich's pictures."""
USERS = 3_000
SYNCS = 24
FAILED = 2
"""So many of them Google refuses."""
PATIENCE = 60.0
LAST_LINE = "Ctrl-C ends"
_COMMAND = """
import sys, time_machine
from datetime import datetime
time_machine.travel(datetime.fromisoformat(sys.argv.pop(1)), tick=True).start()
sys.argv[0] = "mmsync"
from moneymentor_sync.cli import main
main()
"""
_SVG = """\
<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: "DejaVu Sans Mono", Menlo, Consolas, monospace; font-size: {char_height}px;
  line-height: {line_height}px; }}
.{unique_id}-title {{ font-size: 18px; font-weight: bold; font-family: sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""
"""Rich's own without its fonts: whoever looks at a picture asks nobody else for anything."""
_MORE = """
[[datasets]]
name = "quiz_responses"
tab = "QuizResponses"
query = "SELECT id, user_id, topic, selected, correct, created_at FROM quiz_responses"
key = ["id"]
enabled = false                 # synced when it is named: a table that takes a while

[[datasets]]
name = "courses"
tab = "Courses"
query = "SELECT id, title, course_level FROM courses"
key = ["id"]
"""


class Scene:
    """A folder with a database, a stand-in of Google and a daemon."""

    def __init__(self, folder: Path, box: Sandbox, syncs: int) -> None:
        self.folder, self.box, self.syncs = folder, box, syncs
        self.database = folder / "moneymentor.db"
        create_sample(self.database, users=USERS)
        self.config = folder / "sync.toml"
        self.config.write_text(
            f'[database]\nurl = "sqlite:///moneymentor.db"\nlisten = false\n'
            f'[google]\nspreadsheet_id = "{box.spreadsheet_id}"\n'
            f'credentials_file = "{box.credentials_file}"\napi_endpoint = "{box.url}"\n'
            "[sync]\nretry_delay_seconds = 0\nmax_retries = 0\n"
            "[backup]\nenabled = true\n"
            f'[state]\npath = "state.db"\n[control]\nsocket = "control.sock"\n{_MORE}',
            encoding="utf-8",
        )
        self.client = ControlClient(folder / "control.sock")

    def command(self, *words: str) -> list[str]:
        """The command, at this process's time."""
        return [sys.executable, "-c", _COMMAND, datetime.now(UTC).isoformat(), *words, "-c", str(self.config)]

    @property
    def environment(self) -> dict[str, str]:
        base = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin", "TZ": "UTC", "LANG": "C.UTF-8"}
        return base | {"TERM": "xterm-256color", "COLORTERM": "truecolor"}

    def started(self, *words: str, lines: int = 24, stderr: IO[bytes] | None = None) -> Terminal:
        """The command, on a terminal of its own."""
        size = COLUMNS, lines
        return Terminal(self.command(*words), env=self.environment, cwd=self.folder, size=size, stderr=stderr)

    def shown(self, *words: str, lines: int = 24) -> str:
        """What the command writes."""
        with (self.folder / "errors.txt").open("wb") as errors:  # where progress goes, too
            terminal = self.started(*words, lines=lines, stderr=errors)
            code = terminal.end()
        assert code == 0, (self.folder / "errors.txt").read_text()
        return terminal.seen

    def sql(self, statement: str) -> None:
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement)

    @contextlib.contextmanager
    def daemon(self) -> Iterator[None]:
        with (self.folder / "daemon.log").open("wb") as log:
            process = subprocess.Popen(self.command("run"), env=self.environment, cwd=self.folder, stderr=log)
        try:
            self.until(lambda status: status["statistics"]["total_syncs"] and not status["sync_in_progress"])
            self.until(lambda status: status["backup"]["last"])  # before Google refuses anything
            yield
        finally:
            process.terminate()
            process.wait(PATIENCE)

    def until(self, condition: Callable[[dict[str, Any]], object]) -> None:
        """Waits until the daemon says so."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(MmsyncError):
                if condition(self.client.status()):
                    return
            time.sleep(0.01)
        raise AssertionError(f"the daemon did not come to it within {PATIENCE:g} s")

    def sync(self) -> None:
        self.client.force(None, allow_deletes=False, wait=True, timeout=PATIENCE)


def plan(scene: Scene) -> str:
    """What a sync would do after a quarter of an hour of the application, and one edit of somebody's."""
    for step in range(6, 9):
        mutate(scene.database, step=step)
    title = scene.box.grid(scene.box.spreadsheet_id, "Courses")[1][1]
    scene.box.person(scene.box.spreadsheet_id).type("Courses", 1, 1, f"{title}!")
    return scene.shown("plan", "course_statistics", "courses")


def history(scene: Scene) -> str:
    """A while of syncs, two of which Google refused."""
    for number in range(scene.syncs):
        for step in range(number % 4 * 2):
            mutate(scene.database, step=100 + 10 * number + step)
        if scene.syncs // 3 <= number < scene.syncs // 3 + FAILED:
            scene.box.faults.add(Fault("status", on="any", status=503))
        scene.sync()
    return scene.shown("history", "--plot", "-n", str(scene.syncs))


def status(scene: Scene) -> str:
    """A first sync of a large table under way: one of its writes is held up for as long as it takes to look."""
    scene.client.disable(["courses"], reason="its titles are being translated", for_seconds=7_200)
    scene.box.faults.add(Fault("delay", on="^PUT ", nth=2, seconds=PATIENCE))
    scene.client.force(["quiz_responses"], allow_deletes=False, wait=False, timeout=None)
    scene.until(lambda status: (status["current"] or {}).get("total"))
    watched = scene.started("status", "--watch", lines=32)
    watched.until(LAST_LINE)
    watched.type("\x03")
    watched.end()
    first, last, _ = watched.seen.partition(LAST_LINE)
    return first.rpartition("\x1b[H")[2] + last


PICTURES: dict[str, tuple[str, Callable[[Scene], str]]] = {
    "plan": ("mmsync plan course_statistics courses", plan),
    "history": (f"mmsync history --plot -n {SYNCS}", history),
    "status": ("mmsync status --watch", status),
}
"""By the file's name: the command that is shown, and what makes it; in the order in which they are taken."""


def take(folder: Path, *, syncs: int = SYNCS) -> dict[str, str]:
    """Every picture as SVG, by its name."""
    looked = threading.Event()

    def wait(seconds: float) -> None:
        looked.wait(seconds)

    seen: dict[str, str] = {}
    # no quota: an hour of syncs goes by in seconds
    with time_machine.travel(MORNING), Sandbox(folder / "sandbox", quota=None, pause=wait) as box:
        scene = Scene(folder, box, syncs)
        with scene.daemon():
            for name, (_, make) in PICTURES.items():
                seen[name] = make(scene)
            looked.set()
    return {name: picture(name, PICTURES[name][0], text) for name, text in seen.items()}


def picture(name: str, title: str, seen: str) -> str:
    """A terminal's text, colours and all, as SVG."""
    text = Text.from_ansi(re.sub(r"\x1b\[\?\d+[hl]|\r", "", seen).rstrip())
    console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    console.print(text)
    made = console.export_svg(title=title, code_format=_SVG, unique_id=f"mmsync-{name}")
    return "\n".join(line.rstrip() for line in made.splitlines() if line.strip()) + "\n"


def words_of(svg: str) -> list[str]:
    """What stands in a picture, line by line."""
    lines: dict[float, list[tuple[float, str]]] = {}
    for left, top, words in re.findall(r'-r\d+" x="([\d.]+)" y="([\d.]+)"[^>]*>([^<]*)</text>', svg):
        lines.setdefault(float(top), []).append((float(left), html.unescape(words).replace("\xa0", " ")))
    return [_line(lines[top]) for top in sorted(lines)]


def _line(parts: list[tuple[float, str]]) -> str:
    line = ""
    for left, words in sorted(parts):  # what is blank is left out of the picture
        line = line.ljust(round(left / CHARACTER)) + words
    return line.rstrip()


def main() -> None:
    parser = argparse.ArgumentParser(description="Takes the pictures of docs/images.")
    parser.add_argument("--to", type=Path, default=IMAGES, metavar="DIR", help="else docs/images")
    to: Path = parser.parse_args().to
    to.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="mmsync-pictures-") as folder:
        for name, svg in take(Path(folder)).items():
            (to / f"{name}.svg").write_text(svg, encoding="utf-8")
            sys.stdout.write(f"{to / name}.svg\n")


if __name__ == "__main__":
    main()
