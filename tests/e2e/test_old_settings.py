"""A folder with nothing but the old service's `.env`, and the spreadsheet that it left: by the real command."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from moneymentor_sync.demo.database import create_sample
from moneymentor_sync.sandbox import Sandbox
from tests.integration.old_service import PROFILES, STATISTICS, OldService, headers_of, rows_of

GUIDE = Path(__file__).parents[2] / "docs" / "migrating.md"
BACKEND = """# MoneyMentor backend
OPENAI_API_KEY=sk-not-a-key
JWT_SECRET_KEY="a#b=c$d"
SUPABASE_URL=https://abc.supabase.co
export CORS_ORIGINS='["http://localhost:3000"]'
DEBUG=true

"""
SYNC = """SYNC_INTERVAL_SECONDS=300
SYNC_MAX_RETRIES=3
SYNC_RETRY_DELAY_SECONDS=5
SYNC_MAX_CONSECUTIVE_FAILURES=5
SYNC_HEALTH_CHECK_INTERVAL=60
SYNC_ENABLE_COURSE_STATS=true
SYNC_ENABLE_USER_PROFILES=True
"""


class Folder:
    """The old spreadsheet, and a folder for mmsync beside the backend's database."""

    def __init__(self, path: Path, box: Sandbox) -> None:
        self.path, self.box, self.database = path, box, path / "app.db"
        create_sample(self.database, users=40)
        self.old = OldService(box.person())
        for tab, name in ((PROFILES, "user_profiles"), (STATISTICS, "course_statistics")):
            self.old.fill(tab, headers_of(name), rows_of(self.database, name))  # type: ignore[arg-type]  # built-in
        rows = rows_of(self.database, "user_profiles")
        self.old.append(PROFILES, rows)  # after a time-out
        self.old.append(PROFILES, [[*row[:3], "1", *row[4:]] for row in rows[:5]])  # "incremental"
        self.old.fill_logs()

    def key(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self.box.credentials_file.read_text())
        return found

    def write_env(self, *google: str, database: str | None = None, sheet: str = "GOOGLE_SHEET_ID") -> None:
        url = database or f"sqlite:///{self.database}"
        lines = [f'DATABASE_URL="{url}"', f"{sheet}={self.box.spreadsheet_id}", *google]
        (self.path / ".env").write_text(BACKEND + "\n".join(lines) + "\n" + SYNC)

    def two_variables(self) -> list[str]:
        key = self.key()
        pem = key["private_key"].replace("\n", "\\n")
        return [f"GOOGLE_CLIENT_EMAIL={key['client_email']}", f'GOOGLE_PRIVATE_KEY="{pem}"']

    def mmsync(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        env = {"HOME": str(self.path), "PATH": "/usr/bin:/bin", "MMSYNC_GOOGLE_API_ENDPOINT": self.box.url}
        return subprocess.run(
            [sys.executable, "-m", "moneymentor_sync", *arguments],
            env=env, cwd=self.path, capture_output=True, text=True, timeout=120, check=False,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Folder]:
    path = tmp_path / "mmsync"
    path.mkdir()
    with Sandbox(tmp_path / "sandbox") as box:
        yield Folder(path, box)


@pytest.mark.parametrize("sheet", ["GOOGLE_SHEET_ID", "GOOGLE_SHEETS_SPREADSHEET_ID"])
def test_check_plan_and_sync_with_the_old_env_alone(folder: Folder, sheet: str) -> None:
    folder.write_env(*folder.two_variables(), sheet=sheet)
    count = len(rows_of(folder.database, "user_profiles"))
    done = folder.mmsync("check")
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert f"· taken over by email, with what stands beside them: {count}" in done.stdout
    assert f"· copies of those, removed: {count + 5} (rows" in done.stdout
    assert "left alone: " in done.stdout
    assert folder.box.log.count("write") == 0
    done = folder.mmsync("plan", "user_profiles")
    assert done.returncode == 0
    assert "@example.org" in done.stdout  # rows by what they are matched on: their key is not there yet
    assert re.search(r'total_chats +"\d+" +→ \d+', done.stdout)
    assert folder.mmsync("sync").returncode == 0
    assert [path.name for path in folder.path.iterdir() if path.suffix == ".toml"] == []
    again = json.loads(folder.mmsync("sync", "--json").stdout)
    assert [one["result"] for one in again["datasets"]] == ["unchanged", "unchanged"]
    assert len(folder.box.grid(folder.box.spreadsheet_id, PROFILES)) == count + 1


def test_a_key_file_beside_the_env(folder: Folder) -> None:
    (folder.path / "service-account.json").write_text(folder.box.credentials_file.read_text())
    folder.write_env("GOOGLE_APPLICATION_CREDENTIALS=service-account.json")
    assert folder.mmsync("sync").returncode == 0


def test_an_asynchronous_drivers_url(folder: Folder) -> None:
    folder.write_env(*folder.two_variables(), database=f"sqlite+aiosqlite:///{folder.database}")
    assert folder.mmsync("plan").returncode == 0


def test_what_programs_are_told(folder: Folder) -> None:
    folder.write_env(*folder.two_variables())
    gone = ["Eve", "Gone", "eve@example.org", "1", "2", "3", "4", "0", "0", "0", ""]
    folder.old.append(PROFILES, [gone])
    number = len(folder.box.grid(folder.box.spreadsheet_id, PROFILES))
    done = folder.mmsync("check", "--json")
    assert done.returncode == 1
    checks = {one["name"]: one for one in json.loads(done.stdout)["checks"]}
    told = checks["tab: user_profiles"]["takes_over"]
    assert told["unresolved"] == {"unmatched": [number]}
    assert (told["match_on"], told["key"], told["removed"]) == (["email"], ["user_id"], [])
    assert "takes_over" not in checks["spreadsheet"]
    assert "@example.org" not in done.stdout
    plan = json.loads(folder.mmsync("plan", "user_profiles", "--remove-unmatched", "--json").stdout)
    assert plan["datasets"][0]["takes_over"]["removed"] == [number]
    refused = folder.mmsync("sync", "user_profiles")
    assert (refused.returncode, "--remove-unmatched" in refused.stderr) == (1, True)


def guide_commands() -> list[list[str]]:
    blocks = re.findall(r"(?ms)^ *```sh\n(.*?)^ *```", GUIDE.read_text(encoding="utf-8"))
    lines = [line.strip() for block in blocks for line in block.splitlines()]
    return [shlex.split(line)[1:] for line in lines if line.startswith("mmsync ")]


def test_the_guides_commands_work_in_their_order(folder: Folder) -> None:
    folder.write_env(*folder.two_variables())
    commands = guide_commands()
    assert commands[:3] == [["check"], ["plan"], ["sync"]]
    for command in commands:
        done = folder.mmsync(*command)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
