"""Remedies as they are carried out where a daemon runs. Pure."""

from __future__ import annotations

import re


def for_daemon(hint: str, dataset: str | None = None) -> str:
    """A remedy as it is carried out while a daemon runs: that a foreground sync would be locked out by."""
    named = f" {dataset}" if dataset else ""

    def forced(match: re.Match[str]) -> str:
        return f"`mmsync force{match[1] or named} --allow-deletes`"

    return re.sub(r"`mmsync sync( [^\s`]+)? --force`", forced, hint)
