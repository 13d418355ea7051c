"""Where things are on a machine: what the parser must be told, the settings that name a place, their defaults.

Paths are computed and never looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .config_layers import Setting
from .config_values import InvalidValueError, Raw, path

_SOCKET_BYTES = 107
"""unix(7): sun_path has 108 bytes, one of them for the NUL at the end."""


def _socket(raw: Raw) -> Path:
    found = path(raw)
    size = len(str(found).encode(errors="surrogateescape"))
    if size > _SOCKET_BYTES:
        raise InvalidValueError(f"is {size} bytes long; the path of a Unix socket may have {_SOCKET_BYTES}")
    return found


STATE_PATH: Setting[Path | None] = Setting("state.path", path, None, ("MMSYNC_STATE",))
SOCKET_PATH: Setting[Path | None] = Setting("control.socket", _socket, None, ("MMSYNC_SOCKET",))


@dataclass(frozen=True, slots=True)
class Places:
    """What only the machine knows.

    `working_directory` is what relative paths in the environment start from, `home` what `~` means (None: not
    known), `runtime` the directory of the socket where neither systemd nor the session gives one,
    `google_credential` the file of the systemd credential `google`, `database_credential` what those named
    `database_url`, `hash_key` and `cluster_url` hold; None where there is none, or it is blank.
    """

    working_directory: Path
    home: Path | None
    runtime: Path
    google_credential: Path | None = None
    database_credential: str | None = field(default=None, repr=False)  # may carry a password
    hash_key_credential: str | None = field(default=None, repr=False)
    cluster_credential: str | None = field(default=None, repr=False)


def default_state_path(environment: Mapping[str, str], places: Places) -> Path | None:
    """`$STATE_DIRECTORY/state.db`, else `mmsync/state.db` in the state home; None where there is no home."""
    given = _first_directory(environment, "STATE_DIRECTORY")
    if given is not None:
        return given / "state.db"
    home = _absolute(environment, "XDG_STATE_HOME")
    if home is None and places.home is not None:
        home = places.home / ".local" / "state"
    return None if home is None else home / "mmsync" / "state.db"


def default_socket_path(environment: Mapping[str, str], places: Places) -> Path:
    """`$RUNTIME_DIRECTORY/control.sock`, else in the session's runtime directory, else in `places.runtime`."""
    given = _first_directory(environment, "RUNTIME_DIRECTORY")
    if given is not None:
        return given / "control.sock"
    session = _absolute(environment, "XDG_RUNTIME_DIR")
    return (places.runtime if session is None else session / "mmsync") / "control.sock"


def _first_directory(environment: Mapping[str, str], name: str) -> Path | None:
    """systemd.exec(5): "If multiple directories are set, the paths are concatenated with colon"."""
    first = environment.get(name, "").split(":")[0]
    return Path(first) if first else None


def _absolute(environment: Mapping[str, str], name: str) -> Path | None:
    """XDG base directories: a relative path is invalid and to be ignored."""
    found = Path(environment.get(name, ""))
    return found if found.is_absolute() else None
