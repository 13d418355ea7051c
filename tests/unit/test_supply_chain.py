"""What mmsync is made of: bounded in pyproject.toml, locked for CI; and the wheel is all of the product alone."""

from __future__ import annotations

import json
import os
import re
import tomllib
from importlib.metadata import Distribution, distribution, distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / ".ci" / "requirements.lock").read_text()
LOCKED = dict(re.findall(r"(?m)^([a-z0-9._-]+)==(\S+)", LOCK))
IN_CI = os.environ.get("MMSYNC_TESTED") == "wheel"
"""Set by .ci/run: there what is merely not so here is an error."""


def requirements() -> list[Requirement]:
    extras = PROJECT["project"]["optional-dependencies"].values()
    texts = [*PROJECT["project"]["dependencies"], *(text for extra in extras for text in extra)]
    return [Requirement(text) for text in (*texts, *PROJECT["build-system"]["requires"])]


@pytest.mark.parametrize("requirement", requirements(), ids=str)
def test_every_dependency_has_a_floor_and_a_cap_and_is_locked_between_them(requirement: Requirement) -> None:
    operators = {one.operator for one in requirement.specifier}
    assert operators == {">=", "<"}
    assert requirement.specifier.contains(LOCKED[canonicalize_name(requirement.name)])


def test_every_file_that_ci_installs_has_its_hash() -> None:
    entries = LOCK.split("\n#", 1)[0].split("\n\n")[0].replace("\\\n", " ").splitlines()[1:]
    assert len(entries) == len(LOCKED) > 50
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in LOCK, "where CI gets them from is the machine's business"


def test_ci_installs_nothing_that_the_lock_does_not_know_by_its_hash() -> None:
    lines = [line.split(" #")[0] for line in (ROOT / ".ci" / "run").read_text().splitlines()]
    installs = [line for line in lines if "pip install" in line]
    assert installs == [".venv/bin/pip install --quiet --require-hashes --requirement .ci/requirements.lock"]
    assert {'export PIP_CONSTRAINT="$work/locked.txt"', "export MMSYNC_TESTED=wheel", ".ci/audit"} <= set(lines)


def test_ci_has_installed_just_what_is_locked() -> None:
    if not IN_CI:
        pytest.skip("not in .ci/run: other versions within the bounds may be installed")
    installed: dict[str, str] = {canonicalize_name(found.name): found.version for found in distributions()}
    for tool in ("pip", "setuptools", "moneymentor-sync"):
        installed.pop(tool, None)
    assert installed == {name: version for name, version in LOCKED.items() if name in installed}
    assert set(installed) >= {canonicalize_name(one.name) for one in requirements() if one.marker is None}


# --- the wheel --------------------------------------------------------------------------------------------


def installed_wheel() -> Distribution:
    found = distribution("moneymentor-sync")
    direct = json.loads(found.read_text("direct_url.json") or "{}")
    if direct.get("dir_info", {}).get("editable"):
        if IN_CI:
            pytest.fail("CI tests an editable installation")
        pytest.skip("an editable installation: there is no wheel to look at")
    return found


def test_the_wheel_is_what_is_tested() -> None:
    import moneymentor_sync

    wheel = installed_wheel()
    assert Path(moneymentor_sync.__file__) == Path(str(wheel.locate_file("moneymentor_sync/__init__.py")))


def test_the_wheel_has_all_of_the_product_and_only_it() -> None:
    wheel = installed_wheel()
    source = ROOT / "src" / "moneymentor_sync"
    there = {path.relative_to(source.parent) for path in source.rglob("*") if path.is_file()}
    files = {Path(str(path)) for path in wheel.files or ()}
    kept = {path for path in files if "__pycache__" not in path.parts}
    own = {path for path in kept if path.parts[0] == "moneymentor_sync"}
    assert own == {path for path in there if "__pycache__" not in path.parts}
    for path in own:
        assert Path(str(wheel.locate_file(str(path)))).read_bytes() == (source.parent / path).read_bytes(), path
    others = {path.parts[0] for path in kept - own}
    assert {one for one in others if not one.endswith(".dist-info")} <= {".."}, "beside it only the command"


def test_the_wheel_says_what_it_needs() -> None:
    wheel = installed_wheel()
    declared = {str(Requirement(text)) for text in PROJECT["project"]["dependencies"]}
    assert {str(Requirement(text)) for text in wheel.requires or () if "extra ==" not in text} == declared
    assert {entry.name: entry.value for entry in wheel.entry_points} == PROJECT["project"]["scripts"]
