"""The service as systemd/README.md installs it, in a booted systemd, with a database and a sandbox beside it."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .boot import PROJECT, Booted, booted, install_project, project_visible, wait_until

ROOT = Path(__file__).parents[2]
README = ROOT / "systemd" / "README.md"
CHECKOUT = "/opt/systemd"
SOURCE = ROOT / "src" / ".." / "src"
UNIT = "mmsync.service"
CONFIG = "/etc/mmsync/sync.toml"
SOCKET = "/run/mmsync/control.sock"
STATE = "/var/lib/mmsync/state.db"
PEOPLE = [(1, "Ada Quillfeather", "ada@quill.example"), (2, "Bo Nightingale", "bo@night.example")]
"""Rows of the database; none of this may be in the log."""
_CONFIG = """
[google]
spreadsheet_id = "{spreadsheet_id}"
api_endpoint = "{url}"

[sync]
interval_seconds = {interval}
enable_user_profiles = false
enable_course_stats = false

[state]
path = "/var/lib/mmsync/state.db"

[control]
socket = "/run/mmsync/control.sock"

[[datasets]]
name = "people"
tab = "People"
table = "people"
key = ["id"]
"""


def readme_commands() -> list[str]:
    """The numbered commands of the installation."""
    installation = README.read_text(encoding="utf-8").partition("## Installation")[2].partition("\n## ")[0]
    return re.findall(r"```sh\n\s+(.+)\n\s+```", installation)


def readme_command(after: str) -> str:
    """The first command after some words of the README."""
    found = re.search(r"```sh\n(.+)\n```", README.read_text(encoding="utf-8").partition(after)[2])
    assert found is not None
    return found[1]


def readme_lines(heading: str, block: int = 0) -> list[str]:
    """The commands of a block of a section, one a line."""
    section = README.read_text(encoding="utf-8").partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    blocks: list[str] = re.findall(r"(?s)```sh\n(.+?)\n```", section)
    return blocks[block].splitlines()


@dataclass(frozen=True, slots=True)
class Service:
    """The installed service and what is around it."""

    system: Booted
    box: dict[str, str]
    """What the sandbox says of itself: url, credentials_file, spreadsheet_id."""
    database: Path
    python: str = f"{PROJECT}/bin/python"

    # --- what an administrator does -----------------------------------------------------------------------

    def sh(self, command: str) -> None:
        """A line of the README, as root and so without sudo."""
        self.system.run("sh", "-ec", f'sudo() {{ "$@"; }}\n{command}', directory="/checkout")

    def install(self) -> None:
        """The README's six commands; the first without what needs a network, the rest to the letter."""
        program, units, made, secrets, config, start = readme_commands()
        self.system.write("/checkout/sync.toml", self.config())
        self.system.run("cp", self.box["credentials_file"], "/checkout/service-account.json")
        network = f"sudo python3 -m venv {PROJECT} && sudo {PROJECT}/bin/pip install . && "
        assert program.startswith(network)
        self.sh(program.removeprefix(network))
        url = "postgresql://mmsync:PASSWORD@localhost/moneymentor"
        assert url in secrets
        for line in (units, made, secrets.replace(url, "sqlite:////srv/app/app.db"), config):
            self.sh(line)
        self._adjust()
        self.sh(start)

    def _adjust(self) -> None:
        """Quicker than a machine in production."""
        self.drop_in("test", ["[Service]", "RestartSec=100ms"])

    def drop_in(self, name: str, lines: list[str]) -> None:
        self.system.write(f"/etc/systemd/system/{UNIT}.d/{name}.conf", "\n".join(lines) + "\n")
        self.system.run("systemctl", "daemon-reload")

    def config(self, interval: float = 60) -> str:
        return _CONFIG.format(**self.box, interval=interval)

    def configure(self, text: str) -> None:
        self.system.run("install", "-m", "0640", "-g", "mmsync", "/dev/stdin", CONFIG, stdin=text)

    def systemctl(self, verb: str, *, check: bool = True) -> int:
        return self.system.run("systemctl", verb, UNIT, check=check).returncode

    @contextmanager
    def changed_unit(self, *lines: str) -> Iterator[None]:
        """Restarted with other settings for a while."""
        self.drop_in("changed", ["[Service]", *lines])
        self.systemctl("restart")
        try:
            yield
        finally:
            self.drop_in("changed", [])
            self.systemctl("restart")

    @contextmanager
    def one_more(self, *row: object) -> Iterator[None]:
        """One more row in the database, for a while."""
        self._execute("INSERT INTO people VALUES (?, ?, ?)", *row)
        try:
            yield
        finally:
            self._execute("DELETE FROM people WHERE id = ?", row[0])

    def _execute(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            connection.execute(statement, values)

    def sync(self) -> None:
        """A sync of what has changed: a daemon that starts syncs at once."""
        self.systemctl("restart")

    # --- what can be seen ---------------------------------------------------------------------------------

    def show(self, name: str) -> str:
        return self.system.show(UNIT, name)

    def wait_for(self, name: str, value: str) -> None:
        wait_until(lambda: self.show(name) == value, f"{name} is {value}")

    def ask(self, *where: str, identity: tuple[str, ...] = ()) -> dict[str, Any]:
        """An answer inside, `{"status", "body"}` or `{"error"}`; as somebody else with arguments for setpriv."""
        command = [self.python, "/opt/tests/ask.py", *where]
        as_somebody = ["setpriv", *identity] if identity else []
        found: dict[str, Any] = json.loads(self.system.run(*as_somebody, *command).stdout)
        return found

    def status(self) -> dict[str, Any]:
        """What `GET /sync/status` answers; empty where nobody answers."""
        answer: dict[str, Any] = self.ask(SOCKET, "/sync/status").get("body", {})
        return answer

    def tab(self) -> list[tuple[str, ...]]:
        """What the tab People shows, without blank rows; empty where there is none."""
        here = f"{self.box['url']}/_sandbox/spreadsheets/{self.box['spreadsheet_id']}"
        tabs = {one["title"]: one["sheetId"] for one in self.ask(f"{here}/layout")["body"]["tabs"]}
        if "People" not in tabs:
            return []
        rows = self.ask(f"{here}/grid?sheetId={tabs['People']}")["body"]["cells"]
        return [tuple(cell.get("text", "") for cell in row) for row in rows if row]

    def records(self) -> list[dict[str, Any]]:
        """The unit's part of the journal."""
        self.system.run("journalctl", "--sync")
        text = self.system.run("journalctl", "--unit", UNIT, "--output=json", "--no-pager").stdout
        return [json.loads(line) for line in text.splitlines()]


@contextmanager
def surroundings(directory: Path) -> Iterator[Service]:
    """Boots; nothing is installed yet, and the sandbox runs."""
    database = make_places(directory)
    visible = {
        **project_visible(),
        Path(__file__).parent: "/opt/tests",
        ROOT / "systemd": "/checkout/systemd",
        SOURCE.parent / "systemd": CHECKOUT,  # where a checkout's package, in /opt/source, leads to
        directory / "app": "/srv/app",
    }
    with booted(directory / "boot", visible, {directory / "box": "/srv/box"}) as system:
        install_project(system)
        yield Service(system, start_sandbox(system, directory / "box", f"{PROJECT}/bin/mmsync"), database)


def make_places(directory: Path) -> Path:
    """Directories for a boot, for a database and for the sandbox; the database."""
    for name in ("boot", "app", "box"):
        (directory / name).mkdir()
        (directory / name).chmod(0o755)
    database = directory / "app" / "app.db"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("CREATE TABLE people (id integer PRIMARY KEY, name text, email text)")
        connection.executemany("INSERT INTO people VALUES (?, ?, ?)", PEOPLE)
    return database


def start_sandbox(system: Booted, directory: Path, program: str) -> dict[str, str]:
    """Starts `mmsync sandbox` as a service of its own; what its first line says."""
    first = directory / "first-line"
    options = ["--unit=sandbox", "--property=StandardOutput=file:/srv/box/first-line"]
    system.run("systemd-run", *options, program, "sandbox", "--dir", "/srv/box/sheets")

    def said() -> str:
        assert system.show("sandbox.service", "ActiveState") == "active", system.journal()
        return first.read_text() if first.exists() else ""

    wait_until(lambda: said().endswith("\n"), "the sandbox says where it is")
    found: dict[str, str] = json.loads(first.read_text().splitlines()[0])
    return found
