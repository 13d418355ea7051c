"""`mmsync sync`, `plan`, `demo` and `sandbox` as processes: what they do, print and exit with; and bad input."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from moneymentor_sync.demo.database import create_sample
from moneymentor_sync.sandbox import Sandbox
from moneymentor_sync.sandbox.faults import Fault


class Place:
    """An empty folder with a sample database, a sandbox, and the command."""

    def __init__(self, folder: Path, box: Sandbox) -> None:
        self.folder, self.box = folder, box
        self.database = folder / "app.db"
        create_sample(self.database, users=40)
        self.env = {
            "HOME": str(folder),
            "PATH": "/usr/bin:/bin",
            "DATABASE_URL": f"sqlite:///{self.database}",
            "GOOGLE_SHEET_ID": box.spreadsheet_id,
            "GOOGLE_APPLICATION_CREDENTIALS": str(box.credentials_file),
            "MMSYNC_GOOGLE_API_ENDPOINT": box.url,
            "SYNC_RETRY_DELAY_SECONDS": "0",
            "SYNC_MAX_RETRIES": "1",
        }

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "moneymentor_sync", *arguments],
            env=self.env, cwd=self.folder, capture_output=True, text=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def sql(self, statement: str) -> None:
        connection = sqlite3.connect(self.database)
        with connection:
            connection.execute(statement)
        connection.close()

    def grid(self, tab: str) -> list[list[object]]:
        return self.box.grid(self.box.spreadsheet_id, tab)  # type: ignore[return-value]  # cells are objects

    def bad(self, *arguments: str, code: int = 1) -> str:
        """A command that must fail with words and no traceback, leaving the spreadsheet alone; its stderr."""
        self.box.log.reset()
        done = self.command(*arguments)
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        assert "bug in mmsync" not in done.stderr
        assert self.box.log.count("write") == 0
        assert "→" in done.stderr
        return done.stderr


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    folder = tmp_path / "home"
    folder.mkdir()
    with Sandbox(tmp_path / "sandbox") as box:
        yield Place(folder, box)


def test_plan_sync_and_nothing_left_to_do(place: Place) -> None:
    assert place.command("plan").returncode == 0
    assert place.command("plan", "--exit-code").returncode == 2
    assert place.box.log.count("write") == 0
    done = place.command("sync")
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "user_profiles" in done.stdout
    assert len(place.grid("UserProfiles")) > 30
    assert place.grid("course_statistics")[0][:3] == ["First Name", "Last Name", "Email"]
    done = place.command("plan", "--exit-code")
    assert (done.returncode, "up to date" in done.stdout) == (0, True)
    again = json.loads(place.command("sync", "--json").stdout)
    assert again["ok"] is True
    assert [one["result"] for one in again["datasets"]] == ["unchanged", "unchanged"]
    assert {"run_id", "ok", "seconds", "error", "datasets"} <= set(again)


def test_plan_as_json_has_every_cell(place: Place) -> None:
    place.command("sync")
    place.sql("UPDATE user_profiles SET total_chats = 4242 WHERE rowid = 3")
    plans = json.loads(place.command("plan", "user_profiles", "--json").stdout)
    [one] = plans["datasets"]
    [update] = one["updates"]
    assert update["cells"]["total_chats"]["new"] == 4242
    assert (one["inserts"], one["deletes"], one["rows_before"]) == ([], [], one["rows_after"])


def test_force_is_needed_for_an_empty_result(place: Place) -> None:
    place.command("sync", "user_profiles")
    place.sql("DELETE FROM user_profiles")
    assert "--force" in place.bad("sync", "user_profiles")
    assert place.command("sync", "user_profiles", "--force").returncode == 0
    assert len(place.grid("UserProfiles")) == 1


def test_one_dataset_by_name_also_when_it_is_disabled(place: Place) -> None:
    place.env["SYNC_ENABLE_COURSE_STATS"] = "false"
    place.command("sync")
    assert "course_statistics" not in place.box.tabs(place.box.spreadsheet_id)
    assert place.command("sync", "course_statistics").returncode == 0
    assert "course_statistics" in place.box.tabs(place.box.spreadsheet_id)


def test_password_hashes_never_reach_the_spreadsheet(place: Place) -> None:
    place.command("sync")
    connection = sqlite3.connect(place.database)
    hashes = {row[0] for row in connection.execute("SELECT password_hash FROM users")}
    connection.close()
    cells = {cell for tab in ("UserProfiles", "course_statistics") for row in place.grid(tab) for cell in row}
    assert hashes
    assert not hashes & cells


# --- bad input: a clear error, and nothing changed --------------------------------------------------------


def toml(place: Place, text: str) -> None:
    (place.folder / "sync.toml").write_text(text)


OWN = """
[sync]
enable_user_profiles = false
enable_course_stats = false
[[datasets]]
name = "x"
tab = "X"
key = ["id"]
"""


@pytest.mark.parametrize(
    ("url", "words", "code"),
    [
        ("sqlite:////nowhere/app.db", "app.db", 1),
        ("oracle+nodriver://x", "nodriver", 78),
        ("postgresql://user:s3cret@127.0.0.1:1/app", "127.0.0.1", 1),
        ("no url at all", "DATABASE_URL", 78),
    ],
)
def test_a_wrong_database_url(place: Place, url: str, words: str, code: int) -> None:
    place.env["DATABASE_URL"] = url
    said = place.bad("sync", code=code)
    assert words in said
    assert "s3cret" not in said


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ('query = "SELECT id FROM missing"', "missing"),
        ('query = "SELECT nothing AS id FROM users"', "nothing"),
        ('table = "missing"', "missing"),
        ('query = "SELEKT 1"', "SELEKT"),
        ('query = "SELECT 1 AS id UNION ALL SELECT 1"', "row 2 of the result: as an earlier row"),
        ('query = "SELECT NULL AS id"', "NULL"),
        ('query = "SELECT 2 AS other"', "id"),
        ('query = "DELETE FROM users RETURNING id"', "x"),
        ("query = \"SELECT 1 AS id, x'00' AS blob\"", "binary"),
    ],
)
def test_a_query_that_cannot_be_synced(place: Place, dataset: str, words: str) -> None:
    toml(place, OWN + dataset)
    assert words in place.bad("sync")


def test_bad_toml_and_an_unknown_dataset(place: Place) -> None:
    toml(place, "[sync\n")
    assert "sync.toml" in place.bad("sync", code=78)
    toml(place, '[sync]\nintervall_seconds = 5\nmax_retries = "many"\n')
    said = place.bad("sync", code=78)
    assert "interval_seconds" in said
    assert "max_retries" in said
    toml(place, "")
    assert "user_profiles" in place.bad("sync", "no_such", code=2)
    assert place.command("sync", "-c", "missing.toml").returncode == 78


def test_an_id_that_is_no_spreadsheet(place: Place) -> None:
    place.env["GOOGLE_SHEET_ID"] = "1" * 44
    assert place.box.client_email in place.bad("sync")
    place.env["GOOGLE_SHEET_ID"] = "?"
    assert "GOOGLE_SHEET_ID" in place.bad("sync", code=78)


@pytest.mark.parametrize("content", ["", "no json", "[]", "{}", '{"type": "authorized_user"}'])
def test_a_key_file_that_is_none(place: Place, content: str) -> None:
    key = place.folder / "key.json"
    key.write_text(content)
    place.env["GOOGLE_APPLICATION_CREDENTIALS"] = str(key)
    assert "key.json" in place.bad("sync")


def test_no_permission(place: Place) -> None:
    place.env["GOOGLE_SHEET_ID"] = place.box.new_spreadsheet("Private", share_with=())
    assert place.box.client_email in place.bad("sync")


def test_a_state_file_that_cannot_be_used(place: Place) -> None:
    (place.folder / "file").write_text("in the way")
    place.env["MMSYNC_STATE"] = str(place.folder / "file" / "state.db")
    assert "MMSYNC_STATE" in place.bad("sync")
    place.env["MMSYNC_STATE"] = str(place.folder / "damaged.db")
    (place.folder / "damaged.db").write_bytes(b"not a database " * 1000)
    assert "damaged.db" in place.bad("sync")


def test_a_full_disk_for_the_state_file(place: Place) -> None:
    """RLIMIT_FSIZE stands for the full disk: the write fails with an error of the operating system."""
    code = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000));"
        "sys.argv = ['mmsync', 'sync']; from moneymentor_sync.cli import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=place.env,
        cwd=place.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert "state file" in done.stderr
    assert "Traceback" not in done.stderr
    assert "bug in mmsync" not in done.stderr
    assert place.box.log.count("write") == 0


def test_google_that_stays_down(place: Place) -> None:
    place.box.faults.add(Fault("status", on="read", status=503, count=None))
    assert "503" in place.bad("sync")


# --- demo and sandbox -------------------------------------------------------------------------------------


def test_the_demo_once(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "moneymentor_sync", "demo", "--once", "--users", "50"],
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}, cwd=tmp_path,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "synced" in done.stdout
    assert "http://" not in done.stdout, "an address that is gone with the command would lead nowhere"
    assert list(tmp_path.iterdir()) == []


def test_the_demo_goes_on_until_it_is_interrupted(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "moneymentor_sync", "demo", "--users", "50", "--interval", "1"]
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path)}
    with subprocess.Popen(command, env=env, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as demo:
        assert demo.stdout is not None
        seen = []
        for line in demo.stdout:
            seen.append(line)
            if line.startswith("spreadsheet:"):
                os.kill(demo.pid, signal.SIGINT)
        assert demo.wait(timeout=60) == 0
    assert seen[-1] == "Stopped.\n"
    assert list(tmp_path.iterdir()) == []


def test_the_sandbox_says_where_it_is_and_loses_nothing_when_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-u", "-m", "moneymentor_sync", "sandbox", "--dir", str(tmp_path / "box")]
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    create_sample(tmp_path / "app.db", users=20)
    addresses = []
    for _ in range(2):
        with subprocess.Popen(command, env=env, cwd=tmp_path, stdout=subprocess.PIPE, text=True) as sandbox:
            assert sandbox.stdout is not None
            said = json.loads(sandbox.stdout.readline())
            assert set(said) == {"url", "credentials_file", "spreadsheet_id"}
            addresses.append(said["spreadsheet_id"])
            more = {
                "DATABASE_URL": f"sqlite:///{tmp_path}/app.db",
                "GOOGLE_SHEET_ID": said["spreadsheet_id"],
                "GOOGLE_APPLICATION_CREDENTIALS": said["credentials_file"],
                "MMSYNC_GOOGLE_API_ENDPOINT": said["url"],
            }
            done = subprocess.run(
                [sys.executable, "-m", "moneymentor_sync", "sync", "--json"], env=env | more, cwd=tmp_path,
                capture_output=True, text=True, timeout=60, check=True,
            )  # fmt: skip
            results = [one["result"] for one in json.loads(done.stdout)["datasets"]]
            sandbox.kill()
    assert addresses[0] == addresses[1]
    assert results == ["unchanged", "unchanged"]


def test_a_port_or_a_directory_that_is_taken_is_explained(place: Place) -> None:
    taken = place.box.url.rpartition(":")[2]
    assert "port" in place.bad("sandbox", "--port", taken, "--dir", "elsewhere")
    assert "port" in place.bad("demo", "--once", "--port", taken)
    assert "another sandbox" in place.bad("sandbox", "--dir", str(place.folder.parent / "sandbox"))
    (place.folder / "file").write_text("in the way")
    assert "file" in place.bad("demo", "--once", "--dir", "file")


# --- the command itself -----------------------------------------------------------------------------------


def test_version_help_and_wrong_usage(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "moneymentor_sync", *arguments],
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip

    assert run("--version").stdout.startswith("mmsync 0.")
    for command in ("demo", "init", "check", "plan", "sync", "status", "force", "history", "sandbox"):
        done = run(command, "--help")
        assert done.returncode == 0
        assert "--config" in done.stdout
    assert run("sync", "--no-such-option").returncode == 2
    assert run("no-such-command").returncode == 2


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; sys.argv = ['mmsync', '--help']\n"
        "from moneymentor_sync.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "heavy = ('sqlalchemy', 'pygsheets', 'googleapiclient', 'structlog', 'msgspec')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
