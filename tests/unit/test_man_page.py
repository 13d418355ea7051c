"""The manual page is what docs/man.py makes of the help, complete, and right in the eyes of those who show it."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import Any

import pytest
from docs.man import PAGE, commands, page, text
from typer.main import get_command

from moneymentor_sync.cli.app import registered

GROUP: Any = get_command(registered())


def run(*command: str) -> subprocess.CompletedProcess[str]:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    environment = {"PATH": "/usr/bin:/bin", "MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environment)


def test_it_is_what_the_command_makes() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "make it anew: python docs/man.py"


def test_every_command_and_option_is_there() -> None:
    made = page().replace("\\-", "-")
    for words, one in commands(GROUP):
        section = made.partition(f".SS {' '.join(words)}\n")[2].split("\n.S")[0]
        assert f".B mmsync {' '.join(words)}" in section
        own = [each for each in one.params if each.name not in ("config", "verbose")]
        assert all(word in section for each in own if each.param_type_name == "option" for word in each.opts)


@pytest.mark.parametrize("command", [("mandoc", "-Tlint"), ("groff", "-ww", "-man", "-Tutf8", "-Z")], ids=" ".join)
def test_nothing_is_wrong_with_it(command: tuple[str, ...]) -> None:
    done = run(*command, str(PAGE))
    assert done.stderr == ""
    assert done.stdout == "" or command[0] == "groff"


def test_it_can_be_read() -> None:
    shown = run("man", "-l", str(PAGE)).stdout
    assert "mmsync plan [options] [DATASET...]" in shown
    assert re.search(r"(?m)^ +78 +The configuration is wrong\.$", shown)
    assert "--remove-unmatched" in shown  # a minus, not a hyphen


def test_text_is_no_request() -> None:
    assert text(".SH") == "\\&.SH"
    assert text("a\\b → `x --y`") == "a\\eb \\[u2192] \\fBx \\-\\-y\\fR"
