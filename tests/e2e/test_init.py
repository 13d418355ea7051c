"""`mmsync init` as a process, with and without a terminal: what it writes works."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import stat
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from moneymentor_sync.demo.database import create_sample
from moneymentor_sync.sandbox import Sandbox

ID = "1aBcDeFgHiJkLmNoPqRsTuVwXyZ0123456789_-aBcDe"
COMMAND = [sys.executable, "-m", "moneymentor_sync"]
FLAGS = ("--database-url", "sqlite:///app.db", "--spreadsheet", ID, "--credentials-file", "key.json")


@pytest.fixture
def box(tmp_path: Path) -> Iterator[Sandbox]:
    with Sandbox(tmp_path / "sandbox") as box:
        yield box


def mmsync(*arguments: str, cwd: Path, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments],
        env={"HOME": str(cwd), "XDG_RUNTIME_DIR": str(cwd)} | env,
        cwd=cwd, capture_output=True, text=True, timeout=120, check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def test_what_it_writes_works(box: Sandbox, tmp_path: Path) -> None:
    create_sample(tmp_path / "app.db", users=20)
    address = f"https://docs.google.com/spreadsheets/d/{box.spreadsheet_id}/edit#gid=0"
    key = str(box.credentials_file.relative_to(tmp_path))
    flags = ("--database-url", "sqlite:///app.db", "--spreadsheet", address, "--credentials-file", key)
    done = mmsync("init", "--yes", *flags, "--interval", "60", cwd=tmp_path, MMSYNC_GOOGLE_API_ENDPOINT=box.url)
    assert (done.returncode, done.stderr) == (0, "")
    assert box.client_email in done.stdout
    next_lines = re.findall(r"(?m)^  [2-4]\. (.+)$", done.stdout)
    assert next_lines == [f"{' '.join(COMMAND)} {name}" for name in ("check", "plan", "sync")], "as it was called"
    assert stat.S_IMODE((tmp_path / "sync.toml").stat().st_mode) == 0o600
    fine = r"(?m)^\d+ ok\. "
    for command, words in (("check", fine), ("sync", "synced"), ("check", fine)):
        done = mmsync(command, cwd=tmp_path, MMSYNC_GOOGLE_API_ENDPOINT=box.url)
        assert done.returncode == 0, done.stdout + done.stderr
        assert re.search(words, done.stdout)


def test_it_works_from_another_directory_too(box: Sandbox, tmp_path: Path) -> None:
    """Relative paths start where the command was given, not where the file is."""
    create_sample(tmp_path / "app.db", users=5)
    (tmp_path / "etc").mkdir()
    key = str(box.credentials_file.relative_to(tmp_path))
    flags = ("--database-url", "sqlite:///app.db", "--spreadsheet", box.spreadsheet_id, "--credentials-file", key)
    done = mmsync("init", "--yes", *flags, "-o", "etc/my sync.toml", cwd=tmp_path)
    assert f"check -c '{tmp_path}/etc/my sync.toml'" in done.stdout
    done = mmsync("check", "-c", "etc/my sync.toml", cwd=tmp_path, MMSYNC_GOOGLE_API_ENDPOINT=box.url)
    assert done.returncode == 0, done.stdout


def test_what_is_there_stays_there_without_force(tmp_path: Path) -> None:
    (tmp_path / "sync.toml").write_text("# mine\n")
    done = mmsync("init", "--yes", *FLAGS, cwd=tmp_path)
    assert done.returncode == 1
    assert "exists already" in done.stderr
    assert "--force" in done.stderr
    assert (tmp_path / "sync.toml").read_text() == "# mine\n"
    assert mmsync("init", "--yes", "--force", *FLAGS, cwd=tmp_path).returncode == 0
    assert ID in (tmp_path / "sync.toml").read_text()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sync.toml"]


def test_the_environment_is_not_copied_into_the_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text(f"GOOGLE_SHEETS_SPREADSHEET_ID={ID}\n")
    done = mmsync(
        "init", "--yes", cwd=tmp_path,
        DATABASE_URL="postgresql://u:hunter2@h/db", GOOGLE_APPLICATION_CREDENTIALS="key.json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    text = (tmp_path / "sync.toml").read_text()
    written = tomllib.loads(text)
    assert (written["database"], written["google"]) == ({}, {})
    assert "hunter2" not in text + done.stdout + done.stderr
    assert "DATABASE_URL: set in the environment" in done.stderr


def test_a_flag_that_a_variable_outranks_is_told(tmp_path: Path) -> None:
    done = mmsync("init", "--yes", *FLAGS, cwd=tmp_path, DATABASE_URL="sqlite:////other.db")
    assert done.returncode == 0
    assert "DATABASE_URL is set, and goes before" in done.stderr


def test_what_is_missing_is_named_together(tmp_path: Path) -> None:
    done = mmsync("init", "--yes", "--spreadsheet", ID, cwd=tmp_path)
    assert done.returncode == 2
    assert "--database-url (or DATABASE_URL)" in done.stderr
    assert "--credentials-file (or GOOGLE_APPLICATION_CREDENTIALS)" in done.stderr
    assert "--spreadsheet" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_without_a_terminal_nobody_is_asked(tmp_path: Path) -> None:
    done = mmsync("init", cwd=tmp_path)
    assert done.returncode == 2
    assert "no terminal" in done.stderr
    assert "--yes" in done.stderr


def test_wrong_flags_are_all_named(tmp_path: Path) -> None:
    flags = ("--database-url", "nonsense", "--spreadsheet", "abc", "--credentials-file", "key.json")
    done = mmsync("init", "--yes", *flags, cwd=tmp_path)
    assert done.returncode == 2
    assert "--database-url: " in done.stderr
    assert "--spreadsheet: " in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_environment_that_is_wrong_is_told_before_anything_is_written(tmp_path: Path) -> None:
    done = mmsync("init", "--yes", *FLAGS, cwd=tmp_path, SYNC_MAX_RETRIES="many")
    assert done.returncode == 78
    assert "SYNC_MAX_RETRIES" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_is_not_there(tmp_path: Path) -> None:
    done = mmsync("init", "--yes", *FLAGS, "-o", "nowhere/sync.toml", cwd=tmp_path)
    assert done.returncode == 1
    assert "cannot be written" in done.stderr


# --- on a terminal ----------------------------------------------------------------------------------------


class Terminal:
    """The command on a terminal of its own, and somebody who answers when asked."""

    def __init__(self, cwd: Path, **env: str) -> None:
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, "init"],
            env={"HOME": str(cwd), "TERM": "dumb", "NO_COLOR": "1"} | env,
            cwd=cwd, stdin=slave, stdout=slave, stderr=slave,
        )  # fmt: skip
        os.close(slave)
        self.seen = ""

    def answer(self, question: str, text: str) -> None:
        """Waits for the question, which must come after all that was seen before, and answers."""
        start = len(self.seen)
        while question not in self.seen[start:]:
            self._read()
        os.write(self.master, f"{text}\n".encode())

    def _read(self) -> None:
        ready, _, _ = select.select([self.master], [], [], 60)
        assert ready, f"nothing more came after: {self.seen}"
        self.seen += os.read(self.master, 65536).decode()

    def end(self) -> int:
        try:
            while True:
                self._read()
        except OSError:  # EIO: the other side has gone
            return self.process.wait(60)
        finally:
            os.close(self.master)


def test_answers_are_tried_at_once_and_asked_for_again(box: Sandbox, tmp_path: Path) -> None:
    create_sample(tmp_path / "app.db", users=5)
    terminal = Terminal(tmp_path)
    terminal.answer("Database URL", "nonsense")
    terminal.answer("Database URL", "sqlite:///missing.db")
    terminal.answer("Keep this answer", "n")
    terminal.answer("Database URL", "sqlite:///app.db")
    terminal.answer("Spreadsheet", "abc")
    terminal.answer("Spreadsheet", f"https://docs.google.com/spreadsheets/d/{ID}/edit?usp=sharing")
    terminal.answer("key file", "app.db")
    terminal.answer("Keep this answer", "")
    terminal.answer("key file", "sandbox/mmsync.json")
    assert terminal.end() == 0, terminal.seen
    assert "is not a database URL" in terminal.seen
    assert "there is no SQLite file" in terminal.seen
    assert "neither a spreadsheet's id nor its address" in terminal.seen
    assert "is not JSON" in terminal.seen
    assert f"https://docs.google.com/spreadsheets/d/{ID}/edit" in terminal.seen
    assert box.client_email in terminal.seen
    written = tomllib.loads((tmp_path / "sync.toml").read_text())
    assert written["database"] == {"url": f"sqlite:///{tmp_path}/app.db"}
    assert written["google"] == {"spreadsheet_id": ID, "credentials_file": str(box.credentials_file)}


def test_an_answer_that_does_not_work_yet_may_be_kept(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, DATABASE_URL="sqlite:///app.db", GOOGLE_SHEET_ID=ID)
    terminal.answer("key file", "later.json")
    terminal.answer("Keep this answer", "y")
    assert terminal.end() == 0, terminal.seen
    assert "not known yet" in terminal.seen
    written = tomllib.loads((tmp_path / "sync.toml").read_text())
    assert json.dumps(written["google"]) == json.dumps({"credentials_file": f"{tmp_path}/later.json"})
