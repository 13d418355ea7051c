"""`mmsync service` and `mmsync --version`: the real command, in an environment of its own where that matters."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import moneymentor_sync
from moneymentor_sync.core.service_unit import PLACES, hidden

ROOT = Path(__file__).parents[2]


def mmsync(*arguments: str | Path, umask: int = 0o022) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "moneymentor_sync", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        umask=umask,
        check=False,
    )


def test_the_version_is_a_line_of_its_own_and_says_which_installation_it_is() -> None:
    done = mmsync("--version")
    first, *rest = done.stdout.splitlines()
    assert (done.returncode, first) == (0, f"mmsync {moneymentor_sync.__version__}")
    assert rest[0].startswith(f"  installed in {Path(moneymentor_sync.__file__).parent}")
    assert rest[1:] == [f"  Python {platform.python_version()}, {sys.executable}"]


def test_the_version_has_a_section_in_the_changelog() -> None:
    """A release has its own; between two of them all is `Unreleased`."""
    sections = re.findall(r"(?m)^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"))
    assert sections[0] == "Unreleased" or sections[0] == moneymentor_sync.__version__
    assert len(sections) == len(set(sections))


def test_there_is_one_source_of_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    assert project["tool"]["hatch"]["version"]["path"] == "src/moneymentor_sync/__init__.py"


def test_the_files_are_written_below_a_root_for_all_to_read(tmp_path: Path) -> None:
    done = mmsync("service", "--to", tmp_path, "--program", "/usr/bin/mmsync", umask=0o077)
    assert (done.returncode, done.stdout) == (0, "")
    found = {one.relative_to(tmp_path).as_posix() for one in tmp_path.rglob("*") if one.is_file()}
    assert found == {str(place) for place in PLACES.values()}
    assert {oct(one.stat().st_mode & 0o777) for one in tmp_path.rglob("*")} == {"0o755", "0o644"}
    assert "/usr/bin/mmsync init --output /etc/mmsync/sync.toml" in done.stderr
    unit = tmp_path / "etc/systemd/system/mmsync.service"
    assert "\nExecStart=/usr/bin/mmsync run " in unit.read_text()

    unit.write_text("an older one")
    again = mmsync("service", "--to", tmp_path, "--program", "/usr/bin/mmsync").stderr.splitlines()[:3]
    assert [line.split(":")[0] for line in again] == ["replaced", "as it was", "as it was"]


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_finds_a_program_whose_path_is_odd(tmp_path: Path) -> None:
    program = tmp_path / "a b 100%" / "mmsync"
    program.parent.mkdir()
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    assert mmsync("service", "--to", tmp_path / "root", "--program", program).returncode == 0
    unit = tmp_path / "root/etc/systemd/system/mmsync.service"

    def complaints() -> list[str]:
        done = subprocess.run(
            ["systemd-analyze", "--no-pager", "verify", str(unit)], capture_output=True, text=True, timeout=60
        )
        return [line for line in (done.stdout + done.stderr).splitlines() if "mmsync" in line]

    assert complaints() == []
    program.unlink()
    assert any("not" in line for line in complaints()), "it does look"
    refused = mmsync("service", "--to", tmp_path / "root", "--program", '/opt/"/mmsync')
    assert (refused.returncode, "quotes" in refused.stderr) == (1, True)


def test_beside_the_unit_of_a_package_nothing_is_written(tmp_path: Path) -> None:
    unit = tmp_path / "lib/systemd/system/mmsync.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    done = mmsync("service", "--to", tmp_path, "--program", "/usr/bin/mmsync")
    assert done.returncode == 1
    assert str(unit) in done.stderr
    assert not (tmp_path / "etc").exists()


def test_where_nothing_can_be_written_it_says_so(tmp_path: Path) -> None:
    (tmp_path / "etc").write_text("")  # also root cannot make a directory of that
    done = mmsync("service", "--to", tmp_path, "--program", "/usr/bin/mmsync")
    assert done.returncode == 1
    assert f"{tmp_path}/etc/systemd/system/mmsync.service cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


def an_environment(place: Path, python: str = sys.executable) -> Path:
    """A venv with this package and what it needs; its command."""
    subprocess.run([python, "-m", "venv", "--without-pip", str(place)], check=True, timeout=60)
    site = next(place.glob("lib/python3*/site-packages"))
    shutil.copytree(Path(moneymentor_sync.__file__).parent, site / "moneymentor_sync")
    (site / "here.pth").write_text(f"{Path(pytest.__file__).parent.parent}\n")
    command = place / "bin" / "mmsync"
    command.write_text(f"#!{place}/bin/python\nfrom moneymentor_sync.cli import main\nmain()\n")
    command.chmod(0o755)
    return command


def test_an_installation_that_the_service_cannot_see_is_refused(tmp_path: Path) -> None:
    """pytest's directories lie in /tmp, which the unit hides, as it does home directories."""
    if hidden(tmp_path.resolve()) is None:
        pytest.skip(f"the unit would not hide {tmp_path}")
    command = an_environment(tmp_path / "venv")

    def asked(*options: str | Path) -> subprocess.CompletedProcess[str]:
        line = [str(command), "service", *map(str, options)]
        return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)

    printed = asked()
    assert printed.returncode == 0
    assert f"\nExecStart={command} run " in printed.stdout
    assert printed.stdout.count("# /etc/") == len(PLACES)
    assert "could not see" in printed.stderr
    refused = asked("--to", tmp_path / "root")
    assert refused.returncode == 1
    assert "PrivateTmp=yes" in refused.stderr
    assert not (tmp_path / "root").exists()


def a_python_for_all() -> str | None:
    """An interpreter that the service would see, of the version whose packages are here."""
    for found in (sys.executable, shutil.which(f"python3.{sys.version_info.minor}", path="/usr/bin")):
        if found and hidden(Path(found).resolve()) is None:
            return found
    return None


def test_an_installation_that_is_closed_is_refused_with_what_opens_it() -> None:
    python = a_python_for_all()
    if os.geteuid() != 0 or python is None:
        pytest.skip("needs root, and a Python that is for all of the machine")
    place = Path(f"/opt/mmsync-test-{os.getpid()}")
    try:
        command = an_environment(place, python)
        place.chmod(0o700)
        line = [str(command), "service", "--to", "/nonexistent"]
        done = subprocess.run(line, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        assert f"may not enter {place}" in done.stderr
        assert f"`sudo chmod -R go+rX {place}`" in done.stderr
    finally:
        shutil.rmtree(place)
