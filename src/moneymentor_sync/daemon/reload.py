"""Another configuration for a daemon that runs: what changes at once, and what only a restart can change. Pure."""

from __future__ import annotations

from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

from moneymentor_sync.core.settings import Config, Dataset

FIXED = ("state_path", "socket_path", "control", "log", "cluster", "metrics")
"""What the daemon was built on: a new value waits for a restart."""
_PATHS = {"state_path": "state.path", "socket_path": "control.socket", "file": ""}


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The configuration from now on, and the paths of settings that changed, or that wait for a restart."""

    config: Config
    changed: tuple[str, ...]
    needs_restart: tuple[str, ...]


def reloaded(old: Config, new: Config) -> Reloaded:
    """What becomes of `new` while the daemon that was started with `old` goes on."""
    waits = tuple(path for name in FIXED for path in _differences(name, getattr(old, name), getattr(new, name)))
    kept: dict[str, Any] = {name: getattr(old, name) for name in FIXED}
    config = replace(new, **kept)
    changed = tuple(
        path
        for field in fields(Config)
        if field.name not in (*FIXED, "datasets", "file")
        for path in _differences(field.name, getattr(old, field.name), getattr(new, field.name))
    )
    return Reloaded(config, changed + _datasets(old, new), waits)


def _differences(path: str, old: Any, new: Any) -> list[str]:
    """The paths of the settings that differ, as sync.toml has them; no value is ever part of it."""
    if old == new:
        return []
    if not is_dataclass(old) or type(old) is not type(new):
        return [_PATHS.get(path, path)]
    found = []
    for field in fields(old):
        found += _differences(f"{path}.{field.name}", getattr(old, field.name), getattr(new, field.name))
    return found


def _by_name(config: Config) -> dict[str, Dataset]:
    """Datasets that keep the common interval do not change when that does."""
    common = config.sync.interval_seconds
    return {
        one.name: replace(one, interval_seconds=0.0) if one.interval_seconds == common else one
        for one in config.datasets
    }


def _datasets(old: Config, new: Config) -> tuple[str, ...]:
    before, after = _by_name(old), _by_name(new)
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return tuple(f"datasets.{name}" for name in names)
