"""The commands that ask the daemon, as processes against a socket that answers as one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from moneymentor_sync.adapters.state_file import StateFile
from moneymentor_sync.core.ports import DatasetResult, RunResult
from moneymentor_sync.core.service_unit import how_to_start
from tests.fake_daemon import Answer, FakeDaemon, fake_daemon
from tests.unit.screens import NOW, status

RESULT = {
    "run_id": "r1",
    "ok": True,
    "seconds": 1.25,
    "error": None,
    "datasets": [
        {
            "name": "user_profiles",
            "tab": "UserProfiles",
            "result": "synced",
            "rows": 12_345,
            "inserted": 3,
            "cells": 9,
        }
    ],
}
REFUSED = RESULT | {
    "ok": False,
    "error": "user_profiles: the query gives no rows",
    "datasets": [
        {
            "name": "user_profiles",
            "tab": "UserProfiles",
            "result": "failed",
            "error_code": "shrink_refused",
            "error": "the query gives no rows",
            "hint": "If that is right, run `mmsync sync --force`.",
        }
    ],
}


class Place:
    """An empty home with a socket in it, the command, and a daemon whose answers a test may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "control.sock"
        self.env = {
            "HOME": str(folder),
            "PATH": "/usr/bin:/bin",
            "MMSYNC_SOCKET": str(self.socket),
            "MMSYNC_STATE": str(folder / "state.db"),
        }
        self.answers: dict[str, Answer] = {"GET /sync/status": (200, status())}
        self.hold = threading.Event()
        self.hold.set()

    def script(self, what: str, body: dict[str, Any]) -> Answer:
        if what == "POST /sync/force" and body.get("wait"):
            self.hold.wait(30)
        refused = (404, {"error": {"code": "not_found", "message": f"no {what}", "hint": ""}})
        return self.answers.get(what.partition("?")[0], refused)

    def arguments(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "moneymentor_sync", *arguments]

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.arguments(*arguments),
            env=self.env, cwd=self.folder, capture_output=True, text=True, timeout=60, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    @contextmanager
    def started(self, *arguments: str) -> Iterator[subprocess.Popen[str]]:
        process = subprocess.Popen(
            self.arguments(*arguments),
            env=self.env, cwd=self.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        try:
            yield process
        finally:
            process.kill()
            process.communicate()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.fixture
def daemon(place: Place) -> Iterator[FakeDaemon]:
    with fake_daemon(place.socket, place.script) as server:
        yield server
        place.hold.set()


# --- status -----------------------------------------------------------------------------------------------


def test_status_for_people_and_for_programs(place: Place, daemon: FakeDaemon) -> None:
    done = place.command("status")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("✓ healthy: every dataset is in step with the database\n")
    assert "\x1b" not in done.stdout
    done = place.command("status", "--json")
    assert (done.returncode, done.stderr, json.loads(done.stdout)) == (0, "", status())


@pytest.mark.parametrize(("level", "code"), [("warning", 0), ("degraded", 1), ("unhealthy", 1)])
def test_the_verdict_is_the_exit_code(place: Place, daemon: FakeDaemon, level: str, code: int) -> None:
    document = status()
    document["statistics"]["health_status"] = level
    place.answers["GET /sync/status"] = (200, document)
    assert place.command("status").returncode == code
    assert place.command("status", "--json").returncode == code


@pytest.mark.parametrize(
    "command", [["status"], ["status", "--json"], ["force"], ["enable"], ["disable"], ["history"], ["reload"]]
)
def test_no_daemon_and_nothing_known_is_exit_code_3(place: Place, command: list[str]) -> None:
    done = place.command(*command)
    assert (done.returncode, done.stdout) == (3, "")
    assert "no daemon is running" in done.stderr
    assert f"→ {how_to_start(os.path.exists)}" in done.stderr


def test_quick_and_parsed_are_the_same(place: Place, daemon: FakeDaemon) -> None:
    quick = place.command("status", "--json", "-c", "/dev/null")
    parsed = place.command("status", "--json", "--config=/dev/null")
    assert (quick.returncode, quick.stdout, quick.stderr) == (parsed.returncode, parsed.stdout, parsed.stderr)
    assert place.command("status", "--jsn").returncode == 2
    assert place.command("status", "-v").stderr == f"asking the daemon at {place.socket}\n"


def test_only_what_concerns_the_daemon_has_to_be_right(place: Place, daemon: FakeDaemon) -> None:
    (place.folder / "sync.toml").write_text("[database]\nurl = 5\n")
    assert place.command("status").returncode == 0
    (place.folder / "sync.toml").write_text("[control]\nsocket = 5\n")
    done = place.command("status")
    assert done.returncode == 78
    assert "control.socket: expected a string" in done.stderr


def test_in_the_middle_of_an_edit_the_daemon_that_runs_is_shown_and_nobody_is_told_anything(
    place: Place, daemon: FakeDaemon
) -> None:
    (place.folder / "sync.toml").write_text("[database]\nurl = \n")
    shown = place.command("status", "--json")
    assert shown.returncode == 0
    assert json.loads(shown.stdout)["is_running"] is True
    assert "sync.toml" in shown.stderr and "line 2" in shown.stderr
    assert place.command("force").returncode == 78, "who changes something must know whom they ask"
    assert {asked for asked, _ in daemon.asked} == {"GET /sync/status"}


def test_in_the_middle_of_an_edit_and_without_a_daemon_the_file_is_what_is_wrong(place: Place) -> None:
    (place.folder / "sync.toml").write_text("[database]\nurl = \n")
    done = place.command("status")
    assert (done.returncode, done.stdout) == (78, "")
    assert "line 2" in done.stderr


def test_a_watched_daemon_may_go_and_come_back(place: Place) -> None:
    """As lines of JSON, which is what a test can read."""

    def line(process: subprocess.Popen[str]) -> Any:
        assert process.stdout is not None
        return json.loads(process.stdout.readline())["is_running"]

    with place.started("status", "--watch", "--json") as process:
        assert line(process) is None
        with fake_daemon(place.socket, place.script):
            while line(process) is None:
                pass
        while line(process) is True:
            pass
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_watching_needs_a_terminal(place: Place, daemon: FakeDaemon) -> None:
    done = place.command("status", "--watch")
    assert (done.returncode, done.stdout) == (2, "")
    assert "--json" in done.stderr


def test_status_imports_nothing_heavy(place: Place, daemon: FakeDaemon) -> None:
    heavy = ("sqlalchemy", "pygsheets", "googleapiclient", "google", "apscheduler", "structlog", "starlette",
             "uvicorn", "msgspec", "typer", "pydantic", "dotenv", "tomllib", "sqlite3", "logging")  # fmt: skip
    for words, more in (["status", "--json"], ["rich"]), (["status"], []):
        code = (
            "import sys\n"
            f"sys.argv = ['mmsync', *{words}]\n"
            "from moneymentor_sync.cli import main\n"
            "try: main()\n"
            "except SystemExit: pass\n"
            f"print([name for name in {(*heavy, *more)!r} if name in sys.modules], file=sys.stderr)"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=place.env,
            cwd=place.folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == "[]\n"


# --- force ------------------------------------------------------------------------------------------------


def test_force_waits_and_shows_the_result(place: Place, daemon: FakeDaemon) -> None:
    place.answers["POST /sync/force"] = (200, RESULT)
    done = place.command("force", "user_profiles", "--allow-deletes", "user_profiles")
    assert (done.returncode, done.stderr) == (0, "")
    assert "user_profiles UserProfiles synced 12,345        3       0       0" in done.stdout
    assert daemon.asked == [
        ("POST /sync/force", {"datasets": ["user_profiles"], "wait": True, "allow_deletes": True})
    ]
    assert json.loads(place.command("force", "--json").stdout) == RESULT


def test_force_that_failed_says_what_to_do_here(place: Place, daemon: FakeDaemon) -> None:
    place.answers["POST /sync/force"] = (200, REFUSED)
    done = place.command("force")
    assert done.returncode == 1
    assert "user_profiles: the query gives no rows" in done.stderr
    assert "→ If that is right, run `mmsync force user_profiles --allow-deletes`." in done.stderr
    stopped = {"run_id": "r", "ok": False, "seconds": 0, "error": "the daemon stopped", "datasets": []}
    place.answers["POST /sync/force"] = (200, stopped)
    done = place.command("force")
    assert (done.returncode, "the daemon stopped" in done.stderr) == (1, True)


def test_force_without_waiting(place: Place, daemon: FakeDaemon) -> None:
    place.answers["POST /sync/force"] = (202, {"accepted": True, "run_id": "r7"})
    done = place.command("force", "--no-wait")
    assert (done.returncode, done.stderr) == (0, "")
    assert "run r7" in done.stdout
    assert json.loads(place.command("force", "--no-wait", "--json").stdout) == {"accepted": True, "run_id": "r7"}


def test_the_time_to_wait_is_up(place: Place, daemon: FakeDaemon) -> None:
    place.hold.clear()
    done = place.command("force", "--timeout", "0.3")
    assert (done.returncode, done.stdout) == (1, "")
    assert "not ended after 0.3 s; the sync goes on in the daemon" in done.stderr


def test_ctrl_c_ends_the_waiting_only(place: Place, daemon: FakeDaemon) -> None:
    place.hold.clear()
    with place.started("force") as process:
        pause = threading.Event()
        for _ in range(6000):
            if daemon.asked or pause.wait(0.01):
                break
        assert daemon.asked
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert said == "not waited for: the sync goes on in the daemon; `mmsync status --watch` shows it\n"


def test_an_unknown_dataset(place: Place, daemon: FakeDaemon) -> None:
    error = {"code": "unknown_dataset", "message": "there is no dataset 'x'", "hint": "Configured are: a."}
    place.answers["POST /sync/force"] = place.answers["POST /sync/disable"] = (422, {"error": error})
    for command in (["force", "x"], ["disable", "x"]):
        done = place.command(*command)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr == "error: there is no dataset 'x'\n  → Configured are: a.\n"


# --- switches, reload, history ----------------------------------------------------------------------------


def test_disable_and_enable(place: Place, daemon: FakeDaemon) -> None:
    place.answers["POST /sync/disable"] = (200, {"sync_enabled": False, "datasets": {"a": True}})
    place.answers["POST /sync/enable"] = (200, {"sync_enabled": True, "datasets": {"a": True}})
    done = place.command("disable", "--reason", "upgrade", "--for", "1h30m")
    assert (done.returncode, done.stdout) == (0, "syncing is disabled for 1 h 30 min\n")
    assert daemon.asked[-1] == ("POST /sync/disable", {"reason": "upgrade", "for_seconds": 5400})
    assert place.command("enable", "a").stdout == "a is enabled\n"
    assert daemon.asked[-1] == ("POST /sync/enable", {"datasets": ["a"]})


@pytest.mark.parametrize("duration", ["soon", "0", "2 hours", "9999d", ""])
def test_a_wrong_duration_is_wrong_usage(place: Place, daemon: FakeDaemon, duration: str) -> None:
    done = place.command("disable", "--for", duration)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Invalid value for --for" in done.stderr
    assert daemon.asked == []


def test_a_wrong_configuration_is_refused_with_its_problems(place: Place, daemon: FakeDaemon) -> None:
    error = {"code": "config", "message": "…", "problems": ["a.b: wrong", "c.d: unknown"], "hint": "Correct them."}
    place.answers["POST /sync/reload"] = (400, {"error": error})
    done = place.command("reload")
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.splitlines() == [
        "error: the configuration has 2 problems:",
        "  - a.b: wrong",
        "  - c.d: unknown",
        "  → Correct them. The daemon goes on with the configuration it had.",
    ]
    place.answers["POST /sync/reload"] = (200, {"reloaded": True, "changed": ["a.b"], "needs_restart": []})
    assert place.command("reload").stdout == "changed, and in use from now on:\n  a.b\n"


def test_history_from_the_daemon_and_from_the_state_file(place: Place) -> None:
    store = StateFile(place.folder / "state.db")
    store.record(RunResult("r1", NOW, 1.5, "schedule", (DatasetResult("people", "People", "synced", rows=3),)))
    store.close()
    done = place.command("history")
    assert done.returncode == 0
    assert "not running" in done.stderr
    assert "people" in done.stdout
    from_file = json.loads(place.command("history", "--json").stdout)
    with fake_daemon(place.socket, place.script) as daemon:
        place.answers["GET /sync/history"] = (200, from_file)
        done = place.command("history", "--json", "people", "-n", "3")
        assert (done.returncode, done.stderr, json.loads(done.stdout)) == (0, "", from_file)
        assert daemon.asked == [("GET /sync/history?dataset=people&limit=3", {})]
        done = place.command("history", "--plot")
        assert (done.returncode, "rows of people" in done.stdout, "\x1b" in done.stdout) == (0, True, False)
        place.answers["GET /sync/history"] = (200, {"runs": []})
        done = place.command("history")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "no run yet\n")
        assert place.command("history", "-n", "0").returncode == 2


def test_every_command_has_help_and_the_common_options(place: Place) -> None:
    for name in ("status", "force", "enable", "disable", "history", "reload"):
        done = place.command(name, "--help")
        assert done.returncode == 0
        assert all(option in done.stdout for option in ("--config", "--verbose", "--help"))
    listed = place.command("--help").stdout
    assert "..." not in listed.partition("Commands:")[2], listed
