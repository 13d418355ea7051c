"""Where a command that only talks to the daemon finds it: two settings, whatever the others are.

An operator has neither the database's password nor Google's key, so nothing else is asked for here, and what is
wrong elsewhere does not matter. Paths are computed and never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .config_layers import Layer, Layers, Problems, Setting
from .config_places import SOCKET_PATH, STATE_PATH, Places, default_socket_path, default_state_path
from .config_values import kind_of
from .errors import ConfigError

SYSTEM_SOCKET = Path("/run/mmsync/control.sock")
SYSTEM_STATE = Path("/var/lib/mmsync/state.db")
"""Where the system service has them (systemd/)."""


@dataclass(frozen=True, slots=True)
class ClientPlaces:
    """Where the daemon listens and where it keeps its state.

    `unread` are the files that might have said otherwise and could not be read, each with the reason.
    """

    state_path: Path
    socket_path: Path
    unread: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidates:
    """Each place, in order of preference: the first that exists is meant, else the first."""

    state: tuple[Path, ...]
    socket: tuple[Path, ...]


def parse_client_places(
    toml: Mapping[str, Any], environment: Mapping[str, str], *, file: Path | None, places: Places
) -> Candidates:
    """The candidates, or ConfigError with what is wrong with the two settings; arguments as of `parse_config`."""
    problems = Problems()
    for table in ("state", "control"):
        if table in toml and not isinstance(toml[table], Mapping):
            problems.add(table, f"expected a table, [{table}], not {kind_of(toml[table])}")
    layers = Layers(
        toml,
        environment,
        {},
        file_base=places.working_directory if file is None else file.parent,
        working_directory=places.working_directory,
        home=places.home,
        problems=problems,
    )
    state = _candidates(
        layers, STATE_PATH, "STATE_DIRECTORY", default_state_path(environment, places), SYSTEM_STATE
    )
    socket = _candidates(
        layers, SOCKET_PATH, "RUNTIME_DIRECTORY", default_socket_path(environment, places), SYSTEM_SOCKET
    )
    if problems.found:
        raise ConfigError(problems.found)
    return Candidates(state, socket)


def _candidates(
    layers: Layers, setting: Setting[Path | None], given: str, default: Path | None, system: Path
) -> tuple[Path, ...]:
    """One where it is named, by systemd's variable `given` too; else the default, then the system service's."""
    found = layers.get(setting)
    if found is not None:
        return (found,)
    if default is None:
        return (system,)
    named = layers.layer(setting) is not Layer.DEFAULT or given in layers.environment
    return (default,) if named else (default, system)
