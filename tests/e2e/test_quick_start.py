"""The quick start's commands, in their order, as a new user would type them; the sandbox stands in for Google."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from moneymentor_sync.demo.database import create_sample
from moneymentor_sync.sandbox import Sandbox
from tests.pages import PAGES, blocks

BLOCKS = blocks(PAGES["docs/quick-start.md"])


def test_from_the_demo_to_the_first_sync(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    command = home / "bin" / "mmsync"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m moneymentor_sync "$@"\n')
    command.chmod(0o755)
    create_sample(home / "app.db", users=20)
    with Sandbox(tmp_path / "sandbox") as box:
        environment = {
            "HOME": str(home),
            "PATH": f"{command.parent}{os.pathsep}/usr/bin:/bin",
            "DATABASE_URL": f"sqlite:///{home / 'app.db'}",
            "GOOGLE_SHEET_ID": box.spreadsheet_id,
            "GOOGLE_APPLICATION_CREDENTIALS": str(box.credentials_file),
            "MMSYNC_GOOGLE_API_ENDPOINT": box.url,
        }
        said: dict[str, str] = {}
        for block in BLOCKS:
            for line in block.splitlines():
                writes = box.log.count("write")
                done = subprocess.run(
                    ["bash", "-euc", line], env=environment, cwd=home, capture_output=True, text=True, timeout=120,
                    check=False, stdin=subprocess.DEVNULL,
                )  # fmt: skip
                assert done.returncode == 0, (line, done.stdout, done.stderr)
                said[line] = done.stdout + done.stderr
                assert (box.log.count("write") > writes) == (line == "mmsync sync"), line
        assert [line.split()[1] for line in said] == ["demo", "init", "check", "plan", "sync"]
        assert "Plan: " in said["mmsync plan"]
        assert "0 failed" not in said["mmsync check"]
        assert {"UserProfiles", "course_statistics"} <= set(box.tabs(box.spreadsheet_id))
        assert len(box.grid(box.spreadsheet_id, "UserProfiles")) > 10
    assert (home / "sync.toml").exists()
