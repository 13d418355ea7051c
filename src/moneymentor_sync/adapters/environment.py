"""Where the configuration comes in: the file, the `.env` beside it, the environment, this machine's places.

Reads and hands over; what any of it means is decided in `core.config`.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from moneymentor_sync.core.client_places import Candidates, ClientPlaces, parse_client_places
from moneymentor_sync.core.config_places import Places
from moneymentor_sync.core.errors import ConfigError

if TYPE_CHECKING:
    from moneymentor_sync.core.settings import Config, SyncSettings

SYSTEM_FILE = Path("/etc/mmsync/sync.toml")
CREDENTIALS = {
    "google": "service-account.json",
    "database_url": "database_url",
    "hash_key": "hash_key",
    "cluster_url": "cluster_url",
}
"""systemd's credentials, and the files beside the system's configuration that the unit makes them of."""
NOT_IN_GROUP = (
    "It is the system service's: run the command with sudo; for what only asks the daemon, be in the group mmsync "
    "(`sudo usermod --append --groups mmsync YOU`, then log in again)."
)
T = TypeVar("T")

# `mmsync status` is asked every few seconds: what it may not need is imported by the function that does.


@dataclass(frozen=True, slots=True)
class _File:
    path: Path
    text: str


def load_config(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    overrides: Mapping[str, object] | None = None,
    system_file: Path = SYSTEM_FILE,
) -> Config:
    """The configuration of a command, or ConfigError with everything that is wrong with it.

    The file is `path` (the flag), else `MMSYNC_CONFIG`, else `sync.toml` in `cwd`, else `system_file`; none is
    fine where the environment says enough. `overrides` are the command line's settings, as `parse_config` takes
    them. `environ` and `cwd` default to the process's.
    """
    from moneymentor_sync.core.config import parse_config

    return _parsed(parse_config, path, environ, cwd, overrides, system_file)


def load_sync_settings(overrides: Mapping[str, object] | None = None) -> SyncSettings:
    """Only `[sync]`, from where `load_config` has it. Raises ConfigError."""
    from moneymentor_sync.core.config import parse_sync_settings

    return _parsed(parse_sync_settings, None, None, None, overrides, SYSTEM_FILE)


def _parsed(
    parse: Callable[..., T],
    path: Path | None,
    environ: Mapping[str, str] | None,
    cwd: Path | None,
    overrides: Mapping[str, object] | None,
    system_file: Path,
) -> T:
    environ = os.environ if environ is None else environ
    cwd = Path.cwd() if cwd is None else cwd
    home = _home(environ)
    file = _find(path, environ, cwd, home, system_file)
    dotenv = (cwd if file is None else file.path.parent) / ".env"
    problems: list[str] = []
    environment = _environment(dotenv, environ, problems)
    secrets = _secrets(environ, system_file.parent if file is not None and file.path == system_file else None)
    places = replace(
        _places(cwd, home),
        google_credential=secrets.get("google"),
        database_credential=_text(secrets.get("database_url"), problems),
        hash_key_credential=_text(secrets.get("hash_key"), problems),
        cluster_credential=_text(secrets.get("cluster_url"), problems),
    )
    toml = {} if file is None else _toml(file, problems)
    if toml is None:
        raise ConfigError(problems)
    try:
        found = parse(
            toml,
            environment,
            file=None if file is None else file.path,
            places=places,
            overrides=overrides,
        )
    except ConfigError as error:
        raise ConfigError([*problems, *error.problems], hint=error.hint) from None
    if problems:
        raise ConfigError(problems)
    return found


def load_places(
    path: Path | None = None,
    *,
    environ: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    system_file: Path = SYSTEM_FILE,
    even_if_broken: bool = False,
) -> ClientPlaces:
    """Where the daemon is, for a command that only talks to it; files and precedence as of `load_config`.

    Only the two settings have to be right, and the TOML well-formed; else ConfigError. The system's file (and a
    `.env`) may be the daemon's alone: one that may not be read is passed over, and is in `unread`. What nothing
    names is where the system service has it, if it is there and the user's own is not. With `even_if_broken` a file
    that is no TOML is passed over, too.
    """
    found, unread = _candidates(
        path, environ=environ, cwd=cwd, system_file=system_file, even_if_broken=even_if_broken
    )
    return ClientPlaces(_first(found.state), _first(found.socket), unread)


def dataset_names(path: Path | None = None) -> list[str]:
    """The datasets that a configuration names, and the built-in ones; files and precedence as of `load_config`.

    Nothing else in it has to be right. Only the built-in ones where it cannot be read or is no TOML.
    """
    from moneymentor_sync.core.config_builtin import BUILTIN_NAMES

    toml: dict[str, Any] | None = None
    with contextlib.suppress(ConfigError, OSError):
        file = _find(path, os.environ, Path.cwd(), _home(os.environ), SYSTEM_FILE)
        toml = _toml(file, []) if file is not None else None
    entries = (toml or {}).get("datasets")
    named = [one.get("name") for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
    return list(dict.fromkeys([*BUILTIN_NAMES, *(name for name in named if isinstance(name, str))]))


def load_socket_paths() -> tuple[Path, ...]:
    """Where a daemon's socket may be, best first, for another service that wants to find one that is started later.

    systemd's directories are not looked at: they are that service's own. Raises ConfigError.
    """
    own = ("RUNTIME_DIRECTORY", "STATE_DIRECTORY")
    environ = {name: value for name, value in os.environ.items() if name not in own}
    return _candidates(None, environ=environ, cwd=None, system_file=SYSTEM_FILE)[0].socket


def _candidates(
    path: Path | None,
    *,
    environ: Mapping[str, str] | None,
    cwd: Path | None,
    system_file: Path,
    even_if_broken: bool = False,
) -> tuple[Candidates, tuple[str, ...]]:
    """The places, and the files that could not be read."""
    environ = os.environ if environ is None else environ
    cwd = Path.cwd() if cwd is None else cwd
    home = _home(environ)
    unread: list[str] = []
    problems: list[str] = []
    file = _own(path, environ, cwd, home) or _system(system_file, unread)
    toml = {} if file is None else _toml(file, problems)
    if toml is None:
        if not even_if_broken:
            raise ConfigError(problems)
        toml, unread = {}, [*unread, *problems]
    dotenv = (cwd if file is None else file.path.parent) / ".env"
    if _is_file(dotenv) and not os.access(dotenv, os.R_OK):
        unread.append(f"{dotenv}: cannot be read: Permission denied")
    environment = _environment(dotenv, environ, [])
    found = parse_client_places(
        toml, environment, file=None if file is None else file.path, places=_places(cwd, home)
    )
    return found, tuple(unread)


def _first(candidates: tuple[Path, ...]) -> Path:
    return next((path for path in candidates if os.path.lexists(path)), candidates[0])


# --- the file ---------------------------------------------------------------------------------------------


def _find(
    flag: Path | None, environ: Mapping[str, str], cwd: Path, home: Path | None, system_file: Path
) -> _File | None:
    return _own(flag, environ, cwd, home) or _read(system_file)


def _own(flag: Path | None, environ: Mapping[str, str], cwd: Path, home: Path | None) -> _File | None:
    """The file that was named, or the one in the working directory."""
    named = _named(flag, environ, home)
    if named is not None:
        file = _read(cwd / named)
        if file is None:
            raise ConfigError(
                [f"{cwd / named}: there is no such file"],
                hint="Name the file with --config or MMSYNC_CONFIG, or write one with `mmsync init`.",
            )
        return file
    # Whoever may not look into the working directory (`sudo -u` in another's home) has no file there.
    return _read(cwd / "sync.toml") if os.access(cwd, os.X_OK) else None


def _system(path: Path, unread: list[str]) -> _File | None:
    """The system's file, for somebody who need not be allowed to read it; noted in `unread` then."""
    try:
        return _read(path)
    except ConfigError as error:
        if not isinstance(error.__cause__, PermissionError):
            raise
        unread += error.problems
        return None


def _named(flag: Path | None, environ: Mapping[str, str], home: Path | None) -> Path | None:
    if flag is not None:
        return flag
    value = environ.get("MMSYNC_CONFIG", "").strip()
    if not value:
        return None
    return home / value[2:] if value.startswith("~/") and home is not None else Path(value)


def _read(path: Path) -> _File | None:
    """The file's text; None where there is no such file."""
    try:
        return _File(path, path.read_text(encoding="utf-8-sig"))
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigError(
            [f"{path}: cannot be read: {error.strerror}"],
            hint=NOT_IN_GROUP if path == SYSTEM_FILE else "Make it a file that the user who runs mmsync may read.",
        ) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: byte {error.start} is not UTF-8"]) from error
    except ValueError as error:  # a path with a NUL character
        raise ConfigError([f"{str(path)!r}: is no path: {error}"]) from error


def _toml(file: _File, problems: list[str]) -> dict[str, Any] | None:
    """The file's tables; None (and a problem with line and column) where it is not TOML."""
    import tomllib

    try:
        return tomllib.loads(file.text)
    except ValueError as error:  # TOMLDecodeError, or a whole number of thousands of digits
        problems.append(f"{file.path}: {error}")
    except RecursionError:
        problems.append(f"{file.path}: is nested too deeply")
    return None


# --- the environment --------------------------------------------------------------------------------------


def _environment(dotenv: Path, environ: Mapping[str, str], problems: list[str]) -> dict[str, str]:
    """What `.env` says, and over it the real variables; one that is set but empty does not count."""
    real = {name: value for name, value in environ.items() if value.strip()}
    if not _is_file(dotenv):  # nothing there, or a directory: a virtual environment may have that name
        return real
    try:
        file = _read(dotenv)
    except ConfigError as error:
        problems.extend(error.problems)
        return real
    lines = [] if file is None else list(_assignments(file, real, problems))
    return {**dict(lines), **real}


def _assignments(file: _File, real: Mapping[str, str], problems: list[str]) -> Iterator[tuple[str, str]]:
    """Names and values, `${NAME}` replaced as python-dotenv does, but from the given environment.

    A line that is no assignment is a problem; it is not repeated, since it may hold a secret.
    """
    import io

    from dotenv.parser import parse_stream
    from dotenv.variables import parse_variables

    before: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(file.text)):
        if binding.error:
            line = binding.original.line + _leading_newlines(binding.original.string)
            problems.append(f"{file.path}: line {line}: is not NAME=value")
        elif binding.key is not None and binding.value is not None:
            known = {**before, **real}
            before[binding.key] = "".join(atom.resolve(known) for atom in parse_variables(binding.value))
            yield binding.key, before[binding.key]


def _leading_newlines(text: str) -> int:
    """How far the blank lines before a statement, which belong to it, move it down."""
    return text[: len(text) - len(text.lstrip())].count("\n")


# --- the machine ------------------------------------------------------------------------------------------


def _places(cwd: Path, home: Path | None) -> Places:
    return Places(
        working_directory=cwd,
        home=home,
        # Not $TMPDIR: the daemon and those who talk to it must agree, whatever their session sets.
        runtime=Path(f"/tmp/mmsync-{os.getuid()}"),  # noqa: S108 (only a name here; who binds checks the owner)
    )


def _home(environ: Mapping[str, str]) -> Path | None:
    """`$HOME`, else what the system has on record; None for a user it does not know."""
    home = Path(environ.get("HOME", ""))
    if home.is_absolute():
        return home
    import pwd

    try:
        return Path(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return None


def _secrets(environ: Mapping[str, str], system: Path | None) -> dict[str, Path]:
    """systemd's credentials (systemd.exec(5), LoadCredential=), by name, those that the unit has.

    A blank one stands for none: it is how a unit says that a credential may be missing (SetCredential=). Outside
    of the unit, for `sudo mmsync check`, they are the files beside the system's configuration that the unit hands
    over, for whoever may read them.
    """
    given = environ.get("CREDENTIALS_DIRECTORY")
    if given:
        found = {name: Path(given) / name for name in CREDENTIALS}
    elif system is not None:
        found = {name: system / file for name, file in CREDENTIALS.items() if os.access(system / file, os.R_OK)}
    else:
        found = {}
    return {name: path for name, path in found.items() if _is_file(path) and not _is_blank(path)}


def _is_blank(path: Path) -> bool:
    """Whether nothing is in a file; one that cannot be read is for whoever needs it to complain about."""
    with contextlib.suppress(OSError):
        return not path.read_bytes().strip()
    return False


def _text(path: Path | None, problems: list[str]) -> str | None:
    if path is None:
        return None
    try:
        file = _read(path)
    except ConfigError as error:
        problems.extend(error.problems)
        return None
    return None if file is None else file.text.strip()


def _is_file(path: Path) -> bool:
    """As `Path.is_file`, and False where the user may not look."""
    return os.access(path, os.F_OK) and path.is_file()
