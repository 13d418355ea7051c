"""`mmsync run` as a process, with the commands that talk to it, signals, and kill -9 at any moment."""

from __future__ import annotations

import contextlib
import json
import random
import select
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.control.client import ControlClient
from moneymentor_sync.core.errors import MmsyncError
from moneymentor_sync.demo.database import create_sample
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.faults import Fault

PATIENCE = 60.0


class House:
    """A folder with a sample database, a sandbox, and a daemon that can be started, asked, killed and ended."""

    def __init__(self, folder: Path, box: Sandbox) -> None:
        self.folder, self.box = folder, box
        self.database = folder / "app.db"
        create_sample(self.database, users=30)
        self.socket = folder / "run" / "control.sock"
        self.log = folder / "daemon.log"
        self.client = ControlClient(self.socket)
        self.process: subprocess.Popen[bytes] | None = None
        self.config = folder / "sync.toml"
        self.configure()

    def configure(self, **sync: Any) -> None:
        settings = {"interval_seconds": 3600, "retry_delay_seconds": 0, "max_retries": 1} | sync
        lines = "\n".join(f"{name} = {value!r}" for name, value in settings.items())
        self.config.write_text(
            f'[database]\nurl = "sqlite:///{self.database}"\n'
            f'[google]\nspreadsheet_id = "{self.box.spreadsheet_id}"\n'
            f'credentials_file = "{self.box.credentials_file}"\napi_endpoint = "{self.box.url}"\n'
            f'timeout_seconds = 20\n[sync]\n{lines}\n[state]\npath = "state/state.db"\n'
            f'[control]\nsocket = "{self.socket}"\n'
        )

    # --- the daemon -----------------------------------------------------------------------------------------

    def start(self, *options: str, wait: bool = True) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "moneymentor_sync", "run", "-c", str(self.config), *options]
        environment = {"HOME": str(self.folder), "PATH": "/usr/bin:/bin"}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=environment, cwd=self.folder, stderr=log)
        if wait:
            self.until(lambda: self.status() is not None, "it answers")
        return self.process

    def until(self, condition: Callable[[], object], what: str) -> None:
        """Waits for something about the daemon; the daemon's end is noticed at once."""
        pause = threading.Event()
        for _ in range(int(PATIENCE / 0.02)):
            if condition():
                return
            pause.wait(0.02)
        raise AssertionError(f"not within {PATIENCE:g} s: {what}\n{self.log.read_text()[-3000:]}")

    def status(self) -> dict[str, Any] | None:
        try:
            return self.client.status()
        except MmsyncError:
            return None

    def synced(self) -> dict[str, Any]:
        """The status once nothing is under way and at least one sync has ended."""

        def done() -> bool:
            status = self.status()
            return bool(status and status["statistics"]["total_syncs"] and not status["sync_in_progress"])

        self.until(done, "a sync ends")
        return self.client.status()

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait(PATIENCE)

    def end(self, number: int = signal.SIGTERM) -> int:
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "moneymentor_sync", *arguments, "-c", str(self.config)],
            env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"}, cwd=self.folder,
            capture_output=True, text=True, timeout=PATIENCE, check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def events(self, name: str = "") -> list[dict[str, Any]]:
        lines = [json.loads(line) for line in self.log.read_text().splitlines()]
        return [line for line in lines if line["event"].startswith(name)]

    # --- what there is ----------------------------------------------------------------------------------------

    def sql(self, statement: str) -> list[tuple[Any, ...]]:
        with contextlib.closing(sqlite3.connect(self.database)) as connection, connection:
            return connection.execute(statement).fetchall()

    def emails(self) -> list[str]:
        """The addresses in the sheet, as they stand there; none where the tab is not there yet."""
        if "UserProfiles" not in self.box.tabs(self.box.spreadsheet_id):
            return []
        header, *rows = self.box.grid(self.box.spreadsheet_id, "UserProfiles")
        return [str(row[header.index("email")]) for row in rows if row]

    def wanted(self) -> list[str]:
        return [row[0] for row in self.sql("SELECT email FROM users JOIN user_profiles p ON p.user_id = users.id")]


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    folder = tmp_path / "h"
    folder.mkdir()
    with Sandbox(tmp_path / "sandbox") as box:
        made = House(folder, box)
        try:
            yield made
        finally:
            if made.process is not None and made.process.poll() is None:
                made.process.kill()
                made.process.wait(PATIENCE)


# --- a day's work -----------------------------------------------------------------------------------------


def test_it_syncs_at_once_answers_and_ends_in_order(house: House) -> None:
    house.start()
    status = house.synced()
    assert status["health"]["level"] == "healthy"
    assert sorted(house.emails()) == sorted(house.wanted())
    assert house.socket.stat().st_mode & 0o777 == 0o660
    shown = house.command("status")
    assert (shown.returncode, "healthy" in shown.stdout, "\x1b" in shown.stdout) == (0, True, False)
    assert house.end() == 0
    assert not house.socket.exists()
    assert [one["event"] for one in house.events("daemon.")] == [
        "daemon.started",
        "daemon.stopping",
        "daemon.stopped",
    ]
    stopped = house.command("status", "--json")
    assert stopped.returncode == 3
    assert json.loads(stopped.stdout)["statistics"]["health_status"] == "stopped"


def test_force_syncs_now_and_fails_with_1_where_the_sync_does(house: House) -> None:
    house.start()
    house.synced()
    house.sql("UPDATE users SET email = 'new.address@example.org' WHERE email = (SELECT min(email) FROM users)")
    done = house.command("force")
    assert done.returncode == 0, done.stderr
    assert "new.address@example.org" in house.emails()
    house.sql("DELETE FROM user_profiles")
    refused = house.command("force", "user_profiles")
    assert refused.returncode == 1
    assert "--allow-deletes" in refused.stderr
    assert house.emails()
    assert house.command("force", "user_profiles", "--allow-deletes").returncode == 0
    assert house.emails() == []


def test_disabled_it_stays_so_over_a_kill(house: House) -> None:
    house.start()
    house.synced()
    done = house.command("disable", "--reason", "migration", "--for", "2h")
    assert done.returncode == 0, done.stderr
    house.kill()
    house.sql("UPDATE users SET email = 'later@example.org' WHERE email = (SELECT min(email) FROM users)")
    house.start()
    status = house.status()
    assert status is not None and status["sync_enabled"] is False
    assert status["switch"]["reason"] == "migration" and status["switch"]["until"]
    assert status["next_sync_in_seconds"] is None
    assert "later@example.org" not in house.emails()
    assert house.command("enable").returncode == 0
    house.until(lambda: "later@example.org" in house.emails(), "enabled it syncs")


def test_it_is_reloaded_by_command_and_by_signal_and_a_wrong_configuration_is_refused(house: House) -> None:
    process = house.start()
    house.synced()
    house.configure(interval_seconds=1800)
    assert "sync.interval_seconds" in house.command("reload").stdout
    house.config.write_text(house.config.read_text().replace("interval_seconds = 1800", "interval_seconds = 0"))
    wrong = house.command("reload")
    assert wrong.returncode == 78
    assert "interval_seconds" in wrong.stderr
    process.send_signal(signal.SIGHUP)
    house.until(lambda: len(house.events("reload.refused")) == 2, "the signal is refused, too")
    assert house.client.status()["config"]["interval_seconds"] == 1800
    house.configure(interval_seconds=900)
    process.send_signal(signal.SIGHUP)
    house.until(lambda: house.client.status()["config"]["interval_seconds"] == 900, "the signal reloads")


def test_a_second_one_fails_at_once_and_says_who_runs(house: House) -> None:
    process = house.start()
    for change in ("", "socket"):
        if change:  # the same state, another socket
            house.config.write_text(house.config.read_text().replace("control.sock", "other.sock"))
        second = house.command("run")
        assert second.returncode == 1
        assert str(process.pid) in second.stderr
        assert "Traceback" not in second.stderr


def test_a_wrong_configuration_ends_with_78(house: House) -> None:
    house.configure(interval_seconds=0)
    done = house.command("run")
    assert done.returncode == 78
    assert "interval_seconds" in done.stderr


def test_while_a_foreground_sync_has_the_lock_it_waits(house: House) -> None:
    fault = house.box.faults.add(Fault("delay", on="write", seconds=5.0))
    command = [sys.executable, "-m", "moneymentor_sync", "sync", "-c", str(house.config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as foreground:
        house.until(lambda: fault.fired, "the other one writes")
        house.start()
        house.until(lambda: house.events("lock.busy"), "the daemon finds the lock taken")
        assert foreground.wait(PATIENCE) == 0
    assert house.synced()["statistics"]["failed_syncs"] == 0


# --- when something is wrong ------------------------------------------------------------------------------


def test_unhealthy_at_the_start_it_keeps_trying_and_says_what_to_mend(house: House) -> None:
    away = house.database.rename(house.folder / "away.db")
    house.start()
    house.until(lambda: (house.status() or {})["health"]["level"] == "unhealthy", "it finds no database")
    shown = house.command("status")
    assert shown.returncode == 1
    assert "no SQLite file" in shown.stdout and "→" in shown.stdout
    assert house.command("force").returncode == 1
    away.rename(house.database)
    house.until(lambda: (house.status() or {})["health"]["level"] == "healthy", "it mends itself")
    assert sorted(house.emails()) == sorted(house.wanted())


def test_google_being_down_opens_the_breaker_and_force_closes_it(house: House) -> None:
    house.configure(max_consecutive_failures=2, max_retries=0)
    house.start()
    house.synced()
    fault = house.box.faults.add(Fault("status", on="any", status=503, count=None))
    for _ in range(2):
        assert house.command("force").returncode == 1
    status = house.client.status()
    assert (status["circuit"]["state"], status["health"]["level"]) == ("open", "degraded")
    assert status["circuit"]["opens_until"]
    house.kill()
    house.start()
    assert house.client.status()["circuit"]["state"] == "open", "it survives a restart"
    house.box.faults.remove(fault.fault_id)
    assert house.command("force").returncode == 0
    assert house.client.status()["circuit"]["state"] == "closed"


# --- the end ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_told_to_end_in_the_middle_of_a_write_it_ends_the_batch_first(house: House, number: int) -> None:
    fault = house.box.faults.add(Fault("delay", on="write", seconds=0.5))
    house.start()
    house.until(lambda: fault.fired, "it writes")
    assert house.end(number) == 0
    assert house.events("daemon.stopped")
    assert len(house.emails()) in (0, len(house.wanted())), "nothing is half-written"
    house.start()
    house.synced()
    assert sorted(house.emails()) == sorted(house.wanted())


def test_a_second_signal_ends_it_at_once(house: House) -> None:
    fault = house.box.faults.add(Fault("delay", on="write", seconds=15.0))
    process = house.start()
    house.until(lambda: fault.fired, "it writes")
    process.send_signal(signal.SIGTERM)
    house.until(lambda: house.events("daemon.stopping"), "it drains")
    assert process.poll() is None
    assert house.end() == 0
    assert house.events("daemon.left")
    assert house.emails() == [], "Google is still at it"
    house.box.faults.clear()


@pytest.mark.parametrize("after", [False, True], ids=["before it is applied", "after it was applied"])
def test_killed_in_the_middle_of_a_write_nothing_is_lost_or_doubled(house: House, after: bool) -> None:
    fault = house.box.faults.add(
        Fault("delay", on="write", seconds=2.0, when="after" if after else "before", count=1)
    )
    house.start()
    house.until(lambda: fault.fired, "it writes")
    house.kill()
    house.start()
    house.synced()
    assert house.command("force").returncode == 0  # what the first daemon had sent may have come late
    assert sorted(house.emails()) == sorted(house.wanted())


def test_killed_at_random_moments_nothing_is_lost_or_doubled(house: House) -> None:
    house.configure(interval_seconds=1)
    chance = random.Random(11)
    pause = threading.Event()
    for number in range(12):
        house.start(wait=number % 3 == 0)
        house.sql(f"UPDATE user_profiles SET total_chats = {number} WHERE day_streak % 3 = {number % 3}")
        pause.wait(chance.uniform(0.0, 1.2))
        house.kill()
        assert len(house.emails()) in (0, len(house.wanted())), "never a half-written tab"
    house.start()
    house.synced()
    assert house.command("force").returncode == 0
    assert sorted(house.emails()) == sorted(house.wanted())
    header, *rows = house.box.grid(house.box.spreadsheet_id, "UserProfiles")
    at = header.index("total_chats")
    found = sorted(float(str(row[at])) for row in rows)
    assert found == sorted(float(row[0]) for row in house.sql("SELECT total_chats FROM user_profiles"))


# --- the log --------------------------------------------------------------------------------------------------


def values_of(house: House) -> set[str]:
    """Everything in the database that is long enough to be told from other words."""
    found: set[str] = set()
    for (table,) in house.sql("SELECT name FROM sqlite_master WHERE type = 'table'"):
        for row in house.sql(f"SELECT * FROM {table}"):
            found |= {str(value) for value in row if value is not None and len(str(value)) >= 6}
    return found


def test_no_value_and_no_secret_is_in_the_log_at_any_level_and_every_line_of_a_run_has_its_id(house: House) -> None:
    house.configure(max_retries=1)
    house.start("-v")
    house.synced()
    house.sql("UPDATE user_profiles SET total_chats = total_chats + 1")
    house.command("force")
    house.box.faults.add(Fault("status", on="write", status=503, count=1))
    house.sql("UPDATE user_profiles SET total_chats = total_chats + 1")
    house.command("force")
    house.sql("DELETE FROM user_profiles")
    house.command("force", "user_profiles")
    house.client.pause("somebody-in-particular", 1.0)
    house.end()
    text = house.log.read_text()
    key = json.loads(house.box.credentials_file.read_text())["private_key"]
    secrets = {line for line in key.splitlines() if len(line) > 20}
    tokens = {"ya29.", "Bearer ", "password"}
    seen = {value for value in values_of(house) | secrets | tokens if value in text}
    assert seen == set()
    assert len(text.splitlines()) > 20
    for line in house.events():
        if line["event"].split(".")[0] in ("sync", "dataset", "retry"):
            assert line["run"], line
    assert house.events("dataset.failed"), "there was an error to be told"
    assert house.events("retry.waiting"), "and one to be tried again"


def test_curl_gets_the_json_of_the_contract(house: House) -> None:
    house.start()
    house.synced()
    base = ["curl", "--silent", "--show-error", "--unix-socket", str(house.socket)]
    status = json.loads(subprocess.check_output([*base, "http://localhost/sync/status"]))
    assert status["is_running"] is True
    forced = [*base, "-X", "POST", "-d", '{"wait": true}', "http://localhost/sync/force"]
    result = json.loads(subprocess.check_output(forced))
    assert set(result) == {"run_id", "ok", "seconds", "error", "datasets"}
    history = json.loads(subprocess.check_output([*base, "http://localhost/sync/history?limit=1"]))
    assert history["runs"][0]["run_id"] == result["run_id"]
    assert json.loads(subprocess.check_output([*base, "http://localhost/healthz"]))["status"] == "healthy"
    assert b"mmsync_syncs_total" in subprocess.check_output([*base, "http://localhost/metrics"])


def test_ready_is_told_to_systemd_and_the_watchdog_is_pinged(house: House, tmp_path: Path) -> None:
    import os
    import socket

    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        command = [sys.executable, "-m", "moneymentor_sync", "run", "-c", str(house.config)]
        environment = {**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "400000"}
        with house.log.open("ab") as log:
            house.process = subprocess.Popen(command, env=environment, cwd=house.folder, stderr=log)
        seen = ""
        while "WATCHDOG=1" not in seen and select.select([manager], [], [], PATIENCE)[0]:
            seen += manager.recv(4096).decode() + "\n"
        assert seen.startswith("READY=1")
        assert house.status() is not None, "ready means that it answers"
        assert house.end() == 0
        while "STOPPING=1" not in seen and select.select([manager], [], [], PATIENCE)[0]:
            seen += manager.recv(4096).decode() + "\n"
        assert "STOPPING=1" in seen


def test_a_socket_that_somebody_removes_comes_back(house: House) -> None:
    house.start()
    house.synced()
    house.socket.unlink()
    house.until(lambda: house.status() is not None, "it listens again")
    assert house.events("control.renewed")
    assert house.socket.stat().st_mode & 0o777 == 0o660
    for path in house.socket.parent.iterdir():
        path.unlink()
    house.socket.parent.rmdir()
    house.until(lambda: house.status() is not None, "also where the directory went")
    assert house.end() == 0


def test_status_tells_a_daemon_that_listens_elsewhere_from_one_that_is_dead(house: House) -> None:
    process = house.start()
    house.synced()
    text = house.config.read_text()
    house.config.write_text(text.replace("control.sock", "other.sock"))
    shown = house.command("status")
    assert shown.returncode == 3
    assert f"process {process.pid}" in shown.stdout
    house.config.write_text(text)


def test_while_it_stops_it_says_so(house: House) -> None:
    fault = house.box.faults.add(Fault("delay", on="write", seconds=3.0))
    process = house.start()
    house.until(lambda: fault.fired, "it writes")
    process.send_signal(signal.SIGTERM)
    house.until(lambda: (house.status() or {}).get("stopping"), "it is stopping")
    shown = house.command("status")
    assert "stopping" in shown.stdout
    assert process.wait(PATIENCE) == 0
