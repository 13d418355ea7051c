"""Every event that is logged has a level that somebody chose."""

from __future__ import annotations

import ast
from pathlib import Path

import moneymentor_sync
from moneymentor_sync.core.events import LEVELS

ROOT = Path(moneymentor_sync.__file__).parent
INFO = {
    "alert.sent", "backup.made", "breaker.closed", "cluster.given", "cluster.joined", "cluster.taken",
    "control.changed",
    "daemon.started", "daemon.stopped", "daemon.stopping", "dataset.synced",
    "dataset.stopped", "health.checked", "history.pruned", "realtime.listening", "reload.done",
    "service.standing_by", "sync.finished", "sync.started",
}  # fmt: skip
"""What is said at `info`, on purpose."""
MADE = {"dataset.failed", "dataset.unchanged", "dataset.synced", "dataset.stopped"}
"""Names that are put together: `dataset.{result}`."""


def emitted() -> set[str]:
    found = set(MADE)
    for path in ROOT.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("emit", "_emit", ".say", "._say")):
                names = [node.args[0]] if node.args else []
                if names and isinstance(names[0], ast.IfExp):
                    names = [names[0].body, names[0].orelse]
                found |= {
                    one.value for one in names if isinstance(one, ast.Constant) and isinstance(one.value, str)
                }
    return found


def test_every_event_is_known_and_every_known_one_exists() -> None:
    assert emitted() == set(LEVELS) | INFO
    assert not set(LEVELS) & INFO
