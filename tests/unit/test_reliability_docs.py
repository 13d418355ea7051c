"""docs/reliability.md names commands: they are there, and each promise has one."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from benchmarks.run import MEASURES

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "reliability.md").read_text(encoding="utf-8")
FILES = sorted(set(re.findall(r"tests/[\w/]+\.py", TEXT)))
MODULES = sorted(set(re.findall(r"python -m (tests[\w.]*)", TEXT)))


def test_every_file_of_tests_is_there_and_has_tests() -> None:
    assert len(FILES) > 20
    for name in FILES:
        assert re.search(
            r"(?m)^\s*(async )?def test_|StateMachine|schema\.parametrize", (ROOT / name).read_text()
        ), name


def test_every_command_is_there() -> None:
    assert MODULES == ["tests.soak", "tests.soak.kills"]
    assert all(importlib.util.find_spec(name) for name in MODULES)
    assert set(re.findall(r"run\.py --only (\w+)", TEXT)) <= MEASURES.keys()


def test_every_guarantee_has_its_row_and_its_command() -> None:
    rows = re.findall(r"(?m)^\| (\d) \| (.+?) \| (.+) \|$", TEXT)
    assert [int(number) for number, _, _ in rows] == list(range(1, 9))
    assert all("`" in how or "looked at" in how for _, _, how in rows)
    for number in re.findall(r"-k (test_\d)", TEXT):
        assert f"def {number}_" in (ROOT / "tests/integration/test_guarantees.py").read_text()
