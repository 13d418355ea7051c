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
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from moneymentor_sync.control.client import ControlClient
from moneymentor_sync.core.errors import MmsyncError
from moneymentor_sync.core.sharing import shard_of
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.accounts import PROJECT

from .databases import PostgresqlServer, WritableDatabase

PATIENCE = 45.0
DEFAULT = "default"
HEADER = ["id", "name", "amount"]


def email_of(name: str) -> str:
    """The address of the account that a member writes with."""
    return f"{name}@{PROJECT}.iam.gserviceaccount.com"


def lock_class(fleet: str, kind: str) -> int:
    """The first number of a fleet's locks, as `pg_locks` shows it."""
    return int.from_bytes(blake2b(f"mmsync\0{fleet}\0{kind}".encode(), digest_size=4).digest())


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

    @property
    def state(self) -> str:
        """The kernel's letter for the process: T where it is stopped."""
        assert self.process is not None
        return Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[0]

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
        lines = [json.loads(line) for line in self.log.read_text().splitlines(keepends=True) if line.endswith("\n")]
        return [line for line in lines if line["event"].startswith(name)]


class Meeting(Protocol):
    """A server in which fleets can meet."""

    def new_database(self) -> WritableDatabase: ...


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
        requests_per_minute: int | None = 100_000,
        more: str = "",
        meeting: Meeting | None = None,
    ) -> None:
        self.folder, self.box = folder, box
        self.database = server.new_database()
        self.shared = (meeting or server).new_database()
        self.lease_seconds = lease_seconds
        self.requests_per_minute = requests_per_minute
        self.more = more
        self.accounts = accounts
        self.members: list[Member] = []
        self.database.run("CREATE TABLE item (sheet int, id int, name text, amount int, PRIMARY KEY (sheet, id))")
        emails = tuple(json.loads(key.read_text())["client_email"] for key in accounts) or None
        self.sheets = [box.new_spreadsheet(f"sheet {n}", share_with=emails) for n in range(spreadsheets)]
        self.database.run(
            "INSERT INTO item SELECT sheet, id, 'name ' || id, sheet * 1000 + id "
            f"FROM generate_series(0, {spreadsheets - 1}) AS sheet, generate_series(1, {rows}) AS id"
        )

    def add(self, name: str, *, shared_url: str | None = None, more: str = "") -> Member:
        """A member that is not started yet. Where the fleet has no accounts it has one of its own, so that one sees
        who wrote what. `shared_url` is another way to the fleet's database, `more` other settings of the fleet."""
        member = Member(name, self.folder / name, self._settings(name, shared_url or self.shared.url, more))
        self.members.append(member)
        return member

    def _own_account(self, name: str) -> Path:
        for sheet in self.sheets:
            self.box.share(sheet, email_of(name))
        return self.box.account(name)

    def _settings(self, name: str, shared_url: str, more: str) -> str:
        keys = [str(path) for path in self.accounts] or [str(self._own_account(name))]
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
            f"{self._quota()}"
            "[sync]\ninterval_seconds = 3600\nenable_course_stats = false\nenable_user_profiles = false\n"
            "retry_delay_seconds = 0.5\n"
            f'[state]\npath = "state.db"\n[control]\nsocket = "control.sock"\n'
            f"[cluster]\nurl = {json.dumps(shared_url)}\nmember = {json.dumps(name)}\n"
            f"lease_seconds = {self.lease_seconds}\n{self.more}\n{more}\n{datasets}\n"
        )

    def _quota(self) -> str:
        """Settings that leave the quota out of it, unless it is to be Google's."""
        each = self.requests_per_minute
        return f"project_requests_per_minute = {each}\naccount_requests_per_minute = {each}\n" if each else ""

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
        wanted = self._wanted()
        left = list(wanted)

        def in_step() -> bool:
            """Looks no further than the first that is not: looking takes time from the sandbox, which is here."""
            while left and self.tab(left[-1]) == wanted[left[-1]]:
                left.pop()
            return not left and not self.differences()

        self.until(in_step, "every spreadsheet is in step")

    def until_idle(self, *members: Member) -> None:
        """Until no member syncs, nor has to: an edit that comes now is no part of a sync under way."""

        def idle(member: Member) -> bool:
            names = [one["event"] for one in member.events()]
            last = names[len(names) - names[::-1].index("daemon.started") :] if "daemon.started" in names else []
            return 0 < last.count("sync.started") == last.count("sync.finished")

        self.until(lambda: all(map(idle, members)), "nobody syncs")

    # --- what there is --------------------------------------------------------------------------------------

    def differences(self) -> list[int]:
        """The numbers of the spreadsheets whose tab is not what the database has."""
        return [number for number, rows in self._wanted().items() if self.tab(number) != rows]

    def _wanted(self) -> dict[int, list[tuple[Any, ...]]]:
        wanted: dict[int, list[tuple[Any, ...]]] = {number: [] for number in range(len(self.sheets))}
        for sheet, *row in self.database.rows("SELECT sheet, id, name, amount FROM item ORDER BY sheet, id"):
            wanted[sheet].append(tuple(row))
        return wanted

    def tab(self, number: int) -> list[tuple[Any, ...]] | None:
        """The rows of a tab in the order of their keys, None where there is no tab yet."""
        sheet = self.sheets[number]
        if "Items" not in self.box.tabs(sheet):
            return None
        header, *rows = self.box.grid(sheet, "Items")
        assert header[:3] == HEADER
        return sorted(tuple(row[:3]) for row in rows if any(cell is not None for cell in row))

    def owners(self) -> dict[str, str]:
        """Who has each spreadsheet that anybody has, by PostgreSQL's own locks and not by what members say."""
        classes = {"members": lock_class(DEFAULT, "members"), "shards": lock_class(DEFAULT, "shards")}
        locks = self.shared.rows(
            "SELECT classid::bigint, objid::bigint, pid FROM pg_locks WHERE locktype = 'advisory' AND granted "
            "AND objsubid = 2 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        names = dict(self.shared.rows("SELECT id, name FROM mmsync_member"))
        member_of = {pid: names[number] for kind, number, pid in locks if kind == classes["members"]}
        held = {number: member_of.get(pid, "nobody") for kind, number, pid in locks if kind == classes["shards"]}
        return {sheet: held[shard_of(sheet)] for sheet in self.sheets if shard_of(sheet) in held}

    def sessions(self, member: Member) -> list[int]:
        """The process numbers of the server that hold locks for a member."""
        return [pid for (pid,) in self.shared.rows(
            "SELECT held.pid FROM pg_locks held JOIN mmsync_member ON objid::bigint = id WHERE granted "
            f"AND locktype = 'advisory' AND name = '{member.name}' "
            f"AND classid::bigint = {lock_class(DEFAULT, 'members')}"
        )]  # fmt: skip

    def epochs(self) -> dict[str, int]:
        """How often each spreadsheet was taken."""
        found = dict(self.shared.rows("SELECT shard, epoch FROM mmsync_shard"))
        return {sheet: found.get(shard_of(sheet), 0) for sheet in self.sheets}

    def edit(self, *numbers: int, name: str) -> None:
        """What the database has for these spreadsheets becomes other: a row changed, one gone, one new."""
        some = ", ".join(map(str, numbers))
        self.database.run(
            f"UPDATE item SET name = '{name}' WHERE id = 1 AND sheet IN ({some})",
            f"DELETE FROM item WHERE id = (SELECT max(id) FROM item) AND sheet IN ({some})",
            f"INSERT INTO item SELECT sheet, 1 + max(id), '{name} new', 0 FROM item WHERE sheet IN ({some}) "
            "GROUP BY sheet",
        )

    def close(self) -> None:
        for one in self.members:
            if one.process is not None and one.process.poll() is None:
                one.process.send_signal(signal.SIGCONT)
                one.kill()
