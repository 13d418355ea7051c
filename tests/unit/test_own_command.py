"""The command in words that can be typed again, wherever it is installed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from moneymentor_sync.cli.own_command import as_typed, named


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory that one is in, with two installations; the PATH has neither."""
    for name in ("a venv", "bin"):
        (tmp_path / name).mkdir()
        command = tmp_path / name / "mmsync"
        command.write_text("#!/bin/sh\n")
        command.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "/nowhere")
    return tmp_path


def test_on_the_path_it_has_a_name(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{place / 'bin'}")
    monkeypatch.setattr(sys, "argv", [str(place / "bin" / "mmsync"), "init"])
    assert (as_typed(), as_typed(elsewhere=True), named(place / "bin" / "mmsync")) == ("mmsync",) * 3
    monkeypatch.setattr(sys, "argv", ["a venv/mmsync", "init"])  # the PATH leads to another one
    assert as_typed() == "'a venv/mmsync'"
    assert as_typed(elsewhere=True) == f"'{place}/a venv/mmsync'"
    assert named(place / "a venv" / "mmsync") == f"'{place}/a venv/mmsync'"


def test_a_module_is_called_by_its_python(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["/x/moneymentor_sync/__main__.py", "init"])
    monkeypatch.setattr(sys, "executable", str(place / "bin" / "python"))
    assert as_typed() == f"{place / 'bin' / 'python'} -m moneymentor_sync"
    monkeypatch.setenv("PATH", f"{place / 'bin'}")
    assert as_typed() == "mmsync"
