"""`mmsync check` as a process: what it prints where, and its exit codes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from moneymentor_sync.demo.database import create_sample
from moneymentor_sync.sandbox import Sandbox


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "sandbox") as box:
        yield box


def environment(box: Sandbox, home: Path) -> dict[str, str]:
    """All that the command needs, so that no file has to be written."""
    return {
        "HOME": str(home),
        "PATH": "/usr/bin:/bin",
        "XDG_RUNTIME_DIR": str(home),
        "DATABASE_URL": f"sqlite:///{home}/app.db",
        "GOOGLE_SHEET_ID": box.spreadsheet_id,
        "GOOGLE_APPLICATION_CREDENTIALS": str(box.credentials_file),
        "MMSYNC_GOOGLE_API_ENDPOINT": box.url,
    }


def mmsync(*arguments: str, env: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "moneymentor_sync", *arguments],
        env=env, cwd=cwd, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_all_is_well(box: Sandbox, tmp_path: Path) -> None:
    create_sample(tmp_path / "app.db", users=20)
    env = environment(box, tmp_path)
    done = mmsync("check", env=env, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert done.stdout.splitlines()[-1].startswith("18 ok.")
    assert box.log.count("write") == 0
    assert not list(tmp_path.glob(".local/**/*"))


def test_what_failed_is_told_to_people_and_to_programs(box: Sandbox, tmp_path: Path) -> None:
    create_sample(tmp_path / "app.db", users=20)
    env = environment(box, tmp_path) | {"GOOGLE_SHEET_ID": "1" * 44}
    done = mmsync("check", env=env, cwd=tmp_path)
    assert done.returncode == 1
    assert f"→ Check the id, and share the spreadsheet with {box.client_email} as an editor." in done.stdout
    done = mmsync("check", "--json", env=env, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    answer = json.loads(done.stdout)
    assert set(answer) == {"ok", "checks"}
    assert answer["ok"] is False
    assert {frozenset(check) for check in answer["checks"]} == {frozenset({"name", "status", "message", "hint"})}
    assert [check["name"] for check in answer["checks"] if check["status"] == "failed"] == ["spreadsheet"]


def test_a_wrong_configuration_is_a_finding_and_exit_code_1(tmp_path: Path) -> None:
    (tmp_path / "sync.toml").write_text("[sync]\ninterval_seconds = 0\n")
    done = mmsync("check", "--json", env={"HOME": str(tmp_path)}, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (1, "")
    first, *others = json.loads(done.stdout)["checks"]
    assert (first["name"], first["status"]) == ("configuration", "failed")
    assert "sync.interval_seconds" in first["message"]
    assert {check["status"] for check in others} == {"skipped"}


def test_nobody_listens(box: Sandbox, tmp_path: Path) -> None:
    create_sample(tmp_path / "app.db", users=5)
    env = environment(box, tmp_path)
    box.stop()
    done = mmsync("check", env=env, cwd=tmp_path)
    assert done.returncode == 1
    assert "Traceback" not in done.stdout + done.stderr
    assert "token" in done.stdout


def test_each_step_can_be_followed_in_the_log(box: Sandbox, tmp_path: Path) -> None:
    create_sample(tmp_path / "app.db", users=5)
    done = mmsync("check", "-v", env=environment(box, tmp_path), cwd=tmp_path)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert [event["status"] for event in events if event["event"] == "check.finished"] == ["ok"] * 18
