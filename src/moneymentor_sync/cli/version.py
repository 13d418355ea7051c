"""What `mmsync --version` says: the version on a line of its own, then which of several installations this is."""

from __future__ import annotations

import json
import platform
import sys
from importlib import resources
from importlib.metadata import PackageNotFoundError, distribution

from moneymentor_sync import __version__


def version_lines() -> list[str]:
    """`mmsync X.Y.Z` first, for scripts; no line of it needs a network or another process."""
    return [
        f"mmsync {__version__}",
        f"  installed in {resources.files('moneymentor_sync')}{_origin()}",
        f"  Python {platform.python_version()}, {sys.executable}",
    ]


def _origin() -> str:
    """Where the installer had it from, as far as it noted that: PEP 610."""
    try:
        noted = json.loads(distribution("moneymentor-sync").read_text("direct_url.json") or "{}")
    except (PackageNotFoundError, ValueError):
        return ""
    commit = noted.get("vcs_info", {}).get("commit_id")
    if commit:
        return f", from commit {commit}"
    return ", as it is being edited" if noted.get("dir_info", {}).get("editable") else ""
