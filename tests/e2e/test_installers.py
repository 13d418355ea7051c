"""The wheel in dist/, installed by those who install programs for people, from dist/wheels and without a network.

`packaging/wheels` makes both.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from moneymentor_sync import __version__
from tests.built import DIST, ROOT, built, wheels


def program(name: str) -> str:
    """Where an installer is: beside this Python, or on the path; skips where it is not."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def wheel() -> Path:
    return built(f"moneymentor_sync-{__version__}-*.whl", "packaging/wheels")


def sdist() -> Path:
    return built(f"moneymentor_sync-{__version__}.tar.gz", "packaging/wheels")


def run(home: Path, *command: str | Path, check: bool = True) -> subprocess.CompletedProcess[str]:
    environment = {
        "HOME": str(home),
        "PATH": os.environ["PATH"],
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(DIST / "wheels"),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIPX_DEFAULT_PYTHON": sys.executable,
        "UV_OFFLINE": "1",
        "UV_NO_INDEX": "1",
        "UV_FIND_LINKS": str(DIST / "wheels"),
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
    }
    line = [str(one) for one in command]
    done = subprocess.run(line, env=environment, cwd=home, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0 or not check, f"{' '.join(line)}\n{done.stdout}{done.stderr}"
    return done


def by_pip(home: Path) -> Path:
    """As the README has it; the blank in the path is ours."""
    place = home / "a venv"
    run(home, sys.executable, "-m", "venv", place)
    run(home, place / "bin" / "pip", "install", "--quiet", wheel())
    return place / "bin" / "mmsync"


def by_pipx(home: Path) -> Path:
    run(home, program("pipx"), "install", wheel())
    return home / ".local" / "bin" / "mmsync"


def by_uv(home: Path) -> Path:
    run(home, program("uv"), "tool", "install", wheel())
    return home / ".local" / "bin" / "mmsync"


@pytest.mark.parametrize("install", [by_pip, by_pipx, by_uv])
def test_what_is_installed_works(install: Callable[[Path], Path], tmp_path: Path) -> None:
    wheels()
    home = tmp_path / "home"
    home.mkdir()
    mmsync = install(home)
    first, place, _ = run(home, mmsync, "--version").stdout.splitlines()
    assert first == f"mmsync {__version__}"
    assert place.startswith(f"  installed in {home}")
    shown = run(home, mmsync, "service")
    starts = next(line for line in shown.stdout.splitlines() if line.startswith("ExecStart="))
    assert str(home) in starts, "the unit is for this installation"
    demo = run(home, mmsync, "demo", "--once")
    assert "user_profiles" in demo.stdout
    example = run(home, mmsync, "init", "--example").stdout
    assert example == (ROOT / "sync.toml.example").read_text(encoding="utf-8")


def test_the_sdist_makes_the_same_wheel(tmp_path: Path) -> None:
    pytest.importorskip("hatchling")
    shutil.unpack_archive(sdist(), tmp_path, filter="data")
    (tree,) = tmp_path.iterdir()
    run(tree, sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", tmp_path / "again")
    assert (tmp_path / "again" / wheel().name).read_bytes() == wheel().read_bytes()


def test_the_metadata_is_what_an_index_takes() -> None:
    pytest.importorskip("twine")
    line = [sys.executable, "-m", "twine", "check", "--strict", str(wheel()), str(sdist())]
    done = subprocess.run(line, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout.count("PASSED")) == (0, 2), done.stdout + done.stderr
