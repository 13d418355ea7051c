"""Commands on terminals of every kind: small ones, those without colour, and those without our signs."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fake_daemon import FakeDaemon, fake_daemon
from tests.terminal import Terminal
from tests.unit.screens import status
from tests.unit.test_history_display import RUNS

COMMAND = [sys.executable, "-m", "moneymentor_sync"]
LEAVES = "\x1b[?1049l"
ENTERS = "\x1b[?1049h"


@pytest.fixture
def daemon(tmp_path: Path) -> Iterator[FakeDaemon]:
    answers = {"GET /sync/status": status(), "GET /sync/history": {"runs": RUNS}}
    with fake_daemon(tmp_path / "c.sock", lambda what, body: (200, answers[what.partition("?")[0]])) as server:
        yield server


def environment(folder: Path, **more: str) -> dict[str, str]:
    base = {"HOME": str(folder), "PATH": "/usr/bin:/bin", "TERM": "xterm-256color"}
    return base | {"MMSYNC_SOCKET": str(folder / "c.sock"), "MMSYNC_STATE": str(folder / "state.db")} | more


def terminal(folder: Path, *words: str, **more: str) -> Terminal:
    return Terminal([*COMMAND, *words], env=environment(folder, **more), cwd=folder)


def test_watching_has_a_screen_of_its_own_and_follows_the_windows_size(daemon: FakeDaemon, tmp_path: Path) -> None:
    watched = terminal(tmp_path, "status", "--watch")
    first = watched.until("Ctrl-C ends")
    assert ENTERS in first
    assert re.search(r"last runs .*×", first)
    assert re.search(r"user_profiles +UserProfiles +on", first)
    watched.resize(40, 30)
    watched.until("user_profiles → UserProfiles")
    watched.type("\x03")
    assert watched.end() == 0
    left = watched.seen.rpartition(LEAVES)[2]
    assert "healthy" in left
    assert "Ctrl-C" not in left
    asked = [what for what, _ in daemon.asked]
    assert asked.count("GET /sync/history?limit=40") == 1 < asked.count("GET /sync/status")


@pytest.mark.parametrize("words", [("status",), ("history",), ("history", "--plot")], ids=" ".join)
def test_no_colour_where_none_is_wanted(daemon: FakeDaemon, tmp_path: Path, words: tuple[str, ...]) -> None:
    coloured, plain = terminal(tmp_path, *words), terminal(tmp_path, *words, NO_COLOR="1")
    assert coloured.end() == plain.end() == 0
    assert "\x1b[" in coloured.seen
    assert "\x1b[" not in plain.seen


@pytest.mark.parametrize("locale", ["LC_ALL=C", "LANG=C", "LANG=POSIX"])
def test_plain_signs_where_the_locale_says_so(daemon: FakeDaemon, tmp_path: Path, locale: str) -> None:
    name, _, value = locale.partition("=")
    shown = {words: terminal(tmp_path, *words, **{name: value}) for words in (("status",), ("history", "--plot"))}
    assert [one.end() for one in shown.values()] == [0, 0]
    assert all(one.seen.isascii() for one in shown.values())
    assert "+" in shown[("status",)].seen.split("healthy")[0]
    assert "###" in shown[("history", "--plot")].seen
    usual = terminal(tmp_path, "status", LANG="C.UTF-8")
    usual.end()
    assert "✓" in usual.seen


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
def test_another_encoding_is_no_error(daemon: FakeDaemon, tmp_path: Path, encoding: str) -> None:
    document = status()
    document["datasets"][0]["tab"] = "Übungen →"
    daemon.script = lambda what, body: (200, document if "status" in what else {"runs": RUNS})
    outputs = {}
    for words in (("status",), ("status", "--json"), ("history", "--plot"), ("history",), ("nonsense",)):
        done = subprocess.run(
            [*COMMAND, *words], env=environment(tmp_path, PYTHONIOENCODING=encoding), cwd=tmp_path,
            capture_output=True, timeout=60, check=False,
        )  # fmt: skip
        assert b"bug" not in done.stderr
        assert (words, done.returncode) == (words, 2 if words == ("nonsense",) else 0)
        outputs[words] = done.stdout.decode(encoding)
    assert "bungen >" in outputs[("status",)]
    assert json.loads(outputs[("status", "--json")])["datasets"][0]["tab"] == "Übungen →"
