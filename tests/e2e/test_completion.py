"""Completion in the shells themselves: somebody types on a terminal, and presses TAB."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from moneymentor_sync.cli.completion import SHELLS, joined
from tests.terminal import Terminal

DATASET = '[[datasets]]\nname = "{}"\ntab = "T"\nquery = "SELECT 1 AS id"\nkey = ["id"]\n'
STARTS = {
    "bash": (["bash", "--noprofile", "--norc", "-i"], "source <(mmsync --show-completion bash)"),
    "zsh": (
        ["zsh", "-f", "-i"],
        "autoload -Uz compinit; compinit -u -D; source <(mmsync --show-completion zsh)",
    ),
    "fish": (["fish", "--private"], "mmsync --show-completion fish | source"),
}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with configurations, and the command on the PATH."""
    folder = tmp_path_factory.mktemp("completion")
    (folder / "sync.toml").write_text(DATASET.format("quiz_responses") + DATASET.format("quotes"))
    (folder / "other.toml").write_text(DATASET.format("visits"))
    (folder / "broken.toml").write_text("[[datasets]\nname =")
    (folder / "wrong.toml").write_text('datasets = 7\n[database]\nurl = 3\nnonsense = "x"\n')
    command = folder / "bin" / "mmsync"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m moneymentor_sync "$@"\n')
    command.chmod(0o755)
    return folder


def environment(place: Path) -> dict[str, str]:
    path = f"{place / 'bin'}:/usr/bin:/bin"
    return {
        "HOME": str(place),
        "PATH": path,
        "TERM": "dumb",
        "LANG": "C.UTF-8",
        "XDG_DATA_HOME": str(place / "data"),
    }


@pytest.fixture(scope="module", params=SHELLS)
def shell(request: pytest.FixtureRequest, place: Path) -> Iterator[Terminal]:
    command, load = STARTS[request.param]
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    terminal = Terminal(command, env=environment(place), cwd=place, size=(200, 50))
    terminal.type(f"{load}\recho R''EADY\r")
    terminal.until("READY\r\n")
    yield terminal
    terminal.process.kill()
    terminal.end()


def line_after_tab(shell: Terminal, typed: str) -> str:
    """The line as it stands after TAB: `echo` is put before it, and it is run."""
    shell.type(f"{typed}\t\x01echo A''B \r")
    found = shell.until("AB mmsync").rpartition("AB mmsync")[2]
    while "\n" not in found:
        found += shell.until("\n")
    return f"mmsync{found.splitlines()[0]}".strip()


@pytest.mark.parametrize(
    ("typed", "whole"),
    [
        ("mmsync sta", "mmsync status"),
        ("mmsync plan --js", "mmsync plan --json"),
        ("mmsync plan qui", "mmsync plan quiz_responses"),
        ("mmsync disable --reason x qui", "mmsync disable --reason x quiz_responses"),
        ("mmsync enable user_profiles cou", "mmsync enable user_profiles course_statistics"),
        ("mmsync history quotes qu", "mmsync history quotes quiz_responses"),
        ("mmsync force -c other.toml vis", "mmsync force -c other.toml visits"),
        ("mmsync sync -c oth", "mmsync sync -c other.toml"),
        ("mmsync sync --config oth", "mmsync sync --config other.toml"),
        ("mmsync plan -c broken.toml user", "mmsync plan -c broken.toml user_profiles"),
        ("mmsync plan -c wrong.toml user", "mmsync plan -c wrong.toml user_profiles"),
        ("mmsync plan -c missing.toml qui", "mmsync plan -c missing.toml qui"),
        ("mmsync demo --dir bi", "mmsync demo --dir bin"),
        ("mmsync nonsense --what oth", "mmsync nonsense --what oth"),
    ],
)
def test_what_tab_makes_of_a_line(shell: Terminal, typed: str, whole: str) -> None:
    assert line_after_tab(shell, typed).rstrip("/") == whole  # zsh takes a last slash away again
    assert not [word for word in ("Traceback", "rror:") if word in shell.seen]


def offered(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "moneymentor_sync", *words], env=environment(place) | {"_MMSYNC_COMPLETE": "zsh"},
        cwd=place, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_each_offer_says_what_it_is(place: Path) -> None:
    done = offered(place, "pl")
    assert done.stdout == "plan\tShow what a sync would change, cell by cell, old → new. Changes nothing\n"
    assert "--json\tPrint one JSON document instead of a table.\n" in offered(place, "status", "--").stdout


@pytest.mark.parametrize(
    "words", [["plan", "-c", "broken.toml", ""], ["plan", "-c", "/root\udc80", ""], ["\x00"[:0], "--x"], ["-n", ""]]
)
def test_whatever_goes_wrong_is_silent(place: Path, words: list[str]) -> None:
    done = offered(place, *words)
    assert (done.returncode, done.stderr) == (0, "")


def test_nothing_heavy_is_loaded_and_nobody_asked(place: Path) -> None:
    heavy = ("sqlalchemy", "pygsheets", "googleapiclient", "apscheduler", "structlog", "rich", "http.client")
    code = (
        "import sys; from moneymentor_sync.cli.completion import complete; complete('bash', ['plan', 'q']);"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(place), cwd=place, capture_output=True, text=True, timeout=60,
        check=True,
    )  # fmt: skip
    assert done.stdout == "quiz_responses\t\nquotes\t\n[]\n"


def test_bashs_three_words_of_an_option_are_two() -> None:
    assert joined(["plan", "--config", "=", "a.toml", "x"]) == ["plan", "--config", "a.toml", "x"]
    assert joined(["plan", "--config", "="]) == ["plan", "--config", ""]
    assert joined(["a", "=", "b"]) == ["a", "=", "b"]


def test_a_shell_that_is_not_known(place: Path) -> None:
    env = environment(place)
    command = [sys.executable, "-m", "moneymentor_sync", "--show-completion", "tcsh"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "'tcsh' is none of bash, zsh, fish" in done.stderr
