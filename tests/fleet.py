"""Several daemons of one fleet, each a process with its own state file and socket, over one sandbox and database.

Every spreadsheet has one dataset, whose rows are in one table of a PostgreSQL database; the fleet meets in another.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from moneymentor_sync.control.client import ControlClient
from moneymentor_sync.core.errors import MmsyncError
from moneymentor_sync.sandbox import Sandbox

from .databases import PostgresqlServer

PATIENCE = 90.0
HEADER = ["id", "name", "amount"]


class Member:
    """One daemon: `start`, ask by `client` or `command`, and end it in whatever way."""

    def __init__(self, name: str, folder: Path, settings: str) -> None:
        self.name = name
        self.folder = folder
        folder.mkdir()
        self.socket = folder / "control.sock"
        self.log = folder / "daemon.log"
        self.config = folder / "sync.toml"
        self.config.write_text(settings)
        self.client = ControlClient(self.socket)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *before: str) -> None:
        """`before` is a command that the daemon is started by, such as one that enters a namespace."""
        command = [*before, sys.executable, "-m", "moneymentor_sync", "run", "-c", str(self.config)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self._environment(), cwd=self.folder, stderr=log)

    def _environment(self) -> dict[str, str]:
        return {"HOME": str(self.folder), "PATH": "/usr/bin:/bin"}

    def status(self) -> dict[str, Any] | None:
        try:
            return self.client.status()
        except MmsyncError:
            return None

    def cluster(self) -> dict[str, Any]:
        """The cluster's part of the status; empty while the daemon does not answer."""
        found = self.status()
        return (found or {}).get("cluster") or {}

    def owned(self) -> frozenset[str]:
        """The spreadsheets that this member says it has."""
        return frozenset(one["spreadsheet_id"] for one in self.cluster().get("spreadsheets", ()) if one["mine"])

    def signal(self, number: int) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self._wait()

    def end(self) -> int:
        self.signal(signal.SIGTERM)
        return self._wait()

    def _wait(self) -> int:
        assert self.process is not None
        return self.process.wait(PATIENCE)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "moneymentor_sync", *arguments, "-c", str(self.config)],
            env=self._environment(), cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE,
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def events(self, name: str = "") -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["event"].startswith(name)]


class Fleet:
    """`spreadsheets` datasets `d0`, `d1` …, each in a spreadsheet of its own, with `rows` rows at first."""

    def __init__(
        self,
        folder: Path,
        box: Sandbox,
        server: PostgresqlServer,
        *,
        spreadsheets: int,
        rows: int = 3,
        lease_seconds: float = 3.0,
        accounts: Sequence[Path] = (),
        requests_per_minute: int = 100_000,
        more: str = "",
    ) -> None:
        self.folder, self.box, self.server = folder, box, server
        self.database = server.new_database()
        self.shared = server.new_database()
        self.lease_seconds = lease_seconds
        self.requests_per_minute = requests_per_minute
        self.more = more
        self.accounts = accounts
        self.members: list[Member] = []
        self.database.run("CREATE TABLE item (sheet int, id int, name text, amount int, PRIMARY KEY (sheet, id))")
        self.sheets = [box.new_spreadsheet(f"sheet {number}") for number in range(spreadsheets)]
        self.database.run(
            "INSERT INTO item SELECT sheet, id, 'name ' || id, sheet * 1000 + id "
            f"FROM generate_series(0, {spreadsheets - 1}) AS sheet, generate_series(1, {rows}) AS id"
        )

    def add(self, name: str, *, shared_url: str | None = None) -> Member:
        """A member that is not started yet. `shared_url` is another way to the fleet's database."""
        member = Member(name, self.folder / name, self._settings(name, shared_url or self.shared.url))
        self.members.append(member)
        return member

    def _settings(self, name: str, shared_url: str) -> str:
        keys = [str(path) for path in self.accounts] or [str(self.box.credentials_file)]
        credentials = (
            f"credentials_files = {json.dumps(keys)}"
            if self.accounts
            else f"credentials_file = {json.dumps(keys[0])}"
        )
        datasets = "\n".join(
            f'[[datasets]]\nname = "d{number}"\ntab = "Items"\nkey = ["id"]\nspreadsheet_id = "{sheet}"\n'
            f'query = "SELECT id, name, amount FROM item WHERE sheet = {number}"'
            for number, sheet in enumerate(self.sheets)
        )
        return (
            f"[database]\nurl = {json.dumps(self.database.url)}\nlisten = false\n"
            f'[google]\n{credentials}\napi_endpoint = "{self.box.url}"\ntimeout_seconds = 20\n'
            f"project_requests_per_minute = {self.requests_per_minute}\n"
            f"account_requests_per_minute = {self.requests_per_minute}\n"
            "[sync]\ninterval_seconds = 3600\nenable_course_stats = false\nenable_user_profiles = false\n"
            "retry_delay_seconds = 0.5\n"
            f'[state]\npath = "state.db"\n[control]\nsocket = "control.sock"\n'
            f"[cluster]\nurl = {json.dumps(shared_url)}\nmember = {json.dumps(name)}\n"
            f"lease_seconds = {self.lease_seconds}\n{self.more}\n{datasets}\n"
        )

    # --- waiting --------------------------------------------------------------------------------------------

    def until(self, condition: Callable[[], object], what: str, *, patience: float = PATIENCE) -> None:
        pause = threading.Event()
        for _ in range(int(patience / 0.05)):
            if condition():
                return
            pause.wait(0.05)
        logs = "\n".join(
            f"--- {one.name}\n{one.log.read_text()[-1500:]}" for one in self.members if one.log.exists()
        )
        raise AssertionError(f"not within {patience:g} s: {what}\n{logs}")

    def until_shared_out(self, *members: Member) -> None:
        """Until these have all spreadsheets among them, each about as many."""
        self.until(lambda: self.is_shared_out(*members), f"{[one.name for one in members]} share out")

    def is_shared_out(self, *members: Member) -> bool:
        owned = [one.owned() for one in members]
        even = len(self.sheets) / len(members)
        return sum(map(len, owned)) == len(self.sheets) and all(
            abs(len(one) - even) <= max(1, even / 4) for one in owned
        )

    def until_in_step(self) -> None:
        """Until every tab holds what the database does."""
        self.until(lambda: not self.differences(), "every spreadsheet is in step")

    # --- what there is --------------------------------------------------------------------------------------

    def differences(self) -> list[int]:
        """The numbers of the spreadsheets whose tab is not what the database has."""
        wanted: dict[int, list[tuple[Any, ...]]] = {number: [] for number in range(len(self.sheets))}
        for sheet, *row in self.database.rows("SELECT sheet, id, name, amount FROM item ORDER BY sheet, id"):
            wanted[sheet].append(tuple(row))
        return [number for number, rows in wanted.items() if self.tab(number) != rows]

    def tab(self, number: int) -> list[tuple[Any, ...]] | None:
        """The rows of a tab in the order of their keys, None where there is no tab yet."""
        sheet = self.sheets[number]
        if "Items" not in self.box.tabs(sheet):
            return None
        header, *rows = self.box.grid(sheet, "Items")
        assert header[:3] == HEADER
        return sorted(tuple(row[:3]) for row in rows if any(cell is not None for cell in row))

    def close(self) -> None:
        for one in self.members:
            if one.process is not None and one.process.poll() is None:
                one.process.send_signal(signal.SIGCONT)
                one.kill()
