"""What `packaging/wheels` and `packaging/debian/build` have put into dist/, for the tests of it.

Both need a network, and no test has one: .ci/run makes dist/ first. Elsewhere it may be missing or of another state
of the source; then a test skips, and says so.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
DIST = ROOT / "dist"
IN_CI = os.environ.get("MMSYNC_TESTED") == "wheel"
_SOURCES = ("src", "packaging", "systemd", "docs", ".ci", "README.md", "CHANGELOG.md", "pyproject.toml")


def built(pattern: str, maker: str) -> Path:
    """The file in dist/, if it has been made since the source was changed last; skips otherwise."""
    found = sorted(DIST.glob(pattern))
    if not found:
        pytest.skip(f"no {pattern} in dist/: {maker} makes it, with a network")
    newest = max(one.stat().st_mtime for name in _SOURCES for one in _files(ROOT / name))
    if found[0].stat().st_mtime < newest and not IN_CI:
        pytest.skip(f"dist/ is older than the source: {maker} makes it anew, with a network")
    return found[0]


def wheels() -> Path:
    """All that the wheel needs."""
    return built("wheels", "packaging/wheels")


def _files(place: Path) -> list[Path]:
    every = [place] if place.is_file() else [one for one in place.rglob("*") if one.is_file()]
    return [one for one in every if "__pycache__" not in one.parts]
