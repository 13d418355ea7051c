"""The real command where the output is not UTF-8."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

CONFIG = """
[database]
url = "sqlite:///nowhere.db"
[google]
spreadsheet_id = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-aBcDe"
credentials_file = "Schlüssel → 表.json"
"""


def mmsync(directory: Path, encoding: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    environment = {
        **os.environ,
        "PYTHONIOENCODING": encoding,
        "HOME": str(directory),
        "XDG_RUNTIME_DIR": str(directory),
    }
    line = [sys.executable, "-m", "moneymentor_sync", *arguments]
    return subprocess.run(line, cwd=directory, env=environment, capture_output=True, timeout=60, check=False)


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_no_command_fails_for_a_letter(encoding: str, tmp_path: Path) -> None:
    (tmp_path / "sync.toml").write_text(CONFIG, encoding="utf-8")
    tick, arrow = ("x", ">") if encoding != "utf-8" else ("✗", "→")
    check = mmsync(tmp_path, encoding, "check")
    said = check.stdout.decode(encoding)
    assert check.returncode == 1
    assert f"{tick} failed" in said
    assert f" {arrow} " in said
    status = mmsync(tmp_path, encoding, "status")
    assert status.returncode == 3
    assert f"  {arrow} Start it with" in status.stderr.decode(encoding)
    for one in (check, status):
        assert b"bug in mmsync" not in one.stderr


def test_a_document_is_the_same_in_any_encoding(tmp_path: Path) -> None:
    (tmp_path / "sync.toml").write_text(CONFIG, encoding="utf-8")
    said = [json.loads(mmsync(tmp_path, one, "check", "--json").stdout.decode(one)) for one in ("ascii", "utf-8")]
    assert said[0] == said[1]
    assert "表" in json.dumps(said[0], ensure_ascii=False)
